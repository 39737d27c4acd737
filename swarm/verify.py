"""Runs the minds again on what a log says they sensed and heard, and compares what they do with what they did.

A robot begins with the mind that it had: that of the run which was resumed, and where it was started again, what it had
saved by then (it saves at known ticks, so minds that are run again do too). Nothing else comes in: a mind's
state follows from its mission, its number and its inputs, so the first difference tells of a log that was
changed, of another version of the code, or of a machine that calculates otherwise.
"""

import json
from collections import deque
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import msgspec
import numpy as np

from robots.command import COMMAND
from swarm import registry, store, wire
from swarm.mission import Mission
from swarm.record import Log, Tick
from swarm.report import REPORT
from swarm.robot import Brain, Keeper

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


class VerifyError(ValueError):
    """A log that cannot be verified here."""


class Minds:
    """Starts minds as the run did: what is saved goes to `folder`; `resumed` is the run that it went on from."""

    def __init__(self, mission: Mission, folder: Path, resumed: str | None) -> None:
        self.mission, self.homes = mission, [folder]
        if resumed is not None:
            home = Path(resumed)
            if store.is_there(store.whole(home)):
                raise VerifyError(f"{resumed}: the run went on with minds of one process: not to be told apart")
            if not any(store.is_there(store.file(home, robot)) for robot in range(mission.robots.count)):
                raise VerifyError(f"{resumed}: the run went on with its minds, and they are not there any more")
            self.homes.append(home)

    def start(self, robot: int, boot: int) -> Keeper:
        """A mind in its robot, who saves it as it did."""
        files = [store.file(home, robot) for home in self.homes]
        learnt = store.latest(files, self.mission, lambda _: None)
        return Keeper(Brain(self.mission, robot, boot, learnt), self.homes[0])


def manifest(log: Log) -> dict[str, Any]:
    """What the log's run was made with; empty where that does not lie beside it."""
    try:
        made = json.loads((log.path.parent / "manifest.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return made if isinstance(made, dict) else {}


def verify(log: Log, progress: Callable[[int], None] = lambda _: None) -> Verdict:
    """Run all minds of a log again, up to the first difference. `progress` is told each tick.

    Raises MissionError or PluginError where the mission does not fit this jerne, VerifyError where the minds that
    the run went on with are gone, or were those of one process.
    """
    mission, made = log.mission, manifest(log)
    registry.load(mission.mind.plugins)
    with TemporaryDirectory() as folder:
        minds = Minds(mission, Path(folder), made.get("resume"))
        return _follow(log, minds, own_radio=made.get("radio") == "peers", progress=progress)


def _follow(log: Log, minds: Minds, *, own_radio: bool, progress: Callable[[int], None]) -> Verdict:
    keepers = [minds.start(robot, 1) for robot in range(minds.mission.robots.count)]
    before: deque[Tick] = deque(maxlen=KEPT)
    answers = restarts = ticks = 0
    for now in (item for item in log.walk() if isinstance(item, Tick)):
        if now.tick != ticks:
            break  # what lies behind a gap cannot follow from what is known
        then = before[-1] if before else None
        before.append(now)
        for robot in range(len(keepers)):
            if now.restarts[robot] != (then.restarts[robot] if then else 0):
                keepers[robot] = minds.start(robot, 1 + int(now.restarts[robot]))
                restarts += 1
                continue
            answered = int(now.answered[robot])
            fresh = now.alive[robot] and answered != (then.answered[robot] if then else -1)
            sensed = next((tick for tick in reversed(before) if tick.tick == answered), None) if fresh else None
            if sensed is None:
                continue
            answers += 1
            told = now if own_radio else sensed  # what came over its own link is told with the answer
            percept, heard = sensed.percepts[robot].tobytes(), list(told.heard[robot])
            act = keepers[robot].brain.tick(wire.Sense(answered, percept, heard))
            keepers[robot].tick(answered)
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
