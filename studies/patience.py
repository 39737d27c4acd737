"""Learners that learn nothing: they grip at every stick and wait for a fixed time, as in Ijspeert et al. 2001.

Registered as wait10, wait20, ... (s) and waitforever. A decision at a site lasts about 3 s, and who is first at a
site must have tried all actions before it may leave, so that waiting times below 9 s cannot be had.
"""

import numpy as np

from swarm.learners import Choice
from swarm.registry import learner
from swarm.report import ACTIONS

PULL, FOLLOW, LEAVE = (ACTIONS.index(name) for name in ("pull", "follow", "leave"))
DECISION = 3.0  # s that a decision lasts without progress


class Patience:
    """Pull, or follow whoever is there, for `wait` s; then leave."""

    wait = float("inf")  # s

    def __init__(self, mission):
        pass

    def start(self, lanes):
        """Decisions of each robot since it came to its site."""
        return np.zeros(lanes, int)

    def decide(self, state, lane, situation, allowed, now):
        """Leave once the time is over and leaving is allowed."""
        if LEAVE in allowed and state[lane] * DECISION >= self.wait:
            state[lane] = 0
            return Choice(LEAVE, float("nan"))
        state[lane] += 1
        wanted = [action for action in (PULL, FOLLOW) if action in allowed]
        return Choice(wanted[0] if wanted else allowed[0], float("nan"))

    def learn(self, state, lane, lesson, now):
        """A stick that was pulled out ends the waiting."""
        if lesson.payoff > 0:
            state[lane] = 0

    def best(self, state, lane, situation):
        """It predicts nothing."""
        return 0.0

    def rules(self, state):
        """None."""
        return np.zeros(len(state), int)


for seconds in (10, 20, 40, 80, 160):
    learner(f"wait{seconds}")(type(f"Wait{seconds}", (Patience,), {"wait": float(seconds)}))
learner("waitforever")(type("WaitForever", (Patience,), {}))
