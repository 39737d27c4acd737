"""The driver against the makers' simulator: what it says is done, judged by true poses over D-Bus.

One simulator serves all tests; each puts the robots where it needs them.
"""

import contextlib
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from robots.body import command
from robots.percept import Sensors
from robots.thymio.body import AsebaBody
from tests.conftest import wait
from tests.robots.playground import PORT, Playground

pytestmark = pytest.mark.slow
ROBOTS = [("thymio2", 0.5, 0.5, 0.0), ("thymio2", 0.5, 1.5, 0.0), ("e-puck", 1.2, 0.5, 0.0), ("e-puck", 1.2, 1.5, 0.0)]


@pytest.fixture(scope="module")
def arena() -> Iterator[Playground]:
    with Playground(2.0, ROBOTS) as playground:
        yield playground


@pytest.fixture
def swarm(arena: Playground) -> Iterator[list[AsebaBody]]:
    """All robots, ready, each where it starts."""
    for i, (_, x, y, heading) in enumerate(ROBOTS):
        arena.teleport(i, x, y, heading)
    bodies = [
        AsebaBody("epuck" if kind == "e-puck" else "thymio", arena.address(i), None, Sensors())
        for i, (kind, *_) in enumerate(ROBOTS)
    ]
    begin(bodies)
    yield bodies
    for body in bodies:
        body.close()
    time.sleep(0.3)  # the simulator hangs when robots are called again within a step


def begin(bodies: Sequence[AsebaBody]) -> None:
    """Drive on the spot until all readings are there."""
    wait(lambda: (drive(bodies, 0.0, 0.0, 0.1), all(b.age(time.monotonic()) < 0.5 for b in bodies))[1], 20)


def drive(
    bodies: Sequence[AsebaBody], speed: float, turn: float, seconds: float, each: Callable[[], None] = lambda: None
) -> list[np.ndarray]:
    """All drive for so long at 10 Hz; their last percepts."""
    end = time.monotonic() + seconds
    percepts: list[np.ndarray] = []
    while (now := time.monotonic()) < end:
        percepts = [body.sense(now) for body in bodies]
        for body in bodies:
            body.act(command(speed, turn), now)
        each()
        time.sleep(max(0.0, min(0.1, end - time.monotonic())))
    return percepts


