"""The work of a mission: which sites are open, how far each has come, when it is done.

Progress is read from the plates; nobody counts heads.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np

from sim.arrivals import PLATE, overlaps
from sim.sensing import SITE, joined
from sim.site import Arrival, Event, Site, Spot
from sim.spec import Phase, Robots, Work

CLEAR = 0.02  # m, left between a new plate and the robots around it
SETTLED = 0.5  # s that a plate must be held before it shows: one that is pushed only passes through
RETRY = 1.0  # s between two attempts to open what found no room

# what every engine keeps to
SPARE = 0.5  # a team of k overcomes (k - SPARE) stall forces: k - 1 cannot, nor can four that only press
SPRING = 20.0  # N/m per N of stall force: spring of a plate to be held
OVERSHOOT = 0.8  # of the stall force: a plate pressed harder than that is not held but pushed
_MASS = 0.5  # kg, of a robot
_QUICK = 1 / 12  # s in which a robot comes near its speed, at least: strong ones are heavier


class Plates(Protocol):
    """What sites are made of."""

    def add_plate(self, number: int, spot: Spot, action: str, team: int) -> None:
        """Put a plate that `team` robots can work by `action`."""

    def remove_plate(self, number: int) -> None:
        """Take it away."""

    def measure(self, numbers: Sequence[int]) -> tuple[Sequence[float], Sequence[bool]]:
        """How far each of these has moved, m, and whether it is held: pressed by its team, and not pushed."""


class Engine(Plates, Protocol):
    """Physics of robots and plates."""

    def poses(self) -> np.ndarray:
        """(N, 3) x, y in m, heading in rad."""

    def gripping(self) -> np.ndarray:
        """(N,) number of the plate that each robot's gripper holds, -1 none."""

    def step(self, commands: np.ndarray, touching: np.ndarray) -> None:
        """Advance by one tick; `touching` (N,) is the plate that each robot touches, or -1."""

    def close(self) -> None:
        """Give everything up."""


def robot_mass(robots: Robots) -> float:
    """Mass of a robot in kg."""
    return max(_MASS, _QUICK * robots.force / robots.speed)


