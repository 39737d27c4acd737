"""SCS, the simple classifier system of Goldberg 1989 after Holland: an auction, a bucket brigade and taxes.

The family of the systems that the reconstruction starts from, kept as its faithful mode; `classifier.xcs` learns
better. A rule has one number, its strength S. Rules that match bid `C_bid (bid1 + bid2 sp) S`, where sp is
the share of bits that they care for; bids have noise. The winner acts, pays its bid and gets what comes of it: pay-off
and, in a chain of actions, the bid of whoever acts next (so that strength is handed back along the chain,
the bucket brigade). Who bids pays a tax, and so does who lives. Where strength no longer changes,
a rule's bid is what its action pays: bids are this system's predictions.

The functions are those of `classifier.xcs`, over the same populations of ternary rules: `fitness` holds the strength,
`prediction` the bid without noise. Ours: populations start empty, and an action that nobody proposes is covered,
the weakest rule giving way; which rule bid highest for an action is drawn when it learns, so that a pay-off may
come at any time, and for another robot's situation as well.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from classifier.conditions import action_set, match, read
from classifier.credit import total
from classifier.draws import Draws
from classifier.params import Params as XcsParams
from classifier.params import check
from classifier.population import (
    ACTION,
    CARE,
    EXPERIENCE,
    FITNESS,
    NUMEROSITY,
    PREDICTION,
    STAMP,
    VALUE,
    Population,
    count_rules,
)
from classifier.population import empty as empty_population
from classifier.xcs import MOST_PAYOFF, choose, read_action

RANGES: dict[str, tuple[float, float]] = {
    "capacity": (2, 100_000),
    "payoff": (1e-6, 1e9),
    "bid": (1e-6, 1),
    "bid1": (0, 1),
    "bid2": (0, 1),
    "sigma": (0, 10),
    "bid_tax": (0, 1),
    "life_tax": (0, 1),
    "start": (1e-6, 1e6),
    "gamma": (0, 1),
    "period": (1, 10**9),
    "replaced": (0, 1),
    "chi": (0, 1),
    "mu": (0, 1),
    "crowding": (1, 1000),
    "crowd": (1, 1000),
    "p_wild": (0, 1),
    "p_explore": (0, 1),
}


@dataclass(frozen=True)
class Params:
    """SCS [Goldberg 1989, ch. 6 and appendix D]; what is not in the book is marked ours."""

    capacity: int = 200  # N: rules
    payoff: float = 1000.0  # the largest pay-off, unit of strength and noise
    bid: float = 0.1  # C_bid: share of the strength that is bid
    bid1: float = 0.25  # share of C_bid that any rule bids
    bid2: float = 0.125  # and beyond that a rule that cares for all bits
    sigma: float = 0.075  # standard deviation of the noise of bids, in units of the pay-off
    bid_tax: float = 0.01  # share of the strength that a bidder pays
    life_tax: float = 0.0  # share of the strength that all rules pay, at each lesson
    start: float = 10.0  # strength of a first rule, in units of the pay-off
    gamma: float = 1.0  # share of the next bid that is handed back along a chain; ours
    period: int = 500  # lessons between two generations; ours
    replaced: float = 0.2  # share of the population that is replaced
    chi: float = 1.0  # probability of crossover
    mu: float = 0.02  # probability of mutation, per position
    crowding: int = 3  # candidates to be replaced, of which the most similar one goes
    crowd: int = 3  # rules of which the weakest is a candidate
    p_wild: float = 0.5  # probability of a don't-care bit in a covering rule
    p_explore: float = 0.05  # probability of a random action; ours

    def __post_init__(self) -> None:
        for name, (low, high) in RANGES.items():
            check(name, getattr(self, name), low, high)


def empty(params: Params, bits: int, actions: int, lanes: tuple[int, ...] = ()) -> Population:
    """Populations without rules, arrays (*lanes, capacity + 1). Raises ValueError for sizes that do not fit."""
    return empty_population(XcsParams(capacity=params.capacity), bits, actions, lanes)


def decide(
    pop: Population, situation: Any, step: int, params: Params, draws: Draws, explore: float
) -> tuple[int, np.ndarray]:
    """The action to take and the highest bid for each (A,); covers what has no rule.

    `explore` is the probability of a random action. Raises ValueError for a situation out of range.
    """
    predictions = predict(pop, situation, step, params, draws)
    return choose(predictions, explore, draws), predictions


def predict(pop: Population, situation: Any, step: int, params: Params, draws: Draws) -> np.ndarray:
    """The auction: the highest bid, with noise, for each action (A,); covers actions that nobody bids for."""
    seen = read(pop, situation)
    while missing := set(range(pop.actions)) - set(pop.counts[ACTION, rows := match(pop, seen)].tolist()):
        _cover(pop, seen.word, min(missing), step, params, draws)
    bids = np.full(pop.actions, -np.inf)
    np.maximum.at(bids, pop.counts[ACTION, rows], _noisy(pop, rows, params, draws))
    return bids


def predictions_known(pop: Population, situation: Any) -> np.ndarray:
    """The highest bid for each action (A,), without noise; NaN where nobody bids. Covers nothing."""
    rows, bids = match(pop, situation), np.full(pop.actions, np.nan)
    np.fmax.at(bids, pop.counts[ACTION, rows], pop.numbers[PREDICTION, rows])
    return bids


def best(pop: Population, situation: Any) -> float:
    """The highest bid, without noise: what is handed back along a chain; NaN where nobody bids."""
    return float(np.fmax.reduce(predictions_known(pop, situation)))


def learn(pop: Population, situation: Any, action: int, payoff: float, step: int, params: Params, draws: Draws) -> None:
    """Bidders pay their tax, the winner its bid; it gets the pay-off. A generation passes where one is due.

    Raises ValueError for a situation, action or pay-off out of range.
    """
    seen, action = read(pop, situation), read_action(pop, action)
    check("payoff", payoff, -MOST_PAYOFF, MOST_PAYOFF)
    if not (acting := action_set(pop, seen, action)).size:
        _cover(pop, seen.word, action, step, params, draws)
        acting = action_set(pop, seen, action)
    S, count = pop.numbers[FITNESS], count_rules(pop)
    winner = int(acting[_noisy(pop, acting, params, draws).argmax()])
    paid = pop.numbers[PREDICTION, winner]
    S[match(pop, seen)] *= 1 - params.bid_tax
    S[:count] *= 1 - params.life_tax
    S[winner] = max(S[winner] + payoff - paid, 0.0)
    pop.counts[EXPERIENCE, winner] += 1
    _bid(pop, params)
    if step % params.period == params.period - 1:
        _evolve(pop, step, params, draws)


def _bid(pop: Population, params: Params) -> None:
    """Bids follow strengths."""
    share = np.bitwise_count(pop.words[CARE]) / pop.bits
    pop.numbers[PREDICTION] = params.bid * (params.bid1 + params.bid2 * share) * pop.numbers[FITNESS]


def _noisy(pop: Population, rows: np.ndarray, params: Params, draws: Draws) -> np.ndarray:
    """Bids of `rows` with normally distributed noise [Box & Muller 1958]."""
    radius, angle = draws.many(2 * rows.size).reshape(2, -1)
    noise = np.sqrt(-2 * np.log(1 - radius)) * np.cos(2 * np.pi * angle)
    bids: np.ndarray = pop.numbers[PREDICTION, rows] + params.sigma * params.payoff * noise
    return bids


def _cover(pop: Population, word: int, action: int, step: int, params: Params, draws: Draws) -> None:
    """A rule that matches, as strong as the mean, in a free row or that of the weakest that can be spared."""
    count = count_rules(pop)
    strength = total(pop.numbers[FITNESS, :count]) / count if count else params.start * params.payoff
    row = count if count < params.capacity else _spared(pop, word)
    care = sum(1 << b for b, u in enumerate(draws.many(pop.bits).tolist()) if u >= params.p_wild)
    _write(pop, row, word & care, care, action, strength, step)
    _bid(pop, params)


def _spared(pop: Population, word: int) -> int:
    """The weakest rule that does not match `word`; where all do, of those whose action another one has too."""
    rows = np.arange(count_rules(pop))
    matching = match(pop, word)
    spared = np.setdiff1d(rows, matching)
    if not spared.size:
        spared = rows[np.bincount(pop.counts[ACTION, rows])[pop.counts[ACTION, rows]] > 1]
    return int(spared[pop.numbers[FITNESS, spared].argmin()])


def _write(pop: Population, row: int, value: int, care: int, action: int, strength: float, step: int) -> None:
    pop.words[VALUE, row], pop.words[CARE, row] = value, care
    pop.counts[ACTION, row], pop.counts[EXPERIENCE, row] = action, 0
    pop.counts[STAMP, row], pop.counts[NUMEROSITY, row] = step, 1
    pop.numbers[FITNESS, row] = strength


def _evolve(pop: Population, step: int, params: Params, draws: Draws) -> None:
    """One generation: pairs of parents by strength, one-point crossover, mutation, replacement by crowding."""
    for _ in range(int(params.replaced * count_rules(pop) / 2)):
        wheel = np.add.accumulate(pop.numbers[FITNESS, : count_rules(pop)])
        parents = [int(wheel[:-1].searchsorted(draws.one() * wheel[-1], side="right")) for _ in range(2)]
        genes = [(*(int(w) for w in pop.words[:, row]), int(pop.counts[ACTION, row])) for row in parents]
        strength = float(pop.numbers[FITNESS, parents].sum()) / 2
        cut = draws.below(pop.bits + 1) if draws.one() < params.chi else pop.bits + 1
        for (value, care, action), (other_value, other_care, other_action) in (genes, genes[::-1]):
            low = (1 << min(cut, pop.bits)) - 1
            child = [value & low | other_value & ~low, care & low | other_care & ~low]
            does = other_action if cut <= pop.bits else action
            for b, (u, which) in enumerate(draws.many(2 * pop.bits).reshape(-1, 2).tolist()):
                if u < params.mu:  # to one of the other two of 0, 1, #
                    now = 2 if not child[1] >> b & 1 else child[0] >> b & 1
                    then = (now + 1 + int(2 * which)) % 3
                    child = [child[0] & ~(1 << b) | (then & 1) << b, child[1] & ~(1 << b) | (then < 2) << b]
            if draws.one() < params.mu:
                does = draws.below(pop.actions)
            value_now, care_now = child
            row = _crowded(pop, value_now, care_now, params, draws)
            _write(pop, row, value_now, care_now, does, strength, step)
    _bid(pop, params)


def _crowded(pop: Population, value: int, care: int, params: Params, draws: Draws) -> int:
    """The row of the rule that a new one replaces: of weak ones the most similar [De Jong 1975]."""
    rows = (draws.many(params.crowding * params.crowd) * count_rules(pop)).astype(int).reshape(params.crowding, -1)
    weak = rows[np.arange(params.crowding), pop.numbers[FITNESS, rows].argmin(1)]
    unlike = np.bitwise_count((pop.words[VALUE, weak] ^ value) | (pop.words[CARE, weak] ^ care))
    return int(weak[unlike.argmin()])
