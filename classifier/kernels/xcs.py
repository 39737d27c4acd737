"""`classifier.xcs`: what one robot does."""

# mypy: disable-error-code="no-untyped-def, no-untyped-call"

import numpy as np

from classifier.kernels.compiled import kernel
from classifier.kernels.conditions import ANY, match
from classifier.kernels.credit import output, update
from classifier.kernels.discovery import cover, evolve, specify, subsume
from classifier.kernels.draws import below, one
from classifier.population import ACTION, FITNESS, NUMEROSITY, STAMP


@kernel
def prediction_array(words, counts, numbers, word, x, rows, out):
    """Write the prediction array (A,) to `out`; returns for how many actions no rule matches."""
    total = np.zeros(out.size)
    out[:] = 0.0
    for row in rows[: match(words, counts, numbers, word, x, ANY, rows)]:
        action, fitness = counts[ACTION, row], numbers[FITNESS, row]
        total[action] += fitness
        out[action] += fitness * output(numbers, row, x)
    missing = 0
    for action in range(out.size):
        if total[action] > 0:
            out[action] /= total[action]
        else:
            out[action] = np.nan
            missing += 1
    return missing


@kernel
def known(words, counts, numbers, situation, x, out):
    prediction_array(words, counts, numbers, np.uint64(situation), x, np.empty(words.shape[1], np.int64), out)


@kernel
def predict(words, counts, numbers, params, draws, bits, situation, x, step, out):
    p, word, rows = params[0], np.uint64(situation), np.empty(words.shape[1], np.int64)
    enough = p.theta_mna if p.theta_mna > 0 else out.size
    while True:
        missing = prediction_array(words, counts, numbers, word, x, rows, out)
        if out.size - missing >= enough:
            return
        skip = below(draws, missing)
        for action in range(out.size):
            if np.isnan(out[action]):
                if skip == 0:
                    cover(words, counts, numbers, p, draws, bits, word, x, action, step)
                    break
                skip -= 1


@kernel
def choose(predictions, explore, draws):
    explores, highest, known, ties = one(draws) < explore, -np.inf, 0, 0
    for p in predictions:
        known += int(not np.isnan(p))
        if p > highest:
            highest, ties = p, 1
        elif p == highest:
            ties += 1
    skip = below(draws, known if explores else ties)
    for action in range(predictions.size):
        if predictions[action] == highest or (explores and not np.isnan(predictions[action])):
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
    best = -np.inf
    for p in predictions:
        best = max(best, p) if not np.isnan(p) else best
    return best


@kernel
def learn(words, counts, numbers, params, draws, bits, actions, situation, x, action, payoff, step):
    p, word = params[0], np.uint64(situation)
    acting = np.empty(words.shape[1], np.int64)
    size = match(words, counts, numbers, word, x, action, acting)
    while size == 0:
        cover(words, counts, numbers, p, draws, bits, word, x, action, step)
        size = match(words, counts, numbers, word, x, action, acting)
    update(counts, numbers, p, acting[:size], payoff, x)
    if p.do_as_subsumption:
        size = subsume(words, counts, numbers, p, draws, acting[:size], x.size)
    if p.p_specify > 0:
        size = specify(words, counts, numbers, p, draws, bits, acting[:size], word, x.size, step)
        if size == 0:
            return
    stamps, copies = 0, 0
    for row in acting[:size]:
        stamps += counts[STAMP, row] * counts[NUMEROSITY, row]
        copies += counts[NUMEROSITY, row]
    if step - stamps / copies > p.theta_ga:
        evolve(words, counts, numbers, p, draws, bits, actions, acting[:size], word, x, step)
