"""A mission in one process: it is the run by processes, bit for bit."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from immune.params import Params
from sim.spec import Phase, Radio
from swarm import losses, wire
from swarm.crew import Crew
from swarm.fleet import Fleet
from swarm.mission import Mind, Mission
from swarm.record import Log
from swarm.report import STRATEGIES
from swarm.view import report
from swarm.view.history import gather
from swarm.view.snapshot import Snapshot
from tests.conftest import Play


@pytest.mark.parametrize("world", ["bullet", "planar"])
def test_a_fleet_does_what_processes_do(mission: Mission, play: Play, world: str) -> None:
    """Also where the radio is bad, tables of the heard are full, and one robot babbles."""
    radio = Radio(loss=0.3, delay=0.3, most=2)
    mission = replace(mission, world=world, robots=replace(mission.robots, count=5), radio=radio)
    fleet = Fleet([mission])
    (run,) = fleet.runs
    played = play(mission)
    assert len(played.ticks) == 200
    for tick in played.ticks:
        poses = run.world.poses
        fleet.tick()
        np.testing.assert_array_equal(tick.poses, poses)
        np.testing.assert_array_equal(tick.commands, fleet.commands)
        assert tick.reports.tobytes() == fleet.reports.tobytes()
        assert [list(signals) for signals in tick.heard] == fleet.stack.messages()
    assert run.world.sites.done > 0
    assert fleet.radio.heard.sum() > 500
    fleet.close()
    assert play(mission, minds="stack").log == played.log


@pytest.mark.parametrize("world", ["bullet", "planar"])
def test_four_antibodies_in_a_whole_run(mission: Mission, play: Play, world: str) -> None:
    """Robots that find nothing come to search; processes and a stack do the same, and the log says all of it."""
    mind = Mind(arbiter="immune", immune=Params(antibodies=4))
    mission = replace(mission, world=world, phases=(Phase(16, 0, {}),), mind=mind)
    played = play(mission)
    reports = np.stack([tick.reports for tick in played.ticks])
    assert STRATEGIES.index("search") in reports["strategy"]
    assert np.isfinite(reports["concentration"][1:]).all()
    assert {len(wire.signal(data).stimulation) for tick in played.ticks for said in tick.heard for _, data in said} == {
        4
    }
    assert play(mission, minds="stack").log == played.log
    assert gather(Log(played.out / "ticks.mcap")).antibodies == 4
    page = played.out / "report.html"
    assert report.main([str(played.out)]) == 0
    assert "search" in page.read_text()


ODD = """
from swarm.registry import sensor


@sensor("odd")
class Odd:
    fields = [("odd", "f4", ())]

    def sense(self, world, percepts, rng):
        percepts["odd"] = 0
        percepts["site_rb"][1, :, 0] *= 1e9  # farther than a signal can say
"""


def test_signals_that_are_none_are_dropped_in_a_stack_as_by_processes(
    mission: Mission, play: Play, tmp_path: Path
) -> None:
    plugin = tmp_path / "odd.py"
    plugin.write_text(ODD)
    (phase,) = mission.phases
    phases = (replace(phase, duration=5),)
    mind = replace(mission.mind, plugins=(str(plugin),))
    mission = replace(mission, world="planar", phases=phases, mind=mind)
    played = play(mission)
    assert play(mission, minds="stack").log == played.log
    assert (played.ticks[-1].reports["bad"][[0, 2]] > 10).all()


def test_robots_fall_out_in_processes_as_in_a_fleet(mission: Mission, play: Play) -> None:
    """Their processes end, their bodies stand, nobody hears them; the log does not depend on how fast that goes."""
    (phase,) = mission.phases
    mission = replace(mission, phases=(replace(phase, duration=8), replace(phase, duration=6, lost=2)))
    (lost,) = [robots for robots in losses.draw(mission) if robots]
    gone: list[set[int]] = []

    def during(crew: Crew, snapshot: Snapshot) -> None:
        if snapshot.tick > 130:
            gone.append(set(range(3)) - crew.robots.keys())

    played = play(mission, during, speed=20)
    assert played.status == 0
    assert gone
    assert gone[-1] == set(lost)
    fleet = Fleet([mission])
    (run,) = fleet.runs
    for tick in played.ticks:
        poses = run.world.poses
        fleet.tick()
        np.testing.assert_array_equal(tick.poses, poses)
        np.testing.assert_array_equal(tick.commands, fleet.commands)
        np.testing.assert_array_equal(tick.reports["stimulus"], fleet.reports["stimulus"])
        np.testing.assert_array_equal(tick.alive, fleet.alive)
        assert fleet.alive.sum() == (3 if tick.tick < 80 else 1)
        assert not fleet.commands[~fleet.alive].view("u1").any()
    said = fleet.radio.said
    assert run.row()[7] == 1  # alive
    assert (said[lost] <= 40).all()
    assert said.max() == 70
    assert play(mission).log == played.log
    fleet.close()
