"""Robots over peer links in real time for long: does anything grow?

In the first quarter populations fill up and allocators find their size; what is there in the second must do for the
last. Memory is counted in pages and latency in ticks, so differences have limits: a share of what is there, no more.
"""

import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.networks import mission
from sim.spec import Robots
from swarm import wire
from swarm.crew import Crew
from swarm.record import read
from swarm.view.snapshot import Snapshot
from tests.swarm.net.hosts import play

COUNT = 12
EVERY = 5.0  # s between two looks at the processes
DT = 0.1  # s
MEMORY = 1.0  # MB that a process may have more in the last quarter than in the second
FILES = 0.5  # likewise, on average over a quarter: some are open for a moment; one that leaks is one more, or many
LATENCY = 0.01  # s, likewise: a tenth of a tick


class Watcher:
    """Memory and open files of all robots and the world, each `EVERY` s."""

    def __init__(self) -> None:
        self.rows: list[tuple[float, float, float, float, float]] = []  # s; MB and files of robots' worst, world's
        self._next = 0.0

    def __call__(self, crew: Crew, now: Snapshot) -> None:
        if now.time < 1 or time.monotonic() < self._next or crew.world is None:
            return
        self._next = time.monotonic() + EVERY
        robots = [held(process.pid or 0) for process in crew.robots.values()]
        world = held(crew.world.pid or 0)
        self.rows.append((now.time, max(m for m, _ in robots), max(f for _, f in robots), *world))


def held(pid: int) -> tuple[float, float]:
    """MB of memory of its own and open files of a process."""
    fields = Path(f"/proc/{pid}/statm").read_text().split()
    return (int(fields[1]) - int(fields[2])) * 4096 / 2**20, float(len(os.listdir(f"/proc/{pid}/fd")))


def latencies(out: Path) -> tuple[np.ndarray, np.ndarray]:
    """For each tick: the mean age in s of the signals heard in it, NaN none; ticks that the latest robot is behind."""
    ages, behind = [], []
    for tick in read(out / "ticks.mcap"):
        said = [wire.signal(data).time for signals in tick.heard for _, data in signals]
        ages.append(tick.tick * DT - float(np.mean(said)) if said else np.nan)
        behind.append(float((tick.tick - tick.answered)[tick.alive].max(initial=0)))
    return np.array(ages), np.array(behind)


def table(minutes: float, folder: Path) -> bool:
    """Run, and print the second quarter of the time against the last; was all well?"""
    watcher, out = Watcher(), folder / "soak"
    one = replace(mission(1, 60 * minutes), robots=Robots(count=COUNT))
    status = play(one, out, watcher, pace="realtime", radio="peers")
    rows, (ages, behind) = np.array(watcher.rows), latencies(out)
    quarter, ticks = len(rows) // 4, len(ages) // 4
    parts = np.array([rows[i * quarter : (i + 1) * quarter].mean(0) for i in range(4)])
    print(f"{COUNT} robots over peer links for {minutes:g} minutes, quarter by quarter")
    names = ("robot, the largest, MB", "robot, open files", "world, MB", "world, open files")
    for name, values in zip(names, parts.T[1:], strict=True):
        print(f"  {name:24} " + " ".join(f"{value:8.2f}" for value in values))
    ages, missed = (part[: 4 * ticks].reshape(4, ticks) for part in (ages, behind > 0))
    heard = np.nanmean(ages, axis=1)
    print(f"  {'age of what is heard, ms':24} " + " ".join(f"{1000 * value:8.1f}" for value in heard))
    print(f"  {'share of ticks missed':24} " + " ".join(f"{value:8.5f}" for value in missed.mean(axis=1)))
    more = parts[3] - parts[1]
    grows = max(more[1], more[3]) > MEMORY or max(more[2], more[4]) > FILES or heard[3] - heard[1] > LATENCY
    return status == 0 and not grows
