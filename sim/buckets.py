"""Points in square buckets: who is near a place, without asking all."""

import math
from typing import NamedTuple

import numpy as np

from robots.kernel import kernel

CROWD = 1.0  # points that a bucket holds on average, at least: more empty ones would be walked through in vain
MOST = 1024  # buckets along one side
LEAST = 0.1  # m, side of a bucket of robots or sites that are looked at, at least


class Buckets(NamedTuple):
    """Points sorted into buckets, row by row: bucket c holds the points order[start[c]:start[c + 1]].

    Points that are not numbers come last, in no bucket.
    """

    left: float  # m, least x
    bottom: float  # m, least y
    cell: float  # m, side of a bucket
    columns: int
    rows: int
    start: np.ndarray  # (rows * columns + 2,) i4
    order: np.ndarray  # (n,) i4, within a bucket in rising order
    x: np.ndarray  # (n,) of the points in that order
    y: np.ndarray


@kernel
def sort(points: np.ndarray, least: float) -> Buckets:
    """`points` (n, 2 or more) [x, y, ...] in buckets of at least `least` m a side."""
    n = len(points)
    if n == 0:
        none = np.zeros(0)
        return Buckets(0.0, 0.0, least, 1, 1, np.zeros(3, np.int32), np.zeros(0, np.int32), none, none)
    left, bottom, right, top = math.inf, math.inf, -math.inf, -math.inf
    for i in range(n):
        if math.isfinite(points[i, 0]) and math.isfinite(points[i, 1]):
            left, right = min(left, points[i, 0]), max(right, points[i, 0])
            bottom, top = min(bottom, points[i, 1]), max(top, points[i, 1])
    width, depth = max(right - left, 0.0), max(top - bottom, 0.0)
    cell = max(least, math.sqrt(CROWD * width * depth / n), width / MOST, depth / MOST)
    columns, rows = int(width / cell) + 1, int(depth / cell) + 1
    bucket = np.full(n, rows * columns, np.int32)
    start = np.zeros(rows * columns + 2, np.int32)
    for i in range(n):
        if math.isfinite(points[i, 0]) and math.isfinite(points[i, 1]):
            bucket[i] = int((points[i, 1] - bottom) / cell) * columns + int((points[i, 0] - left) / cell)
        start[bucket[i] + 1] += 1
    for c in range(rows * columns + 1):
        start[c + 1] += start[c]
    order, x, y, filled = np.empty(n, np.int32), np.empty(n), np.empty(n), start.copy()
    for i in range(n):
        place = filled[bucket[i]]
        order[place], x[place], y[place] = i, points[i, 0], points[i, 1]
        filled[bucket[i]] += 1
    return Buckets(left, bottom, cell, columns, rows, start, order, x, y)


@kernel
def span(buckets: Buckets, x: float, y: float, reach: float) -> tuple[int, int, int, int]:
    """First and last column, first and last row of the buckets within `reach` m of a point; none where first > last."""
    cell, reach = buckets.cell, reach + 1e-9  # whatever rounding does
    x, y = x - buckets.left, y - buckets.bottom
    return (
        min(max(math.floor((x - reach) / cell), 0), buckets.columns),
        max(min(math.floor((x + reach) / cell), buckets.columns - 1), -1),
        max(math.floor((y - reach) / cell), 0),
        min(math.floor((y + reach) / cell), buckets.rows - 1),
    )
