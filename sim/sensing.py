"""What the robots of a world sense of it: free range all round, other robots, sites.

Plain geometry for all robots at once, compiled, without a physics engine. Walls are axis-aligned
boxes, robots are discs, a site is a face with an oriented box behind it (its plate). Walls, robots
and plates stop a proximity ray; only walls hide a robot or a site from view.

A sensor's noise is a hash of the seed, the tick, the robot and its place in the percept, so what robot i draws
does not depend on how many robots there are. Robots and sites lie in buckets, so that none looks at all others.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from robots.chance import NOTHING, absorb, normal, two_normals, uniform
from robots.kernel import kernel
from robots.percept import RangeBearing, Sensors
from sim.buckets import CROWD, sort, span
from sim.walls import Grid, all_in, enter_box, first_wall, grid, hidden, inverse, no_walls

LEAST = 0.1  # m, side of a bucket of robots or sites, at least
REACH = 0.03  # m between a robot's edge and a work face that counts as touching
_NOISE = 0x6E6F697365  # keeps the sensors' random numbers apart from others
TARGETS, SHARES = 2**20, 2.0**42  # how many there may be at most; into how many parts a square is divided
FARTHEST = 2**63 - 1
BLOCK = 16  # robots that look at a time


#: the open sites of a world are an array (S,) of these; there may be none
SITE = np.dtype(
    [
        ("id", "i4"),  # beacon number
        ("kind", "u2"),  # signature of the beacon
        ("face", "f8", (3,)),  # x and y of the middle of the work face in m, its outward normal in rad
        ("width", "f8"),  # m, of the work face and of the plate behind it
        ("thickness", "f8"),  # m, of the plate behind the face
        ("progress", "f8"),  # of the work, 0 to 1
    ],
    align=True,
)

#: what `_sense` has to know of the sensors; standard deviations in the unit of what they disturb
_TRAITS = np.dtype(
    [
        ("radius", "f8"),  # m, of a robot
        ("touch", "f8"),  # m before a face, from a robot's centre, within which it touches
        ("rays", "f8", (3,)),  # range in m, standard deviation, dropout
        ("robots", "f8", (4,)),  # range in m, standard deviations of range and bearing, dropout
        ("sites", "f8", (4,)),  # the same
        ("odometry", "f8"),  # standard deviation
    ]
)


class Senses:
    """The sensors of robots of one make, among walls that stay where they are."""

    def __init__(self, sensors: Sensors, walls: ArrayLike, radius: float) -> None:
        """`walls` (M, 4) holds x, y of the middle, width and depth in m; `radius` of a robot in m."""
        self.grid = grid(walls)
        bearing = 2 * np.pi * np.arange(sensors.proximity.rays) / sensors.proximity.rays
        self._ring = np.column_stack([np.cos(bearing), np.sin(bearing)])
        ring, robots, sites = sensors.proximity, sensors.robots, sensors.sites
        rays = ring.range, ring.noise, ring.dropout
        traits = radius, radius + REACH, rays, _trait(robots), _trait(sites), sensors.odometry.noise
        self._traits = np.array([traits], _TRAITS)
        self._range, self._most = float(robots.range), robots.most
        self._seen = np.empty((0, 3)), np.empty((0, robots.most), np.int32)  # latest poses, and who saw whom

    def sense(
        self,
        poses: np.ndarray,
        before: np.ndarray,
        sites: np.ndarray,
        gripped: np.ndarray,
        seed: int,
        tick: int,
        out: np.ndarray,
    ) -> np.ndarray:
        """Write what the robots at `poses` (N, 3) [x, y, heading] sense into `out` (N,), percepts.

        `before` (N, 3) are their poses a tick ago, `sites` (S,) records of `SITE`, `gripped` (N,) i4 the numbers
        of the sites that they grip, -1 none. Gives the index (N,) i4 of the site that each touches, -1 none.

        Robots and sites are sorted by their true distance. A dropout empties the slot of one of
        the nearest, and those behind move up. A robot touches a face when its centre lies in front of it, within
        the face's width and no more than its radius and `REACH` away along the normal; of several the nearest;
        and always what it grips, as a gripper stretches.
        """
        touched, near = _sense(poses, before, self._ring, self.grid, sites, gripped, self._traits, seed, tick, out)
        self._seen = poses, near
        return touched

    def sense_all(
        self,
        poses: np.ndarray,
        before: np.ndarray,
        sites: Sequence[np.ndarray],
        gripped: np.ndarray,
        seeds: Sequence[int],
        tick: int,
        out: np.ndarray,
    ) -> np.ndarray:
        """The same for K swarms in worlds with the same walls: each argument has one more axis, the first."""
        ends = np.cumsum([0, *map(len, sites)])
        there = joined(sites)
        drawn, traits = np.array(seeds, np.int64), self._traits
        touched, near = _sense_all(poses, before, self._ring, self.grid, there, ends, gripped, traits, drawn, tick, out)
        self._seen = poses, near
        return touched

    def neighbours(self, poses: np.ndarray, reach: float, occlusion: bool, most: int) -> np.ndarray:
        """The nearest robots within `reach` m of each robot, without noise; with `occlusion` walls hide robots.

        `poses` are (N, 3), or (K, N, 3) of K swarms. Distances go from centre to centre. Gives indices (N, most) i4
        or (K, N, most), nearest first, -1 where there are no more.
        """
        seen_at, seen = self._seen
        if poses is seen_at and occlusion and reach == self._range and most <= self._most:
            return seen[..., :most]
        swarms = _doubles(poses).reshape(-1, *poses.shape[-2:])
        near = _nearest_all(swarms, self.grid, float(reach), occlusion, most)
        return near.reshape(*poses.shape[:-1], most)


def joined(records: Sequence[np.ndarray]) -> np.ndarray:
    """Arrays of one kind of records as one, copied byte by byte: NumPy would compare the kinds field by field."""
    return np.concatenate([array.view(np.uint8) for array in records]).view(records[0].dtype)


def _doubles(values: np.ndarray) -> np.ndarray:
    """`values` as the kernels take them: another layout would be compiled anew."""
    return np.ascontiguousarray(values, float)


def _trait(sensor: RangeBearing) -> tuple[float, float, float, float]:
    return sensor.range, sensor.noise_range, sensor.noise_bearing, sensor.dropout


@kernel
def _wrap(angle: float) -> float:
    """`angle` in (-pi, pi]."""
    return angle - 2 * math.pi * math.ceil((angle - math.pi) / (2 * math.pi))


@kernel
def _angle(x: float, y: float) -> float:
    """atan2(y, x) to 2e-8, a fifth of what a percept can tell, several times as fast [Abramowitz & Stegun 4.4.49]."""
    wide, high = abs(x), abs(y)
    t = min(wide, high) / max(wide, high, 1e-300)
    q = t * t
    a = t * (
        1 + q * (-0.3333314528 + q * (0.1999355085 + q * (-0.1420889944 + q * (0.1065626393 + q * _angle_tail(q)))))
    )
    if high > wide:
        a = math.pi / 2 - a
    if x < 0:
        a = math.pi - a
    return a if y >= 0 else -a


@kernel
def _angle_tail(q: float) -> float:
    return -0.0752896400 + q * (0.0429096138 + q * (-0.0161657367 + q * 0.0028662257))


@kernel
def _enter_disc(x: float, y: float, dx: float, dy: float, radius: float) -> float:
    """Way along the unit ray from (x, y) to a disc about the origin; inf: missed."""
    middle = -(x * dx + y * dy)
    square = radius**2 - (x**2 + y**2 - middle**2)  # of half the chord
    if square < 0 or middle + math.sqrt(square) < 0:
        return np.inf
    return max(middle - math.sqrt(square), 0.0)


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


@kernel
def _nearest(
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
def _nearest_all(poses: np.ndarray, grid: Grid, reach: float, occlusion: bool, most: int) -> np.ndarray:
    """`_nearest` for K swarms (K, N, 3): (K, N, most)."""
    near = np.empty((poses.shape[0], poses.shape[1], most), np.int32)
    for k in range(len(poses)):
        near[k] = _nearest(poses[k], poses[k], True, grid, reach, occlusion, most)
    return near


@kernel
def _touching(poses: np.ndarray, sites: Any, depth: float) -> np.ndarray:
    """Index of the nearest site that each robot touches within `depth` m of its face, -1 none; the first of equals."""
    normal_x, normal_y = np.cos(sites.face[:, 2]), np.sin(sites.face[:, 2])
    nearest = np.full(len(poses), np.inf)
    robots = sort(poses, LEAST)
    touched = np.full(len(poses), -1, np.int32)
    for k in range(len(sites)):
        x, y, nx, ny = sites[k].face[0], sites[k].face[1], normal_x[k], normal_y[k]
        left, right, low, high = span(robots, x, y, depth + sites[k].width / 2)
        for row in range(low, high + 1):
            start = row * robots.columns
            for place in range(robots.start[start + left], robots.start[start + right + 1]):
                i, rx, ry = robots.order[place], robots.x[place] - x, robots.y[place] - y
                ahead, aside = nx * rx + ny * ry, nx * ry - ny * rx
                if 0 <= ahead <= depth and abs(aside) <= sites[k].width / 2 and ahead < nearest[i]:
                    nearest[i], touched[i] = ahead, k
    return touched


@kernel
def _missed(key: np.uint64, index: int, dropout: float) -> bool:
    """Is a reading dropped, whose draw has this index, with this probability?"""
    return dropout > 0 and uniform(key, index) < dropout


class Seen(NamedTuple):
    """What robots see, one after the other: the first entries, as many as `_look` is told, count."""

    x: np.ndarray  # m, from the robot
    y: np.ndarray
    heading: np.ndarray  # rad, of the robot
    key: np.ndarray  # u8, of the robot's draws in this tick
    draw: np.ndarray  # i8, which of them is this one's
    way: np.ndarray  # m, as read
    bearing: np.ndarray  # rad, as read


@kernel
def _room(size: int) -> Seen:
    return Seen(
        np.empty(size),
        np.empty(size),
        np.empty(size),
        np.empty(size, np.uint64),
        np.empty(size, np.int64),
        np.empty(size),
        np.empty(size),
    )


@kernel
def _note(seen: Seen, n: int, x: float, y: float, pose: np.ndarray, key: np.uint64, draw: int) -> None:
    """The robot at `pose` (3,) sees what is at (x, y)."""
    seen.x[n], seen.y[n], seen.heading[n] = x - pose[0], y - pose[1], pose[2]
    seen.key[n], seen.draw[n] = key, draw


@kernel
def _look(seen: Seen, count: int, far: float, aside: float) -> None:
    """Read ranges and bearings, with the standard deviations `far` and `aside`.

    One plain loop, of which the compiler does several at once.
    """
    for k in range(count):
        x, y = seen.x[k], seen.y[k]
        one, other = two_normals(seen.key[k], seen.draw[k])
        seen.way[k] = max(0.0, math.sqrt(x * x + y * y) + far * one)
        seen.bearing[k] = _wrap(_angle(x, y) - seen.heading[k] + aside * other)


@kernel
def _tell_robots(poses: np.ndarray, near: np.ndarray, trait: np.ndarray, now: np.uint64, first: int, out: Any) -> None:
    """All robots read the robots `near` (N, R) them; 2 draws a slot, the first of them has the index `first`."""
    far, aside, dropout, most = trait[1], trait[2], trait[3], near.shape[1]
    seen = _room(BLOCK * most)
    for start in range(0, len(poses), BLOCK):
        end, count = min(start + BLOCK, len(poses)), 0
        for i in range(start, end):
            key, slot, o = absorb(now, i), 0, out[i]
            for k in range(most):
                j, draw = near[i, k], first + 2 * k
                if j >= 0 and not _missed(key, draw + 1, dropout):
                    _note(seen, count, poses[j, 0], poses[j, 1], poses[i], key, draw)
                    o.robot_id[slot] = j
                    slot, count = slot + 1, count + 1
            for k in range(slot, most):
                o.robot_id[k], o.robot_rb[k, 0], o.robot_rb[k, 1] = -1, np.nan, np.nan
        _look(seen, count, far, aside)
        count = 0
        for i in range(start, end):
            o = out[i]
            for k in range(most):
                if o.robot_id[k] >= 0:
                    o.robot_rb[k, 0], o.robot_rb[k, 1] = seen.way[count], seen.bearing[count]
                    count += 1


@kernel
def _tell_sites(
    poses: np.ndarray, about: np.ndarray, sites: Any, trait: np.ndarray, now: np.uint64, first: int, out: Any
) -> None:
    """All robots read the sites `about` (N, S) them; 3 draws a slot."""
    far, aside, dropout, most = trait[1], trait[2], trait[3], about.shape[1]
    seen = _room(BLOCK * most)
    for start in range(0, len(poses), BLOCK):
        end, count = min(start + BLOCK, len(poses)), 0
        for i in range(start, end):
            key, slot, o = absorb(now, i), 0, out[i]
            for k in range(most):
                j, draw = about[i, k], first + 3 * k
                if j >= 0 and not _missed(key, draw + 2, dropout):
                    face = sites[j].face
                    _note(seen, count, face[0], face[1], poses[i], key, draw)
                    o.site_id[slot], o.site_kind[slot] = sites[j].id, sites[j].kind
                    turned = aside * normal(key, draw + 1) if aside > 0 else 0.0
                    o.site_face[slot] = _wrap(face[2] - poses[i, 2] + turned)
                    slot, count = slot + 1, count + 1
            for k in range(slot, most):
                o.site_id[k], o.site_kind[k], o.site_face[k] = -1, 0, np.nan
                o.site_rb[k, 0], o.site_rb[k, 1] = np.nan, np.nan
        _look(seen, count, far, aside)
        count = 0
        for i in range(start, end):
            o = out[i]
            for k in range(most):
                if o.site_id[k] >= 0:
                    o.site_rb[k, 0], o.site_rb[k, 1] = seen.way[count], seen.bearing[count]
                    count += 1


@kernel
def _tell_rays(free: np.ndarray, i: int, trait: np.ndarray, key: np.uint64, o: Any) -> None:
    """Robot i reads its rays, `free` (N, P); 2 draws each."""
    reach, noise, dropout = trait[0], trait[1], trait[2]
    for p in range(free.shape[1]):
        way = free[i, p]
        if way < reach and noise > 0:
            way = min(max(way + noise * normal(key, 2 * p), 0.0), reach)
        if way < reach and _missed(key, 2 * p + 1, dropout):
            way = reach
        o.proximity[p] = way


@kernel
def _tell_odometry(
    poses: np.ndarray, before: np.ndarray, i: int, noise: float, key: np.uint64, first: int, o: Any
) -> None:
    """Robot i reads what it has driven; the draw `first`."""
    x, y, heading = poses[i, 0] - before[i, 0], poses[i, 1] - before[i, 1], before[i, 2]
    ahead, turned = x * math.cos(heading) + y * math.sin(heading), _wrap(poses[i, 2] - heading)
    if noise > 0:
        one, other = two_normals(key, first)
        ahead, turned = ahead * (1 + noise * one), turned * (1 + noise * other)
    o.odometry[0], o.odometry[1] = ahead, turned


@kernel
def _sense(
    poses: np.ndarray,
    before: np.ndarray,
    ring: np.ndarray,
    grid: Grid,
    sites: Any,
    gripped: np.ndarray,
    traits: np.ndarray,
    seed: int,
    tick: int,
    out: Any,
) -> tuple[np.ndarray, np.ndarray]:
    """All of `Senses.sense`. A robot's draws: 2 a ray, 2 for each slot of a robot, 3 of a site, 1 of odometry."""
    t = traits[0]
    most, places = out.robot_id.shape[1], out.site_id.shape[1]
    faces = np.empty((len(sites), 3))
    for k in range(len(sites)):
        faces[k, 0], faces[k, 1], faces[k, 2] = sites[k].face[0], sites[k].face[1], sites[k].face[2]
    free = _free(poses, ring, grid, faces, sites.width, sites.thickness, t.radius, t.rays[0])
    near = _nearest(poses, poses, True, grid, t.robots[0], True, most)
    about = _nearest(poses, faces, False, grid, t.sites[0], True, places)
    touched = _touching(poses, sites, t.touch)
    peers = 2 * len(ring)
    beacons = peers + 2 * most
    slip = beacons + 3 * places
    now = absorb(absorb(absorb(NOTHING, seed), _NOISE), tick)
    _tell_robots(poses, near, t.robots, now, peers, out)
    _tell_sites(poses, about, sites, t.sites, now, beacons, out)
    for i in range(len(poses)):
        key, o = absorb(now, i), out[i]
        _tell_rays(free, i, t.rays, key, o)
        _tell_odometry(poses, before, i, t.odometry, key, slip, o)
        o.grip = 0
        if gripped[i] >= 0:
            o.grip = 1
            for k in range(len(sites)):
                if sites[k].id == gripped[i]:
                    touched[i] = k
        o.touch, o.progress = -1, np.nan
        if touched[i] >= 0:
            o.touch, o.progress = sites[touched[i]].id, sites[touched[i]].progress
    return touched, near


@kernel
def _sense_all(
    poses: np.ndarray,
    before: np.ndarray,
    ring: np.ndarray,
    grid: Grid,
    sites: Any,
    ends: np.ndarray,
    gripped: np.ndarray,
    traits: np.ndarray,
    seeds: np.ndarray,
    tick: int,
    out: Any,
) -> tuple[np.ndarray, np.ndarray]:
    """All of `Senses.sense_all`; swarm k has the sites from ends[k] to ends[k + 1]."""
    swarms, robots = gripped.shape
    touched = np.empty((swarms, robots), np.int32)
    near = np.empty((swarms, robots, out.robot_id.shape[2]), np.int32)
    for k in range(swarms):
        there, seed = sites[ends[k] : ends[k + 1]], seeds[k]
        touched[k], near[k] = _sense(poses[k], before[k], ring, grid, there, gripped[k], traits, seed, tick, out[k])
    return touched, near
