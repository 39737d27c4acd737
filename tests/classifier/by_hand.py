"""Populations put together by hand, to be checked against figures worked out by hand."""

import numpy as np

from classifier.draws import Draws
from classifier.params import Params
from classifier.population import Population, empty

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


def assert_counts(counts: np.ndarray, expected: list[float] | np.ndarray) -> None:
    n, p = counts.sum(), np.asarray(expected)
    assert (np.abs(counts - n * p) < 5 * np.sqrt(n * p * (1 - p))).all(), counts
