"""What an outcome teaches: by hand, for one robot and for teams."""

import pytest

from swarm.credit import PAYOFF, lessons
from swarm.report import ACTIONS
from swarm.situation import SIGNATURE, company, deed, explorer, question
from swarm.wire import Outcome

PUSH, PULL, HOLD, FOLLOW, LEAVE = range(len(ACTIONS))
KIND = 0b1010_0000_0001
FIRST, ONE, TWO, LONG = 1 << 18, 1 << 12, 0b11 << 12, 1 << 19
ALONE = KIND | FIRST
AFTER = [1 << 15 + action for action in range(FOLLOW)]  # somebody else was first and does that
PULL_MOVES = [(ALONE, PULL, PAYOFF), (ALONE, PUSH, 0.0), (ALONE, HOLD, 0.0)]


def taught(situation: int, action: int, payoff: float, need: int) -> list[tuple[int, int, float]]:
    return [lesson[:3] for lesson in lessons(Outcome(situation, action, payoff), need, own=True)]


@pytest.mark.parametrize("need", [1, 2, 3])
@pytest.mark.parametrize("mates", [0, ONE, TWO])
def test_what_moved_a_site_is_right_for_whoever_comes_first(need: int, mates: int) -> None:
    """Also at a site for two: the right action of the first is paid once the second has come."""
    assert taught(ALONE | mates, PULL, PAYOFF, need) == PULL_MOVES


def test_who_follows_learns_that_following_paid_and_what_did() -> None:
    word = KIND | ONE | AFTER[PULL]
    assert taught(word, FOLLOW, PAYOFF, 2) == [(word, FOLLOW, PAYOFF), *PULL_MOVES]


@pytest.mark.parametrize(("mates", "need", "counts"), [(0, 1, True), (0, 2, False), (ONE, 2, True), (ONE, 3, False)])
def test_that_nothing_moved_says_something_only_of_enough_robots(mates: int, need: int, counts: bool) -> None:
    failed = [(ALONE, PUSH, 0.0)] if counts else []
    assert taught(ALONE | mates, PUSH, 0.0, need) == failed
    if mates:  # who follows learns in any case that following came to nothing
        word = KIND | mates | AFTER[PUSH]
        assert taught(word, FOLLOW, 0.0, need) == [(word, FOLLOW, 0.0), *failed]


def test_what_somebody_who_joined_promises_is_no_verdict_on_the_action() -> None:
    assert taught(ALONE, PUSH, 640.0, 1) == []
    word = KIND | ONE | AFTER[PUSH]
    assert taught(word, FOLLOW, 640.0, 1) == [(word, FOLLOW, 640.0)]


def test_whether_to_leave_is_learnt_with_how_long_one_has_waited() -> None:
    waited = ALONE | ONE | LONG
    assert taught(waited, LEAVE, 300.0, 2) == [(waited, LEAVE, 300.0)]
    assert taught(waited, PULL, PAYOFF, 2) == [(waited, PULL, PAYOFF), *PULL_MOVES]
    assert taught(waited, PUSH, 0.0, 3) == [(waited, PUSH, 0.0)]


def test_whose_lesson_it_is() -> None:
    outcome = Outcome(KIND | ONE | AFTER[PULL], FOLLOW, PAYOFF)
    for own in (True, False):
        assert {lesson.own for lesson in lessons(outcome, 2, own=own)} == {own}


def test_situations_by_hand() -> None:
    follower = KIND | TWO | AFTER[HOLD] | LONG
    assert explorer(follower) == explorer(ALONE | TWO) == ALONE
    assert [question(word) for word in (ALONE | TWO, ALONE | LONG, follower)] == [ALONE, ALONE | LONG, follower]
    assert [company(word) for word in (ALONE, ALONE | ONE, follower)] == [1, 2, 3]
    assert [deed(follower, action) for action in range(len(ACTIONS))] == [PUSH, PULL, HOLD, HOLD, -1]
    assert [deed(ALONE, action) for action in (FOLLOW, LEAVE)] == [-1, -1]
    assert SIGNATURE & follower == KIND
