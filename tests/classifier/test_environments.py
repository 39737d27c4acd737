"""Acceptance: the learning curves of the standard problems, seed by seed."""

import statistics

import numpy as np
import pytest

from classifier.environments import multiplexer, problems_until, solve_multiplexer
from classifier.params import Params
from classifier.population import rules

Figures = list[tuple[int | None, int | None, int]]


def figures(address: int, problems: int, seeds: range, params: Params) -> Figures:
    """Per seed: problems until 50 and 1000 answers in a row were right, macroclassifiers at the end."""
    out = []
    for seed in seeds:
        pop, right = solve_multiplexer(address, problems, seed, params)
        out.append(
            (problems_until(right, 50), problems_until(right, 1000), int(np.count_nonzero(pop.numerosity)))
        )
    return out


def medians(got: Figures) -> list[float]:
    assert all(value is not None for row in got for value in row), got
    return [
        statistics.median(value for value in column if value is not None) for column in zip(*got, strict=True)
    ]


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


def test_xcs_learns_the_6_multiplexer_and_its_general_rules() -> None:
    pop, right = solve_multiplexer(2, 2000, seed=1, params=Params.standard())
    until = problems_until(right, 50)
    assert until is not None
    assert 475 <= until <= 1909
    assert right[-500:].mean() > 0.98
    # The perfect rules: both address bits and the bit they point at, for each answer right or wrong.
    perfect = {"00", "10", "01", "11"}
    found = {(r.condition, r.action) for r in rules(pop)[:16] if r.condition.count("#") == 3}
    assert {c[:2] for c, _ in found} == perfect
    assert len(found) >= 12


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
    assert 71 <= rules_left <= 115, got


@pytest.mark.slow
def test_6_multiplexer_with_tournament_and_gradient() -> None:
    got = figures(2, 8000, range(1, 11), Params(p_explore=0.5, do_as_subsumption=True))
    last_50, last_1000, _ = medians(got)
    assert last_50 <= 1150, got
    assert last_1000 <= 3300, got
