"""The safety shell, rule by rule."""

import contextlib
import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from robots.body import command
from robots.command import COMMAND, Limits
from robots.shell import RefusedError, Rules, Shell, State
from tests.robots.quick import QUICK

LIMITS = Limits(0.2, 2.0)


def armed(rules: Rules = QUICK, now: float = 0.0) -> Shell:
    shell = Shell(LIMITS, rules, guarded=True)
    shell.readings(0.0, 1)
    shell.command(command(0.1, 1.0), now)
    shell.output(now - 0.1)
    shell.arm(now)
    return shell


def sent(shell: Shell, now: float) -> tuple[float, float]:
    out = shell.output(now)[0]
    return float(out["speed"]), float(out["turn"])


def test_a_body_without_a_dead_man_of_its_own_is_refused() -> None:
    with pytest.raises(RefusedError, match="allow that explicitly"):
        Shell(LIMITS, QUICK, guarded=False)
    assert Shell(LIMITS, QUICK, guarded=False, unguarded=True).state is State.DISARMED


def test_disarmed_robots_stand() -> None:
    shell = Shell(LIMITS, QUICK, guarded=True)
    shell.readings(0.0, 1)
    shell.command(command(0.1, 1.0), 0.0)
    assert sent(shell, 0.0) == (0, 0)
    shell.arm(0.0)
    assert sent(shell, 0.1) == pytest.approx((0.1, 1.0))


def test_arming_needs_fresh_commands() -> None:
    shell = Shell(LIMITS, QUICK, guarded=True)
    shell.readings(0.0, 1)
    with pytest.raises(RefusedError, match="no fresh commands"):
        shell.arm(0.0)
    shell.command(command(0.1, 0.0), 1.0)
    with pytest.raises(RefusedError, match="no fresh commands"):
        shell.arm(1.4)
    shell.arm(1.2)


@pytest.mark.parametrize(("age", "says"), [(0.4, "0.40 s old"), (math.inf, "infinitely"), (math.nan, "infinitely")])
def test_arming_needs_fresh_readings(age: float, says: str) -> None:
    shell = Shell(LIMITS, QUICK, guarded=True)
    shell.command(command(0.1, 0.0), 0.0)
    shell.readings(age, 1)
    with pytest.raises(RefusedError, match=says):
        shell.arm(0.0)
    assert sent(shell, 0.0) == (0, 0)


def test_dead_man_heals_by_itself() -> None:
    shell = armed()
    assert sent(shell, 0.29) == pytest.approx((0.1, 1.0))
    assert sent(shell, 0.31) == (0, 0)
    assert (shell.state, shell.why) == (State.ARMED, "no fresh commands")
    shell.command(command(0.1, 1.0), 5.0)
    assert sent(shell, 5.0) == pytest.approx((0.1, 1.0))
    assert shell.why == ""


def test_stale_readings_slow_down_then_stop_then_heal() -> None:
    shell = armed()
    for now, age, speed in [(0.1, 0.29, 0.1), (0.2, 0.31, 0.06), (0.3, 0.49, 0.06), (0.4, 0.51, 0.0), (0.5, 0.1, 0.1)]:
        shell.command(command(0.1, 0.0), now)
        shell.readings(age, 1)
        assert sent(shell, now)[0] == pytest.approx(speed), age
        assert (shell.why == "") == (age < 0.3)
    assert shell.state is State.ARMED


@pytest.mark.parametrize("age", [math.nan, math.inf, -1.0])
def test_readings_of_no_age_stop(age: float) -> None:
    shell = armed()
    shell.readings(age, 1)
    assert sent(shell, 0.0) == (0, 0)


def test_a_new_connection_disarms() -> None:
    shell = armed()
    shell.readings(0.0, 2)
    assert shell.state is State.DISARMED
    assert "came back" in shell.why
    assert sent(shell, 0.0) == (0, 0)
    shell.arm(0.0)
    assert sent(shell, 0.1) == pytest.approx((0.1, 1.0))


