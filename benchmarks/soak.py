"""Robots over peer links in real time for long: does anything grow?"""

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
    early, late = rows[quarter : 2 * quarter].mean(0), rows[-quarter:].mean(0)
    print(f"{COUNT} robots over peer links for {minutes:g} minutes: second quarter -> last quarter")
    names = ("robot, the largest, MB", "robot, open files", "world, MB", "world, open files")
    for i, name in enumerate(names, 1):
        print(f"  {name:24} {early[i]:7.1f} -> {late[i]:7.1f}")
    first, last = (np.nanmean(part) * 1000 for part in (ages[ticks : 2 * ticks], ages[-ticks:]))
    print(f"  {'age of what is heard, ms':24} {first:7.0f} -> {last:7.0f}")
    missed = [(part > 0).mean() for part in (behind[ticks : 2 * ticks], behind[-ticks:])]
    print(f"  {'ticks someone missed':24} {missed[0]:7.4f} -> {missed[1]:7.4f}")
    grows = late[1] - early[1] > 2 + early[1] * 0.05 or late[2] > early[2] + 1 or late[4] > early[4] + 1
    return status == 0 and not grows and last < 1.2 * first + 20
