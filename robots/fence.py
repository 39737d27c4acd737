"""The geofence: a robot does not drive out of its area, whatever it is told, and senses its edge as a wall.

Otherwise a mind that sees nothing in its way would drive against the fence for as long as it liked the direction.
"""

from dataclasses import dataclass

import numpy as np

from robots import check
from robots.body import Around, Body
from robots.command import Limits, clamp

AHEAD = 0.4  # s that the fence looks ahead: readings are that old at most before a robot is slow


@dataclass(frozen=True)
class Fence:
    """The area for the centres of robots, in the tracker's frame, m."""

    left: float
    low: float
    right: float
    high: float

    def __post_init__(self) -> None:
        check.number("right", self.right, self.left, 1e4)
        check.number("high", self.high, self.low, 1e4)

    def allows(self, x: float, y: float) -> float:
        """How far outside of the fence a point is, m; 0: inside."""
        return max(self.left - x, x - self.right, self.low - y, y - self.high, 0.0)

    def ahead(self, pose: np.ndarray, rays: int) -> np.ndarray:
        """How far a robot at `pose` (3,) can go in the directions (P,) of its proximity ring, m."""
        angle = pose[2] + 2 * np.pi * np.arange(rays) / rays
        ways = []
        for way, low, at, high in (
            (np.cos(angle), self.left, pose[0], self.right),
            (np.sin(angle), self.low, pose[1], self.high),
        ):
            room = np.maximum(0.0, np.where(way > 0, high - at, at - low))
            ways.append(np.divide(room, np.abs(way), out=np.full(rays, np.inf), where=np.abs(way) > 1e-6))
        out: np.ndarray = np.minimum(*ways)
        return out

    def hold(self, command: np.ndarray, pose: np.ndarray, age: float, limits: Limits) -> np.ndarray:
        """`command` (1,) for a robot that was at `pose` (3,) `age` s ago, without driving (farther) out.

        Turning on the spot stays allowed, and so is the way back in.
        """
        speed = float(command["speed"][0])
        ahead = min(age, 1.0) * limits.speed + abs(speed) * AHEAD
        step = ahead * np.sign(speed)
        x, y, heading = pose.tolist()
        after = self.allows(x + step * np.cos(heading), y + step * np.sin(heading))
        out = command.copy()
        if after > self.allows(x, y):
            out["speed"] = 0.0
        return out


class FencedBody(Around):
    """The body `inner`, which senses its pose, inside `fence`."""

    def __init__(self, inner: Body, fence: Fence) -> None:
        super().__init__(inner)
        self.fence = fence
        self._pose: np.ndarray | None = None
        self._true = -np.inf  # when it was there

    def sense(self, now: float) -> np.ndarray:
        """The body's percept; what is free around it ends at the fence."""
        percept = self.inner.sense(now)
        if np.isfinite(percept["pose"]).all():
            self._pose, self._true = percept["pose"][0].astype(float), now - self.inner.age(now)
            ring = percept["proximity"][0]
            ring[:] = np.minimum(ring, self.fence.ahead(self._pose, len(ring)))
        return percept

    def act(self, command: np.ndarray, now: float) -> np.ndarray:
        """Drive as far as the fence lets it."""
        command = clamp(command, self.limits)
        if self._pose is not None:
            command = self.fence.hold(command, self._pose, now - self._true, self.limits)
        return self.inner.act(command, now)
