"""XCS as in Butz & Wilson 2002, "An algorithmic description of XCS", over bits, real inputs or both.

A situation is one whole number, bit b of the situation in bit b; or real inputs in [0, 1], (D,); or the
pair of both, as the population was made. [M] is the match set: the rules whose condition fits the
situation. [A] is the action set: the rules in [M] for the action taken.

`decide` and `learn` are all that a robot needs; nothing is kept between calls but the population,
so a pay-off may come any number of steps later, and for another robot's situation as well. `step` in
their arguments counts what the paper calls the actual time t: one for each time that the learner
learns, not the ticks of a body.

The functions below are the mathematics, in NumPy. Where numba is installed, the entry points hand over
to `classifier.kernels`, which does the same in loops, bit for bit: sums run in the order of the rows,
powers are products, and both draw the same numbers in the same order.

Two readings of the paper are fixed here: the offspring's error and fitness are reduced whether or
not its parents were crossed, and ties between best actions, or between most general rules, are
decided by a fair draw.
"""

import operator
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from classifier.draws import Draws
from classifier.gear import kernels
from classifier.params import Params, check
from classifier.population import BOUNDS, ERROR, FITNESS, NO_REALS, Population, empty, shape_for

MOST_PAYOFF = 1e9
SPECIFY_EXPERIENCE = 20  # N_sp: mean experience of [A] from which on specify acts [Lanzi 1997]
SPECIFY_ERROR = 2  # how many times the population's mean error that of [A] must be [Lanzi 1997]


class Situation(NamedTuple):
    """What rules are matched with, checked."""

    word: Any  # the bits: int, or u8 (...) for a stack of robots
    x: np.ndarray  # (..., D) the real inputs


def decide(
    pop: Population, situation: Any, step: int, params: Params, draws: Draws, explore: float
) -> tuple[int, np.ndarray]:
    """The action to take and the predicted pay-offs (A,), one robot; covers what has no rule.

    `explore` is the probability of a random action. Raises ValueError for a situation out of range.
    """
    if (fast := kernels()) is not None:
        _check_fit(pop, params)
        word, x = read(pop, situation)
        predictions = np.empty(pop.actions)
        chosen: int = fast.decide(
            *(pop.words, pop.counts, pop.numbers, params.record, draws.state, pop.bits),
            *(word, x, step, explore, predictions),
        )
        return chosen, predictions
    predictions = predict(pop, situation, step, params, draws)
    return choose(predictions, explore, draws), predictions


def predict(pop: Population, situation: Any, step: int, params: Params, draws: Draws) -> np.ndarray:
    """The predicted pay-offs (A,) of one robot's actions; covers what has no rule.

    Raises ValueError for a situation out of range.
    """
    _check_fit(pop, params)
    seen = read(pop, situation)
    if (fast := kernels()) is not None:
        predictions = np.empty(pop.actions)
        fast.predict(
            *(pop.words, pop.counts, pop.numbers, params.record, draws.state, pop.bits),
            *(seen.word, seen.x, step, predictions),
        )
        return predictions
    predictions = prediction_array(pop, match(pop, seen), seen.x)
    while (missing := np.flatnonzero(np.isnan(predictions))).size:
        cover(pop, seen, int(missing[draws.below(missing.size)]), step, params, draws)
        predictions = prediction_array(pop, match(pop, seen), seen.x)
    return predictions


def choose(predictions: np.ndarray, explore: float, draws: Draws) -> int:
    """A random action with probability `explore`, else one with the highest of `predictions` (A,).

    Raises ValueError for NaN among the predictions.
    """
    if (fast := kernels()) is not None:
        chosen: int = fast.choose(np.ascontiguousarray(predictions, np.float64), explore, draws.state)
    elif draws.one() < explore:
        chosen = draws.below(predictions.size)
    else:
        highest = np.flatnonzero(predictions == predictions.max())
        skip = draws.below(highest.size)
        chosen = int(highest[skip]) if highest.size else -1
    if chosen < 0:
        raise ValueError(f"predictions = {predictions}: must be numbers")
    return chosen


