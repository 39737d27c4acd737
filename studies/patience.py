"""A learner that learns nothing: it grips at every stick and waits for a fixed time (Ijspeert et al. 2001).

Who is first at a site must have tried all actions before it may leave, which takes 9 s: shorter times cannot be had.
"""

from dataclasses import dataclass

import numpy as np

from swarm.learners import Choice
from swarm.registry import learner, parameters
from swarm.report import ACTIONS

PULL, FOLLOW, LEAVE = (ACTIONS.index(name) for name in ("pull", "follow", "leave"))
PAUSE = 6.0  # s without a decision, which takes about 3 s: what comes then is another visit


@dataclass(frozen=True)
class Parameters:
    """Of a fixed patience."""

    wait: float = 1e9  # s at a site without help


@learner("patience")
class Patience:
    """Pull, or follow whoever is there, for a fixed time; then leave."""

    Parameters = Parameters

    def __init__(self, mission):
        self.wait, self.dt = parameters(mission, "patience", Parameters).wait, mission.tick

    def start(self, lanes):
        """(L, 2) ticks: when the visit began, and the latest decision."""
        return np.full((lanes, 2), -(10**6))

    def decide(self, state, lane, situation, allowed, now):
        """Leave once the time is over and leaving is allowed."""
        if (now.tick - state[lane, 1]) * self.dt > PAUSE:
            state[lane, 0] = now.tick
        state[lane, 1] = now.tick
        if LEAVE in allowed and (now.tick - state[lane, 0]) * self.dt >= self.wait:
            return Choice(LEAVE, float("nan"))
        wanted = [action for action in (PULL, FOLLOW) if action in allowed]
        return Choice(wanted[0] if wanted else allowed[0], float("nan"))

    def learn(self, state, lane, lessons, now):
        """Nothing is learnt."""

    def best(self, state, lane, situation):
        """It predicts nothing."""
        return 0.0

    def rules(self, state):
        """None."""
        return np.zeros(len(state), int)
