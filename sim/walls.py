"""Walls: axis-aligned boxes in square buckets, so that no ray and no line of sight looks at all of them."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from robots.kernel import kernel

CELL = 0.5  # m, side of a wall bucket; long views cross few cells, crowded maps still spread well
MOST_CELLS = 512  # buckets along one side of the map; larger maps get larger buckets
GRAZE = 1e-6  # part of a line of sight, at either end, that a wall may touch without blocking it


class Grid(NamedTuple):
    """Walls in square buckets, row by row: bucket c holds boxes[start[c]:start[c + 1]], all that meet it."""

    left: float  # m, least x
    bottom: float  # m, least y
    cell: float  # m, side of a bucket
    columns: int
    rows: int
    start: np.ndarray  # (rows * columns + 1,) i8
    boxes: np.ndarray  # (E, 4) f8, x, y of the middle from (left, bottom), width, depth
    hall: tuple[float, float, float, float]  # a rectangle that no wall reaches into: x min, y min, x max, y max


def grid(walls: ArrayLike) -> Grid:
    """Sort `walls` (M, 4) [x, y of the middle, width, depth] into buckets."""
    boxes = np.asarray(walls, float).reshape(-1, 4)
    if not len(boxes):
        return Grid(0.0, 0.0, CELL, 1, 1, np.zeros(2, np.int64), boxes, (-np.inf, -np.inf, np.inf, np.inf))
    # the margin (m) keeps a wall that ends on a bucket's border in both buckets, however borders are rounded
    low = boxes[:, :2] - boxes[:, 2:] / 2 - 1e-6
    high = boxes[:, :2] + boxes[:, 2:] / 2 + 1e-6
    corner, size = low.min(0), high.max(0) - low.min(0)
    cell = max(CELL, size.max() / MOST_CELLS)
    columns, rows = (int(n) + 1 for n in size / cell)
    buckets: list[list[int]] = [[] for _ in range(rows * columns)]
    spans = np.hstack([(low - corner) / cell, (high - corner) / cell]).astype(int)
    for wall, (left, bottom, right, top) in enumerate(spans.tolist()):
        for row in range(bottom, top + 1):
            for column in range(left, right + 1):
                buckets[row * columns + column].append(wall)
    start = np.cumsum([0, *map(len, buckets)])
    order = [wall for bucket in buckets for wall in bucket]
    free = _hall(boxes)
    boxes = (boxes - [*corner, 0, 0])[order]
    return Grid(float(corner[0]), float(corner[1]), float(cell), columns, rows, start, boxes, free)


def _hall(boxes: np.ndarray) -> tuple[float, float, float, float]:
    """A rectangle without walls: where all are, and for each wall (M, 4) in it cut to the largest of what is left.

    All of an arena with outer walls alone, and little where there are many.
    """
    low, high = boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2
    left, bottom = low.min(0).tolist()
    right, top = high.max(0).tolist()
    for (x0, y0), (x1, y1) in zip(low.tolist(), high.tolist(), strict=True):
        if x0 < right and x1 > left and y0 < top and y1 > bottom:
            cuts = (left, bottom, x0, top), (x1, bottom, right, top), (left, bottom, right, y0), (left, y1, right, top)
            left, bottom, right, top = max(cuts, key=lambda c: max(0.0, c[2] - c[0]) * max(0.0, c[3] - c[1]))
    return left, bottom, right, top


@kernel
def inverse(d: float) -> float:
    """1 / d, and something large and finite for 0, so that no product below is NaN."""
    return 1 / d if d != 0 else 1e30


@kernel
def enter_box(x: float, y: float, ix: float, iy: float, wide: float, deep: float) -> float:
    """Way along a ray from (x, y) to a box of half sides wide, deep about the origin; inf: missed.

    (ix, iy) are the inverse direction cosines of the ray.
    """
    a, b = (-wide - x) * ix, (wide - x) * ix
    c, d = (-deep - y) * iy, (deep - y) * iy
    near = max(min(a, b), min(c, d), 0.0)
    return near if near <= min(max(a, b), max(c, d)) else np.inf


@kernel
def bucket_of(x: float, cell: float, buckets: int) -> int:
    """The bucket that x is in, or the outermost."""
    return min(max(int(x / cell), 0), buckets - 1)


@kernel
def first_wall(grid: Grid, x: float, y: float, dx: float, dy: float, reach: float) -> float:
    """Way from (x, y) to the first wall, in lengths of (dx, dy); inf, or above `reach`: none within reach.

    Walks from bucket to bucket as the ray does (Amanatides & Woo 1987). The outermost buckets reach out
    beyond the grid without end.
    """
    cell = grid.cell
    x, y = x - grid.left, y - grid.bottom
    column, last_column = bucket_of(x, cell, grid.columns), bucket_of(x + reach * dx, cell, grid.columns)
    row, last_row = bucket_of(y, cell, grid.rows), bucket_of(y + reach * dy, cell, grid.rows)
    ix, iy = inverse(dx), inverse(dy)
    next_x = ((column + (dx > 0)) * cell - x) * ix  # where the ray leaves this column
    next_y = ((row + (dy > 0)) * cell - y) * iy
    first = np.inf
    while True:
        bucket = row * grid.columns + column
        for b in range(grid.start[bucket], grid.start[bucket + 1]):
            bx, by, bw, bd = grid.boxes[b]
            first = min(first, enter_box(x - bx, y - by, ix, iy, bw / 2, bd / 2))
        if first <= min(next_x, next_y) or (column == last_column and row == last_row):
            break
        if row == last_row or (column != last_column and next_x < next_y):
            column += 1 if dx > 0 else -1
            next_x += cell * abs(ix)
        else:
            row += 1 if dy > 0 else -1
            next_y += cell * abs(iy)
    return first


@kernel
def no_walls(grid: Grid, left: float, bottom: float, right: float, top: float) -> bool:
    """Are the buckets that a rectangle meets empty?"""
    cell, columns, rows = grid.cell, grid.columns, grid.rows
    first, last = bucket_of(left - grid.left, cell, columns), bucket_of(right - grid.left, cell, columns)
    low, high = bucket_of(bottom - grid.bottom, cell, rows), bucket_of(top - grid.bottom, cell, rows)
    for row in range(low, high + 1):
        if grid.start[row * columns + first] != grid.start[row * columns + last + 1]:
            return False
    return True


@kernel
def all_in(hall: tuple[float, float, float, float], points: np.ndarray) -> bool:
    """Are all of these that are points within a rectangle?"""
    left, bottom, right, top = hall
    for i in range(len(points)):
        x, y = points[i, 0], points[i, 1]
        if x < left or x > right or y < bottom or y > top:
            return False
    return True


@kernel
def hidden(grid: Grid, ax: float, ay: float, bx: float, by: float) -> bool:
    """Whether a wall lies between two points; the same, bit for bit, from either end."""
    if no_walls(grid, min(ax, bx), min(ay, by), max(ax, bx), max(ay, by)):
        return False
    if (bx, by) < (ax, ay):
        ax, ay, bx, by = bx, by, ax, ay
    dx, dy = bx - ax, by - ay
    reach = 1 - 2 * GRAZE
    return bool(first_wall(grid, ax + GRAZE * dx, ay + GRAZE * dy, dx, dy, reach) < reach)
