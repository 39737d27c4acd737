"""The arena as lines of text, and the glyphs that the whole dashboard is drawn with.

A cell of a terminal is about twice as high as wide: it holds two square pixels, one above the other,
painted as half blocks. Walls and plates are pixels; robots and the labels of sites are glyphs on top.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from string import ascii_uppercase

import numpy as np
from rich.cells import cell_len, set_cell_size
from rich.color import Color
from rich.segment import Segment
from rich.style import Style

from swarm.view.picture import RGB
from swarm.view.snapshot import RobotRow, SiteRow, Snapshot, Stage

Line = list[Segment]
Cell = tuple[int, int]  # row from the top, column from the left
Mark = tuple[str, Style]  # a glyph that fills one cell

PLAIN = Style()
DIM = Style(color="grey58")
BOLD = Style(bold=True)
WALL = Style(color="grey50")
ALARM = Style(color="red1", bold=True)
WARN = Style(color="#f0e442")
SELECTED = Style(color="white", bgcolor="#2f4550", bold=True, underline=True)
#: strategies on a dark ground, told apart with any kind of colour vision [Okabe & Ito 2008]
STRATEGY = tuple(Style(color=colour, bold=True) for colour in ("#e69f00", "#56b4e9", "#2fbf8f", "#cc79a7"))

DEPTH = 0.2  # m, how deep a site's plate is drawn


@dataclass(frozen=True)
class Glyphs:
    """What is drawn with; every glyph is one cell wide."""

    headings: tuple[str, ...]  # per strategy: eight headings, counter-clockwise from east
    dead: str
    fill: str  # gauge from empty to full, growing upwards
    blocks: tuple[str, str, str]  # of a wall, a plate, a work face: upper half, lower half, both
    line: tuple[str, str, str]  # heavy, half heavy and half light, light
    box: str  # corners clockwise from top left, then horizontal, vertical
    levels: Mapping[str, str]  # of events
    times: str
    more: str
    unicode: bool

    def text(self, text: str) -> str:
        """`text` from outside, safe to draw: no control characters, and ASCII where nothing else will do."""
        clean = "".join(c if c.isprintable() else " " for c in text)
        return clean if self.unicode else clean.encode("ascii", "replace").decode()

    def fit(self, text: str, width: int) -> str:
        """`text` from outside in exactly `width` cells."""
        text = self.text(text)
        if cell_len(text) > width > len(self.more):
            return set_cell_size(text, width - len(self.more)) + self.more
        return set_cell_size(text, width)


UNICODE = Glyphs(
    headings=("►◥▲◤◄◣▼◢", "→↗↑↖←↙↓↘", "⇒⇗⇑⇖⇐⇙⇓⇘", "▷◹△◸◁◺▽◿"),
    dead="✗",
    fill=" ▁▂▃▄▅▆▇█",
    blocks=("▀▄█", "▀▄█", "▀▄█"),
    line=("━", "╾", "─"),
    box="╭╮╯╰─│",
    levels={"info": "·", "warning": "!", "error": "✗"},
    times="\N{MULTIPLICATION SIGN}",
    more="…",
    unicode=True,
)
ASCII = Glyphs(
    headings=("@@@@@@@@", "oooooooo", "ssssssss", "hhhhhhhh"),
    dead="x",
    fill=" .:-=+*#@",
    blocks=("###", "---", "==="),
    line=("=", "-", "-"),
    box="++++-|",
    levels={"info": ".", "warning": "!", "error": "x"},
    times="x",
    more="..",
    unicode=False,
)


@dataclass(frozen=True)
class View:
    """How the arena lies on cells."""

    left: float  # m, x of the left edge
    top: float  # m, y of the upper edge
    pixel: float  # m, width of a cell and half its height
    rows: int
    columns: int

    def cell(self, x: float, y: float) -> Cell | None:
        """The cell that shows (x, y) in m; None outside, and for what is not finite."""
        down, right = (self.top - y) / self.pixel, (x - self.left) / self.pixel
        if not (0 <= down <= 2 * self.rows and 0 <= right <= self.columns):
            return None
        return min(int(down / 2), self.rows - 1), min(int(right), self.columns - 1)


def fit(bounds: tuple[float, float, float, float], width: int, height: int) -> View:
    """The largest view of `bounds` (x min, y min, x max, y max in m) on `width` x `height` cells."""
    x0, y0, x1, y1 = bounds
    pixel = max((x1 - x0) / width, (y1 - y0) / (2 * height))
    rows = min(height, math.ceil((y1 - y0) / (2 * pixel) - 1e-9))
    columns = min(width, math.ceil((x1 - x0) / pixel - 1e-9))
    return View(x0, y1, pixel, rows, columns)


def lines(
    stage: Stage,
    snapshot: Snapshot,
    view: View,
    colours: Mapping[str, RGB],
    glyphs: Glyphs,
    selected: int | None = None,
) -> list[Line]:
    """The arena without a frame: `view.rows` lines of `view.columns` cells; one robot may be `selected`."""
    pixels = _pixels(stage, snapshot.sites, view)
    blocks = _blocks(colours, glyphs)
    names = letters(list(stage.kinds))
    marks = _marks(snapshot, view, names, colours, glyphs, stage.watch.stuck, selected)
    out = []
    for row in range(view.rows):
        pairs = zip(pixels[2 * row].tolist(), pixels[2 * row + 1].tolist(), strict=True)
        cells = [blocks[pair] for pair in pairs]
        for column, mark in marks[row].items():
            cells[column] = mark
        out.append([Segment(glyph * len(list(run)), style) for (glyph, style), run in groupby(cells)])
    return out


def letters(kinds: Sequence[str]) -> dict[str, str]:
    """One capital letter for each kind: its initial where initials tell all kinds apart, else A, B, C ..."""
    initials = [kind[:1].upper() for kind in kinds]
    if len(set(initials)) < len(kinds) or not set(initials) <= set(ascii_uppercase):
        initials = [ascii_uppercase[i % len(ascii_uppercase)] for i in range(len(kinds))]
    return dict(zip(kinds, initials, strict=True))


def robot_mark(robot: RobotRow, stuck: float, glyphs: Glyphs, *, chosen: bool = False) -> Mark:
    """How a robot looks on the map: strategy by shape and colour, reversed where it waits for `stuck` s."""
    if not robot.alive:
        return glyphs.dead, ALARM
    turn = round(robot.heading / (math.pi / 4)) % 8 if math.isfinite(robot.heading) else 0
    return glyphs.headings[robot.strategy][turn], strategy_style(robot.strategy, robot.waiting >= stuck) + (
        SELECTED if chosen else PLAIN
    )


@lru_cache
def strategy_style(strategy: int, stuck: bool) -> Style:
    """Colour of a strategy, reversed for a robot that is stuck."""
    return STRATEGY[strategy] + Style(reverse=stuck)


@lru_cache
def ink(colour: RGB, share: float = 1.0) -> Style:
    """`colour` as a foreground, darkened to `share`."""
    return Style(color=_dark(colour, share))


@lru_cache
def label(colour: RGB, share: float) -> Style:
    """Black or white, whichever reads better, on `colour` darkened to `share`."""
    r, g, b = (share * c for c in colour)
    light = 0.299 * r + 0.587 * g + 0.114 * b > 110
    return Style(color="black" if light else "white", bgcolor=_dark(colour, share), bold=True)


def _dark(colour: RGB, share: float) -> Color:
    return Color.from_rgb(*(round(share * c) for c in colour))


def _pixels(stage: Stage, sites: Sequence[SiteRow], view: View) -> np.ndarray:
    """(2 rows, columns): 0 floor, 1 wall, 2 + 2k the plate and 3 + 2k the work face of kind k."""
    pixels = np.zeros((2 * view.rows, view.columns), np.intp)
    for x, y, width, depth in stage.walls:
        left, top = (x - width / 2 - view.left) / view.pixel, (view.top - y - depth / 2) / view.pixel
        rows = _span(top, top + depth / view.pixel, 2 * view.rows)
        pixels[rows, _span(left, left + width / view.pixel, view.columns)] = 1
    kinds = {kind: k for k, kind in enumerate(stage.kinds)}
    for site in sites:
        if not math.isfinite(site.x + site.y + site.facing):
            continue
        plate = 2 + 2 * kinds[site.kind]
        _fill(pixels, view, site, stage.face, (0.5 * view.pixel, max(DEPTH, 1.5 * view.pixel)), plate)
        _fill(pixels, view, site, stage.face, (0.0, 0.5 * view.pixel), plate + 1)
    return pixels


def _span(low: float, high: float, count: int) -> slice:
    """The pixels that low to high covers, at least one where it touches 0 to `count` at all."""
    low, high = max(low, 0), min(high, count)
    if low >= high:
        return slice(0)
    first = min(round(low), count - 1)
    return slice(first, max(first + 1, round(high)))


def _fill(pixels: np.ndarray, view: View, site: SiteRow, face: float, behind: tuple[float, float], value: int) -> None:
    """Set the pixels of the plate that lie `behind` (from, to in m) the work face."""
    step = view.pixel / 2
    along = np.linspace(-face / 2, face / 2, 1 + math.ceil(face / step))
    back = np.arange(*behind, step)[:, None]
    cos, sin = math.cos(site.facing), math.sin(site.facing)
    rows = np.floor((view.top - (site.y + along * cos - back * sin)) / view.pixel).astype(np.intp)
    columns = np.floor((site.x - along * sin - back * cos - view.left) / view.pixel).astype(np.intp)
    inside = (rows >= 0) & (rows < len(pixels)) & (columns >= 0) & (columns < view.columns)
    pixels[rows[inside], columns[inside]] = value


def _blocks(colours: Mapping[str, RGB], glyphs: Glyphs) -> dict[tuple[int, int], Mark]:
    """How a cell of (upper, lower) pixels looks."""
    wall, plate, face = glyphs.blocks
    paints = [(wall, WALL)]
    for colour in colours.values():
        paints += [(plate, ink(colour, 0.45)), (face, ink(colour))]
    blocks: dict[tuple[int, int], Mark] = {(0, 0): (" ", PLAIN)}
    for i, (shape, style) in enumerate(paints, 1):
        blocks[i, 0], blocks[0, i], blocks[i, i] = (shape[0], style), (shape[1], style), (shape[2], style)
        for j, (_, under) in enumerate(paints, 1):
            if i != j:
                blocks[i, j] = (shape[0], Style.from_color(style.color, under.color))
    return blocks


def _marks(
    snapshot: Snapshot,
    view: View,
    names: Mapping[str, str],
    colours: Mapping[str, RGB],
    glyphs: Glyphs,
    stuck: float,
    selected: int | None,
) -> list[dict[int, Mark]]:
    """The glyphs on top, per row by column; who needs attention is drawn last and so stays visible."""
    marks: list[dict[int, Mark]] = [{} for _ in range(view.rows)]
    for site in snapshot.sites:
        back = max(DEPTH, 1.5 * view.pixel) / 2
        place = view.cell(site.x - back * math.cos(site.facing), site.y - back * math.sin(site.facing))
        if place:
            row, column = place
            style = label(colours[site.kind], 0.45)
            marks[row][column] = (names[site.kind], style)
            if column + 1 < view.columns:
                marks[row][column + 1] = (level(site.progress, glyphs.fill), style)
    order = sorted(snapshot.robots, key=attention, reverse=True)
    for robot in sorted(order, key=lambda robot: robot.robot == selected):
        place = view.cell(robot.x, robot.y)
        if place:
            marks[place[0]][place[1]] = robot_mark(robot, stuck, glyphs, chosen=robot.robot == selected)
    return marks


def attention(robot: RobotRow) -> tuple[bool, bool, float, int]:
    """Sorts robots: the dead first, then the faulty and the held, then those that wait longest, then by number."""
    return robot.alive, not (robot.fault or robot.held), -robot.waiting if robot.alive else 0.0, robot.robot


def level(share: float, ramp: str) -> str:
    """The glyph of `ramp` (from empty to full) for a share of 0 to 1; what is not a number is empty."""
    top = len(ramp) - 1
    return ramp[round(min(share, 1.0) * top)] if share > 0 else ramp[0]
