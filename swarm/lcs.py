"""`jerne lcs`: the classifier system by itself, on multiplexers, mazes and data sets."""

import argparse
import inspect
import json
import math
import re
import sys
import time
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from classifier import maze as mazes
from classifier import scs, tables
from classifier import team as teams
from classifier.params import Params
from robots import check
from swarm import missionfile
from swarm.refusal import refuse, unused

MOST_SEEDS, MOST_PROBLEMS = 1000, 10_000_000  # the latter are drawn at once: a gigabyte or two
ADDRESSES = {3: 1, 6: 2, 11: 3, 20: 4, 37: 5}
STANDARD = {3: (400, 0.33), 6: (400, 0.33), 11: (800, 0.33), 20: (2000, 0.5), 37: (5000, 0.65)}  # capacity, P#
PROBLEMS = {3: 2000, 6: 5000, 11: 20_000, 20: 60_000, 37: 400_000}
P = TypeVar("P", Params, scs.Params)
Figures = dict[str, Any]  # of one seed


class LcsError(ValueError):
    """Bad input: a file, a key or a value."""


def main(argv: Sequence[str]) -> int:
    """Run `jerne lcs` with these arguments; the exit status."""
    args = _parser().parse_args(argv)
    return run(args)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("jerne lcs", description="The classifier system by itself.")
    tasks = parser.add_subparsers(title="tasks", metavar="TASK", required=True)
    mux = tasks.add_parser("mux", help="the multiplexer problem", description="Solve the multiplexer problem.")
    mux.add_argument("--bits", type=int, choices=ADDRESSES, default=6, help="of a situation (default: 6)")
    mux.add_argument(
        "--problems",
        type=int,
        help=f"pairs of one explore and one exploit problem (default, by --bits: {_spread([*PROBLEMS.values()])})",
    )
    mux.set_defaults(task=_mux)
    maze = tasks.add_parser("maze", help="find food in a maze", description="Find food in a maze.")
    maze.add_argument("file", metavar="FILE", help="a map in text, or woods1, maze4, maze5, maze6")
    maze.add_argument("--problems", type=int, default=5000, help="explore problems (default: 5000)")
    maze.set_defaults(task=_maze)
    csv = tasks.add_parser("csv", help="classify the rows of a table", description="Classify the rows of a table.")
    csv.add_argument("file", type=Path, metavar="FILE", help="comma-separated, with a line of names; numbers")
    csv.add_argument("--target", required=True, metavar="COLUMN", help="the column to predict")
    csv.add_argument("--problems", type=int, default=20_000, help="lessons (default: 20000)")
    csv.set_defaults(task=_csv)
    team = tasks.add_parser(
        "team",
        help="a task that several learners solve together, and that changes",
        description="Several learners are paid if all do the right thing; halfway another thing is right.",
    )
    team.add_argument("--agents", type=int, default=2, metavar="N", help="learners in the team (default: 2)")
    team.add_argument("--problems", type=int, default=60_000, help="steps (default: 60000)")
    team.add_argument("--change", type=int, metavar="STEP", help="when another thing is right (default: halfway)")
    team.set_defaults(task=_team)
    auction = tasks.add_parser(
        "scs",
        help="the multiplexer problem by bids and taxes",
        description="The simple classifier system of Goldberg 1989 on the multiplexer problem.",
    )
    auction.add_argument("--bits", type=int, choices=[3, 6, 11], default=6, help="of a situation (default: 6)")
    auction.add_argument("--problems", type=int, default=6000, help="problems (default: 6000)")
    auction.set_defaults(task=_scs)
    standards: dict[argparse.ArgumentParser, list[Any]] = {
        mux: [Params.standard(*standard) for standard in STANDARD.values()],
        maze: [mazes.params()],
        csv: [tables.params()],
        team: [teams.params()],
        auction: [scs.Params()],
    }
    for task, standard in standards.items():
        task.add_argument("--seeds", type=int, default=1, metavar="K", help="seeds 1 to K (default: 1)")
        task.add_argument("--json", action="store_true", help="the results as JSON")
        task.add_argument("--params", type=Path, metavar="FILE", help="parameters in a TOML file")
        task.add_argument("--picture", type=Path, metavar="FILE", help="draw the learning curves (PNG)")
        group = task.add_argument_group("parameters of the classifier system", "bool: true or false")
        meanings = _meanings(type(standard[0]))
        for field in fields(standard[0]):
            kind = type(field.default)
            default = _spread([getattr(params, field.name) for params in standard])
            by_bits = ", by --bits" if " to " in default else ""
            group.add_argument(
                f"--{field.name.replace('_', '-')}",
                dest=f"set_{field.name}",
                type=_truth if kind is bool else kind,
                metavar=kind.__name__,
                help=f"{meanings[field.name]} (default{by_bits}: {default})".replace("%", "%%"),
            )
    return parser


