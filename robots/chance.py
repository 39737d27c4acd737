"""Random numbers without a generator, for compiled code: a hash of who draws, when, what for, and which draw it is.

The words are absorbed one after the other by SplitMix64's finaliser [Steele, Lea & Flood 2014], as in
`classifier.draws`, and the numbers are the same. So what robot 7 draws does not depend on how many robots there are.
"""

from statistics import NormalDist

import numpy as np

from robots.kernel import kernel

GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio, odd
NOTHING, ONE = np.uint64(0), np.uint64(1)
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_SHIFT_1, _SHIFT_2, _SHIFT_3, _SHIFT_53 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)
_SHIFT_32, _LOW_32 = np.uint64(32), np.uint64(2**32 - 1)


@kernel
def absorb(key: np.uint64, word: int) -> np.uint64:
    """The key of all words absorbed so far, the first of them into `NOTHING`, and of one more, at least 0."""
    z = key + GOLDEN * (np.uint64(word) + ONE)
    z = (z ^ (z >> _SHIFT_1)) * _MIX_1
    z = (z ^ (z >> _SHIFT_2)) * _MIX_2
    return z ^ (z >> _SHIFT_3)


@kernel
def uniform(key: np.uint64, index: int) -> float:
    """The draw number `index` of a key, in [0, 1)."""
    return float(absorb(key, index) >> _SHIFT_53) * 2.0**-53


def _quantiles() -> np.ndarray:
    """Normal quantiles at 0, 1 / CELLS ... 1; in place of the infinite ends what keeps the outermost means."""
    normal = NormalDist()
    inner = [normal.inv_cdf(i / CELLS) for i in range(1, CELLS)]
    end = 2 * CELLS * normal.pdf(inner[0]) + inner[0]
    return np.array([-end, *inner, end])


CELLS = 1024  # of equal probability
_QUANTILE = _quantiles()


@kernel
def _quantile(share: float) -> float:
    """The normal quantile at a share of 1: a table, straight between its entries, as fast as a draw."""
    place = CELLS * share
    cell = int(place)
    return float(_QUANTILE[cell] + (place - cell) * (_QUANTILE[cell + 1] - _QUANTILE[cell]))


@kernel
def normal(key: np.uint64, index: int) -> float:
    """The standard normal deviate that belongs to the uniform draw number `index` of a key; none is beyond 3.7."""
    return _quantile(uniform(key, index))


@kernel
def two_normals(key: np.uint64, index: int) -> tuple[float, float]:
    """Two of them, from the upper and the lower half of one draw."""
    z = absorb(key, index)
    return _quantile(float(z >> _SHIFT_32) * 2.0**-32), _quantile(float(z & _LOW_32) * 2.0**-32)
