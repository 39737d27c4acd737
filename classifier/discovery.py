"""Where rules come from and go to: covering, subsumption, the genetic algorithm, specify, deletion."""

from typing import Any

import numpy as np

from classifier.conditions import is_more_general, read, specificity
from classifier.credit import total
from classifier.draws import Draws
from classifier.params import Params
from classifier.population import (
    ACTION,
    BOUNDS,
    CARE,
    ERROR,
    EXPERIENCE,
    FITNESS,
    NO_REALS,
    NUMEROSITY,
    PREDICTION,
    SIZE,
    STAMP,
    Population,
    count_rules,
    follow,
    insert,
    remove,
)

SPECIFY_EXPERIENCE = 20  # N_sp: mean experience of [A] from which on specify acts [Lanzi 1997]
SPECIFY_ERROR = 2  # how many times the population's mean error that of [A] must be [Lanzi 1997]


def cover(pop: Population, situation: Any, action: int, step: int, params: Params, draws: Draws) -> None:
    """Add a rule that matches `situation` and advocates `action`; a crowded population loses another."""
    word, x = read(pop, situation)
    care = _word(draws.many(pop.bits) >= params.p_wild)
    numbers = np.zeros(pop.numbers.shape[-2])
    numbers[:BOUNDS] = 1.0, params.p_init, params.epsilon_init, params.f_init
    wild, below, above = draws.many(3 * pop.reals).reshape(-1, 3).T
    wild = wild < params.p_wild
    numbers[BOUNDS : BOUNDS + 2 * pop.reals : 2] = np.where(wild, 0, np.maximum(x - params.spread * below, 0))
    numbers[BOUNDS + 1 : BOUNDS + 2 * pop.reals : 2] = np.where(wild, 1, np.minimum(x + params.spread * above, 1))
    insert(pop, care & word, care, action, numbers, step)
    delete(pop, params, draws)


def may_subsume(pop: Population, rows: np.ndarray | int, params: Params) -> np.ndarray:
    """Whether the rules are accurate and experienced enough to stand for more special ones."""
    enough: np.ndarray = pop.counts[EXPERIENCE][rows] > params.theta_sub
    enough &= pop.numbers[ERROR][rows] < params.epsilon0
    return enough


def subsume(pop: Population, acting: np.ndarray, params: Params, draws: Draws) -> np.ndarray:
    """Let the most general rule that may subsume absorb more special ones in [A]; returns what is left."""
    able = acting[may_subsume(pop, acting, params)].tolist()
    if not able:
        return acting
    if len(able) > 1:
        special = specificity(pop, np.array(able)).tolist()
        least = min(special)
        able = [row for row, bits in zip(able, special, strict=True) if bits == least]
    subsumer = able[draws.below(len(able))]
    value, care = pop.words.take(acting, 1)
    general = is_more_general(pop, subsumer, value, care, pop.bounds[:, acting] if pop.reals else NO_REALS)
    absorbed = acting[general]
    if not absorbed.size:
        return acting
    pop.counts[NUMEROSITY, subsumer] += pop.counts[NUMEROSITY][absorbed].sum()
    left: np.ndarray = acting[~general]
    for i in range(absorbed.size - 1, -1, -1):
        row = int(absorbed[i])
        last = count_rules(pop) - 1
        remove(pop, row, last)
        left, absorbed = follow(left, row, last), np.where(absorbed == last, row, absorbed)
    return left


def subsumes(
    pop: Population, row: int, value: int, care: int, action: int, params: Params, bounds: np.ndarray = NO_REALS
) -> bool:
    """Whether rule `row` makes the rule (value, care, bounds, action) superfluous."""
    return bool(
        pop.counts.item(ACTION, row) == action
        and pop.counts.item(EXPERIENCE, row) > params.theta_sub
        and pop.numbers.item(ERROR, row) < params.epsilon0
        and is_more_general(pop, row, value, care, bounds)
    )