def learn(pop: Population, situation: Any, action: int, payoff: float, step: int, params: Params, draws: Draws) -> None:
    """Update one robot's rules for what came of `action` in `situation`; evolve them when that is due.

    Raises ValueError for a situation, action or pay-off out of range.
    """
    _check_fit(pop, params)
    seen = read(pop, situation)
    check("action", action, 0, pop.actions - 1)
    check("payoff", payoff, -MOST_PAYOFF, MOST_PAYOFF)
    if (fast := kernels()) is not None:
        fast.learn(
            *(pop.words, pop.counts, pop.numbers, params.record, draws.state, pop.bits, pop.actions),
            *(seen.word, seen.x, action, float(payoff), step),
        )
        return
    while not (acting := action_set(pop, seen, action)).size:
        cover(pop, seen, action, step, params, draws)
    update(pop, acting, payoff, seen.x, params)
    if params.do_as_subsumption:
        acting = subsume(pop, acting, params, draws)
    if params.p_specify > 0:
        specify(pop, acting, seen, step, params, draws)
        acting = acting[pop.numerosity[acting] > 0]  # a rule came in, another one went
        if not acting.size:
            return
    n = pop.numerosity[acting]
    if step - (pop.stamp[acting] * n).sum() / n.sum() > params.theta_ga:
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


def predictions_known(pop: Population, situation: Any) -> np.ndarray:
    """The prediction array (..., A) of robots in situations (...,), NaN where no rule matches; covers nothing."""
    seen = read(pop, situation)
    if (fast := kernels()) is None:
        return prediction_array(pop, match(pop, seen), seen.x)
    lanes = pop.words.shape[:-2]
    count = int(np.prod(lanes))
    out = np.empty((*lanes, pop.actions))
    fast.prediction_arrays(
        *(array.reshape(count, *array.shape[-2:]) for array in (pop.words, pop.counts, pop.numbers)),
        np.broadcast_to(np.asarray(seen.word, np.uint64), lanes).flatten(),
        np.broadcast_to(seen.x, (*lanes, pop.reals)).reshape(count, pop.reals).copy(),
        out.reshape(count, pop.actions),
    )
    return out


def read(pop: Population, situation: Any) -> Situation:
    """The situation, checked and copied. Raises ValueError for what the population's rules cannot match."""
    if type(situation) is int and not pop.reals and 0 <= situation < 1 << pop.bits:
        return Situation(situation, NO_REALS)
    if isinstance(situation, Situation):
        return situation
    if not pop.reals:
        return Situation(_read_word(pop, situation), NO_REALS)
    if not pop.bits:
        return Situation(0, _read_reals(pop, situation))
    if not isinstance(situation, tuple) or len(situation) != 2:
        raise ValueError(f"situation = {situation!r}: must be the pair (bits as a whole number, real inputs)")
    return Situation(_read_word(pop, situation[0]), _read_reals(pop, situation[1]))


def _check_fit(pop: Population, params: Params) -> None:
    """Raise ValueError unless `pop` is one robot's and was made for such parameters."""
    shape = shape_for(params, pop.reals)
    if pop.numbers.shape != shape:
        raise ValueError(f"population of shape {pop.numbers.shape}: one robot's with these parameters has {shape}")


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
        array = np.array(x, np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"situation = {x!r}: must be {pop.reals} numbers in [0, 1]") from None
    if array.shape[-1:] != (pop.reals,):
        raise ValueError(f"situation of shape {array.shape}: the last axis must be {pop.reals} real inputs")
    if not ((array >= 0) & (array <= 1)).all():
        where = tuple(np.argwhere(~((array >= 0) & (array <= 1)))[0].tolist())
        raise ValueError(f"situation{list(where)} = {array[where]}: must lie in [0, 1]")
    return array


