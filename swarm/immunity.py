"""`jerne immune`: how a mission's immune network answers its antigens, as text and as a picture."""

import argparse
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from immune import stability
from immune.affinity import names_of
from immune.params import RANGES, Params
from swarm import affinities, missionfile
from swarm.refusal import apart, refuse, unused

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

ABOUT = """\
The immune network of a mission: what its affinities couple, how fast it follows when the antigen turns
round, and where in the space of its parameters it would do so.

The antigen first asks for aggregation for a while and then for dispersion, as strongly (of four antibodies, for
each and then for the next). The lag is how long
the network goes on with what was right before. A network that winds up lags the longer the longer a
regime lasted; one that never turns round is shown as "never".
"""
EXAMPLES = """\
examples:
  jerne immune                                  of the default mission
  jerne immune mine.toml --set mind.immune.eta=0
  jerne immune --picture map.png                the stability map over alpha, beta, eta and k
  jerne immune --write net.graphml              its affinities, to be edited with another program
  jerne immune --read net.graphml --graph net.png   what is wrong with those, and a picture of them
"""
MAPPED = ("alpha", "beta", "eta", "k")
BEFORE = (20, 100, 500, 2000)  # ticks that the first regime lasts
COLOURS = ("#d55e00", "#0072b2", "#009e73", "#cc79a7")  # of antibodies
CELLS = 9  # values of each parameter on the map


