"""Random numbers for compiled code: those of the classifier's draws, and normal ones."""

from collections.abc import Callable

import numpy as np
import pytest

from classifier.draws import uniform as reference
from robots.chance import NOTHING, absorb, normal, two_normals, uniform


@pytest.mark.parametrize("words", [(0, 0, 0, 0), (7, 3, 512, 2), (2**62, 999, 2**31, 6)])
def test_uniform_draws_are_those_of_the_classifier(words: tuple[int, ...]) -> None:
    key = NOTHING
    for word in words:
        key = np.uint64(absorb(key, word))
    for index in range(20):
        assert uniform(key, index) == reference(*words, index)


def single(key: np.uint64) -> list[float]:
    return [normal(key, index) for index in range(20_000)]


def double(key: np.uint64) -> list[float]:
    return [z for index in range(10_000) for z in two_normals(key, index)]


@pytest.mark.parametrize("draw", [single, double])
def test_normal_deviates(draw: Callable[[np.uint64], list[float]]) -> None:
    """Moments, tails and independence of neighbours, within five standard errors."""
    z = np.array(draw(np.uint64(absorb(NOTHING, 5))))
    assert abs(z.mean()) < 5 / np.sqrt(len(z))
    assert abs(z.std() - 1) < 5 / np.sqrt(2 * len(z))
    assert abs((z < -1.0).mean() - 0.158655) < 5 * np.sqrt(0.134 / len(z))
    assert abs((np.abs(z) > 2.5).mean() - 0.012419) < 5 * np.sqrt(0.0123 / len(z))
    assert abs(np.corrcoef(z[:-1], z[1:])[0, 1]) < 5 / np.sqrt(len(z))


def test_keys_and_indices_have_draws_of_their_own() -> None:
    keys = [np.uint64(absorb(NOTHING, word)) for word in range(30)]
    assert len({uniform(key, index) for key in keys for index in range(30)}) == 900
