"""The field's standard single-step problem, to check a learner against published learning curves."""

from typing import TypeVar

import numpy as np

from classifier import scs
from classifier.draws import SITUATION, Draws, uniform
from classifier.params import Params
from classifier.population import Population, empty
from classifier.training import lessons, situations

PAYOFF = 1000.0  # for a right answer; 0 for a wrong one

Bits = TypeVar("Bits", int, np.ndarray)


def multiplexer(situation: Bits, address: int) -> Bits:
    """The data bit that the address bits point at.

    Bits 0 .. address - 1 of the situation are the address, its lowest bit first; the 2^address data
    bits follow.
    """
    bit: Bits = situation >> address + (situation & (1 << address) - 1) & 1
    return bit


def solve_multiplexer(address: int, problems: int, seed: int, params: Params) -> tuple[Population, np.ndarray]:
    """Learn by random actions and test by best ones in turn, each `problems` times [Wilson 1995].

    Returns the population and whether each tested answer was right, (problems,) bool.
    """
    pop = empty(params, address + 2**address, actions=2)
    return pop, practise_multiplexer(pop, address, problems, seed, params)


def practise_multiplexer(
    pop: Population, address: int, problems: int, seed: int, params: Params, first: int = 0, inverted: bool = False
) -> np.ndarray:
    """The same for a population that has learnt before, up to step `first`; `inverted`: the other bit is right."""
    taught, tested = _problems(pop.bits, problems, seed, first).T
    answers = multiplexer(np.stack([taught, tested]), address) ^ int(inverted)
    payoffs = PAYOFF * (answers[0][:, None] == np.arange(2))
    chosen = lessons(
        pop,
        situations(pop, taught, None, problems),
        payoffs,
        params,
        seed,
        tested=situations(pop, tested, None, problems),
        first=first,
    )
    right: np.ndarray = chosen == answers[1]
    return right


def auction_multiplexer(address: int, problems: int, seed: int, params: scs.Params) -> tuple[Population, np.ndarray]:
    """The same by SCS: what is learnt from is what the auction decides, the test is the highest bid without noise."""
    pop, draws = scs.empty(params, address + 2**address, actions=2), Draws(seed)
    right = np.zeros(problems, bool)
    for step, (taught, tested) in enumerate(_problems(pop.bits, problems, seed, 0).tolist()):
        action, _ = scs.decide(pop, taught, step, params, draws, params.p_explore)
        scs.learn(pop, taught, action, PAYOFF * (action == multiplexer(taught, address)), step, params, draws)
        bids = scs.predictions_known(pop, tested)
        right[step] = int(np.nan_to_num(bids).argmax()) == multiplexer(tested, address)
    return pop, right


def _problems(bits: int, problems: int, seed: int, first: int) -> np.ndarray:
    drawn = uniform(seed, 0, np.arange(first, first + problems)[:, None], SITUATION, np.arange(2))
    return np.asarray(drawn * 2**bits).astype(np.int64)


def problems_until(right: np.ndarray, length: int) -> int | None:
    """How many problems it took until the last `length` answers were all right; None if they never were."""
    runs = np.convolve(right, np.ones(length, int), "valid") == length
    return int(runs.argmax()) + length if runs.any() else None
