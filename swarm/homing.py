"""Back to where a robot started: dead reckoning, and how long it has found nothing."""

import math
from typing import Any

import numpy as np

from robots.kernel import kernel
from swarm.memory import APPROACH, WORK

NEAR = 0.3  # m from where it started at which a robot is at home
REST = 30.0  # s at home after which a robot has rested, and searches again
SOON = 10.0  # s without a site in sight in which the demand for a search rises
PATIENCE = 60.0  # s without one in which the demand to go home does
LOW, EMPTY = 0.3, 0.1  # charge from which, and at which, nothing matters but to go home


@kernel
def reckon(m: Any, odometry: np.ndarray) -> None:
    """Move the robot's place in memory `m` on by what its `odometry` (2,) has read, m and rad; not if that is NaN."""
    if not (math.isfinite(odometry[0]) and math.isfinite(odometry[1])):
        return
    along = m.heading + odometry[1] / 2
    m.x += odometry[0] * math.cos(along)
    m.y += odometry[0] * math.sin(along)
    m.heading += odometry[1]


@kernel
def way(m: Any) -> tuple[float, float]:
    """Distance (m) and bearing (rad) of where the robot started."""
    return math.hypot(m.x, m.y), math.atan2(-m.y, -m.x) - m.heading


@kernel
def idle(m: Any, dt: float, sight: bool, homing: bool) -> None:
    """Count for how long nothing is in `sight`; a robot that is `homing` and has rested at home starts anew."""
    if sight or m.task == WORK or m.task == APPROACH:
        m.idle = 0.0
    else:
        m.idle += dt
    m.rest = m.rest + dt if homing and math.hypot(m.x, m.y) < NEAR else 0.0
    if m.rest > REST:
        m.idle, m.rest = 0.0, 0.0


@kernel
def demand(m: Any, loudness: float, battery: float) -> tuple[float, float]:
    """Antigens of search and of homing, 0 to 1.

    `loudness` is what calls for help excite aggregation by, `battery` the charge, NaN where the body has no gauge.
    """
    quiet = math.exp(-loudness)
    home = quiet * (1 - math.exp(-((m.idle / PATIENCE) ** 2)))
    if battery < LOW:
        home = max(home, min(1.0, (LOW - battery) / (LOW - EMPTY)))
    return quiet * (1 - math.exp(-m.idle / SOON)) * (1 - home), home
