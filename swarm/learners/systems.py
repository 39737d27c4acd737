"""Learners that are classifier systems."""

from collections.abc import Sequence

import numpy as np

from classifier import conditions, population, scs, stack, xcs
from swarm.learners.contract import Choice, Lesson, Moment
from swarm.mission import Mission
from swarm.registry import PluginError, learner, parameters
from swarm.report import ACTIONS
from swarm.situation import BITS


def _has_room(key: str, capacity: int) -> None:
    """Refuse fewer rules than there are actions. Raises PluginError."""
    if capacity < len(ACTIONS):
        raise PluginError(f"{key}.capacity = {capacity}: must be at least the number of actions, {len(ACTIONS)}")


@learner("xcs")
class Xcs:
    """The classifier system of `classifier.xcs`."""

    def __init__(self, mission: Mission) -> None:
        self.params = mission.mind.xcs
        _has_room("mind.xcs", self.params.capacity)

    def start(self, lanes: int) -> population.Population:
        """Empty populations; decisions come at once from now on."""
        stack.warm_up(self.params, BITS, len(ACTIONS))
        return population.empty(self.params, BITS, len(ACTIONS), (lanes,))

    def decide(
        self, state: population.Population, lane: int, situation: int, allowed: Sequence[int], now: Moment
    ) -> Choice:
        """Epsilon-greedy over the allowed part of the prediction array."""
        predictions = xcs.predict(state.lane(lane), situation, now.lessons, self.params, now.draws)[list(allowed)]
        chosen = xcs.choose(predictions, self.params.p_explore, now.draws)
        return Choice(allowed[chosen], float(predictions[chosen]))

    def learn(self, state: population.Population, lane: int, lessons: Sequence[Lesson], now: Moment) -> None:
        """Update the action set, and evolve it when due."""
        situations, actions, payoffs, _ = zip(*lessons, strict=True)
        seen = np.array(situations)
        stack.learn_in_turn(state.lane(lane), seen, actions, payoffs, now.lessons, self.params, now.draws)

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


@learner("scs")
class Scs:
    """The simple classifier system of `classifier.scs`, the family of the 2004 paper: the faithful mode."""

    Parameters = scs.Params

    def __init__(self, mission: Mission) -> None:
        self.params = parameters(mission, "scs", scs.Params)
        _has_room("mind.parameters.scs", self.params.capacity)

    def start(self, lanes: int) -> population.Population:
        """Empty populations."""
        return scs.empty(self.params, BITS, len(ACTIONS), (lanes,))

    def decide(
        self, state: population.Population, lane: int, situation: int, allowed: Sequence[int], now: Moment
    ) -> Choice:
        """The auction among the rules for what is allowed; the prediction is the bid without noise."""
        pop = state.lane(lane)
        bids = scs.predict(pop, situation, now.lessons, self.params, now.draws)[list(allowed)]
        action = allowed[xcs.choose(bids, self.params.p_explore, now.draws)]
        return Choice(action, self._within(scs.predictions_known(pop, situation)[action]))

    def learn(self, state: population.Population, lane: int, lessons: Sequence[Lesson], now: Moment) -> None:
        """Taxes, bid and pay-off; a generation passes where one is due."""
        pop = state.lane(lane)
        for (situation, action, payoff, _), then in now.each(lessons):
            scs.learn(pop, situation, action, payoff, then.lessons, self.params, now.draws)

    def best(self, state: population.Population, lane: int, situation: int) -> float:
        """The highest bid."""
        value = scs.best(state.lane(lane), situation)
        return 0.0 if np.isnan(value) else self._within(value)

    def rules(self, state: population.Population) -> np.ndarray:
        """Rules."""
        return np.asarray((state.numerosity > 0).sum(-1))

    def readable(self, state: population.Population, lane: int, situation: int | None = None) -> list[population.Rule]:
        """Rules, the strongest first."""
        pop = state.lane(lane)
        return population.rules(pop, None if situation is None else conditions.match(pop, situation))

    def _within(self, bid: float) -> float:
        """A bid as a pay-off: a young rule may bid more than there is to win."""
        return min(float(bid), self.params.payoff)