def moved(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    return np.hypot(*(after - before)[:, :2].T)


def test_speed_and_turn_are_those_commanded(arena: Playground, swarm: list[AsebaBody]) -> None:
    drive(swarm, 0.06, 0.0, 0.3)
    start, before = time.monotonic(), arena.poses()
    drive(swarm, 0.06, 0.0, 3.0)
    after, elapsed = arena.poses(), time.monotonic() - start
    assert moved(before, after) / elapsed == pytest.approx(0.06, rel=0.05)
    drive(swarm, 0.0, 0.5, 0.3)
    start, before = time.monotonic(), arena.poses()
    percepts = drive(swarm, 0.0, 0.5, 3.0)
    turned = (arena.poses() - before)[:, 2] % (2 * np.pi) / (time.monotonic() - start)
    assert turned == pytest.approx(0.5, rel=0.06)
    assert [p["odometry"][0, 1] / 0.1 for p in percepts] == pytest.approx([0.5] * 4, rel=0.3)


def test_robots_stand_when_commands_fall_silent(arena: Playground, swarm: list[AsebaBody]) -> None:
    """Nobody says stop: the robots' own programs do."""
    drive(swarm, 0.1, 0.0, 1.0)
    start, before = time.monotonic(), arena.poses()
    time.sleep(max(0.0, start + 0.6 - time.monotonic()))
    rest = arena.poses()
    time.sleep(1.0)
    assert moved(rest, arena.poses()) == pytest.approx(0.0, abs=1e-4)
    assert (moved(before, rest) > 0.005).all()  # they were on their way
    assert (moved(before, rest) < 0.06).all()


def test_stop_is_at_once(arena: Playground, swarm: list[AsebaBody]) -> None:
    drive(swarm, 0.1, 0.0, 0.5)
    for body in swarm:
        body.stop()
    time.sleep(0.15)
    rest = arena.poses()
    time.sleep(0.3)
    assert moved(rest, arena.poses()) == pytest.approx(0.0, abs=1e-4)


def test_what_is_near_shows_in_its_direction(arena: Playground, swarm: list[AsebaBody]) -> None:
    """Rays 0, 2, 4, 6 look forward, left, back, right; a wall at 5 cm before Thymios, at 3 cm before e-pucks."""
    gaps = [0.05 + swarm[0].radius] * 2 + [0.03 + swarm[2].radius] * 2
    for i, (gap, y) in enumerate(zip(gaps, (0.4, 0.8, 1.2, 1.6), strict=True)):
        arena.teleport(i, 2.0 - gap, y, 0.0)
    near = drive(swarm, 0.0, 0.0, 0.6)
    assert [float(p["proximity"][0, 0]) for p in near] == pytest.approx([0.05, 0.05, 0.03, 0.03], abs=0.01)
    assert all((p["proximity"][0, [3, 4, 5]] > 0.4).all() for p in near)
    arena.teleport(2, 2.0 - gaps[2], 1.2, -np.pi / 2)  # the wall is on its left
    (left,) = drive(swarm, 0.0, 0.0, 0.6)[2]["proximity"]
    assert left[2] < 0.04
    assert (left[[4, 5, 6]] > 0.4).all()


def test_a_robot_that_came_back(arena: Playground, swarm: list[AsebaBody]) -> None:
    """The simulator is killed and started again: a new session, readings first old and then fresh."""
    arena.stop()
    wait(lambda: (drive(swarm, 0.1, 0.0, 0.1), all(b.age(time.monotonic()) > 0.5 for b in swarm))[1], 10)
    assert all(body.trouble for body in swarm)
    arena.start()
    begin(swarm)
    assert [body.session for body in swarm] == [2, 2, 2, 2]
    before = arena.poses()
    drive(swarm, 0.06, 0.0, 1.0)
    assert (moved(before, arena.poses()) > 0.03).all()


def test_several_robots_behind_one_switch_and_a_serial_port(arena: Playground, tmp_path: Path) -> None:
    """asebaswitch joins two robots; socat makes a serial port of the way to it."""
    host = arena.address(0).split(":")[1]
    targets = [f"tcp:host={host};port={PORT + i}" for i in range(2)]
    device = tmp_path / "tty"
    with contextlib.ExitStack() as stack:
        for line in (
            ["asebaswitch", "-p", "33399", *targets],
            ["socat", f"pty,link={device},raw,echo=0,wait-slave", "tcp:127.0.0.1:33399,retry=50,interval=0.1"],
        ):
            process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            stack.callback(process.wait, 10)
            stack.callback(process.kill)
        wait(device.exists, 10)
        one = AsebaBody("thymio", f"serial:{device}", 1, Sensors())
        two = AsebaBody("thymio", "tcp:127.0.0.1:33399", 2, Sensors())
        stack.callback(one.close)
        stack.callback(two.close)
        begin([one, two])
        before = arena.poses()
        drive([one], 0.06, 0.0, 1.0)
        assert moved(before, arena.poses())[:2] == pytest.approx([0.06, 0.0], abs=0.02)
        before = arena.poses()
        drive([two], 0.06, 0.0, 1.0)
        assert moved(before, arena.poses())[1] == pytest.approx(0.06, abs=0.02)


def test_negative_control() -> None:
    """A robot that answers as ever and moves nothing, its nose at a wall: only true poses tell."""
    with Playground(1.0, [("thymio2", 0.915, 0.5, 0.0)]) as arena:
        body = AsebaBody("thymio", arena.address(0), 1, Sensors())
        with contextlib.closing(body):
            begin([body])
            before = arena.poses()
            percepts = drive([body], 0.1, 0.0, 1.5)
            assert percepts[0]["odometry"][0, 0] > 0.005  # it says that it drives
            assert (moved(before, arena.poses()) < 0.02).all()
