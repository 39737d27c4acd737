"""Figures for the report as SVG text, drawn without a plotting library: pure functions.

All have time (s) on the x-axis, from 0 to `span`, with a line where a phase begins, so that figures below each
other line up.
"""

import math
from base64 import b64encode
from collections.abc import Sequence
from html import escape
from io import BytesIO
from typing import NamedTuple

import numpy as np
from PIL import Image

from swarm.view.picture import clock

WIDTH = 620  # of a figure, in user units
LEFT, RIGHT, TOP, BOTTOM = 46, 10, 20, 22  # margins
INK, FAINT, GRID = "#222226", "#77777c", "#e4e4e2"


class Line(NamedTuple):
    """A curve, or with `fill` the area below it."""

    name: str
    colour: str
    x: Sequence[float]
    y: Sequence[float]
    fill: bool = False


class Phase(NamedTuple):
    """Where a phase begins, s."""

    start: float
    name: str


def lines(curves: Sequence[Line], span: float, phases: Sequence[Phase], top: float, height: int = 150) -> str:
    """Curves over time, from 0 to `top`."""
    top, parts = nice(top), list[str]()
    for share in (0.0, 0.5, 1.0):
        y = _y(share, height)
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="{GRID}"/>')
        parts.append(_text(LEFT - 5, y + 4, f"{share * top:g}", "end"))
    for curve in curves:
        points = [
            f"{_x(x, span):.1f},{_y(min(1.0, y / top), height):.1f}"
            for x, y in zip(curve.x, curve.y, strict=True)
            if math.isfinite(y)
        ]
        if not points:
            continue
        if curve.fill:
            first, last = _x(curve.x[0], span), _x(curve.x[-1], span)
            area = f"{first:.1f},{_y(0, height):.1f} {' '.join(points)} {last:.1f},{_y(0, height):.1f}"
            parts.append(f'<polygon points="{area}" fill="{curve.colour}"/>')
        else:
            style = f'fill="none" stroke="{curve.colour}" stroke-width="1.8"'
            parts.append(f'<polyline points="{" ".join(points)}" {style}/>')
    return _svg(height, [*parts, _frame(span, phases, height)])


def rows(values: np.ndarray, colours: Sequence[str], span: float, phases: Sequence[Phase], names: Sequence[str]) -> str:
    """A row for each robot, its colour over time: `values` (N, T) are indices into `colours`."""
    count = max(1, len(values))
    row = max(1, min(16, 480 // count))
    height = TOP + BOTTOM + row * count
    inks = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in colours], np.uint8)
    image = Image.fromarray(inks[values]) if values.size else Image.new("RGB", (1, 1), "white")
    buffer = BytesIO()
    image.save(buffer, "PNG", optimize=True)
    data = b64encode(buffer.getvalue()).decode()
    place = f'x="{LEFT}" y="{TOP}" width="{WIDTH - LEFT - RIGHT}" height="{row * count}"'
    parts = [
        f'<image {place} preserveAspectRatio="none" style="image-rendering:pixelated" '
        f'href="data:image/png;base64,{data}"/>',
        _frame(span, phases, height),
    ]
    every = max(1, math.ceil(12 / row))
    parts += [_text(LEFT - 5, TOP + row * (i + 0.5) + 4, name, "end") for i, name in enumerate(names) if i % every == 0]
    return _svg(height, parts)


def arena(
    bounds: tuple[float, float, float, float],
    walls: Sequence[tuple[float, float, float, float]],
    paths: Sequence[tuple[str, np.ndarray]],
    marks: Sequence[tuple[float, float, str, str]],
    width: int,
) -> str:
    """The floor from above: `paths` are colours and (T, 2) places in m, `marks` x, y, colour, what it is."""
    left, low, right, high = bounds
    scale = width / (right - left)
    height = round(scale * (high - low))

    def at(x: float, y: float) -> tuple[float, float]:
        return (x - left) * scale, (high - y) * scale

    parts = [f'<rect width="{width}" height="{height}" fill="#fff" stroke="{FAINT}"/>']
    for x, y, across, deep in walls:
        corner = at(x - across / 2, y + deep / 2)
        size = f'width="{across * scale:.1f}" height="{deep * scale:.1f}"'
        parts.append(f'<rect x="{corner[0]:.1f}" y="{corner[1]:.1f}" {size} fill="#5c5c60"/>')
    for colour, path in paths:
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in (at(*place) for place in path.tolist()))
        style = f'fill="none" stroke="{colour}" stroke-opacity="0.35" stroke-width="1"'
        parts.append(f'<polyline points="{points}" {style}/>')
    for x, y, colour, name in marks:
        a, b = at(x, y)
        title = f"<title>{escape(name)}</title>"
        parts.append(f'<circle cx="{a:.1f}" cy="{b:.1f}" r="4" fill="{colour}" stroke="{INK}">{title}</circle>')
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">{"".join(parts)}</svg>'


