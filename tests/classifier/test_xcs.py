"""XCS step by step, against figures worked out by hand from Butz & Wilson 2002."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier import xcs
from classifier.draws import Draws
from classifier.params import Params
from classifier.population import FIELDS, NO_REALS, Population, empty

PAPER = Params.standard()


def population(*conditions: tuple[str, int], params: Params = PAPER, **fields: list[float]) -> Population:
    """One robot's population of the rules (condition, action), experienced in no way, with `fields` set."""
    pop = empty(params, len(conditions[0][0]), actions=2)
    for row, (text, action) in enumerate(conditions):
        pop.care[row] = sum(1 << b for b, c in enumerate(text) if c != "#")
        pop.value[row] = sum(1 << b for b, c in enumerate(text) if c == "1")
        pop.action[row] = action
        pop.numerosity[row] = pop.size[row] = 1
        pop.fitness[row] = 0.01
    for name, values in fields.items():
        getattr(pop, name)[: len(values)] = values
    return pop


def situation(text: str) -> int:
    return sum(1 << b for b, c in enumerate(text) if c == "1")


def rows(pop: Population) -> list[int]:
    return np.flatnonzero(pop.numerosity).tolist()


def draws(seed: int = 1, tick: int = 0) -> Draws:
    return Draws(seed, 0, tick, 0)


# match and predict


def test_match_compares_only_the_bits_that_a_rule_cares_for() -> None:
    pop = population(("1##0", 0), ("####", 1), ("1010", 0), ("0##0", 1))
    assert np.flatnonzero(xcs.match(pop, situation("1010"))).tolist() == [0, 1, 2]
    assert np.flatnonzero(xcs.match(pop, situation("0000"))).tolist() == [1, 3]


def test_match_uses_all_63_bits() -> None:
    pop = population(("#" * 62 + "1", 0), ("#" * 62 + "0", 1))
    assert np.flatnonzero(xcs.match(pop, 2**63 - 1)).tolist() == [0]
    assert np.flatnonzero(xcs.match(pop, 2**62 - 1)).tolist() == [1]


def test_predictions_are_weighted_by_fitness() -> None:
    pop = population(("1#", 0), ("##", 0), ("0#", 1), fitness=[0.3, 0.1, 0.5], prediction=[1000.0, 200.0, 700.0])
    predictions = xcs.prediction_array(pop, xcs.match(pop, situation("10")))
    np.testing.assert_allclose(predictions, [(0.3 * 1000 + 0.1 * 200) / 0.4, np.nan], rtol=1e-15)
    assert xcs.best(pop, situation("10")) == predictions[0]
    assert np.isnan(xcs.best(population(("1#", 0)), situation("00")))


def test_a_stack_predicts_bit_for_bit_what_each_robot_predicts() -> None:
    params = Params(capacity=60)
    stack = empty(params, 8, 3, lanes=(5,))
    for lane in range(5):
        live(stack.lane(lane), params, seed=lane, steps=150)
    x = np.arange(5) * 51
    predictions, best = xcs.prediction_array(stack, xcs.match(stack, x)), xcs.best(stack, x)
    for lane in range(5):
        alone = stack.lane(lane)
        assert np.array_equal(
            predictions[lane], xcs.prediction_array(alone, xcs.match(alone, int(x[lane]))), equal_nan=True
        )
        assert np.array_equal(best[lane], xcs.best(alone, int(x[lane])), equal_nan=True)
    assert len(set(best.tolist())) > 1


# cover and choose


def test_deciding_covers_each_action_with_a_matching_rule() -> None:
    pop = empty(PAPER, 10, actions=3)
    x = situation("1100110011")
    _, predictions = xcs.decide(pop, x, 17, PAPER, draws(), explore=0.0)
    assert rows(pop) == [0, 1, 2]
    assert sorted(pop.action[:3].tolist()) == [0, 1, 2]
    assert xcs.match(pop, x)[:3].all()
    np.testing.assert_allclose(predictions, 0.01)
    assert pop.stamp[:3].tolist() == [17] * 3
    assert pop.size[:3].tolist() == [1.0] * 3
    before = pop.value.copy()
    xcs.decide(pop, x, 18, PAPER, draws(2), explore=0.0)
    assert np.array_equal(pop.value, before)