def evolve(pop: Population, acting: np.ndarray, situation: Any, step: int, params: Params, draws: Draws) -> None:
    """Run the genetic algorithm in [A]: two parents, two offspring whose bits match the situation as well.

    It takes the same number of draws each time, and all at once but for those of deletion.

    The paper's listing derives an offspring's fitness from its parent's, Butz's XCSJava (2000) from that
    of one copy of it (`copy_fitness`). Of all copies together, newcomers outdo what they come from: a
    population for the 20-multiplexer then holds a quarter more rules, but a small one learns faster.
    """
    word, x = read(pop, situation)
    pop.counts[STAMP][acting] = step
    genes, ends = pop.bits + 2 * pop.reals, BOUNDS + 2 * pop.reals
    draws_each = pop.bits + 4 * pop.reals + 2
    u = draws.many(5 + 2 * draws_each).tolist()
    parents = select(pop, acting, params, u[:2])
    cares = [pop.words.item(CARE, row) for row in parents]
    children = [pop.numbers[:, row].tolist() for row in parents]
    action = pop.counts.item(ACTION, parents[0])
    if params.copy_fitness:
        for child, row in zip(children, parents, strict=True):
            child[FITNESS] /= pop.counts.item(NUMEROSITY, row)
    if u[2] < params.chi:
        low, high = sorted(int(v * (genes + 1)) for v in u[3:5])
        crossover(cares, children, pop.bits, low, high)
        for i in (PREDICTION, ERROR, FITNESS, *range(ends, len(children[0]))):
            children[0][i] = children[1][i] = (children[0][i] + children[1][i]) / 2
    actions = [action, action]
    for i, child in enumerate(children):
        child[ERROR] *= params.error_factor
        child[FITNESS] *= params.fitness_factor
        own = u[5 + i * draws_each : 5 + (i + 1) * draws_each]
        for b, v in enumerate(own[: pop.bits]):
            if v < params.mu:
                cares[i] ^= 1 << b
        if pop.reals:
            mutate_intervals(child, own[pop.bits : -2], x, params)
        actions[i] = mutate_action(action, pop.actions, params, *own[-2:])
    for care, does, child in zip(cares, actions, children, strict=True):
        # All conditions in [A] match the situation's bits, so care says everything about them.
        add_offspring(pop, parents, word & care, care, does, child, step, params)
        gone = delete(pop, params, draws)
        if gone >= 0:
            last = count_rules(pop)
            parents = [gone if row == last else row for row in parents if row != gone]


def add_offspring(
    pop: Population,
    parents: list[int],
    value: int,
    care: int,
    action: int,
    numbers: list[float],
    step: int,
    params: Params,
) -> None:
    """One more copy of the first parent that makes the offspring superfluous, else a rule of its own."""
    if params.do_ga_subsumption:
        bounds = np.array(numbers[BOUNDS : BOUNDS + 2 * pop.reals]) if pop.reals else NO_REALS
        for row in parents:
            if subsumes(pop, row, value, care, action, params, bounds):
                pop.counts[NUMEROSITY, row] += 1
                return
    insert(pop, value, care, action, numbers, step)


def select(pop: Population, acting: np.ndarray, params: Params, u: list[float]) -> list[int]:
    """Parents from [A], by one draw `u` each: roulette wheel over F, or tournament.

    In a tournament every copy of a rule takes part with probability tau and the highest F per copy
    wins; none taking part is drawn again. Asked in the order of their F per copy, the first copy to say
    yes comes after k that said no, with probability (1 - tau)^k tau; to ask all again is to count on.
    """
    F = pop.numbers[FITNESS][acting]
    if params.tournament == 0:
        wheel = np.add.accumulate(F)
        return [acting.item(_spin(wheel, v)) for v in u]
    n = pop.counts[NUMEROSITY][acting]
    ranked = np.argsort(-(F / n), kind="stable")
    until = np.add.accumulate(n[ranked])
    refusals = [count_refusals(params.tournament, v) % until.item(-1) for v in u]
    return [acting.item(ranked.item(until.searchsorted(k, side="right"))) for k in refusals]


def count_refusals(tau: float, u: float) -> int:
    """How many copies in a row stay out of a tournament, if there is no end of them."""
    stay, count = 1 - tau, 0
    while u < stay:
        stay *= 1 - tau
        count += 1
    return count


def crossover(cares: list[int], children: list[list[float]], bits: int, low: int, high: int) -> None:
    """Two-point crossover, in place: neighbouring inputs, which often belong to one quantity, stay together.

    Swaps the genes low .. high - 1 of two offspring: bits, then bounds.
    """
    swapped = (cares[0] ^ cares[1]) & ((1 << min(high, bits)) - (1 << min(low, bits)))
    cares[:] = cares[0] ^ swapped, cares[1] ^ swapped
    cut = slice(BOUNDS + max(low - bits, 0), BOUNDS + max(high - bits, 0))
    children[0][cut], children[1][cut] = children[1][cut], children[0][cut]


