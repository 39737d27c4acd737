"""`classifier.xcs` in loops for numba: the same decisions from the same draws, bit for bit.

Each function is the one of the same name in `classifier.xcs`, which explains it; arrays are those of one
robot, as `classifier.population.Population` and `classifier.params.Params.record` hold them.

This file imports nothing of the package and repeats its few constants: numba's cache on disk notices
changes of the file that a kernel stands in, and of no other.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call"

import numba
import numpy as np

VALUE, CARE = range(2)
ACTION, EXPERIENCE, STAMP, NUMEROSITY = range(4)
PREDICTION, ERROR, FITNESS, SIZE, BOUNDS = range(5)
SPECIFY_EXPERIENCE, SPECIFY_ERROR = 20, 2
SITUATION, EXPLORE, EXPLOIT, LEARN, START = range(5)
KEY, DRAWN = range(2)
ONE = np.uint64(1)
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
MIX_1, MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
SHIFT_1, SHIFT_2, SHIFT_3, SHIFT_53 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)

kernel = numba.njit(cache=True)


# draws


@kernel
def mix(z):
    z = (z ^ (z >> SHIFT_1)) * MIX_1
    z = (z ^ (z >> SHIFT_2)) * MIX_2
    return z ^ (z >> SHIFT_3)


@kernel
def draw_for(draws, seed, robot, tick, purpose):
    """Start the draws of (seed, robot, tick, purpose)."""
    key = mix(GOLDEN * (np.uint64(seed) + ONE))
    key = mix(key + GOLDEN * (np.uint64(robot) + ONE))
    key = mix(key + GOLDEN * (np.uint64(tick) + ONE))
    draws[KEY] = mix(key + GOLDEN * (np.uint64(purpose) + ONE))
    draws[DRAWN] = np.uint64(0)


@kernel
def one(draws):
    draws[DRAWN] += ONE
    return (mix(draws[KEY] + GOLDEN * draws[DRAWN]) >> SHIFT_53) * 2.0**-53


@kernel
def below(draws, count):
    return int(one(draws) * count)


@kernel
def flags(draws, bits, probability):
    """A word whose bits are 1 with this probability."""
    word = np.uint64(0)
    for b in range(bits):
        if one(draws) < probability:
            word |= ONE << np.uint64(b)
    return word


@kernel
def all_ones(bits):
    return (ONE << np.uint64(bits)) - ONE


@kernel
def count_ones(word):
    """[Warren, Hacker's Delight, 5-1]"""
    word = word - ((word >> ONE) & np.uint64(0x5555555555555555))
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((word * np.uint64(0x0101010101010101)) >> np.uint64(56))


# match, predict, choose


@kernel
def match(words, counts, numbers, word, x, matched):
    """Write to `matched` (R,) which rules are in [M]; in loops over rows, so that they run several rows at a time."""
    value, care, n = words[VALUE], words[CARE], counts[NUMEROSITY]
    for row in range(matched.size):
        matched[row] = (((value[row] ^ word) & care[row]) == 0) & (n[row] > 0)
    for d in range(x.size):
        a, b, at = numbers[BOUNDS + 2 * d], numbers[BOUNDS + 2 * d + 1], x[d]
        for row in range(matched.size):
            matched[row] &= ((a[row] <= at) & (at <= b[row])) | ((b[row] <= at) & (at <= a[row]))


@kernel
def output(numbers, row, x):
    p = numbers[PREDICTION, row]
    slopes = BOUNDS + 2 * x.size
    for d in range(numbers.shape[0] - slopes):
        p += numbers[slopes + d, row] * x[d]
    return p


@kernel
def prediction_array(words, counts, numbers, situation, x, out):
    """Write the prediction array (A,) to `out`; returns how many actions no rule matches for."""
    word, actions = np.uint64(situation), out.size
    total = np.zeros(actions)
    out[:] = 0.0
    matched = np.empty(words.shape[1], np.bool_)
    match(words, counts, numbers, word, x, matched)
    for row in range(matched.size):
        if matched[row]:
            action, fitness = counts[ACTION, row], numbers[FITNESS, row]
            total[action] += fitness
            out[action] += fitness * output(numbers, row, x)
    missing = 0
    for action in range(actions):
        if total[action] > 0:
            out[action] /= total[action]
        else:
            out[action] = np.nan
            missing += 1
    return missing


@kernel
def prediction_arrays(words, counts, numbers, situations, x, out):
    """For a stack of robots: arrays (L, ..., R), situations (L,), inputs (L, D), out (L, A)."""
    for lane in range(len(words)):
        prediction_array(words[lane], counts[lane], numbers[lane], situations[lane], x[lane], out[lane])


@kernel
def predict(words, counts, numbers, params, draws, bits, situation, x, step, out):
    while True:
        missing = prediction_array(words, counts, numbers, situation, x, out)
        if missing == 0:
            return
        skip = below(draws, missing)
        for action in range(out.size):
            if np.isnan(out[action]):
                if skip == 0:
                    cover(words, counts, numbers, params[0], draws, bits, np.uint64(situation), x, action, step)
                    break
                skip -= 1


@kernel
def choose(predictions, explore, draws):
    if one(draws) < explore:
        return below(draws, predictions.size)
    highest, ties = -np.inf, 0
    for p in predictions:
        if p > highest:
            highest, ties = p, 1
        elif p == highest:
            ties += 1
    skip = below(draws, ties)
    for action in range(predictions.size):
        if predictions[action] == highest:
            if skip == 0:
                return action
            skip -= 1
    return -1


@kernel
def decide(words, counts, numbers, params, draws, bits, situation, x, step, explore, out):
    predict(words, counts, numbers, params, draws, bits, situation, x, step, out)
    return choose(out, explore, draws)


@kernel
def highest(predictions):
    best = predictions[0]
    for p in predictions:
        best = max(best, p)
    return best


# learn


@kernel
def learn(words, counts, numbers, params, draws, bits, actions, situation, x, action, payoff, step):
    p, word = params[0], np.uint64(situation)
    acting = np.empty(words.shape[1], np.int64)
    size = action_set(words, counts, numbers, word, x, action, acting)
    while size == 0:
        cover(words, counts, numbers, p, draws, bits, word, x, action, step)
        size = action_set(words, counts, numbers, word, x, action, acting)
    update(counts, numbers, p, acting[:size], payoff, x)
    if p.do_as_subsumption:
        size = subsume(words, counts, numbers, p, draws, acting[:size], x.size)
    if p.p_specify > 0:
        specify(words, counts, numbers, p, draws, bits, acting[:size], word, x.size, step)
        size = living(counts, acting[:size])
        if size == 0:
            return
    stamps, copies = 0, 0
    for row in acting[:size]:
        stamps += counts[STAMP, row] * counts[NUMEROSITY, row]
        copies += counts[NUMEROSITY, row]
    if step - stamps / copies > p.theta_ga:
        evolve(words, counts, numbers, p, draws, bits, actions, acting[:size], word, x.size, step)


@kernel
def living(counts, rows):
    """Move the rows that still hold a rule to the front of `rows`; returns how many they are."""
    size = 0
    for row in rows:
        if counts[NUMEROSITY, row] > 0:
            rows[size] = row
            size += 1
    return size


@kernel
def action_set(words, counts, numbers, word, x, action, acting):
    """Write the rows of [A] to `acting`; returns how many they are."""
    size = 0
    matched = np.empty(words.shape[1], np.bool_)
    match(words, counts, numbers, word, x, matched)
    for row in range(matched.size):
        if matched[row] and counts[ACTION, row] == action:
            acting[size] = row
            size += 1
    return size


@kernel
def cover(words, counts, numbers, p, draws, bits, word, x, action, step):
    care = ~flags(draws, bits, p.p_wild) & all_ones(bits)
    column = np.zeros(numbers.shape[0])
    column[PREDICTION], column[ERROR] = p.p_init, p.epsilon_init
    column[FITNESS], column[SIZE] = p.f_init, 1.0
    for d in range(x.size):
        column[BOUNDS + 2 * d] = max(x[d] - p.spread * one(draws), 0.0)
        column[BOUNDS + 2 * d + 1] = min(x[d] + p.spread * one(draws), 1.0)
    insert(words, counts, numbers, care & word, care, action, column, x.size, step)
    delete(counts, numbers, p, draws)


@kernel
def update(counts, numbers, p, acting, payoff, x):
    beta = p.beta
    linear = p.linear and x.size > 0
    copies, fitness = 0, 0.0
    for row in acting:
        copies += counts[NUMEROSITY, row]
        fitness += numbers[FITNESS, row]
    length = 1.0
    for value in x:
        length += value * value
    accuracy = 0.0
    kappas = np.empty(acting.size)
    for i in range(acting.size):
        row = acting[i]
        counts[EXPERIENCE, row] += 1
        rate = max(1 / counts[EXPERIENCE, row], beta)
        share = numbers[FITNESS, row] / fitness if p.gradient else 1.0
        before = output(numbers, row, x)
        if linear:
            p_rate = p.eta * share / length
            for d in range(x.size):
                numbers[BOUNDS + 2 * x.size + d, row] += p_rate * (payoff - before) * x[d]
        else:
            p_rate = rate if rate > beta else beta * share
        numbers[PREDICTION, row] += p_rate * (payoff - before)
        known = before if p.error_first else output(numbers, row, x)
        numbers[ERROR, row] += rate * (abs(payoff - known) - numbers[ERROR, row])
        numbers[SIZE, row] += rate * (copies - numbers[SIZE, row])
        kappas[i] = 1.0
        if numbers[ERROR, row] >= p.epsilon0:
            kappas[i] = p.alpha * power(p.epsilon0 / numbers[ERROR, row], p.nu)
        kappas[i] *= counts[NUMEROSITY, row]
        accuracy += kappas[i]
    for i in range(acting.size):
        row = acting[i]
        numbers[FITNESS, row] = (1 - beta) * numbers[FITNESS, row] + beta * kappas[i] / accuracy


@kernel
def power(base, exponent):
    product = 1.0
    for _ in range(int(exponent)):
        product *= base
    return product


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
    left = 0
    for row in acting:
        value, care = words[VALUE, row], words[CARE, row]
        if is_more_general(words, numbers, subsumer, value, care, numbers[:, row], reals):
            counts[NUMEROSITY, subsumer] += counts[NUMEROSITY, row]
            counts[NUMEROSITY, row] = 0
        else:
            acting[left] = row
            left += 1
    return left


@kernel
def specificity(words, numbers, row, reals):
    special = float(count_ones(words[CARE, row]))
    for d in range(reals):
        a, b = numbers[BOUNDS + 2 * d, row], numbers[BOUNDS + 2 * d + 1, row]
        special += 1 - (max(a, b) - min(a, b))
    return special


@kernel
def may_subsume(counts, numbers, p, row):
    return counts[EXPERIENCE, row] > p.theta_sub and numbers[ERROR, row] < p.epsilon0


@kernel
def is_more_general(words, numbers, row, value, care, column, reals):
    wide = words[CARE, row]
    if wide & care != wide or words[VALUE, row] != value & wide:
        return False
    wider = wide != care
    for b in range(BOUNDS, BOUNDS + 2 * reals, 2):
        low, high = min(numbers[b, row], numbers[b + 1, row]), max(numbers[b, row], numbers[b + 1, row])
        inner_low, inner_high = min(column[b], column[b + 1]), max(column[b], column[b + 1])
        if low > inner_low or inner_high > high:
            return False
        wider = wider or low < inner_low or inner_high < high
    return wider


# evolve


@kernel
def evolve(words, counts, numbers, p, draws, bits, actions, acting, word, reals, step):
    for row in acting:
        counts[STAMP, row] = step
    mother = select(counts, numbers, p, draws, acting)
    father = select(counts, numbers, p, draws, acting)
    care, other_care = words[CARE, mother], words[CARE, father]
    child, other = numbers[:, mother].copy(), numbers[:, father].copy()
    if p.copy_fitness:
        child[FITNESS] /= counts[NUMEROSITY, mother]
        other[FITNESS] /= counts[NUMEROSITY, father]
    action, slopes = counts[ACTION, mother], BOUNDS + 2 * reals
    if one(draws) < p.chi:
        genes = bits + 2 * reals
        first, second = below(draws, genes + 1), below(draws, genes + 1)
        low, high = min(first, second), max(first, second)
        swapped = (care ^ other_care) & (all_ones(min(high, bits)) ^ all_ones(min(low, bits)))
        care, other_care = care ^ swapped, other_care ^ swapped
        for b in range(BOUNDS + max(low - bits, 0), BOUNDS + max(high - bits, 0)):
            child[b], other[b] = other[b], child[b]
        for i in range(child.size):
            if i <= FITNESS or i >= slopes:
                child[i] = other[i] = (child[i] + other[i]) / 2
    for offspring in (child, other):
        offspring[ERROR] *= p.error_factor
        offspring[FITNESS] *= p.fitness_factor
        new_care = care ^ flags(draws, bits, p.mu)
        care = other_care
        for b in range(BOUNDS, slopes):
            moves, how_far = one(draws), one(draws)
            if moves < p.mu:
                offspring[b] = min(max(offspring[b] + p.shift * (2 * how_far - 1), 0.0), 1.0)
        does = mutate_action(action, actions, p, draws)
        add_offspring(
            words, counts, numbers, p, mother, father, word & new_care, new_care, does, offspring, reals, step
        )
        delete(counts, numbers, p, draws)


@kernel
def mutate_action(action, actions, p, draws):
    if actions > 1 and one(draws) < p.mu:
        return (action + 1 + below(draws, actions - 1)) % actions
    return action


@kernel
def add_offspring(words, counts, numbers, p, mother, father, value, care, action, column, reals, step):
    if p.do_ga_subsumption:
        for row in (mother, father):
            if (
                counts[NUMEROSITY, row] > 0
                and counts[ACTION, row] == action
                and may_subsume(counts, numbers, p, row)
                and is_more_general(words, numbers, row, value, care, column, reals)
            ):
                counts[NUMEROSITY, row] += 1
                return
    insert(words, counts, numbers, value, care, action, column, reals, step)


@kernel
def select(counts, numbers, p, draws, acting):
    if p.tournament == 0:
        fitness = 0.0
        for row in acting:
            fitness += numbers[FITNESS, row]
        target, sector = one(draws) * fitness, 0.0
        for row in acting:
            sector += numbers[FITNESS, row]
            if sector > target:
                return row
        return acting[-1]
    copies = 0
    for row in acting:
        copies += counts[NUMEROSITY, row]
    refusals = count_refusals(p.tournament, draws) % copies
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
def count_refusals(tau, draws):
    u, stay, count = one(draws), 1 - tau, 0
    while u < stay:
        stay *= 1 - tau
        count += 1
    return count


@kernel
def specify(words, counts, numbers, p, draws, bits, acting, word, reals, step):
    copies, experience, error = 0, 0, 0.0
    for row in acting:
        n = counts[NUMEROSITY, row]
        copies += n
        experience += counts[EXPERIENCE, row] * n
        error += numbers[ERROR, row] * n
    everybody, errors = 0, 0.0
    for row in range(words.shape[1]):
        if counts[NUMEROSITY, row] > 0:
            everybody += counts[NUMEROSITY, row]
            errors += numbers[ERROR, row] * counts[NUMEROSITY, row]
    if experience / copies < SPECIFY_EXPERIENCE or error / copies < SPECIFY_ERROR * (errors / everybody):
        return
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
    delete(counts, numbers, p, draws)


@kernel
def insert(words, counts, numbers, value, care, action, column, reals, stamp):
    free = -1
    for row in range(words.shape[1]):
        if counts[NUMEROSITY, row] == 0:
            if free < 0:
                free = row
        elif words[CARE, row] == care and words[VALUE, row] == value and counts[ACTION, row] == action:
            same = True
            for b in range(BOUNDS, BOUNDS + 2 * reals):
                same = same and numbers[b, row] == column[b]
            if same:
                counts[NUMEROSITY, row] += 1
                return
    words[VALUE, free], words[CARE, free] = value, care
    counts[ACTION, free], counts[EXPERIENCE, free] = action, 0
    counts[STAMP, free], counts[NUMEROSITY, free] = stamp, 1
    for i in range(column.size):
        numbers[i, free] = column[i]


@kernel
def delete(counts, numbers, p, draws):
    while True:
        copies, fitness, rows = 0, 0.0, counts.shape[1]
        for row in range(rows):
            if counts[NUMEROSITY, row] > 0:
                copies += counts[NUMEROSITY, row]
                fitness += numbers[FITNESS, row]
        if copies <= p.capacity:
            return
        votes, mean, cumulated = 0.0, fitness / copies, np.empty(rows)
        for row in range(rows):
            n = counts[NUMEROSITY, row]
            if n > 0:
                vote, own = numbers[SIZE, row] * n, numbers[FITNESS, row] / n
                if counts[EXPERIENCE, row] > p.theta_del and own < p.delta * mean:
                    vote *= mean / own
                votes += vote
            cumulated[row] = votes
        row = np.searchsorted(cumulated[:-1], one(draws) * votes, side="right")
        counts[NUMEROSITY, row] -= 1


# stacks of robots, and whole lives


@kernel
def decide_all(
    words, counts, numbers, params, draws, bits, situations, x, steps, seed, robots, tick, explore, out, chosen
):
    for lane in range(len(words)):
        draw_for(draws, seed, robots[lane], tick, EXPLORE)
        predict(
            *(words[lane], counts[lane], numbers[lane], params, draws, bits),
            *(situations[lane], x[lane], steps[lane], out[lane]),
        )
        chosen[lane] = choose(out[lane], explore, draws)


@kernel
def learn_all(
    words, counts, numbers, params, draws, bits, actions, situations, x, taken, payoffs, steps, seed, robots, tick
):
    for lane in range(len(words)):
        if not np.isnan(payoffs[lane]):
            draw_for(draws, seed, robots[lane], tick, LEARN)
            learn(
                *(words[lane], counts[lane], numbers[lane], params, draws, bits, actions),
                *(situations[lane], x[lane], taken[lane], payoffs[lane], steps[lane]),
            )


@kernel
def lessons(
    words,
    counts,
    numbers,
    params,
    draws,
    bits,
    taught,
    taught_x,
    payoffs,
    tested,
    tested_x,
    explore,
    seed,
    first,
    out,
):
    actions = payoffs.shape[1]
    predictions = np.empty(actions)
    for t in range(taught.size):
        step, x = first + t, taught_x[t]
        draw_for(draws, seed, 0, step, EXPLORE)
        predict(words, counts, numbers, params, draws, bits, taught[t], x, step, predictions)
        action = choose(predictions, explore, draws)
        draw_for(draws, seed, 0, step, LEARN)
        learn(words, counts, numbers, params, draws, bits, actions, taught[t], x, action, payoffs[t, action], step)
        if tested.size > 0:
            draw_for(draws, seed, 0, step, EXPLOIT)
            predict(words, counts, numbers, params, draws, bits, tested[t], tested_x[t], step, predictions)
            out[t] = choose(predictions, 0.0, draws)


@kernel
def episode(
    words,
    counts,
    numbers,
    params,
    draws,
    bits,
    seen,
    following,
    reward,
    final,
    start,
    explore,
    most,
    learns,
    seed,
    tick,
):
    actions = following.shape[1]
    predictions, x = np.empty(actions), np.empty(0)
    state, before, action, paid = start, -1, -1, 0.0
    for t in range(most):
        draw_for(draws, seed, 0, tick + t, EXPLORE)
        predict(words, counts, numbers, params, draws, bits, seen[state], x, tick + t, predictions)
        if learns and t > 0:
            payoff = paid + params[0].gamma * highest(predictions)
            learn(words, counts, numbers, params, draws, bits, actions, seen[before], x, action, payoff, tick + t)
        action = choose(predictions, explore, draws)
        paid = reward[state, action]
        if final[state, action]:
            if learns:
                learn(words, counts, numbers, params, draws, bits, actions, seen[state], x, action, paid, tick + t)
            return t + 1
        before, state = state, following[state, action]
    return most
