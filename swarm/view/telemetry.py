"""From the state of a run to what watchers see of it: `Stage` and `Snapshot`."""

import time
from collections import deque

import numpy as np

from sim import medium
from sim.medium import Medium
from sim.work import Event
from sim.world import World
from swarm.metrics import EVERY
from swarm.mission import Mission
from swarm.view.snapshot import RobotRow, SiteRow, Snapshot, Stage

LINES = 40  # events that a watcher is shown
SAMPLES = 120  # of rate and split


def stage(mission: Mission, world: World) -> Stage:
    """What does not change during the run."""
    starts = world.sites.starts.tolist()
    return Stage(
        mission.name,
        mission.about,
        mission.seed,
        mission.duration,
        world.floor.bounds,
        [tuple(wall) for wall in world.floor.walls.tolist()],
        mission.robots.radius,
        mission.work.face,
        {name: kind.colour for name, kind in mission.kinds.items()},
        [(start, phase.name) for start, phase in zip(starts, mission.phases, strict=True)],
    )


class Telemetry:
    """Keeps the short histories that a snapshot shows."""

    def __init__(self, mission: Mission, world: World, radio: Medium) -> None:
        self.mission, self.world, self.radio = mission, world, radio
        self.rate: deque[float] = deque(maxlen=SAMPLES)
        self.split: deque[float] = deque(maxlen=SAMPLES)
        self.events: deque[tuple[float, str, str]] = deque(maxlen=LINES)
        self._pace: deque[tuple[float, float]] = deque(maxlen=64)
        self._done = 0

    def event(self, event: Event) -> None:
        """Remember an event."""
        self.events.append((event.time, event.level, event.text))

    def sample(self, reports: np.ndarray) -> None:
        """Called every `EVERY` simulated seconds."""
        done = self.world.sites.done
        self.rate.append((done - self._done) * 60 / EVERY)
        self.split.append(float((reports["strategy"] == 0).mean()))
        self._done = done

    def snapshot(
        self, reports: np.ndarray, alive: np.ndarray, restarts: np.ndarray, neighbours: np.ndarray
    ) -> Snapshot:
        """The swarm, now."""
        world = self.world
        poses = world.poses.tolist()
        graph = medium.graph(neighbours, alive)
        return Snapshot(
            world.tick,
            world.time,
            self._speed(),
            world.sites.phase,
            [
                RobotRow(
                    robot,
                    poses[robot][0],
                    poses[robot][1],
                    poses[robot][2],
                    bool(alive[robot]),
                    int(r["strategy"]),
                    int(r["task"]),
                    int(r["action"]),
                    int(r["site"]),
                    float(r["waiting"]),
                    tuple(r["concentration"].tolist()),
                    int(self.radio.heard[robot]),
                    int(self.radio.said[robot]),
                    int(r["bad"]),
                    float(r["age"]),
                    int(r["rules"]),
                    int(restarts[robot]),
                )
                for robot, r in enumerate(reports)
            ],
            [
                SiteRow(
                    site.number,
                    site.arrival.kind,
                    site.arrival.action,
                    site.arrival.team,
                    *site.face,
                    site.progress,
                    world.time - site.opened,
                )
                for site in world.sites.open
            ],
            world.sites.done,
            len(world.sites.waiting),
            list(self.rate),
            list(self.split),
            medium.components(graph),
            [(a, b) for a, b in graph.edges],
            list(self.events),
        )

    def _speed(self) -> float:
        """Simulated seconds per second of wall time, over about the last second."""
        now = time.monotonic()
        self._pace.append((now, self.world.time))
        while len(self._pace) > 2 and now - self._pace[1][0] > 1:
            self._pace.popleft()
        then, simulated = self._pace[0]
        return (self.world.time - simulated) / (now - then) if now > then else 0.0
