"""A whole mission in one process: its world, its radio, and all minds as one stack, without sockets.

For studies and for the planar world, where a process per robot would cost more than it thinks. A fleet
and a lock-step run by processes (`swarm.host`) do the same, bit for bit.
"""

import numpy as np

from sim.medium import Medium
from sim.work import Event
from swarm import losses, results, worlds
from swarm.mission import Mission
from swarm.stack import Stack


class Fleet:
    """The robots of `mission` in their world, at time 0. Raises ValueError where the mission does not fit."""

    def __init__(self, mission: Mission) -> None:
        count = mission.robots.count
        self.mission = mission
        self.world = worlds.build(mission)
        self.radio = Medium(mission.radio, mission.tick, count, mission.seed)
        self.stack = Stack(mission, self.radio)
        self.neighbours = np.full((count, mission.radio.most), -1, np.int32)
        self.alive = np.ones(count, bool)
        self.driven = 0.0  # m, all robots
        self._losses = losses.draw(mission)

    @property
    def commands(self) -> np.ndarray:
        """(N,) what the robots do in the latest tick."""
        return self.stack.commands

    @property
    def reports(self) -> np.ndarray:
        """(N,) what they report in it."""
        return self.stack.reports

    def tick(self) -> list[Event]:
        """All sense and hear, think, act; then the world moves on. Gives what happened."""
        world, radio = self.world, self.mission.radio
        self.alive[self._losses[world.sites.phase]] = False
        percepts = world.sense()
        self.stack.behold(world)
        self.neighbours = world.neighbours(radio.range, radio.occlusion, radio.most)
        self.stack.tick(world.tick, percepts, self.neighbours, self.alive)
        before = world.poses
        events = world.act(self.commands)
        self.driven += float(np.hypot(*(world.poses - before)[:, :2].T).sum())
        return events

    def reset(self) -> None:
        """All minds start afresh, with nothing learnt and nobody heard; bodies stay where they are."""
        self.stack.start()

    def row(self) -> tuple[float, ...]:
        """The swarm, now, as one row of `swarm.metrics.COLUMNS`."""
        return results.row(self.world, self.radio, self.reports, self.alive, self.neighbours, self.driven)

    def close(self) -> None:
        """Give the world up."""
        self.world.close()
