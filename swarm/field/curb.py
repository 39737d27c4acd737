"""A learner on a leash: it explores only so often, and learns only where it may.

On hardware a random action costs wear, and somebody may want a robot to do what it has learnt and nothing else.
"""

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from classifier.population import Rule
from swarm import registry
from swarm.learners.contract import Choice, Learner, Lesson, Moment, Readable
from swarm.mind import Mind
from swarm.mission import Mission


class Curbed:
    """The mission's learner; in its first `budget` decisions alone it explores (None: in all).

    With `frozen` nothing is explored and nothing learnt: what is in its state stays as it is.
    """

    def __init__(self, mission: Mission, *, frozen: bool, budget: int | None) -> None:
        make = registry.find(registry.LEARNERS, "mind.learner", mission.mind.learner)
        mind, parameters = mission.mind, dict(mission.mind.parameters)
        if hasattr(getattr(make, "Parameters", None), "explore"):
            parameters[mind.learner] = {**parameters.get(mind.learner, {}), "explore": 0.0}
        calm = replace(mission, mind=replace(mind, xcs=replace(mind.xcs, p_explore=0.0), parameters=parameters))
        self._curious: Learner = make(mission)
        self._calm: Learner = make(calm)
        self.frozen, self.left = frozen, 0 if frozen else budget

    def start(self, lanes: int) -> Any:
        """The learner's."""
        return self._curious.start(lanes)

    def decide(self, state: Any, lane: int, situation: int, allowed: Sequence[int], now: Moment) -> Choice:
        """The learner's choice, without exploration once the budget is spent."""
        if self.frozen:
            state = copy.deepcopy(state)  # where no rule fits, one is made to decide by: it is not kept
        if self.left == 0:
            return self._calm.decide(state, lane, situation, allowed, now)
        if self.left is not None:
            self.left -= 1
        return self._curious.decide(state, lane, situation, allowed, now)

    def learn(self, state: Any, lane: int, lessons: Sequence[Lesson], now: Moment) -> None:
        """The learner's, or nothing."""
        if not self.frozen:
            self._calm.learn(state, lane, lessons, now)

    def best(self, state: Any, lane: int, situation: int) -> float:
        """The learner's."""
        return self._calm.best(state, lane, situation)

    def rules(self, state: Any) -> np.ndarray:
        """The learner's."""
        return self._calm.rules(state)

    def readable(self, state: Any, lane: int, situation: int | None = None) -> list[Rule]:
        """The learner's; none where it has no rules that people can read."""
        return self._calm.readable(state, lane, situation) if isinstance(self._calm, Readable) else []


def curb(mind: Mind, *, frozen: bool, budget: int | None) -> None:
    """Put the learner of a mind on a leash."""
    mind.learner = Curbed(mind.mission, frozen=frozen, budget=budget)
