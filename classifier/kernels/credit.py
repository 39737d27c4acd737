"""`classifier.credit`."""

# mypy: disable-error-code="no-untyped-def, no-untyped-call"

import numpy as np

from classifier.kernels.compiled import kernel
from classifier.population import BOUNDS, ERROR, EXPERIENCE, FITNESS, NUMEROSITY, PREDICTION, SIZE


@kernel
def output(numbers, row, x):
    p = numbers[PREDICTION, row]
    slopes = BOUNDS + 2 * x.size
    for d in range(numbers.shape[0] - slopes):
        p += numbers[slopes + d, row] * x[d]
    return p


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
