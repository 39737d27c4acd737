"""Missions of a study, played side by side in this process: from a `Mission` to what is kept of it."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from sim.site import Arrival, Site
from sim.work import Sites
from swarm import metrics
from swarm.features import CALLING
from swarm.fleet import Fleet
from swarm.memory import WORK
from swarm.mission import Mission

STUCK = 60.0  # s without progress after which robots that are all at one site are in a deadlock
LOOK = 1.0  # s between two looks at who waits

#: per row, every `swarm.metrics.EVERY` s: as in a run's metrics; robot s that were waited at sites without
#: progress, and deadlocks, so far
COLUMNS = (*metrics.COLUMNS, "waited", "deadlocks")
#: per site that arrived; times in s, None: never; outcome done, withdrawn or open
TASKS = ("kind", "action", "team", "phase", "arrived", "opened", "touched", "ended", "outcome")


#: a mission, and when its minds start afresh, in s
Order = tuple[Mission, float | None]


@dataclass
class Played:
    """What is kept of one mission."""

    rows: list[tuple[float, ...]]
    tasks: list[tuple[object, ...]]
    wall: float  # s
    cpu: float  # s of this process


class Left(Exception):  # noqa: N818 - nothing is wrong
    """Nobody waits for the mission any more."""


def play(orders: Sequence[Order], unwanted: Callable[[], bool] = lambda: False) -> list[Played]:
    """Play missions side by side, which must be alike as `swarm.fleet.Fleet` has it; their CPU time is shared evenly.

    Raises ValueError where a mission does not fit, and Left once they are `unwanted`, which is asked now and then.
    """
    wall, cpu = time.monotonic(), time.process_time()
    missions, afresh = zip(*orders, strict=True)
    fleet, mission = Fleet(missions, afresh), missions[0]
    ticks = round(mission.duration / mission.tick)
    every, look = round(metrics.EVERY / mission.tick), max(1, round(LOOK / mission.tick))
    watches = [Watch() for _ in missions]
    rows: list[list[tuple[float, ...]]] = [[] for _ in missions]
    try:
        for tick in range(ticks):
            fleet.tick()
            if tick % look == look - 1:
                for run, watch in zip(fleet.runs, watches, strict=True):
                    watch.look(run.reports[run.alive], look * mission.tick)
                if unwanted():
                    raise Left
            if tick % every == every - 1 or tick == ticks - 1:
                for run, watch, kept in zip(fleet.runs, watches, rows, strict=True):
                    kept.append((*map(float, run.row()), watch.waited, float(watch.deadlocks)))
        tasks = [_tasks(run.world.sites) for run in fleet.runs]
    finally:
        fleet.close()
    wall, cpu = time.monotonic() - wall, (time.process_time() - cpu) / len(missions)
    return [Played(*kept, wall, cpu) for kept in zip(rows, tasks, strict=True)]


class Watch:
    """Counts how long robots wait at sites, and how often all of those at a site do for too long."""

    def __init__(self) -> None:
        self.waited = 0.0  # robot s
        self.deadlocks = 0
        self._stuck: set[int] = set()

    def look(self, reports: np.ndarray, seconds: float) -> None:
        """Take the living robots' `reports` in, `seconds` after the last look."""
        at_work = reports[reports["task"] == WORK]
        self.waited += seconds * int((at_work["waiting"] >= CALLING).sum())
        moving = set(at_work["site"][at_work["waiting"] <= STUCK].tolist())
        stuck = set(at_work["site"].tolist()) - moving
        self.deadlocks += len(stuck - self._stuck)
        self._stuck = stuck


def _tasks(sites: Sites) -> list[tuple[object, ...]]:
    ended = [_task(site) for site in [*sites.ended, *sites.open]]
    return ended + [(*_arrival(a), a.time, None, None, None, "open") for a in sites.waiting]


def _task(site: Site) -> tuple[object, ...]:
    times = (site.arrival.time, site.opened, site.touched, site.ended)
    return (*_arrival(site.arrival), *(None if math.isnan(t) else float(t) for t in times), site.outcome)


def _arrival(arrival: Arrival) -> tuple[object, ...]:
    return arrival.kind, arrival.action, arrival.team, arrival.phase