def test_emergency_stop_latches() -> None:
    shell = armed()
    shell.emergency("somebody in the way")
    shell.command(command(0.1, 0.0), 0.1)
    assert sent(shell, 0.1) == (0, 0)
    with pytest.raises(RefusedError, match=re.escape("emergency stop (somebody in the way): release it first")):
        shell.arm(0.1)
    shell.disarm("other reasons")
    shell.readings(0.0, 2)
    assert shell.state is State.EMERGENCY
    shell.release()
    assert shell.state is State.DISARMED
    assert sent(shell, 0.1) == (0, 0)
    shell.arm(0.1)
    assert sent(shell, 0.2)[0] == pytest.approx(0.1)


def test_release_arms_nothing() -> None:
    shell = armed()
    shell.release()
    assert shell.state is State.ARMED
    shell.disarm("a fault")
    assert (shell.state, shell.why) == (State.DISARMED, "a fault")
    shell.release()
    assert sent(shell, 0.0) == (0, 0)


@pytest.mark.parametrize(("speed", "turn"), [(math.nan, 0), (0, math.nan), (math.inf, 0), (0.1, -math.inf)])
def test_what_is_not_a_number_is_no_command(speed: float, turn: float) -> None:
    shell = armed()
    assert not shell.command(command(speed, turn), 0.1)
    assert sent(shell, 0.1) == (0, 0)
    assert shell.refused == 1
    with pytest.raises(RefusedError):
        shell.arm(0.1)


def test_changes_are_gradual_and_stops_are_not() -> None:
    shell = armed(Rules(speed_up=1.0, turn_up=10.0))
    shell.command(command(0.0, 0.0), 0.0)
    assert sent(shell, 0.0) == (0, 0)
    shell.command(command(0.2, -2.0), 0.1)
    assert sent(shell, 0.1) == pytest.approx((0.1, -1.0))
    shell.command(command(0.2, -2.0), 0.2)
    assert sent(shell, 0.2) == pytest.approx((0.2, -2.0))
    shell.command(command(-0.2, 0.0), 0.3)
    assert sent(shell, 0.3) == pytest.approx((0.1, 0.0))
    shell.command(command(0.0, 0.0), 0.31)
    assert sent(shell, 0.31) == (0, 0)


def test_commands_to_the_robot_come_at_most_so_often() -> None:
    shell = armed(Rules(interval=0.05))
    shell.output(1.0)
    assert not shell.due(1.04)
    assert shell.due(1.06)


@given(
    st.lists(
        st.tuples(
            st.floats(0, 0.6),
            st.floats(width=32),
            st.floats(width=32),
            st.floats(),
            st.sampled_from("carxed"),
            st.booleans(),
        ),
        max_size=30,
    )
)
def test_whatever_comes_it_moves_only_when_all_rules_allow_it(
    steps: list[tuple[float, float, float, float, str, bool]],
) -> None:
    shell, now, good_at, session = Shell(LIMITS, Rules(), guarded=True), 0.0, -math.inf, 1
    for elapsed, speed, turn, age, event, again in steps:
        now += elapsed
        if event == "c":
            good = shell.command(np.array([(speed, turn, 0)], COMMAND), now)
            good_at = now if good else -math.inf
        session += again
        shell.readings(age, session)
        if event == "a":
            with contextlib.suppress(RefusedError):
                shell.arm(now)
        elif event == "x":
            shell.emergency("test")
        elif event == "r":
            shell.release()
        out = shell.output(now)[0]
        assert abs(out["speed"]) <= np.float32(LIMITS.speed)
        assert abs(out["turn"]) <= np.float32(LIMITS.turn)
        if out["speed"] != 0 or out["turn"] != 0:
            assert shell.state is State.ARMED
            assert now - good_at <= 0.3
            assert 0 <= age <= 0.5


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        ({"deadman": 0.4}, "deadman = 0.4"),
        ({"stop": 0.6}, "stop = 0.6"),
        ({"degrade": 0.4}, "degrade = 0.4"),
        ({"slow": 0.4}, "slow = 0.4"),
        ({"interval": 0.01}, "interval = 0.01"),
        ({"speed_up": 1.1}, "speed_up = 1.1"),
        ({"turn_up": 21}, "turn_up = 21"),
    ],
)
def test_rules_cannot_be_made_laxer_than_the_contract(rules: dict[str, float], says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        Rules(**rules)
