"""The floor: where the walls are, where robots fit, and which part of it they can reach.

Walls are axis-aligned boxes for the physics, and cells of a grid for the questions "does it fit" and
"can one walk there". On a map the two agree exactly. In a plain arena a cell that an inner wall touches
counts as wall, so answers from the grid err to the safe side by less than a cell.
"""

import math
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from robots.kernel import kernel
from sim import maps
from sim.spec import Arena

CELL = 0.05  # m, side of the grid's cells in a plain arena
WALL = 0.1  # m, thickness of a plain arena's outer walls
MARGIN = 0.05  # m, clearance that robots start with and sites leave them, beyond their radius
SPACING = 2.5  # least distance between the centres of two robots at the start, in radii
REACH = 8.0  # m, how far robots and sites may be from the middle of the work area, walking
TOLERANCE = 1e-9  # m, below this lengths count as equal


class FloorError(ValueError):
    """A floor that has no room for what is asked of it."""


@dataclass(frozen=True, eq=False)
class Floor:
    """Walls and free space of an arena; metres, x right, y up."""

    bounds: tuple[float, float, float, float]  # x min, y min, x max, y max
    walls: np.ndarray  # (M, 4) float64: x, y of the middle, width (x), depth (y)
    free: np.ndarray  # (rows, cols) bool, cell (0, 0) at x min, y min; outside of the grid is wall
    resolution: float  # side of a cell
    area: np.ndarray | None = None  # (rows, cols) bool, cells that regions are limited to; None: all
    _regions: dict[float, np.ndarray] = field(default_factory=dict, init=False, repr=False)

    def contains(self, x: float, y: float) -> bool:
        """Whether the point lies on free floor."""
        return bool(self.is_clear(np.array([x, y]), 0.0))

    def is_clear(self, xy: np.ndarray, clearance: float) -> np.ndarray:
        """Whether points (..., 2) lie on free floor with at least `clearance` m to any wall: (...) bool."""
        xy = np.asarray(xy, float)
        points = np.ascontiguousarray(xy.reshape(-1, 2) - self.bounds[:2]) / self.resolution
        reach = max(clearance - TOLERANCE, 0.0) / self.resolution
        return np.asarray(_discs_free(self.free, points, reach).reshape(xy.shape[:-1]))

    def fits(self, poses: np.ndarray, back: float, front: float, width: float) -> np.ndarray:
        """Whether rectangles lie on free floor alone, exactly.

        `poses` (N, 3) are x, y, heading; a rectangle reaches from `back` m behind its pose to `front` m
        before it and is `width` m across, the pose in the middle. Returns (N,) bool.
        """
        cells = np.array(poses, float)
        cells[:, :2] = (cells[:, :2] - self.bounds[:2]) / self.resolution
        back, front, half = (v / self.resolution for v in (back, front, width / 2))
        return np.asarray(_rectangles_free(self.free, cells, back, front, half, TOLERANCE / self.resolution))

    def region(self, clearance: float) -> np.ndarray:
        """Largest connected region of cells whose middles have at least `clearance` m to any wall.

        (rows, cols) bool, read-only, within `area`; all False where there is none. Connected means
        side by side: a step across a corner could squeeze between two walls that touch.
        """
        if clearance not in self._regions:
            clear = _clear(self.free, max(clearance - TOLERANCE, 0.0) / self.resolution)
            region = _largest(clear if self.area is None else clear & self.area)
            region.flags.writeable = False
            self._regions[clearance] = region
        return self._regions[clearance]

    def inside(self, xy: np.ndarray, region: np.ndarray) -> np.ndarray:
        """Whether points (..., 2) lie in cells of `region` (rows, cols): (...) bool."""
        cols, rows = np.moveaxis(np.floor((xy - np.array(self.bounds[:2])) / self.resolution).astype(int), -1, 0)
        known = (rows >= 0) & (rows < region.shape[0]) & (cols >= 0) & (cols < region.shape[1])
        return np.asarray(known & region[np.where(known, rows, 0), np.where(known, cols, 0)])

    def middles(self, region: np.ndarray) -> np.ndarray:
        """x, y of the middles of the cells of `region`, (n, 2), bottom row first."""
        rows, cols = np.nonzero(region)
        return np.stack([cols + 0.5, rows + 0.5], -1) * self.resolution + self.bounds[:2]

    def work_area(self, radius: float, rng: np.random.Generator, reach: float = REACH) -> "Floor":
        """This floor with its regions limited to what robots need to meet.

        Where the region of robots of this `radius` (m) is more than `reach` m across, all that is left
        of it is within a walk of `reach` m, along rows and columns of the grid, from a point that is
        drawn from it. Raises FloorError if robots have no room at all.
        """
        region = self._room(radius)
        rows, cols = np.nonzero(region)
        if max(np.ptp(rows), np.ptp(cols)) + 1 <= (reach + TOLERANCE) / self.resolution:
            return self
        start = rng.integers(rows.size)
        labels = np.zeros(region.shape, np.int32)
        _flood(region, labels, rows[start], cols[start], 1, int(reach / self.resolution + TOLERANCE))
        return replace(self, area=labels == 1)

    def starts(self, count: int, radius: float, rng: np.random.Generator) -> np.ndarray:
        """Poses x, y, heading (count, 3) for robots of this `radius` (m), spread at random.

        They lie in the largest region with `MARGIN` to spare, `SPACING` radii apart. Raises FloorError
        if they do not fit.
        """
        places = self.middles(self._room(radius))
        # where spots at random leave gaps too small to use, rows of spots fit about half as many again
        for order in (rng.permutation(len(places)), np.arange(len(places))):
            chosen = _apart(places[order], SPACING * radius - TOLERANCE, count)
            if len(chosen) == count:
                return np.column_stack([places[order[chosen]], rng.uniform(-math.pi, math.pi, count)])
        raise FloorError(f"{count} robots of radius {radius:g} m: the floor has room for {len(chosen)}")

    def _room(self, radius: float) -> np.ndarray:
        region = self.region(radius + MARGIN)
        if not region.any():
            raise FloorError(f"robots of radius {radius:g} m: the floor has no place {2 * (radius + MARGIN):g} m wide")
        return region


