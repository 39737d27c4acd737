"""`jerne report`: one self-contained HTML page about a run, or about several side by side.

All figures are SVG in the page, which fetches nothing. They come from the log alone.
"""

import argparse
import math
import os
import re
import statistics
import sys
from collections.abc import Callable, Sequence
from html import escape
from importlib import resources
from itertools import pairwise
from pathlib import Path

import numpy as np

from swarm import record
from swarm.refusal import refuse, unused
from swarm.report import STRATEGIES, TASKS
from swarm.rules import sentence
from swarm.view import charts, raster
from swarm.view.charts import Line, Phase
from swarm.view.history import DEAD, STEP, History, gather
from swarm.view.picture import clock, palette
from swarm.view.rulebook import Known, gathered

RULES = 15  # that are shown
PERIOD = 10  # samples of a rate of signals
POINTS = 30_000  # of all trajectories of a run, at most
ORANGE, BLUE, GREEN, RED, GREY = "#e69f00", "#0072b2", "#009e73", "#cc3311", "#aaaaae"
COLOURS = (ORANGE, BLUE, GREEN, "#cc79a7")  # as STRATEGIES
FAR = "#a8740a"  # of what others do
TASK_COLOURS = ("#d9e6ee", "#f0e442", "#56b4e9", GREEN, "#cc79a7", "#222226")  # as TASKS, then dead

ABOUT = """\
Write one HTML page about a run, or about several side by side: what happened, strategy split and task rate with the
phase changes marked, what each robot did when, trajectories, learnt rules as sentences, the immune network, messages
and losses. The page needs nothing but itself.
"""
EXAMPLES = """\
examples:
  jerne report runs/default-seed1-001                    writes runs/default-seed1-001/report.html
  jerne report runs/with runs/without --out both.html    two runs, side by side
"""


def main(argv: Sequence[str]) -> int:
    """Run `jerne report` with these arguments; the exit status."""
    args = _parser().parse_args(argv)
    if len(args.runs) > 1 and args.out is None:
        return refuse("--out FILE is needed for several runs")
    if args.format is not None and args.figures is None:
        return refuse("--format: is of --figures, which is not there")
    out = args.out or (args.runs[0] if os.path.isdir(args.runs[0]) else args.runs[0].parent) / "report.html"
    try:
        unused("--out", args.out)
        histories = []
        for i, run in enumerate(args.runs, 1):
            if sys.stderr.isatty():
                print(f"\rreading {run} ({i} of {len(args.runs)}) ", end="", file=sys.stderr, flush=True)
            histories.append(gather(record.open_run(run)))
        out.write_text(page(histories, [str(run) for run in args.runs]), encoding="utf-8")
        if args.figures is not None:
            args.figures.mkdir(parents=True, exist_ok=True)
            format_ = args.format or "svg"
            for name, figure in figures(histories).items():
                if format_ != "png":
                    (args.figures / f"{name}.svg").write_text(figure + "\n", encoding="utf-8")
                if format_ != "svg":
                    (args.figures / f"{name}.png").write_bytes(raster.png(figure))
    except OSError as error:
        return refuse(f"{error.filename or out}: cannot be written: {error.strerror}")
    except (ValueError, ModuleNotFoundError) as error:
        return refuse(error)
    for history in histories:
        if history.log.lack:
            print(f"jerne: {history.log.path}: {history.log.lack}", file=sys.stderr)
    print(f"{out}: {math.ceil(out.stat().st_size / 1000):,} kB")
    return 0


def page(histories: Sequence[History], names: Sequence[str]) -> str:
    """The whole page."""
    title = ", ".join(dict.fromkeys(history.stage.mission for history in histories))
    heads = "".join(f"<h2>{escape(_name(h, n))}</h2>" for h, n in zip(histories, names, strict=True))
    about = escape(histories[0].stage.about)
    body = [f"<header><h1>{escape(title)}</h1><p>{about}</p></header>", _grid(heads, len(names))]
    for head, what, draw in _sections(histories):
        cells = "".join(f"<div>{draw(history)}</div>" for history in histories)
        body += [f"<h3>{escape(head)}</h3>", f'<p class="what">{escape(what)}</p>', _grid(cells, len(names))]
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>jerne: {escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_style()}</style></head>\n'
        f"<body>{''.join(body)}</body></html>\n"
    )


def figures(histories: Sequence[History]) -> dict[str, str]:
    """All figures by themselves: name -> SVG."""
    out = {}
    for head, _, draw in _sections(histories):
        for i, history in enumerate(histories, 1):
            for j, figure in enumerate(re.findall(r"<svg.*?</svg>", draw(history)), 1):
                name = re.sub(r"\W+", "-", head.lower()).strip("-")
                out[f"run{i}-{name}-{j}"] = figure.replace(">", f"><style>{_style()}</style>", 1)
    return out


