"""The contract of a robot's body: what a driver has to do, and what a mind may expect.

A driver is a folder of its own below `robots/`: a pure codec of the robot's protocol, a thin port that
carries its bytes, `params.toml` and a README of one page. Around every body goes `robots.shell`.
"""

from collections.abc import Iterable
from typing import Protocol

import numpy as np

from robots.command import COMMAND, Limits

#: senses that a mind can ask for -> what they are, for people
SENSES = {
    "proximity": "free range around the body",
    "robots": "range and bearing of other robots",
    "sites": "range and bearing of sites, touch and progress",
    "odometry": "distance driven and heading turned",
    "battery": "charge",
    "pose": "place and heading",
}

Colour = tuple[int, int, int]  # red, green, blue, 0 to 255


class BodyError(ValueError):
    """A body that cannot be had as configured."""


class Body(Protocol):
    """One robot. Nothing here blocks: what comes late is old, and says so."""

    limits: Limits
    radius: float  # m, the circle that it fits in
    senses: frozenset[str]  # out of `SENSES`
    guarded: bool  # does the robot stop by itself when commands fall silent?
    label: str  # by what it senses that is not its own; empty: nothing

    @property
    def session(self) -> int:
        """Counts the connections: 0 none yet, one more each time that the robot came or came back."""

    @property
    def trouble(self) -> str:
        """What is wrong with the connection, for people; empty: nothing."""

    def sense(self, now: float) -> np.ndarray:
        """(1,) the latest percept, see robots.percept, in which what is not sensed is blank. `now` is monotonic, s."""

    def age(self, now: float) -> float:
        """Seconds since the oldest reading in the percept was true, at most; inf before the first one."""

    def act(self, command: np.ndarray, now: float) -> np.ndarray:
        """Send a COMMAND record; gives what was sent, within `limits` and the robot's own steps."""

    def stop(self) -> None:
        """Stand still, now. Callable from another thread, and when the connection is broken."""

    def show(self, colour: Colour) -> None:
        """The colour of the robot's light from the next command on, where it has one."""

    def close(self) -> None:
        """Stand still and give the connection up."""


class Around:
    """A body around another, `inner`: what a wrapper does not do itself, the body does."""

    def __init__(self, inner: Body) -> None:
        self.inner = inner
        self.limits, self.radius, self.guarded = inner.limits, inner.radius, inner.guarded
        self.senses, self.label = inner.senses, inner.label

    @property
    def session(self) -> int:
        """The body's."""
        return self.inner.session

    @property
    def trouble(self) -> str:
        """The body's."""
        return self.inner.trouble

    def sense(self, now: float) -> np.ndarray:
        """The body's percept."""
        return self.inner.sense(now)

    def age(self, now: float) -> float:
        """The body's."""
        return self.inner.age(now)

    def act(self, command: np.ndarray, now: float) -> np.ndarray:
        """The body does it."""
        return self.inner.act(command, now)

    def stop(self) -> None:
        """The body stops."""
        self.inner.stop()

    def show(self, colour: Colour) -> None:
        """The body's light."""
        self.inner.show(colour)

    def close(self) -> None:
        """Close the body."""
        self.inner.close()


def lacking(senses: Iterable[str], needed: Iterable[str]) -> list[str]:
    """What of `needed` is not among `senses`, each with what it is."""
    have = set(senses)
    return [f"{name} ({SENSES[name]})" for name in needed if name not in have]


def still() -> np.ndarray:
    """(1,) the command to stand still."""
    return np.zeros(1, COMMAND)


def command(speed: float, turn: float, grip: int = 0) -> np.ndarray:
    """(1,) a command."""
    return np.array([(speed, turn, grip)], COMMAND)
