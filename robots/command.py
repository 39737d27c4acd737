"""What a robot is told to do: a twist and a gripper, as one NumPy record."""

from dataclasses import dataclass

import numpy as np

from robots import check

#: share of the free speed at which a robot presses gently, to hold a thing rather than push it
HOLD = 0.12

#: forward speed m/s, turn rate rad/s (REP 103), gripper closed (1) or open (0)
COMMAND = np.dtype([("speed", "f4"), ("turn", "f4"), ("grip", "u1")])


@dataclass(frozen=True)
class Limits:
    """What the body can do; commands are clamped to it."""

    speed: float = 0.2  # m/s
    turn: float = 2.5  # rad/s

    def __post_init__(self) -> None:
        check.number("speed", self.speed, 0.001, 10)
        check.number("turn", self.turn, 0.001, 50)


def clamp(commands: np.ndarray, limits: Limits) -> np.ndarray:
    """`commands` within `limits`; what is not a number becomes standing still."""
    out = np.array(commands, COMMAND)
    for name, most in (("speed", limits.speed), ("turn", limits.turn)):
        out[name] = np.where(np.isfinite(out[name]), np.clip(out[name], -most, most), 0.0)
    out["grip"] = out["grip"] != 0
    return out
