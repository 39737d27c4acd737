"""`classifier.discovery`."""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, call-overload"

import numpy as np

from classifier.discovery import SPECIFY_ERROR, SPECIFY_EXPERIENCE
from classifier.kernels.compiled import kernel
from classifier.kernels.conditions import (
    all_ones,
    count_rules,
    follow,
    insert,
    is_more_general,
    remove,
    specificity,
)
from classifier.kernels.draws import below, flags, one
from classifier.population import (
    ACTION,
    BOUNDS,
    CARE,
    ERROR,
    EXPERIENCE,
    FITNESS,
    NUMEROSITY,
    PREDICTION,
    SIZE,
    STAMP,
    VALUE,
)


@kernel
def cover(words, counts, numbers, p, draws, bits, word, x, action, step):
    care = ~flags(draws, bits, p.p_wild) & all_ones(bits)
    column = np.zeros(numbers.shape[0])
    column[PREDICTION], column[ERROR] = p.p_init, p.epsilon_init
    column[FITNESS], column[SIZE] = p.f_init, 1.0
    for d in range(x.size):
        wild, below_it, above = one(draws) < p.p_wild, one(draws), one(draws)
        column[BOUNDS + 2 * d] = 0.0 if wild else max(x[d] - p.spread * below_it, 0.0)
        column[BOUNDS + 2 * d + 1] = 1.0 if wild else min(x[d] + p.spread * above, 1.0)
    insert(words, counts, numbers, care & word, care, action, column, x.size, step)
    delete(words, counts, numbers, p, draws)


# subsumption


@kernel
def may_subsume(counts, numbers, p, row):
    return counts[EXPERIENCE, row] > p.theta_sub and numbers[ERROR, row] < p.epsilon0


@kernel
def subsume(words, counts, numbers, p, draws, acting, reals):
    """Returns how many rules are left, at the front of `acting`."""
    least, ties = np.inf, 0
    for row in acting:
        if may_subsume(counts, numbers, p, row):
            special = specificity(words, numbers, row, reals)
            if special < least:
                least, ties = special, 1
            elif special == least:
                ties += 1
    if ties == 0:
        return acting.size
    skip, subsumer = below(draws, ties), -1
    for row in acting:
        if may_subsume(counts, numbers, p, row) and specificity(words, numbers, row, reals) == least:
            if skip == 0:
                subsumer = row
                break
            skip -= 1
    left = acting.size
    for i in range(acting.size - 1, -1, -1):
        row = acting[i]
        if is_more_general(words, numbers, subsumer, words[VALUE, row], words[CARE, row], numbers[:, row], reals):
            counts[NUMEROSITY, subsumer] += counts[NUMEROSITY, row]
            last = count_rules(counts) - 1
            remove(words, counts, numbers, row, last)
            left = follow(acting[:left], row, last)
            subsumer = row if subsumer == last else subsumer
    return left


@kernel
def add_offspring(words, counts, numbers, p, parents, value, care, action, column, reals, step):
    if p.do_ga_subsumption:
        for row in parents:
            if (
                counts[ACTION, row] == action
                and may_subsume(counts, numbers, p, row)
                and is_more_general(words, numbers, row, value, care, column, reals)
            ):
                counts[NUMEROSITY, row] += 1
                return
    insert(words, counts, numbers, value, care, action, column, reals, step)


# the genetic algorithm


@kernel
def evolve(words, counts, numbers, p, draws, bits, actions, acting, word, x, step):
    reals = x.size
    for row in acting:
        counts[STAMP, row] = step
    parents = np.empty(2, np.int64)
    for i in range(2):
        parents[i] = select(counts, numbers, p, one(draws), acting)
    crosses, first, second = one(draws), one(draws), one(draws)
    cares, does = np.empty(2, np.uint64), np.empty(2, np.int64)
    children = np.empty((2, numbers.shape[0]))
    child, other, slopes = children[0], children[1], BOUNDS + 2 * reals
    for i in range(2):
        cares[i], does[i] = words[CARE, parents[i]], counts[ACTION, parents[0]]
        children[i] = numbers[:, parents[i]]
        if p.copy_fitness:
            children[i, FITNESS] /= counts[NUMEROSITY, parents[i]]
    if crosses < p.chi:
        genes = bits + 2 * reals
        ends = int(first * (genes + 1)), int(second * (genes + 1))
        low, high = min(ends), max(ends)
        swapped = (cares[0] ^ cares[1]) & (all_ones(min(high, bits)) ^ all_ones(min(low, bits)))
        cares ^= swapped
        for b in range(BOUNDS + max(low - bits, 0), BOUNDS + max(high - bits, 0)):
            child[b], other[b] = other[b], child[b]
        for i in range(child.size):
            if PREDICTION <= i <= FITNESS or i >= slopes:
                child[i] = other[i] = (child[i] + other[i]) / 2
    for i in range(2):
        children[i, ERROR] *= p.error_factor
        children[i, FITNESS] *= p.fitness_factor
        cares[i] ^= flags(draws, bits, p.mu)
        mutate_intervals(children[i], p, draws, x)
        mutates, other_one = one(draws), one(draws)
        if mutates < p.mu and actions > 1:
            does[i] = (does[i] + 1 + int(other_one * (actions - 1))) % actions
    left = 2
    for i in range(2):
        add_offspring(
            *(words, counts, numbers, p, parents[:left], word & cares[i], cares[i], does[i], children[i]),
            *(reals, step),
        )
        gone = delete(words, counts, numbers, p, draws)
        if gone >= 0:
            left = follow(parents[:left], gone, count_rules(counts))


