"""Proximity rays: how far it is from each robot to what stands in the way, walls, robots and plates."""

import math

import numpy as np

from robots.kernel import kernel
from sim.buckets import LEAST, sort, span
from sim.walls import Grid, enter_box, first_wall, inverse, no_walls


@kernel
def _enter_disc(x: float, y: float, dx: float, dy: float, radius: float) -> float:
    """Way along the unit ray from (x, y) to a disc about the origin; inf: missed."""
    middle = -(x * dx + y * dy)
    square = radius**2 - (x**2 + y**2 - middle**2)  # of half the chord
    if square < 0 or middle + math.sqrt(square) < 0:
        return np.inf
    return max(middle - math.sqrt(square), 0.0)


@kernel
def free_ranges(
    poses: np.ndarray,
    ring: np.ndarray,
    grid: Grid,
    face: np.ndarray,
    width: np.ndarray,
    thickness: np.ndarray,
    radius: float,
    reach: float,
) -> np.ndarray:
    """Free range (N, P) from the edge of each robot along its rays, `ring` (P, 2) at heading 0."""
    limit = radius + reach
    normal_x, normal_y = np.cos(face[:, 2]), np.sin(face[:, 2])
    way = np.empty((len(poses), len(ring)))
    dx, dy = np.empty(len(ring)), np.empty(len(ring))
    others, plates = sort(poses, LEAST), sort(face, LEAST)
    thickest, widest = 0.0, 0.0
    for k in range(len(face)):
        thickest, widest = max(thickest, thickness[k]), max(widest, width[k])
    for turn in range(len(poses)):
        i = others.order[turn]
        x, y, heading = poses[i]
        if not (math.isfinite(x) and math.isfinite(y) and math.isfinite(heading)):
            way[i] = limit
            continue
        c, s = np.cos(heading), np.sin(heading)
        clear = no_walls(grid, x - limit, y - limit, x + limit, y + limit)
        for p in range(len(ring)):
            dx[p] = c * ring[p, 0] - s * ring[p, 1]
            dy[p] = s * ring[p, 0] + c * ring[p, 1]
            way[i, p] = limit if clear else min(limit, first_wall(grid, x, y, dx[p], dy[p], limit))
        left, right, low, high = span(others, x, y, limit + radius)
        for row in range(low, high + 1):
            start = row * others.columns
            for place in range(others.start[start + left], others.start[start + right + 1]):
                rx, ry = x - others.x[place], y - others.y[place]
                if rx**2 + ry**2 < (limit + radius) ** 2 and others.order[place] != i:
                    for p in range(len(ring)):
                        way[i, p] = min(way[i, p], _enter_disc(rx, ry, dx[p], dy[p], radius))
        left, right, low, high = span(plates, x, y, limit + 1.5 * thickest + widest)
        for row in range(low, high + 1):
            start = row * plates.columns
            for place in range(plates.start[start + left], plates.start[start + right + 1]):
                k = plates.order[place]
                nx, ny = normal_x[k], normal_y[k]
                thick, wide = thickness[k] / 2, width[k] / 2
                rx, ry = x - face[k, 0] + thick * nx, y - face[k, 1] + thick * ny
                if rx**2 + ry**2 < (limit + thick + wide) ** 2:
                    px, py = nx * rx + ny * ry, nx * ry - ny * rx  # in the frame of the plate
                    for p in range(len(ring)):
                        if abs(rx * dy[p] - ry * dx[p]) > thick + wide:  # passes by
                            continue
                        ux, uy = nx * dx[p] + ny * dy[p], nx * dy[p] - ny * dx[p]
                        way[i, p] = min(way[i, p], enter_box(px, py, inverse(ux), inverse(uy), thick, wide))
    return np.maximum(way - radius, 0.0)
