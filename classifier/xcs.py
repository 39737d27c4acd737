"""XCS as in Butz & Wilson 2002, "An algorithmic description of XCS", over bits, real inputs or both.

A situation is one whole number, bit b of the situation in bit b; or real inputs in [0, 1], (D,); or the
pair of both, as the population was made. [M] is the match set: the rules whose condition fits the
situation. [A] is the action set: the rules in [M] for the action taken.

`decide` and `learn` are all that a robot needs; nothing is kept between calls but the population,
so a pay-off may come any number of steps later, and for another robot's situation as well. `step` in
their arguments counts what the paper calls the actual time t: one for each time that the learner
learns, not the ticks of a body.

The mathematics, in NumPy, is in `classifier.conditions` (what fits), `credit` (what is learnt) and `discovery` (where
rules come from and go to). Where numba is installed, the functions here hand over to `classifier.kernels`, which
does the same in loops, bit for bit: sums run in the order of the rows, powers are products, and both draw
the same numbers in the same order.

Two readings of the paper are fixed here: the offspring's error and fitness are reduced whether or
not its parents were crossed, and ties between best actions, or between most general rules, are
decided by a fair draw.
"""

import operator
from math import isnan, nan
from typing import Any

import numpy as np

from classifier.conditions import Situation, action_set, match, read
from classifier.credit import output, update
from classifier.discovery import cover, evolve, specify, subsume
from classifier.draws import Draws
from classifier.gear import kernels
from classifier.params import Params, check
from classifier.population import (
    ACTION,
    BOUNDS,
    FITNESS,
    NO_REALS,
    NUMEROSITY,
    PREDICTION,
    STAMP,
    Population,
    empty,
    shape_for,
)

MOST_PAYOFF = 1e9


def decide(
    pop: Population, situation: Any, step: int, params: Params, draws: Draws, explore: float
) -> tuple[int, np.ndarray]:
    """The action to take and the predicted pay-offs (A,), one robot; covers what has no rule.

    `explore` is the probability of a random action. Raises ValueError for a situation out of range.
    """
    if not (type(explore) is float and 0 <= explore <= 1):
        check("explore", explore, 0, 1)
    word, x = _read(pop, situation, params)
    if (fast := kernels()) is None:
        known = _predict(pop, Situation(word, x), step, params, draws)
        return _choose(known, explore, draws), np.array(known)
    predictions = np.empty(pop.actions)
    chosen: int = fast.decide(
        pop.words, pop.counts, pop.numbers, params.record, draws.state, pop.bits, word, x, step, explore, predictions
    )
    return chosen, predictions


def predict(pop: Population, situation: Any, step: int, params: Params, draws: Draws) -> np.ndarray:
    """The predicted pay-offs (A,) of one robot's actions; covers what has no rule.

    With theta_mna below the number of actions some may stay unknown, NaN. Raises ValueError for a
    situation out of range.
    """
    word, x = _read(pop, situation, params)
    if (fast := kernels()) is None:
        return np.array(_predict(pop, Situation(word, x), step, params, draws))
    predictions = np.empty(pop.actions)
    fast.predict(pop.words, pop.counts, pop.numbers, params.record, draws.state, pop.bits, word, x, step, predictions)
    return predictions


def _predict(pop: Population, seen: Situation, step: int, params: Params, draws: Draws) -> list[float]:
    enough = params.theta_mna or pop.actions
    while True:
        predictions = _prediction_array(pop, match(pop, seen), seen.x)
        missing = [action for action, p in enumerate(predictions) if isnan(p)]
        if len(predictions) - len(missing) >= enough:
            return predictions
        cover(pop, seen, missing[draws.below(len(missing))], step, params, draws)


def choose(predictions: np.ndarray, explore: float, draws: Draws) -> int:
    """One of the actions with a prediction (A,): with probability `explore` any, else one with the highest.

    Raises ValueError where all predictions are NaN.
    """
    if (fast := kernels()) is not None:
        chosen: int = fast.choose(np.ascontiguousarray(predictions, np.float64), explore, draws.state)
    else:
        chosen = _choose(predictions.tolist(), explore, draws)
    if chosen < 0:
        raise ValueError(f"predictions = {predictions}: at least one must be a number")
    return chosen


def _choose(predictions: list[float], explore: float, draws: Draws) -> int:
    explores = draws.one() < explore
    highest = nan if explores else max([p for p in predictions if not isnan(p)], default=nan)
    among = [action for action, p in enumerate(predictions) if p == highest or (explores and not isnan(p))]
    skip = draws.below(len(among))
    return among[skip] if among else -1


