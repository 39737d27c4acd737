"""The figures of a report, as SVG: the same data give the same file, byte for byte."""

import math
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from swarm.study.measures import Study
from swarm.study.plan import RESET
from swarm.study.stats import LEVEL, Effect

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")  # Okabe & Ito
COLUMNS = 3  # of panels
_STYLE: Any = {
    "svg.hashsalt": "jerne",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
}


def style() -> AbstractContextManager[None]:
    """While entered, figures look as those of a report do."""
    return mpl.rc_context(_STYLE)


def curves(path: Path, study: Study, condition: str, changes: Sequence[str], reference: str) -> None:
    """Tasks per minute around each change: mean over seeds with its 95% band; dotted: minds that start afresh."""
    figure, axes = _panels(len(changes))
    for axis, change in zip(axes, changes, strict=False):
        for i, controller in enumerate(study.controllers):
            times, rates = study.curve(condition, change, controller)
            if not rates.size:
                continue
            colour = COLOURS[i % len(COLOURS)]
            style = "--" if controller == reference else "-"
            axis.plot(times, rates.mean(0), style, color=colour, lw=1.4, label=controller)
            low, high = band(rates)
            axis.fill_between(times, low, high, color=colour, alpha=0.15, lw=0)
            times, rates = study.curve(condition, change, controller, RESET)
            if rates.size:
                after = times >= 0
                axis.plot(times[after], rates.mean(0)[after], ":", color=colour, lw=1.2)
        axis.axvline(0, color="grey", lw=0.8)
        axis.set(title=change, xlabel="s since the change", ylabel="tasks / min", ylim=(0, None))
    _finish(path, figure, axes)


