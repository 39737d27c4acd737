"""Learners by what they do: forgetting and remembering, opponents, and what is believed about teams."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from classifier import xcs
from classifier.draws import Draws
from sim.spec import Kind, Meaning, Phase
from swarm import needs, registry
from swarm.learners import Lesson, Moment
from swarm.learners.forgetting import Remembering, TCell
from swarm.mission import Mind, Mission
from swarm.report import ACTIONS
from swarm.situation import BITS

PUSH, PULL, HOLD, FOLLOW, LEAVE = range(len(ACTIONS))
FIRST = 1 << 18  # bit of the situation: the robot has been there longest
KINDS = {"ash": Kind("1##0####"), "birch": Kind("0####1##")}
PHASES = (
    Phase(100, 10, {"ash": Meaning("push"), "birch": Meaning("pull")}),
    Phase(100, 10, {"ash": Meaning("hold"), "birch": Meaning("push")}),
)
MISSION = Mission(version=1, name="two", seed=4, kinds=KINDS, phases=PHASES)


def mission(**parameters: dict[str, float]) -> Mission:
    return replace(MISSION, mind=Mind(parameters=parameters))


class Robot:
    """One robot with a learner, taught by hand."""

    def __init__(self, name: str, given: Mission = MISSION) -> None:
        self.learner: Any = registry.LEARNERS[name](given)
        self.state, self.lessons = self.learner.start(1), 0

    def teach(self, situation: int, action: int, payoff: float, times: int = 1, tick: int = 0) -> None:
        for _ in range(times):
            moment = Moment(tick, self.lessons, Draws(1, 0, self.lessons, 3))
            self.learner.learn(self.state, 0, [Lesson(situation, action, payoff)], moment)
            self.lessons += 1

    def choose(self, situation: int, allowed: tuple[int, ...] = (PUSH, PULL, HOLD), tick: int = 0) -> int:
        moment = Moment(tick, self.lessons, Draws(1, 0, self.lessons, 2))
        return int(self.learner.decide(self.state, 0, situation, list(allowed), moment).action)

    def worth(self, situation: int, action: int) -> float:
        return float(xcs.predictions_known(self.state.rules.lane(0), situation)[action])

    def best(self, situation: int) -> float:
        return float(self.learner.best(self.state, 0, situation))


A, B = FIRST | 0b0001, FIRST | 0b100000  # an ash, a birch


def test_the_t_cell_forgets_what_fails() -> None:
    robot = Robot("tcell")
    robot.teach(A, PUSH, 1000, 30)
    robot.teach(B, PULL, 1000, 30)
    assert robot.best(A) > 900
    robot.teach(A, PUSH, 0, 2)
    assert robot.best(A) > 400  # not yet
    robot.teach(A, PUSH, 0, 2)
    assert robot.best(A) < 100


def test_a_success_calms_the_t_cell() -> None:
    robot = Robot("tcell")
    robot.teach(A, PUSH, 1000, 30)
    for _ in range(6):
        robot.teach(A, PUSH, 0, 1)
        robot.teach(A, PUSH, 1000, 2)
    assert robot.best(A) > 700


@pytest.mark.parametrize(("cells", "comes_back"), [(2.0, True), (0.0, False)])
def test_a_memory_cell_comes_back_when_it_foresees_what_happens(cells: float, comes_back: bool) -> None:
    """The old regime returns: a sign of it at one kind brings back what was known about another one."""
    robot = Robot("tcell", mission(tcell={"cells": cells, "matches": 1}))
    robot.teach(A, PUSH, 1000, 30)
    robot.teach(B, PULL, 1000, 30)
    robot.teach(A, PUSH, 0, 4, tick=1000)
    robot.teach(B, PULL, 0, 4, tick=1010)
    robot.teach(A, HOLD, 1000, 30, tick=1100)
    robot.teach(B, HOLD, 1000, 30, tick=1100)
    assert robot.worth(B, PULL) < 300
    robot.teach(A, PUSH, 1000, 1, tick=2000)
    assert (robot.worth(B, PULL) > 700) == comes_back


def test_what_is_forgotten_keeps_its_conditions() -> None:
    robot = Robot("tcell")
    robot.teach(A, PUSH, 1000, 30)
    state = robot.state
    assert isinstance(state, Remembering)
    assert isinstance(robot.learner, TCell)
    before = state.rules.lane(0).words.copy()
    robot.learner._forget(state, 0, A, Moment(0, 0, Draws(1)))
    assert np.array_equal(state.rules.lane(0).words, before)
    assert (state.rules.lane(0).experience == 0).all()


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("afresh", MISSION),
        ("periodic", mission(periodic={"every": 50.0})),
    ],
)
def test_some_forget_at_their_time(name: str, given: Mission) -> None:
    robot = Robot(name, given)
    robot.teach(A, PUSH, 1000, 20, tick=990)
    assert robot.best(A) > 800
    robot.teach(B, PULL, 0, 1, tick=1010)
    assert robot.best(A) < 10


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("afresh", MISSION),
        ("periodic", mission(periodic={"every": 50.0})),
    ],
)
def test_they_do_not_forget_when_another_run_begins(name: str, given: Mission) -> None:
    robot = Robot(name, given)
    robot.teach(A, PUSH, 1000, 20, tick=1010)
    robot.state = robot.learner.resumed(robot.state)
    robot.teach(B, PULL, 0, 1, tick=0)
    assert robot.best(A) > 800
    robot.teach(B, PULL, 0, 1, tick=1010)
    assert robot.best(A) < 10


def test_in_another_run_the_t_cell_archives_at_once() -> None:
    robot = Robot("tcell", mission(tcell={"apart": 60.0}))
    for _ in range(2):
        robot.teach(A, PUSH, 1000, 30, tick=5000)
        robot.teach(A, PUSH, 0, 4, tick=5000)
    assert (robot.state.foreseen >= 0).sum() == 1
    robot.state = robot.learner.resumed(robot.state)
    robot.teach(A, PUSH, 1000, 30)
    robot.teach(A, PUSH, 0, 4)
    assert (robot.state.foreseen >= 0).sum() == 2


def test_a_t_cell_term_stays_with_its_rule_when_rules_are_deleted() -> None:
    """Deleting a rule moves another one into its row."""
    given = mission(tcell={"theta": 1e6, "cells": 0.0})
    robot = Robot("tcell", replace(given, mind=replace(given.mind, xcs=replace(given.mind.xcs, capacity=30))))
    state, rng, moved = robot.state, np.random.default_rng(1), 0
    rules, terms = state.rules.lane(0), state.notes[0]

    def held() -> dict[tuple[int, int, int], tuple[int, float]]:
        rows = np.flatnonzero(rules.numerosity > 0).tolist()
        return {(int(rules.value[r]), int(rules.care[r]), int(rules.action[r])): (r, float(terms[r])) for r in rows}

    for _ in range(1500):
        situation, action = int(rng.integers(2**BITS)), int(rng.integers(3))
        before = held()
        robot.teach(situation, action, float(rng.integers(2)) * 1000)
        for rule, (row, term) in held().items():
            value, care, acts = rule
            if rule in before and not (acts == action and ((situation ^ value) & care) == 0):
                assert term == before[rule][1]
                moved += row != before[rule][0] and term > 0
    assert moved > 5
    assert (terms[rules.numerosity == 0] == 0).all()


def test_page_hinkley_forgets_when_it_is_surprised() -> None:
    robot = Robot("page-hinkley")
    robot.teach(A, PUSH, 1000, 40)
    robot.teach(B, PULL, 1000, 40)
    assert robot.worth(B, PULL) > 900
    for _ in range(40):
        robot.teach(A, PUSH, 0, 1)
        robot.teach(A, PUSH, 1000, 1)
    assert not robot.worth(B, PULL) > 100  # all is gone, also what was still right


def test_known_rules_are_right_in_every_phase_and_written_ones_in_the_first() -> None:
    known, written = Robot("known"), Robot("rules")
    assert [known.choose(s, tick=0) for s in (A, B)] == [PUSH, PULL]
    assert [known.choose(s, tick=1500) for s in (A, B)] == [HOLD, PUSH]
    assert [written.choose(s, tick=1500) for s in (A, B)] == [PUSH, PULL]
    assert known.choose(A, (PULL, HOLD)) == PULL
    assert known.choose(A, (FOLLOW,)) == FOLLOW


def test_win_stay_lose_shift() -> None:
    robot = Robot("stay")
    robot.teach(A, PULL, 1000)
    assert robot.choose(A) == robot.choose(B) == PULL
    robot.teach(A, PULL, 0)
    assert robot.choose(A) in (PUSH, HOLD)
    assert robot.choose(B) == PULL


@pytest.mark.parametrize(("name", "after"), [("q", 700.0), ("hysteretic", 970.0)])
def test_tables_by_hand(name: str, after: float) -> None:
    robot = Robot(name)
    robot.teach(A, PUSH, 1000, 60)
    assert robot.best(A) == pytest.approx(1000, abs=1e-3)
    robot.teach(A, PUSH, 0, 1)
    assert robot.best(A) == pytest.approx(after, abs=1e-2)
    assert robot.best(B) == 0
    assert robot.choose(A) == PUSH


# what robots believe about teams


def test_khat_falls_to_what_was_enough_and_rises_while_that_many_fail() -> None:
    beliefs = needs.start(1)[0]
    assert needs.believed(beliefs, 1) == 2
    needs.learn(beliefs, 1, 1, needs.MOVED, 1.0)
    assert needs.believed(beliefs, 1) == 1
    needs.learn(beliefs, 1, 1, needs.STUCK, 0.3)  # the wrong thing was tried
    assert needs.believed(beliefs, 1) == 1
    for same, khat in ((1, 2), (2, 3), (3, 4), (4, needs.MOST)):
        for _ in range(4):
            needs.learn(beliefs, 1, same, needs.STUCK, 1.0)
        assert needs.believed(beliefs, 1) == khat


def test_what_moved_with_two_was_too_heavy_for_one() -> None:
    beliefs = needs.start(1)[0]
    needs.learn(beliefs, 1, 1, needs.MOVED, 1.0)
    for _ in range(4):
        needs.learn(beliefs, 1, 2, needs.MOVED, 1.0)
    assert needs.believed(beliefs, 1) == 2


def test_khat_of_kinds_is_told_apart_although_most_bits_mean_nothing() -> None:
    """Ashes take one robot, birches three: known for signatures that were never seen before."""
    rng = np.random.default_rng(5)
    beliefs = needs.start(1)[0]
    noise = 0b11011110
    for _ in range(60):
        ash, birch = (int(rng.integers(256)) & noise & ~0b1000 | 1, int(rng.integers(256)) & noise | 0b100000)
        needs.learn(beliefs, ash, 1, needs.MOVED, 1.0)
        needs.learn(beliefs, birch, int(rng.integers(1, 3)), needs.STUCK, 0.6)
        needs.learn(beliefs, birch, 3, needs.MOVED, 1.0)
    fresh = [int(s) & noise for s in rng.integers(0, 256, 40)]
    assert np.mean([needs.believed(beliefs, s & ~0b1000 | 1) == 1 for s in fresh]) > 0.9
    assert np.mean([needs.believed(beliefs, s | 0b100000) == 3 for s in fresh]) > 0.9