def what_happened(history: History) -> str:
    """The run in words and a table of its phases."""
    stage, count = history.stage, history.places.shape[1]
    left, low, right, high = stage.bounds
    lost = int((history.tasks[-1] == DEAD).sum())
    words = (
        f"{count} robot{'s' * (count > 1)} in {right - left:g} x {high - low:g} m, seed {stage.seed}, "
        f"{clock(history.end)} of {clock(stage.duration)} simulated: <b>{len(history.done)} tasks done</b>. "
    )
    if history.restarts:
        words += f"Robots were started again {history.restarts} times. "
    if lost:
        words += f"{lost} robot{'s were' if lost > 1 else ' was'} gone at the end. "
    if history.log.lack:
        words += f"<b>The log is incomplete: {escape(history.log.lack)}.</b> "
    table: list[tuple[str, ...]] = [("phase", "from", "tasks", "a minute", "median s to do", "aggregate", "at work")]
    for phase, start, end in _phases(history):
        done = [one for one in history.done if start < one.time <= end]
        during = (history.times >= start) & (history.times < end)
        alive = history.tasks[during] != DEAD
        parts = history.strategies[during] == 0, history.tasks[during] == TASKS.index("work")
        shares = [(part & alive).sum() / max(1, alive.sum()) for part in parts]
        took = f"{statistics.median(one.took for one in done):.0f}" if done else "-"
        minute = f"{_rate(history, start, end):.1f}"
        row = (escape(phase), clock(start), str(len(done)), minute, took, *(f"{share:.0%}" for share in shares))
        table.append(row)
    return f"<p>{words}{_recovery(history)}</p>{_table(table)}"


def _recovery(history: History) -> str:
    """How the rate went over each change of phase."""
    said = []
    for (_, before, change), (name, _, end) in pairwise(_phases(history)):
        old, new = _rate(history, before, change), _rate(history, change, min(end, change + 60))
        said.append(f"With <i>{escape(name)}</i> the rate went from {old:.1f} to {new:.1f} a minute at first.")
    return " ".join(said)


def _rate(history: History, start: float, end: float) -> float:
    """Tasks per minute from `start` to `end`, s."""
    return 60 * sum(start < one.time <= end for one in history.done) / max(1e-9, end - start)


def rate(history: History, span: float, top: float) -> str:
    """Task rate over time, with the mean of each phase."""
    middles, values = history.rate()
    smooth = np.convolve(values, np.ones(3) / 3, "same") if len(values) >= 3 else values
    curves = [Line("each 10 s", "#b9dccf", middles.tolist(), values.tolist(), fill=True)]
    curves.append(Line("30 s", GREEN, middles.tolist(), smooth.tolist()))
    for _, start, end in _phases(history):
        mean = _rate(history, start, end)
        curves.append(Line("phase", "#222226", [start, end], [mean, mean]))
    return charts.lines(curves, span, _marks(history), top)


def split(history: History, span: float) -> str:
    """Shares of robots that follow each strategy, on top of each other."""
    times, names = history.times.tolist(), STRATEGIES[: history.antibodies]
    curves = [
        Line(name, COLOURS[i], times, np.nan_to_num(history.split(i)).tolist(), fill=True)
        for i, name in reversed([*enumerate(names)])
    ]
    return _strategies(history) + charts.lines(curves, span, _marks(history), 1.0, 120)


def sites(history: History, span: float, top: float) -> str:
    """Open sites, and those that wait for room."""
    curves = [
        Line("open", BLUE, history.times.tolist(), history.open.tolist()),
        Line("backlog", RED, history.times.tolist(), history.backlog.tolist()),
    ]
    return _legend((BLUE, RED), ("open", "backlog")) + charts.lines(curves, span, _marks(history), top, 110)


def robots(history: History, span: float) -> str:
    """A row for each robot: its tasks over time."""
    values = np.where(history.tasks == DEAD, len(TASKS), history.tasks).T
    values, colours = _spread(values, history, span, len(TASK_COLOURS)), (*TASK_COLOURS, "#ffffff")
    return _legend(TASK_COLOURS, (*TASKS, "process gone")) + charts.rows(values, colours, span, *_labels(history))


def strategies(history: History, span: float) -> str:
    """A row for each robot: its strategies over time."""
    most = history.antibodies
    values = np.where(history.tasks == DEAD, most, history.strategies).T
    values, colours = _spread(values, history, span, most + 1), (*COLOURS[:most], GREY, "#ffffff")
    key = _legend(colours[:-1], (*STRATEGIES[:most], "process gone"))
    return key + charts.rows(values, colours, span, *_labels(history))


