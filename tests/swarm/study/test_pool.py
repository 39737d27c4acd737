"""Which runs are played side by side, and what happens when one of them fails."""

from dataclasses import replace
from typing import Any

import pytest

from swarm.mission import Mission
from swarm.study import pool
from swarm.study.plan import Cell
from swarm.study.pool import Job, batches, ordered, play_all


def cell(mission: Mission, controller: str = "a", **changes: Any) -> Cell:
    return Cell("nominal", "none", controller, "goes on", replace(mission, world="planar", **changes))


def test_seeds_of_a_cell_are_neighbours_block_by_block(mission: Mission) -> None:
    jobs = ordered([cell(mission), cell(mission, "b")], range(10, 20))
    assert [(job.cell.controller, job.seed) for job in jobs] == [
        (name, seed) for seeds in (range(10, 18), range(18, 20)) for name in "ab" for seed in seeds
    ]


def test_batches_hold_what_is_alike_and_no_more_than_a_fair_share(mission: Mission) -> None:
    mind, radio = replace(mission.mind, arbiter="random"), replace(mission.radio, loss=0.5)
    jobs = ordered([cell(mission), cell(mission, "b", mind=mind), cell(mission, "c", radio=radio)], range(8))
    found = batches(jobs, 1)
    assert [job for batch in found for job in batch] == jobs
    assert [len(batch) for batch in found] == [6, 6, 4, 6, 2]  # a quarter of 24 runs at most; c hears worse
    assert {len(batch) for batch in batches(jobs, 6)} == {1}
    crowd = cell(mission, robots=replace(mission.robots, count=150))
    assert {len(batch) for batch in batches(ordered([crowd], range(40)), 1)} == {2}
    solid = Cell("nominal", "none", "a", "goes on", mission)
    assert solid.mission.world == "bullet"
    assert {len(batch) for batch in batches(ordered([solid], range(8)), 1)} == {1}


def test_one_that_fails_leaves_the_others_of_its_batch(mission: Mission, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "SHARES", 1)
    (phase,) = mission.phases
    good = cell(mission, phases=(replace(phase, duration=3),))
    bad = cell(good.mission, "b", mind=replace(mission.mind, arbiter="no"))
    jobs = [Job(good, 1), Job(bad, 1), Job(good, 2)]
    assert batches(jobs, 1) == [tuple(jobs)]
    outcomes = dict(play_all(jobs, 1, lambda: False))
    assert "mind.arbiter = 'no': must be one of" in str(outcomes[jobs[1]])
    assert not isinstance(outcomes[jobs[0]], str)
    assert not isinstance(outcomes[jobs[2]], str)
