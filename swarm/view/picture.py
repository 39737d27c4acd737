"""The swarm from above as a picture, drawn with Pillow: pure functions of what the host publishes.

The arena is drawn at twice the size and reduced, which smooths its edges; text is drawn at its own size.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageColor, ImageDraw, ImageFont

from robots import check
from swarm.report import STRATEGIES
from swarm.view.snapshot import RobotRow, SiteRow, Snapshot, Stage, antibodies

RGB = tuple[int, int, int]
Point = tuple[float, float]

#: strategies, told apart with any kind of colour vision [Okabe & Ito 2008]
COLOURS: tuple[RGB, ...] = ((230, 159, 0), (0, 114, 178), (0, 158, 115), (204, 121, 167))
PAPER: RGB = (250, 249, 246)
FLOOR: RGB = (255, 255, 255)
WALL: RGB = (92, 92, 96)
LINK: RGB = (222, 226, 230)
INK: RGB = (34, 34, 38)
FAINT: RGB = (130, 130, 136)
DEAD: RGB = (170, 170, 174)
ALARM: RGB = (204, 51, 17)

DEPTH = 0.06  # m, thickness of a plate
CAMERA = 1024, 656  # pixels of a camera's picture in one of 1280 x 720
SMOOTH = 2  # factor that the arena is drawn larger by


def palette(stage: Stage) -> dict[str, RGB]:
    """The colour of each kind. Raises ValueError for a colour that is neither a CSS name nor #rrggbb."""
    return {kind: rgb(kind, colour) for kind, colour in stage.kinds.items()}


def draw(
    stage: Stage, snapshot: Snapshot, size: tuple[int, int] = (1280, 720), trails: np.ndarray | None = None
) -> Image.Image:
    """Draw the swarm from above, `size` pixels wide and high.

    trails: (T, N, 2) m, earlier positions of the N robots of the snapshot, oldest first; NaN leaves gaps.
    Raises ValueError for a colour that does not exist or trails of another shape.
    """
    width, height = size
    unit = height / 720
    side = max(250 * unit, 0.2 * width)
    view = _fit(stage.bounds, (24 * unit, 64 * unit, width - side, height - 24 * unit))
    image = _arena(stage, snapshot, view, size, trails)
    pen = ImageDraw.Draw(image)
    for site in snapshot.sites:
        _label(pen, view, site, 15 * unit)
    _title(pen, stage, snapshot, width, unit)
    _legend(pen, stage, snapshot, (width - side + 24 * unit, 64 * unit), unit)
    return image


def captioned(pixels: np.ndarray, stage: Stage, snapshot: Snapshot) -> Image.Image:
    """A camera's picture of the size `CAMERA`, (height, width, 3) u1, with title, figures and legend: 1280 x 720."""
    image = Image.new("RGB", (1280, 720), PAPER)
    image.paste(Image.fromarray(pixels), (0, 720 - CAMERA[1]))
    pen = ImageDraw.Draw(image)
    _title(pen, stage, snapshot, 1280, 1.0)
    _legend(pen, stage, snapshot, (CAMERA[0] + 24, 64), 1.0)
    return image


def save(
    path: str | Path,
    stage: Stage,
    snapshot: Snapshot,
    size: tuple[int, int] = (1280, 720),
    trails: np.ndarray | None = None,
) -> None:
    """Write what `draw` draws as a PNG file. Raises ValueError for another suffix."""
    if Path(path).suffix.lower() != ".png":
        raise ValueError(f"{path}: a picture's name must end in .png")
    draw(stage, snapshot, size, trails).save(path)


@dataclass(frozen=True)
class _View:
    """Where the arena lies in the picture."""

    left: float  # px, of x = 0
    top: float  # px, of y = 0
    scale: float  # px per m
    bounds: tuple[float, float, float, float]  # m

    def at(self, x: float, y: float) -> Point:
        return self.left + self.scale * x, self.top - self.scale * y

    def times(self, factor: int) -> "_View":
        return _View(self.left * factor, self.top * factor, self.scale * factor, self.bounds)


def _fit(bounds: tuple[float, float, float, float], box: tuple[float, float, float, float]) -> _View:
    """The largest view of `bounds` (m) in the middle of `box` (left, top, right, bottom in px)."""
    x0, y0, x1, y1 = bounds
    left, top, right, bottom = box
    scale = min((right - left) / (x1 - x0), (bottom - top) / (y1 - y0))
    return _View(
        (left + right - scale * (x0 + x1)) / 2,
        (top + bottom + scale * (y0 + y1)) / 2,
        scale,
        bounds,
    )


