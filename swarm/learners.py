"""Learners: who decides a robot's local behaviour, the action at a site.

A learner keeps the state of a stack of robots and is asked about one lane at a time, a few times a
minute. A situation is `swarm.features.BITS` bits, an action an index into `swarm.report.ACTIONS`.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np

from classifier import population, xcs
from classifier.draws import Draws
from swarm.features import BITS
from swarm.mission import Mission
from swarm.registry import learner
from swarm.report import ACTIONS


class Choice(NamedTuple):
    """What a learner chose."""

    action: int
    prediction: float  # of its pay-off; NaN: the learner makes none


class Learner(Protocol):
    """Contract of a learner; it is built from the mission."""

    def __init__(self, mission: Mission) -> None: ...

    def start(self, lanes: int) -> Any:
        """State of `lanes` robots that have learnt nothing; `decide` and `learn` write into it."""

    def decide(self, state: Any, lane: int, situation: int, allowed: Sequence[int], step: int, draws: Draws) -> Choice:
        """The action to take, one of those `allowed` (at least one); `step` counts the lane's lessons."""

    def learn(self, state: Any, lane: int, situation: int, action: int, payoff: float, step: int, draws: Draws) -> None:
        """What came of an action, own or a neighbour's."""

    def best(self, state: Any, lane: int, situation: int) -> float:
        """The highest pay-off it predicts; 0 where it knows nothing."""

    def rules(self, state: Any) -> np.ndarray:
        """(L,) how many rules each robot has."""


@runtime_checkable
class Readable(Protocol):
    """A learner whose rules people can read."""

    def readable(self, state: Any, lane: int, situation: int | None = None) -> list[population.Rule]:
        """A robot's rules, the fittest first: all of them, or those that match a situation."""


@learner("xcs")
class Xcs:
    """The classifier system of `classifier.xcs`."""

    def __init__(self, mission: Mission) -> None:
        self.params = mission.mind.xcs

    def start(self, lanes: int) -> population.Population:
        """Empty populations; decisions come at once from now on."""
        xcs.warm_up(self.params, BITS, len(ACTIONS))
        return population.empty(self.params, BITS, len(ACTIONS), (lanes,))

    def decide(
        self,
        state: population.Population,
        lane: int,
        situation: int,
        allowed: Sequence[int],
        step: int,
        draws: Draws,
    ) -> Choice:
        """Epsilon-greedy over the allowed part of the prediction array."""
        predictions = xcs.predict(state.lane(lane), situation, step, self.params, draws)[list(allowed)]
        chosen = xcs.choose(predictions, self.params.p_explore, draws)
        return Choice(allowed[chosen], float(predictions[chosen]))

    def learn(
        self,
        state: population.Population,
        lane: int,
        situation: int,
        action: int,
        payoff: float,
        step: int,
        draws: Draws,
    ) -> None:
        """Update the action set, and evolve it when due."""
        xcs.learn(state.lane(lane), situation, action, payoff, step, self.params, draws)

    def best(self, state: population.Population, lane: int, situation: int) -> float:
        """Highest entry of the prediction array."""
        value = float(xcs.best(state.lane(lane), situation))
        return 0.0 if np.isnan(value) else value

    def rules(self, state: population.Population) -> np.ndarray:
        """Macroclassifiers."""
        return np.asarray((state.numerosity > 0).sum(-1))

    def readable(self, state: population.Population, lane: int, situation: int | None = None) -> list[population.Rule]:
        """Macroclassifiers, the fittest first."""
        pop = state.lane(lane)
        if situation is not None:
            counts = pop.counts.copy()
            counts[population.NUMEROSITY] *= xcs.match(pop, xcs.read(pop, situation))
            pop = replace(pop, counts=counts)
        return population.rules(pop)


@learner("random")
class Guess:
    """Any action, learns nothing: the floor for comparisons."""

    def __init__(self, mission: Mission) -> None:
        pass

    def start(self, lanes: int) -> int:
        """Nothing but how many."""
        return lanes

    def decide(
        self,
        state: int,  # noqa: ARG002 - part of the contract
        lane: int,  # noqa: ARG002
        situation: int,  # noqa: ARG002
        allowed: Sequence[int],
        step: int,  # noqa: ARG002
        draws: Draws,
    ) -> Choice:
        """A fair draw."""
        return Choice(allowed[draws.below(len(allowed))], float("nan"))

    def learn(self, state: int, lane: int, situation: int, action: int, payoff: float, step: int, draws: Draws) -> None:
        """Nothing is learnt."""

    def best(self, state: int, lane: int, situation: int) -> float:  # noqa: ARG002
        """It knows nothing."""
        return 0.0

    def rules(self, state: int) -> np.ndarray:
        """None."""
        return np.zeros(state, int)
