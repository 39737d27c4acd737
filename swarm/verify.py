"""Runs the minds again on what a log says they sensed and heard, and compares what they do with what they did.

A robot that was started again begins anew there. Nothing else comes in: a mind's state follows from its
mission, its number and its inputs, so the first difference tells of a log that was changed, of another
version of the code, or of a machine that calculates otherwise.
"""

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

import msgspec
import numpy as np

from robots.command import COMMAND
from swarm import registry, wire
from swarm.record import Log, Tick
from swarm.report import REPORT
from swarm.robot import Brain

KEPT = 200  # ticks in which a late answer is still matched with what it answers to


class Difference(NamedTuple):
    """A field in which a mind does otherwise than the log says."""

    tick: int
    robot: int
    field: str
    logged: object
    again: object


class Verdict(NamedTuple):
    """What came of it."""

    ticks: int
    answers: int  # of robots, compared
    restarts: int
    difference: Difference | None  # the first one
    rest: list[Difference]  # the others of the same robot and tick


def verify(log: Log, progress: Callable[[int], None] = lambda _: None) -> Verdict:
    """Run all minds of a log again, up to the first difference. `progress` is told each tick.

    Raises MissionError or PluginError where the mission does not fit this jerne.
    """
    mission = log.mission
    registry.load(mission.mind.plugins)
    brains = [Brain(mission, robot, 1) for robot in range(mission.robots.count)]
    before: deque[Tick] = deque(maxlen=KEPT)
    answers = restarts = ticks = 0
    for now in (item for item in log.walk() if isinstance(item, Tick)):
        if now.tick != ticks:
            break  # what lies behind a gap cannot follow from what is known
        then = before[-1] if before else None
        before.append(now)
        for robot in range(len(brains)):
            if now.restarts[robot] != (then.restarts[robot] if then else 0):
                brains[robot] = Brain(mission, robot, 1 + int(now.restarts[robot]))
                restarts += 1
                continue
            answered = int(now.answered[robot])
            fresh = now.alive[robot] and answered != (then.answered[robot] if then else -1)
            sensed = next((tick for tick in reversed(before) if tick.tick == answered), None) if fresh else None
            if sensed is None:
                continue
            answers += 1
            percept, heard = sensed.percepts[robot].tobytes(), list(sensed.heard[robot])
            act = brains[robot].tick(wire.Sense(answered, percept, heard))
            if now.stopped[robot]:  # its body was made to stand, whatever it wanted
                act = msgspec.structs.replace(act, command=np.zeros((), COMMAND).tobytes())
            differences = compare(now, robot, act)
            if differences:
                return Verdict(ticks + 1, answers, restarts, differences[0], differences[1:])
        ticks += 1
        progress(ticks)
    return Verdict(ticks, answers, restarts, None, [])


def compare(now: Tick, robot: int, act: wire.Act) -> list[Difference]:
    """Where a robot's answer differs from what a tick holds, field by field, bit by bit."""
    again = {"command": np.frombuffer(act.command, COMMAND)[0], "report": np.frombuffer(act.report, REPORT)[0]}
    out = []
    for what, logged in (("command", now.commands[robot]), ("report", now.reports[robot])):
        for name in logged.dtype.names:
            if name not in (again[what].dtype.names or ()):
                out.append(Difference(now.tick, robot, f"{what}.{name}", logged[name].tolist(), "no such field"))
            elif logged[name].tobytes() != again[what][name].tobytes():
                values = logged[name].tolist(), again[what][name].tolist()
                out.append(Difference(now.tick, robot, f"{what}.{name}", *values))
    return out