def band(rates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Percentile bootstrap band of the mean of (seeds, T) rates over the seeds."""
    rng = np.random.default_rng(1)
    weights = rng.multinomial(len(rates), np.full(len(rates), 1 / len(rates)), 1000) / len(rates)
    low, high = np.quantile(weights @ rates, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return low, high


def boxes(path: Path, study: Study, condition: str, changes: Sequence[str]) -> None:
    """Tasks per minute after each change: boxes (quartiles, whiskers to 1.5 of their distance) and every seed."""
    figure, axes = _panels(len(changes), height=2.0 + 0.25 * len(study.controllers))
    rng = np.random.default_rng(1)
    for axis, change in zip(axes, changes, strict=False):
        values = [study.values(condition, change, controller, "after") for controller in study.controllers]
        at = np.arange(len(values), 0, -1)
        full = [i for i, value in enumerate(values) if len(value)]
        if full:
            some = [values[i] for i in full]
            axis.boxplot(some, positions=at[full], orientation="horizontal", widths=0.6, showfliers=False)
        for i in full:
            scatter = at[i] + rng.uniform(-0.18, 0.18, len(values[i]))
            axis.plot(values[i], scatter, ".", color=COLOURS[i % len(COLOURS)], ms=4, alpha=0.7)
        axis.set_yticks(at, study.controllers)
        axis.set(title=change, xlabel="tasks / min after the change", xlim=(0, None))
    _finish(path, figure)


def forest(path: Path, rows: Mapping[str, Mapping[str, Effect]], label: str) -> None:
    """Effects with their intervals, one group of lines per controller: group -> line -> effect."""
    lines = [(group, name, effect) for group, effects in rows.items() for name, effect in effects.items()]
    figure = Figure(figsize=(7, 0.8 + 0.22 * len(lines) + 0.1 * len(rows)), layout="constrained")
    axis = figure.subplots()
    y, ticks, names = 0.0, [], []
    for i, (group, effects) in enumerate(rows.items()):
        y -= 0.6
        for name, effect in effects.items():
            y -= 1
            ticks.append(y)
            names.append(f"{group}: {name}")
            if np.isfinite([effect.low, effect.high]).all():
                axis.plot([effect.low, effect.high], [y, y], color=COLOURS[i % len(COLOURS)], lw=1.5)
            if np.isfinite(effect.ratio):
                mark = "D" if name == "all changes" else "o"
                axis.plot([effect.ratio], [y], mark, color=COLOURS[i % len(COLOURS)], ms=5)
    axis.axvline(1, color="grey", lw=0.8)
    axis.set_xscale("log")
    axis.xaxis.set_major_formatter(mpl.ticker.FuncFormatter(lambda x, _: f"{x:g}"))
    axis.xaxis.set_minor_formatter(mpl.ticker.NullFormatter())
    _even_ticks(axis, [v for _, _, e in lines for v in (e.low, e.high, e.ratio) if np.isfinite(v)])
    axis.set_yticks(ticks, names)
    axis.set(xlabel=label, ylim=(y - 0.8, -0.8))
    _finish(path, figure)


def _even_ticks(axis: Any, values: Sequence[float]) -> None:
    """Ticks at round ratios that the data span."""
    low, high = min([*values, 0.9]), max([*values, 1.1])
    round_ones = [0.05, 0.1, 0.2, 0.5, 0.7, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 2, 3, 5, 10, 20]
    span = math.log(high / low)
    ticks = [t for t in round_ones if low / 1.05 <= t <= high * 1.05]
    if span > 1.2:
        ticks = [t for t in ticks if t not in (0.7, 0.8, 0.9, 1.1, 1.25)]
    axis.set_xticks(ticks)
    axis.set_xlim(low / 1.05, high * 1.05)


def diagram(
    path: Path,
    axes_values: Sequence[tuple[str, Sequence[object]]],
    values: Mapping[tuple[object, ...], float],
    label: str,
    *,
    ratio: bool,
) -> None:
    """A phase diagram: `values` by place in the sweep, as heat maps over two axes, or a line over one.

    Further axes, and a leading one for what is not swept, give panels. Ratios are coloured around 1.
    """
    *others, (row_label, row_values), (column_label, column_values) = (
        axes_values if len(axes_values) > 1 else [("", [""]), *axes_values]
    )
    panels = _combinations([v for _, v in others])
    figure, axes = _panels(len(panels), height=1.2 + 0.4 * len(row_values))
    grids = []
    for place in panels:
        keys = [[(*place, r, c) if row_label else (*place, c) for c in column_values] for r in row_values]
        grids.append(np.array([[values.get(key, float("nan")) for key in line] for line in keys]))
    known = np.concatenate([grid[np.isfinite(grid)] for grid in grids])
    if ratio:
        far = max(1.25, float(np.exp(np.abs(np.log(known)).max()))) if len(known) else 2.0
        norm: Any = mpl.colors.LogNorm(1 / far, far)
    else:
        norm = mpl.colors.Normalize(0, float(known.max()) if len(known) else 1.0)
    for axis, place, grid in zip(axes, panels, grids, strict=False):
        image = axis.imshow(grid, cmap="RdBu" if ratio else "viridis", norm=norm, origin="lower", aspect="auto")
        for (r, c), value in np.ndenumerate(grid):
            middle = 0.25 < float(norm(value)) < 0.75 if np.isfinite(value) else True
            colour = "black" if middle and ratio else "white"
            axis.text(c, r, f"{value:.2f}" if np.isfinite(value) else "-", ha="center", va="center", color=colour)
        axis.set_xticks(range(len(column_values)), [str(v) for v in column_values])
        axis.set_yticks(range(len(row_values)), [str(v) for v in row_values])
        named = ", ".join(f"{name} = {value}" for (name, _), value in zip(others, place, strict=True))
        axis.set(xlabel=column_label, ylabel=row_label, title=named)
    bar = figure.colorbar(image, ax=axes[: len(panels)], label=label)
    if ratio:
        bar.ax.yaxis.set_major_formatter(mpl.ticker.FuncFormatter(lambda x, _: f"{x:g}"))
        bar.ax.yaxis.set_minor_formatter(mpl.ticker.FuncFormatter(lambda x, _: f"{x:g}"))
    _finish(path, figure)


def _combinations(parts: Sequence[Sequence[object]]) -> list[tuple[object, ...]]:
    out: list[tuple[object, ...]] = [()]
    for part in parts:
        out = [(*place, value) for place in out for value in part]
    return out


def _panels(count: int, height: float = 2.6) -> tuple[Figure, list[Any]]:
    """So many axes in rows of `COLUMNS`."""
    wide = min(COLUMNS, count)
    rows = -(-count // wide)
    figure = Figure(figsize=(max(4.5, 3.3 * wide), height * rows), layout="constrained")
    axes = figure.subplots(rows, wide, squeeze=False).ravel().tolist()
    for axis in axes[count:]:
        axis.set_visible(False)
    return figure, axes


def _finish(path: Path, figure: Figure, named: Sequence[Any] = ()) -> None:
    """Add one legend for the axes `named` above all, and write the file."""
    handles = {label: handle for axis in named for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)}
    if handles:
        figure.legend(list(handles.values()), list(handles), loc="outside upper center", ncols=4)
    figure.savefig(path, format="svg", metadata={"Date": None})
