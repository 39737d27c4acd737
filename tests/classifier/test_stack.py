"""Stacks and whole lives refuse what compiled loops would read beyond."""

from typing import Any

import numpy as np
import pytest

from classifier import stack, tables, training
from classifier.params import Params
from classifier.population import empty

PARAMS = Params(capacity=20)
GOOD: dict[str, Any] = {
    "situation": np.array([1, 2, 3]),
    "steps": np.zeros(3, int),
    "robots": np.arange(3),
    "actions": np.zeros(3, int),
    "payoffs": np.zeros(3),
    "explore": 0.5,
}


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("steps", np.zeros(2, int), r"steps of shape \(2,\) and type int64: must be 3 whole numbers"),
        ("robots", np.arange(4), r"robots of shape \(4,\) and type int64: must be 3 whole numbers"),
        ("robots", np.zeros(3), r"robots of shape \(3,\) and type float64: must be 3 whole numbers"),
        ("actions", [0, 1], r"actions of shape \(2,\) and type int64: must be 3 whole numbers"),
        ("actions", [0, 1, 2], r"actions = \[0 1 2\]: must lie in \[0, 1\]"),
        ("payoffs", [1.0], r"payoffs of shape \(1,\): must be 3 numbers, NaN where none has come"),
        ("payoffs", [1.0, np.inf, 0.0], r"payoffs = .*: must lie in \[-1000000000, 1000000000\]"),
        ("situation", [1, 2], r"words of shape \(2,\): must be \(3,\), a situation for each"),
        ("situation", [1, 2, 16], r"situations: must be whole numbers in \[0, 15\]"),
        ("explore", 2.0, r"explore = 2.0: must lie in \[0, 1\]"),
    ],
)
def test_a_stack_names_what_does_not_fit_it(name: str, value: Any, message: str) -> None:
    pop, given = empty(PARAMS, 4, 2, (3,)), GOOD | {name: value}
    learns = name in ("actions", "payoffs")
    used = [key for key in GOOD if (key != "explore" if learns else key not in ("actions", "payoffs"))]
    call: Any = stack.learn if learns else stack.decide
    with pytest.raises(ValueError, match=f"^{message}"):
        call(pop, params=PARAMS, seed=1, tick=0, **{key: given[key] for key in used})
    assert not pop.numerosity.any()


def test_lessons_name_what_does_not_fit_them() -> None:
    pop = empty(PARAMS, 4, 2)
    taught = training.situations(pop, np.arange(5), None, 5)
    with pytest.raises(ValueError, match=r"^payoffs of shape \(5, 1\): must be \(5, 2\) numbers"):
        training.lessons(pop, taught, np.zeros((5, 1)), PARAMS, 1)
    with pytest.raises(ValueError, match=r"^payoffs of shape \(5, 2\): must be \(5, 2\) numbers of at most 1000000000"):
        training.lessons(pop, taught, np.full((5, 2), np.nan), PARAMS, 1)
    four = training.situations(pop, np.arange(4), None, 4)
    with pytest.raises(ValueError, match=r"^tested: 4 situations: must be as many as are taught, 5$"):
        training.lessons(pop, taught, np.zeros((5, 2)), PARAMS, 1, tested=four)
    with pytest.raises(ValueError, match=r"^situations of shapes \(4,\) and \(5, 0\): must be 5"):
        training.situations(pop, np.arange(4), None, 5)


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        ([[0.1], [np.nan]], [0, 1], "samples: must be finite numbers"),
        ([0.1, 0.2], [0, 1], r"samples of shape \(2,\) and classes of shape \(2,\): must be \(n, d\) and \(n,\)"),
        ([[0.1], [0.2]], [0], r"samples of shape \(2, 1\) and classes of shape \(1,\): must be"),
        ([[0.1], [0.2]], [0, 2], r"classes: must be whole numbers in \[0, 1\]"),
        ([[0.1], [0.2]], [0.0, 1.0], r"classes: must be whole numbers in \[0, 1\]"),
    ],
)
def test_data_sets_that_cannot_be_learnt_are_refused(X: Any, y: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        tables.fit(np.array(X), np.array(y), 2, 10, 1, tables.params(50))
