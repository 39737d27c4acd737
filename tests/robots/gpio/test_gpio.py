"""The Raspberry Pi's body at pin level: gpiozero's mock pins show what every command does to them."""

import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

gpiozero = pytest.importorskip("gpiozero")
from gpiozero.pins.mock import MockFactory, MockPWMPin, MockTriggerPin  # noqa: E402 - needs gpiozero

from robots.body import command  # noqa: E402
from robots.deadman import DeadMan  # noqa: E402
from robots.gpio.body import GpioBody  # noqa: E402
from robots.gpio.wiring import Range, Wheel, Wiring  # noqa: E402
from robots.percept import Sensors  # noqa: E402
from tests.conftest import wait  # noqa: E402

WIRING = Wiring(Wheel(5, 6, 12, (20, 21)), Wheel(16, 19, 13, (26, 27)), steps=1000.0, weakest=0.2)


class Trigger(MockTriggerPin, MockPWMPin):  # type: ignore[misc] - gpiozero has no types
    """As the mock factory wants all pins to be of one kind."""


OUTPUTS = (5, 6, 12, 16, 19, 13)


@pytest.fixture
def pins() -> Iterator[MockFactory]:
    before = gpiozero.Device.pin_factory
    factory = gpiozero.Device.pin_factory = MockFactory(pin_class=MockPWMPin)
    yield factory
    factory.reset()
    gpiozero.Device.pin_factory = before


def states(pins: MockFactory) -> list[float]:
    return [float(pins.pin(number).state) for number in OUTPUTS]


@pytest.mark.parametrize(
    ("speed", "turn", "left", "right"),
    [
        (0.3, 0.0, (1, 0, 1.0), (1, 0, 1.0)),
        (-0.3, 0.0, (0, 1, 1.0), (0, 1, 1.0)),
        (0.15, 0.0, (1, 0, 0.6), (1, 0, 0.6)),  # 0.2 + 0.8 x 0.5
        (0.0, 2.0, (0, 1, 0.6), (1, 0, 0.6)),  # wheels run at 0.15 m/s
        (0.0, -2.0, (1, 0, 0.6), (0, 1, 0.6)),
        (0.3, 2.0, (1, 0, 0.2 + 0.8 / 3), (1, 0, 1.0)),  # too fast: slower on the same curve
        (0.0, 0.0, (0, 0, 0.0), (0, 0, 0.0)),
        (math.nan, math.inf, (0, 0, 0.0), (0, 0, 0.0)),
    ],
)
def test_pins_for_a_command(
    pins: MockFactory, speed: float, turn: float, left: tuple[int, int, float], right: tuple[int, int, float]
) -> None:
    body = GpioBody(WIRING, Sensors())
    body.act(command(speed, turn), 0.0)
    assert states(pins) == pytest.approx([*left, *right])
    body.close()


def test_it_says_what_it_sent(pins: MockFactory) -> None:
    body = GpioBody(WIRING, Sensors())
    assert body.act(command(0.1, 0.5), 0.0)[0].tolist() == pytest.approx((0.1, 0.5, 0))
    fast = body.act(command(9.0, 9.0), 0.0)[0]
    assert abs(fast["speed"]) + abs(fast["turn"]) * WIRING.track / 2 <= WIRING.fastest + 1e-6
    body.close()


def test_stop_and_close_leave_all_pins_zero(pins: MockFactory) -> None:
    body = GpioBody(WIRING, Sensors())
    body.act(command(0.3, 1.0), 0.0)
    body.stop()
    assert states(pins) == [0] * 6
    body.act(command(0.3, 1.0), 0.0)
    body.close()
    assert states(pins) == [0] * 6
    body.act(command(0.3, 1.0), 0.0)  # too late
    body.stop()
    assert states(pins) == [0] * 6


def test_pins_are_zero_within_the_dead_mans_time(pins: MockFactory) -> None:
    body = GpioBody(WIRING, Sensors())
    began = time.monotonic()
    man = DeadMan(body.stop, 0.3)
    body.act(command(0.3, 1.0), 0.0)
    assert states(pins) != [0] * 6 or man.hangs(60)
    wait(lambda: states(pins) == [0] * 6, 10)
    assert time.monotonic() - began >= 0.3
    man.close()
    body.close()


