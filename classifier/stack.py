"""Many at once: the dense step of a stack of robots, each robot's life its own, and many lessons of one robot.

What a robot does depends on its number and its population alone, not on who else is in the stack:
`decide` and `learn` here are those of `classifier.xcs`, lane by lane, with the draws of (seed, robot,
tick, purpose). `learn_in_turn` is that of `classifier.xcs`, lesson by lesson.
"""

from typing import Any

import numpy as np

from classifier import xcs
from classifier.conditions import Situation, read
from classifier.draws import EXPLORE, LEARN, Draws
from classifier.gear import kernels
from classifier.params import Params, check
from classifier.population import Population, empty


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
    lanes = len(pop.words)
    seen = _situations(pop, situation, lanes)
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
    lanes = len(pop.words)
    seen, taken, paid = _outcomes(pop, situation, actions, payoffs, lanes)
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


def learn_in_turn(
    pop: Population, situation: Any, actions: Any, payoffs: Any, step: int, params: Params, draws: Draws
) -> None:
    """What came of `actions` (T,) of one robot, learnt one after the other in the steps `step`, `step` + 1, ...

    All draw from `draws`. Raises ValueError for a situation, action or pay-off out of range, before anything is learnt.
    """
    count = len(actions)
    seen, taken, paid = _outcomes(pop, situation, actions, payoffs, count)
    if np.isnan(paid).any():
        raise ValueError(f"payoffs = {paid}: must be {count} numbers")
    xcs.check_fits(pop, params)
    if (fast := kernels()) is not None:
        fast.learn_in_turn(
            *(pop.words, pop.counts, pop.numbers, params.record, draws.state, pop.bits, pop.actions),
            *(*seen, taken, paid, step),
        )
        return
    for t, (action, payoff) in enumerate(zip(taken.tolist(), paid.tolist(), strict=True)):
        xcs.learn(pop, Situation(int(seen.word[t]), seen.x[t]), action, payoff, step + t, params, draws)


def warm_up(params: Params, bits: int, actions: int) -> None:
    """Have what one robot's life needs compiled, or loaded from the cache of an earlier run, now."""
    xcs.warm_up(params, bits, actions)
    learn_in_turn(empty(params, bits, actions), [0], [0], [0.0], 0, params, Draws(0))


def _outcomes(
    pop: Population, situation: Any, actions: Any, payoffs: Any, count: int
) -> tuple[Situation, np.ndarray, np.ndarray]:
    """What `count` actions taken came to, checked and copied: situations, actions and pay-offs, some perhaps NaN."""
    seen = _situations(pop, situation, count)
    taken, paid = _whole("actions", actions, count), np.array(payoffs, np.float64)
    if paid.shape != (count,):
        raise ValueError(f"payoffs of shape {paid.shape}: must be {count} numbers, NaN where none has come")
    for name, value, low, high in (
        ("actions", taken, 0, pop.actions - 1),
        ("payoffs", paid, -xcs.MOST_PAYOFF, xcs.MOST_PAYOFF),
    ):
        if np.count_nonzero((value < low) | (value > high)):
            raise ValueError(f"{name} = {value}: must lie in [{low:.15g}, {high:.15g}]")
    return seen, taken, paid


def _situations(pop: Population, situation: Any, count: int) -> Situation:
    """Checked and copied: words (K,) i8 and inputs (K, D)."""
    word, x = read(pop, situation)
    for name, part, shape in (("words", word, (count,)), ("inputs", x, (count, pop.reals))):
        if np.shape(part) not in (shape, shape[1:]):
            raise ValueError(f"{name} of shape {np.shape(part)}: must be {shape}, a situation for each")
    words, inputs = np.empty(count, np.int64), np.empty((count, pop.reals))
    words[:], inputs[:] = word, x
    return Situation(words, inputs)


def _whole(name: str, values: Any, count: int) -> np.ndarray:
    """(K,) i8, copied. Raises ValueError for another shape, and for what is not whole."""
    array = np.array(values)
    if array.shape != (count,) or array.dtype.kind not in "iu":
        raise ValueError(f"{name} of shape {array.shape} and type {array.dtype}: must be {count} whole numbers")
    return array.astype(np.int64)
