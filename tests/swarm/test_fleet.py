"""A mission in one process: it is the run by processes, bit for bit."""

from dataclasses import replace

import numpy as np

from swarm import losses
from swarm.crew import Crew
from swarm.fleet import Fleet
from swarm.mission import Mission
from swarm.view.snapshot import Snapshot
from tests.conftest import Play


def test_a_fleet_does_what_processes_do(mission: Mission, play: Play) -> None:
    fleet = Fleet(mission)
    ticks = play(mission).ticks
    assert len(ticks) == 200
    for tick in ticks:
        poses = fleet.world.poses
        fleet.tick()
        np.testing.assert_array_equal(tick.poses, poses)
        np.testing.assert_array_equal(tick.commands, fleet.commands)
        for name in ("strategy", "task", "action", "site", "stimulus", "rules"):
            np.testing.assert_array_equal(tick.reports[name], fleet.reports[name], name)
    assert fleet.world.sites.done > 0
    fleet.close()


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
    fleet = Fleet(mission)
    for tick in played.ticks:
        poses = fleet.world.poses
        fleet.tick()
        np.testing.assert_array_equal(tick.poses, poses)
        np.testing.assert_array_equal(tick.commands, fleet.commands)
        np.testing.assert_array_equal(tick.reports["stimulus"], fleet.reports["stimulus"])
        np.testing.assert_array_equal(tick.alive, fleet.alive)
        assert fleet.alive.sum() == (3 if tick.tick < 80 else 1)
        assert not fleet.commands[~fleet.alive].view("u1").any()
    said = fleet.radio.said
    assert fleet.row()[7] == 1  # alive
    assert (said[lost] <= 40).all()
    assert said.max() == 70
    assert play(mission).log == played.log
    fleet.close()