def learn(pop: Population, situation: Any, action: int, payoff: float, step: int, params: Params, draws: Draws) -> None:
    """Update one robot's rules for what came of `action` in `situation`; evolve them when that is due.

    Raises ValueError for a situation, action or pay-off out of range.
    """
    word, x = _read(pop, situation, params)
    if not (type(action) is int and 0 <= action < pop.actions):
        action = read_action(pop, action)
    if not (type(payoff) is float and -MOST_PAYOFF <= payoff <= MOST_PAYOFF):
        check("payoff", payoff, -MOST_PAYOFF, MOST_PAYOFF)
    if (fast := kernels()) is not None:
        words, counts, numbers, record, state = pop.words, pop.counts, pop.numbers, params.record, draws.state
        fast.learn(words, counts, numbers, record, state, pop.bits, pop.actions, word, x, action, payoff, step)
        return
    seen = Situation(word, x)
    while not (acting := action_set(pop, seen, action)).size:
        cover(pop, seen, action, step, params, draws)
    update(pop, acting, payoff, seen.x, params)
    if params.do_as_subsumption:
        acting = subsume(pop, acting, params, draws)
    if params.p_specify > 0:
        acting = specify(pop, acting, seen, step, params, draws)
        if not acting.size:
            return
    n, stamps = (pop.counts[row][acting].tolist() for row in (NUMEROSITY, STAMP))
    if step - sum(map(operator.mul, stamps, n)) / sum(n) > params.theta_ga:
        evolve(pop, acting, seen, step, params, draws)


def best(pop: Population, situation: Any) -> np.ndarray:
    """The highest predicted pay-off (...,) for situations (...,); NaN where no rule matches."""
    highest: np.ndarray = np.fmax.reduce(predictions_known(pop, situation), axis=-1)
    return highest


def warm_up(params: Params, bits: int, actions: int, reals: int = 0) -> None:
    """Have what the entry points need compiled, or loaded from the cache of an earlier run, now."""
    pop, draws = empty(params, bits, actions, reals=reals), Draws(0)
    seen = Situation(0, np.zeros(reals))
    decide(pop, seen, 0, params, draws, 0.0)
    learn(pop, seen, 0, 0.0, 0, params, draws)
    best(pop, seen)


def prediction_array(pop: Population, rows: np.ndarray, x: np.ndarray = NO_REALS) -> np.ndarray:
    """Fitness-weighted mean prediction per action (A,) of one robot's rules in [M]; NaN where there is none."""
    return np.array(_prediction_array(pop, rows, x))


def _prediction_array(pop: Population, rows: np.ndarray, x: np.ndarray) -> list[float]:
    actions, fitness, outputs = pop.counts[ACTION][rows], pop.numbers[FITNESS][rows], pop.numbers[PREDICTION][rows]
    if len(pop.numbers) > BOUNDS + 2 * pop.reals:  # predictions are linear
        outputs = output([outputs, *pop.slopes[:, rows]], [1.0, *x.tolist()])
    total = np.bincount(actions, fitness, pop.actions).tolist()  # adds row by row
    payoff = np.bincount(actions, fitness * outputs, pop.actions).tolist()
    return [P / F if F else nan for P, F in zip(payoff, total, strict=True)]


def predictions_known(pop: Population, situation: Any) -> np.ndarray:
    """The prediction array (..., A) of robots in situations (...,), NaN where no rule matches; covers nothing."""
    seen = read(pop, situation)
    lanes = pop.words.shape[:-2]
    fast, out = kernels(), np.empty((*lanes, pop.actions))
    if not lanes:
        _one(pop, seen)
        if fast is None:
            return prediction_array(pop, match(pop, seen), seen.x)
        fast.known(pop.words, pop.counts, pop.numbers, *seen, out)
        return out
    word, x = np.broadcast_to(np.asarray(seen.word, np.uint64), lanes), np.broadcast_to(seen.x, (*lanes, pop.reals))
    for lane in np.ndindex(lanes):
        out[lane] = predictions_known(pop.lane(lane), Situation(int(word[lane]), x[lane].copy()))
    return out


def read_action(pop: Population, action: Any) -> int:
    """The action as a whole number. Raises ValueError for none of the population's."""
    try:
        number = operator.index(action)
    except TypeError:
        raise ValueError(f"action = {action!r}: must be a whole number") from None
    check("action", number, 0, pop.actions - 1)
    return number


def _read(pop: Population, situation: Any, params: Params) -> tuple[Any, np.ndarray]:
    """`read`, after a check that `pop` is one robot's and was made for such parameters; raises ValueError."""
    if type(situation) is int and 0 <= situation < pop.words_end and pop.capacity == params.capacity:
        return situation, NO_REALS
    check_fits(pop, params)
    word, x = seen = read(pop, situation)
    _one(pop, seen)
    return word, np.ascontiguousarray(x, np.float64)


def check_fits(pop: Population, params: Params) -> None:
    """Raise ValueError for a population that is not one robot's, or was made for other parameters."""
    if pop.numbers.shape != (shape := shape_for(params, pop.reals)):
        raise ValueError(f"population of shape {pop.numbers.shape}: one robot's with these parameters has {shape}")


def _one(pop: Population, seen: Situation) -> None:
    """Raise ValueError for the situations of many."""
    if np.ndim(seen.word):
        raise ValueError(f"situations of shape {np.shape(seen.word)}: must be one whole number, one robot's")
    if seen.x.ndim != 1:
        raise ValueError(f"situation of shape {seen.x.shape}: must be ({pop.reals},), one robot's")
