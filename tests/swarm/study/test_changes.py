"""Each kind of change changes one thing."""

from dataclasses import replace

import pytest

from sim.spec import Kind, Meaning, Phase
from swarm.mission import Mission
from swarm.study.changes import schedule
from swarm.study.spec import Change

KINDS = {"ash": Meaning("push"), "birch": Meaning("hold", 2, 3.0)}
FIRST = Phase(100, 10, KINDS, "x", open=5)


@pytest.fixture
def base(mission: Mission) -> Mission:
    return replace(mission, phases=(FIRST, Phase(50, 1, KINDS)))


@pytest.mark.parametrize(
    ("change", "then"),
    [
        (Change("density"), replace(FIRST, rate=4.0, open=2)),
        (Change("team", team=3), replace(FIRST, kinds={"ash": Meaning("push", 3), "birch": Meaning("hold", 3, 3.0)})),
        (Change("meaning"), replace(FIRST, kinds={"ash": Meaning("pull"), "birch": Meaning("push", 2, 3.0)})),
        (Change("place", clusters=3), replace(FIRST, place="clustered", clusters=3)),
        (Change("lost"), replace(FIRST, lost=1)),  # 40% of three
    ],
)
def test_the_last_phase_is_what_changed(base: Mission, change: Change, then: Phase) -> None:
    changed = schedule(base, change, 30, 40)
    assert changed.phases == (
        replace(FIRST, duration=30, name="before"),
        replace(then, duration=40, name=change.type),
    )
    assert replace(changed, phases=base.phases) == base


def test_a_new_kind_was_not_there_before(base: Mission) -> None:
    before, after = schedule(base, Change("new"), 30, 40).phases
    assert before.kinds == {"ash": Meaning("push")}
    assert after.kinds == {"ash": Meaning("push"), "birch": Meaning("hold", 2, 1.0)}  # half of the arrivals
    one = replace(base, phases=(replace(FIRST, kinds={"ash": Meaning("push")}),), kinds={"ash": Kind("1" * 8)})
    with pytest.raises(ValueError, match="needs two kinds"):
        schedule(one, Change("new"), 30, 40)


def test_there_and_back_again(base: Mission) -> None:
    first, other, again = schedule(base, Change("meaning", back=True), 30, 40).phases
    assert (first.duration, other.duration, again.duration) == (30, 40, 40)
    assert replace(again, duration=30, name="before") == first
    assert other.kinds["ash"].action == "pull"


def test_nothing_changes_or_the_mission_s_own_phases(base: Mission) -> None:
    assert schedule(base, Change("none"), 30, 40).phases == (replace(FIRST, duration=70, name="steady"),)
    assert schedule(base, Change("mission"), 30, 40) == base


@pytest.mark.parametrize("change", [Change("density", factor=1.0), Change("density", factor=1.0, back=True)])
def test_a_change_that_is_none_is_refused(base: Mission, change: Change) -> None:
    with pytest.raises(ValueError, match="nothing would change"):
        schedule(base, change, 30, 40)
