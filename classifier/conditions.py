"""Situations and conditions: what fits what, and which condition is more general."""

import operator
from typing import Any, NamedTuple

import numpy as np

from classifier.params import check
from classifier.population import ACTION, BOUNDS, CARE, NO_REALS, VALUE, Population, count_rules


class Situation(NamedTuple):
    """What rules are matched with, checked."""

    word: Any  # the bits: int, or u8 (...) for many
    x: np.ndarray  # (..., D) the real inputs


def read(pop: Population, situation: Any) -> Situation:
    """The situation, checked and copied. Raises ValueError for what the population's rules cannot match."""
    if type(situation) is Situation:
        return situation
    if type(situation) is int and not pop.reals and 0 <= situation < 1 << pop.bits:
        return Situation(situation, NO_REALS)
    if not pop.reals:
        return Situation(_read_word(pop, situation), NO_REALS)
    if not pop.bits:
        return Situation(0, _read_reals(pop, situation))
    if not isinstance(situation, tuple) or len(situation) != 2:
        raise ValueError(f"situation = {situation!r}: must be the pair (bits as a whole number, real inputs)")
    return Situation(_read_word(pop, situation[0]), _read_reals(pop, situation[1]))


def _read_word(pop: Population, word: Any) -> Any:
    if np.ndim(word) == 0:
        try:
            number = operator.index(word)
        except TypeError:
            raise ValueError(f"situation = {word!r}: must be a whole number, bit b in bit b") from None
        check("situation", number, 0, 2**pop.bits - 1)
        return number
    array = np.array(word)
    if array.dtype.kind not in "iu" or (array < 0).any() or (array >= 2**pop.bits).any():
        raise ValueError(f"situations: must be whole numbers in [0, {2**pop.bits - 1}]")
    return array.astype(np.uint64)


def _read_reals(pop: Population, x: Any) -> np.ndarray:
    try:
        if np.ma.isMaskedArray(x) or (array := np.array(x, order="C")).dtype.kind == "c":
            raise ValueError("masked or complex")
        array = array.astype(np.float64, copy=False)
    except (TypeError, ValueError):
        raise ValueError(f"situation = {x!r}: must be {pop.reals} numbers in [0, 1]") from None
    if array.shape[-1:] != (pop.reals,):
        raise ValueError(f"situation of shape {array.shape}: the last axis must be {pop.reals} real inputs")
    if not ((array >= 0) & (array <= 1)).all():
        where = tuple(np.argwhere(~((array >= 0) & (array <= 1)))[0].tolist())
        raise ValueError(f"situation{list(where)} = {array[where]}: must lie in [0, 1]")
    return array


def match(pop: Population, situation: Any) -> np.ndarray:
    """The rows of [M], one robot."""
    word, x = read(pop, situation)
    count = count_rules(pop)
    fits = (pop.words[CARE, :count] & word) == pop.words[VALUE, :count]
    if pop.reals:
        bounds = pop.numbers[BOUNDS : BOUNDS + 2 * pop.reals, :count]
        for d in np.arange(pop.reals):
            a, b = bounds[2 * d], bounds[2 * d + 1]
            fits &= ((a <= x[d]) & (x[d] <= b)) | ((b <= x[d]) & (x[d] <= a))
    rows: np.ndarray = fits.nonzero()[0]
    return rows


def action_set(pop: Population, situation: Any, action: int) -> np.ndarray:
    """The rows of [A], one robot."""
    rows = match(pop, situation)
    acting: np.ndarray = rows[pop.counts[ACTION][rows] == action]
    return acting


def interval(bounds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper ends (..., D, R) of intervals with bounds (..., 2 D, R)."""
    one, other = bounds[..., 0::2, :], bounds[..., 1::2, :]
    return np.minimum(one, other), np.maximum(one, other)


def specificity(pop: Population, rows: np.ndarray) -> np.ndarray:
    """How much the rules leave out: bits that matter, and what their intervals lack of [0, 1]."""
    special: np.ndarray = np.bitwise_count(pop.words[CARE][rows])
    if pop.reals:
        special = special.astype(float)
        for low, high in zip(*interval(pop.bounds[:, rows]), strict=True):
            special = special + (1 - (high - low))
    return special


def is_more_general(
    pop: Population, row: int, value: np.ndarray | int, care: np.ndarray | int, bounds: np.ndarray = NO_REALS
) -> np.ndarray:
    """Whether rule `row` matches all that the conditions (value, care, bounds) match, and more."""
    if isinstance(care, int):
        its, wide = pop.words.item(VALUE, row), pop.words.item(CARE, row)
    else:
        its, wide = pop.words[VALUE, row, ...], pop.words[CARE, row, ...]
    more: Any = (wide & care == wide) & (wide & value == its)
    if not pop.reals:
        return np.asarray(more & (wide != care))
    bounds = bounds.reshape(2 * pop.reals, -1)
    (low, high), (inner_low, inner_high) = interval(pop.bounds[:, [row]]), interval(bounds)
    within = ((low <= inner_low) & (inner_high <= high)).all(0)
    wider = ((low < inner_low) | (inner_high < high)).any(0)
    return np.asarray(more & within & ((wide != care) | wider)).reshape(np.shape(value))