def test_covering_leaves_bits_open_at_the_rate_p_wild() -> None:
    cared = []
    for seed in range(200):
        pop = empty(PAPER, 63, actions=1)
        xcs.cover(pop, 0, 0, 0, PAPER, draws(seed))
        cared.append(int(np.bitwise_count(pop.care[0])))
    n = 200 * 63
    assert abs(sum(cared) / n - (1 - PAPER.p_wild)) < 5 * np.sqrt(0.33 * 0.67 / n)


def test_the_highest_prediction_is_chosen_and_ties_are_decided_evenly() -> None:
    predictions = np.array([5.0, 9.0, 1.0, 9.0])
    taken = np.bincount([xcs.choose(predictions, 0.0, draws(i)) for i in range(2000)], minlength=4)
    assert taken[[0, 2]].tolist() == [0, 0]
    assert abs(taken[1] - 1000) < 5 * np.sqrt(500)


def test_exploring_takes_all_actions_evenly() -> None:
    taken = np.bincount([xcs.choose(np.array([5.0, 9.0]), 0.4, draws(i)) for i in range(2000)])
    assert abs(taken[0] - 400) < 5 * np.sqrt(2000 * 0.2 * 0.8)


# update


@pytest.mark.parametrize(
    ("error_first", "errors", "later"),
    [
        # The old p is 0, 1000, 500: epsilon = 1000, 1000 + (1000 - 1000)/2, 1000 + (500 - 1000)/3.
        (True, [1000.0, 1000.0, 2500 / 3], 100 + 0.2 * (500 - 100)),
        # The new p is 1000, 500, 1000/3: epsilon = 0, 0 + (500 - 0)/2, 250 + (1000/3 - 250)/3.
        (False, [0.0, 250.0, 2500 / 9], 100 + 0.2 * (400 - 100)),
    ],
)
def test_the_first_updates_average_and_the_later_ones_step_by_beta(
    error_first: bool, errors: list[float], later: float
) -> None:
    # beta = 0.2: updates 1 to 5 weigh 1, 1/2, 1/3, 1/4, 1/5; from then on 1/5.
    params = replace(PAPER, error_first=error_first)
    pop = population(("1#", 0))
    acting = np.array([0])
    for payoff, p, epsilon in zip((1000.0, 0.0, 0.0), (1000.0, 500.0, 1000 / 3), errors, strict=True):
        xcs.update(pop, acting, payoff, NO_REALS, params)
        assert pop.prediction[0] == pytest.approx(p)
        assert pop.error[0] == pytest.approx(epsilon)
    pop.experience[0], pop.prediction[0], pop.error[0] = 9, 500.0, 100.0
    xcs.update(pop, acting, 1000.0, NO_REALS, params)
    assert pop.prediction[0] == pytest.approx(600.0)
    assert pop.error[0] == pytest.approx(later)
    assert pop.experience[0] == 10


def test_fitness_is_the_share_of_accuracy_and_size_the_number_of_copies() -> None:
    # epsilon0 = 10. Rule 0, 2 copies, error 5 -> accurate, kappa = 1. Rule 1, 3 copies, error 20
    # -> kappa = 0.1 * 2^-5 = 1/320. Both predict exactly, so the errors become 0.8 * 6.25 = 5
    # and 0.8 * 25 = 20. kappa n: 2 and 3/320; shares 640/643 and 3/643. F += 0.2 (share - F).
    pop = population(
        ("1#", 0),
        ("##", 0),
        experience=[50, 50],
        prediction=[300.0, 300.0],
        error=[6.25, 25.0],
        fitness=[0.5, 0.5],
        numerosity=[2, 3],
        size=[5.0, 10.0],
    )
    xcs.update(pop, np.array([0, 1]), 300.0, NO_REALS, PAPER)
    assert pop.error[:2].tolist() == pytest.approx([5.0, 20.0])
    assert pop.fitness[:2].tolist() == pytest.approx([0.4 + 0.2 * 640 / 643, 0.4 + 0.2 * 3 / 643])
    assert pop.size[:2].tolist() == pytest.approx([5.0, 9.0])


