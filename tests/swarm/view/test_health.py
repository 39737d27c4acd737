"""Faults, seen in the ticks of a real run that were tampered with."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from swarm import record
from swarm.record import Log, Tick
from swarm.view.alarms import alarms
from swarm.view.telemetry import Telemetry


def until(log: Log, end: float, change: Callable[[Tick, Tick | None], Tick] = lambda now, _: now) -> list[str]:
    """The alarms of robots at `end` s, when every tick from 5 s on is changed."""
    telemetry, before, now = Telemetry(log.dt), None, None
    for now in (item for item in log.walk() if isinstance(item, Tick)):
        if now.tick * log.dt > end:
            break
        if now.tick * log.dt > 5:
            now = change(now, before)  # noqa: PLW2901
        telemetry.tick(now)
        before = now
    assert now is not None
    return [alarm.text for alarm in alarms(log.stage, telemetry.snapshot(now)) if alarm.robots]


def changed(now: Tick, **fields: tuple[int, object]) -> Tick:
    percepts = now.percepts.copy()
    for name, (robot, value) in fields.items():
        percepts[name][robot] = value
    return now._replace(percepts=percepts)


def test_a_run_in_which_nothing_is_wrong_raises_no_alarm_of_faults(finished: Path) -> None:
    log = record.open_run(finished)
    telemetry = Telemetry(log.dt)
    for now in (item for item in log.walk() if isinstance(item, Tick)):
        telemetry.tick(now)
        for still, frozen, loss in telemetry._health.rows(3):
            assert still < log.stage.watch.motor
            assert frozen < log.stage.watch.sensor
            assert not loss > log.stage.watch.loss


def test_wheels_that_do_not_turn(finished: Path) -> None:
    log = record.open_run(finished)

    def seized(now: Tick, _: Tick | None) -> Tick:
        return changed(now, odometry=(1, 0.0), touch=(1, -1), grip=(1, 0))._replace(commands=driving(now))

    (text,) = until(log, 25, seized)
    assert text == "robot 1: motor fault? told to move, stands for 20 s"


def driving(now: Tick) -> np.ndarray:
    commands = now.commands.copy()
    commands["speed"][1] = 0.2
    return commands


@pytest.mark.parametrize("value", [np.nan, None])
def test_sensors_that_give_nothing_or_always_the_same(finished: Path, value: float | None) -> None:
    log = record.open_run(finished)

    def dead(now: Tick, before: Tick | None) -> Tick:
        if value is not None:
            return changed(now, proximity=(2, value))
        percepts, commands = now.percepts.copy(), now.commands.copy()
        percepts[2], commands["turn"][2] = before.percepts[2] if before else percepts[2], 1.0
        return now._replace(percepts=percepts, commands=commands)

    assert "robot 2: sensor fault? readings dead for 10 s" in until(log, 15, dead)


def test_a_weak_link(finished: Path) -> None:
    def lossy(now: Tick, _: Tick | None) -> Tick:
        radio = now.radio.copy()
        radio[0, 2] += 4 * now.tick
        return now._replace(radio=radio)

    (text,) = until(record.open_run(finished), 40, lossy)
    assert text.startswith("robot 0: link weak, ")
