"""The referee: work without plates. It opens the mission's sites where robots' bodies find none, and judges.

All that `sim.work` knows of sites (arrivals, phases, when one is done) holds here too; only the plates are
virtual. What a robot does at a face is told by its body (`robots.tracker.message.Deed`): how hard its wheels drive, and
whether it means to hold on. Whether it is there, its pose says, from the tracker. A plate that its team works moves
with the speed that a physical one has, *v (1 - (k - 0.5) / n)* for n robots (docs/physics.md), and the team has to
follow it: a robot that does not drive along loses touch and counts no longer.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from robots.command import HOLD
from robots.tracker.message import Deed, Seen
from robots.tracker.message import Site as Told
from robots.tracker.view import touched
from sim import arrivals
from sim.floor import floor
from sim.site import Event, Spot
from sim.work import Sites
from swarm.mission import Mission

FRESH = 0.5  # s that a deed counts
DRIVES = 0.5  # share of its free speed from which a robot pushes or pulls; below, and above half of HOLD, it holds
_ENVIRONMENT = 1  # random stream, the same as in simulation: the same sites come


@dataclass
class Plate:
    """A virtual plate."""

    action: str
    team: int
    travel: float = 0.0  # m
    give: float = 0.0  # m/s, now
    held: bool = False


class Plates:
    """The plates of `sim.work.Sites`, which only this knows of."""

    def __init__(self, speed: float) -> None:
        self.speed = speed  # m/s, free speed of a robot
        self.plates: dict[int, Plate] = {}

    def work(self, deeds: Mapping[int, Deed], at: Mapping[int, int], elapsed: float) -> None:
        """Let the robots work: `deeds` by robot, `at` the plate that each is at, for `elapsed` s."""
        for number, plate in self.plates.items():
            there = [deed for robot, deed in deeds.items() if at.get(robot) == deed.site == number]
            pushing = sum(deed.share >= DRIVES for deed in there)
            pulling = sum(deed.grip and deed.share <= -DRIVES for deed in there)
            holding = sum(HOLD / 2 <= deed.share < DRIVES for deed in there)
            team = {"push": pushing, "pull": pulling, "hold": holding}[plate.action]
            enough = team >= plate.team
            plate.held = plate.action == "hold" and enough and pushing == 0
            moves = enough and plate.action != "hold"
            plate.give = self.speed * (1 - (plate.team - 0.5) / team) if moves else 0.0
            plate.travel += plate.give * elapsed

    def add_plate(self, number: int, spot: Spot, action: str, team: int) -> None:  # noqa: ARG002 - contract
        """One more."""
        self.plates[number] = Plate(action, team)

    def remove_plate(self, number: int) -> None:
        """One less."""
        del self.plates[number]

    def measure(self, numbers: Sequence[int]) -> tuple[list[float], list[bool]]:
        """How far each of these has moved, m, and whether its team holds it, and nobody pushes."""
        plates = [self.plates[number] for number in numbers]
        return [plate.travel for plate in plates], [plate.held for plate in plates]


class Referee:
    """The sites of a mission, moved on by `tick`. Raises ValueError where the mission's floor has no room for them."""

    def __init__(self, mission: Mission) -> None:
        rng = np.random.default_rng([mission.seed, _ENVIRONMENT])
        radius, count = mission.robots.radius, mission.robots.count
        ground = floor(mission.arena, Path()).work_area(radius, rng)
        ground.starts(count, radius, rng)
        coming = arrivals.draw(mission.phases, mission.kinds, mission.work, ground, mission.robots, rng)
        self.mission = mission
        self.plates = Plates(mission.robots.speed)
        self.sites = Sites(mission.phases, coming, mission.work, self.plates, radius, mission.tick)
        self._deeds: dict[int, tuple[float, Deed]] = {}
        self._now: float | None = None
        self.time = 0.0  # s, of the mission

    def hear(self, deed: Deed, now: float) -> None:
        """Take what a robot tells."""
        if deed.robot < self.mission.robots.count:
            self._deeds[deed.robot] = now, deed

    def tick(self, robots: tuple[Seen, ...], now: float) -> list[Event]:
        """Judge what has been done until `now` (monotonic, s); gives what happened."""
        elapsed = 0.0 if self._now is None else min(now - self._now, FRESH)
        self._now, self.time = now, self.time + elapsed
        poses = np.full((self.mission.robots.count, 3), np.nan)
        for seen in robots:
            if seen.number < len(poses):
                poses[seen.number] = seen.x, seen.y, seen.heading
        deeds = {robot: deed for robot, (at, deed) in self._deeds.items() if now - at <= FRESH}
        at = self._contacts(poses, deeds)
        self.plates.work(deeds, at, elapsed)
        index = {site.number: i for i, site in enumerate(self.sites.open)}
        touching = np.array([index.get(at.get(robot, -1), -1) for robot in range(len(poses))])
        return self.sites.update(self.time, poses, touching)

    def _contacts(self, poses: np.ndarray, deeds: Mapping[int, Deed]) -> dict[int, int]:
        """Robot -> the site that it touches; one that holds on touches as far as a gripper stretches."""
        sites, radius, out = self.told(), self.mission.robots.radius, dict[int, int]()
        for robot, pose in enumerate(poses):
            deed = deeds.get(robot)
            contact = touched(sites, pose, radius, deed.site if deed is not None and deed.grip else -1)
            if contact is not None:
                out[robot] = contact.site.number
        return out

    def told(self) -> tuple[Told, ...]:
        """The open sites, as robots are told of them."""
        width = self.mission.work.face
        return tuple(
            Told(
                site.number,
                site.arrival.signature,
                site.face[0],
                site.face[1],
                math.remainder(site.face[2], 2 * math.pi),
                width,
                float(site.progress),
                self.plates.plates[site.number].give,
            )
            for site in self.sites.open
        )