def test_the_gradient_scales_a_step_by_the_share_of_fitness_once_the_average_is_over() -> None:
    pop = population(
        ("1#", 0), ("##", 0), ("#0", 0), experience=[50, 50, 1], prediction=[0.0] * 3, fitness=[0.3, 0.1, 0.1]
    )
    xcs.update(pop, np.array([0, 1, 2]), 1000.0, NO_REALS, replace(PAPER, gradient=True))
    assert pop.prediction[:3].tolist() == pytest.approx([1000 * 0.2 * 0.6, 1000 * 0.2 * 0.2, 500.0])


# subsumption


def test_the_most_general_able_rule_absorbs_its_action_set() -> None:
    pop = population(
        ("1###", 0),
        ("11##", 0),
        ("1##0", 0),
        ("#1##", 0),
        numerosity=[2, 3, 4, 5],
        experience=[21, 99, 99, 20],
        error=[9.0, 0.0, 0.0, 0.0],
    )
    left = xcs.subsume(pop, np.arange(4), PAPER, draws())
    assert left.tolist() == [0, 3]
    assert pop.numerosity[:4].tolist() == [9, 0, 0, 5]


@pytest.mark.parametrize(("experience", "error"), [(20, 0.0), (99, 10.0)])
def test_only_experienced_and_accurate_rules_absorb(experience: int, error: float) -> None:
    pop = population(("1###", 0), ("11##", 0), experience=[experience, 0], error=[error, 0.0])
    assert xcs.subsume(pop, np.arange(2), PAPER, draws()).tolist() == [0, 1]


def test_more_general_means_matching_all_that_the_other_matches_and_more() -> None:
    pop = population(("1###", 0), ("11##", 0), ("0###", 0), ("##1#", 0))
    more = [[bool(xcs.is_more_general(pop, i, pop.value[j], pop.care[j])) for j in range(4)] for i in range(4)]
    assert [(i, j) for i in range(4) for j in range(4) if more[i][j]] == [(0, 1)]


def test_parents_absorb_offspring_that_say_nothing_new() -> None:
    # Without mutation all offspring of these parents are as general as rule 0 or more special.
    def offspring(seed: int, do_ga_subsumption: bool) -> list[int]:
        params = replace(PAPER, mu=0.0, do_ga_subsumption=do_ga_subsumption)
        pop = population(
            ("1###", 0),
            ("1100", 0),
            experience=[99, 99],
            error=[0.0, 50.0],
            fitness=[0.5, 0.5],
            params=params,
        )
        xcs.evolve(pop, np.arange(2), situation("1100"), 7, params, draws(seed))
        assert pop.numerosity.sum() == 4
        return rows(pop)[2:]

    assert not any(offspring(seed, True) for seed in range(30))
    assert any(offspring(seed, False) for seed in range(30))


def test_a_rule_subsumes_what_is_more_special_does_the_same_and_only_if_it_is_able() -> None:
    special = situation("11"), 0b11, 0
    able = {"experience": [21], "error": [9.9]}
    assert xcs.subsumes(population(("1#", 0), **able), 0, *special, PAPER)
    assert not xcs.subsumes(population(("1#", 1), **able), 0, *special, PAPER)
    assert not xcs.subsumes(population(("0#", 0), **able), 0, *special, PAPER)
    assert not xcs.subsumes(population(("11", 0), **able), 0, *special, PAPER)
    assert not xcs.subsumes(population(("1#", 0), **able, numerosity=[0]), 0, *special, PAPER)
    assert not xcs.subsumes(population(("1#", 0), experience=[20], error=[9.9]), 0, *special, PAPER)
    assert not xcs.subsumes(population(("1#", 0), experience=[21], error=[10.0]), 0, *special, PAPER)


