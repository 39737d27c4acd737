"""A whole mission in one process: its world, its radio, and all minds as one stack, without sockets.

For studies and for the planar world, where a process per robot would cost more than it thinks. A fleet
and a lock-step run by processes (`swarm.host`) do the same, bit for bit.
"""

import numpy as np

from robots.command import COMMAND
from sim.medium import Medium
from sim.work import Event
from swarm import losses, mind, peers, results, wire, worlds
from swarm.arbiters.auction import Central
from swarm.mission import Mission

_BOOT = 1  # nobody starts twice


class Fleet:
    """The robots of `mission` in their world, at time 0. Raises ValueError where the mission does not fit."""

    def __init__(self, mission: Mission) -> None:
        count = mission.robots.count
        self.mission = mission
        self.world = worlds.build(mission)
        self.radio = Medium(mission.radio, mission.tick, count, mission.seed)
        self.mind = mind.start(mission, range(count))
        self.heard = np.stack([peers.nobody(mission.radio.most)] * count)
        self.neighbours = np.full((count, mission.radio.most), -1, np.int32)
        self.alive = np.ones(count, bool)
        self.commands: np.ndarray
        self.reports = self.mind.reports
        self.driven = 0.0  # m, all robots
        self._said = np.zeros(count, np.int64)
        self._losses = losses.draw(mission)

    def tick(self) -> list[Event]:
        """All sense and hear, think, act; then the world moves on. Gives what happened."""
        world, radio, mission = self.world, self.radio, self.mission
        now = world.tick
        self.alive[self._losses[world.sites.phase]] = False
        percepts = world.sense()
        if isinstance(self.mind.arbiter, Central):
            self.mind.arbiter.behold(world)
        self.neighbours = world.neighbours(mission.radio.range, mission.radio.occlusion, mission.radio.most)
        heard = radio.deliver(now, self.neighbours)
        lessons = [peers.listen(table, now, signals)[0] for table, signals in zip(self.heard, heard, strict=True)]
        deeds = mind.tick(self.mind, now, percepts, self.heard, lessons)
        self.commands = np.where(self.alive, deeds.commands, np.zeros((), COMMAND))
        self.reports = np.where(self.alive, deeds.reports, self.reports)
        for robot, speech in enumerate(deeds.speeches):
            if speech is not None and self.alive[robot]:
                signal = mind.signal(speech, robot, _BOOT, int(self._said[robot]), now * mission.tick)
                radio.say(robot, wire.encode(signal), now)
                self._said[robot] += 1
        before = world.poses
        events = world.act(self.commands)
        self.driven += float(np.hypot(*(world.poses - before)[:, :2].T).sum())
        return events

    def reset(self) -> None:
        """All minds start afresh, with nothing learnt and nobody heard; bodies stay where they are."""
        count = self.mission.robots.count
        self.mind = mind.start(self.mission, range(count))
        self.heard = np.stack([peers.nobody(self.mission.radio.most)] * count)

    def row(self) -> tuple[float, ...]:
        """The swarm, now, as one row of `swarm.metrics.COLUMNS`."""
        return results.row(self.world, self.radio, self.reports, self.alive, self.neighbours, self.driven)

    def close(self) -> None:
        """Give the world up."""
        self.world.close()
