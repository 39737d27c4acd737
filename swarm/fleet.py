"""Whole missions in one process: their worlds, their radio, and all minds as one stack, without sockets.

For studies and for the planar world, where a process per robot would cost more than it thinks. A fleet
and a lock-step run by processes (`swarm.host`) do the same, bit for bit; and so does a mission alone and beside others.
"""

from collections.abc import Sequence

import numpy as np

from sim.medium import Medium
from sim.site import Event
from sim.world import World, Worlds
from swarm import lanes, losses, results, worlds
from swarm.mission import Mission
from swarm.stack import Stack


class Run:
    """One mission of a fleet: robots `lanes` of its stack."""

    def __init__(self, fleet: "Fleet", mission: Mission, number: int) -> None:
        count = mission.robots.count
        self.mission, self._fleet = mission, fleet
        self.world: World = worlds.build(mission)
        self.lanes = slice(number * count, (number + 1) * count)
        self.losses = losses.draw(mission)
        self.driven = 0.0  # m, all robots

    @property
    def alive(self) -> np.ndarray:
        """(N,) which robots have not fallen out."""
        return self._fleet.alive[self.lanes]

    @property
    def reports(self) -> np.ndarray:
        """(N,) what they report in the latest tick."""
        return self._fleet.stack.reports[self.lanes]

    def row(self) -> tuple[float, ...]:
        """The swarm, now, as one row of `swarm.metrics.COLUMNS`."""
        radio, near = self._fleet.radio, self._fleet.neighbours[self.lanes]
        counts = [int(each[self.lanes].sum()) for each in (radio.said, radio.heard, radio.lost)]
        return results.row(self.world, counts, self.reports, self.alive, near, self.driven)


class Fleet:
    """The robots of `missions` in their worlds, at time 0, those of one after those of the other.

    `afresh` gives for each the time in s at which its minds start afresh, with nothing learnt and nobody heard;
    bodies stay where they are. Raises ValueError where a mission does not fit. Several missions must be alike
    (`swarm.lanes.alike`) and planar.
    """

    def __init__(self, missions: Sequence[Mission], afresh: Sequence[float | None] = ()) -> None:
        self.mission = mission = missions[0]
        if len(missions) > 1 and mission.world != "planar":
            raise ValueError(f"world = {mission.world!r}: missions side by side must be planar")
        if not all(lanes.alike(mission, other) for other in missions):
            raise ValueError(f"missions side by side must have the same {', '.join(lanes.COMMON)}, plugins, duration")
        count = len(missions) * mission.robots.count
        self.radio = Medium(mission.radio, mission.tick, mission.robots.count, [m.seed for m in missions])
        self.stack = Stack(missions, self.radio, afresh)
        self.alive = np.ones(count, bool)
        self.neighbours = np.full((count, mission.radio.most), -1, np.int32)
        self.runs = [Run(self, mission, number) for number, mission in enumerate(missions)]
        self._worlds = Worlds([run.world for run in self.runs])
        times = afresh or [None] * len(missions)
        self._afresh = np.array([-1 if time is None else round(time / mission.tick) for time in times])

    @property
    def commands(self) -> np.ndarray:
        """(K * N,) what the robots do in the latest tick."""
        return self.stack.commands

    @property
    def reports(self) -> np.ndarray:
        """(K * N,) what they report in it."""
        return self.stack.reports

    def tick(self) -> list[list[Event]]:
        """All sense and hear, think, act; then the worlds move on. Gives what happened, by mission."""
        now, radio = self.runs[0].world.tick, self.mission.radio
        if (runs := self._afresh == now).any():
            self.stack.restart(runs)
        for run in self.runs:
            if lost := run.losses[run.world.sites.phase]:
                run.alive[lost] = False
        percepts = self._worlds.sense()
        self.stack.behold(self._worlds.worlds, self.alive)
        self.neighbours = self._worlds.neighbours(radio.range, radio.occlusion, radio.most)
        self.stack.tick(now, percepts, self.neighbours, self.alive)
        events, driven = self._worlds.act(self.commands)
        for run, way in zip(self.runs, driven.tolist(), strict=True):
            run.driven += way
        return events

    def close(self) -> None:
        """Give the worlds up."""
        for run in self.runs:
            run.world.close()
