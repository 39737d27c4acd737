"""What sensors read of what is there: noise, dropouts, and a robot's own view of it."""

import math
from typing import Any, NamedTuple

import numpy as np

from robots.chance import absorb, normal, two_normals, uniform
from robots.kernel import kernel

BLOCK = 16  # robots that look at a time


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
def tell_robots(poses: np.ndarray, near: np.ndarray, trait: np.ndarray, now: np.uint64, first: int, out: Any) -> None:
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
def tell_sites(
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
def tell_rays(free: np.ndarray, i: int, trait: np.ndarray, key: np.uint64, o: Any) -> None:
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
def tell_odometry(
    poses: np.ndarray, before: np.ndarray, i: int, noise: float, key: np.uint64, first: int, o: Any
) -> None:
    """Robot i reads what it has driven; the draw `first`."""
    x, y, heading = poses[i, 0] - before[i, 0], poses[i, 1] - before[i, 1], before[i, 2]
    ahead, turned = x * math.cos(heading) + y * math.sin(heading), _wrap(poses[i, 2] - heading)
    if noise > 0:
        one, other = two_normals(key, first)
        ahead, turned = ahead * (1 + noise * one), turned * (1 + noise * other)
    o.odometry[0], o.odometry[1] = ahead, turned
