"""Where rules come from and go to, against odds worked out by hand from Butz & Wilson 2002."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier import conditions, discovery
from classifier.params import Params
from classifier.population import count_rules, empty
from tests.classifier.by_hand import PAPER, assert_counts, draws, population, rows, situation


def test_covering_leaves_bits_open_at_the_rate_p_wild() -> None:
    cared = []
    for seed in range(200):
        pop = empty(PAPER, 63, actions=1)
        discovery.cover(pop, 0, 0, 0, PAPER, draws(seed))
        cared.append(int(np.bitwise_count(pop.care[0])))
    n = 200 * 63
    assert abs(sum(cared) / n - (1 - PAPER.p_wild)) < 5 * np.sqrt(0.33 * 0.67 / n)


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
    left = discovery.subsume(pop, np.arange(4), PAPER, draws())
    assert left.tolist() == [0, 1]
    assert pop.numerosity[:4].tolist() == [9, 5, 0, 0]
    assert pop.experience[:2].tolist() == [21, 20]


@pytest.mark.parametrize(("experience", "error"), [(20, 0.0), (99, 10.0)])
def test_only_experienced_and_accurate_rules_absorb(experience: int, error: float) -> None:
    pop = population(("1###", 0), ("11##", 0), experience=[experience, 0], error=[error, 0.0])
    assert discovery.subsume(pop, np.arange(2), PAPER, draws()).tolist() == [0, 1]


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
        discovery.evolve(pop, np.arange(2), situation("1100"), 7, params, draws(seed))
        assert pop.numerosity.sum() == 4
        return rows(pop)[2:]

    assert not any(offspring(seed, True) for seed in range(30))
    assert any(offspring(seed, False) for seed in range(30))


def test_a_rule_subsumes_what_is_more_special_does_the_same_and_only_if_it_is_able() -> None:
    special = situation("11"), 0b11, 0
    able = {"experience": [21], "error": [9.9]}
    assert discovery.subsumes(population(("1#", 0), **able), 0, *special, PAPER)
    assert not discovery.subsumes(population(("1#", 1), **able), 0, *special, PAPER)
    assert not discovery.subsumes(population(("0#", 0), **able), 0, *special, PAPER)
    assert not discovery.subsumes(population(("11", 0), **able), 0, *special, PAPER)
    assert not discovery.subsumes(population(("1#", 0), experience=[20], error=[9.9]), 0, *special, PAPER)
    assert not discovery.subsumes(population(("1#", 0), experience=[21], error=[10.0]), 0, *special, PAPER)


def test_offspring_inherit_the_mean_of_crossed_parents_with_less_fitness_and_error() -> None:
    params = replace(PAPER, mu=0.0, chi=1.0, do_ga_subsumption=False)
    parents = ("1" * 30 + "#" * 30, 0), ("#" * 30 + "1" * 30, 0)
    mixed = 0
    for seed in range(30):
        pop = population(*parents, prediction=[800.0, 400.0], error=[40.0, 8.0], fitness=[0.6, 0.2], size=[7.0, 9.0])
        discovery.evolve(pop, np.arange(2), 2**60 - 1, 7, params, draws(seed))
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
    discovery.evolve(pop, np.array([0]), situation("11"), 7, params, draws())
    assert rows(pop) == [0, 1]
    assert (pop.care[1], pop.value[1], pop.action[1], pop.numerosity[1]) == (0b10, 0b10, 1, 2)
    assert pop.prediction[1] == 800.0
    assert pop.error[1] == pytest.approx(10.0)
    assert pop.fitness[1] == pytest.approx(0.06)
    assert pop.size[1] == 7.0


@given(st.integers(0, 2**40 - 1), st.integers(0, 2**40 - 1), st.integers(0, 2**40))
def test_crossover_swaps_one_stretch_of_bits(a: int, b: int, seed: int) -> None:
    low, high = sorted(int(u * 41) for u in draws(seed).many(2))
    cares = [a, b]
    discovery.crossover(cares, [[0.0] * 4, [0.0] * 4], 40, low, high)
    c, d = cares
    inside = sum(1 << bit for bit in range(low, high))
    assert c == a & ~inside | b & inside
    assert d == b & ~inside | a & inside


def test_crossover_takes_every_stretch() -> None:
    params, seen = replace(PAPER, mu=0.0, chi=1.0, do_ga_subsumption=False), set()
    for seed in range(300):
        pop = population(("111", 0), ("###", 0), params=params)
        discovery.evolve(pop, np.arange(2), 0b111, 7, params, draws(seed))
        seen |= set(pop.care[2 : count_rules(pop)].tolist())
    assert seen == {0b001, 0b010, 0b100, 0b011, 0b110, 0b101}


def test_mutation_flips_care_for_a_bit_and_takes_another_action_at_the_rate_mu() -> None:
    params = replace(PAPER, mu=0.25, chi=0.0, do_ga_subsumption=False)
    x, flips, changes, children = situation("10" * 20), 0, 0, 0
    for seed in range(100):
        pop = population(("#" * 40, 0), params=params)
        discovery.evolve(pop, np.array([0]), x, 7, params, draws(seed))
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
    assert {discovery.mutate_action(2, 4, params, 0.5, u / 100) for u in range(100)} == {0, 1, 3}
    assert discovery.mutate_action(0, 1, params, 0.5, 0.5) == 0


def test_the_wheel_selects_by_fitness() -> None:
    pop = population(("1#", 0), ("##", 0), ("#1", 0), fitness=[0.1, 0.6, 0.3])
    chosen = np.bincount(discovery.select(pop, np.arange(3), PAPER, [draws(i).one() for i in range(4000)]))
    assert_counts(chosen, [0.1, 0.6, 0.3])


def test_the_tournament_selects_as_copies_that_enter_with_probability_tau_would() -> None:
    # Fitness per copy: rule 0 0.2 (2 copies), rule 1 0.3 (1 copy), rule 2 0.1 (1 copy); tau = 0.4.
    # Rule 1 wins if it enters: .4; rule 0 if rule 1 stays out and a copy enters: .6 (1 - .36) = .384;
    # rule 2: .6 * .36 * .4 = .0864; nobody .1296, drawn again.
    params = replace(PAPER, tournament=0.4)
    pop = population(("1#", 0), ("##", 0), ("#1", 0), fitness=[0.4, 0.3, 0.1], numerosity=[2, 1, 1])
    chosen = np.bincount(discovery.select(pop, np.arange(3), params, [draws(i).one() for i in range(4000)]))
    assert_counts(chosen, np.array([0.384, 0.4, 0.0864]) / (1 - 0.1296))


def test_a_full_tournament_selects_the_fittest() -> None:
    params = replace(PAPER, tournament=1.0)
    pop = population(("1#", 0), ("##", 0), ("#1", 0), fitness=[0.4, 0.3, 0.1], numerosity=[2, 1, 1])
    assert set(discovery.select(pop, np.arange(3), params, [draws(i).one() for i in range(50)])) == {1}


def test_rules_in_large_action_sets_are_deleted_more_often() -> None:
    params = Params(capacity=9)
    votes = np.array([1.0 * 2, 3.0 * 4, 6.0 * 4])
    gone = []
    for seed in range(3000):
        pop = population(("1#", 0), ("##", 0), ("#1", 0), params=params, numerosity=[2, 4, 4], size=[1, 3, 6])
        discovery.delete(pop, params, draws(seed))
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
        discovery.delete(pop, params, draws(seed))
        left = {int(care): int(n) for care, n in zip(pop.care, pop.numerosity, strict=True) if n}
        gone.append(next(i for i, (care, n) in enumerate(((1, 2), (0, 1), (2, 1))) if left.get(care, 0) < n))
    assert_counts(np.bincount(gone), votes / votes.sum())


def test_nothing_is_deleted_within_the_capacity() -> None:
    params = Params(capacity=5)
    pop = population(("1#", 0), params=params, numerosity=[5])
    discovery.delete(pop, params, draws())
    assert pop.numerosity[0] == 5


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**40), st.integers(0, 2**20 - 1))
def test_offspring_match_the_situation_of_their_action_set(seed: int, x: int) -> None:
    params = replace(PAPER, mu=0.3, do_ga_subsumption=False)
    pop = empty(params, 20, actions=3)
    for i in range(5):
        discovery.cover(pop, x, 1, 0, params, draws(seed, i))
    discovery.evolve(pop, conditions.action_set(pop, x, 1), x, 9, params, draws(seed, 9))
    assert conditions.match(pop, x).tolist() == rows(pop)
    assert pop.numerosity.sum() == 7