def _arena(
    stage: Stage, snapshot: Snapshot, view: _View, size: tuple[int, int], trails: np.ndarray | None
) -> Image.Image:
    """All that has no text."""
    image = Image.new("RGB", (size[0] * SMOOTH, size[1] * SMOOTH), PAPER)
    pen, view = ImageDraw.Draw(image), view.times(SMOOTH)
    _rectangle(pen, view, view.bounds, FLOOR, outline=WALL)
    for x, y, width, depth in stage.walls:
        _rectangle(pen, view, (x - width / 2, y - depth / 2, x + width / 2, y + depth / 2), WALL)
    _links(pen, view, snapshot)
    colours = palette(stage)
    for site in snapshot.sites:
        _plate(pen, view, site, stage.face, colours[site.kind])
    if trails is not None:
        _trails(pen, view, snapshot.robots, trails)
    for robot in snapshot.robots:
        _robot(pen, view, robot, stage)
    return image.reduce(SMOOTH)


def _rectangle(
    pen: ImageDraw.ImageDraw,
    view: _View,
    bounds: tuple[float, float, float, float],
    fill: RGB,
    outline: RGB | None = None,
) -> None:
    left, bottom = view.at(*bounds[:2])
    right, top = view.at(*bounds[2:])
    pen.rectangle((left, top, right, bottom), fill, outline, 2 * SMOOTH)


def _plate(pen: ImageDraw.ImageDraw, view: _View, site: SiteRow, face: float, colour: RGB) -> None:
    """The plate behind the work face: pale, filled by progress from one end, its face a dark edge."""

    def corner(along: float, behind: float) -> Point:
        cos, sin = math.cos(site.facing), math.sin(site.facing)
        return view.at(site.x - along * sin - behind * cos, site.y + along * cos - behind * sin)

    half, done = face / 2, face * (0.5 - site.progress)
    left, right, middle = corner(half, 0), corner(-half, 0), corner(done, 0)
    pen.polygon([left, right, corner(-half, DEPTH), corner(half, DEPTH)], _pale(colour, 0.6))
    pen.polygon([left, middle, corner(done, DEPTH), corner(half, DEPTH)], colour)
    pen.line([left, corner(half, DEPTH), corner(-half, DEPTH), right], _dark(colour, 0.7), SMOOTH)
    pen.line([left, right], INK, max(2 * SMOOTH, round(0.025 * view.scale)))


def _trails(pen: ImageDraw.ImageDraw, view: _View, robots: Sequence[RobotRow], trails: np.ndarray) -> None:
    if trails.ndim != 3 or trails.shape[1:] != (len(robots), 2):
        raise ValueError(f"trails of shape {trails.shape}: must be (T, {len(robots)}, 2)")
    places = np.array((view.left, view.top)) + trails * (view.scale, -view.scale)
    for robot, place in zip(robots, places.swapaxes(0, 1), strict=True):
        gaps = np.flatnonzero(~np.isfinite(place).all(axis=-1))
        for piece in np.split(place, gaps):
            points = piece[np.isfinite(piece).all(axis=-1)]
            if len(points) > 1:
                pen.line(points.ravel().tolist(), _pale(COLOURS[robot.strategy], 0.6), SMOOTH)


def _links(pen: ImageDraw.ImageDraw, view: _View, snapshot: Snapshot) -> None:
    places = {robot.robot: (robot.x, robot.y) for robot in snapshot.robots}
    for one, other in snapshot.links:
        ends = (*places[one], *places[other])
        if all(map(math.isfinite, ends)):
            pen.line([view.at(*ends[:2]), view.at(*ends[2:])], LINK, SMOOTH)