def network(names: Sequence[str], weights: np.ndarray, colours: Sequence[str], levels: Sequence[float]) -> str:
    """Antibodies on a circle, their size by `levels` (0 to 1); an arrow from j to i for each weight m_ij but 0."""
    size, reach = 420, 130
    height = 210 if len(names) == 2 else 330
    angles = [math.pi + 2 * math.pi * i / len(names) for i in range(len(names))]
    places = [(size / 2 + reach * math.cos(a), height / 2 + 0.6 * reach * math.sin(a)) for a in angles]
    radius = [16 + 22 * level for level in levels]
    parts = [
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path d="M0 0 L8 4 L0 8 z" fill="{INK}"/></marker></defs>'
    ]
    for i, j in np.argwhere(weights).tolist():
        (x0, y0), (x1, y1) = places[j], places[i]
        if i == j:
            ring = f'cx="{x0:.0f}" cy="{y0 - radius[i] - 8:.0f}" r="10"'
            parts.append(f'<circle {ring} fill="none" stroke="{INK}"/>')
            parts.append(_text(x0, y0 - radius[i] - 22, f"{weights[i, j]:+.3g}", "middle"))
            continue
        apart = math.hypot(x1 - x0, y1 - y0)
        ex, ey = (x1 - x0) / apart, (y1 - y0) / apart
        side = -7 * ey, 7 * ex  # there and back keep apart
        a = x0 + ex * radius[j] + side[0], y0 + ey * radius[j] + side[1]
        b = x1 - ex * (radius[i] + 3) + side[0], y1 - ey * (radius[i] + 3) + side[1]
        bend = ((a[0] + b[0]) / 2 + 3 * side[0], (a[1] + b[1]) / 2 + 3 * side[1])
        dash = ' stroke-dasharray="6 4"' if weights[i, j] < 0 else ""
        way = f"M{a[0]:.0f} {a[1]:.0f} Q{bend[0]:.0f} {bend[1]:.0f} {b[0]:.0f} {b[1]:.0f}"
        parts.append(f'<path d="{way}" fill="none" stroke="{INK}" stroke-width="1.5"{dash} marker-end="url(#tip)"/>')
        parts.append(_text(bend[0], bend[1] + 4, f"{weights[i, j]:+.3g}", "middle"))
    for name, (x, y), r, colour, share in zip(names, places, radius, colours, levels, strict=True):
        parts.append(f'<circle cx="{x:.0f}" cy="{y:.0f}" r="{r:.0f}" fill="{colour}"/>')
        parts.append(f'<text class="level" x="{x:.0f}" y="{y + 4:.0f}" text-anchor="middle">{share:.2f}</text>')
        parts.append(_text(x, y + r + 15, name, "middle"))
    head = f'<svg xmlns="http://www.w3.org/2000/svg" class="network" viewBox="0 0 {size} {height}">'
    return f"{head}{''.join(parts)}</svg>"


def nice(value: float) -> float:
    """A round number at or above `value`."""
    if not value > 0:
        return 1.0
    unit = 10.0 ** math.floor(math.log10(value))
    return next(factor * unit for factor in (1, 2, 3, 4, 5, 6, 8, 10) if factor * unit >= value * (1 - 1e-9))


def _frame(span: float, phases: Sequence[Phase], height: int) -> str:
    """Axis of time, and the phases."""
    step = next((s for s in (10, 30, 60, 120, 300, 600, 1200, 3600) if span / s <= 8), math.ceil(span / 8))
    base = height - BOTTOM
    parts = [f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{base}" y2="{base}" stroke="{FAINT}"/>']
    parts += [_text(_x(t, span), base + 15, clock(t), "middle") for t in np.arange(0, span + 1e-6, step).tolist()]
    for i, phase in enumerate(phases):
        x = _x(phase.start, span)
        if i and phase.start < span:
            line = f'x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 6}" y2="{base}"'
            parts.append(f'<line {line} stroke="#fff" stroke-width="3"/><line {line} stroke="#cc3311"/>')
            parts.append(
                f'<text class="phase" x="{x:.1f}" y="{TOP - 9}" text-anchor="middle">{escape(phase.name)}</text>'
            )
    return "".join(parts)


def _x(time: float, span: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * min(1.0, time / span) if span > 0 else LEFT


def _y(share: float, height: int) -> float:
    return height - BOTTOM - (height - BOTTOM - TOP) * max(0.0, share)


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _svg(height: int, parts: Sequence[str]) -> str:
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}">{"".join(parts)}</svg>'
