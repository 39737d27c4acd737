"""Motion behaviours: where to go, as a vector in the robot's frame (x forward, y left).

Each is a small function of what one robot senses. Lengths are shares of the free speed: a vector of
length 1 asks for all of it. `drive` turns the sum into a speed and a turn rate.
"""

import math

import numpy as np

from robots.kernel import kernel

AVOID = 0.22  # m from the robot's edge at which obstacles begin to push
SPREAD = 0.8  # m to which robots push each other apart when they disperse
GATHER = 0.35  # m at which robots that aggregate are close enough
GAIN = 3.0  # 1/s, turn rate per rad of heading error


@kernel
def wrap(angle: float) -> float:
    """The same angle in (-pi, pi]."""
    return math.pi - (math.pi - angle) % (2 * math.pi)


@kernel
def go_to(distance: float, bearing: float, slow: float) -> tuple[float, float]:
    """Straight to a point, slowing down within `slow` m of it."""
    length = min(1.0, distance / slow)
    return length * math.cos(bearing), length * math.sin(bearing)


@kernel
def wander(heading: float) -> tuple[float, float]:
    """Onwards, drifting towards `heading` (rad from straight on)."""
    return math.cos(heading), math.sin(heading)


@kernel
def straight() -> tuple[float, float]:
    """Straight on; together with `avoid` a flight from wall to wall."""
    return 1.0, 0.0


@kernel
def home(distance: float, bearing: float, near: float) -> tuple[float, float]:
    """Back to a point, and to rest within half of `near` m of it."""
    if distance < near / 2:
        return 0.0, 0.0
    return go_to(distance, bearing, near)


@kernel
def avoid(proximity: np.ndarray) -> tuple[float, float]:
    """Away from what the proximity ring (P,) sees, bent to the left so that nobody blocks each other for ever."""
    x, y = 0.0, 0.0
    rays = proximity.shape[0]
    for p in range(rays):
        near = 1 - proximity[p] / AVOID
        if near > 0:
            bearing = 2 * math.pi * p / rays + math.pi + 0.4
            x += 1.6 * near * near * math.cos(bearing)
            y += 1.6 * near * near * math.sin(bearing)
    return x, y


@kernel
def spread(ids: np.ndarray, seen: np.ndarray) -> tuple[float, float]:
    """Away from robots at `seen` (R, 2) range and bearing, the more the nearer."""
    x, y = 0.0, 0.0
    for j in range(ids.shape[0]):
        if ids[j] >= 0 and seen[j, 0] < SPREAD:
            push = 1 - seen[j, 0] / SPREAD
            x -= push * math.cos(seen[j, 1])
            y -= push * math.sin(seen[j, 1])
    return x, y


@kernel
def gather(ids: np.ndarray, seen: np.ndarray) -> tuple[float, float]:
    """To the middle of the robots in sight, until one is near."""
    x, y, count, nearest = 0.0, 0.0, 0, math.inf
    for j in range(ids.shape[0]):
        if ids[j] >= 0:
            x += seen[j, 0] * math.cos(seen[j, 1])
            y += seen[j, 0] * math.sin(seen[j, 1])
            nearest = min(nearest, seen[j, 0])
            count += 1
    if count == 0 or nearest < GATHER:
        return 0.0, 0.0
    return go_to(math.hypot(x, y) / count, math.atan2(y, x), 0.5)


@kernel
def face_frame(distance: float, bearing: float, facing: float) -> tuple[float, float]:
    """Where the robot is, seen from a work face: m ahead of it (along its normal) and m across (to its left)."""
    x, y = -distance * math.cos(bearing), -distance * math.sin(bearing)
    ahead = x * math.cos(facing) + y * math.sin(facing)
    across = y * math.cos(facing) - x * math.sin(facing)
    return ahead, across


@kernel
def from_face(ahead: float, across: float, facing: float) -> tuple[float, float]:
    """A step `ahead` and `across` in a work face's frame, as a step in the robot's frame."""
    x = ahead * math.cos(facing) - across * math.sin(facing)
    y = ahead * math.sin(facing) + across * math.cos(facing)
    return x, y


@kernel
def free_slot(across: float, ids: np.ndarray, seen: np.ndarray, site: np.ndarray, width: float, radius: float) -> float:
    """The place at a work face (m across) next to the robot that no robot in sight takes; NaN if none is free.

    `site` is range, bearing and facing of the face.
    """
    pitch = 2.3 * radius
    places = int(width / pitch)
    best, found = math.inf, math.nan
    for k in range(places):
        place = (k - (places - 1) / 2) * pitch
        taken = False
        for j in range(ids.shape[0]):
            if ids[j] < 0 or seen[j, 0] > 1.0:
                continue
            x = site[0] * math.cos(site[1]) - seen[j, 0] * math.cos(seen[j, 1])
            y = site[0] * math.sin(site[1]) - seen[j, 0] * math.sin(seen[j, 1])
            u, v = face_frame(math.hypot(x, y), math.atan2(y, x), site[2])
            if -radius < u < 2.5 * radius and abs(v - place) < 0.7 * pitch:
                taken = True
        if not taken and abs(place - across) < best:
            best, found = abs(place - across), place
    return found


@kernel
def circle(ahead: float, across: float, facing: float, width: float, radius: float) -> tuple[float, float]:
    """Round the plate to the front of its work face: sideways first, then forward."""
    side = 1.0 if across >= 0 else -1.0
    clear = width / 2 + 2.5 * radius
    if abs(across) < clear - 0.5 * radius:
        x, y = from_face(min(0.0, -3 * radius - ahead), side * clear - across, facing)
    else:
        x, y = from_face(4.0 * radius - ahead, side * clear - across, facing)
    return go_to(math.hypot(x, y), math.atan2(y, x), radius)


@kernel
def drive(x: float, y: float, speed: float, turn: float) -> tuple[float, float]:
    """Speed (m/s) and turn rate (rad/s) that follow a vector; on the spot where it points backwards."""
    length = min(1.0, math.hypot(x, y))
    if length < 1e-3:
        return 0.0, 0.0
    error = math.atan2(y, x)
    rate = max(-turn, min(turn, GAIN * error))
    return speed * length * max(0.0, math.cos(error)), rate
