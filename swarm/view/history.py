"""The course of a run, gathered from its log in one pass: what the report is drawn from."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from sim.site import Event
from swarm.record import Log, Tick, Told
from swarm.view.snapshot import Stage

PERIOD = 10.0  # s of a rate
STEP = 1.0  # s between two samples
DEAD = -1  # in place of a task


class Done(NamedTuple):
    """A task that was done."""

    time: float  # s
    kind: str
    x: float  # m
    y: float
    took: float  # s from opening


@dataclass
class History:
    """Samples each `STEP` s: T of them, N robots."""

    log: Log
    stage: Stage
    times: np.ndarray  # (T,) s
    places: np.ndarray  # (T, N, 2) m
    tasks: np.ndarray  # (T, N) index into swarm.report.TASKS, or DEAD
    strategies: np.ndarray  # (T, N)
    concentrations: np.ndarray  # (T, N, 4), NaN of strategies that a robot does not have
    radio: np.ndarray  # (T, 3) signals said, heard, lost so far, of all robots
    open: np.ndarray  # (T,) sites
    backlog: np.ndarray  # (T,)
    restarts: int = 0
    done: list[Done] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    rules: dict[int, Told] = field(default_factory=dict)  # robot -> what it told last

    @property
    def end(self) -> float:
        """s up to which there are samples."""
        return float(self.times[-1]) if len(self.times) else 0.0

    def rate(self) -> tuple[np.ndarray, np.ndarray]:
        """Middles of periods in s, and tasks per minute in each whole one."""
        edges = np.arange(0, self.end + PERIOD / 2 + 1e-9, PERIOD)
        counts, _ = np.histogram([done.time for done in self.done], edges)
        return edges[:-1] + PERIOD / 2, counts * 60 / PERIOD

    @property
    def antibodies(self) -> int:
        """How many strategies its robots choose from, two or four."""
        return int(np.isfinite(self.concentrations).any((0, 1)).sum())

    def split(self, last: int = 0) -> np.ndarray:
        """(T,) share of living robots that follow one of the strategies up to `last`; NaN where nobody lives."""
        alive = self.tasks != DEAD
        with np.errstate(invalid="ignore"):
            share: np.ndarray = ((self.strategies <= last) & alive).sum(1) / alive.sum(1)
        return share


def gather(log: Log) -> History:
    """Read a log to its end. Raises ValueError for one without a tick."""
    stage, samples = log.stage, []
    done, events, rules = [], [], {}
    before: dict[int, list[Any]] = {}
    every = max(1, round(STEP / log.dt))
    restarts = 0
    for item in log.walk():
        match item:
            case Tick():
                here = {row[0]: row for row in item.sites}
                time = item.tick * log.dt
                for number in before.keys() - here.keys():
                    _, x, y, _, progress, kind, _, _, opened = before[number]
                    if progress >= 1:
                        done.append(Done(time, kind, x, y, time - opened))
                before = here
                restarts = int(item.restarts.sum())
                if item.tick % every == 0:
                    samples.append(_sample(item, time))
            case Event():
                events.append(item)
            case Told() if item.rules is not None:
                rules[item.robot] = item
    if not samples:
        raise ValueError(f"{log.path}: holds no tick that can be read; {log.lack or 'the run ended before it began'}")
    states = (np.array(column) for column in zip(*samples, strict=True))
    times, places, tasks, strategies, concentrations, radio, open_sites, backlog = states
    swarm = times, places, tasks, strategies, concentrations, radio, open_sites, backlog
    return History(log, stage, *swarm, restarts, done, events, rules)


def _sample(now: Tick, time: float) -> tuple[object, ...]:
    tasks = np.where(now.alive, now.reports["task"], DEAD)
    reports = now.reports
    counts = now.radio.sum(0, dtype=np.int64)
    return (
        time,
        now.poses[:, :2].copy(),
        tasks,
        reports["strategy"].copy(),
        reports["concentration"].copy(),
        counts,
        len(now.sites),
        now.backlog,
    )
