"""Commands stay within what a body can do, whatever a mind says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from robots.command import COMMAND, HOLD, Limits, clamp

LIMITS = Limits(speed=0.2, turn=2.5)
anything = st.floats(width=32)


def command(speed: float = 0.0, turn: float = 0.0, grip: int = 0) -> np.ndarray:
    return np.array([(speed, turn, grip)], COMMAND)


@pytest.mark.parametrize(
    ("told", "done"),
    [
        ((0.1, -1.0, 1), (0.1, -1.0, 1)),
        ((9.0, 9.0, 0), (0.2, 2.5, 0)),
        ((-9.0, -9.0, 7), (-0.2, -2.5, 1)),
        ((np.nan, 1.0, 1), (0.0, 1.0, 1)),
        ((0.1, np.inf, 255), (0.1, 0.0, 1)),
        ((-np.inf, np.nan, 0), (0.0, 0.0, 0)),
    ],
)
def test_clamp(told: tuple[float, float, int], done: tuple[float, float, int]) -> None:
    assert clamp(command(*told), LIMITS)[0].tolist() == pytest.approx(done)


def test_clamp_leaves_what_it_is_given() -> None:
    told = command(9.0, 9.0, 7)
    clamp(told, LIMITS)
    assert told[0].tolist() == (9.0, 9.0, 7)


def test_clamp_takes_any_shape() -> None:
    told = np.full((2, 3), command(9.0)[0])
    assert clamp(told, LIMITS)["speed"] == pytest.approx(np.full((2, 3), 0.2))
    assert clamp(told[0, 0], LIMITS)["speed"] == pytest.approx(0.2)


@given(anything, anything, st.integers(0, 255), st.floats(0.001, 10), st.floats(0.001, 50))
def test_clamped_commands_are_within_limits(speed: float, turn: float, grip: int, fast: float, quick: float) -> None:
    limits = Limits(fast, quick)
    done = clamp(command(speed, turn, grip), limits)[0]
    assert abs(done["speed"]) <= np.float32(fast)
    assert abs(done["turn"]) <= np.float32(quick)
    assert done["grip"] == (grip != 0)
    if np.isfinite(speed) and abs(speed) < fast:
        assert done["speed"] == np.float32(speed)
    again = clamp(done[None], limits)
    assert again.tobytes() == done.tobytes()


@pytest.mark.parametrize(("speed", "turn"), [(0.0, 1.0), (1.0, 0.0), (11.0, 1.0), (1.0, 51.0), (float("nan"), 1.0)])
def test_limits_out_of_range(speed: float, turn: float) -> None:
    with pytest.raises(ValueError, match=r"^(speed|turn) = .*: must lie in \["):
        Limits(speed, turn)


def test_four_that_press_do_not_push() -> None:
    """As many robots as fit at a face press with less than the half robot that a site for one resists."""
    assert 4 * HOLD < 0.5
