"""A differential drive on a Raspberry Pi's pins, by gpiozero.

Each wheel has two pins for its direction and one with PWM for its speed. Encoders tell the odometry, ultrasonic
sensors the proximity, where there are any. A process that is killed leaves the pins as they are: this body does not
stop by itself (`guarded` is False). See the README for what to do about that.
"""

import math
import threading
import time
from typing import Any

import numpy as np

from robots import wheels
from robots.body import BodyError, Colour, command
from robots.command import Limits, clamp
from robots.gpio.wiring import Range, Wheel, Wiring
from robots.percept import Sensors, blank, percept_dtype


class GpioBody:
    """The robot of a `Wiring`. Raises BodyError where gpiozero or the pins are not to be had."""

    guarded = False
    label = ""
    session = 1
    trouble = ""

    def __init__(self, wiring: Wiring, sensors: Sensors) -> None:
        try:
            import gpiozero
        except ImportError:
            raise BodyError("a gpio body needs gpiozero: pip install '.[gpio]' in a clone of jerne") from None
        self.wiring, self._sensors, self._dtype = wiring, sensors, percept_dtype(sensors)
        self.limits, self.radius = Limits(wiring.fastest, wiring.turn), wiring.radius
        senses = {"proximity": bool(wiring.ranges), "odometry": wiring.steps > 0}
        self.senses = frozenset(name for name, there in senses.items() if there)
        self._lock = threading.Lock()
        self._closed = False
        try:
            self._wheels = [_Motor(gpiozero, wheel) for wheel in (wiring.left, wiring.right)]
            self._ranges = [_sonar(gpiozero, one) for one in wiring.ranges]
        except (gpiozero.GPIOZeroError, OSError) as error:
            raise BodyError(f"wiring: {error}") from None

    def sense(self, now: float) -> np.ndarray:  # noqa: ARG002 - part of the contract
        """What encoders and range sensors say."""
        out = blank(self._dtype, 1)
        far, rays = self._sensors.proximity.range, self._sensors.proximity.rays
        out["proximity"] = far
        for one, sonar in zip(self.wiring.ranges, self._ranges, strict=True):
            ray = round(one.bearing * rays / (2 * math.pi)) % rays
            out["proximity"][0, ray] = min(far, float(out["proximity"][0, ray]), float(sonar.distance))
        if self.wiring.steps:
            left, right = (wheel.advance() / self.wiring.steps for wheel in self._wheels)
            out["odometry"] = [wheels.join(left, right, self.wiring.track)]
        return out

    def age(self, now: float) -> float:
        """Since the range sensor that was read longest ago; pins are read when asked."""
        return float(max([0.0, *(now - sonar.read_at for sonar in self._ranges)]))

    def act(self, command: np.ndarray, now: float) -> np.ndarray:  # noqa: ARG002 - part of the contract
        """Set direction and PWM of both wheels."""
        told = clamp(command, self.limits)[0]
        w = self.wiring
        speeds = wheels.split(float(told["speed"]), float(told["turn"]), w.track, w.fastest)
        shares = [self._share(speed) for speed in speeds]
        with self._lock:
            if self._closed:
                return _twist(0.0, 0.0, w)
            for wheel, share in zip(self._wheels, shares, strict=True):
                wheel.turn(share)
        left, right = (0.0 if share == 0 else speed for share, speed in zip(shares, speeds, strict=True))
        return _twist(left, right, w)

    def stop(self) -> None:
        """All pins of the motors to zero."""
        with self._lock:
            if not self._closed:
                for wheel in self._wheels:
                    wheel.turn(0.0)

    def show(self, colour: Colour) -> None:
        """It has no light."""

    def close(self) -> None:
        """Stop and give the pins up."""
        self.stop()
        with self._lock:
            self._closed = True
            for thing in (*self._wheels, *self._ranges):
                thing.close()

    def _share(self, speed: float) -> float:
        """The PWM share of a wheel's speed, with its sign: the weakest that turns the motor is as good as zero."""
        share = abs(speed) / self.wiring.fastest
        if share < 1e-3:
            return 0.0
        return math.copysign(self.wiring.weakest + (1 - self.wiring.weakest) * share, speed)


class _Motor:
    """A wheel: never both direction pins at once, and PWM zero while they change."""

    def __init__(self, gpiozero: Any, wheel: Wheel) -> None:
        self._forward = gpiozero.DigitalOutputDevice(wheel.forward)
        self._backward = gpiozero.DigitalOutputDevice(wheel.backward)
        self._enable = gpiozero.PWMOutputDevice(wheel.enable)
        self._encoder = gpiozero.RotaryEncoder(*wheel.encoder, max_steps=0) if wheel.encoder else None
        self._steps = 0

    def turn(self, share: float) -> None:
        """`share` of full speed, backwards where negative."""
        ahead, back = share > 0, share < 0
        if (ahead, back) != (bool(self._forward.value), bool(self._backward.value)):
            self._enable.value = 0.0
            self._forward.off()
            self._backward.off()
            if ahead:
                self._forward.on()
            elif back:
                self._backward.on()
        self._enable.value = abs(share)

    def advance(self) -> int:
        """Encoder steps since the last time."""
        before, self._steps = self._steps, 0 if self._encoder is None else int(self._encoder.steps)
        return self._steps - before

    def close(self) -> None:
        for device in (self._enable, self._forward, self._backward, self._encoder):
            if device is not None:
                device.close()


def _sonar(gpiozero: Any, one: Range) -> Any:
    """A range sensor that remembers when it was read."""

    class Sonar(gpiozero.DistanceSensor):  # type: ignore[misc]
        read_at = -math.inf

        def _read(self) -> Any:
            value = super()._read()
            if value is not None:  # no echo at all: broken wire, or a sensor that hangs
                self.read_at = time.monotonic()
            return value

    return Sonar(echo=one.echo, trigger=one.trigger, max_distance=one.reach, queue_len=3, partial=True)


def _twist(left: float, right: float, wiring: Wiring) -> np.ndarray:
    return command(*wheels.join(left, right, wiring.track))
