"""Learners that are classifier systems."""

from collections.abc import Sequence

import numpy as np

from classifier import conditions, population, xcs
from swarm.features import BITS
from swarm.learners.contract import Choice, Lesson, Moment
from swarm.mission import Mission
from swarm.registry import learner
from swarm.report import ACTIONS


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
        self, state: population.Population, lane: int, situation: int, allowed: Sequence[int], now: Moment
    ) -> Choice:
        """Epsilon-greedy over the allowed part of the prediction array."""
        predictions = xcs.predict(state.lane(lane), situation, now.lessons, self.params, now.draws)[list(allowed)]
        chosen = xcs.choose(predictions, self.params.p_explore, now.draws)
        return Choice(allowed[chosen], float(predictions[chosen]))

    def learn(self, state: population.Population, lane: int, lesson: Lesson, now: Moment) -> None:
        """Update the action set, and evolve it when due."""
        situation, action, payoff, *_ = lesson
        xcs.learn(state.lane(lane), situation, action, payoff, now.lessons, self.params, now.draws)

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
        return population.rules(pop, None if situation is None else conditions.match(pop, situation))
