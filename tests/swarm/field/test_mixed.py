"""Two e-pucks beside two Thymios in one swarm, and all that happens to lines and machines; judged by true poses.

Thymio 0 is on a serial line (a pseudo-terminal), Thymio 1 on a line that a test can spoil.
"""

import contextlib
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from tests.conftest import wait
from tests.robots.playground import Playground
from tests.swarm.field.swarm import Field, apart, speeds, stands

pytestmark = pytest.mark.slow
SIDE, SPEED = 2.0, 0.1  # m, m/s
ALL = [0, 1, 2, 3]
MISSION = """\
version = 1
name = "mixed"
[arena]
size = [2.0, 2.0]
[robots]
count = 4
radius = 0.08
speed = 0.1
turn = 1.5
[sensors.proximity]
range = 0.3
[sensors.robots]
range = 3.0
[[phases]]
name = "nothing to do"
duration = 600
rate = 0
kinds = {}
"""


class Line:
    """A TCP line to a robot. What the robot says can be spoilt on its way."""

    def __init__(self, host: str, port: int) -> None:
        self._target = host, port
        self._ears = socket.create_server(("127.0.0.1", 0))
        self.address = f"tcp:127.0.0.1:{self._ears.getsockname()[1]}"
        self._ends: list[tuple[socket.socket, socket.socket]] = []
        self._half = False
        threading.Thread(target=self._serve, daemon=True).start()

    def garbage(self) -> None:
        """The robot says what is no message."""
        self._ends[-1][0].sendall(b"\xff" * 40)

    def cut(self) -> None:
        """Half of what the robot says next gets through, then the line breaks."""
        self._half = True

    def close(self) -> None:
        self._ears.close()
        for end in (end for pair in self._ends for end in pair):
            end.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                brain = self._ears.accept()[0]
                try:
                    robot = socket.create_connection(self._target)
                except OSError:
                    brain.close()
                    continue
                self._ends.append((brain, robot))
                for source, sink in ((brain, robot), (robot, brain)):
                    threading.Thread(target=self._carry, args=(source, sink, robot), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket, robot: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(4096):
                if self._half and source is robot:
                    self._half = False
                    sink.sendall(data[: len(data) // 2])
                    break
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


class Serial:
    """A serial line to a robot: a pseudo-terminal, as long as the robot is there."""

    def __init__(self, device: Path, address: str) -> None:
        self.address = f"serial:{device}"
        self._device, self._target = device, address
        self._socat: subprocess.Popen[bytes] | None = None
        self.plug()

    def plug(self) -> None:
        """Plug it in, again."""
        self.close()
        words = ["socat", f"pty,link={self._device},raw,echo=0,wait-slave", f"{self._target},retry=100,interval=0.5"]
        self._socat = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait(self._device.exists, 10)

    def close(self) -> None:
        if self._socat is not None:
            self._socat.kill()
            self._socat.wait(10)
            self._device.unlink(missing_ok=True)


class Lines(NamedTuple):
    """How robots 0 and 1 are reached."""

    serial: Serial
    line: Line


@pytest.fixture(scope="module")
def playground() -> Iterator[Playground]:
    """All robots in the middle."""
    kinds = ["thymio2", "thymio2", "e-puck", "e-puck"]
    spots = [(kind, 1 + 0.13 * (-1) ** i, 1 + 0.13 * (-1) ** (i // 2), 1.5 * i) for i, kind in enumerate(kinds)]
    with Playground(SIDE, spots) as one:
        yield one


@pytest.fixture(scope="module")
def lines(playground: Playground, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lines]:
    _, host, port = playground.address(1).split(":")
    device = tmp_path_factory.mktemp("serial") / "tty"
    with (
        contextlib.closing(Serial(device, playground.address(0))) as serial,
        contextlib.closing(Line(host, int(port))) as line,
    ):
        yield Lines(serial, line)


@pytest.fixture(scope="module")
def field(playground: Playground, lines: Lines, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    """Their processes, running; disarmed."""
    addresses = {0: lines.serial.address, 1: lines.line.address}
    it = Field(playground, tmp_path_factory.mktemp("mixed"), MISSION, addresses)
    try:
        it.start()
        yield it
    finally:
        print(it.logs())
        it.close()


def moves(field: Field, robots: list[int]) -> None:
    """Wait until each of these has gone somewhere."""
    before = field.poses()
    wait(lambda: np.hypot(*(field.poses() - before)[robots, :2].T).min() > 0.03, 20)


def test_both_kinds_are_one_swarm(field: Field) -> None:
    wait(lambda: field.command("doctor") == 0, 90)  # each hears the three others
    assert stands(field, ALL, 0.5)
    field.arm()
    before, then = apart(field.poses()), time.monotonic()
    wait(lambda: apart(field.poses()) >= 1.5 * before, 60)
    moves(field, ALL)
    time.sleep(4.0)
    driven = speeds(field.since(then))
    for kind in ([0, 1], [2, 3]):
        assert np.quantile(driven[:, kind], 0.95) == pytest.approx(SPEED, rel=0.05)


@pytest.mark.parametrize("spoil", ["garbage", "cut"])
def test_a_line_that_was_spoilt_heals_and_the_robot_waits_for_its_order(field: Field, lines: Lines, spoil: str) -> None:
    """Garbage, and half a message before the line breaks."""
    before = field.status(1)
    assert before is not None
    getattr(lines.line, spoil)()
    wait(lambda: (now := field.status(1)) is not None and now.session == before.session + 1, 20)
    wait(field.is_fresh, 20)
    after = field.status(1)
    assert after is not None
    assert (after.state, after.why) == ("disarmed", "the robot came back after it was lost")
    assert stands(field, [1], 1.0)
    moves(field, [0, 2, 3])
    field.arm(1)
    moves(field, [1])


def test_an_e_puck_stands_when_its_brain_is_killed(field: Field) -> None:
    moves(field, [2])
    field.processes.pop("robot2").kill()
    time.sleep(0.6)
    assert stands(field, [2], 0.5)
    field.robot(2)
    wait(field.is_fresh, 60)
    assert stands(field, [2], 0.5)
    field.arm(2)
    moves(field, [2])


def test_the_simulator_comes_back_and_robots_wait_for_their_order(field: Field, lines: Lines) -> None:
    """All robots are lost at once; the serial line has to be plugged in again."""
    with field.lock:
        field.paused = True
        field.playground.stop()
        time.sleep(1.5)
        field.playground.start()
        field.paused = False
    lines.serial.plug()
    wait(field.is_fresh, 30)
    for i in ALL:
        status = field.status(i)
        assert status is not None
        assert (status.state, status.why) == ("disarmed", "the robot came back after it was lost")
    assert stands(field, ALL, 1.0)
    field.arm()
    moves(field, ALL)


def test_all_are_stopped(field: Field) -> None:
    assert field.command("stop") == 0
    time.sleep(0.6)
    assert stands(field, ALL, 1.0)
    assert field.command("arm") == 1
