"""Learners without episodes."""

from pathlib import Path

import numpy as np
import pytest

from classifier.events import EventLearner
from classifier.learner import Learner
from classifier.params import Params
from classifier.sealed import StoreError

PARAMS = Params(capacity=200, p_wild=0.0, epsilon0=50.0, mu=0.0)


def predicted(learner: EventLearner, states: range) -> list[float]:
    return [float(learner.predictions(state)[0]) for state in states]


def test_a_rise_pays_the_newest_most_and_a_fall_the_oldest() -> None:
    learner = EventLearner(PARAMS, bits=4, actions=1)
    for state in range(4):
        learner.act(state)
        learner.sense(float(state == 3))
    assert predicted(learner, range(4)) == pytest.approx([250.0, 500.0, 750.0, 1000.0])
    for state in range(4, 8):
        learner.act(state)
        learner.sense(0.2 if state == 7 else 1.0)
    assert predicted(learner, range(4, 8)) == pytest.approx([800.0, 600.0, 400.0, 200.0])


def test_a_full_stack_pays_its_older_half_by_the_present_level() -> None:
    learner = EventLearner(PARAMS, bits=4, actions=1, depth=4)
    learner.act(15)
    learner.sense(0.5)
    for state in range(4):
        learner.act(state)
        learner.sense(0.5)
    assert predicted(learner, range(2)) == [500.0, 500.0]
    assert predicted(learner, range(2, 4)) == [PARAMS.p_init] * 2  # wait


def test_a_robot_learns_to_go_where_it_is_paid_and_to_stay() -> None:
    # On a ring of 8 places, level 1 at place 0; moved away every 50 steps; 10% of actions at random.
    learner = EventLearner(Params(capacity=200, p_wild=0.2, epsilon0=50.0), bits=3, actions=3, seed=1)
    place, there, rng = 4, [], np.random.default_rng(1)
    for step in range(4000):
        place = int(rng.integers(8)) if step % 50 == 0 else place
        place = (place + (1, -1, 0)[learner.act(place, explore=0.1)]) % 8
        there.append(place == 0)
        learner.sense(float(place == 0))
    assert np.mean(there[-1000:]) > 0.75


def test_what_makes_no_sense_is_refused() -> None:
    learner = EventLearner(PARAMS, bits=4, actions=1)
    with pytest.raises(ValueError, match=r"^level = 1.0: no action waits for it; act first$"):
        learner.sense(1.0)
    learner.act(3)
    with pytest.raises(ValueError, match=r"^level = nan: must lie in \[0, 1\]$"):
        learner.sense(float("nan"))
    with pytest.raises(ValueError, match=r"^depth = 0: must lie in \[1, 10000\]$"):
        EventLearner(PARAMS, bits=4, actions=1, depth=0)


def test_it_goes_on_where_it_was_saved(tmp_path: Path) -> None:
    """But for the actions that wait on its stack; a plain learner's file is not taken for one."""
    one = EventLearner(PARAMS, bits=4, actions=2, seed=3, depth=32, payoff=100.0)
    for state in range(16):
        one.act(state)
        one.sense(0.5 if state % 3 else 0.25)
    one.act(0)
    one.sense(1.0)  # empties the stack
    one.save(tmp_path / "it")
    other = EventLearner.load(tmp_path / "it")
    assert (other.depth, other.payoff, other.level) == (32, 100.0, 1.0)
    for learner in (one, other):
        for state in range(40):
            learner.act(state % 16)
            learner.sense(state % 4 / 4)
    assert np.array_equal(one.population.numbers, other.population.numbers)
    with pytest.raises(StoreError, match="is no Learner's: holds depth, payoff, level beside its rules"):
        Learner.load(tmp_path / "it")
    Learner(PARAMS, bits=4, actions=2).save(tmp_path / "plain")
    with pytest.raises(StoreError, match="is no EventLearner's: holds nothing beside its rules"):
        EventLearner.load(tmp_path / "plain")
