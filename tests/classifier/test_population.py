"""Parameters and populations: what they refuse, how they start, how they read."""

import dataclasses
import math

import numpy as np
import pytest

from classifier.params import RANGES, Params
from classifier.population import (
    Population,
    Row,
    Rule,
    condition,
    count_rules,
    empty,
    follow,
    insert,
    keep,
    remove,
    rules,
)
from tests.classifier.by_hand import population

ROWS = [name for name, row in vars(Population).items() if isinstance(row, Row)]


def test_the_standard_parameters_are_the_papers() -> None:
    p = Params.standard()
    assert (p.capacity, p.alpha, p.beta, p.gamma, p.nu, p.theta_ga, p.chi, p.mu) == (
        *(400, 0.1, 0.2, 0.71, 5, 25, 0.8),
        0.04,
    )
    assert (p.theta_del, p.delta, p.theta_sub, p.p_wild, p.p_init, p.epsilon_init, p.f_init) == (
        *(20, 0.1, 20, 0.33, 0.01),
        *(0.0, 0.01),
    )
    assert (p.p_explore, p.tournament, p.gradient, p.error_first) == (0.5, 0.0, False, True)
    assert (p.do_ga_subsumption, p.do_as_subsumption, p.error_factor, p.fitness_factor) == (
        True,
        True,
        0.25,
        0.1,
    )


@pytest.mark.parametrize("name", RANGES)
def test_a_parameter_out_of_range_is_named_with_its_value_and_range(name: str) -> None:
    low, high = RANGES[name]
    for value in (low - 1, high + 1, math.nan):
        with pytest.raises(ValueError, match=rf"^{name} = {value}: must lie in \[") as error:
            Params(**{name: value})
        assert str(error.value).endswith(f"[{low:.15g}, {high:.15g}]")
    assert getattr(Params(**{name: low}), name) == low


def test_a_tournament_that_hardly_anybody_enters_is_refused() -> None:
    with pytest.raises(ValueError, match=r"tournament = 1e-30: must be 0 \(roulette wheel\) or lie in \[0.01, 1\]"):
        Params(tournament=1e-30)


def test_every_number_among_the_parameters_has_a_range() -> None:
    numbers = {f.name for f in dataclasses.fields(Params) if f.type is not bool}
    assert numbers == set(RANGES)


def test_an_empty_population_has_free_rows_only() -> None:
    pop = empty(Params(capacity=7), bits=12, actions=4, lanes=(3, 2))
    for name in ROWS:
        assert getattr(pop, name).shape == (3, 2, 8)
    assert (pop.words.dtype, pop.counts.dtype, pop.numbers.dtype) == (np.uint64, np.int64, np.float64)
    assert not pop.numerosity.any()
    assert rules(pop.lane((1, 1))) == []


@pytest.mark.parametrize(
    ("bits", "actions", "message"),
    [
        (0, 2, r"bits = 0: must lie in \[1, 63\]"),
        (64, 2, r"bits = 64: must lie in \[1, 63\]"),
        (8, 0, r"actions = 0: must lie in \[1, 127\]"),
        (8, 128, r"actions = 128: must lie in \[1, 127\]"),
    ],
)
def test_a_population_refuses_what_does_not_fit(bits: int, actions: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        empty(Params(), bits, actions)


def test_a_population_refuses_more_actions_than_rules() -> None:
    with pytest.raises(ValueError, match=r"capacity = 3: must be at least the number of actions, 4"):
        empty(Params(capacity=3), 8, 4)


def test_a_lane_is_a_view() -> None:
    pop = empty(Params(capacity=4), 8, 2, lanes=(3,))
    pop.lane(1).fitness[2] = 0.5
    assert pop.fitness[1, 2] == 0.5
    assert pop.fitness.sum() == 0.5


def test_a_condition_reads_from_bit_0() -> None:
    assert condition(value=0b00001, care=0b10011, bits=5) == "10##0"


def test_rules_are_listed_fittest_first() -> None:
    pop = empty(Params(capacity=4), 3, 2)
    for row, fitness in ((0, 0.2), (3, 0.9)):
        pop.numerosity[row], pop.fitness[row], pop.prediction[row] = row + 1, fitness, 100 * row
        pop.care[row], pop.value[row], pop.action[row] = 0b101, 0b100, row % 2
        pop.experience[row], pop.error[row] = 10 * row, row / 2
    assert rules(pop) == [
        Rule("0#1", 1, 300.0, 1.5, 0.9, 30, 4),
        Rule("0#1", 0, 0.0, 0.0, 0.2, 0, 1),
    ]
    assert np.count_nonzero(pop.numerosity) == 2


def test_a_rule_that_exists_gains_a_copy_and_keeps_what_it_learnt() -> None:
    pop = population(("1#", 0), prediction=[700.0], experience=[9])
    for action in (0, 1):
        insert(pop, 1, 1, action, np.array([1.0, 0.0, 0.0, 0.1]), 3)
    assert pop.numerosity[:2].tolist() == [2, 1]
    assert pop.prediction[:2].tolist() == [700.0, 0.0]
    assert pop.experience[:2].tolist() == [9, 0]


@pytest.mark.parametrize(
    ("name", "array", "kind"),
    [
        ("words", np.zeros((2, 8), np.int64), "int64: must be uint64"),
        ("counts", np.zeros((4, 16), np.int64)[:, ::2], "int64: must be int64"),
        ("numbers", np.zeros((4, 8), np.float32), "float32: must be float64"),
        ("numbers", np.frombuffer(bytes(256)).reshape(4, 8), "float64: must be float64"),
    ],
)
def test_arrays_that_compiled_code_could_not_take_are_refused(name: str, array: np.ndarray, kind: str) -> None:
    pop = empty(Params(capacity=7), bits=12, actions=4)
    with pytest.raises(ValueError, match=f"^{name} of type {kind}, contiguous and writeable$"):
        dataclasses.replace(pop, **{name: array})


def test_the_last_rule_takes_the_place_of_one_that_goes_and_new_ones_come_last() -> None:
    pop = population(("1#", 0), ("#1", 1), ("##", 0), prediction=[1.0, 2.0, 3.0], experience=[7, 8, 9])
    remove(pop, 0, 2)
    assert follow(np.array([2, 0, 1]), 0, 2).tolist() == [0, 1]
    assert pop.prediction[:3].tolist() == [3.0, 2.0, 0.0]
    assert not any(getattr(pop, name)[2] for name in ROWS)
    insert(pop, 0, 2, 1, np.array([8.0, 5.0, 6.0, 0.7]), 9)
    got = [getattr(pop, name)[2].item() for name in ROWS]
    assert got == [0, 2, 1, 5.0, 6.0, 0.7, 0, 9, 8.0, 1]
    assert count_rules(pop) == 3


def test_rules_taken_out_by_hand_leave_no_gaps() -> None:
    pop = population(("1#", 0), ("#1", 1), ("##", 0), ("11", 1), prediction=[1.0, 2.0, 3.0, 4.0])
    keep(pop, pop.action == 1)
    assert count_rules(pop) == 2
    assert pop.prediction[:3].tolist() == [2.0, 4.0, 0.0]
