"""Learners that keep a table with a row for each signature; bits that mean nothing make it large."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from robots import check
from swarm.learners.contract import Choice, Lesson, Moment
from swarm.learners.plain import FOLLOW, GIVE_UP, LEAVE, NOTHING, PATIENT
from swarm.mission import Mission
from swarm.registry import learner, parameters
from swarm.report import ACTIONS

SIGNATURE = 0xFFF  # bits of the situation
WON = 500.0  # pay-off from which an action has paid


class Table(NamedTuple):
    """What is known of each signature, for L robots."""

    rows: np.ndarray  # (L, rows, ...)
    known: np.ndarray  # (L,) signatures that there is something in the table for


@learner("stay")
class WinStay:
    """Win-stay, lose-shift: what paid last at a signature is done again, what did not is not.

    At a new signature it does what paid last anywhere. At a site where others are it follows the one who has
    been there longest, as all do, and leaves after long waiting in vain.
    """

    def __init__(self, mission: Mission) -> None:
        pass

    def start(self, lanes: int) -> Table:
        """Rows (L, signatures + 1) with the action for each, -1 none; the last is what paid last."""
        return Table(np.full((lanes, SIGNATURE + 2), -1, np.int8), np.zeros(lanes, np.int64))

    def decide(self, state: Table, lane: int, situation: int, allowed: Sequence[int], now: Moment) -> Choice:
        """Stay, or any other action after a loss."""
        if LEAVE in allowed and situation >> PATIENT & 1 and now.draws.one() < GIVE_UP:
            return Choice(LEAVE, NOTHING)
        if FOLLOW in allowed:
            return Choice(FOLLOW, NOTHING)
        for action in (int(state.rows[lane, situation & SIGNATURE]), int(state.rows[lane, -1])):
            if action in allowed:
                return Choice(action, NOTHING)
        return Choice(allowed[now.draws.below(len(allowed))], NOTHING)

    def learn(self, state: Table, lane: int, lessons: Sequence[Lesson], now: Moment) -> None:
        """Keep what won, drop what lost."""
        row = state.rows[lane]
        for situation, action, payoff, _ in lessons:
            if action >= FOLLOW:
                continue
            place = situation & SIGNATURE
            state.known[lane] += row[place] < 0
            if payoff >= WON:
                row[place] = row[-1] = action
            elif row[place] in (action, -1):
                row[place] = (action + 1 + now.draws.below(FOLLOW - 1)) % FOLLOW

    def best(self, state: Table, lane: int, situation: int) -> float:  # noqa: ARG002 - part of the contract
        """It predicts nothing."""
        return 0.0

    def rules(self, state: Table) -> np.ndarray:
        """Signatures that it has an action for."""
        return state.known


@dataclass(frozen=True)
class QParameters:
    """Of a table of action values."""

    alpha: float = 0.3  # learning rate
    beta: float = 0.3  # learning rate where the value falls; below alpha: hysteretic [Matignon et al. 2007]
    explore: float = 0.05  # probability of a random action

    def __post_init__(self) -> None:
        for name in ("alpha", "beta", "explore"):
            check.number(name, getattr(self, name), 0, 1)


@dataclass(frozen=True)
class HystereticParameters(QParameters):
    """The same, slow to believe that a value has fallen."""

    beta: float = 0.03  # learning rate where the value falls


@learner("q")
class Q:
    """Tabular Q-learning on signatures."""

    name, Parameters = "q", QParameters

    def __init__(self, mission: Mission) -> None:
        self.given = parameters(mission, self.name, self.Parameters)

    def start(self, lanes: int) -> Table:
        """Rows (L, signatures, actions) of values; 0: not tried."""
        return Table(np.zeros((lanes, SIGNATURE + 1, len(ACTIONS)), np.float32), np.zeros(lanes, np.int64))

    def decide(self, state: Table, lane: int, situation: int, allowed: Sequence[int], now: Moment) -> Choice:
        """Epsilon-greedy over what is allowed, in a tie by chance."""
        values = state.rows[lane, situation & SIGNATURE, list(allowed)]
        best = np.flatnonzero(values == values.max())
        chosen = int(best[now.draws.below(len(best))])
        if now.draws.one() < self.given.explore:
            chosen = now.draws.below(len(allowed))
        return Choice(allowed[chosen], float(values[chosen]))

    def learn(self, state: Table, lane: int, lessons: Sequence[Lesson], now: Moment) -> None:  # noqa: ARG002
        """Move the value towards the pay-off, which holds the discounted future already."""
        for situation, action, payoff, _ in lessons:
            values = state.rows[lane, situation & SIGNATURE]
            error = payoff - values[action]
            new = error != 0 and not values.any()
            values[action] += (self.given.alpha if error > 0 else self.given.beta) * error
            state.known[lane] += new

    def best(self, state: Table, lane: int, situation: int) -> float:
        """The highest value of the signature."""
        return float(state.rows[lane, situation & SIGNATURE].max())

    def rules(self, state: Table) -> np.ndarray:
        """Signatures that it has values for."""
        return state.known


@learner("hysteretic")
class Hysteretic(Q):
    """Hysteretic Q-learning [Matignon, Laurent & Le Fort-Piat 2007]: independent learners that forgive mates."""

    name, Parameters = "hysteretic", HystereticParameters