def match(pop: Population, situation: Any) -> np.ndarray:
    """Which rules (..., R) are in the match set [M] of situations (...,)."""
    word, x = read(pop, situation)
    bits = np.asarray(word, np.uint64)[..., None]
    matched: np.ndarray = (((pop.value ^ bits) & pop.care) == 0) & (pop.numerosity > 0)
    if pop.reals:
        low, high = interval(pop.bounds)
        inputs = x[..., None]
        matched &= ((low <= inputs) & (inputs <= high)).all(-2)
    return matched


def interval(bounds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The lower and the upper ends (..., D, R) of intervals with bounds (..., 2 D, R)."""
    one, other = bounds[..., 0::2, :], bounds[..., 1::2, :]
    return np.minimum(one, other), np.maximum(one, other)


def action_set(pop: Population, situation: Any, action: int) -> np.ndarray:
    """The rows of [A], one robot."""
    return np.flatnonzero(match(pop, situation) & (pop.action == action))


def prediction_array(pop: Population, matched: np.ndarray, x: np.ndarray = NO_REALS) -> np.ndarray:
    """Fitness-weighted mean prediction per action (..., A) of the rules in [M]; NaN where there is none."""
    at = np.nonzero(matched)
    rows, lanes = at[-1], at[:-1]
    shape = (*matched.shape[:-1], pop.actions)
    cells = np.ravel_multi_index((*lanes, pop.action[at]), shape)
    fitness, outputs = pop.fitness[at], pop.prediction[at]
    for d in range(pop.slopes.shape[-2]):
        outputs = outputs + pop.slopes[(*lanes, d, rows)] * x[(*lanes, d)]
    count = int(np.prod(shape))
    total = np.bincount(cells, fitness, count)  # adds row by row
    payoff = np.bincount(cells, fitness * outputs, count)
    out = np.full(count, np.nan)
    np.divide(payoff, total, out=out, where=total > 0)
    return out.reshape(shape)


def cover(pop: Population, situation: Any, action: int, step: int, params: Params, draws: Draws) -> None:
    """Add a rule that matches `situation` and advocates `action`; a crowded population loses another."""
    word, x = read(pop, situation)
    care = _word(draws.many(pop.bits) >= params.p_wild)
    numbers = np.zeros(pop.numbers.shape[-2])
    numbers[:BOUNDS] = params.p_init, params.epsilon_init, params.f_init, 1.0
    away = params.spread * draws.many(2 * pop.reals)
    numbers[BOUNDS : BOUNDS + 2 * pop.reals : 2] = np.maximum(x - away[0::2], 0)
    numbers[BOUNDS + 1 : BOUNDS + 2 * pop.reals : 2] = np.minimum(x + away[1::2], 1)
    insert(pop, care & word, care, action, numbers, step)
    delete(pop, params, draws)


def update(pop: Population, acting: np.ndarray, payoff: float, x: np.ndarray, params: Params) -> None:
    """Update prediction, error, action-set size and fitness of the rules in [A].

    The first 1/beta updates of a rule average (MAM, moyenne adaptative modifiee), the later ones step
    by beta. The gradient scales the prediction's step once the average is over. Linear predictions
    step along the inputs by eta (normalized least mean squares).

    The paper's listing updates the prediction before the error, Butz's XCSJava (2000) the error first,
    "to be more conservative": else any rule looks exact after its first update. Error first is the
    default: it solves the 20-multiplexer in two thirds of the problems.
    """
    P, beta, n = payoff, params.beta, pop.numerosity[acting]
    epsilon, F, size = pop.error[acting], pop.fitness[acting], pop.size[acting]
    exp = pop.experience[acting] + 1
    rate = np.maximum(1 / exp, beta)
    share = F / total(F) if params.gradient else np.ones_like(F)
    weights, inputs = [pop.prediction[acting]], [1.0]
    if params.linear and pop.reals:
        weights, inputs = weights + list(pop.slopes[:, acting]), inputs + x.tolist()
        p_rate = params.eta * share / total(np.square(inputs))
    else:
        p_rate = np.where(rate > beta, rate, beta * share)
    p = output(weights, inputs)
    new = [w + p_rate * (P - p) * i for w, i in zip(weights, inputs, strict=True)]

    epsilon += rate * (abs(P - (p if params.error_first else output(new, inputs))) - epsilon)
    size += rate * (n.sum() - size)

    closeness = power(params.epsilon0 / np.maximum(epsilon, params.epsilon0), params.nu)
    kappa = np.where(epsilon < params.epsilon0, 1.0, params.alpha * closeness) * n
    F = (1 - beta) * F + beta * kappa / total(kappa)  # so written, F never rounds to 0

    pop.experience[acting] = exp
    pop.prediction[acting] = new[0]
    for slope, values in zip(pop.slopes, new[1:], strict=True):
        slope[acting] = values
    pop.error[acting] = epsilon
    pop.size[acting] = size
    pop.fitness[acting] = F


def output(weights: Sequence[np.ndarray], inputs: Sequence[float]) -> np.ndarray:
    """The predictions of rules: weights times inputs, added in order."""
    p = weights[0]
    for w, i in zip(weights[1:], inputs[1:], strict=True):
        p = p + w * i
    return p


def total(values: np.ndarray) -> float:
    """The sum, added in order: NumPy's own sum adds in pairs, so depends on what it is compiled for."""
    return float(np.add.accumulate(values)[-1])


def power(base: np.ndarray, exponent: float) -> np.ndarray:
    """A whole power as a product, the same on every machine."""
    product = np.ones_like(base)
    for _ in range(int(exponent)):
        product = product * base
    return product


def subsume(pop: Population, acting: np.ndarray, params: Params, draws: Draws) -> np.ndarray:
    """Let the most general rule that may subsume absorb more special ones in [A]; returns what is left."""
    able = acting[may_subsume(pop, acting, params)]
    if not able.size:
        return acting
    special = specificity(pop, able)
    widest = able[special == special.min()]
    subsumer = widest[draws.below(widest.size)]
    general = is_more_general(pop, subsumer, pop.value[acting], pop.care[acting], pop.bounds[:, acting])
    pop.numerosity[subsumer] += pop.numerosity[acting[general]].sum()
    pop.numerosity[acting[general]] = 0
    left: np.ndarray = acting[~general]
    return left


def specificity(pop: Population, rows: np.ndarray) -> np.ndarray:
    """How much the rules leave out: bits that matter, and what their intervals lack of [0, 1]."""
    special: np.ndarray = np.bitwise_count(pop.care[rows]).astype(float)
    for low, high in zip(*interval(pop.bounds[:, rows]), strict=True):
        special = special + (1 - (high - low))
    return special


def may_subsume(pop: Population, rows: np.ndarray | int, params: Params) -> np.ndarray:
    """Whether the rules are accurate and experienced enough to stand for more special ones."""
    enough: np.ndarray = (pop.experience[rows] > params.theta_sub) & (pop.error[rows] < params.epsilon0)
    return enough


def is_more_general(
    pop: Population, row: int, value: np.ndarray | int, care: np.ndarray | int, bounds: np.ndarray = NO_REALS
) -> np.ndarray:
    """Whether rule `row` matches all that the conditions (value, care, bounds) match, and more."""
    wide = pop.care[row]
    more: np.ndarray = (wide & care == wide) & (pop.value[row] == value & wide)
    if not pop.reals:
        return np.asarray(more & (wide != care))
    bounds = bounds.reshape(2 * pop.reals, -1)
    (low, high), (inner_low, inner_high) = interval(pop.bounds[:, [row]]), interval(bounds)
    within = ((low <= inner_low) & (inner_high <= high)).all(0)
    wider = ((low < inner_low) | (inner_high < high)).any(0)
    return np.asarray(more & within & ((wide != care) | wider)).reshape(np.shape(value))


def evolve(pop: Population, acting: np.ndarray, situation: Any, step: int, params: Params, draws: Draws) -> None:
    """Run the genetic algorithm in [A]: two parents, two offspring whose bits match the situation as well.

    The paper's listing derives an offspring's fitness from its parent's, Butz's XCSJava (2000) from that
    of one copy of it (`copy_fitness`). Of all copies together, newcomers outdo what they come from: a
    population for the 20-multiplexer then holds a quarter more rules, but a small one learns faster.
    """
    word, _ = read(pop, situation)
    pop.stamp[acting] = step
    parents = [select(pop, acting, params, draws) for _ in range(2)]
    cares = [int(pop.care[row]) for row in parents]
    numbers = pop.numbers[:, parents]
    if params.copy_fitness:
        numbers[FITNESS] /= pop.numerosity[parents]
    action = int(pop.action[parents[0]])
    if draws.one() < params.chi:
        cares = crossover(cares, numbers[BOUNDS : BOUNDS + 2 * pop.reals], pop.bits, draws)
        for inherited in (numbers[: FITNESS + 1], numbers[BOUNDS + 2 * pop.reals :]):
            inherited[:] = (inherited[:, :1] + inherited[:, 1:]) / 2
    numbers[ERROR] *= params.error_factor
    numbers[FITNESS] *= params.fitness_factor
    for care, child in zip(cares, numbers.T, strict=True):
        # All conditions in [A] match the situation's bits, so care says everything about them.
        care ^= _word(draws.many(pop.bits) < params.mu)  # noqa: PLW2901
        value = word & care
        mutate_bounds(child[BOUNDS : BOUNDS + 2 * pop.reals], params, draws)
        does = mutate_action(action, pop.actions, params, draws)
        add_offspring(pop, parents, value, care, does, child, step, params)
        delete(pop, params, draws)


def add_offspring(
    pop: Population,
    parents: list[int],
    value: int,
    care: int,
    action: int,
    numbers: np.ndarray,
    step: int,
    params: Params,
) -> None:
    """One more copy of the first parent that makes the offspring superfluous, else a rule of its own."""
    if params.do_ga_subsumption:
        for row in parents:
            if subsumes(pop, row, value, care, action, params, numbers[BOUNDS : BOUNDS + 2 * pop.reals]):
                pop.numerosity[row] += 1
                return
    insert(pop, value, care, action, numbers, step)


def select(pop: Population, acting: np.ndarray, params: Params, draws: Draws) -> int:
    """A parent from [A]: roulette wheel over F, or tournament.

    In a tournament every copy of a rule takes part with probability tau and the highest F per copy
    wins; none taking part is drawn again. Asked in the order of their F per copy, the first copy to say
    yes comes after k that said no, with probability (1 - tau)^k tau; to ask all again is to count on.
    """
    if params.tournament == 0:
        return int(acting[_spin(np.cumsum(pop.fitness[acting]), draws)])
    n = pop.numerosity[acting]
    ranked = np.argsort(-(pop.fitness[acting] / n), kind="stable")
    refusals = count_refusals(params.tournament, draws) % int(n.sum())
    return int(acting[ranked[np.searchsorted(np.cumsum(n[ranked]), refusals, side="right")]])


def count_refusals(tau: float, draws: Draws) -> int:
    """How many copies in a row stay out of a tournament, if there is no end of them."""
    u, stay, count = draws.one(), 1 - tau, 0
    while u < stay:
        stay *= 1 - tau
        count += 1
    return count


def crossover(cares: list[int], bounds: np.ndarray, bits: int, draws: Draws) -> list[int]:
    """Two-point crossover: neighbouring inputs, which often belong to one quantity, stay together.

    Swaps within `bounds` (2 D, 2) in place and returns the two new words of `care`.
    """
    genes = bits + len(bounds)
    low, high = sorted((draws.below(genes + 1), draws.below(genes + 1)))
    inside = (1 << min(high, bits)) - (1 << min(low, bits))
    swapped = (cares[0] ^ cares[1]) & inside
    cut = slice(max(low - bits, 0), max(high - bits, 0))
    bounds[cut] = bounds[cut, ::-1].copy()
    return [cares[0] ^ swapped, cares[1] ^ swapped]


def mutate_bounds(bounds: np.ndarray, params: Params, draws: Draws) -> None:
    """Move each of the bounds (2 D,) with probability mu, in place."""
    moves, how_far = draws.many(2 * bounds.size).reshape(-1, 2).T
    moved = np.clip(bounds + params.shift * (2 * how_far - 1), 0, 1)
    bounds[:] = np.where(moves < params.mu, moved, bounds)


def mutate_action(action: int, actions: int, params: Params, draws: Draws) -> int:
    """Another action with probability mu."""
    if actions > 1 and draws.one() < params.mu:
        return (action + 1 + draws.below(actions - 1)) % actions
    return action


def subsumes(
    pop: Population, row: int, value: int, care: int, action: int, params: Params, bounds: np.ndarray = NO_REALS
) -> bool:
    """Whether rule `row` makes the rule (value, care, bounds, action) superfluous."""
    return bool(
        pop.numerosity[row] > 0  # a parent may have been deleted for its first child
        and pop.action[row] == action
        and may_subsume(pop, row, params)
        and is_more_general(pop, row, value, care, bounds)
    )


def specify(pop: Population, acting: np.ndarray, situation: Any, step: int, params: Params, draws: Draws) -> None:
    """Copy a rule of an inaccurate [A] with some of its don't-cares fixed as in the situation [Lanzi 1997]."""
    word, _ = read(pop, situation)
    n, everybody = pop.numerosity[acting], pop.numerosity
    experience = (pop.experience[acting] * n).sum() / n.sum()
    error = total(pop.error[acting] * n) / n.sum()
    mean = total(np.where(everybody > 0, pop.error * everybody, 0.0)) / everybody.sum()
    if experience < SPECIFY_EXPERIENCE or error < SPECIFY_ERROR * mean:
        return
    row = int(acting[_spin(np.cumsum(pop.error[acting] * n), draws)])
    fixed = _word(draws.many(pop.bits) < params.p_specify)
    care = int(pop.care[row]) | fixed
    numbers = pop.numbers[:, row].copy()
    numbers[FITNESS] *= params.fitness_factor
    insert(pop, word & care, care, int(pop.action[row]), numbers, step)
    delete(pop, params, draws)


def insert(pop: Population, value: int, care: int, action: int, numbers: np.ndarray, stamp: int) -> None:
    """Add one copy of a rule: to the same rule if there is one, else in a free row.

    `numbers` is the rule's column of `Population.numbers`.
    """
    same = (pop.care == care) & (pop.value == value) & (pop.action == action) & (pop.numerosity > 0)
    if pop.reals:
        same &= (pop.bounds == numbers[BOUNDS : BOUNDS + 2 * pop.reals, None]).all(0)
    if same.any():
        pop.numerosity[same] += 1
        return
    row = int(np.argmin(pop.numerosity))
    pop.words[:, row] = value, care
    pop.counts[:, row] = action, 0, stamp, 1
    pop.numbers[:, row] = numbers


def delete(pop: Population, params: Params, draws: Draws) -> None:
    """Take out single copies, drawn by vote, until the population is within its capacity.

    A rule's vote is as x n: large action sets lose more. An experienced rule whose fitness per copy is
    below delta of the population's mean has its vote multiplied by how far it is below.
    """
    while (copies := int(pop.numerosity.sum())) > params.capacity:
        n = pop.numerosity
        vote = pop.size * n
        mean = total(np.where(n > 0, pop.fitness, 0.0)) / copies
        own = pop.fitness / np.maximum(n, 1)
        weak = (pop.experience > params.theta_del) & (own < params.delta * mean) & (n > 0)
        vote[weak] *= mean / own[weak]
        pop.numerosity[_spin(np.cumsum(vote), draws)] -= 1


def _spin(cumulated: np.ndarray, draws: Draws) -> int:
    """The sector of a wheel with these cumulated weights at which a draw points."""
    return int(np.searchsorted(cumulated[:-1], draws.one() * cumulated[-1], side="right"))


def _word(flags: np.ndarray) -> int:
    """The flags as a whole number, flag b in bit b."""
    return int.from_bytes(np.packbits(flags, bitorder="little").tobytes(), "little")
