"""Many robots at once: the dense step of a stack of populations, each robot's life its own.

What a robot does depends on its number and its population alone, not on who else is in the stack:
`decide` and `learn` here are those of `classifier.xcs`, lane by lane, with the draws of (seed, robot,
tick, purpose).
"""

from typing import Any

import numpy as np

from classifier import xcs
from classifier.conditions import Situation, read
from classifier.draws import EXPLORE, LEARN, Draws
from classifier.gear import kernels
from classifier.params import Params, check
from classifier.population import Population


def decide(
    pop: Population,
    situation: Any,
    steps: np.ndarray,
    params: Params,
    seed: int,
    robots: np.ndarray,
    tick: int,
    explore: float,
) -> tuple[np.ndarray, np.ndarray]:
    """The actions (L,) that robots take and their prediction arrays (L, A); `situation` is (L,), (L, D) or both.

    `steps` (L,) counts each robot's lessons, `robots` (L,) are their numbers. Raises ValueError for a
    situation out of range.
    """
    seen = _situations(pop, situation)
    lanes = len(pop.words)
    check("explore", explore, 0, 1)
    predictions, chosen = np.empty((lanes, pop.actions)), np.empty(lanes, np.int64)
    if (fast := kernels()) is not None:
        fast.decide_all(
            *(pop.words, pop.counts, pop.numbers, params.record, Draws(0).state, pop.bits, *seen),
            *(_whole("steps", steps, lanes), seed, _whole("robots", robots, lanes), tick, explore, predictions, chosen),
        )
        return chosen, predictions
    for lane in range(lanes):
        one = Situation(int(seen.word[lane]), seen.x[lane])
        draws = Draws(seed, int(robots[lane]), tick, EXPLORE)
        chosen[lane], predictions[lane] = xcs.decide(pop.lane(lane), one, int(steps[lane]), params, draws, explore)
    return chosen, predictions


def learn(
    pop: Population,
    situation: Any,
    actions: np.ndarray,
    payoffs: np.ndarray,
    steps: np.ndarray,
    params: Params,
    seed: int,
    robots: np.ndarray,
    tick: int,
) -> None:
    """What came of the `actions` (L,) that robots took; a pay-off (L,) that is NaN has not come yet.

    Raises ValueError for a situation, action or pay-off out of range.
    """
    seen, lanes = _situations(pop, situation), len(pop.words)
    taken, paid = _whole("actions", actions, lanes), np.array(payoffs, np.float64)
    if paid.shape != (lanes,):
        raise ValueError(f"payoffs of shape {paid.shape}: must be {lanes} numbers, NaN where none has come")
    for name, value, low, high in (
        ("actions", taken, 0, pop.actions - 1),
        ("payoffs", paid[~np.isnan(paid)], -xcs.MOST_PAYOFF, xcs.MOST_PAYOFF),
    ):
        if ((value < low) | (value > high)).any():
            raise ValueError(f"{name} = {value}: must lie in [{low:.15g}, {high:.15g}]")
    if (fast := kernels()) is not None:
        fast.learn_all(
            *(pop.words, pop.counts, pop.numbers, params.record, Draws(0).state, pop.bits, pop.actions),
            *(*seen, taken, paid, _whole("steps", steps, lanes), seed, _whole("robots", robots, lanes), tick),
        )
        return
    for lane in np.flatnonzero(~np.isnan(paid)).tolist():
        one = Situation(int(seen.word[lane]), seen.x[lane])
        draws = Draws(seed, int(robots[lane]), tick, LEARN)
        xcs.learn(pop.lane(lane), one, int(taken[lane]), float(paid[lane]), int(steps[lane]), params, draws)


def _situations(pop: Population, situation: Any) -> Situation:
    """Checked and copied: words (L,) i8 and inputs (L, D)."""
    seen = read(pop, situation)
    lanes = len(pop.words)
    for name, part, shape in (("words", seen.word, (lanes,)), ("inputs", seen.x, (lanes, pop.reals))):
        if np.shape(part) not in (shape, shape[1:]):
            raise ValueError(f"{name} of shape {np.shape(part)}: must be {shape}, a situation for each robot")
    word = np.broadcast_to(np.asarray(seen.word), lanes).astype(np.int64)
    return Situation(word, np.array(np.broadcast_to(seen.x, (lanes, pop.reals))))


def _whole(name: str, values: Any, lanes: int) -> np.ndarray:
    """(L,) i8, copied. Raises ValueError for another shape, and for what is not whole."""
    array = np.array(values)
    if array.shape != (lanes,) or array.dtype.kind not in "iu":
        raise ValueError(f"{name} of shape {array.shape} and type {array.dtype}: must be {lanes} whole numbers")
    return array.astype(np.int64)
