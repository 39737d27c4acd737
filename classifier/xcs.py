"""XCS as in Butz & Wilson 2002, "An algorithmic description of XCS", over binary situations.

A situation is one whole number, bit b of the situation in bit b. [M] is the match set: the rules
whose condition fits the situation. [A] is the action set: the rules in [M] for the action taken.

`decide` and `learn` are all that a robot needs; nothing is kept between calls but the population,
so a pay-off may come any number of steps later, and for another robot's situation as well. `step` in
their arguments counts what the paper calls the actual time t: one for each time that the learner
learns, not the ticks of a body.

Two readings of the paper are fixed here: the offspring's error and fitness are reduced whether or
not its parents were crossed, and ties between best actions, or between most general rules, are
decided by a fair draw.
"""

import numpy as np

from classifier.draws import Draws
from classifier.params import Params, check
from classifier.population import Population

MOST_PAYOFF = 1e9


def decide(
    pop: Population, situation: int, step: int, params: Params, draws: Draws, explore: float
) -> tuple[int, np.ndarray]:
    """The action to take and the predicted pay-offs (A,), one robot; covers what has no rule.

    `explore` is the probability of a random action. Raises ValueError for a situation out of range.
    """
    predictions = predict(pop, situation, step, params, draws)
    return choose(predictions, explore, draws), predictions


def predict(pop: Population, situation: int, step: int, params: Params, draws: Draws) -> np.ndarray:
    """The predicted pay-offs (A,) of one robot's actions; covers what has no rule.

    Raises ValueError for a situation out of range.
    """
    check("situation", situation, 0, 2**pop.bits - 1)
    predictions = prediction_array(pop, match(pop, situation))
    while (missing := np.flatnonzero(np.isnan(predictions))).size:
        cover(pop, situation, int(missing[draws.below(missing.size)]), step, params, draws)
        predictions = prediction_array(pop, match(pop, situation))
    return predictions


def learn(
    pop: Population, situation: int, action: int, payoff: float, step: int, params: Params, draws: Draws
) -> None:
    """Update one robot's rules for what came of `action` in `situation`; evolve them when that is due.

    Raises ValueError for a situation, action or pay-off out of range.
    """
    check("situation", situation, 0, 2**pop.bits - 1)
    check("action", action, 0, pop.actions - 1)
    check("payoff", payoff, -MOST_PAYOFF, MOST_PAYOFF)
    while not (acting := action_set(pop, situation, action)).size:
        cover(pop, situation, action, step, params, draws)
    update(pop, acting, payoff, params)
    if params.do_as_subsumption:
        acting = subsume(pop, acting, params, draws)
    n = pop.numerosity[acting]
    if step - (pop.stamp[acting] * n).sum() / n.sum() > params.theta_ga:
        evolve(pop, acting, situation, step, params, draws)


def best(pop: Population, situation: int | np.ndarray) -> np.ndarray:
    """The highest predicted pay-off (...,) for situations (...,); NaN where no rule matches."""
    highest: np.ndarray = np.fmax.reduce(prediction_array(pop, match(pop, situation)), axis=-1)
    return highest


def match(pop: Population, situation: int | np.ndarray) -> np.ndarray:
    """Which rules (..., R) are in the match set [M] of situations (...,)."""
    x = np.asarray(situation, np.uint64)[..., None]
    matched: np.ndarray = (((pop.value ^ x) & pop.care) == 0) & (pop.numerosity > 0)
    return matched


def action_set(pop: Population, situation: int, action: int) -> np.ndarray:
    """The rows of [A], one robot."""
    return np.flatnonzero(match(pop, situation) & (pop.action == action))


def prediction_array(pop: Population, matched: np.ndarray) -> np.ndarray:
    """Fitness-weighted mean prediction per action (..., A) of the rules in [M]; NaN where there is none."""
    advocates = matched[..., None, :] & (pop.action[..., None, :] == np.arange(pop.actions)[:, None])
    fitness = advocates * pop.fitness[..., None, :]
    total = fitness.sum(-1)
    payoff = (fitness * pop.prediction[..., None, :]).sum(-1)
    out = np.full(total.shape, np.nan)
    np.divide(payoff, total, out=out, where=total > 0)
    return out


def choose(predictions: np.ndarray, explore: float, draws: Draws) -> int:
    """A random action with probability `explore`, else one with the highest of `predictions` (A,)."""
    if draws.one() < explore:
        return draws.below(predictions.size)
    highest = np.flatnonzero(predictions == predictions.max())
    return int(highest[draws.below(highest.size)])


