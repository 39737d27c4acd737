"""One mission of a study: it is the fleet's, minds start afresh when they should, waiting is counted."""

from dataclasses import replace

import numpy as np
import pytest

from swarm.fleet import Fleet
from swarm.memory import APPROACH, WORK
from swarm.mission import Mission
from swarm.report import REPORT
from swarm.study import play as player
from swarm.study.play import COLUMNS, TASKS, Left, Watch, play


@pytest.fixture
def planar(mission: Mission) -> Mission:
    return replace(mission, world="planar")


def test_what_is_kept_is_what_a_fleet_does(planar: Mission) -> None:
    played = play(planar)
    fleet = Fleet(planar)
    for _ in range(200):
        fleet.tick()
    assert len(played.rows) == 2
    assert played.rows[-1][: len(fleet.row())] == tuple(map(float, fleet.row()))
    done = [dict(zip(TASKS, task, strict=True)) for task in played.tasks if task[-1] == "done"]
    assert len(done) == fleet.world.sites.done > 0
    for task in done:
        assert task["arrived"] <= task["opened"] <= task["touched"] <= task["ended"] <= 20
    sites = fleet.world.sites
    assert len(played.tasks) == len(sites.ended) + len(sites.open) + len(sites.waiting)
    assert played.cpu > 0
    fleet.close()


def test_minds_start_afresh_in_place(planar: Mission, monkeypatch: pytest.MonkeyPatch) -> None:
    """Up to then the runs are one; then nothing is known, and everybody stands where they stood."""
    seen: list[tuple[float, np.ndarray, np.ndarray]] = []

    class Seen(Fleet):
        def reset(self) -> None:
            before = self.world.poses.copy(), self.stack.mind.memory["lessons"].copy()
            super().reset()
            seen.append((self.world.time, self.world.poses - before[0], before[1]))
            assert not self.stack.mind.memory["lessons"].any()
            assert (self.stack.heard["id"] == -1).all()

    monkeypatch.setattr(player, "Fleet", Seen)
    on, anew = play(planar), play(planar, 10.0)
    assert len(seen) == 1
    time, moved, lessons = seen[0]
    assert time == pytest.approx(10)
    assert not moved.any()
    assert lessons.any()
    assert on.rows[0] == anew.rows[0]
    assert on.rows[1] != anew.rows[1]


def test_a_mission_that_nobody_wants_any_more_ends(planar: Mission) -> None:
    asked = iter([False, False, True])
    with pytest.raises(Left):
        play(planar, unwanted=lambda: next(asked))


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
