"""What the robots of a world sense of it: free range all round, other robots, sites.

Plain geometry for all robots at once, compiled, without a physics engine. Walls are axis-aligned
boxes, robots are discs, a site is a face with an oriented box behind it (its plate). Walls, robots
and plates stop a proximity ray; only walls hide a robot or a site from view.

Noise is one array of standard normal deviates with robots leading, so what robot i draws does not
depend on how many robots there are. A deviate below the p-quantile is a dropout of probability p.
"""

import math
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from robots.kernel import kernel
from robots.percept import RangeBearing, Sensors

CELL = 0.5  # m, side of a wall bucket; long views cross few cells, crowded maps still spread well
MOST_CELLS = 512  # buckets along one side of the map; larger maps get larger buckets
GRAZE = 1e-6  # part of a line of sight, at either end, that a wall may touch without blocking it


class SiteArrays(NamedTuple):
    """The open sites of a world; there may be none."""

    id: np.ndarray  # (S,) i4, beacon number
    face: np.ndarray  # (S, 3) f8, x and y of the middle of the work face in m, its outward normal in rad
    kind: np.ndarray  # (S,) u2, signature of the beacon
    width: np.ndarray  # (S,) f8, m, of the work face and of the plate behind it
    thickness: np.ndarray  # (S,) f8, m, of the plate behind the face


class Grid(NamedTuple):
    """Walls in square buckets, row by row: bucket c holds boxes[start[c]:start[c + 1]], all that meet it."""

    left: float  # m, least x
    bottom: float  # m, least y
    cell: float  # m, side of a bucket
    columns: int
    rows: int
    start: np.ndarray  # (rows * columns + 1,) i8
    boxes: np.ndarray  # (E, 4) f8, x, y of the middle from (left, bottom), width, depth


class Senses:
    """The sensors of robots of one make, among walls that stay where they are."""

    def __init__(self, sensors: Sensors, walls: ArrayLike, radius: float) -> None:
        """`walls` (M, 4) holds x, y of the middle, width and depth in m; `radius` of a robot in m."""
        self.sensors = sensors
        self.radius = float(radius)
        self.grid = grid(walls)
        bearing = 2 * np.pi * np.arange(sensors.proximity.rays) / sensors.proximity.rays
        self._ring = np.column_stack([np.cos(bearing), np.sin(bearing)])

    def sense(
        self,
        poses: np.ndarray,
        sites: SiteArrays,
        rng: np.random.Generator,
        out: np.ndarray,
        ids: np.ndarray | None = None,
    ) -> None:
        """Write proximity, robots and sites of the robots at `poses` (N, 3) [x, y, heading] into `out` (N,).

        Robots and sites are sorted by their true distance. A dropout empties the slot of one of
        the nearest, and those behind move up. `ids` (N,) are the robots' numbers, else their index.
        """
        proximity, robots, beacons = self.sensors.proximity, self.sensors.robots, self.sensors.sites
        poses = _doubles(poses)
        noise = self._deviates(len(poses), rng)
        first_robot = 2 * proximity.rays
        first_site = first_robot + 3 * robots.most

        reach, sd, dropout = float(proximity.range), float(proximity.noise), _quantile(proximity.dropout)
        face, width, thickness = map(_doubles, (sites.face, sites.width, sites.thickness))
        free = _free(poses, self._ring, self.grid, face, width, thickness, self.radius, reach)
        out["proximity"] = _noisy(free, noise, reach, sd, dropout)

        index, seen = self._view(robots, poses, poses, noise, first_robot, 3)
        out["robot_id"] = index if ids is None else _pick(ids, index, -1)
        out["robot_rb"] = seen[..., :2]

        index, seen = self._view(beacons, poses, face, noise, first_site, 4)
        out["site_id"] = _pick(sites.id, index, -1)
        out["site_rb"] = seen[..., :2]
        out["site_face"] = seen[..., 2]
        out["site_kind"] = _pick(sites.kind, index, 0)

    def neighbours(self, poses: np.ndarray, reach: float, occlusion: bool, most: int) -> tuple[np.ndarray, np.ndarray]:
        """The nearest robots within `reach` m of each robot, without noise, and how many they are.

        Distances go from centre to centre. With `occlusion` walls hide robots. Gives indices
        (N, most) i4, nearest first, -1 where there are no more, and counts (N,) i4.
        """
        poses = _doubles(poses)
        return _nearest(poses, poses, True, self.grid, float(reach), occlusion, most)

    def _view(
        self,
        sensor: RangeBearing,
        poses: np.ndarray,
        targets: np.ndarray,
        noise: np.ndarray,
        first: int,
        each: int,
    ) -> tuple[np.ndarray, np.ndarray]:
        """What `sensor` makes of `targets`, see `_look`; targets that are the poses don't see themselves."""
        same = targets is poses
        index, _ = _nearest(poses, targets, same, self.grid, float(sensor.range), True, sensor.most)
        sds = float(sensor.noise_range), float(sensor.noise_bearing)
        return _look(poses, targets, index, noise, first, each, *sds, _quantile(sensor.dropout))

    def _deviates(self, robots: int, rng: np.random.Generator) -> np.ndarray:
        """Standard normal (N, K) f4: 2 for each ray, then 3 for each slot of a robot and 4 of a site."""
        proximity, others, beacons = self.sensors.proximity, self.sensors.robots, self.sensors.sites
        shape = robots, 2 * proximity.rays + 3 * others.most + 4 * beacons.most
        sources = [proximity.noise, proximity.dropout]
        for sensor in (others, beacons):
            sources += [sensor.noise_range, sensor.noise_bearing, sensor.dropout]
        if not any(sources):
            return np.zeros(shape, np.float32)
        return rng.standard_normal(shape, np.float32)


