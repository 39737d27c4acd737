"""kill -9 of robots at random moments of whole runs, and what that does to the others.

In real time a tick is 50 ms, so who has not answered one tick later has missed by more than 50 ms. In lock-step it
counts how soon the death is known. After each kill, and at the end, the minds in the run's folder must load.
"""

import os
import random
import signal
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.networks import mission as work
from sim.spec import Robots
from swarm import store
from swarm.crew import RESTARTS, Crew
from swarm.mission import Mission
from swarm.record import read
from swarm.view.snapshot import Snapshot
from tests.swarm.net.hosts import play

COUNT = 8
EACH = COUNT * RESTARTS  # kills of a run; a robot that is killed more often stays away
TICK = 0.05  # s
AFTER = 1.0  # s after a kill in which a miss counts as its doing


@dataclass
class Killer:
    """Kills a robot now and then, each at most `RESTARTS` times; minds that it finds must load."""

    every: float  # s of wall time between two kills, on average
    draw: random.Random
    folder: Path
    most: int  # kills
    kills: list[tuple[int, float]] = field(default_factory=list)  # robot, simulated time
    noticed: list[float] = field(default_factory=list)  # s of wall time
    loaded: int = 0
    _next: float = 0.0
    _waits: tuple[int, float, int] | None = None  # robot, moment of its death, its restarts before

    def __call__(self, crew: Crew, now: Snapshot) -> None:
        if self._waits is not None:
            robot, since, before = self._waits
            if now.robots[robot].restarts > before:
                self.noticed.append(time.monotonic() - since)
                self._waits = None
        elif now.time > 2 and time.monotonic() >= self._next and len(self.kills) < self.most:
            able = [r for r in now.robots if r.alive and r.restarts < RESTARTS and r.robot in crew.robots]
            if not able:
                return
            victim = self.draw.choice(able)
            time.sleep(self.draw.random() * TICK)  # at any moment of a tick
            os.kill(crew.robots[victim.robot].pid or 0, signal.SIGKILL)
            self._waits = victim.robot, time.monotonic(), victim.restarts
            self.kills.append((victim.robot, now.time))
            self.loaded += loads(self.folder, victim.robot, crew.mission)
            self._next = time.monotonic() + self.draw.uniform(0.5, 1.5) * self.every


def loads(folder: Path, robot: int, mission: Mission) -> int:
    """How many of the files of a robot's mind are there; all must load. Raises StoreError."""
    path = store.file(folder, robot)
    there = [one for one in (path, store.before(path)) if one.exists()]
    for one in there:
        store.load(one, mission)
    return len(there)


def killing(seed: int, pace: str, out: Path, every: float, most: int) -> tuple[Killer, int, float, float]:
    """A run with kills: who killed, status, the most ticks missed by another, misses for each tick without kills."""
    killer = Killer(every, random.Random(seed), out, most)
    seconds = (most * every + 4) * (1 if pace == "realtime" else 5)
    one = replace(work(seed, seconds), tick=TICK, robots=Robots(count=COUNT))
    speed = 5.0 if pace == "lockstep" else None
    status = play(one, out, killer, pace=pace, speed=speed)
    for robot in range(COUNT):
        killer.loaded += loads(out, robot, one)
    behind, other = misses(out, killer.kills)
    return killer, status, behind, other


def misses(out: Path, kills: list[tuple[int, float]]) -> tuple[float, float]:
    """Ticks that any robot but the one killed was behind within `AFTER` s of a kill, and at other times, at most."""
    ticks = list(read(out / "ticks.mcap"))
    behind = np.array([tick.tick - tick.answered for tick in ticks])  # (T, N)
    behind[~np.array([tick.alive for tick in ticks])] = 0
    times = np.arange(len(ticks)) * TICK
    near = np.zeros(behind.shape, bool)
    for robot, when in kills:
        span = (times >= when - TICK) & (times < when + AFTER)
        near[span] = True
        behind[(times >= when - TICK) & (times < when + 10 * AFTER), robot] = 0  # it starts again
    near[times < 2], behind[times < 2] = False, 0
    return float(behind[near].max(initial=0)), float(behind[~near].max(initial=0))


def table(kills: int, folder: Path) -> bool:
    """Print what came of so many kills in each pace; was all well?"""
    print("pace      kills  known after s (median, most)  ticks others missed (near a kill, else)  minds loaded")
    well = True
    for pace, every in (("realtime", 0.8), ("lockstep", 0.4)):
        found, behind, other, seed = [], 0.0, 0.0, 0
        while sum(len(one.kills) for one in found) < kills:
            seed += 1
            killer, status, near, far = killing(seed, pace, folder / f"{pace}{seed}", every, min(EACH, kills))
            found.append(killer)
            behind, other = max(behind, near), max(other, far)
            well = well and status == 0
        noticed = np.array([s for one in found for s in one.noticed])
        total, minds = sum(len(one.kills) for one in found), sum(one.loaded for one in found)
        print(
            f"{pace:8}  {total:5}  {np.median(noticed):11.2f} {noticed.max():8.2f}"
            f"         {behind:10.0f} {other:17.0f}  {minds:24}" + ("" if well else "  NOT WELL"),
            flush=True,
        )
    return well