# evolve


def test_offspring_inherit_the_mean_of_crossed_parents_with_less_fitness_and_error() -> None:
    params = replace(PAPER, mu=0.0, chi=1.0, do_ga_subsumption=False)
    parents = ("1" * 30 + "#" * 30, 0), ("#" * 30 + "1" * 30, 0)
    mixed = 0
    for seed in range(30):
        pop = population(*parents, prediction=[800.0, 400.0], error=[40.0, 8.0], fitness=[0.6, 0.2], size=[7.0, 9.0])
        xcs.evolve(pop, np.arange(2), 2**60 - 1, 7, params, draws(seed))
        for row in rows(pop)[2:]:  # the same parent twice only adds copies of itself
            mixed += 1
            assert pop.prediction[row] == pytest.approx((800 + 400) / 2)
            assert pop.error[row] == pytest.approx(0.25 * (40 + 8) / 2)
            assert pop.fitness[row] == pytest.approx(0.1 * (0.6 + 0.2) / 2)
            assert pop.size[row] in (7.0, 9.0)
            assert (pop.experience[row], pop.stamp[row], pop.numerosity[row]) == (0, 7, 1)
        assert pop.stamp[:2].tolist() == [7, 7]
    assert mixed > 10


def test_uncrossed_offspring_inherit_from_their_own_parent() -> None:
    # Mutation of all bits and of the action makes the opposite of the parent: "1#" -> "#1".
    params = replace(PAPER, mu=1.0, chi=0.0, do_ga_subsumption=False)
    pop = population(("1#", 0), prediction=[800.0], error=[40.0], fitness=[0.6], size=[7.0])
    xcs.evolve(pop, np.array([0]), situation("11"), 7, params, draws())
    assert rows(pop) == [0, 1]
    assert (pop.care[1], pop.value[1], pop.action[1], pop.numerosity[1]) == (0b10, 0b10, 1, 2)
    assert pop.prediction[1] == 800.0
    assert pop.error[1] == pytest.approx(10.0)
    assert pop.fitness[1] == pytest.approx(0.06)
    assert pop.size[1] == 7.0


@given(st.integers(0, 2**40 - 1), st.integers(0, 2**40 - 1), st.integers(0, 2**40))
def test_crossover_swaps_one_stretch_of_bits(a: int, b: int, seed: int) -> None:
    low, high = sorted(int(u * 41) for u in draws(seed).many(2))
    c, d = xcs.crossover([a, b], np.zeros((0, 2)), 40, draws(seed))
    inside = sum(1 << bit for bit in range(low, high))
    assert c == a & ~inside | b & inside
    assert d == b & ~inside | a & inside


def test_crossover_takes_every_stretch() -> None:
    masks = {xcs.crossover([0, 0b111], np.zeros((0, 2)), 3, draws(seed))[0] for seed in range(300)}
    assert masks == {0b000, 0b001, 0b010, 0b100, 0b011, 0b110, 0b111}


def test_mutation_flips_care_for_a_bit_and_takes_another_action_at_the_rate_mu() -> None:
    params = replace(PAPER, mu=0.25, chi=0.0, do_ga_subsumption=False)
    x, flips, changes, children = situation("10" * 20), 0, 0, 0
    for seed in range(100):
        pop = population(("#" * 40, 0), params=params)
        xcs.evolve(pop, np.array([0]), x, 7, params, draws(seed))
        for row in rows(pop)[1:]:
            assert pop.value[row] == int(pop.care[row]) & x
            flips += int(np.bitwise_count(pop.care[row]))
            changes += int(pop.action[row])
            children += 1
    assert children == 200
    assert abs(flips / 8000 - 0.25) < 5 * np.sqrt(0.25 * 0.75 / 8000)
    assert abs(changes / 200 - 0.25) < 5 * np.sqrt(0.25 * 0.75 / 200)


