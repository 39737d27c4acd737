"""Acceptance: the learning curves of the standard problems, seed by seed."""

import statistics
from dataclasses import replace

import numpy as np
import pytest

from classifier import xcs
from classifier.conditions import match
from classifier.environments import PAYOFF, multiplexer, practise_multiplexer, problems_until, solve_multiplexer
from classifier.params import Params
from classifier.population import rules

Figures = list[tuple[int | None, int | None, int]]


def figures(address: int, problems: int, seeds: range, params: Params) -> Figures:
    """Per seed: problems until 50 and 1000 answers in a row were right, macroclassifiers at the end."""
    out = []
    for seed in seeds:
        pop, right = solve_multiplexer(address, problems, seed, params)
        out.append((problems_until(right, 50), problems_until(right, 1000), int(np.count_nonzero(pop.numerosity))))
    return out


def medians(got: Figures) -> list[float]:
    assert all(value is not None for row in got for value in row), got
    return [statistics.median(value for value in column if value is not None) for column in zip(*got, strict=True)]


def test_the_multiplexer_answers_with_the_addressed_bit() -> None:
    # Address bits 0 and 1, data bits 2 to 5; address 0b10 = 2 points at bit 4.
    assert multiplexer(0b01_0010, 2) == 1
    assert multiplexer(0b10_1110, 2) == 0
    assert multiplexer(0b00_0100, 2) == 1


def test_problems_are_counted_to_the_end_of_the_first_run() -> None:
    right = np.array([1, 0, 1, 1, 0, 1, 1, 1], bool)
    assert problems_until(right, 1) == 1
    assert problems_until(right, 2) == 4
    assert problems_until(right, 3) == 8
    assert problems_until(right, 4) is None


def test_xcs_learns_the_6_multiplexer_with_general_rules() -> None:
    pop, right = solve_multiplexer(2, 5000, seed=1, params=Params.standard())
    until = problems_until(right, 50)
    assert until is not None
    assert 475 <= until <= 1909
    assert right[-1000:].all()
    # A complete map: the pay-off of either action in each of the 64 situations.
    situations = range(64)
    predicted = [xcs.prediction_array(pop, match(pop, x)).tolist() for x in situations]
    paid = [[PAYOFF * (multiplexer(x, 2) == action) for action in (0, 1)] for x in situations]
    np.testing.assert_allclose(predicted, paid, atol=0.1 * PAYOFF)
    # 16 rules with three open bits would do; copies of them fill most of the population.
    general = sum(rule.numerosity for rule in rules(pop) if rule.condition.count("#") == 3)
    assert general > 0.9 * pop.numerosity.sum()


@pytest.mark.slow
def test_6_multiplexer_20_seeds() -> None:
    got = figures(2, 8000, range(1, 21), Params.standard())
    last_50, last_1000, rules_left = medians(got)
    assert 650 <= last_50 <= 1150, got
    assert 2300 <= last_1000 <= 3300, got
    assert 25 <= rules_left <= 41, got


@pytest.mark.slow
def test_11_multiplexer_8_seeds() -> None:
    got = figures(3, 20_000, range(1, 9), Params.standard(capacity=800))
    last_50, last_1000, rules_left = medians(got)
    assert 2300 <= last_50 <= 5400, got
    assert 6500 <= last_1000 <= 15_500, got
    assert 71 <= rules_left <= 110, got


@pytest.mark.slow
def test_20_multiplexer_4_seeds() -> None:
    got = figures(4, 100_000, range(1, 5), Params.standard(capacity=2000, p_wild=0.5))
    last_50, last_1000, rules_left = medians(got)
    assert 17_000 <= last_50 <= 25_000, got
    assert 31_000 <= last_1000 <= 41_000, got
    assert 270 <= rules_left <= 320, got


@pytest.mark.slow
@pytest.mark.parametrize(("address", "problems", "capacity"), [(2, 5000, 400), (3, 15_000, 800)])
def test_inverted_labels_are_learnt_five_times_faster_than_the_first_ones(
    address: int, problems: int, capacity: int
) -> None:
    params = Params.standard(capacity=capacity)
    first, again = [], []
    for seed in range(1, 11):
        pop, right = solve_multiplexer(address, problems, seed, params)
        first.append(problems_until(right, 100))
        right = practise_multiplexer(pop, address, problems, seed, params, first=problems, inverted=True)
        again.append(problems_until(right, 100))
    assert None not in again
    assert 5 * statistics.median(again) <= statistics.median(first), (first, again)


@pytest.mark.slow
def test_6_multiplexer_with_tournament_and_gradient() -> None:
    got = figures(2, 8000, range(1, 11), replace(Params.standard(), tournament=0.4, gradient=True))
    last_50, last_1000, _ = medians(got)
    assert last_50 <= 1150, got
    assert last_1000 <= 3300, got