def touching(poses: np.ndarray, sites: SiteArrays, radius: float, reach: float) -> np.ndarray:
    """Index (N,) i4 of the site whose work face each robot touches, -1 if none, the nearest if several.

    A robot touches a face when its centre lies in front of it, within the face's width and no
    more than `radius + reach` m away along the normal. `poses` is (N, 3).
    """
    poses, face, width = map(_doubles, (poses, sites.face, sites.width))
    return _touching(poses, face, width, float(radius + reach))


def grid(walls: ArrayLike) -> Grid:
    """Sort `walls` (M, 4) [x, y of the middle, width, depth] into buckets."""
    boxes = np.asarray(walls, float).reshape(-1, 4)
    if not len(boxes):
        return Grid(0.0, 0.0, CELL, 1, 1, np.zeros(2, np.int64), boxes)
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
    boxes = (boxes - [*corner, 0, 0])[order]
    return Grid(float(corner[0]), float(corner[1]), float(cell), columns, rows, start, boxes)


def _doubles(values: np.ndarray) -> np.ndarray:
    """`values` as the kernels take them: another layout would be compiled anew."""
    return np.ascontiguousarray(values, float)


def _pick(values: np.ndarray, index: np.ndarray, empty: int) -> np.ndarray:
    """`values[index]`, and `empty` where the index is -1."""
    picked: np.ndarray = np.append(values, empty)[index]
    return picked


def _quantile(probability: float) -> float:
    """The value below which a standard normal deviate lies with this probability."""
    if probability in (0, 1):
        return np.inf if probability else -np.inf
    return NormalDist().inv_cdf(probability)


@kernel
def _wrap(angle: float) -> float:
    """`angle` in (-pi, pi]."""
    return angle - 2 * math.pi * math.ceil((angle - math.pi) / (2 * math.pi))


@kernel
def _inverse(d: float) -> float:
    """1 / d, and something large and finite for 0, so that no product below is NaN."""
    return 1 / d if d != 0 else 1e30


@kernel
def _enter_box(x: float, y: float, ix: float, iy: float, wide: float, deep: float) -> float:
    """Way along a ray from (x, y) to a box of half sides wide, deep about the origin; inf: missed.

    (ix, iy) are the inverse direction cosines of the ray.
    """
    a, b = (-wide - x) * ix, (wide - x) * ix
    c, d = (-deep - y) * iy, (deep - y) * iy
    near = max(min(a, b), min(c, d), 0.0)
    return near if near <= min(max(a, b), max(c, d)) else np.inf