def floor(arena: Arena, base: Path) -> Floor:
    """The floor of `arena`; its map's path is relative to the folder `base`. Raises FloorError, MapError."""
    return plain(arena) if arena.map is None else from_map(maps.load(base / arena.map))


def plain(arena: Arena) -> Floor:
    """Four outer walls around the inner size, and the inner walls; the origin is the middle.

    Raises FloorError for an inner wall that is not inside.
    """
    width, depth = arena.size
    bounds = (-width / 2, -depth / 2, width / 2, depth / 2)
    cols, rows = (int(side / CELL + TOLERANCE) for side in arena.size)
    free = np.ones((rows, cols), bool)
    for x, y, w, d in arena.walls:
        if abs(x) + w / 2 > width / 2 + TOLERANCE or abs(y) + d / 2 > depth / 2 + TOLERANCE:
            raise FloorError(
                f"walls: [{x:g}, {y:g}, {w:g}, {d:g}] reaches out of the arena, "
                f"which spans x = {bounds[0]:g} to {bounds[2]:g}, y = {bounds[1]:g} to {bounds[3]:g} m"
            )
        left, right = _cells(x - w / 2 - bounds[0], x + w / 2 - bounds[0])
        low, high = _cells(y - d / 2 - bounds[1], y + d / 2 - bounds[1])
        free[low:high, left:right] = False
    outer = (
        (0.0, (depth + WALL) / 2, width + 2 * WALL, WALL),
        (0.0, -(depth + WALL) / 2, width + 2 * WALL, WALL),
        ((width + WALL) / 2, 0.0, WALL, depth),
        (-(width + WALL) / 2, 0.0, WALL, depth),
    )
    return Floor(bounds, np.array(outer + arena.walls, float), free, CELL)