def cover(pop: Population, situation: int, action: int, step: int, params: Params, draws: Draws) -> None:
    """Add a rule that matches `situation` and advocates `action`; a crowded population loses another."""
    care = _word(draws.many(pop.bits) >= params.p_wild)
    insert(
        pop,
        care & situation,
        care,
        action,
        prediction=params.p_init,
        error=params.epsilon_init,
        fitness=params.f_init,
        size=1.0,
        stamp=step,
    )
    delete(pop, params, draws)


def update(pop: Population, acting: np.ndarray, payoff: float, params: Params) -> None:
    """Update prediction, error, action-set size and fitness of the rules in [A].

    The first 1/beta updates of a rule average (MAM, moyenne adaptative modifiee), the later ones step
    by beta. The gradient scales the prediction's step once the average is over.

    The paper's listing updates the prediction before the error, Butz's XCSJava (2000) the error first,
    "to be more conservative": else any rule looks exact after its first update. Error first is the
    default: it solves the 20-multiplexer in two thirds of the problems.
    """
    P, beta, n = payoff, params.beta, pop.numerosity[acting]
    p, epsilon, F, size = pop.prediction[acting], pop.error[acting], pop.fitness[acting], pop.size[acting]
    exp = pop.experience[acting] + 1
    rate = np.maximum(1 / exp, beta)
    p_rate = np.where(rate > beta, rate, beta * F / F.sum()) if params.gradient else rate

    p_new = p + p_rate * (P - p)
    epsilon += rate * (abs(P - (p if params.error_first else p_new)) - epsilon)
    size += rate * (n.sum() - size)

    inaccuracy = np.maximum(epsilon / params.epsilon0, 1)
    kappa = np.where(epsilon < params.epsilon0, 1, params.alpha * inaccuracy**-params.nu) * n
    F = (1 - beta) * F + beta * kappa / kappa.sum()  # so written, F never rounds to 0

    pop.experience[acting] = exp
    pop.prediction[acting] = p_new
    pop.error[acting] = epsilon
    pop.size[acting] = size
    pop.fitness[acting] = F


def subsume(pop: Population, acting: np.ndarray, params: Params, draws: Draws) -> np.ndarray:
    """Let the most general rule that may subsume absorb more special ones in [A]; returns what is left."""
    able = acting[may_subsume(pop, acting, params)]
    if not able.size:
        return acting
    bits = np.bitwise_count(pop.care[able])
    widest = able[bits == bits.min()]
    subsumer = widest[draws.below(widest.size)]
    general = is_more_general(pop, subsumer, pop.value[acting], pop.care[acting])
    pop.numerosity[subsumer] += pop.numerosity[acting[general]].sum()
    pop.numerosity[acting[general]] = 0
    left: np.ndarray = acting[~general]
    return left


def may_subsume(pop: Population, rows: np.ndarray | int, params: Params) -> np.ndarray:
    """Whether the rules are accurate and experienced enough to stand for more special ones."""
    enough: np.ndarray = (pop.experience[rows] > params.theta_sub) & (pop.error[rows] < params.epsilon0)
    return enough


def is_more_general(pop: Population, row: int, value: np.ndarray | int, care: np.ndarray | int) -> np.ndarray:
    """Whether rule `row` matches all that (value, care) match, and more."""
    wide = pop.care[row]
    more: np.ndarray = (wide != care) & (wide & care == wide) & (pop.value[row] == value & wide)
    return more


def evolve(
    pop: Population, acting: np.ndarray, situation: int, step: int, params: Params, draws: Draws
) -> None:
    """Run the genetic algorithm in [A]: two parents, two offspring that match the situation as well."""
    pop.stamp[acting] = step
    parents = [select(pop, acting, params, draws) for _ in range(2)]
    cares = [int(pop.care[row]) for row in parents]
    prediction, error, fitness = pop.prediction[parents], pop.error[parents], pop.fitness[parents]
    size = pop.size[parents]
    action = int(pop.action[parents[0]])
    if draws.one() < params.chi:
        cares = crossover(cares, pop.bits, draws)
        prediction, error, fitness = (np.full(2, a.mean()) for a in (prediction, error, fitness))
    error *= params.error_factor
    fitness *= params.fitness_factor
    for child in range(2):
        # All conditions in [A] match the situation, so care says everything about them.
        care = cares[child] ^ _word(draws.many(pop.bits) < params.mu)
        value = situation & care
        does = mutate_action(action, pop.actions, params, draws)
        subsumers = [row for row in parents if subsumes(pop, row, value, care, does, params)]
        if params.do_ga_subsumption and subsumers:
            pop.numerosity[subsumers[0]] += 1
        else:
            insert(
                pop,
                value,
                care,
                does,
                prediction=prediction[child],
                error=error[child],
                fitness=fitness[child],
                size=size[child],
                stamp=step,
            )
        delete(pop, params, draws)