def _robot(pen: ImageDraw.ImageDraw, view: _View, robot: RobotRow, stage: Stage) -> None:
    """A disc in the strategy's colour with its heading; grey and crossed if dead, ringed in red if stuck."""
    if not math.isfinite(robot.x + robot.y + robot.heading):
        return
    x, y = view.at(robot.x, robot.y)
    r = max(stage.radius * view.scale, 3 * SMOOTH)
    stroke = max(SMOOTH, round(0.22 * r))
    if not robot.alive:
        pen.circle((x, y), r, DEAD, ALARM, stroke)
        for slope in (-1, 1):
            pen.line([(x - 0.5 * r, y - 0.5 * r * slope), (x + 0.5 * r, y + 0.5 * r * slope)], ALARM, stroke)
        return
    if robot.waiting >= stage.watch.stuck:
        pen.circle((x, y), r + 2 * stroke, None, ALARM, stroke)
    colour = COLOURS[robot.strategy]
    pen.circle((x, y), r, colour, _dark(colour, 0.6), max(1, stroke // 2))
    nose = (x + 0.85 * r * math.cos(robot.heading), y - 0.85 * r * math.sin(robot.heading))
    pen.line([(x, y), nose], FLOOR, stroke)


def _label(pen: ImageDraw.ImageDraw, view: _View, site: SiteRow, size: float) -> None:
    """Action and team, behind the plate."""
    behind = DEPTH + 0.9 * size / view.scale
    place = view.at(site.x - behind * math.cos(site.facing), site.y - behind * math.sin(site.facing))
    side = -math.cos(site.facing)
    anchor = "mm" if abs(side) < 0.5 else "lm" if side > 0 else "rm"
    text = f"{site.action} x{site.team}"
    pen.text(place, text, INK, _font(size), anchor, stroke_width=2, stroke_fill=FLOOR)


def _title(pen: ImageDraw.ImageDraw, stage: Stage, snapshot: Snapshot, width: int, unit: float) -> None:
    phase = stage.phases[snapshot.phase][1]
    place = f"phase {snapshot.phase + 1} of {len(stage.phases)}" + (f": {phase}" if phase else "")
    baseline = 40 * unit
    pen.text((24 * unit, baseline), stage.mission, INK, _font(26 * unit), "ls")
    pen.text((width / 2, baseline), place, INK, _font(20 * unit), "ms")
    pen.text((width - 24 * unit, baseline), clock(snapshot.time), INK, _font(26 * unit), "rs")


def _legend(pen: ImageDraw.ImageDraw, stage: Stage, snapshot: Snapshot, corner: Point, unit: float) -> None:
    """Figures, then what the colours mean."""
    x, y = corner
    font, step = _font(17 * unit), 30 * unit
    alive = [robot for robot in snapshot.robots if robot.alive]
    for name, value in (
        ("tasks done", snapshot.done),
        ("open sites", len(snapshot.sites)),
        ("backlog", snapshot.backlog),
        ("robots alive", f"{len(alive)} of {len(snapshot.robots)}"),
    ):
        y += step
        pen.text((x, y), name, FAINT, font, "lm")
        pen.text((x + 130 * unit, y), str(value), INK, font, "lm")
    y += step / 2
    most = antibodies(snapshot.robots)
    counts = [sum(robot.strategy == i for robot in alive) for i in range(most)]
    entries = [(f"{name}: {counts[i]}", COLOURS[i]) for i, name in enumerate(STRATEGIES[:most])]
    entries.append((f"dead: {len(snapshot.robots) - len(alive)}", DEAD))
    for text, colour in entries:
        y += step
        pen.circle((x + 9 * unit, y), 8 * unit, colour)
        pen.text((x + 28 * unit, y), text, INK, font, "lm")
    y += step / 2
    for kind, colour in palette(stage).items():
        y += step
        pen.rectangle((x, y - 7 * unit, x + 18 * unit, y + 7 * unit), colour, _dark(colour, 0.7))
        pen.text((x + 28 * unit, y), kind, INK, font, "lm")


def clock(seconds: float) -> str:
    """Simulated time as m:ss, or h:mm:ss from an hour on; ? for what is no time."""
    if not math.isfinite(seconds):
        return "?"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def rgb(kind: str, colour: str) -> RGB:
    """The colour of a kind. Raises ValueError as `palette` does."""
    try:
        return ImageColor.getrgb(colour)[:3]
    except ValueError:
        near = check.nearest(colour.lower(), ImageColor.colormap)
        raise ValueError(f"kinds.{kind}.colour = {colour!r}: must be a CSS colour name or #rrggbb{near}") from None


def _pale(colour: RGB, share: float) -> RGB:
    """`share` of white mixed in."""
    r, g, b = (round(c + (255 - c) * share) for c in colour)
    return r, g, b


def _dark(colour: RGB, factor: float) -> RGB:
    r, g, b = (round(c * factor) for c in colour)
    return r, g, b


@lru_cache
def _font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
