"""What a robot's ticks tell of its motors, sensors and radio, live or from a log. Nothing here knows a body."""

import math
from collections import deque

import numpy as np

from swarm.record import Tick

SLOW, TURN = 0.02, 0.2  # m/s, rad/s: told less than that a robot need not move
SHARE = 0.1  # of what it was told, by its odometry: less is no movement
SPAN, STEP = 10.0, 0.5  # s over which losses are counted, and between two counts
LEFT_OUT = 5  # ticks; after a longer gap all begins anew
FEW = 10  # signals in that time below which nothing is said of losses


class Health:
    """Keeps, for N robots with ticks of `dt` s, what the latest ones tell.

    still: (N,) s for which a robot was told to move and its odometry says that it has not, away from sites
    frozen: (N,) s for which its readings were none, or the same to the bit although it was told to move
    """

    def __init__(self, dt: float, *, odometry: bool = True) -> None:
        self._dt, self._odometry = dt, odometry
        self._every = max(1, round(STEP / dt))
        self._before: Tick | None = None
        self._radio: deque[np.ndarray] = deque(maxlen=round(SPAN / STEP) + 1)
        self.still = self.frozen = np.zeros(0)

    def tick(self, now: Tick) -> None:
        """Take the next tick in."""
        before, self._before = self._before, now
        if before is None or not 0 < now.tick - before.tick <= LEFT_OUT or len(before.alive) != len(now.alive):
            self.still = self.frozen = np.zeros(len(now.alive))
            self._radio.clear()
            return
        told = self._told(before) & now.alive
        sensed, readings = now.percepts, (_bytes(now.percepts) == _bytes(before.percepts)).all(1)
        passed = (now.tick - before.tick) * self._dt
        held = told & ~self._moved(before, now) & (sensed["touch"] < 0) & (sensed["grip"] == 0)
        dead = (readings & told) | (~np.isfinite(sensed["proximity"]).all(1) & now.alive)
        self.still = np.where(held, self.still + passed, 0.0) if self._odometry else self.still
        self.frozen = np.where(dead, self.frozen + passed, 0.0)
        if now.tick % self._every == 0:
            self._radio.append(now.radio[:, 1:].astype(np.int64))

    def rows(self, count: int) -> list[tuple[float, float, float]]:
        """`still`, `frozen` and the share of signals lost in the last `SPAN` s (NaN: few were due) of each robot."""
        if len(self.still) != count:  # no tick yet
            return [(0.0, 0.0, math.nan)] * count
        loss = np.full(count, np.nan)
        if self._radio:
            heard, lost = (self._radio[-1] - self._radio[0]).T
            loss = np.where(heard + lost >= FEW, lost / np.maximum(heard + lost, 1), np.nan)
        return list(zip(self.still.tolist(), self.frozen.tolist(), loss.tolist(), strict=True))

    @staticmethod
    def _told(now: Tick) -> np.ndarray:
        told: np.ndarray = (np.abs(now.commands["speed"]) > SLOW) | (np.abs(now.commands["turn"]) > TURN)
        return told

    def _moved(self, before: Tick, now: Tick) -> np.ndarray:
        """Does the odometry, which tells of the tick before, show anything of what was told then?"""
        ahead, turned = np.abs(now.percepts["odometry"]).T
        speed, turn = np.abs(before.commands["speed"]), np.abs(before.commands["turn"])
        drove = (speed > SLOW) & ~(ahead < SHARE * speed * self._dt)
        moved: np.ndarray = drove | ((turn > TURN) & ~(turned < SHARE * turn * self._dt))
        return moved


def _bytes(records: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(records).view(np.uint8).reshape(len(records), -1)