def select(pop: Population, acting: np.ndarray, params: Params, draws: Draws) -> int:
    """A parent from [A]: roulette wheel over F, or tournament.

    In a tournament every copy of a rule takes part with probability tau and the highest F per copy
    wins; none taking part is drawn again. So the rule of rank k, after N_k copies in rank order, has
    won or been beaten with probability (1 - (1 - tau)^N_k) / (1 - (1 - tau)^N): one draw decides.
    """
    if params.tournament == 0:
        return int(acting[_spin(np.cumsum(pop.fitness[acting]), draws)])
    n = pop.numerosity[acting]
    ranked = np.argsort(-pop.fitness[acting] / n, kind="stable")
    return int(acting[ranked[_spin(1 - (1 - params.tournament) ** np.cumsum(n[ranked]), draws)]])


def crossover(cares: list[int], bits: int, draws: Draws) -> list[int]:
    """Two-point crossover: neighbouring bits, which often belong to one quantity, stay together."""
    low, high = sorted((draws.below(bits + 1), draws.below(bits + 1)))
    swapped = (cares[0] ^ cares[1]) & ((1 << high) - (1 << low))
    return [cares[0] ^ swapped, cares[1] ^ swapped]


def mutate_action(action: int, actions: int, params: Params, draws: Draws) -> int:
    """Another action with probability mu."""
    if actions > 1 and draws.one() < params.mu:
        return (action + 1 + draws.below(actions - 1)) % actions
    return action


def subsumes(pop: Population, row: int, value: int, care: int, action: int, params: Params) -> bool:
    """Whether rule `row` makes the rule (value, care, action) superfluous."""
    return bool(
        pop.numerosity[row] > 0  # a parent may have been deleted for its first child
        and pop.action[row] == action
        and may_subsume(pop, row, params)
        and is_more_general(pop, row, value, care)
    )


def insert(
    pop: Population,
    value: int,
    care: int,
    action: int,
    *,
    prediction: float,
    error: float,
    fitness: float,
    size: float,
    stamp: int,
) -> None:
    """Add one copy of a rule: to the same rule if there is one, else in a free row."""
    same = (pop.care == care) & (pop.value == value) & (pop.action == action) & (pop.numerosity > 0)
    if same.any():
        pop.numerosity[same] += 1
        return
    row = int(np.argmin(pop.numerosity))
    pop.value[row], pop.care[row], pop.action[row] = value, care, action
    pop.prediction[row], pop.error[row], pop.fitness[row] = prediction, error, fitness
    pop.experience[row], pop.stamp[row], pop.size[row], pop.numerosity[row] = 0, stamp, size, 1


def delete(pop: Population, params: Params, draws: Draws) -> None:
    """Take out single copies, drawn by vote, until the population is within its capacity.

    A rule's vote is as x n: large action sets lose more. An experienced rule whose fitness per copy is
    below delta of the population's mean has its vote multiplied by how far it is below.
    """
    while (total := int(pop.numerosity.sum())) > params.capacity:
        n = pop.numerosity
        vote = pop.size * n
        mean = pop.fitness[n > 0].sum() / total
        own = pop.fitness / np.maximum(n, 1)
        weak = (pop.experience > params.theta_del) & (own < params.delta * mean) & (n > 0)
        vote[weak] *= mean / own[weak]
        pop.numerosity[_spin(np.cumsum(vote), draws)] -= 1


def _spin(cumulated: np.ndarray, draws: Draws) -> int:
    """The sector of a wheel with these cumulated weights at which a draw points."""
    return int(np.searchsorted(cumulated, draws.one() * cumulated[-1], side="right"))


def _word(flags: np.ndarray) -> int:
    """The flags as a whole number, flag b in bit b."""
    return sum(1 << b for b in np.flatnonzero(flags).tolist())