def test_a_mutated_action_is_any_other_one() -> None:
    params = replace(PAPER, mu=1.0)
    assert {xcs.mutate_action(2, 4, params, draws(seed)) for seed in range(100)} == {0, 1, 3}
    assert xcs.mutate_action(0, 1, params, draws()) == 0


def test_the_wheel_selects_by_fitness() -> None:
    pop = population(("1#", 0), ("##", 0), ("#1", 0), fitness=[0.1, 0.6, 0.3])
    chosen = np.bincount([xcs.select(pop, np.arange(3), PAPER, draws(i)) for i in range(4000)])
    assert_counts(chosen, [0.1, 0.6, 0.3])


def test_the_tournament_selects_as_copies_that_enter_with_probability_tau_would() -> None:
    # Fitness per copy: rule 0 0.2 (2 copies), rule 1 0.3 (1 copy), rule 2 0.1 (1 copy); tau = 0.4.
    # Rule 1 wins if it enters: .4; rule 0 if rule 1 stays out and a copy enters: .6 (1 - .36) = .384;
    # rule 2: .6 * .36 * .4 = .0864; nobody .1296, drawn again.
    params = replace(PAPER, tournament=0.4)
    pop = population(("1#", 0), ("##", 0), ("#1", 0), fitness=[0.4, 0.3, 0.1], numerosity=[2, 1, 1])
    chosen = np.bincount([xcs.select(pop, np.arange(3), params, draws(i)) for i in range(4000)])
    assert_counts(chosen, np.array([0.384, 0.4, 0.0864]) / (1 - 0.1296))


def test_a_full_tournament_selects_the_fittest() -> None:
    params = replace(PAPER, tournament=1.0)
    pop = population(("1#", 0), ("##", 0), ("#1", 0), fitness=[0.4, 0.3, 0.1], numerosity=[2, 1, 1])
    assert {xcs.select(pop, np.arange(3), params, draws(i)) for i in range(50)} == {1}


@pytest.mark.parametrize(("step", "runs"), [(35, False), (36, True)])
def test_the_genetic_algorithm_runs_when_the_mean_copy_last_took_part_long_enough_ago(step: int, runs: bool) -> None:
    # Copies 3 and 1 with stamps 8 and 16: mean 10, theta_GA = 25.
    pop = population(("1#", 0), ("##", 0), numerosity=[3, 1], stamp=[8, 16])
    xcs.learn(pop, situation("11"), 0, 500.0, step, PAPER, draws())
    assert (pop.stamp[0] == step) == runs
    assert pop.numerosity.sum() == (6 if runs else 4)


# delete


def test_rules_in_large_action_sets_are_deleted_more_often() -> None:
    params = Params(capacity=9)
    votes = np.array([1.0 * 2, 3.0 * 4, 6.0 * 4])
    gone = []
    for seed in range(3000):
        pop = population(("1#", 0), ("##", 0), ("#1", 0), params=params, numerosity=[2, 4, 4], size=[1, 3, 6])
        xcs.delete(pop, params, draws(seed))
        gone.append(int(np.flatnonzero(pop.numerosity[:3] < [2, 4, 4])[0]))
        assert pop.numerosity.sum() == 9
    assert_counts(np.bincount(gone), votes / votes.sum())


