"""The sites of a mission, drawn before it starts: when each arrives, what it hides, where it may open.

Arrivals are open-loop, so a swarm that works slowly meets as many sites as one that works fast. A site
has several places to choose from: whoever opens it takes the first that no robot or other site is in.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sim.floor import MARGIN, Floor, FloorError
from sim.site import Arrival, Spot
from sim.spec import Kind, Meaning, Phase, Robots, Work

SPOTS = 8  # places that a site may open at
PLATE = 0.06  # m, thickness of the plate behind a work face
STAND = 0.25  # m, depth of the standing room before a work face, at least; a robot's diameter if that is more
SPREAD = 0.7  # m, standard deviation of the places around a cluster's centre
BATCH = 64  # places tried at once
TRIES = 320 * BATCH  # places tried before a floor counts as too tight

#: so many points, drawn: (count, 2), x and y
Places = Callable[[int], np.ndarray]


def draw(
    phases: Sequence[Phase],
    kinds: Mapping[str, Kind],
    work: Work,
    floor: Floor,
    robots: Robots,
    rng: np.random.Generator,
) -> list[Arrival]:
    """All arrivals of a mission in order of time, a function of the arguments and the state of `rng` alone.

    In each phase the first site arrives at once, so that no phase begins with nothing to do, and the
    others follow as a Poisson process. Times, kinds and signatures are drawn before all places: they
    are the same on every floor. Spots have room for the robots, see `has_room`, anywhere in the region
    that the robots can reach, or around the phase's cluster centres. Raises FloorError where a floor is
    too tight for them.
    """
    calls = [
        (time, i, kind, _signature(kinds[kind].signature, rng))
        for i, phase, start in _timetable(phases)
        for time, kind in _calls(phase, start, rng)
    ]
    search = _Search(work, floor, robots, rng)
    places = {i: search.places(phases[i]) for i in dict.fromkeys(i for _, i, _, _ in calls)}
    out = []
    for time, i, kind, signature in calls:
        meaning = phases[i].kinds[kind]
        spots = search.spots(meaning.action, places[i])
        out.append(Arrival(time, i, kind, signature, meaning.action, meaning.team, spots))
    return out


@dataclass(frozen=True)
class _Search:
    """Search for spots, by trying places at random."""

    work: Work
    floor: Floor
    robots: Robots
    rng: np.random.Generator

    def spots(self, action: str, places: Places) -> tuple[Spot, ...]:
        """`SPOTS` spots for a site that `action` advances, at some of these places."""
        found: list[Spot] = []
        for _ in range(TRIES // BATCH):
            tried = np.column_stack([places(BATCH), self.rng.uniform(-math.pi, math.pi, BATCH)])
            good = tried[has_room(tried, action, self.work, self.floor, self.robots)]
            found += [(x, y, facing) for x, y, facing in good.tolist()]
            if len(found) >= SPOTS:
                return tuple(found[:SPOTS])
        width, depth = _width(self.work, self.robots), sum(_reach(action, self.work, self.robots))
        raise FloorError(
            f"work.face = {self.work.face:g}, work.travel = {self.work.travel:g}: a site to {action} needs "
            f"{width:.2f} x {depth:.2f} m of free floor that robots of radius {self.robots.radius:g} m can "
            f"reach; {len(found)} of {TRIES} places tried have it, {SPOTS} are needed"
        )

    def places(self, phase: Phase) -> Places:
        """Where the sites of a phase are tried."""
        if phase.place == "scattered":
            return self._anywhere
        actions = [meaning.action for meaning in phase.kinds.values() if meaning.weight > 0]
        # a centre that is itself a spot has room around it
        spots = [self.spots(actions[i % len(actions)], self._anywhere)[0] for i in range(phase.clusters)]
        centres = np.array(spots)[:, :2]
        return lambda count: self.rng.normal(centres[self.rng.integers(len(centres), size=count)], SPREAD)

    def _anywhere(self, count: int) -> np.ndarray:
        """Points of the region that robots can reach, uniform, (count, 2)."""
        half = self.floor.resolution / 2
        cells = self._cells[self.rng.integers(len(self._cells), size=count)]
        return cells + self.rng.uniform(-half, half, (count, 2))

    @cached_property
    def _cells(self) -> np.ndarray:
        cells = self.floor.middles(self.floor.region(self.robots.radius + MARGIN))
        if not len(cells):
            raise FloorError(f"robots.radius = {self.robots.radius:g}: no place on this floor is wide enough")
        return cells


def has_room(spots: np.ndarray, action: str, work: Work, floor: Floor, robots: Robots) -> np.ndarray:
    """Whether sites at `spots` (N, 3) are clear of walls and within reach of the robots: (N,) bool.

    One rectangle is clear: from the plate's back, its travel included where the plate moves that way
    (push, hold), to the front of the standing room, moved out by the travel where the plate moves
    towards the robots (pull). Its sides and front leave robots that stand before the work face their
    radius and `MARGIN` to the walls, so they can walk wherever they stand, and the middle of their room
    lies in the region they walk in.
    """
    back, front = _reach(action, work, robots)
    ahead = front - robots.radius - MARGIN - _stand(robots) / 2
    normal = np.stack([np.cos(spots[:, 2]), np.sin(spots[:, 2])], -1)
    reachable = floor.inside(spots[:, :2] + ahead * normal, floor.region(robots.radius + MARGIN))
    return np.asarray(reachable & floor.fits(spots, back, front, _width(work, robots)))


def overlaps(a: Spot, b: Spot, work: Work) -> bool:
    """Whether two sites get into each other's way, whatever their actions: plates, travel, standing room."""
    apart = 2 * math.hypot(max(PLATE, STAND) + work.travel, work.face / 2)
    if abs(a[0] - b[0]) > apart or abs(a[1] - b[1]) > apart:
        return False
    return not (_beside(a, b, work) or _beside(b, a, work))


