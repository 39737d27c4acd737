"""The processes of a run: who they are, how they start, what happens when one dies.

==========  =======================  =====================  =====================================
process     runs                     how many               when it dies
==========  =======================  =====================  =====================================
world       `swarm.host.main`        1                      the run ends with status 1
robot       `swarm.robot.main`       `mission.robots.count` starts again, if the mission says so
==========  =======================  =====================  =====================================

All are forked from a server that has the robots' code imported and compiled. Children ignore Ctrl-C,
SIGTERM and SIGHUP: the process that the user started decides how a run ends, and they end with it.
"""

import multiprocessing
import os
import signal
import sys
import time
import uuid
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from multiprocessing import forkserver, resource_tracker
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import ModuleType

from swarm import host, robot
from swarm.mission import Mission
from swarm.net.air import Air, open_air
from swarm.options import Options
from swarm.process import ENDING, settle
from swarm.view import desk
from swarm.view.desk import Place

RESTARTS = 5  # of one robot, at most
TAIL = 4096  # bytes of the log in which its last line is looked for


def _world(
    log: Path, mission: Mission, options: Options, out: Path, link: str, control: str, watch: str, place: Place
) -> None:
    host.main(mission, options, out, link, control, watch, place, settle(log))


def _robot(
    log: Path, mission: Mission, number: int, boot: int, link: str, homes: Sequence[Path], air: Air | None
) -> None:
    robot.main(mission, number, boot, link, settle(log), homes, air)


class Crew:
    """Starts, watches and ends the processes of one run."""

    def __init__(self, mission: Mission, options: Options, out: Path) -> None:
        self.mission, self.options, self.out = mission, options, out
        self.log = out / "processes.log"
        self.link, self.control, self.watch, self.orders = map(_address, ("link", "control", "watch", "orders"))
        self.boots = [0] * mission.robots.count
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["swarm.preload"])
        self.world: BaseProcess | None = None
        self.robots: dict[int, BaseProcess] = {}
        self._ports = ExitStack()
        self._airs: Sequence[Air | None] = [None] * mission.robots.count
        if options.radio == "peers":
            self._airs = open_air(mission.robots.count, self._ports)
        self._lost: set[int] = set()  # robots that no process follows
        self._whole = False  # has everyone been started?
        self.failure = ""  # last words of a robot's process that ended by a fault of its own

    def start(self, order: Iterable[int] | None = None) -> None:
        """Start the world, and all robots in `order`, else by number."""
        serve()
        place = desk.made(self.out, self.orders)
        args = (self.log, self.mission, self.options, self.out, self.link, self.control, self.watch, place)
        world = self._context.Process(target=_world, args=args, name="world")
        launch(world)
        self.world = world
        robots = 0 if self.options.minds == "stack" else self.mission.robots.count
        for number in range(robots) if order is None else order:
            self.revive(number)
        self._whole = True

    def sentinels(self) -> dict[int, int | None]:
        """File descriptors that become readable when a process ends -> the robot's number, None for the world."""
        out: dict[int, int | None] = {process.sentinel: number for number, process in self.robots.items()}
        if self.world is not None:
            out[self.world.sentinel] = None
        return out

    def bury(self, number: int) -> tuple[str, bool]:
        """Take leave of a robot whose process has ended; why it ended, and whether another one comes."""
        process = self.robots.pop(number)
        process.join()
        back = self.mission.robots.restart and self.boots[number] <= RESTARTS and number not in self._lost
        if process.exitcode and process.exitcode > 0:
            self.failure = self.last_words() or "without a word"
        return ending(process.exitcode), back

    def last_words(self) -> str:
        """The last line that the processes have printed, such as an error's; empty: there is none."""
        try:
            with self.log.open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL))
                lines = file.read().decode(errors="replace").split("\n")
        except OSError:
            return ""
        return next((line.strip() for line in reversed(lines) if line.strip()), "")

    def revive(self, number: int) -> None:
        """Start a robot's process, with what the robot had learnt, if it was saved."""
        self.boots[number] += 1
        homes = [self.out, *([self.options.resume] if self.options.resume else [])]
        args = (self.log, self.mission, number, self.boots[number], self.link, homes, self._airs[number])
        process = self._context.Process(target=_robot, args=args, name=f"robot {number}", daemon=True)
        launch(process)
        self.robots[number] = process

    def kill(self, number: int) -> None:
        """Kill a robot's process that does not answer."""
        if number in self.robots:
            self.robots[number].kill()

    def lose(self, number: int) -> None:
        """End a robot's process for good."""
        self._lost.add(number)
        self.kill(number)

    def end(self, seconds: float) -> None:
        """All processes end: by themselves within `seconds`, or killed."""
        processes = [p for p in (self.world, *self.robots.values()) if p is not None]
        deadline = time.monotonic() + seconds
        for process in processes:
            process.join(max(0.0, deadline - time.monotonic()))
        for process in processes:
            process.kill()
        for process in processes:
            process.join(1)
        if not self._whole:
            _serve_no_more()
        self.world = None
        self.robots = {}
        self._ports.close()


def ending(status: int | None) -> str:
    """A process's exit status in words."""
    if status is not None and status < 0:
        return f"was killed ({signal.Signals(-status).name})"
    return f"ended with status {status}"


def launch(process: BaseProcess) -> None:
    """Start `process`; multiprocessing would run the script that the user started once more in it."""
    script, sys.modules["__main__"] = sys.modules["__main__"], ModuleType("__main__")
    try:
        process.start()
    finally:
        sys.modules["__main__"] = script


def serve() -> None:
    """Start the server that processes are forked from, deaf to the signals that end a run."""
    resource_tracker.ensure_running()  # the server would start it too, and let the signals through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve_no_more() -> None:
    """Kill the server: while it imports it would not notice that nobody needs it."""
    pid: int | None = forkserver._forkserver._forkserver_pid  # type: ignore[attr-defined]
    if pid is not None:
        os.kill(pid, signal.SIGKILL)


def _address(name: str) -> str:
    """A new address for a socket between processes of this machine; on Linux one that leaves no file."""
    unique = f"jerne-{os.getpid()}-{uuid.uuid4().hex[:8]}-{name}"
    if sys.platform == "linux":
        return f"ipc://@{unique}"
    import tempfile

    return f"ipc://{tempfile.gettempdir()}/{unique}"
