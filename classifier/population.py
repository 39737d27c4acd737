"""A population of rules as a struct of arrays of fixed size, for one robot or for a stack of robots.

A condition over at most 63 bits is two words: `care` has a 1 for each bit that matters, `value` says
what that bit must be, and is 0 where `care` is 0, so that equal conditions are equal words.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from classifier.params import Params, check

MOST_BITS = 63  # of a situation
MOST_ACTIONS = 127

DTYPES = {
    "value": np.uint64,
    "care": np.uint64,
    "action": np.int8,
    "prediction": np.float64,
    "error": np.float64,
    "fitness": np.float64,
    "experience": np.int32,
    "stamp": np.int32,
    "size": np.float64,
    "numerosity": np.int32,
}


@dataclass(frozen=True)
class Population:
    """Macroclassifiers [Butz & Wilson 2002], each array (..., R) with lanes leading and R = capacity + 1.

    The one row beyond the capacity lets a rule come in before another one goes. The functions of
    `classifier.xcs` write into the arrays.
    """

    bits: int  # of a situation
    actions: int  # A: actions are 0 .. A - 1
    value: np.ndarray  # u8, what the bits that matter must be
    care: np.ndarray  # u8, which bits matter
    action: np.ndarray  # i1, a
    prediction: np.ndarray  # f8, p, in units of the pay-off
    error: np.ndarray  # f8, epsilon, in units of the pay-off
    fitness: np.ndarray  # f8, F, of the rule with all its copies
    experience: np.ndarray  # i4, exp, how often it was updated
    stamp: np.ndarray  # i4, ts, step at which the genetic algorithm last ran in its action set
    size: np.ndarray  # f8, as, estimated size of the action sets it is in
    numerosity: np.ndarray  # i4, n, copies; 0 marks a free row

    def lane(self, index: int | tuple[int, ...]) -> "Population":
        """One robot's population as a view: what is written to it is written here."""
        return replace(self, **{name: getattr(self, name)[index] for name in DTYPES})


def empty(params: Params, bits: int, actions: int, lanes: tuple[int, ...] = ()) -> Population:
    """Populations without rules, arrays (*lanes, capacity + 1).

    Raises ValueError for more bits or actions than fit, or more actions than rules.
    """
    check("bits", bits, 1, MOST_BITS)
    check("actions", actions, 1, min(MOST_ACTIONS, params.capacity))
    shape = (*lanes, params.capacity + 1)
    return Population(bits, actions, **{name: np.zeros(shape, dtype) for name, dtype in DTYPES.items()})


class Rule(NamedTuple):
    """One rule, to be read by people."""

    condition: str  # character b is what bit b must be: 0, 1, or # for either
    action: int
    prediction: float
    error: float
    fitness: float
    experience: int
    numerosity: int


def rules(pop: Population) -> list[Rule]:
    """The rules of one robot's population, the fittest first."""
    rows = np.flatnonzero(pop.numerosity)
    rows = rows[np.argsort(-pop.fitness[rows], kind="stable")]
    return [
        Rule(
            condition(int(pop.value[row]), int(pop.care[row]), pop.bits),
            int(pop.action[row]),
            float(pop.prediction[row]),
            float(pop.error[row]),
            float(pop.fitness[row]),
            int(pop.experience[row]),
            int(pop.numerosity[row]),
        )
        for row in rows
    ]


def condition(value: int, care: int, bits: int) -> str:
    """The condition as text of 0, 1 and #, bit 0 first."""
    return "".join(str(value >> b & 1) if care >> b & 1 else "#" for b in range(bits))
