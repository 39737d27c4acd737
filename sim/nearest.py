"""Who is nearest: of robots or sites in buckets, those that each robot sees."""

import math

import numpy as np

from robots.kernel import kernel
from sim.buckets import CROWD, LEAST, sort
from sim.walls import Grid, all_in, hidden, no_walls

TARGETS, SHARES = 2**20, 2.0**42  # how many there may be at most; into how many parts a square is divided
FARTHEST = 2**63 - 1


@kernel
def nearest(
    eyes: np.ndarray, targets: np.ndarray, same: bool, grid: Grid, reach: float, occlusion: bool, most: int
) -> np.ndarray:
    """The `most` nearest visible targets of each eye: index (N, most) i4, filled with -1.

    `same`: the targets are the eyes, and none sees itself. Among equals, whose squares of the distance lie in the same
    of the SHARES of the largest (within 1.5 um for a reach of 3 m), the lower index comes first. Looks into
    one ring of buckets after the other round the eye's own, until no target farther out can be nearer; at once into
    as many as should hold twice as many targets.
    """
    index = np.full((len(eyes), most), -1, np.int32)
    if reach <= 0:
        return index
    # square of the distance in parts of the largest, and index, in one number: nearest first
    keys, scale = np.empty(most, np.int64), SHARES / reach**2
    buckets = sort(targets, LEAST)
    least = math.ceil((math.sqrt(2 * most / CROWD) - 1) / 2)
    cell, columns, rows = buckets.cell, buckets.columns, buckets.rows
    occlusion = occlusion and not (all_in(grid.hall, eyes) and all_in(grid.hall, targets))
    for place in range(len(eyes)):
        i = buckets.order[place] if same else place  # those who are near each other look at the same
        x, y = eyes[i, 0], eyes[i, 1]
        if not (math.isfinite(x) and math.isfinite(y)):
            continue
        own, row = math.floor((x - buckets.left) / cell), math.floor((y - buckets.bottom) / cell)
        aside, ahead = x - buckets.left - own * cell, y - buckets.bottom - row * cell
        inner = min(aside, cell - aside, ahead, cell - ahead)  # m to the border of its bucket
        clear = reach  # m around the eye without walls
        while occlusion and clear > LEAST and not no_walls(grid, x - clear, y - clear, x + clear, y + clear):
            clear /= 2
        clear = clear * clear if clear > LEAST else -1.0
        keys[:] = FARTHEST
        ring = least
        while True:  # buckets at most `ring` away that were not looked into yet, row by row
            for r in range(max(0, row - ring), min(rows - 1, row + ring) + 1):
                ends = 1 if ring == least or abs(r - row) == ring else 2  # a whole row, or both ends of one
                for end in range(ends):
                    first, last = own - ring + end * 2 * ring, own + ring - (ends - 1 - end) * 2 * ring
                    first, last = max(first, 0), min(last, columns - 1)
                    if first > last:
                        continue
                    for p in range(buckets.start[r * columns + first], buckets.start[r * columns + last + 1]):
                        dx, dy = buckets.x[p] - x, buckets.y[p] - y
                        square = dx * dx + dy * dy
                        if square >= reach**2:
                            continue
                        key = int(square * scale) * TARGETS + buckets.order[p]
                        if key >= keys[most - 1] or (same and i == buckets.order[p]):
                            continue
                        if occlusion and square > clear and hidden(grid, x, y, buckets.x[p], buckets.y[p]):
                            continue
                        for k in range(most - 1, 0, -1):  # no branch: what comes first is anybody's guess
                            keys[k] = min(keys[k], max(keys[k - 1], key))
                        keys[0] = min(keys[0], key)
            if ring >= max(own, columns - 1 - own, row, rows - 1 - row):
                break
            if max(0.0, ring * cell + inner - 1e-6) ** 2 > min(reach**2, (keys[most - 1] // TARGETS + 1) / scale):
                break
            ring += 1
        for k in range(most):
            if keys[k] < FARTHEST:
                index[i, k] = keys[k] % TARGETS
    return index


@kernel
def nearest_all(poses: np.ndarray, grid: Grid, reach: float, occlusion: bool, most: int) -> np.ndarray:
    """`nearest` for K swarms (K, N, 3): (K, N, most)."""
    near = np.empty((poses.shape[0], poses.shape[1], most), np.int32)
    for k in range(len(poses)):
        near[k] = nearest(poses[k], poses[k], True, grid, reach, occlusion, most)
    return near
