"""XCS in loops for numba: the same decisions from the same draws as in NumPy, bit for bit.

The modules are those of the package by the same names, and so are the functions, which are explained there. Arrays are
those of one robot, as `classifier.population.Population` and `classifier.params.Params.record` hold them;
`acting` and `rows` hold the rows of [A] or [M].

`decide`, `predict` and `learn` are the compiled code itself, made when first asked for: to look at the types of what
is given, as numba does at each call, takes as long as to decide. They are to be those of `TYPES`.
"""

from collections.abc import Callable
from typing import Any

import numba

from classifier.kernels import xcs
from classifier.kernels.lives import decide_all, episode, learn_all, learn_in_turn, lessons, predictions_all
from classifier.kernels.xcs import choose, known
from classifier.params import RECORD

I8, F8, ARRAY = numba.int64, numba.float64, numba.types.Array
ROBOT = (ARRAY(numba.uint64, 2, "C"), ARRAY(I8, 2, "C"), ARRAY(F8, 2, "C"))  # words, counts, numbers
COMMON = (*ROBOT, ARRAY(numba.from_dtype(RECORD), 1, "C"), ARRAY(numba.uint64, 1, "C"), I8)  # params, draws, bits
REALS = ARRAY(F8, 1, "C")
TYPES = {
    "decide": (*COMMON, I8, REALS, I8, F8, REALS),
    "predict": (*COMMON, I8, REALS, I8, REALS),
    "learn": (*COMMON, I8, I8, REALS, I8, F8, I8),
}


def __getattr__(name: str) -> Callable[..., Any]:
    if name not in TYPES:
        raise AttributeError(name)
    made: Callable[..., Any] = getattr(xcs, name).compile(TYPES[name])
    globals()[name] = made
    return made


__all__ = [
    "choose",
    "decide_all",
    "episode",
    "known",
    "learn_all",
    "learn_in_turn",
    "lessons",
    "predictions_all",
]