def paths(history: History) -> str:
    """A map for each phase: where robots went, and where tasks were done."""
    stage, phases = history.stage, _phases(history)
    colours = {kind: f"#{rgb[0]:02x}{rgb[1]:02x}{rgb[2]:02x}" for kind, rgb in palette(stage).items()}
    step = max(1, math.ceil(history.places.shape[0] * history.places.shape[1] / POINTS))
    out = []
    for name, start, end in phases:
        chosen = np.flatnonzero((history.times >= start) & (history.times <= end))[::step]
        drawn = [path for robot in range(history.places.shape[1]) for path in _pieces(history, chosen, robot)]
        done = [one for one in history.done if start < one.time <= end]
        marks = [(one.x, one.y, colours[one.kind], f"{one.kind}, {clock(one.time)}") for one in done]
        figure = charts.arena(stage.bounds, stage.walls, drawn, marks, 300)
        out.append(f"<figure>{figure}<figcaption>{escape(name)}</figcaption></figure>")
    maps = f'<div class="maps">{"".join(out)}</div>'
    most = history.antibodies
    return _legend((*COLOURS[:most], *colours.values()), (*STRATEGIES[:most], *colours)) + maps


def antibodies(history: History) -> str:
    """The affinity network of the arbiter, where it has one."""
    mission = history.log.mission
    from swarm import mind
    from swarm.arbiters.networks import Calls

    arbiter = mind.start(mission, []).arbiter
    most = history.antibodies
    mean = np.nan_to_num(history.concentrations[-10:, :, :most]).mean((0, 1)).tolist()
    if isinstance(arbiter, Calls):  # of each call; closer rivals are antibodies of other robots
        aggregate, disperse = mean
        p = arbiter.params
        weights = np.array([[p.m, -p.m * p.cross, -p.kappa], [-p.m * p.cross, p.m, 0.0], [0.0, 0.0, 0.0]])
        names, levels = ("call", "disperse", "closer rivals"), (aggregate, disperse, aggregate)
        return charts.network(names, weights, (ORANGE, BLUE, FAR), levels)
    affinity = getattr(arbiter, "affinity", None)
    if not isinstance(affinity, np.ndarray) or affinity.shape != (most, most):
        return f"<p>The arbiter {escape(mission.mind.arbiter)!s} has no network of these antibodies.</p>"
    return charts.network(STRATEGIES[:most], affinity, COLOURS[:most], mean)


def concentrations(history: History, span: float) -> str:
    """Mean concentrations over time."""
    alive = (history.tasks != DEAD)[..., None]
    mean = (np.nan_to_num(history.concentrations) * alive).sum(1) / np.maximum(1, alive.sum(1))
    curves = [
        Line(name, COLOURS[i], history.times.tolist(), mean[:, i].tolist())
        for i, name in enumerate(STRATEGIES[: history.antibodies])
    ]
    return _strategies(history) + charts.lines(curves, span, _marks(history), 1.0, 110)


def messages(history: History, span: float, top: float) -> str:
    """Signals heard and lost a second."""
    steps = _signals(history)
    times = history.times[::PERIOD][1:].tolist()
    curves = [Line("heard", GREEN, times, steps[:, 1].tolist()), Line("lost", RED, times, steps[:, 2].tolist())]
    said, heard, lost = history.radio[-1].tolist()
    share = lost / (heard + lost) if heard + lost else 0.0
    words = f"<p>{said} signals said, heard {heard} times, lost {lost} times ({share:.1%} of those in range).</p>"
    return words + _legend((GREEN, RED), ("heard", "lost")) + charts.lines(curves, span, _marks(history), top, 110)


def rules(history: History) -> str:
    """The strongest rules as sentences."""
    entries = gathered([Known(t.robot, t.tick, t.rules or []) for t in history.rules.values()])[:RULES]
    if not entries:
        return "<p>None were told.</p>"
    items = [
        f"<li>{escape(sentence(entry.rule, history.stage.signatures))}"
        + (f" <small>{len(entry.robots)} robots</small>" if len(entry.robots) > 1 else "")
        + "</li>"
        for entry in entries
    ]
    return f"<ol>{''.join(items)}</ol>"


def events(history: History) -> str:
    """What was worth a warning."""
    loud = [event for event in history.events if event.level != "info"]
    rows = [(clock(event.time), escape(event.level), escape(event.text)) for event in loud[:40]]
    more = f"<p>and {len(loud) - 40} more</p>" if len(loud) > 40 else ""
    return _table([("time", "level", "what"), *rows]) + more if rows else "<p>None.</p>"


# --- parts -----------------------------------------------------------------------------------------------


