"""From the runs of a study to its measures: what each run reached, and how controllers compare.

Windows: *before* is the second half of the phase before the change, when things have settled; *after* is the
whole last phase. Where the world never changes, *after* is the whole mission.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from swarm.mission import Mission
from swarm.study import stats
from swarm.study.archive import Run
from swarm.study.plan import GOES_ON, RESET, Cell
from swarm.study.stats import Effect, Equivalence

STEP = 5.0  # s between two windows of a recovery time
BACK_TO = 0.9  # of the reference's rate
OVERALL = "all changes"
NONE = 0.5  # tasks that a run counts which finished none, so that its logarithm exists

#: name -> label with unit; of a run after the change
MEASURES = {
    "before": "tasks / min before",
    "after": "tasks / min after",
    "backlog": "open and waiting tasks",
    "latency": "latency, s",
    "waiting": "time waiting at sites, %",
    "deadlocks": "deadlocks",
    "distance": "m / robot and min",
    "messages": "signals / robot and s",
    "aggregate": "aggregating, %",
}


class Windows(NamedTuple):
    """When things happen in a mission, s."""

    settled: float  # half of the phase before the change
    change: float
    end: float
    first: float  # end of the first phase; nan where no regime returns

    @staticmethod
    def of(mission: Mission) -> "Windows":
        """Those of a mission."""
        *earlier, last = mission.phases
        change = sum(phase.duration for phase in earlier)
        settled = change - earlier[-1].duration / 2 if earlier else 0.0
        returns = len(earlier) == 2 and replace(last, name="", duration=1) == replace(earlier[0], name="", duration=1)
        return Windows(settled, change, change + last.duration, earlier[0].duration if returns else float("nan"))


def measure(run: Run, windows: Windows) -> dict[str, float]:
    """The measures of one run, and the counts `n_after`, `n_first`, `n_back` that ratios are made of.

    n_first and n_back are tasks in equally long windows from the start of the first regime and of its return.
    """
    change, end = windows.change, windows.end
    done = np.sort(run.tasks["ended"][run.tasks["done"]])
    rows = run.rows[run.rows["time"] > change + 1e-6]
    start = {name: _at(run.rows, name, change) for name in ("waited", "deadlocks", "driven", "said")}
    spent = {name: float(rows[name][-1]) - start[name] for name in start}
    robots, minutes = float(rows["alive"].mean()), (end - change) / 60
    same = min(windows.first, end - change)
    return {
        "n_after": float(_count(done, change, end)),
        "n_first": float(_count(done, 0.0, same)),
        "n_back": float(_count(done, change, change + same)),
        "before": _count(done, windows.settled, change) * 60 / (change - windows.settled) if change else float("nan"),
        "after": _count(done, change, end) / minutes,
        "backlog": float((rows["open"] + rows["backlog"]).mean()),
        "latency": latency(run.tasks, change, end),
        "waiting": 100 * spent["waited"] / (robots * minutes * 60),
        "deadlocks": spent["deadlocks"],
        "distance": spent["driven"] / (robots * minutes),
        "messages": spent["said"] / (robots * minutes * 60),
        "aggregate": 100 * float(rows["aggregate"].mean()),
    }


def latency(tasks: np.ndarray, start: float, end: float) -> float:
    """Mean time from arrival to done of tasks that arrived in [start, end), restricted to end - start; s.

    What is still open, or was withdrawn, is censored (Kaplan-Meier).
    """
    here = tasks[(tasks["arrived"] >= start) & (tasks["arrived"] < end)]
    if not len(here):
        return float("nan")
    lasted = np.fmin(here["ended"], end) - here["arrived"]  # fmin: what has not ended lasts to the end
    steps, shares = stats.survival(lasted, here["done"])
    edges = np.concatenate([[0.0], steps, [end - start]])
    return float((np.diff(edges) * np.concatenate([[1.0], shares])).sum())


def _at(rows: np.ndarray, name: str, time: float) -> float:
    """A running total at a time: that of the latest row until then."""
    before = rows[rows["time"] <= time + 1e-6]
    return float(before[name][-1]) if len(before) else 0.0


def _count(sorted_times: np.ndarray, start: float, end: float) -> int:
    """Times in (start, end]."""
    low, high = np.searchsorted(sorted_times, [start, end], side="right")
    return int(high - low)


class Recovery(NamedTuple):
    """Times back to `BACK_TO` of the reference's rate: restricted mean with its interval, in s."""

    n: int
    seen: int  # runs that came back
    mean: float
    low: float
    high: float
    median: float