@kernel
def _enter_disc(x: float, y: float, dx: float, dy: float, radius: float) -> float:
    """Way along the unit ray from (x, y) to a disc about the origin; inf: missed."""
    middle = -(x * dx + y * dy)
    square = radius**2 - (x**2 + y**2 - middle**2)  # of half the chord
    if square < 0 or middle + math.sqrt(square) < 0:
        return np.inf
    return max(middle - math.sqrt(square), 0.0)


@kernel
def _bucket(x: float, cell: float, buckets: int) -> int:
    """The bucket that x is in, or the outermost."""
    return min(max(int(x / cell), 0), buckets - 1)


@kernel
def _first_wall(grid: Grid, x: float, y: float, dx: float, dy: float, reach: float) -> float:
    """Way from (x, y) to the first wall, in lengths of (dx, dy); inf, or above `reach`: none within reach.

    Walks from bucket to bucket as the ray does (Amanatides & Woo 1987). The outermost buckets reach out
    beyond the grid without end.
    """
    cell = grid.cell
    x, y = x - grid.left, y - grid.bottom
    column, last_column = _bucket(x, cell, grid.columns), _bucket(x + reach * dx, cell, grid.columns)
    row, last_row = _bucket(y, cell, grid.rows), _bucket(y + reach * dy, cell, grid.rows)
    ix, iy = _inverse(dx), _inverse(dy)
    next_x = ((column + (dx > 0)) * cell - x) * ix  # where the ray leaves this column
    next_y = ((row + (dy > 0)) * cell - y) * iy
    first = np.inf
    while True:
        bucket = row * grid.columns + column
        for b in range(grid.start[bucket], grid.start[bucket + 1]):
            bx, by, bw, bd = grid.boxes[b]
            first = min(first, _enter_box(x - bx, y - by, ix, iy, bw / 2, bd / 2))
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
def _hidden(grid: Grid, ax: float, ay: float, bx: float, by: float) -> bool:
    """Whether a wall lies between two points; the same, bit for bit, from either end."""
    if (bx, by) < (ax, ay):
        ax, ay, bx, by = bx, by, ax, ay
    dx, dy = bx - ax, by - ay
    reach = 1 - 2 * GRAZE
    return bool(_first_wall(grid, ax + GRAZE * dx, ay + GRAZE * dy, dx, dy, reach) < reach)