def test_experienced_rules_of_low_fitness_are_deleted_more_often() -> None:
    # Copies 2, 1, 1 with F = 1.98, 0.01, 0.01: mean per copy 0.5, delta 0.1. Rule 1 is experienced:
    # its vote is multiplied by 0.5 / 0.01 = 50; rule 2 is not.
    params = Params(capacity=3)
    votes = np.array([2.0, 50.0, 1.0])
    gone = []
    for seed in range(3000):
        pop = population(
            *(("1#", 0), ("##", 0), ("#1", 0)),
            params=params,
            numerosity=[2, 1, 1],
            fitness=[1.98, 0.01, 0.01],
            experience=[99, 21, 20],
        )
        xcs.delete(pop, params, draws(seed))
        gone.append(int(np.flatnonzero(pop.numerosity[:3] < [2, 1, 1])[0]))
    assert_counts(np.bincount(gone), votes / votes.sum())


def test_nothing_is_deleted_within_the_capacity() -> None:
    params = Params(capacity=5)
    pop = population(("1#", 0), params=params, numerosity=[5])
    xcs.delete(pop, params, draws())
    assert pop.numerosity[0] == 5


# insert and learn


def test_a_rule_that_exists_gains_a_copy_and_keeps_what_it_learnt() -> None:
    pop = population(("1#", 0), prediction=[700.0], experience=[9])
    for action in (0, 1):
        xcs.insert(pop, 1, 1, action, np.array([0.0, 0.0, 0.1, 1.0]), 3)
    assert pop.numerosity[:2].tolist() == [2, 1]
    assert pop.prediction[:2].tolist() == [700.0, 0.0]
    assert pop.experience[:2].tolist() == [9, 0]


def test_a_free_row_is_used_and_nothing_of_the_old_rule_stays() -> None:
    pop = population(("1#", 0), ("#1", 1), ("##", 0), prediction=[1.0, 2.0, 3.0], experience=[7, 8, 9])
    pop.numerosity[1] = 0
    xcs.insert(pop, 0, 2, 1, np.array([5.0, 6.0, 0.7, 8.0]), 9)
    got = [getattr(pop, name)[1].item() for name in FIELDS]
    assert got == [0, 2, 1, 5.0, 6.0, 0.7, 0, 9, 8.0, 1]


def test_learning_from_an_unknown_situation_covers_it() -> None:
    pop = empty(PAPER, 6, actions=4)
    xcs.learn(pop, situation("110010"), 2, 800.0, 5, PAPER, draws())
    acting = xcs.action_set(pop, situation("110010"), 2)
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
    ],
)
def test_learning_refuses_what_makes_no_sense(x: int, action: int, payoff: float, message: str) -> None:
    pop = population(("1###", 0), ("####", 0))
    with pytest.raises(ValueError, match=message):
        xcs.learn(pop, x, action, payoff, 0, PAPER, draws())
    assert not pop.experience.any()


def test_deciding_refuses_a_situation_with_bits_that_no_rule_has() -> None:
    with pytest.raises(ValueError, match=r"situation = 99: must lie in \[0, 15\]"):
        xcs.decide(population(("1###", 0)), 99, 0, PAPER, draws(), 0.0)


# a life


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
    neighbours = {name: getattr(stack, name)[[0, 2]].copy() for name in FIELDS}
    live(stack.lane(1), params, seed, steps=50)
    live(alone, params, seed, steps=50)
    for name in FIELDS:
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


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**40), st.integers(0, 2**20 - 1))
def test_offspring_match_the_situation_of_their_action_set(seed: int, x: int) -> None:
    params = replace(PAPER, mu=0.3, do_ga_subsumption=False)
    pop = empty(params, 20, actions=3)
    for i in range(5):
        xcs.cover(pop, x, 1, 0, params, draws(seed, i))
    xcs.evolve(pop, xcs.action_set(pop, x, 1), x, 9, params, draws(seed, 9))
    assert xcs.match(pop, x)[rows(pop)].all()
    assert pop.numerosity.sum() == 7


def assert_counts(counts: np.ndarray, expected: list[float] | np.ndarray) -> None:
    n, p = counts.sum(), np.asarray(expected)
    assert (np.abs(counts - n * p) < 5 * np.sqrt(n * p * (1 - p))).all(), counts