class Study:
    """All runs of a study, by cell, and what follows from them."""

    def __init__(self, cells: Sequence[Cell], runs: Iterable[Run], window: float) -> None:
        self.window = window
        self.windows = {cell.key: Windows.of(cell.mission) for cell in cells}
        self.conditions = list(dict.fromkeys(cell.condition for cell in cells))
        self.changes = list(dict.fromkeys(cell.change for cell in cells))
        self.controllers = list(dict.fromkeys(cell.controller for cell in cells))
        self.runs: dict[tuple[str, str, str, str], dict[int, Run]] = {cell.key: {} for cell in cells}
        for run in runs:
            self.runs[run.cell][run.seed] = run
        self.measured = {
            key: {seed: measure(run, self.windows[key]) for seed, run in found.items()}
            for key, found in self.runs.items()
        }

    def changing(self, condition: str) -> list[str]:
        """The changes of a condition in which there is a before and an after."""
        return [c for c in self.changes if any(k[:2] == (condition, c) and w.change for k, w in self.windows.items())]

    def values(self, condition: str, change: str, controller: str, name: str, variant: str = GOES_ON) -> np.ndarray:
        """A measure of all runs of a cell, by seed."""
        found = self.measured.get((condition, change, controller, variant), {})
        return np.array([found[seed][name] for seed in sorted(found)])

    def logs(
        self, one: tuple[str, str, str, str], other: tuple[str, str, str, str], names: tuple[str, str]
    ) -> dict[int, float]:
        """Seed -> log ratio of a count in cell `one` to a count in cell `other`, for seeds that both have."""
        a, b = self.measured.get(one, {}), self.measured.get(other, {})
        return {
            seed: math.log(max(a[seed][names[0]], NONE) / max(b[seed][names[1]], NONE))
            for seed in sorted(a.keys() & b.keys())
        }

    def versus(self, condition: str, controller: str, other: str, change: str) -> dict[int, float]:
        """Log ratios of the tasks done after the change, of two controllers."""
        keys = [(condition, change, name, GOES_ON) for name in (controller, other)]
        return self.logs(keys[0], keys[1], ("n_after", "n_after"))

    def transfer(self, condition: str, controller: str, change: str) -> dict[int, float]:
        """Log ratios of the tasks done after the change, by minds that go on and by minds that start afresh."""
        keys = [(condition, change, controller, variant) for variant in (GOES_ON, RESET)]
        return self.logs(keys[0], keys[1], ("n_after", "n_after"))

    def second_time(self, condition: str, controller: str, change: str) -> dict[int, float]:
        """Log ratios of the tasks done in a regime that has come back, and when it was new."""
        key = (condition, change, controller, GOES_ON)
        if key not in self.windows or np.isnan(self.windows[key].first):
            return {}
        return self.logs(key, key, ("n_back", "n_first"))

    def worlds(self, one: str, other: str, change: str, controller: str, margin: float) -> Equivalence:
        """Do two conditions give the same number of tasks?"""
        a, b = ((condition, change, controller, GOES_ON) for condition in (one, other))
        return stats.equivalence(np.array(list(self.logs(a, b, ("n_after", "n_after")).values())), margin)

    def curve(
        self, condition: str, change: str, controller: str, variant: str = GOES_ON
    ) -> tuple[np.ndarray, np.ndarray]:
        """(T,) middles of windows in s since the change, and (seeds, T) tasks per minute in them."""
        key = (condition, change, controller, variant)
        windows, found = self.windows.get(key), self.runs.get(key, {})
        if windows is None or not found:
            return np.empty(0), np.empty((0, 0))
        starts = np.arange(0, windows.end - self.window + 1e-6, STEP)
        rates = np.array([self._rates(found[seed], starts) for seed in sorted(found)])
        return starts + self.window / 2 - windows.change, rates

    def _rates(self, run: Run, starts: np.ndarray) -> np.ndarray:
        done = np.sort(run.tasks["ended"][run.tasks["done"]])
        low, high = (np.searchsorted(done, starts + shift, side="right") for shift in (0, self.window))
        return np.asarray((high - low) * 60 / self.window)

    def recovery(self, condition: str, controller: str, reference: str, change: str) -> Recovery:
        """Time from the change to the first window in which a run has `BACK_TO` of the reference's mean rate.

        A run that never has is censored at its last window.
        """
        key, other = ((condition, change, name, GOES_ON) for name in (controller, reference))
        windows = self.windows[key]
        starts = np.arange(windows.change, windows.end - self.window + 1e-6, STEP)
        known = [self._rates(run, starts) for run in self.runs.get(other, {}).values()]
        if not known or not self.runs[key]:
            return Recovery(0, 0, *[float("nan")] * 4)
        wanted = BACK_TO * np.mean(known, 0)
        back = np.array([self._rates(run, starts) >= wanted for run in self.runs[key].values()])
        seen: np.ndarray = np.any(back, 1)
        times = np.where(seen, starts[back.argmax(1)], starts[-1]) - windows.change
        mean, low, high = stats.restricted_mean(times, seen, float(starts[-1] - windows.change))
        return Recovery(len(seen), int(seen.sum()), mean, low, high, stats.median(times, seen))


def pooled(parts: Sequence[dict[int, float]]) -> Effect:
    """One effect over several changes: per seed the mean of its log ratios, for seeds that all parts have."""
    parts = [part for part in parts if part]
    seeds = sorted(set.intersection(*(set(part) for part in parts))) if parts else []
    return stats.effect(np.array([np.mean([part[seed] for part in parts]) for seed in seeds]))


def effects(changes: Sequence[str], logs: Callable[[str], dict[int, float]]) -> dict[str, Effect]:
    """An effect for each of these changes that has data, and one over all of them."""
    parts = {change: found for change in changes if (found := logs(change))}
    out = {change: stats.effect(np.array(list(part.values()))) for change, part in parts.items()}
    if len(parts) > 1:
        out[OVERALL] = pooled(list(parts.values()))
    return out
