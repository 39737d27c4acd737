"""A population of rules as a struct of arrays of fixed size, for one robot or for a stack of robots.

A condition has a ternary part over at most 63 bits and an interval for each real input; either part may
be missing. The ternary part is two words: `care` has a 1 for each bit that matters, `value` says what
that bit must be, and is 0 where `care` is 0, so that equal conditions are equal words. An interval is
two bounds in any order [Stone & Bull 2003, unordered bounds]; real inputs lie in [0, 1].
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from classifier.params import Params, check_whole

MOST_BITS = 63  # of a situation
MOST_REALS = 100_000
MOST_ACTIONS = 127
NO_REALS = np.zeros(0)

# Rows of the three arrays.
VALUE, CARE = range(2)
ACTION, EXPERIENCE, STAMP, NUMEROSITY = range(4)
SIZE, PREDICTION, ERROR, FITNESS, BOUNDS = range(5)


class Row:
    """A view (..., R) of one row of one of the arrays of a `Population`."""

    def __init__(self, array: str, row: int) -> None:
        self.array, self.row = array, row

    def __get__(self, pop: "Population", owner: type) -> np.ndarray:
        view: np.ndarray = getattr(pop, self.array)[..., self.row, :]
        return view


class Sizes:
    """What follows from the fields of a `Population`, and is no field of it."""

    capacity: int  # N, which the parameters must have too
    words_end: int  # whole numbers below are situations of one robot; 0 with real inputs, and for a stack


@dataclass(frozen=True)
class Population(Sizes):
    """Macroclassifiers [Butz & Wilson 2002], arrays (..., R) with lanes leading and R = capacity + 1.

    The one row beyond the capacity lets a rule come in before another one goes. The rules stand in the
    first rows, free rows (all zeros) follow: who takes rules out by hand uses `keep`. The functions of
    `classifier.xcs` write into the arrays. Each `Row` is a view of one of these three.
    """

    bits: int  # of a situation
    reals: int  # D: real inputs of a situation
    actions: int  # A: actions are 0 .. A - 1
    words: np.ndarray  # (..., 2, R) u8: value, care
    counts: np.ndarray  # (..., 4, R) i8: action, experience, stamp, numerosity
    numbers: np.ndarray  # (..., 4 + 2 D (+ D), R) f8: size, prediction, error, fitness, bounds (, slopes)

    def __post_init__(self) -> None:
        """Raises ValueError for arrays that compiled code, which does not look again, could not take."""
        for name, kind in (("words", np.uint64), ("counts", np.int64), ("numbers", np.float64)):
            array = getattr(self, name)
            if array.dtype != kind or not array.flags.carray:
                raise ValueError(f"{name} of type {array.dtype}: must be {kind.__name__}, contiguous and writeable")
        object.__setattr__(self, "capacity", int(self.words.shape[-1]) - 1)
        object.__setattr__(self, "words_end", 0 if self.reals or self.words.ndim > 2 else 1 << self.bits)

    value = Row("words", VALUE)  # what the bits that matter must be
    care = Row("words", CARE)  # which bits matter
    action = Row("counts", ACTION)  # a
    prediction = Row("numbers", PREDICTION)  # p, in units of the pay-off; of a linear one, its value at 0
    error = Row("numbers", ERROR)  # epsilon, in units of the pay-off
    fitness = Row("numbers", FITNESS)  # F, of the rule with all its copies
    experience = Row("counts", EXPERIENCE)  # exp, how often it was updated
    stamp = Row("counts", STAMP)  # ts, step at which the genetic algorithm last ran in its action set
    size = Row("numbers", SIZE)  # as, estimated size of the action sets it is in
    numerosity = Row("counts", NUMEROSITY)  # n, copies; 0 marks a free row

    @property
    def bounds(self) -> np.ndarray:
        """(..., 2 D, R): rows 2 d and 2 d + 1 are the ends of the interval for input d, in any order."""
        return self.numbers[..., BOUNDS : BOUNDS + 2 * self.reals, :]

    @property
    def slopes(self) -> np.ndarray:
        """(..., D, R) of linear predictions, (..., 0, R) of constant ones."""
        return self.numbers[..., BOUNDS + 2 * self.reals :, :]

    def lane(self, index: int | tuple[int, ...]) -> "Population":
        """One robot's population as a view: what is written to it is written here."""
        return Population(
            self.bits, self.reals, self.actions, self.words[index], self.counts[index], self.numbers[index]
        )


