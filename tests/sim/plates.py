"""Robots at a plate, whatever the engine."""

import math

import numpy as np
import pytest

from robots.command import COMMAND
from sim.work import Engine

TICK = 0.1
SITE = 7
SPOT = (0.0, 0.0, 0.0)  # its work face looks along x
TEAMS = pytest.mark.parametrize("team", [1, 2, 3, 4])


def commands(engine: Engine, speed: float, turn: float = 0.0, grip: int = 0) -> np.ndarray:
    return np.full(len(engine.poses()), np.array((speed, turn, grip), COMMAND))


def act(engine: Engine, seconds: float, speed: float, turn: float = 0.0, grip: int = 0, touch: int = SITE) -> None:
    for _ in range(round(seconds / TICK)):
        engine.step(commands(engine, speed, turn, grip), np.full(len(engine.poses()), touch))


def before_face(count: int, radius: float = 0.06) -> list[tuple[float, float, float]]:
    """Robots side by side at the work face, turned to it."""
    return [(radius + 0.005, (i - (count - 1) / 2) * 2.3 * radius, math.pi) for i in range(count)]


def rate(engine: Engine, speed: float, grip: int) -> float:
    """Speed of the plate in m/s over a second, after two seconds of this."""
    act(engine, 2, speed, grip=grip)
    before = engine.travel(SITE)
    act(engine, 1, speed, grip=grip)
    return engine.travel(SITE) - before


def held_for(engine: Engine, seconds: float, speed: float) -> float:
    """Longest time in s without a break that the plate counts as held while robots drive against it."""
    longest = run = 0.0
    for _ in range(round(seconds / TICK)):
        act(engine, TICK, speed)
        run = run + TICK if engine.held(SITE) else 0.0
        longest = max(longest, run)
    return longest