def from_map(grid: maps.Grid) -> Floor:
    """A floor whose boxes cover every wall cell next to free ones, corners included, and no free cell.

    Walls that no robot can touch get no box, unless a larger box covers them on the way.
    """
    rectangles = np.array(_boxes(grid.free), float).reshape(-1, 4)
    low, high = rectangles[:, :2], rectangles[:, 2:]
    walls = np.hstack([(low + high) / 2, high - low]) * grid.resolution
    walls[:, :2] += grid.origin
    rows, cols = grid.free.shape
    x, y = grid.origin
    bounds = (x, y, x + cols * grid.resolution, y + rows * grid.resolution)
    return Floor(bounds, walls, grid.free, grid.resolution)


def _cells(low: float, high: float) -> tuple[int, int]:
    """First cell that the stretch from `low` to `high` touches, and the first one behind it."""
    return max(math.floor((low + TOLERANCE) / CELL), 0), math.ceil((high - TOLERANCE) / CELL)


def _largest(cells: np.ndarray) -> np.ndarray:
    """The largest connected component of `cells`, the first one among equals."""
    labels = np.zeros(cells.shape, np.int32)
    sizes = _components(cells, labels)
    return np.asarray(labels == np.argmax(sizes) + 1) if sizes else np.zeros(cells.shape, bool)


# Kernels count in cells: cell (r, c) is the square from (c, r) to (c + 1, r + 1) in x, y.


@kernel
def _clear(free: np.ndarray, reach: float) -> np.ndarray:
    """Cells whose middles are at least `reach` from any wall cell's square, that is, from its nearest point.

    The squared distance is a sum over rows and columns, so each is searched by itself
    (Felzenszwalb & Huttenlocher 2012), and no farther than `reach`.
    """
    rows, cols = free.shape
    most = math.ceil(reach + 0.5)
    gap = np.empty((rows, cols))  # to the nearest wall in the same column
    for c in range(cols):
        since = 0
        for r in range(rows):
            since = since + 1 if free[r, c] else 0
            gap[r, c] = since
        since = 0
        for r in range(rows - 1, -1, -1):
            since = since + 1 if free[r, c] else 0
            gap[r, c] = max(min(gap[r, c], since) - 0.5, 0.0)
    clear = free.copy()
    for r in range(rows):
        for c in range(cols):
            for k in range(-most, most + 1):
                aside = max(abs(k) - 0.5, 0.0)
                ahead = gap[r, c + k] if 0 <= c + k < cols else 0.0
                if aside * aside + ahead * ahead < reach * reach:
                    clear[r, c] = False
                    break
    return clear


@kernel
def _flood(cells: np.ndarray, labels: np.ndarray, row: int, col: int, label: int, steps: int) -> int:
    """Label what is within `steps` side steps of (row, col) on `cells`, breadth first; returns how many."""
    rows, cols = cells.shape
    labels[row, col] = label
    front = [(row, col)]
    size = 1
    while front and steps != 0:
        steps -= 1
        behind = front
        front = [(row, col) for _ in range(0)]
        for r, c in behind:
            for dr, dc in ((1, 0), (-1, 0), (0, 1), (0, -1)):
                y, x = r + dr, c + dc
                if 0 <= y < rows and 0 <= x < cols and cells[y, x] and labels[y, x] == 0:
                    labels[y, x] = label
                    front.append((y, x))
        size += len(front)
    return size


@kernel
def _components(cells: np.ndarray, labels: np.ndarray) -> list[int]:
    """Label the connected components of `cells` 1, 2, ... in `labels`; returns their sizes."""
    sizes = [0 for _ in range(0)]
    for r in range(cells.shape[0]):
        for c in range(cells.shape[1]):
            if cells[r, c] and labels[r, c] == 0:
                sizes.append(_flood(cells, labels, r, c, len(sizes) + 1, -1))
    return sizes


