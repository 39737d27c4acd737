"""Points in square buckets: who is near a place, without asking all."""

import math
from typing import NamedTuple

import numpy as np

from robots.kernel import kernel

CROWD = 2.0  # points that a bucket holds on average, at least: more empty ones would be walked through in vain
MOST = 1024  # buckets along one side


class Buckets(NamedTuple):
    """Points sorted into buckets, row by row: bucket c holds the points order[start[c]:start[c + 1]]."""

    left: float  # m, least x
    bottom: float  # m, least y
    cell: float  # m, side of a bucket
    columns: int
    rows: int
    start: np.ndarray  # (rows * columns + 1,) i4
    order: np.ndarray  # (n,) i4, within a bucket in rising order


@kernel
def sort(points: np.ndarray, least: float) -> Buckets:
    """`points` (n, 2 or more) [x, y, ...] in buckets of at least `least` m a side."""
    n = len(points)
    if n == 0:
        return Buckets(0.0, 0.0, least, 1, 1, np.zeros(2, np.int32), np.zeros(0, np.int32))
    left, bottom, right, top = points[0, 0], points[0, 1], points[0, 0], points[0, 1]
    for i in range(n):
        left, right = min(left, points[i, 0]), max(right, points[i, 0])
        bottom, top = min(bottom, points[i, 1]), max(top, points[i, 1])
    width, depth = right - left, top - bottom
    cell = max(least, math.sqrt(CROWD * width * depth / n), width / MOST, depth / MOST)
    columns, rows = int(width / cell) + 1, int(depth / cell) + 1
    bucket = np.empty(n, np.int32)
    start = np.zeros(rows * columns + 1, np.int32)
    for i in range(n):
        bucket[i] = int((points[i, 1] - bottom) / cell) * columns + int((points[i, 0] - left) / cell)
        start[bucket[i] + 1] += 1
    for c in range(rows * columns):
        start[c + 1] += start[c]
    order, filled = np.empty(n, np.int32), start[:-1].copy()
    for i in range(n):
        order[filled[bucket[i]]] = i
        filled[bucket[i]] += 1
    return Buckets(left, bottom, cell, columns, rows, start, order)


@kernel
def span(buckets: Buckets, x: float, y: float, reach: float) -> tuple[int, int, int, int]:
    """First and last column, first and last row of the buckets within `reach` m of a point; none where first > last."""
    cell = buckets.cell
    x, y = x - buckets.left, y - buckets.bottom
    return (
        max(0, math.floor((x - reach) / cell)),
        min(buckets.columns - 1, math.floor((x + reach) / cell)),
        max(0, math.floor((y - reach) / cell)),
        min(buckets.rows - 1, math.floor((y + reach) / cell)),
    )
