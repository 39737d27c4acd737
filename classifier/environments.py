"""The field's standard single-step problem, to check a learner against published learning curves."""

import numpy as np

from classifier import xcs
from classifier.draws import Draws, uniform
from classifier.params import Params
from classifier.population import Population, empty

PAYOFF = 1000.0  # for a right answer; 0 for a wrong one
SITUATION, EXPLORE, EXPLOIT, LEARN = range(4)  # purposes of draws


def multiplexer(situation: int, address: int) -> int:
    """The data bit that the address bits point at.

    Bits 0 .. address - 1 of the situation are the address, its lowest bit first; the 2^address data
    bits follow.
    """
    return situation >> address + (situation & (1 << address) - 1) & 1


def solve_multiplexer(
    address: int, problems: int, seed: int, params: Params
) -> tuple[Population, np.ndarray]:
    """Learn by random actions and test by best ones in turn, each `problems` times [Wilson 1995].

    Returns the population and whether each tested answer was right, (problems,) bool.
    """
    bits = address + 2**address
    pop = empty(params, bits, actions=2)
    drawn = uniform(seed, 0, np.arange(problems)[:, None], SITUATION, np.arange(2))
    situations = (drawn * 2**bits).astype(np.int64)
    right = np.zeros(problems, bool)
    for step, (learnt, tested) in enumerate(situations.tolist()):
        action, _ = xcs.decide(pop, learnt, step, params, Draws(seed, 0, step, EXPLORE), explore=1.0)
        payoff = PAYOFF if action == multiplexer(learnt, address) else 0.0
        xcs.learn(pop, learnt, action, payoff, step, params, Draws(seed, 0, step, LEARN))
        action, _ = xcs.decide(pop, tested, step, params, Draws(seed, 0, step, EXPLOIT), explore=0.0)
        right[step] = action == multiplexer(tested, address)
    return pop, right


def problems_until(right: np.ndarray, length: int) -> int | None:
    """How many problems it took until the last `length` answers were all right; None if they never were."""
    runs = np.convolve(right, np.ones(length, int), "valid") == length
    return int(runs.argmax()) + length if runs.any() else None
