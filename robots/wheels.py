"""Two driven wheels: from a twist to wheel speeds and back."""


def split(speed: float, turn: float, track: float, fastest: float) -> tuple[float, float]:
    """Speeds of the left and the right wheel in m/s, for wheels `track` m apart.

    Where a wheel would be faster than `fastest` both are slowed down: the robot keeps to its curve.
    """
    left, right = speed - turn * track / 2, speed + turn * track / 2
    most = max(abs(left), abs(right))
    share = min(1.0, fastest / most) if most > 0 else 1.0
    return left * share, right * share


def join(left: float, right: float, track: float) -> tuple[float, float]:
    """Speed in m/s and turn rate in rad/s of wheels that run at these speeds."""
    return (left + right) / 2, (right - left) / track