def _beside(a: Spot, b: Spot, work: Work) -> bool:
    """Whether a side of a's footprint separates it from b's."""
    back, front, half = PLATE + work.travel, STAND + work.travel, work.face / 2
    turn = b[2] - a[2]
    dx, dy = b[0] - a[0], b[1] - a[1]
    along, across = dx * math.cos(a[2]) + dy * math.sin(a[2]), dy * math.cos(a[2]) - dx * math.sin(a[2])
    corners = [(u, v) for u in (-back, front) for v in (-half, half)]
    us = [along + u * math.cos(turn) - v * math.sin(turn) for u, v in corners]
    vs = [across + u * math.sin(turn) + v * math.cos(turn) for u, v in corners]
    return max(us) <= -back or min(us) >= front or max(vs) <= -half or min(vs) >= half


def _timetable(phases: Sequence[Phase]) -> Iterator[tuple[int, Phase, float]]:
    """Index, phase and start in s."""
    start = 0.0
    for i, phase in enumerate(phases):
        yield i, phase, start
        start += phase.duration


def _calls(phase: Phase, start: float, rng: np.random.Generator) -> Iterator[tuple[float, str]]:
    """Times in s and kinds of the arrivals in a phase."""
    if phase.rate == 0:
        return
    kinds: list[tuple[str, Meaning]] = list(phase.kinds.items())
    weights = np.array([meaning.weight for _, meaning in kinds])
    shares = np.cumsum(weights / weights.sum())
    time = 0.0
    while time < phase.duration:
        yield start + time, kinds[int(np.searchsorted(shares, rng.random() * shares[-1], side="right"))][0]
        time += rng.exponential(60 / phase.rate)


def _signature(pattern: str, rng: np.random.Generator) -> int:
    """The number a pattern stands for, bits that are '#' drawn; character b is bit b."""
    return sum(int(rng.integers(2) if char == "#" else char) << b for b, char in enumerate(pattern))


def _stand(robots: Robots) -> float:
    return max(STAND, 2 * robots.radius)


def _reach(action: str, work: Work, robots: Robots) -> tuple[float, float]:
    """How far a site needs clear floor behind its work face and before it, m."""
    front = _stand(robots) + robots.radius + MARGIN
    return (PLATE, front + work.travel) if action == "pull" else (PLATE + work.travel, front)


def _width(work: Work, robots: Robots) -> float:
    """How wide a site needs clear floor, m."""
    return work.face + 2 * (robots.radius + MARGIN)
