"""What the robots of a world sense of it: free range all round, other robots, sites.

Plain geometry for all robots at once, compiled, without a physics engine. Walls are axis-aligned
boxes, robots are discs, a site is a face with an oriented box behind it (its plate). Walls, robots
and plates stop a proximity ray; only walls hide a robot or a site from view.

A sensor's noise is a hash of the seed, the tick, the robot and its place in the percept, so what robot i draws
does not depend on how many robots there are. Robots and sites lie in buckets, so that none looks at all others.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from robots.chance import NOTHING, absorb
from robots.kernel import kernel
from robots.percept import RangeBearing, Sensors
from sim.buckets import LEAST, sort, span
from sim.nearest import nearest, nearest_all
from sim.rays import free_ranges
from sim.readings import tell_odometry, tell_rays, tell_robots, tell_sites
from sim.walls import Grid, grid

REACH = 0.03  # m between a robot's edge and a work face that counts as touching
_NOISE = 0x6E6F697365  # keeps the sensors' random numbers apart from others


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
        near = nearest_all(swarms, self.grid, float(reach), occlusion, most)
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
def _touching(poses: np.ndarray, sites: Any, depth: float) -> np.ndarray:
    """Index of the nearest site that each robot touches within `depth` m of its face, -1 none; the first of equals."""
    normal_x, normal_y = np.cos(sites.face[:, 2]), np.sin(sites.face[:, 2])
    least = np.full(len(poses), np.inf)
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
                if 0 <= ahead <= depth and abs(aside) <= sites[k].width / 2 and ahead < least[i]:
                    least[i], touched[i] = ahead, k
    return touched


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
    free = free_ranges(poses, ring, grid, faces, sites.width, sites.thickness, t.radius, t.rays[0])
    near = nearest(poses, poses, True, grid, t.robots[0], True, most)
    about = nearest(poses, faces, False, grid, t.sites[0], True, places)
    touched = _touching(poses, sites, t.touch)
    peers = 2 * len(ring)
    beacons = peers + 2 * most
    slip = beacons + 3 * places
    now = absorb(absorb(absorb(NOTHING, seed), _NOISE), tick)
    tell_robots(poses, near, t.robots, now, peers, out)
    tell_sites(poses, about, sites, t.sites, now, beacons, out)
    for i in range(len(poses)):
        key, o = absorb(now, i), out[i]
        tell_rays(free, i, t.rays, key, o)
        tell_odometry(poses, before, i, t.odometry, key, slip, o)
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
