"""Real robots, watched together: a watcher for each, and one snapshot of them all."""

import math
import time
from collections import deque
from collections.abc import Mapping
from typing import NamedTuple

import networkx
import zmq
from msgspec import structs

from swarm.net.keys import Keyring
from swarm.view.publish import Watcher
from swarm.view.snapshot import Detail, RobotRow, SiteRow, Snapshot, Stage

GONE = 2.0  # s of wall time without news after which a robot counts as lost
SAMPLE, SAMPLES = 10.0, 120  # s between two samples of the split, and how many are kept
LINES = 40  # events
LARGEST = 1 << 18  # bytes of a message of one robot


class Place(NamedTuple):
    """Where a robot shows itself, and its public key; empty where the swarm has no keys."""

    address: str
    public: bytes = b""


class Flock:
    """Attached to robots (number -> place); shows what a `swarm.view.publish.Watcher` does. Read-only.

    Raises OSError for an address that is none.
    """

    over: str | None = None  # robots come back: a flock has no end

    def __init__(
        self, context: "zmq.Context[zmq.Socket[bytes]]", robots: Mapping[int, Place], ring: Keyring | None
    ) -> None:
        self.stage: Stage | None = None
        self.snapshot: Snapshot | None = None
        self.seen = time.monotonic()
        self._watchers: dict[int, Watcher] = {}
        self._heard: dict[int, float] = {}  # robot -> when it was heard last
        self._selected: int | None = None
        self._split: deque[float] = deque(maxlen=SAMPLES)
        self._sampled = time.monotonic()
        self._alive: set[int] = set()
        try:
            for number, place in sorted(robots.items()):
                self._watchers[number] = Watcher(context, place.address, ring, place.public, largest=LARGEST)
        except OSError:
            self.close()
            raise
        self._poller = zmq.Poller()
        for watcher in self._watchers.values():
            self._poller.register(watcher.socket, zmq.POLLIN)

    @property
    def detail(self) -> Detail | None:
        """Of the robot that is selected."""
        return self._watchers[self._selected].detail if self._selected in self._watchers else None

    def select(self, robot: int | None) -> None:
        """Ask for one robot in detail, or for none."""
        self._selected = robot
        for number, watcher in self._watchers.items():
            watcher.select(robot if number == robot else None)

    def take(self, seconds: float = 0.0) -> bool:
        """Take in what comes within so many seconds; did anything?"""
        came = bool(self._poller.poll(round(1000 * seconds)))
        now = time.monotonic()
        for number, watcher in self._watchers.items():
            if watcher.take():
                self._heard[number] = self.seen = now
            self.stage = self.stage or watcher.stage
        alive = {n for n, when in self._heard.items() if now - when <= GONE and self._watchers[n].over is None}
        if self._heard and (came or alive != self._alive):
            self._alive = alive
            self.snapshot = self._merged(now)
        return came

    def close(self) -> None:
        """Detach."""
        for watcher in self._watchers.values():
            watcher.close()

    def _merged(self, now: float) -> Snapshot:
        """What all have shown last; who is not heard any more is lost, who was never heard too."""
        shots = {n: w.snapshot for n, w in self._watchers.items() if w.snapshot is not None and w.snapshot.robots}
        rows = [
            structs.replace(shots[n].robots[0], robot=n, alive=n in self._alive) if n in shots else nobody(n)
            for n in self._watchers
        ]
        living = [shots[n] for n in sorted(self._alive) if n in shots]
        if now - self._sampled >= SAMPLE and living:
            self._sampled = now
            self._split.append(sum(shot.robots[0].strategy == 0 for shot in living) / len(living))
        links = sorted({link for shot in living for link in shot.links if set(link) <= self._alive})
        graph = networkx.Graph(links)
        graph.add_nodes_from(self._alive)
        return Snapshot(
            max([1, *(shot.tick for shot in living)]),
            max([0.0, *(shot.time for shot in living)]),
            1.0,
            0,
            rows,
            [row for row in sites(living) if self.stage is not None and row.kind in self.stage.kinds],
            0,
            0,
            [],
            list(self._split),
            networkx.number_connected_components(graph),
            links,
            sorted(event for shot in shots.values() for event in shot.events)[-LINES:],
            {name: sum(shot.ties.get(name, 0) for shot in living) for name in {n: 0 for s in living for n in s.ties}},
        )


def sites(shots: list[Snapshot]) -> list[SiteRow]:
    """Sites that several may see: each once, as whoever knows most of its progress has it."""
    found: dict[int, SiteRow] = {}
    for row in (row for shot in shots for row in shot.sites):
        other = found.get(row.site, row)
        found[row.site] = row if row.progress > other.progress or row.age > other.age else other
    return [found[number] for number in sorted(found)]


def nobody(number: int) -> RobotRow:
    """A robot of which nothing has come."""
    nowhere = math.nan
    unknown = (nowhere, nowhere, nowhere, False, 0, 0, -1, -1, 0.0, (0.0, 0.0), 0, 0, 0, nowhere, 0, 0, nowhere)
    return RobotRow(number, *unknown, "", "", 0.0, 0.0, nowhere)