def main(argv: Sequence[str]) -> int:
    """Run `jerne immune` with these arguments; the exit status."""
    parser = argparse.ArgumentParser(
        "jerne immune", description=ABOUT, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("mission", nargs="?", default="default", metavar="MISSION", help="file or name, see `jerne missions`")
    add("--set", action="append", default=[], metavar="KEY=VALUE", dest="sets", help="as in mind.immune.eta=0")
    add("--antigen", type=float, default=0.9, metavar="G", help="of the strategy that is asked for (default: 0.9)")
    add("--other", type=float, default=0.4, metavar="G", help="of the other one (default: 0.4)")
    add("--picture", type=Path, metavar="FILE", help="draw the response and the stability map (PNG)")
    add("--read", type=Path, metavar="FILE", help="affinities from a GraphML file instead of the mission's")
    add("--write", type=Path, metavar="FILE", help="write the affinities as GraphML")
    add("--graph", type=Path, metavar="FILE", help="draw the affinities as a graph (PNG)")
    args = parser.parse_args(argv)
    try:
        for flag, path, suffixes in (
            ("--picture", args.picture, [".png"]),
            ("--write", args.write, []),
            ("--graph", args.graph, [".png"]),
        ):
            unused(flag, path, *suffixes)
        apart(("--picture", args.picture), ("--write", args.write), ("--graph", args.graph))
        for name in ("antigen", "other"):
            if not 0 <= getattr(args, name) <= 1:
                raise ValueError(f"--{name} = {getattr(args, name)}: must lie in [0, 1]")
        mission = missionfile.load(missionfile.find(args.mission), args.sets)
        params = mission.mind.immune
        if args.read is not None:
            rows = affinities.read(args.read, params.antibodies).tolist()
            params = replace(params, affinity=tuple(map(tuple, rows)))
            print(f"affinities of {args.read}, in a mission: mind.immune.affinity = {rows}")
        print("\n".join(report(params, args.antigen, args.other, mission.tick)))
        if args.picture is not None:
            draw(params, args.antigen, args.other).save(args.picture)
            print(f"{args.picture}: written")
        if args.write is not None:
            affinities.write(args.write, params.matrix())
            print(f"{args.write}: written")
        if args.graph is not None:
            affinities.draw(params.matrix()).save(args.graph)
            print(f"{args.graph}: written")
    except OSError as error:
        return refuse(f"{error.filename}: {error.strerror}")
    except ValueError as error:
        return refuse(error)
    return 0


def report(params: Params, high: float, low: float, tick: float) -> list[str]:
    """Lines of text: the affinities, what is wrong with the network, its lags, and how they change nearby."""
    names = [field.name for field in fields(Params) if field.name in RANGES]
    lines = ["parameters  " + "  ".join(f"{name} {getattr(params, name):g}" for name in names)]
    matrix = params.coupling()
    lines += [
        f"acts on {name:10} " + "  ".join(f"{w:+5.2f}" for w in row)
        for name, row in zip(names_of(params.antibodies), matrix, strict=True)
    ]
    lines += [f"found: {finding}" for finding in stability.findings(params)]
    lines.append(f"antigen {high:g} against {low:g}, turned round; ticks of {tick:g} s until the strategy follows:")
    called = names_of(params.antibodies)
    for turn in _turns(params.antibodies):
        words = "" if len(called) == 2 else f"  from {called[turn[0]]} to {called[turn[1]]}"
        lags = [stability.lag(params, high, low, before, turn) for before in BEFORE]
        lines += [f"  after {before:5d} ticks  {_words(lag)}{words}" for before, lag in zip(BEFORE, lags, strict=True)]
    lines.append(f"the same after {BEFORE[1]} ticks, with one parameter changed:")
    for name in MAPPED:
        values = _values(name, getattr(params, name))
        changed = [stability.lag(_changed(params, **{name: value}), high, low, BEFORE[1]) for value in values]
        lines.append(
            f"  {name:5} " + "  ".join(f"{v:.3g}: {_words(lag)}" for v, lag in zip(values, changed, strict=True))
        )
    return lines


def draw(params: Params, high: float, low: float) -> "Image":
    """The response to the step, and maps of the lag over each pair of parameters (dark: slow, red: never)."""
    import PIL.Image
    import PIL.ImageDraw

    image = PIL.Image.new("RGB", (980, 720), "white")
    pen = PIL.ImageDraw.Draw(image)
    _draw_response(pen, params, high, low)
    pairs = [("alpha", "beta"), ("alpha", "eta"), ("alpha", "k"), ("beta", "eta"), ("beta", "k"), ("eta", "k")]
    for place, (across, up) in enumerate(pairs):
        left, top = 60 + 310 * (place % 3), 240 + 240 * (place // 3)
        xs, ys = _values(across, getattr(params, across)), _values(up, getattr(params, up))
        for i, x in enumerate(xs):
            for j, y in enumerate(ys):
                lag = stability.lag(_changed(params, **{across: x, up: y}), high, low, BEFORE[1])
                box = (left + 20 * i, top + 20 * (CELLS - 1 - j))
                pen.rectangle([*box, box[0] + 19, box[1] + 19], fill=_colour(lag))
        here = CELLS // 2
        pen.rectangle([left + 20 * here, top + 20 * here, left + 20 * here + 19, top + 20 * here + 19], outline="black")
        pen.text((left, top + 20 * CELLS + 4), f"{across} {xs[0]:.3g} to {xs[-1]:.3g}", "black")
        pen.text((left, top - 14), f"{up} {ys[0]:.3g} to {ys[-1]:.3g} (up)", "black")
    pen.text((60, 700), f"lag in ticks after {BEFORE[1]}: light 1, dark 100 and more, red never", "black")
    return image


def _draw_response(pen: "ImageDraw", params: Params, high: float, low: float) -> None:
    before, after = BEFORE[1], 100
    S = stability.response(params, high, low, before, after)
    left, top, width, height = 60, 30, 860, 160
    most = max(1.0, float(np.abs(S).max()))
    x = left + np.linspace(0, width, len(S))
    for i, colour in enumerate(COLOURS[: params.antibodies]):
        y = top + height / 2 * (1 - S[:, i] / most)
        pen.line(np.stack([x, y], -1).ravel().tolist(), colour, 2)
    turn = left + width * before / len(S)
    pen.line([turn, top, turn, top + height], "grey")
    pen.line([left, top + height / 2, left + width, top + height / 2], "lightgrey")
    others = "" if params.antibodies == 2 else ", search (green) and home (purple)"
    pen.text(
        (left, top - 18),
        f"S of aggregate (orange) and disperse (blue){others}, +-{most:.2g}; the antigen turns at the line",
        "black",
    )


def _turns(antibodies: int) -> list[tuple[int, int]]:
    """Who is asked for first, and who then: of four each after the one before it, and the first after the last."""
    return [(0, 1)] if antibodies == 2 else [(i, (i + 1) % antibodies) for i in range(antibodies)]


def _changed(params: Params, **values: float) -> Params:
    return replace(params, **dict[str, Any](values))


def _values(name: str, here: float) -> list[float]:
    """`CELLS` values of a parameter around the present one, which is in the middle."""
    low, high = RANGES[name]
    if here == 0:
        steps = np.linspace(-0.4, 0.4, CELLS) if low < 0 else np.linspace(0, 0.8, CELLS)
    else:
        steps = here * 2.0 ** np.linspace(-2, 2, CELLS)
    return [min(high, max(low, float(step))) for step in steps]


def _words(lag: int | None) -> str:
    return "never" if lag is None else str(lag)


def _colour(lag: int | None) -> tuple[int, int, int]:
    if lag is None:
        return 200, 40, 40
    shade = round(235 - 205 * min(1.0, np.log(lag) / np.log(100)))
    return shade, shade, min(255, shade + 20)