def test_encoders_are_the_odometry(pins: MockFactory) -> None:
    body = GpioBody(WIRING, Sensors())
    a, b = pins.pin(20), pins.pin(21)
    for _ in range(10):  # ten steps of the left wheel, or nine, as the first edge may not count: 10 mm
        for pin, high in ((a, True), (b, True), (a, False), (b, False)):
            (pin.drive_high if high else pin.drive_low)()
    ahead, turned = body.sense(0.0)["odometry"][0]
    assert abs(ahead) == pytest.approx(0.005, abs=6e-4)
    assert turned == pytest.approx(-2 * ahead / WIRING.track)
    assert body.sense(0.1)["odometry"][0].tolist() == [0, 0]
    body.close()


@pytest.mark.filterwarnings("ignore::gpiozero.GPIOZeroWarning")
def test_range_sensors_and_one_that_hangs(pins: MockFactory) -> None:
    echo = pins.pin(17)
    trigger = pins.pin(4, pin_class=Trigger, echo_pin=echo, echo_time=0.0035)  # 60 cm
    body = GpioBody(Wiring(WIRING.left, WIRING.right, ranges=(Range(17, 4, math.pi / 2),)), Sensors())
    wait(lambda: body.age(time.monotonic()) < 0.5, 10)
    assert body.senses == {"proximity"}
    assert body.sense(0.0)["proximity"][0].tolist() == [0.5] * 8  # 60 cm: clear for this mission
    trigger.echo_time = 0.001  # 17 cm
    wait(lambda: float(body.sense(0.0)["proximity"][0, 2]) < 0.25, 10)
    trigger.echo_time = 2.0  # the echo stays away
    wait(lambda: body.age(time.monotonic()) > 0.5, 10)
    body.close()


def test_pins_used_twice_are_refused() -> None:
    with pytest.raises(ValueError, match="pin 5 is used twice"):
        Wiring(Wheel(5, 6, 12), Wheel(16, 5, 13))
    with pytest.raises(ValueError, match="forward = 99"):
        Wheel(99, 6, 12)


SCRIPT = """
import sys, time
import gpiozero
from gpiozero.pins.mock import MockFactory, MockPWMPin
gpiozero.Device.pin_factory = pins = MockFactory(pin_class=MockPWMPin)
from robots.percept import Sensors
from tests.robots.gpio.test_gpio import OUTPUTS, WIRING
from swarm.field.loop import Loop
from tests.swarm.field.fakes import loop_of
from robots.gpio.body import GpioBody
from robots.body import command
body = GpioBody(WIRING, Sensors())
loop = loop_of(body, fails=sys.argv[1] == "fails")
def show(when):
    print(when, *(float(pins.pin(n).state) for n in OUTPUTS), flush=True)
loop.pilot.shown = lambda: show("drives")
try:
    with loop.signals():
        loop.run(None, None)
finally:
    show("ended")
"""


@pytest.mark.parametrize("how", ["signal", "fails"])
def test_pins_are_zero_on_sigterm_and_on_an_exception(how: str, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    with subprocess.Popen(
        [sys.executable, script, how], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        first = next(line.split() for line in process.stdout if line.startswith("drives"))
        assert any(float(word) for word in first[1:])
        if how == "signal":
            process.send_signal(signal.SIGTERM)
        last = next(line.split() for line in process.stdout if line.startswith("ended"))
        assert process.wait(20) == (0 if how == "signal" else 1)
    assert last == ["ended", *["0.0"] * 6]


def test_the_percept_is_blank_where_nothing_measures(pins: MockFactory) -> None:
    body = GpioBody(Wiring(Wheel(5, 6, 12), Wheel(16, 19, 13)), Sensors())
    percept = body.sense(0.0)[0]
    assert body.senses == frozenset()
    assert np.isnan(percept["pose"]).all()
    assert body.age(5.0) == 0.0
    body.close()