@kernel
def _discs_free(free: np.ndarray, points: np.ndarray, reach: float) -> np.ndarray:
    """Whether no wall cell's square is nearer than `reach` to each of `points` (N, 2)."""
    rows, cols = free.shape
    out = np.ones(len(points), np.bool_)
    for i in range(len(points)):
        x, y = points[i]
        if not (0 <= x < cols and 0 <= y < rows and free[int(y), int(x)]):
            out[i] = False
            continue
        for r in range(math.floor(y - reach), math.floor(y + reach) + 1):
            for c in range(math.floor(x - reach), math.floor(x + reach) + 1):
                if not (0 <= r < rows and 0 <= c < cols and free[r, c]):
                    dx, dy = max(c - x, x - c - 1, 0.0), max(r - y, y - r - 1, 0.0)
                    if dx * dx + dy * dy < reach * reach:
                        out[i] = False
    return out


@kernel
def _rectangles_free(
    free: np.ndarray, poses: np.ndarray, back: float, front: float, half: float, tolerance: float
) -> np.ndarray:
    """Whether rectangles at `poses` (N, 3) overlap no wall cell's square (separating axes)."""
    rows, cols = free.shape
    out = np.ones(len(poses), np.bool_)
    length = (front + back) / 2
    for i in range(len(poses)):
        ux, uy = math.cos(poses[i, 2]), math.sin(poses[i, 2])
        x = poses[i, 0] + ux * (front - back) / 2
        y = poses[i, 1] + uy * (front - back) / 2
        wide = abs(ux) * length + abs(uy) * half - tolerance
        high = abs(uy) * length + abs(ux) * half - tolerance
        square = (abs(ux) + abs(uy)) / 2 - tolerance  # half a cell, seen along either side of the rectangle
        for r in range(math.floor(y - high), math.ceil(y + high)):
            for c in range(math.floor(x - wide), math.ceil(x + wide)):
                if not (0 <= r < rows and 0 <= c < cols and free[r, c]):
                    dx, dy = c + 0.5 - x, r + 0.5 - y
                    along, across = abs(dx * ux + dy * uy), abs(dy * ux - dx * uy)
                    if along < length + square and across < half + square:
                        out[i] = False
    return out


@kernel
def _apart(places: np.ndarray, gap: float, most: int) -> np.ndarray:
    """Indices of `places` (n, 2), taken in order, each at least `gap` from those before; at most `most`."""
    chosen = np.empty(most, np.int64)
    count = 0
    for i in range(len(places)):
        room = True
        for j in chosen[:count]:
            dx, dy = places[i, 0] - places[j, 0], places[i, 1] - places[j, 1]
            if dx * dx + dy * dy < gap * gap:
                room = False
                break
        if room:
            chosen[count] = i
            count += 1
            if count == most:
                break
    return chosen[:count]


@kernel
def _boxes(free: np.ndarray) -> list[tuple[int, int, int, int]]:
    """Rectangles x min, y min, x max, y max of wall cells that cover all those beside free cells.

    Greedy: from each cell still bare, in order, one that grows as far as it can. Trying columns first
    as well would save a warehouse map 2% of its boxes: not worth it.
    """
    rows, cols = free.shape
    bare = np.zeros((rows, cols), np.bool_)
    for r in range(rows):
        for c in range(cols):
            if not free[r, c]:
                bare[r, c] = free[max(r - 1, 0) : r + 2, max(c - 1, 0) : c + 2].any()
    boxes = [(0, 0, 0, 0) for _ in range(0)]
    for r in range(rows):
        for c in range(cols):
            if bare[r, c]:
                left, low, right, high = _grow(free, r, c)
                bare[low:high, left:right] = False
                boxes.append((left, low, right, high))
    return boxes


@kernel
def _grow(free: np.ndarray, row: int, col: int) -> tuple[int, int, int, int]:
    """Largest stretch of walls in the row around the cell, then as many rows as are all wall there."""
    rows, cols = free.shape
    left, right, low, high = col, col + 1, row, row + 1
    while left > 0 and not free[row, left - 1]:
        left -= 1
    while right < cols and not free[row, right]:
        right += 1
    while low > 0 and not free[low - 1, left:right].any():
        low -= 1
    while high < rows and not free[high, left:right].any():
        high += 1
    return left, low, right, high