def mutate_intervals(child: list[float], u: list[float], x: np.ndarray, params: Params) -> None:
    """Mutate each of an offspring's real inputs with probability mu, in place; four draws for each.

    One that the rule leaves out comes in, as in covering; another one goes out or has one of its bounds moved, so that
    rules have as many inputs as they need, not all [attribute lists, Bacardit & Krasnogor 2009].
    """
    for d in (np.array(u[0::4]) < params.mu).nonzero()[0].tolist():
        goes, first, second = u[4 * d + 1 : 4 * d + 4]
        a, b = BOUNDS + 2 * d, BOUNDS + 2 * d + 1
        if min(child[a], child[b]) <= 0 and max(child[a], child[b]) >= 1:
            at = x.item(d)
            child[a], child[b] = max(at - params.spread * first, 0.0), min(at + params.spread * second, 1.0)
        elif goes < 0.5:
            child[a], child[b] = 0.0, 1.0
        else:
            moved = a if first < 0.5 else b
            child[moved] = min(max(child[moved] + params.shift * (2 * second - 1), 0.0), 1.0)


def mutate_action(action: int, actions: int, params: Params, mutates: float, other: float) -> int:
    """Another action with probability mu; two draws."""
    if mutates < params.mu and actions > 1:
        return (action + 1 + int(other * (actions - 1))) % actions
    return action


def specify(pop: Population, acting: np.ndarray, situation: Any, step: int, params: Params, draws: Draws) -> np.ndarray:
    """Copy a rule of an inaccurate [A] with some of its don't-cares fixed as in the situation [Lanzi 1997].

    Returns what is left of [A]: a rule came in, so another one may have gone.
    """
    word, _ = read(pop, situation)
    rows = slice(0, count_rules(pop))
    n, everybody, errors = pop.counts[NUMEROSITY, acting], pop.counts[NUMEROSITY, rows], pop.numbers[ERROR, rows]
    experience = int((pop.counts[EXPERIENCE, acting] * n).sum()) / int(n.sum())
    error = total(errors[acting] * n) / int(n.sum())
    mean = total(errors * everybody) / int(everybody.sum())
    if experience < SPECIFY_EXPERIENCE or error < SPECIFY_ERROR * mean:
        return acting
    row = int(acting[_spin(np.add.accumulate(errors[acting] * n), draws.one())])
    fixed = _word(draws.many(pop.bits) < params.p_specify)
    care = int(pop.words[CARE, row]) | fixed
    numbers = pop.numbers[:, row].copy()
    numbers[FITNESS] *= params.fitness_factor
    insert(pop, word & care, care, int(pop.counts[ACTION, row]), numbers, step)
    gone = delete(pop, params, draws)
    return acting if gone < 0 else follow(acting, gone, count_rules(pop))


def delete(pop: Population, params: Params, draws: Draws) -> int:
    """Take one copy, drawn by vote, from a population beyond its capacity.

    A rule's vote is as x n: large action sets lose more. An experienced rule whose fitness per copy is
    below delta of the population's mean has its vote multiplied by how far it is below. Returns the
    row that became free and was filled with the last rule, -1 if none did.
    """
    count = count_rules(pop)
    n = pop.counts[NUMEROSITY, :count]
    copies = int(np.add.reduce(n))
    if copies <= params.capacity:
        return -1
    F = pop.numbers[FITNESS, :count]
    vote = pop.numbers[SIZE, :count] * n
    mean, own = total(F) / copies, F / n
    weak = (own < params.delta * mean).nonzero()[0]
    if weak.size:
        weak = weak[pop.counts[EXPERIENCE][weak] > params.theta_del]
        vote[weak] *= mean / own[weak]
    row = _spin(np.add.accumulate(vote), draws.one())
    n[row] -= 1
    if n.item(row):
        return -1
    remove(pop, row, count - 1)
    return row


def _spin(cumulated: np.ndarray, u: float) -> int:
    """The sector of a wheel with these cumulated weights at which a draw points."""
    return int(cumulated[:-1].searchsorted(u * cumulated.item(-1), "right"))


def _word(flags: np.ndarray) -> int:
    """The flags as a whole number, flag b in bit b."""
    return int.from_bytes(np.packbits(flags, bitorder="little").tobytes(), "little")
