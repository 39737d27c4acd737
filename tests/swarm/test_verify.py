"""Minds run again on their logs: the same to the bit, and the first difference where there is one."""

import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from robots.command import COMMAND
from swarm.crew import Crew
from swarm.mission import Mission
from swarm.record import Log, Tick, Told
from swarm.recorder import Recorder
from swarm.situation import question
from swarm.verify import Verdict, verify
from swarm.view import replay
from swarm.view.snapshot import Snapshot
from tests.conftest import Play


def test_a_run_is_verified_also_after_a_robot_started_again(mission: Mission, play: Play) -> None:
    killed: list[int] = []

    def during(crew: Crew, now: Snapshot) -> None:
        if now.time > 5 and not killed:
            killed.append(1)
            os.kill(crew.robots[1].pid or 0, signal.SIGKILL)

    played = play(mission, during, speed=20)
    log = Log(played.out / "ticks.mcap")
    verdict = verify(log)
    assert verdict.difference is None
    assert (verdict.ticks, verdict.restarts) == (200, 1)
    assert 400 < verdict.answers < 600, "the others in all ticks, it while it lived"
    told = [item for item in log.walk() if isinstance(item, Told)]
    assert {one.robot for one in told if one.rules is not None and one.tick == 199} == {0, 1, 2}
    for one in told:
        if one.decision is not None:
            report = next(t for t in log.walk() if isinstance(t, Tick) and t.tick == one.tick).reports[one.robot]
            assert report["prediction"] == pytest.approx(one.decision.prediction, abs=0.01)
            asked = question(one.decision.situation)
            bits = [asked >> b & 1 for b in range(21)]
            assert one.decision.rules
            assert all(
                c in ("#", str(bit)) for r in one.decision.rules for c, bit in zip(r.condition, bits, strict=True)
            )


@pytest.mark.slow
def test_runs_that_went_on_with_minds_and_robots_that_came_back_with_what_they_had_saved(
    mission: Mission, play: Play, capsys: pytest.CaptureFixture[str]
) -> None:
    """Over their own links, too: robots hear what the world does not know of."""
    first = play(mission)
    killed: list[int] = []

    def during(crew: Crew, now: Snapshot) -> None:
        for robot, when in ((1, 14), (2, 4)):  # robot 1 has saved by then, robot 2 has not
            if now.time > when and robot not in killed:
                killed.append(robot)
                os.kill(crew.robots[robot].pid or 0, signal.SIGKILL)

    second = play(mission, during, radio="peers", resume=first.out, speed=20)
    log = Log(second.out / "ticks.mcap")
    ticks = [item for item in log.walk() if isinstance(item, Tick)]
    assert any(heard for now in ticks for heard in now.heard)
    assert ticks[0].reports["rules"].max() > 0, "they know something from the start"
    verdict = verify(log)
    assert verdict.difference is None
    assert (verdict.ticks, verdict.restarts) == (200, 2)
    assert verdict.answers > 400
    shutil.move(second.out / "manifest.json", second.out / "moved")
    unknown = verify(log).difference
    assert unknown is not None, "without the minds that it went on with a run is another one"
    shutil.move(second.out / "moved", second.out / "manifest.json")
    shutil.rmtree(first.out)
    assert replay.main([str(second.out), "--verify"]) == 2
    assert f"{first.out}: the run went on with its minds, and they are not there any more" in capsys.readouterr().err


def changed(log: Log, path: Path, at: int, change: str) -> Log:
    """A copy of a log in which one thing is not as it was in tick `at`."""
    recorder = Recorder(
        path, log.metadata["mission"], next(i for i in log.walk() if isinstance(i, Tick)).percepts.dtype, 0.1, log.stage
    )
    for item in log.walk():
        if isinstance(item, Tick):
            percepts, commands = item.percepts.copy(), item.commands.copy()
            if item.tick == at and change == "percept":
                percepts["proximity"][1] = 0.01
            if item.tick == at and change == "command":
                commands["turn"][2] += np.float32(0.25)
            recorder.tick(item._replace(percepts=percepts, commands=commands))
    recorder.close()
    return Log(path)


def test_the_first_difference_is_named(mission: Mission, play: Play, tmp_path: Path) -> None:
    short = replace(mission, phases=(replace(mission.phases[0], duration=6),))
    log = Log(play(short).out / "ticks.mcap")
    logged = verify(changed(log, tmp_path / "command.mcap", 33, "command")).difference
    assert logged is not None
    assert (logged.tick, logged.robot, logged.field) == (33, 2, "command.turn")
    assert logged.logged == pytest.approx(logged.again + 0.25)  # type: ignore[operator]
    sensed = verify(changed(log, tmp_path / "percept.mcap", 20, "percept")).difference
    assert sensed is not None
    assert (sensed.tick, sensed.robot) == (20, 1)
    assert sensed.field.removeprefix("command.") in (COMMAND.names or ())


def test_a_log_in_which_nobody_answered_is_not_verified(
    mission: Mission, play: Play, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    short = replace(mission, phases=(replace(mission.phases[0], duration=2),))
    out = play(short).out
    monkeypatch.setattr("swarm.verify.verify", lambda *_: Verdict(20, 0, 0, None, []))
    capsys.readouterr()
    assert replay.main([str(out), "--verify"]) == 1
    assert capsys.readouterr().out == f"{out / 'ticks.mcap'}: nothing to verify: no robot answered in 20 ticks\n"


def test_a_run_that_went_on_with_minds_of_one_process(
    mission: Mission, play: Play, capsys: pytest.CaptureFixture[str]
) -> None:
    short = replace(mission, world="planar", phases=(replace(mission.phases[0], duration=3.0),))
    first = play(short, minds="stack")
    second = play(short, minds="stack", resume=first.out)
    assert replay.main([str(second.out), "--verify"]) == 2
    assert f"{first.out}: the run went on with minds of one process" in capsys.readouterr().err