@kernel
def mutate_intervals(child, p, draws, x):
    for d in range(x.size):
        mutates, goes, first, second = one(draws), one(draws), one(draws), one(draws)
        if mutates < p.mu:
            a, b = BOUNDS + 2 * d, BOUNDS + 2 * d + 1
            if min(child[a], child[b]) <= 0 and max(child[a], child[b]) >= 1:
                child[a], child[b] = max(x[d] - p.spread * first, 0.0), min(x[d] + p.spread * second, 1.0)
            elif goes < 0.5:
                child[a], child[b] = 0.0, 1.0
            else:
                moved = a if first < 0.5 else b
                child[moved] = min(max(child[moved] + p.shift * (2 * second - 1), 0.0), 1.0)


@kernel
def select(counts, numbers, p, u, acting):
    if p.tournament == 0:
        fitness = 0.0
        for row in acting:
            fitness += numbers[FITNESS, row]
        target, sector = u * fitness, 0.0
        for row in acting:
            sector += numbers[FITNESS, row]
            if sector > target:
                return row
        return acting[-1]
    copies = 0
    for row in acting:
        copies += counts[NUMEROSITY, row]
    refusals = count_refusals(p.tournament, u) % copies
    beaten, at = np.inf, -1  # fitness per copy and place in [A] of the rule ranked last so far
    while True:
        highest, best = -np.inf, -1
        for i in range(acting.size):
            own = numbers[FITNESS, acting[i]] / counts[NUMEROSITY, acting[i]]
            if own > highest and (own < beaten or (own == beaten and i > at)):
                highest, best = own, i
        refusals -= counts[NUMEROSITY, acting[best]]
        if refusals < 0:
            return acting[best]
        beaten, at = highest, best


@kernel
def count_refusals(tau, u):
    stay, count = 1 - tau, 0
    while u < stay:
        stay *= 1 - tau
        count += 1
    return count


@kernel
def specify(words, counts, numbers, p, draws, bits, acting, word, reals, step):
    """Returns how many rules are left, at the front of `acting`."""
    copies, experience, error = 0, 0, 0.0
    for row in acting:
        n = counts[NUMEROSITY, row]
        copies += n
        experience += counts[EXPERIENCE, row] * n
        error += numbers[ERROR, row] * n
    everybody, errors = 0, 0.0
    for row in range(count_rules(counts)):
        everybody += counts[NUMEROSITY, row]
        errors += numbers[ERROR, row] * counts[NUMEROSITY, row]
    if experience / copies < SPECIFY_EXPERIENCE or error / copies < SPECIFY_ERROR * (errors / everybody):
        return acting.size
    target, sector, row = one(draws) * error, 0.0, acting[-1]
    for candidate in acting:
        sector += numbers[ERROR, candidate] * counts[NUMEROSITY, candidate]
        if sector > target:
            row = candidate
            break
    care = words[CARE, row] | flags(draws, bits, p.p_specify)
    column = numbers[:, row].copy()
    column[FITNESS] *= p.fitness_factor
    insert(words, counts, numbers, word & care, care, counts[ACTION, row], column, reals, step)
    gone = delete(words, counts, numbers, p, draws)
    return acting.size if gone < 0 else follow(acting, gone, count_rules(counts))


@kernel
def delete(words, counts, numbers, p, draws):
    """Returns the row that became free and was filled with the last rule, -1 if none did."""
    rows, copies, fitness = count_rules(counts), 0, 0.0
    n, exp, F, sizes = counts[NUMEROSITY], counts[EXPERIENCE], numbers[FITNESS], numbers[SIZE]
    for row in range(rows):
        copies += n[row]
        fitness += F[row]
    if copies <= p.capacity:
        return -1
    mean, cumulated = fitness / copies, np.empty(rows)
    least, old = p.delta * mean, p.theta_del
    for row in range(rows):
        own = F[row] / n[row]
        cumulated[row] = sizes[row] * n[row] * (mean / own if (exp[row] > old) & (own < least) else 1.0)
    votes = 0.0
    for row in range(rows):
        votes += cumulated[row]
        cumulated[row] = votes
    row = np.searchsorted(cumulated[:-1], one(draws) * votes, side="right")
    counts[NUMEROSITY, row] -= 1
    if counts[NUMEROSITY, row] > 0:
        return -1
    remove(words, counts, numbers, row, rows - 1)
    return row