class Sites:
    """All sites of a mission, driven by time and by their plates."""

    def __init__(
        self,
        phases: Sequence[Phase],
        arrivals: Sequence[Arrival],
        work: Work,
        plates: Plates,
        radius: float,
        tick: float,
    ) -> None:
        self._phases, self._work, self._plates = phases, work, plates
        self._radius, self._tick = radius, tick
        self._coming = list(reversed(arrivals))
        self.starts = np.cumsum([0.0, *(phase.duration for phase in phases[:-1])])  # s, of each phase
        self.phase = 0
        self.waiting: list[Arrival] = []  # arrived, but there was no room
        self.open: list[Site] = []
        self.ended: list[Site] = []
        self._next_try = 0.0
        self.array = np.empty(0, SITE)  # the open sites, in order, for the sensors

    @property
    def done(self) -> int:
        """Tasks completed."""
        return sum(site.outcome == "done" for site in self.ended)

    def update(self, time: float, poses: np.ndarray, touching: np.ndarray) -> list[Event]:
        """Read progress after a tick, close what is done, change phase, open what has arrived.

        `poses` (N, 3) and `touching` (N,): index of the open site that each robot touches, or -1.
        """
        for index in set(touching.tolist()) - {-1}:
            if math.isnan(self.open[index].touched):
                self.open[index].touched = time
        events = [*self._close_done(time), *self._change_phase(time)]
        self._measure()
        while self._coming and self._coming[-1].time <= time:
            self.waiting.append(self._coming.pop())
            self._next_try = time
        if self.waiting and time >= self._next_try:
            self._next_try = time + RETRY
            events += self._open_waiting(time, poses)
        return events

    def _measure(self) -> None:
        """Read how far all have come, and show it."""
        travels, holds = self._plates.measure([site.number for site in self.open])
        travel, pressed = self._work.travel, max(self._tick, self._work.held - SETTLED)
        rows, faces, shares = [], [], []
        for index, (site, moved, held) in enumerate(zip(self.open, travels, holds, strict=True)):
            if moved == site.moved and not held and not site.held:
                continue
            if site.holds:
                site.held = site.held + self._tick if held else 0.0
                site.progress = min(1.0, max(0.0, (site.held - SETTLED) / pressed))
            elif moved / travel > site.progress:
                site.progress = min(1.0, moved / travel)
            if moved != site.moved:
                x, y, facing = site.spot
                site.moved, site.face = moved, (x + moved * site.way[0], y + moved * site.way[1], facing)
            rows.append(index)
            faces.append(site.face)
            shares.append(site.progress)
        if rows:
            self.array["face"][rows], self.array["progress"][rows] = faces, shares

    def _close_done(self, time: float) -> Iterator[Event]:
        """A site stays for the tick in which robots can sense that it is complete."""
        for site in [site for site in self.open if site.progress >= 1]:
            self._end(site, "done", time)
            yield Event(
                time, "info", f"site {site.number} done: {_what(site.arrival)}, open for {time - site.opened:.0f} s"
            )

    def _change_phase(self, time: float) -> Iterator[Event]:
        if self.phase + 1 >= len(self._phases) or time < self.starts[self.phase + 1]:
            return
        self.phase += 1
        phase = self._phases[self.phase]
        yield Event(time, "warning", f"phase {self.phase + 1}: {phase.name or 'changes'}")
        for arrival in [arrival for arrival in self.waiting if not _means_the_same(arrival, phase)]:
            self.waiting.remove(arrival)
            self.ended.append(Site(-1, arrival, arrival.spots[0], np.nan, ended=time, outcome="withdrawn"))
        for site in [site for site in self.open if not _means_the_same(site.arrival, phase)]:
            kind, meaning = site.arrival.kind, phase.kinds.get(site.arrival.kind)
            self._end(site, "withdrawn", time)
            if meaning:
                self.waiting.append(_renewed(site, self.phase, meaning.action, meaning.team, time))
                yield Event(time, "info", f"site {site.number} replaced: {kind} has another meaning now")

    def _end(self, site: Site, outcome: str, time: float) -> None:
        self._plates.remove_plate(site.number)
        index = next(i for i, one in enumerate(self.open) if one is site)
        del self.open[index]
        self.array = np.delete(self.array, index)
        site.ended, site.outcome = time, outcome
        self.ended.append(site)

    def _open_waiting(self, time: float, poses: np.ndarray) -> Iterator[Event]:
        for arrival in list(self.waiting):
            if len(self.open) >= self._phases[self.phase].open:
                return
            spot = next((spot for spot in arrival.spots if self._is_free(spot, poses)), None)
            if spot is None:
                continue
            self.waiting.remove(arrival)
            number = len(self.open) + len(self.ended)
            self.open.append(Site(number, arrival, spot, time, face=spot))
            row = np.array([(number, arrival.signature, spot, self._work.face, PLATE, 0.0)], SITE)
            self.array = joined([self.array, row])
            self._plates.add_plate(number, spot, arrival.action, arrival.team)
            yield Event(time, "info", f"site {number} opens: {_what(arrival)}")

    def _is_free(self, spot: Spot, poses: np.ndarray) -> bool:
        if any(overlaps(spot, site.spot, self._work) for site in self.open):
            return False
        x, y, facing = spot
        dx, dy = poses[:, 0] - x, poses[:, 1] - y
        ahead = dx * np.cos(facing) + dy * np.sin(facing)
        across = dy * np.cos(facing) - dx * np.sin(facing)
        apart = self._radius + CLEAR
        on_plate = (ahead < apart) & (ahead > -PLATE - apart) & (np.abs(across) < self._work.face / 2 + apart)
        return not on_plate.any()


def _means_the_same(arrival: Arrival, phase: Phase) -> bool:
    meaning = phase.kinds.get(arrival.kind)
    return meaning is not None and (meaning.action, meaning.team) == (arrival.action, arrival.team)


def _what(arrival: Arrival) -> str:
    return f"{arrival.kind} ({arrival.action} by {arrival.team})"


def _renewed(site: Site, phase: int, action: str, team: int, time: float) -> Arrival:
    old = site.arrival
    return Arrival(time, phase, old.kind, old.signature, action, team, (site.spot, *old.spots))
