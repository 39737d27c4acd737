"""The makers' own simulator of Thymio II and e-puck, and the true poses in it.

`asebaplayground` serves each robot on a TCP port and true poses over D-Bus. As it listens on all interfaces it gets
a network namespace of its own, with one address that leads into it. Needs root and the Debian packages aseba,
xvfb, dbus and iproute2.
"""

import contextlib
import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from jeepney import DBusAddress, MessageType, Properties, new_method_call
from jeepney.io.blocking import DBusConnection, open_dbus_connection

NAME = "ch.epfl.mobots.AsebaPlayground"
WORLD = DBusAddress("/world", NAME, "ch.epfl.mobots.EnkiWorld")
TOOLS = ("asebaplayground", "Xvfb", "dbus-daemon", "ip", "nsenter")
PORT = 33333  # of robot 0; the others follow
ENKI = {"thymio2": "Thymio2", "e-puck": "EPuck"}
_networks = itertools.count()


def is_installed() -> bool:
    """Can the simulator run here?"""
    return all(shutil.which(tool) for tool in TOOLS) and os.geteuid() == 0


class Playground:
    """A square arena of `side` m, with robots (type, x, y, heading) and cylinders (x, y, radius); m, rad.

    Use it as a context. `platform` is Qt's: with "offscreen" it serves robots that never move.
    """

    def __init__(
        self,
        side: float,
        robots: Sequence[tuple[str, float, float, float]],
        cylinders: Sequence[tuple[float, float, float]] = (),
        platform: str = "xcb",
    ) -> None:
        self.side, self.robots, self.cylinders, self.platform = side, list(robots), list(cylinders), platform
        number = os.getpid() % 4000 * 4 + next(_networks) % 4
        self._space = f"jp{number}"
        self._net = f"10.{64 + number // 256}.{number % 256}"
        self.folder = Path(tempfile.mkdtemp(prefix="playground"))
        self._processes: list[subprocess.Popen[bytes]] = []
        self._simulator: subprocess.Popen[bytes] | None = None
        self._bus: DBusConnection | None = None
        self._ids: dict[str, list[str]] = {}

    def __enter__(self) -> "Playground":
        if not is_installed():
            raise RuntimeError(f"the simulator needs root and {', '.join(TOOLS)}; see .ci/run for the packages")
        try:
            self._network()
            self._display()
            self.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self.stop()
        for process in reversed(self._processes):
            process.terminate()
        for process in self._processes:
            process.wait(10)
        subprocess.run(["ip", "netns", "del", self._space], check=False, capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def address(self, robot: int) -> str:
        """Where robot number `robot` answers, for a body's configuration."""
        return f"tcp:{self._net}.2:{PORT + robot}"

    def start(self) -> None:
        """Start the simulator; again after `stop`. It crashes in one of thirty starts: tried twice, and said.

        It also crashes where robots are called again within a step of hanging up: `robots.port` waits before it does.
        """
        world = self.folder / "world.playground"
        world.write_text(self._world())
        for attempt in (1, 2):
            with (self.folder / "simulator.log").open("ab") as log:
                self._simulator = self._inside(["asebaplayground", str(world)], log, DISPLAY=self._screen)
            try:
                self._find()
                return
            except RuntimeError as error:
                self.stop()
                if attempt == 2:
                    raise
                print(f"the simulator did not start, tried again: {error}")

    def stop(self) -> None:
        """Kill the simulator."""
        if self._bus is not None:
            self._bus.close()
            self._bus = None
        if self._simulator is not None:
            self._simulator.kill()
            self._simulator.wait()
            self._simulator = None

    def poses(self) -> np.ndarray:
        """(N, 3) true x, y in m and heading in rad of all robots."""
        return np.array([self._pose(path) for path in self._paths()])

    def teleport(self, robot: int, x: float, y: float, heading: float) -> None:
        """Put a robot somewhere."""
        path = self._paths()[robot]
        for name, value in (("x", x * 100), ("y", y * 100), ("angle", heading)):
            self._call(Properties(self._thing(path)).set(name, "d", value))

    def pose(self, robot: int) -> np.ndarray:
        """(3,) true pose of one robot."""
        return np.array(self._pose(self._paths()[robot]))

    def _pose(self, path: str) -> tuple[float, float, float]:
        values: Mapping[str, tuple[str, Any]] = self._call(Properties(self._thing(path)).get_all())[0]
        return values["x"][1] / 100, values["y"][1] / 100, values["angle"][1]

    @staticmethod
    def _thing(path: str) -> DBusAddress:
        return DBusAddress(path, NAME, "ch.epfl.mobots.EnkiPhysicalObject")

    def _paths(self) -> list[str]:
        """D-Bus objects of the robots, in the order in which they were given."""
        left = {kind: iter(paths) for kind, paths in self._ids.items()}
        return [next(left[kind]) for kind, *_ in self.robots]

    def _find(self) -> None:
        """Wait until the simulator answers, and match its objects to robots by where they stand."""
        deadline = time.monotonic() + 20
        while True:
            assert self._simulator is not None
            if self._simulator.poll() is not None:
                raise RuntimeError(f"ended with status {self._simulator.returncode}, see simulator.log")
            try:
                self._bus = open_dbus_connection(f"unix:path={self.folder}/bus")
                self._ids = {kind: self._of(kind) for kind in {kind for kind, *_ in self.robots}}
                return
            except (OSError, RuntimeError) as error:
                if time.monotonic() > deadline:
                    raise RuntimeError(f"does not answer: {error}") from None
                time.sleep(0.1)

    def _of(self, kind: str) -> list[str]:
        numbers = self._call(new_method_call(WORLD, "PhysicalObjectsByType", "s", (ENKI[kind],)))[0]
        there = [self._call(new_method_call(WORLD, "PhysicalObject", "s", (number,)))[0] for number in numbers]
        wanted = [(x, y) for k, x, y, _ in self.robots if k == kind]
        if len(there) != len(wanted):
            raise RuntimeError(f"{len(there)} robots of type {kind}, {len(wanted)} were asked for")
        places = {path: self._pose(path)[:2] for path in there}
        return [min(there, key=lambda path: np.hypot(*np.subtract(places[path], spot))) for spot in wanted]

    def _call(self, message: Any) -> tuple[Any, ...]:
        assert self._bus is not None
        try:
            reply = self._bus.send_and_get_reply(message, timeout=5)
        except (OSError, TimeoutError) as error:
            ended = None if self._simulator is None else self._simulator.poll()
            raise RuntimeError(f"the simulator {'is silent' if ended is None else f'crashed ({ended})'}") from error
        if reply.header.message_type == MessageType.error:
            raise RuntimeError(f"D-Bus: {reply.body}")
        body: tuple[Any, ...] = reply.body
        return body

    def _world(self) -> str:
        side = 100 * self.side
        lines = [
            "<!DOCTYPE aseba-playground><aseba-playground>",
            '<color name="wall" r="0.9" g="0.9" b="0.9"/>',
            f'<world w="{side}" h="{side}" color="wall"/>',
        ]
        for x, y, radius in self.cylinders:
            lines.append(f'<cylinder x="{100 * x}" y="{100 * y}" r="{100 * radius}" h="10" color="wall"/>')
        for i, (kind, x, y, heading) in enumerate(self.robots):
            where = f'x="{100 * x}" y="{100 * y}" angle="{heading}" port="{PORT + i}"'
            lines.append(f'<robot type="{kind}" {where} name="r{i}" nodeId="{i + 1}"/>')
        return "\n".join([*lines, "</aseba-playground>"])

    def _network(self) -> None:
        space, a, b = self._space, f"{self._space}a", f"{self._space}b"
        for command in (
            f"ip netns add {space}",
            f"ip link add {a} type veth peer name {b} netns {space}",
            f"ip addr add {self._net}.1/24 dev {a}",
            f"ip link set {a} up",
            f"ip -n {space} addr add {self._net}.2/24 dev {b}",
            f"ip -n {space} link set {b} up",
            f"ip -n {space} link set lo up",
        ):
            subprocess.run(command.split(), check=True, capture_output=True)

    def _display(self) -> None:
        reading, writing = os.pipe()
        screen = ["-screen", "0", "320x240x24", "+extension", "GLX", "-nolisten", "tcp"]
        command = ["Xvfb", "-displayfd", str(writing), *screen]
        with (self.folder / "display.log").open("wb") as log:
            self._processes.append(self._inside(command, log, (writing,)))
            os.close(writing)
            with os.fdopen(reading) as pipe:
                self._screen = f":{pipe.readline().strip()}"
            bus = ["dbus-daemon", "--session", "--nofork", f"--address=unix:path={self.folder}/bus"]
            self._processes.append(self._inside(bus, log))
        deadline = time.monotonic() + 10
        while not (self.folder / "bus").exists():
            if time.monotonic() > deadline:
                raise RuntimeError("dbus-daemon does not start")
            time.sleep(0.02)

    def _inside(
        self, command: list[str], log: Any, passed: tuple[int, ...] = (), **environment: str
    ) -> subprocess.Popen[bytes]:
        """Start a process in the network namespace; it dies with this one."""
        settings = {
            "LIBGL_ALWAYS_SOFTWARE": "1",
            "QT_QPA_PLATFORM": self.platform,
            "DBUS_SESSION_BUS_ADDRESS": f"unix:path={self.folder}/bus",
            "HOME": str(self.folder),
            "LC_ALL": "C.UTF-8",
            "XDG_RUNTIME_DIR": str(self.folder),
            **environment,
        }
        return subprocess.Popen(
            ["nsenter", f"--net=/run/netns/{self._space}", "setpriv", "--pdeathsig", "KILL", *command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, **settings},
            pass_fds=passed,
        )


def interrupt(process: subprocess.Popen[Any]) -> None:
    """End a process as Ctrl-C does."""
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGINT)
