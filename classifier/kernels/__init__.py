"""XCS in loops for numba: the same decisions from the same draws as in NumPy, bit for bit.

The modules are those of the package by the same names, and so are the functions, which are explained there. Arrays are
those of one robot, as `classifier.population.Population` and `classifier.params.Params.record` hold them;
`acting` and `rows` hold the rows of [A] or [M].
"""

from classifier.kernels.lives import decide_all, episode, learn_all, learn_in_turn, lessons, predictions_all
from classifier.kernels.xcs import choose, decide, known, learn, predict

__all__ = [
    "choose",
    "decide",
    "decide_all",
    "episode",
    "known",
    "learn",
    "learn_all",
    "learn_in_turn",
    "lessons",
    "predict",
    "predictions_all",
]
