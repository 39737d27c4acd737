"""XCS as a whole: predictions, decisions, lessons, and lives of random parameters."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier import conditions, gear, xcs
from classifier.draws import Draws
from classifier.params import Params
from classifier.population import Population, Row, empty
from tests.classifier.by_hand import PAPER, draws, population, rows, situation

ROWS = [name for name, row in vars(Population).items() if isinstance(row, Row)]


def test_predictions_are_weighted_by_fitness() -> None:
    pop = population(("1#", 0), ("##", 0), ("0#", 1), fitness=[0.3, 0.1, 0.5], prediction=[1000.0, 200.0, 700.0])
    predictions = xcs.prediction_array(pop, conditions.match(pop, situation("10")))
    np.testing.assert_allclose(predictions, [(0.3 * 1000 + 0.1 * 200) / 0.4, np.nan], rtol=1e-15)
    assert xcs.best(pop, situation("10")) == predictions[0]
    assert np.isnan(xcs.best(population(("1#", 0)), situation("00")))


def test_a_stack_predicts_bit_for_bit_what_each_robot_predicts() -> None:
    params = Params(capacity=60)
    stack = empty(params, 8, 3, lanes=(5,))
    for lane in range(5):
        live(stack.lane(lane), params, seed=lane, steps=150)
    x = np.arange(5) * 51
    predictions, best = xcs.predictions_known(stack, x), xcs.best(stack, x)
    for lane in range(5):
        alone = stack.lane(lane)
        assert np.array_equal(
            predictions[lane], xcs.prediction_array(alone, conditions.match(alone, int(x[lane]))), equal_nan=True
        )
        assert np.array_equal(best[lane], xcs.best(alone, int(x[lane])), equal_nan=True)
    assert len(set(best.tolist())) > 1


def test_deciding_covers_each_action_with_a_matching_rule() -> None:
    pop = empty(PAPER, 10, actions=3)
    x = situation("1100110011")
    _, predictions = xcs.decide(pop, x, 17, PAPER, draws(), explore=0.0)
    assert rows(pop) == [0, 1, 2]
    assert sorted(pop.action[:3].tolist()) == [0, 1, 2]
    assert conditions.match(pop, x).tolist() == [0, 1, 2]
    np.testing.assert_allclose(predictions, 0.01)
    assert pop.stamp[:3].tolist() == [17] * 3
    assert pop.size[:3].tolist() == [1.0] * 3
    before = pop.value.copy()
    xcs.decide(pop, x, 18, PAPER, draws(2), explore=0.0)
    assert np.array_equal(pop.value, before)


def test_the_highest_prediction_is_chosen_and_ties_are_decided_evenly() -> None:
    predictions = np.array([5.0, 9.0, 1.0, 9.0])
    taken = np.bincount([xcs.choose(predictions, 0.0, draws(i)) for i in range(2000)], minlength=4)
    assert taken[[0, 2]].tolist() == [0, 0]
    assert abs(taken[1] - 1000) < 5 * np.sqrt(500)


@pytest.mark.parametrize("name", ["numba", "numpy"])
def test_no_more_actions_are_covered_than_theta_mna_wants_and_only_those_are_chosen(name: str) -> None:
    gear.use(name)
    params, chosen = replace(PAPER, theta_mna=2), set()
    for seed in range(40):
        pop = empty(params, 10, actions=4)
        action, predictions = xcs.decide(pop, 5, 0, params, draws(seed), explore=seed % 2)
        known = np.flatnonzero(~np.isnan(predictions))
        assert rows(pop) == [0, 1]
        assert sorted(pop.action[:2].tolist()) == known.tolist()
        assert action in known
        chosen.add(action)
    gear.use("numba")
    assert chosen == {0, 1, 2, 3}
    with pytest.raises(ValueError, match=r"^predictions = \[nan nan\]: at least one must be a number$"):
        xcs.choose(np.full(2, np.nan), 0.0, draws())


def test_exploring_takes_all_actions_evenly() -> None:
    taken = np.bincount([xcs.choose(np.array([5.0, 9.0]), 0.4, draws(i)) for i in range(2000)])
    assert abs(taken[0] - 400) < 5 * np.sqrt(2000 * 0.2 * 0.8)


@pytest.mark.parametrize(("step", "runs"), [(35, False), (36, True)])
def test_the_genetic_algorithm_runs_when_the_mean_copy_last_took_part_long_enough_ago(step: int, runs: bool) -> None:
    # Copies 3 and 1 with stamps 8 and 16: mean 10, theta_GA = 25.
    pop = population(("1#", 0), ("##", 0), numerosity=[3, 1], stamp=[8, 16])
    xcs.learn(pop, situation("11"), 0, 500.0, step, PAPER, draws())
    assert (pop.stamp[0] == step) == runs
    assert pop.numerosity.sum() == (6 if runs else 4)


def test_learning_from_an_unknown_situation_covers_it() -> None:
    pop = empty(PAPER, 6, actions=4)
    xcs.learn(pop, situation("110010"), 2, 800.0, 5, PAPER, draws())
    acting = conditions.action_set(pop, situation("110010"), 2)
    assert acting.tolist() == rows(pop) == [0]
    assert pop.prediction[0] == 800.0
    assert pop.experience[0] == 1


def test_only_the_action_set_learns() -> None:
    pop = population(("1#", 0), ("1#", 1), ("0#", 0), prediction=[10.0, 20.0, 30.0])
    xcs.learn(pop, situation("10"), 0, 800.0, 1, PAPER, draws())
    assert pop.prediction[:3].tolist() == [800.0, 20.0, 30.0]
    assert pop.experience[:3].tolist() == [1, 0, 0]


@pytest.mark.parametrize(
    ("x", "action", "payoff", "message"),
    [
        (16, 0, 1.0, r"situation = 16: must lie in \[0, 15\]"),
        (-1, 0, 1.0, r"situation = -1: must lie in \[0, 15\]"),
        (3, 2, 1.0, r"action = 2: must lie in \[0, 1\]"),
        (3, 0, float("nan"), r"payoff = nan: must lie in \[-1000000000, 1000000000\]"),
        (3, 0, float("inf"), r"payoff = inf: must lie in \[-1000000000, 1000000000\]"),
        (3, 0, "9", r"payoff = '9': must be a number"),
        (3, 0, None, r"payoff = None: must be a number"),
        (3, 0.5, 1.0, r"action = 0.5: must be a whole number"),
        (3, None, 1.0, r"action = None: must be a whole number"),
    ],
)
def test_learning_refuses_what_makes_no_sense(x: int, action: Any, payoff: Any, message: str) -> None:
    pop = population(("1###", 0), ("####", 0))
    with pytest.raises(ValueError, match=message):
        xcs.learn(pop, x, action, payoff, 0, PAPER, draws())
    assert not pop.experience.any()


def test_deciding_refuses_what_is_no_probability() -> None:
    for explore in (-0.1, 1.5, float("nan")):
        with pytest.raises(ValueError, match=rf"explore = {explore}: must lie in \[0, 1\]"):
            xcs.decide(population(("1###", 0)), 9, 0, PAPER, draws(), explore)


def test_deciding_refuses_a_situation_with_bits_that_no_rule_has() -> None:
    with pytest.raises(ValueError, match=r"situation = 99: must lie in \[0, 15\]"):
        xcs.decide(population(("1###", 0)), 99, 0, PAPER, draws(), 0.0)


def live(pop: Population, params: Params, seed: int, steps: int, payoff_scale: float = 1000.0) -> None:
    """Decide and learn for `steps` steps; the pay-off depends on the parity of bits 0 and 1 and is noisy."""
    chance = Draws(seed, 1, 0, 0)
    for step in range(steps):
        x = chance.below(2**pop.bits)
        action, _ = xcs.decide(pop, x, step, params, Draws(seed, 0, step, 0), explore=0.5)
        right = ((x ^ x >> 1) & 1) == action % 2
        xcs.learn(pop, x, action, payoff_scale * right * chance.one(), step, params, Draws(seed, 0, step, 1))


parameters = st.builds(
    Params,
    capacity=st.integers(4, 60),
    beta=st.sampled_from([0.05, 0.2, 1.0]),
    epsilon0=st.sampled_from([0.01, 10.0, 300.0]),
    theta_ga=st.sampled_from([0.0, 5.0]),
    chi=st.floats(0, 1),
    mu=st.floats(0, 1),
    p_wild=st.floats(0, 1),
    theta_del=st.integers(0, 5),
    theta_sub=st.integers(0, 5),
    tournament=st.sampled_from([0.0, 0.01, 0.4, 1.0]),
    gradient=st.booleans(),
    error_first=st.booleans(),
    do_ga_subsumption=st.booleans(),
    do_as_subsumption=st.booleans(),
)


def assert_well_formed(pop: Population, params: Params) -> None:
    live_rows = rows(pop)
    assert 0 < pop.numerosity.sum() <= params.capacity
    assert pop.numerosity.min() >= 0
    value, care, action = pop.value[live_rows], pop.care[live_rows], pop.action[live_rows]
    assert not (value & ~care).any()
    assert (care < 2**pop.bits).all()
    assert ((action >= 0) & (action < pop.actions)).all()
    assert len(set(zip(value.tolist(), care.tolist(), action.tolist(), strict=True))) == len(live_rows)
    for name in ("prediction", "error", "fitness", "size"):
        assert np.isfinite(getattr(pop, name)).all()
    assert (pop.fitness[live_rows] > 0).all()
    assert (pop.fitness[live_rows] <= 1).all()
    assert (pop.error[live_rows] >= 0).all()
    assert (pop.size[live_rows] >= 1).all()
    assert (pop.prediction[live_rows] <= 1000).all()


@settings(max_examples=40, deadline=None)
@given(parameters, st.integers(1, 63), st.integers(1, 4), st.integers(0, 2**40))
def test_a_population_stays_within_its_capacity_and_well_formed(
    params: Params, bits: int, actions: int, seed: int
) -> None:
    pop = empty(params, bits, actions)
    live(pop, params, seed, steps=40)
    assert_well_formed(pop, params)


@settings(max_examples=10, deadline=None)
@given(parameters, st.integers(0, 2**40))
def test_the_same_draws_make_the_same_population_and_other_lanes_stay_untouched(params: Params, seed: int) -> None:
    stack, alone = empty(params, 8, 3, lanes=(3,)), empty(params, 8, 3)
    for lane in (0, 2):
        live(stack.lane(lane), params, seed + 1 + lane, steps=20)
    neighbours = {name: getattr(stack, name)[[0, 2]].copy() for name in ROWS}
    live(stack.lane(1), params, seed, steps=50)
    live(alone, params, seed, steps=50)
    for name in ROWS:
        assert np.array_equal(getattr(stack, name)[1], getattr(alone, name))
        assert np.array_equal(getattr(stack, name)[[0, 2]], neighbours[name])


def test_a_poisoned_lane_changes_no_other() -> None:
    params = Params(capacity=30)
    stack = empty(params, 8, 3, lanes=(3,))
    for lane in range(3):
        live(stack.lane(lane), params, lane, steps=60)
    x = np.array([1, 2, 3])
    before = xcs.best(stack, x)
    stack.lane(1).prediction[:] = np.nan
    after = xcs.best(stack, x)
    assert np.isnan(after[1])
    assert np.array_equal(after[[0, 2]], before[[0, 2]])
