"""From the ticks of a run, live or from its log, to what watchers see of it: `Stage`, `Snapshot`, `Detail`."""

import math
import time
from collections import deque
from typing import TYPE_CHECKING

import numpy as np

from sim import earshot
from sim.site import Event
from swarm.metrics import EVERY
from swarm.mission import Mission
from swarm.net.ties import Ties, total
from swarm.record import Tick, Told
from swarm.view.health import Health
from swarm.view.snapshot import Detail, Moment, RobotRow, SiteRow, Snapshot, Stage

if TYPE_CHECKING:
    from sim.world import World

LINES = 40  # events that a watcher is shown
SAMPLES = 120  # of rate and split
STEP = 0.5  # s, simulated, between two points of trails and histories
POINTS = 120  # of trails and histories
STOPPED = "stopped by an operator"


def stage(mission: Mission, world: "World") -> Stage:
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
        {name: kind.signature for name, kind in mission.kinds.items()},
        mission.watch,
    )


class Telemetry:
    """Keeps the short histories that watchers are shown; `dt` is the length of a tick in s.

    odometry: do bodies sense how they move?
    """

    def __init__(self, dt: float, *, odometry: bool = True) -> None:
        self._health = Health(dt, odometry=odometry)
        self._dt, self._step, self._period = dt, max(1, round(STEP / dt)), round(EVERY / dt)
        self._rate: deque[float] = deque(maxlen=SAMPLES)
        self._split: deque[float] = deque(maxlen=SAMPLES)
        self._events: deque[tuple[float, str, str]] = deque(maxlen=LINES)
        self._trail: deque[np.ndarray] = deque(maxlen=POINTS)
        self._minds: deque[tuple[float, np.ndarray]] = deque(maxlen=POINTS)
        self._told: dict[int, Told] = {}  # robot -> its latest decision
        self._ties: dict[int, Ties] = {}  # robot -> the latest of its link
        self._pace: deque[tuple[float, float]] = deque(maxlen=64)
        self._done = 0

    def event(self, event: Event) -> None:
        """Remember an event."""
        self._events.append((event.time, event.level, event.text))

    def told(self, told: Told) -> None:
        """Remember why a robot does what it does, and whom it can hear."""
        if told.decision is not None:
            self._told[told.robot] = told
        if told.ties is not None:
            self._ties[told.robot] = told.ties

    def tick(self, now: Tick) -> None:
        """Take a tick into the histories."""
        self._health.tick(now)
        if now.tick % self._step == 0:
            self._trail.append(now.poses[:, :2].copy())
            self._minds.append((now.tick * self._dt, now.reports.copy()))
        if now.tick % self._period == self._period - 1:
            self._rate.append((now.done - self._done) * 60 / EVERY)
            self._split.append(float((now.reports["strategy"] == 0).mean()))
            self._done = now.done

    @property
    def trail(self) -> np.ndarray:
        """(T, N, 2) m: where the robots were, each half second, the latest last."""
        return np.array(self._trail)

    def snapshot(self, now: Tick) -> Snapshot:
        """The swarm, now."""
        poses, radio, simulated = now.poses.tolist(), now.radio.tolist(), now.tick * self._dt
        graph = earshot.graph(now.neighbours, now.alive)
        battery = now.percepts["battery"].tolist()
        health = self._health.rows(len(battery))
        held = [STOPPED if stopped else "" for stopped in now.stopped.tolist()]
        states = zip(battery, held, health, strict=True)
        rows = zip(now.reports, poses, radio, now.alive.tolist(), now.restarts.tolist(), states, strict=True)
        return Snapshot(
            now.tick,
            simulated,
            self._speed(simulated),
            now.phase,
            [
                RobotRow(
                    robot,
                    x,
                    y,
                    heading,
                    alive,
                    int(r["strategy"]),
                    int(r["task"]),
                    int(r["action"]),
                    int(r["site"]),
                    float(r["waiting"]),
                    _known(r["concentration"]),
                    heard,
                    said,
                    int(r["bad"]),
                    float(r["age"]),
                    int(r["rules"]),
                    restarts,
                    charge,
                    held,
                    "",
                    *health,
                )
                for robot, (r, (x, y, heading), (said, heard, _), alive, restarts, state) in enumerate(rows)
                for charge, held, health in [state]
            ],
            [
                SiteRow(number, kind, action, team, x, y, facing, progress, simulated - opened)
                for number, x, y, facing, progress, kind, action, team, opened in now.sites
            ],
            now.done,
            now.backlog,
            list(self._rate),
            list(self._split),
            earshot.components(graph),
            [(a, b) for a, b in graph.edges],
            list(self._events),
            total([ties for robot, ties in self._ties.items() if now.alive[robot]]),
        )

    def detail(self, now: Tick, robot: int) -> Detail:
        """All about one robot, now."""
        percept, told = now.percepts[robot], self._told.get(robot)
        history = [
            Moment(when, *(_known(reports[robot][name]) for name in ("antigen", "stimulus", "concentration")))
            for when, reports in self._minds
        ]
        return Detail(
            robot,
            now.tick * self._dt,
            {name: percept[name].tolist() for name in percept.dtype.names or ()},
            [sender for sender, _ in now.heard[robot]],
            history,
            told.tick * self._dt if told else float("nan"),
            told.decision if told else None,
            self._ties.get(robot),
        )

    def _speed(self, simulated: float) -> float:
        """Simulated seconds per second of wall time, over about the last second."""
        now = time.monotonic()
        self._pace.append((now, simulated))
        while len(self._pace) > 2 and now - self._pace[1][0] > 1:
            self._pace.popleft()
        then, before = self._pace[0]
        return (simulated - before) / (now - then) if now > then else 0.0


def _known(values: np.ndarray) -> tuple[float, ...]:
    """`values` (4,) of those strategies that a robot has."""
    return tuple(value for value in values.tolist() if not math.isnan(value))
