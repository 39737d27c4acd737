"""Missions of a study: they are the fleet's, side by side as alone; minds start afresh when they should."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from swarm import lanes, registry
from swarm.fleet import Fleet
from swarm.memory import APPROACH, WORK
from swarm.mission import Mission
from swarm.report import REPORT
from swarm.study.play import COLUMNS, TASKS, Left, Watch, play


@pytest.fixture
def planar(mission: Mission) -> Mission:
    return replace(mission, world="planar")


def test_what_is_kept_is_what_a_fleet_does(planar: Mission) -> None:
    (played,) = play([(planar, None)])
    fleet = Fleet([planar])
    (run,) = fleet.runs
    for _ in range(200):
        fleet.tick()
    assert len(played.rows) == 2
    assert played.rows[-1][: len(run.row())] == tuple(map(float, run.row()))
    done = [dict(zip(TASKS, task, strict=True)) for task in played.tasks if task[-1] == "done"]
    assert len(done) == run.world.sites.done > 0
    for task in done:
        assert task["arrived"] <= task["opened"] <= task["touched"] <= task["ended"] <= 20
    sites = run.world.sites
    assert len(played.tasks) == len(sites.ended) + len(sites.open) + len(sites.waiting)
    assert played.cpu > 0
    fleet.close()


def test_minds_start_afresh_in_place(planar: Mission) -> None:
    """Up to then the runs are one; then nothing is known, and everybody stands where they stood."""
    planar = replace(planar, robots=replace(planar.robots, count=8))
    fleet = Fleet([planar, planar], [None, 10.0])
    on, anew = fleet.runs
    for _ in range(100):
        fleet.tick()
    assert on.row() == anew.row()
    lessons = fleet.stack.mind.memory["lessons"].copy()
    assert (lessons[anew.lanes] > 1).all()
    poses = anew.world.poses
    fleet.tick()
    assert fleet.stack.mind.memory["lessons"][on.lanes].sum() >= lessons[on.lanes].sum() > 0
    assert fleet.stack.mind.memory["lessons"][anew.lanes].max() == 0
    assert np.abs(anew.world.poses - poses)[:, :2].max() < 0.03
    (alone,) = play([(planar, 10.0)])
    both = play([(planar, None), (planar, 10.0)])
    assert both[0].rows[0] == alone.rows[0] == both[1].rows[0]
    assert both[0].rows[1] != alone.rows[1] == both[1].rows[1]
    assert both[1].tasks == alone.tasks


def test_what_was_in_the_air_is_not_heard_by_minds_that_start_afresh(planar: Mission) -> None:
    late = replace(planar, radio=replace(planar.radio, delay=1.0))
    fleet = Fleet([late, late], [None, 10.0])
    on, anew = fleet.runs
    for _ in range(100):
        fleet.tick()
    assert (fleet.stack.arrived[anew.lanes] >= 0).any()
    for _ in range(10):
        fleet.tick()
        assert (fleet.stack.arrived[on.lanes] >= 0).any()
        assert (fleet.stack.arrived[anew.lanes] == -1).all()
    for _ in range(5):
        fleet.tick()
    assert (fleet.stack.arrived[anew.lanes] >= 0).any()


PLUGIN = """
from classifier.draws import uniform
from swarm.arbiters.contract import certain
from swarm.registry import arbiter

@arbiter("lonely")
class Lonely:
    def __init__(self, mission):
        self.mission = mission

    def start(self, lanes):
        return None

    def step(self, state, scene):
        drawn = uniform(self.mission.seed, scene.ids, scene.tick // 30, 1, 0)
        return state, certain((drawn < 0.5).astype(int), scene.antigen)
"""


@pytest.mark.parametrize("name", ["lonely", *sorted(registry.ARBITERS)])
def test_side_by_side_everything_is_as_alone(planar: Mission, tmp_path: Path, name: str) -> None:
    """Two seeds of an arbiter, one of which loses robots and starts afresh, beside two of another one."""
    (phase,) = planar.phases
    plugins = ()
    if name == "lonely":
        (tmp_path / "lonely.py").write_text(PLUGIN)
        plugins = (str(tmp_path / "lonely.py"),)
    mind = replace(planar.mind, arbiter=name, plugins=plugins)
    losing = (replace(phase, duration=6), replace(phase, duration=6, lost=1, rate=20.0))
    radio = replace(planar.radio, loss=0.3, delay=0.3)
    base = replace(planar, radio=radio, mind=mind, phases=losing, robots=replace(planar.robots, count=5))
    beside = replace(mind, arbiter="immune" if name == "calls" else "calls", learner="q", share=False)
    other = replace(base, phases=(replace(phase, duration=12),), mind=beside)
    orders = [
        (replace(base, seed=1), None),
        (replace(base, seed=2), None),
        (replace(base, seed=2), 6.0),
        (replace(other, seed=2), None),
        (replace(other, seed=4), None),
    ]
    together = play(orders)
    for order, played in zip(orders, together, strict=True):
        (alone,) = play([order])
        assert played.rows == alone.rows
        assert played.tasks == alone.tasks
    assert together[0].rows != together[1].rows != together[3].rows


def test_runs_of_one_kind_share_an_arbiter_unless_it_draws(planar: Mission) -> None:
    def parts(name: str) -> list[int]:
        mind = replace(planar.mind, arbiter=name)
        missions = [replace(planar, seed=seed, mind=mind) for seed in range(3)]
        arbiter = Fleet(missions, [None, None, 6.0]).stack.mind.arbiter
        assert isinstance(arbiter, lanes.Arbiters)
        return [len(part.runs) for part in arbiter.parts]

    assert parts("calls") == [2, 1]
    assert parts("random") == parts("central") == [1, 1, 1]


@pytest.mark.parametrize(
    ("change", "said"),
    [({"tick": 0.2}, "must have the same world, tick, "), ({"world": "bullet"}, "must be planar")],
)
def test_what_cannot_run_side_by_side_is_refused(planar: Mission, change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Fleet([replace(planar, **change), planar])


def test_a_mission_that_nobody_wants_any_more_ends(planar: Mission) -> None:
    asked = iter([False, False, True])
    with pytest.raises(Left):
        play([(planar, None)], unwanted=lambda: next(asked))


def test_waiting_and_deadlocks_by_hand() -> None:
    """Two robots wait at site 1, one works at site 2; a deadlock is counted once, and anew after progress."""
    reports = np.zeros(4, REPORT)
    reports["task"], reports["site"] = [WORK, WORK, WORK, APPROACH], [1, 1, 2, 2]
    watch = Watch()
    for waits in ([61, 30, 0], [91, 61, 0], [121, 91, 0], [151, 0.5, 0], [181, 61, 70]):
        reports["waiting"] = [*waits, 99]
        watch.look(reports, 30.0)
    assert watch.deadlocks == 3  # site 1 at the second look; at the last one site 1 again and site 2
    assert watch.waited == 30 * (2 + 2 + 2 + 1 + 3)


def test_columns_are_unique() -> None:
    assert len(set(COLUMNS)) == len(COLUMNS)
