"""Twenty DotBots in the makers' simulator: moved as commanded, judged by where they are."""

import math
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from robots.body import command
from robots.dotbot.body import DotBot, Dotbots
from robots.percept import Sensors
from robots.shell import Rules, Shell, State
from tests.conftest import wait
from tests.robots.dotbot.simulator import SITE, Simulator

pytestmark = pytest.mark.slow
COUNT = 20
TICK = 0.15  # s


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(COUNT) as one:
        yield one


@pytest.fixture(scope="module")
def swarm(simulator: Simulator) -> Iterator[list[DotBot]]:
    """All robots, ready."""
    dotbots = Dotbots(tuple(simulator.names), (SITE / 2, SITE / 2))
    bodies = [DotBot(simulator.address, dotbots, i, (4.0, 4.0), Sensors()) for i in range(COUNT)]
    wait(lambda: (drive(bodies, 0.0, 0.0, TICK), all(b.age(time.monotonic()) < 1 for b in bodies))[1], 30)
    yield bodies
    for body in bodies:
        body.close()


def drive(
    bodies: list[DotBot], speed: float, turn: float, seconds: float, each: Callable[[], None] = lambda: None
) -> None:
    """All drive for so long."""
    end = time.monotonic() + seconds
    while (now := time.monotonic()) < end:
        for body in bodies:
            body.sense(now)
            body.act(command(speed, turn), now)
        each()
        time.sleep(max(0.0, now + TICK - time.monotonic()))


def rates(simulator: Simulator, bodies: list[DotBot], speed: float, turn: float) -> tuple[np.ndarray, np.ndarray]:
    """(N,) m and rad per simulated second while they drive for 5 s, but for the first. Reports come every 0.25 s."""
    drive(bodies, speed, turn, 1.0)
    before, then = simulator.poses()
    drive(bodies, speed, turn, 4.0)
    after, now = simulator.poses()
    assert (now > then).all()
    moved, turned = after - before, (after - before)[:, 2] % (2 * math.pi)
    ahead = (moved[:, :2] * np.stack([np.cos(before[:, 2]), np.sin(before[:, 2])], -1)).sum(-1)
    return ahead / (now - then), turned / (now - then)


def test_speed_and_turn_are_those_commanded(simulator: Simulator, swarm: list[DotBot]) -> None:
    assert rates(simulator, swarm, 0.1, 0.0)[0] == pytest.approx(0.1, rel=0.05)
    assert rates(simulator, swarm, 0.0, 0.5)[1] == pytest.approx(0.5, rel=0.06)
    assert rates(simulator, swarm, 0.0, 0.0)[0] == pytest.approx(0.0, abs=1e-3)


def test_what_a_body_senses_is_where_they_are(simulator: Simulator, swarm: list[DotBot]) -> None:
    drive(swarm, 0.0, 0.0, 1.5)
    poses, _ = simulator.poses()
    poses[:, :2] -= (SITE / 2, -SITE / 2)
    percepts = [body.sense(time.monotonic())[0] for body in swarm]
    assert np.array([p["pose"][:2] for p in percepts]) == pytest.approx(poses[:, :2], abs=2e-3)
    for i, percept in enumerate(percepts):
        distance = np.hypot(*(poses[:, :2] - poses[i, :2]).T)
        nearest = np.sort(distance[distance > 0])[:3]
        assert percept["robot_rb"][:3, 0] == pytest.approx(nearest, abs=4e-3)
        assert percept["proximity"].min() < 0.2  # somebody is near


def test_robots_stand_when_commands_fall_silent(simulator: Simulator, swarm: list[DotBot]) -> None:
    drive(swarm, 0.1, 0.0, 1.5)
    before, then = simulator.poses()
    time.sleep(3.0)  # a busy machine slows the simulator down
    rest, _ = simulator.poses()
    time.sleep(1.0)
    after, now = simulator.poses()
    assert (now > then).all()
    assert after == pytest.approx(rest, abs=1e-6)
    moved = np.hypot(*(rest - before)[:, :2].T)
    assert (moved > 0.01).all()  # they were on their way
    assert (moved < 0.1 * (0.25 + 0.15 + 0.6) + 0.01).all()  # age of the report, tick, the firmware's own time


def test_one_that_falls_silent_stands_is_stale_and_lost_and_waits_for_its_order(
    simulator: Simulator, swarm: list[DotBot]
) -> None:
    """Robot 0 hears, but is heard no longer: the shell stops it, and the controller says what it knows."""
    drive(swarm, 0.0, 0.0, 1.5)
    body, shell = swarm[0], Shell(swarm[0].limits, Rules(), guarded=True)

    def tick() -> None:
        now = time.monotonic()
        body.sense(now)
        shell.readings(body.age(now), body.session)
        shell.command(command(0.1, 0.0), now)
        body.act(shell.output(now), now)
        time.sleep(TICK)

    def until(condition: Callable[[], object], seconds: float) -> None:
        wait(lambda: (tick(), condition())[1], seconds)

    def armed() -> bool:
        if body.age(time.monotonic()) < 0.3:
            shell.arm(time.monotonic())
        return shell.state is State.ARMED

    until(armed, 10)
    for _ in range(10):
        tick()
    session = body.session
    simulator.mute(0)
    muted, _ = simulator.poses()
    until(lambda: "readings are" in shell.why, 3)
    until(lambda: "has not heard of it for 3 s" in body.trouble, 6)
    until(lambda: "has lost it" in body.trouble, 12)
    assert body.age(time.monotonic()) == math.inf
    assert shell.state is State.ARMED  # so far nothing came back
    assert 0 not in swarm[1].sense(time.monotonic())["robot_id"][0]
    simulator.mute()
    until(lambda: body.session == session + 1, 10)
    tick()
    assert (shell.state, shell.why) == (State.DISARMED, "the robot came back after it was lost")
    back, _ = simulator.poses()
    assert np.hypot(*(back - muted)[0, :2]) < 0.1 * (0.25 + 0.5 + 2 * TICK + 0.6)
    for _ in range(5):
        tick()
    still, _ = simulator.poses()
    assert still[0] == pytest.approx(back[0], abs=2e-3)
    until(armed, 10)
    until(lambda: np.hypot(*(simulator.poses()[0] - still)[0, :2]) > 0.03, 10)
