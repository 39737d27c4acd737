"""`classifier.stack` and `classifier.training`: stacks of robots, and whole lives."""

# mypy: disable-error-code="no-untyped-def, no-untyped-call"

import numpy as np

from classifier.draws import EXPLOIT, EXPLORE, LEARN
from classifier.kernels.compiled import kernel
from classifier.kernels.draws import draw_for
from classifier.kernels.xcs import choose, highest, learn, predict, prediction_array


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
def learn_in_turn(words, counts, numbers, params, draws, bits, actions, situations, x, taken, payoffs, first):
    for t in range(taken.size):
        learn(
            *(words, counts, numbers, params, draws, bits, actions),
            *(situations[t], x[t], taken[t], payoffs[t], first + t),
        )


@kernel
def predictions_all(words, counts, numbers, situations, x, out):
    rows = np.empty(words.shape[1], np.int64)
    for t in range(len(out)):
        prediction_array(words, counts, numbers, np.uint64(situations[t]), x[t], rows, out[t])


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