@kernel
def _free(
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
    for i in range(len(poses)):
        x, y, heading = poses[i]
        c, s = np.cos(heading), np.sin(heading)
        for p in range(len(ring)):
            dx[p] = c * ring[p, 0] - s * ring[p, 1]
            dy[p] = s * ring[p, 0] + c * ring[p, 1]
            way[i, p] = min(limit, _first_wall(grid, x, y, dx[p], dy[p], limit))
        for j in range(len(poses)):
            rx, ry = x - poses[j, 0], y - poses[j, 1]
            if j != i and rx**2 + ry**2 < (limit + radius) ** 2:
                for p in range(len(ring)):
                    way[i, p] = min(way[i, p], _enter_disc(rx, ry, dx[p], dy[p], radius))
        for k in range(len(face)):
            nx, ny = normal_x[k], normal_y[k]
            thick, wide = thickness[k] / 2, width[k] / 2
            rx, ry = x - face[k, 0] + thick * nx, y - face[k, 1] + thick * ny
            if rx**2 + ry**2 < (limit + thick + wide) ** 2:
                px, py = nx * rx + ny * ry, nx * ry - ny * rx  # in the frame of the plate
                for p in range(len(ring)):
                    ux, uy = nx * dx[p] + ny * dy[p], nx * dy[p] - ny * dx[p]
                    way[i, p] = min(way[i, p], _enter_box(px, py, _inverse(ux), _inverse(uy), thick, wide))
    return np.maximum(way - radius, 0.0)


@kernel
def _noisy(free: np.ndarray, noise: np.ndarray, reach: float, sd: float, dropout: float) -> np.ndarray:
    """Readings (N, P) for free ranges: what is clear stays clear, deviates below `dropout` read clear."""
    out = np.full_like(free, reach)
    for i in range(free.shape[0]):
        for p in range(free.shape[1]):
            if free[i, p] < reach and noise[i, 2 * p + 1] >= dropout:
                out[i, p] = min(max(free[i, p] + sd * noise[i, 2 * p], 0.0), reach)
    return out


@kernel
def _nearest(
    eyes: np.ndarray, targets: np.ndarray, same: bool, grid: Grid, reach: float, occlusion: bool, most: int
) -> tuple[np.ndarray, np.ndarray]:
    """The `most` nearest visible targets of each eye: index (N, most) i4 filled with -1, count (N,) i4.

    `same`: the targets are the eyes, and none sees itself. Among equals the lower index comes first.
    """
    index = np.full((len(eyes), most), -1, np.int32)
    count = np.zeros(len(eyes), np.int32)
    squares = np.empty(most)
    for i in range(len(eyes)):
        x, y = eyes[i, 0], eyes[i, 1]
        found, limit = 0, reach**2
        for j in range(len(targets)):
            square = (targets[j, 0] - x) ** 2 + (targets[j, 1] - y) ** 2
            if not square < limit or (same and i == j):
                continue
            if occlusion and _hidden(grid, x, y, targets[j, 0], targets[j, 1]):
                continue
            found = min(found + 1, most)
            k = found - 1
            while k > 0 and squares[k - 1] > square:
                squares[k], index[i, k] = squares[k - 1], index[i, k - 1]
                k -= 1
            squares[k], index[i, k] = square, j
            if found == most:
                limit = squares[-1]
        count[i] = found
    return index, count


@kernel
def _look(
    eyes: np.ndarray,
    targets: np.ndarray,
    index: np.ndarray,
    noise: np.ndarray,
    first: int,
    each: int,
    sd_range: float,
    sd_bearing: float,
    dropout: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Index (N, most) of the targets [x, y, angle] still seen, and their range, bearing, relative angle.

    Slot k of `index` uses the `each` deviates from column `first + each k` on: for range, bearing and, where
    there are four, angle; the last is for dropout. Empty slots, -1 and NaN, come last.
    """
    kept = np.full_like(index, -1)
    seen = np.full((*index.shape, 3), np.nan)
    for i in range(index.shape[0]):
        x, y, heading = eyes[i]
        slot = 0
        for k in range(index.shape[1]):
            j, z = index[i, k], noise[i, first + each * k : first + each * (k + 1)]
            if j < 0 or z[-1] < dropout:
                continue
            rx, ry = targets[j, 0] - x, targets[j, 1] - y
            kept[i, slot] = j
            seen[i, slot, 0] = max(np.hypot(rx, ry) + sd_range * z[0], 0.0)
            seen[i, slot, 1] = _wrap(np.arctan2(ry, rx) - heading + sd_bearing * z[1])
            seen[i, slot, 2] = _wrap(targets[j, 2] - heading + sd_bearing * z[2])
            slot += 1
    return kept, seen


@kernel
def _touching(poses: np.ndarray, face: np.ndarray, width: np.ndarray, depth: float) -> np.ndarray:
    out = np.full(len(poses), -1, np.int32)
    normal_x, normal_y = np.cos(face[:, 2]), np.sin(face[:, 2])
    for i in range(len(poses)):
        nearest = np.inf
        for k in range(len(face)):
            rx, ry = poses[i, 0] - face[k, 0], poses[i, 1] - face[k, 1]
            nx, ny = normal_x[k], normal_y[k]
            ahead, aside = nx * rx + ny * ry, nx * ry - ny * rx
            if 0 <= ahead <= depth and abs(aside) <= width[k] / 2 and ahead < nearest:
                nearest, out[i] = ahead, k
    return out