def _meanings(params: type) -> dict[str, str]:
    """What the parameters of a class mean: the comments behind them."""
    return dict(re.findall(r"^ {4}(\w+): \w+ = \S+  # (.+)$", inspect.getsource(params), re.MULTILINE))


def _spread(values: Sequence[Any]) -> str:
    """One value, or from where to where they go."""
    low, high = (
        str(value).lower() if isinstance(value, bool) else f"{value:g}" for value in (min(values), max(values))
    )
    return low if low == high else f"{low} to {high}"


def run(args: argparse.Namespace) -> int:
    """Run the task for all seeds and print what came out; the exit status."""
    try:
        for name, most in (("seeds", MOST_SEEDS), ("problems", MOST_PROBLEMS)):
            if (value := getattr(args, name)) is not None and not 1 <= value <= most:
                raise ValueError(f"--{name} {value}: must lie in [1, {most}]")
        unused("--picture", args.picture, ".png")
    except ValueError as error:
        return refuse(error)
    try:
        columns, curves = args.task(args)
    except ValueError as error:
        return refuse(error)
    if args.json:
        print(json.dumps(_finite(columns), allow_nan=False))
    else:
        _show(columns["seeds"])
    if args.picture is not None:
        try:
            _draw(args.picture, curves)
        except OSError as error:
            return refuse(f"--picture {args.picture}: {error.strerror}")
    return 0


def _finite(value: Any) -> Any:
    """The same with None for numbers that JSON does not have."""
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def parameters(args: argparse.Namespace, standard: P) -> P:
    """The standard ones, changed by the TOML file and then by the options. Raises LcsError, MissionError."""
    changes: dict[str, Any] = {}
    known = {field.name: type(field.default) for field in fields(standard)}
    if args.params is not None:
        try:
            changes = tomllib.loads(missionfile.text_of(args.params))
        except tomllib.TOMLDecodeError as error:
            raise LcsError(f"{args.params}: {error}") from None
        for key, value in changes.items():
            if key not in known:
                raise LcsError(f"{args.params}: {key} = {value}: unknown key{check.nearest(key, known)}")
            if type(value) is not known[key] and not (known[key] is float and type(value) is int):
                raise LcsError(f"{args.params}: {key} = {value!r}: must be of type {known[key].__name__}")
    given = {name: getattr(args, f"set_{name}") for name in known}
    try:
        return replace(standard, **changes, **{name: value for name, value in given.items() if value is not None})
    except ValueError as error:
        raise LcsError(f"{args.params or 'options'}: {error}") from None
    except TypeError:
        both = sorted(set(changes) & {name for name, value in given.items() if value is not None})
        raise LcsError(f"{both[0]}: given in {args.params} and as an option") from None