def empty(params: Params, bits: int, actions: int, lanes: tuple[int, ...] = (), reals: int = 0) -> Population:
    """Populations without rules, arrays (*lanes, capacity + 1).

    Raises ValueError for no inputs, more inputs or actions than fit, or more actions than rules.
    """
    check_whole("reals", reals, 0, MOST_REALS)
    check_whole("bits", bits, 0 if reals else 1, MOST_BITS)
    check_whole("actions", actions, 1, MOST_ACTIONS)
    if params.capacity < actions:
        raise ValueError(f"capacity = {params.capacity}: must be at least the number of actions, {actions}")
    numbers, R = shape_for(params, reals)
    return Population(
        bits,
        reals,
        actions,
        np.zeros((*lanes, 2, R), np.uint64),
        np.zeros((*lanes, 4, R), np.int64),
        np.zeros((*lanes, numbers, R)),
    )


def shape_for(params: Params, reals: int) -> tuple[int, int]:
    """The shape of one robot's `Population.numbers`."""
    return BOUNDS + (3 if params.linear else 2) * reals, params.capacity + 1


def count_rules(pop: Population) -> int:
    """How many rules one robot has: its first rows."""
    n = pop.counts[NUMEROSITY]
    first = int(n.argmin())
    return n.size if n.item(first) else first


def insert(
    pop: Population, value: int, care: int, action: int, numbers: Sequence[float] | np.ndarray, stamp: int
) -> None:
    """Add one copy of a rule: to the same rule if there is one, else in the first free row.

    `numbers` is the rule's column of `Population.numbers`.
    """
    count = count_rules(pop)
    bounds = slice(BOUNDS, BOUNDS + 2 * pop.reals)
    for row in (pop.words[CARE, :count] == care).nonzero()[0].tolist():
        if (
            pop.words.item(VALUE, row) == value
            and pop.counts.item(ACTION, row) == action
            and (not pop.reals or pop.numbers[bounds, row].tolist() == list(numbers[bounds]))
        ):
            pop.counts[NUMEROSITY, row] += 1
            return
    pop.words[VALUE, count], pop.words[CARE, count] = value, care
    pop.counts[ACTION, count], pop.counts[EXPERIENCE, count] = action, 0
    pop.counts[STAMP, count], pop.counts[NUMEROSITY, count] = stamp, 1
    pop.numbers[:, count] = numbers


def remove(pop: Population, row: int, last: int) -> None:
    """Take a rule out; the one in row `last`, the last rule, takes its place."""
    for array in (pop.words, pop.counts, pop.numbers):
        array[:, row] = array[:, last]
        array[:, last] = 0


def follow(rows: np.ndarray, gone: int, last: int) -> np.ndarray:
    """Where rules in `rows` are after the one in row `gone` was removed and the one in row `last` moved there."""
    left: np.ndarray = rows[rows != gone]
    left[left == last] = gone
    return left


def keep(pop: Population, which: np.ndarray) -> None:
    """Take all rules out of one robot's population but those marked in `which` (R,), bool."""
    rows = np.flatnonzero(which & (pop.numerosity > 0))
    for array in (pop.words, pop.counts, pop.numbers):
        kept = array[:, rows]
        array[:] = 0
        array[:, : rows.size] = kept


class Rule(NamedTuple):
    """One rule, to be read by people."""

    condition: str  # character b is what bit b must be: 0, 1, or # for either; then the intervals
    action: int
    prediction: float
    error: float
    fitness: float
    experience: int
    numerosity: int


def rules(pop: Population, rows: np.ndarray | None = None) -> list[Rule]:
    """The rules of one robot's population, all or those at `rows`, the fittest first."""
    rows = np.flatnonzero(pop.numerosity) if rows is None else rows
    rows = rows[np.argsort(-pop.fitness[rows], kind="stable")]
    return [
        Rule(
            condition(int(pop.value[row]), int(pop.care[row]), pop.bits, pop.bounds[:, row]),
            int(pop.action[row]),
            float(pop.prediction[row]),
            float(pop.error[row]),
            float(pop.fitness[row]),
            int(pop.experience[row]),
            int(pop.numerosity[row]),
        )
        for row in rows
    ]


def condition(value: int, care: int, bits: int, bounds: np.ndarray = NO_REALS) -> str:
    """The condition as text: 0, 1 and # for the bits, bit 0 first, then [low, high] for each real input."""
    ternary = "".join(str(value >> b & 1) if care >> b & 1 else "#" for b in range(bits))
    ends = np.sort(bounds.reshape(-1, 2))
    return " ".join([ternary] * (bits > 0) + [f"[{low:.3g}, {high:.3g}]" for low, high in ends])
