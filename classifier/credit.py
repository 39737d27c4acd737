"""What rules learn from a pay-off: prediction, error, fitness, size of their action sets."""

from collections.abc import Sequence

import numpy as np

from classifier.params import Params
from classifier.population import BOUNDS, EXPERIENCE, NUMEROSITY, Population


def update(pop: Population, acting: np.ndarray, payoff: float, x: np.ndarray, params: Params) -> None:
    """Update prediction, error, action-set size and fitness of the rules in [A].

    The first 1/beta updates of a rule average (MAM, moyenne adaptative modifiee), the later ones step
    by beta. The gradient scales the prediction's step once the average is over. Linear predictions
    step along the inputs by eta (normalized least mean squares).

    The paper's listing updates the prediction before the error, Butz's XCSJava (2000) the error first,
    "to be more conservative": else any rule looks exact after its first update. Error first is the
    default: it solves the 20-multiplexer in two thirds of the problems.
    """
    P, beta, linear = payoff, params.beta, params.linear and pop.reals > 0
    n, exp = pop.counts[NUMEROSITY][acting], pop.counts[EXPERIENCE][acting] + 1
    numbers = pop.numbers[:BOUNDS].take(acting, 1)
    size, prediction, epsilon, F = numbers
    copies, averaging = sum(n.tolist()), 1 / min(exp.tolist()) > beta
    rate = p_rate = np.maximum(1 / exp, beta) if averaging else beta  # of most action sets all rules are experienced
    weights, inputs = [prediction], [1.0]
    if linear:
        weights, inputs = [prediction, *pop.slopes[:, acting]], [1.0, *x.tolist()]
        p_rate = params.eta * (F / total(F) if params.gradient else np.ones_like(F)) / total(np.square(inputs))
    elif params.gradient:
        p_rate = np.where(rate > beta, rate, beta * (F / total(F)))
    missed = P - (output(weights, inputs) if linear else prediction)
    if linear:
        for w, i in zip(weights, inputs, strict=True):
            w += p_rate * missed * i  # noqa: PLW2901
        pop.slopes[:, acting] = weights[1:]
    else:
        prediction += p_rate * missed
    if not params.error_first:
        missed = P - output(weights, inputs)
    epsilon += rate * (abs(missed) - epsilon)
    size += rate * (copies - size)

    kappa, accuracy = n, float(copies)
    if max(epsilon.tolist()) >= params.epsilon0:
        kappa = params.alpha * power(params.epsilon0 / np.maximum(epsilon, params.epsilon0), params.nu)
        kappa[epsilon < params.epsilon0] = 1.0
        kappa *= n
        accuracy = total(kappa)
    F *= 1 - beta
    F += beta * kappa / accuracy  # so written, F never rounds to 0

    pop.counts[EXPERIENCE][acting] = exp
    pop.numbers[:BOUNDS, acting] = numbers


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
    product = base if exponent else np.ones_like(base)
    for _ in range(int(exponent) - 1):
        product = product * base
    return product