def _mux(args: argparse.Namespace) -> tuple[Figures, list[np.ndarray]]:
    from classifier import reading
    from classifier.environments import practise_multiplexer, problems_until, solve_multiplexer
    from classifier.population import count_rules

    params = parameters(args, Params.standard(*STANDARD[args.bits]))
    problems = args.problems or PROBLEMS[args.bits]

    def one(seed: int) -> tuple[Figures, np.ndarray]:
        pop, right = solve_multiplexer(ADDRESSES[args.bits], problems, seed, params)
        solved = problems_until(right, 100)
        some = (
            np.arange(2**args.bits)
            if args.bits <= 11
            else np.random.default_rng(seed).integers(2**args.bits, size=9999)
        )
        figures = {
            "100 right after": solved,
            "last 1000 right": float(right[-1000:].mean()),
            "rules": count_rules(pop),
        }
        few = [reading.condense(pop, some, params)]
        still = replace(params, chi=0.0, mu=0.0)  # a while without new rules [Wilson 1995], which may lose some as well
        practise_multiplexer(pop, ADDRESSES[args.bits], max(problems // 5, 1), seed, still, first=problems)
        figures["condensed"] = min(map(count_rules, [*few, reading.condense(pop, some, params)]))
        return figures, right

    return _seeds(args, params, one)


def _maze(args: argparse.Namespace) -> tuple[Figures, list[np.ndarray]]:
    world = mazes.load(args.file)
    params = parameters(args, mazes.params())
    shortest = float(mazes.shortest(world).mean())

    def one(seed: int) -> tuple[Figures, np.ndarray]:
        pop, steps = mazes.practise(world, args.problems, seed, params)
        greedy = mazes.greedy(pop, world, params, seed)
        figures = {
            "mean steps": round(float(greedy.mean()), 3),
            "shortest": round(shortest, 3),
            "starts that fail": int((greedy >= mazes.MOST).sum()),
            "rules": int(np.count_nonzero(pop.numerosity)),
        }
        return figures, steps

    return _seeds(args, params, one)


def _csv(args: argparse.Namespace) -> tuple[Figures, list[np.ndarray]]:
    data = tables.read(args.file, args.target)
    params = parameters(args, tables.params())

    def one(seed: int) -> tuple[Figures, np.ndarray]:
        score = tables.crossvalidate(data, args.problems, seed, params)
        return {"accuracy, mean of 10 folds": round(float(score.mean()), 4), "worst fold": float(score.min())}, score

    return _seeds(args, params, one)


def _team(args: argparse.Namespace) -> tuple[Figures, list[np.ndarray]]:
    params = parameters(args, teams.params())
    change = args.problems // 2 if args.change is None else args.change

    def one(seed: int) -> tuple[Figures, np.ndarray]:
        course = teams.practise(args.agents, args.problems, seed, params, change)
        figures = {
            "all known after": course.mastered(),
            "again after": course.mastered(change),
            "solved at the end": float(course.solved[-1000:].mean()),
        }
        return figures, course.solved

    return _seeds(args, params, one)


def _scs(args: argparse.Namespace) -> tuple[Figures, list[np.ndarray]]:
    from classifier.environments import auction_multiplexer

    params = parameters(args, scs.Params())

    def one(seed: int) -> tuple[Figures, np.ndarray]:
        _, right = auction_multiplexer(ADDRESSES[args.bits], args.problems, seed, params)
        return {"last 1000 right": float(right[-1000:].mean())}, right

    return _seeds(args, params, one)


def _seeds(
    args: argparse.Namespace, params: Params | scs.Params, one: Callable[[int], tuple[Figures, np.ndarray]]
) -> tuple[Figures, list[np.ndarray]]:
    rows, curves = [], []
    for seed in range(1, args.seeds + 1):
        if sys.stderr.isatty():
            print(f"\rseed {seed} of {args.seeds} ", end="", file=sys.stderr, flush=True)
        start = time.process_time()
        figures, curve = one(seed)
        rows.append({"seed": seed, **figures, "CPU s": round(time.process_time() - start, 2)})
        curves.append(curve)
    if sys.stderr.isatty():
        print("\r", end="", file=sys.stderr)
    return {"params": asdict(params), "seeds": rows}, curves


def _show(rows: Sequence[Figures]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None)
    for name in rows[0]:
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(*("never" if value is None else f"{value:g}" for value in row.values()))
    Console().print(table)


def _draw(path: Path, curves: Sequence[np.ndarray]) -> None:
    """Moving averages of all seeds, in grey, and their mean."""
    from PIL import Image, ImageDraw

    width, height, edge = 800, 400, 30
    window = max(1, len(curves[0]) // 100)
    smooth = np.array([np.convolve(curve, np.ones(window) / window, "valid") for curve in curves])
    top = max(float(smooth.max()), 1e-9)
    image = Image.new("RGB", (width, height), "white")
    pen = ImageDraw.Draw(image)
    x = edge + np.linspace(0, width - 2 * edge, smooth.shape[1])
    for curve, colour in [*((one, "lightgrey") for one in smooth), (smooth.mean(0), "black")]:
        y = height - edge - (height - 2 * edge) * curve / top
        pen.line(np.stack([x, y], -1).ravel().tolist(), colour, 2)
    pen.line([edge, edge, edge, height - edge, width - edge, height - edge], "black")
    pen.text((2, edge - 12), f"{top:.3g}", "black")
    pen.text((width - 2 * edge, height - edge + 6), str(len(curves[0])), "black")
    image.save(path)


def _truth(text: str) -> bool:
    if text not in ("true", "false"):
        raise argparse.ArgumentTypeError(f"{text!r}: must be true or false")
    return text == "true"
