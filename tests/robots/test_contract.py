"""What all bodies have to do alike: one test over every body, the simulated ones included.

Hardware ends are the tests' own, see `bodies`.
"""

import math
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from robots.body import SENSES, command
from robots.deadman import DeadMan
from robots.fence import Fence, FencedBody
from robots.percept import Sensors, percept_dtype
from robots.shell import RefusedError, Shell
from swarm.field.config import KINDS
from tests.conftest import wait
from tests.robots.bodies import RIGS, Rig
from tests.robots.quick import QUICK

pytestmark = pytest.mark.filterwarnings("ignore::Warning:gpiozero")
STILL = pytest.approx((0.0, 0.0), abs=2e-3)


@pytest.fixture(params=RIGS)
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    """A body whose readings are fresh, and which stands."""
    with RIGS[request.param]() as one:
        tick(one, 0.0, 0.0)  # compiles what is compiled
        wait(lambda: (tick(one, 0.0, 0.0), one.body.age(time.monotonic()) < 0.3)[1], 30)
        yield one


def tick(rig: Rig, speed: float, turn: float) -> np.ndarray:
    """Sense and act, as a loop does; what was sent."""
    rig.body.sense(time.monotonic())
    return rig.body.act(command(speed, turn), time.monotonic())


def test_every_body_that_can_be_configured_is_here() -> None:
    assert set(KINDS) <= set(RIGS)


def test_the_percept_holds_what_it_senses_and_nothing_else(rig: Rig) -> None:
    percept = rig.body.sense(time.monotonic())
    assert percept.shape == (1,)
    assert percept.dtype == percept_dtype(Sensors())
    p, senses = percept[0], rig.body.senses
    assert senses <= set(SENSES)
    assert ((p["proximity"] >= 0) & (p["proximity"] <= Sensors().proximity.range)).all()
    assert np.isfinite(p["pose"]).all() == ("pose" in senses)
    assert np.isfinite(p["battery"]) == ("battery" in senses)
    assert np.isfinite(p["odometry"]).all()
    for sense, field in (("robots", "robot_id"), ("sites", "site_id")):
        assert sense in senses or (p[field] == -1).all()


def test_a_fence_is_sensed_as_a_wall() -> None:
    with RIGS["tracked"]() as rig:  # it is seen at 0, 0, and looks along x
        open_floor = rig.body.sense(time.monotonic())["proximity"][0].copy()
        ring = FencedBody(rig.body, Fence(-0.1, -9, 9, 9)).sense(time.monotonic())["proximity"][0]
        half = len(ring) // 2
        assert ring[half] == pytest.approx(0.1)
        assert open_floor[half] > 0.2
        assert ring[0] == open_floor[0]


def test_it_does_what_it_is_told_and_says_what_that_was(rig: Rig) -> None:
    sent = tick(rig, 0.05, 0.4)[0]
    wait(lambda: rig.told() == pytest.approx((0.05, 0.4), rel=0.06), 5)
    assert (sent["speed"], sent["turn"]) == pytest.approx((0.05, 0.4), rel=0.06)
    tick(rig, -0.05, -0.4)
    wait(lambda: rig.told() == pytest.approx((-0.05, -0.4), rel=0.06), 5)


@pytest.mark.parametrize(("speed", "turn"), [(math.nan, 0.5), (0.1, math.nan), (math.inf, -math.inf)])
def test_what_is_not_a_number_moves_nothing(rig: Rig, speed: float, turn: float) -> None:
    """Below the shell too, which refuses it: the part that is no number becomes zero."""
    sent = tick(rig, speed, turn)[0]
    assert np.isfinite([sent["speed"], sent["turn"]]).all()
    speed, turn = (value if math.isfinite(value) else 0.0 for value in (speed, turn))
    wait(lambda: rig.told() == pytest.approx((speed, turn), rel=0.06, abs=2e-3), 5)
    shell = armed(rig)
    assert not shell.command(command(math.nan, math.nan), time.monotonic())
    rig.body.act(shell.output(time.monotonic()), time.monotonic())
    wait(lambda: rig.told() == STILL, 5)


def test_it_keeps_to_its_limits(rig: Rig) -> None:
    limits = rig.body.limits
    for speed, turn in [(99.0, 0.0), (-99.0, 0.0), (0.0, 99.0), (99.0, -99.0)]:
        sent = tick(rig, speed, turn)[0]
        assert abs(sent["speed"]) <= limits.speed * 1.01
        assert abs(sent["turn"]) <= limits.turn * 1.01
        wait(lambda: rig.told() != STILL, 5)
        told = rig.told()
        assert abs(told[0]) <= limits.speed * 1.02
        assert abs(told[1]) <= limits.turn * 1.02


def test_sensors_that_freeze_slow_it_down_then_stop_it(rig: Rig) -> None:
    shell = armed(rig)
    wait(lambda: (drive(rig, shell), rig.told()[0] > 0.04)[1], 5)
    rig.freeze()
    wait(lambda: (drive(rig, shell), rig.body.age(time.monotonic()) > 0.5)[1], 10)
    drive(rig, shell)
    wait(lambda: rig.told() == STILL, 5)
    assert "readings are" in shell.why
    with pytest.raises(RefusedError, match="readings are"):
        armed(rig)


def test_a_stream_of_commands_that_stops_stops_it(rig: Rig) -> None:
    """The shell does, and where not even the shell runs any more, the driver's dead-man."""
    shell = armed(rig)
    drive(rig, shell)
    now = time.monotonic()
    shell.readings(0.0, rig.body.session)
    late = shell.output(now + 0.35)
    assert (late["speed"], late["turn"]) == (0, 0)
    tick(rig, 0.05, 0.0)
    wait(lambda: rig.told() != STILL, 5)
    began, man = time.monotonic(), DeadMan(rig.body.stop, 0.3)
    wait(lambda: rig.told() == STILL, 5)
    assert 0.25 < time.monotonic() - began < 1.0
    man.close()


def test_stop_comes_from_any_thread_and_close_stands(rig: Rig) -> None:
    for end in (rig.body.stop, rig.body.close):
        tick(rig, 0.05, 0.3)
        wait(lambda: rig.told() != STILL, 5)
        thread = threading.Thread(target=end)
        thread.start()
        thread.join()
        wait(lambda: rig.told() == STILL, 5)
    rig.body.act(command(0.1, 0.0), time.monotonic())  # too late
    time.sleep(0.05)
    assert rig.told() == STILL
    rig.body.stop()


def armed(rig: Rig) -> Shell:
    """A shell around it, armed."""
    shell = Shell(rig.body.limits, QUICK, guarded=rig.body.guarded, unguarded=True)
    now = time.monotonic()
    rig.body.sense(now)
    shell.readings(rig.body.age(now), rig.body.session)
    shell.command(command(0.05, 0.0), now)
    shell.arm(now)
    return shell


def drive(rig: Rig, shell: Shell) -> None:
    """A tick through the shell."""
    now = time.monotonic()
    rig.body.sense(now)
    shell.readings(rig.body.age(now), rig.body.session)
    shell.command(command(0.05, 0.0), now)
    rig.body.act(shell.output(now), now)
    time.sleep(0.02)