def _sections(histories: Sequence[History]) -> list[tuple[str, str, Callable[[History], str]]]:
    """Heading, a line below it, and what draws it for one run, all on the same scales."""
    span = max(history.end for history in histories)
    rates = max([1.0, *(float(h.rate()[1].max()) for h in histories if len(h.rate()[1]))])
    waiting = float(max(1, *(max(h.open.max(), h.backlog.max()) for h in histories)))
    heard = max([1.0, *(float(_signals(h)[:, 1:].max()) for h in histories if len(_signals(h)))])
    return [
        ("What happened", "", what_happened),
        ("Tasks done per minute", "in each 10 s; black: mean of the phase", lambda h: rate(h, span, rates)),
        ("Strategy split", "share of living robots", lambda h: split(h, span)),
        ("Open sites and backlog", "backlog: sites that find no room", lambda h: sites(h, span, waiting)),
        ("What each robot did", "a row for each robot", lambda h: robots(h, span)),
        ("Each robot's strategy", "a row for each robot", lambda h: strategies(h, span)),
        ("Trajectories", "coloured by strategy; dots are tasks done, in the colour of their kind", paths),
        ("Immune network", "dashed arrows suppress, others stimulate; mean concentrations at the end", antibodies),
        ("Concentrations", "mean of all living robots", lambda h: concentrations(h, span)),
        ("Messages", "signals a second", lambda h: messages(h, span, heard)),
        ("Learnt rules", f"the {RULES} strongest of all robots, as they told them last", rules),
        ("Warnings and errors", "", events),
    ]


def _style() -> str:
    return resources.files("swarm.view").joinpath("report.css").read_text("utf-8")


def _phases(history: History) -> list[tuple[str, float, float]]:
    """Name, start and end (s) of the phases that the log reaches."""
    starts = [start for start, _ in history.stage.phases] + [history.stage.duration]
    return [
        (name or f"phase {i + 1}", start, min(starts[i + 1], history.end))
        for i, (start, name) in enumerate(history.stage.phases)
        if start < history.end
    ]


def _signals(history: History) -> np.ndarray:
    """Signals said, heard, lost a second, one row for each `PERIOD` samples."""
    steps: np.ndarray = np.diff(history.radio[::PERIOD].astype(float), axis=0) / (PERIOD * STEP)
    return steps


def _marks(history: History) -> list[Phase]:
    return [Phase(start, name) for name, start, _ in _phases(history)]


def _labels(history: History) -> tuple[list[Phase], list[str]]:
    return _marks(history), [str(robot) for robot in range(history.places.shape[1])]


def _spread(values: np.ndarray, history: History, span: float, nothing: int) -> np.ndarray:
    """`values` (N, T) with columns of `nothing` up to `span`, so that runs of different length line up."""
    missing = round((span - history.end) / STEP)
    return np.pad(values, ((0, 0), (0, max(0, missing))), constant_values=nothing)


def _pieces(history: History, chosen: np.ndarray, robot: int) -> list[tuple[str, np.ndarray]]:
    """A robot's way, cut where its strategy changes."""
    if len(chosen) < 2:
        return []
    strategy = history.strategies[chosen, robot]
    cuts = np.flatnonzero(np.diff(strategy)) + 1
    pieces = np.split(np.arange(len(chosen)), cuts)
    return [
        (COLOURS[int(strategy[piece[0]])], history.places[chosen[piece[0] : piece[-1] + 2], robot]) for piece in pieces
    ]


def _name(history: History, name: str) -> str:
    return f"{history.stage.mission}, seed {history.stage.seed} ({name})"


def _strategies(history: History) -> str:
    """The key to the colours of its strategies."""
    most = history.antibodies
    return _legend(COLOURS[:most], STRATEGIES[:most])


def _legend(colours: Sequence[str], names: Sequence[str]) -> str:
    boxes = (
        f'<span class="box" style="background:{colour}"></span>{escape(name)}'
        for colour, name in zip(colours, names, strict=True)
    )
    return f'<p class="key">{" ".join(boxes)}</p>'


def _grid(cells: str, count: int) -> str:
    return f'<div class="grid" style="--runs:{count}">{cells}</div>'


def _table(rows: Sequence[Sequence[str]]) -> str:
    head, *rest = rows
    lines = ["<tr>" + "".join(f"<th>{cell}</th>" for cell in head) + "</tr>"]
    lines += ["<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rest]
    return f"<table>{''.join(lines)}</table>"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "jerne report", description=ABOUT, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="a run's folder, or its ticks.mcap")
    parser.add_argument("--figures", type=Path, metavar="DIR", help="write each figure as a file too")
    parser.add_argument("--format", choices=("svg", "png", "both"), help="of --figures (default: svg)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="the page (default: report.html in the run's folder)")
    return parser
