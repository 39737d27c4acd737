"""A mission in one process: it is the run by processes, bit for bit."""

import numpy as np

from swarm.fleet import Fleet
from swarm.mission import Mission
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
