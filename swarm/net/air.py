"""`jerne run --radio peers`: the robots of a simulated world talk over real peer links.

Each robot has keys of its own, made for this run and kept in memory, and ears at a port of this machine that is
held for it as long as the run lasts, so that a robot that starts again is found where it was. The world has no part
in it: a robot tells it what it heard, for the log. What a body would hear, its range-and-bearing sensor decides.
Times are simulated times: in lock-step a second of the swarm is no second of the wall.
"""

import socket
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from typing import NamedTuple

import numpy as np

from sim.medium import Heard, Medium
from swarm.net import envelope, keys
from swarm.net.link import PeerLink
from swarm.net.ties import Ties

NOTICE = """\
robots talk to each other directly: loss, delay and walls of [radio] do not apply, and what is heard in which
tick depends on this machine: the same seed does not give the same log"""


class Air(NamedTuple):
    """What a robot needs to talk directly."""

    ring: keys.Keyring
    addresses: dict[int, str]  # of all robots' ears

    def link(self, robot: int, interval: float) -> PeerLink:
        """Its link. Raises OSError where its port is not to be had."""
        return PeerLink(robot, envelope.topics(interval), self.ring, self.addresses[robot], self.addresses)


def open_air(robots: int, stack: ExitStack) -> list[Air]:
    """New keys for all, and ports that nobody else gets before `stack` is closed. Raises OSError."""
    addresses: dict[int, str] = {}
    for robot in range(robots):
        held = stack.enter_context(socket.socket())
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # it never listens: the robot can bind there too
        held.bind(("127.0.0.1", 0))
        addresses[robot] = f"tcp://127.0.0.1:{held.getsockname()[1]}"
    rings = keys.generate(map(str, range(robots)), "simulated")
    return [Air(ring, addresses) for ring in rings.values()]


def within(percept: np.void, reach: float) -> list[int]:
    """The robots that the range-and-bearing sensor sees within `reach` m, nearest first."""
    seen = percept["robot_id"][percept["robot_rb"][:, 0] <= reach]
    return [int(number) for number in seen if number >= 0]


class Overheard(Medium):
    """In place of the medium: it carries nothing, and counts what the robots say that they said and heard."""

    def say(self, robot: int, signal: bytes, tick: int) -> None:  # noqa: ARG002 - as the medium has it
        """A robot has sent a signal."""
        self.said[robot] += 1

    def deliver(self, tick: int, neighbours: np.ndarray) -> list[Heard]:  # noqa: ARG002
        """Nobody hears anything from the world."""
        return [[] for _ in neighbours]

    def hear(self, robot: int, heard: Sequence[tuple[int, bytes]]) -> Heard:
        """A robot has heard signals."""
        self.heard[robot] += len(heard)
        return list(heard)


class Refusals:
    """What the robots' links count, and lines about what is new in it."""

    def __init__(self, robots: int) -> None:
        self.latest: list[Counter[str]] = [Counter() for _ in range(robots)]  # since each robot's latest start
        self.earlier: Counter[str] = Counter()

    def take(self, robot: int, ties: Ties) -> str:
        """What a robot's link counts, as of now; a line where it refuses for a reason that is new, else nothing."""
        before, now = self.latest[robot], Counter(ties.counters)
        if now["said"] < before["said"]:  # it has started again
            self.earlier += before
            before = Counter()
        self.latest[robot] = now
        new = sorted(why for why in ties.refused if why not in before)
        return f"robot {robot} refuses messages: {', '.join(f'{now[why]} {why}' for why in new)}" if new else ""

    @property
    def total(self) -> dict[str, int]:
        """Of all robots and starts."""
        return dict(sorted(sum(self.latest, self.earlier).items()))
