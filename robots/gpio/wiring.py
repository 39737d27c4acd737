"""What is soldered where: pins in Broadcom numbers, lengths in m."""

from dataclasses import dataclass

from robots import check

PINS = range(28)


@dataclass(frozen=True)
class Wheel:
    """A motor on a driver with two direction pins and a PWM enable, and its encoder if there is one."""

    forward: int
    backward: int
    enable: int
    encoder: tuple[int, ...] = ()  # two pins of a quadrature encoder

    def __post_init__(self) -> None:
        for name in ("forward", "backward", "enable"):
            check.choice(name, getattr(self, name), PINS)
        if len(self.encoder) not in (0, 2):
            raise ValueError(f"encoder = {list(self.encoder)}: must be two pins, or left out")


@dataclass(frozen=True)
class Range:
    """An ultrasonic range sensor (HC-SR04 and the like)."""

    echo: int
    trigger: int
    bearing: float  # rad, from straight ahead, counter-clockwise
    reach: float = 1.0  # m

    def __post_init__(self) -> None:
        for name in ("echo", "trigger"):
            check.choice(name, getattr(self, name), PINS)
        check.number("reach", self.reach, 0.05, 5)


@dataclass(frozen=True)
class Wiring:
    """A differential-drive robot on a Raspberry Pi."""

    left: Wheel
    right: Wheel
    radius: float = 0.1  # m, the circle that it fits in
    track: float = 0.15  # m, between the wheels
    fastest: float = 0.3  # m/s, a wheel's at full PWM
    turn: float = 3.0  # rad/s, the most that it is told
    weakest: float = 0.0  # share of PWM below which a motor does not turn
    steps: float = 0.0  # encoder steps per m; 0: there are no encoders
    ranges: tuple[Range, ...] = ()

    def __post_init__(self) -> None:
        check.number("radius", self.radius, 0.02, 1)
        check.number("track", self.track, 0.02, 2)
        check.number("fastest", self.fastest, 0.01, 5)
        check.number("turn", self.turn, 0.01, 50)
        check.number("weakest", self.weakest, 0, 0.9)
        check.number("steps", self.steps, 0, 1e7)
        pins = [pin for wheel in (self.left, self.right) for pin in (wheel.forward, wheel.backward, wheel.enable)]
        pins += [pin for wheel in (self.left, self.right) for pin in wheel.encoder]
        pins += [pin for one in self.ranges for pin in (one.echo, one.trigger)]
        twice = sorted({pin for pin in pins if pins.count(pin) > 1})
        if twice:
            raise ValueError(f"pin {twice[0]} is used twice")
