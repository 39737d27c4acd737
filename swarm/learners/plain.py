"""Learners that learn nothing: chance, and rules that people wrote; the floor and the ceiling of comparisons."""

from collections.abc import Sequence

import numpy as np

from sim.spec import ACTIONS as WORKING
from sim.spec import Meaning
from swarm.learners.contract import Choice, Lesson, Moment
from swarm.mission import Mission
from swarm.registry import learner
from swarm.report import ACTIONS

FOLLOW, LEAVE = ACTIONS.index("follow"), ACTIONS.index("leave")
PATIENT = 20  # bit of the situation that says that a robot has waited for long
GIVE_UP = 0.25  # probability per decision that a robot then leaves
NOTHING = float("nan")


class _Ignorant:
    def __init__(self, mission: Mission) -> None:
        pass

    def start(self, lanes: int) -> int:
        """Nothing but how many."""
        return lanes

    def learn(self, state: int, lane: int, lessons: Sequence[Lesson], now: Moment) -> None:
        """Nothing is learnt."""

    def best(self, state: int, lane: int, situation: int) -> float:  # noqa: ARG002 - part of the contract
        """It predicts nothing."""
        return 0.0

    def rules(self, state: int) -> np.ndarray:
        """None."""
        return np.zeros(state, int)


@learner("random")
class Guess(_Ignorant):
    """Any action, learns nothing: the floor for comparisons."""

    def decide(self, state: int, lane: int, situation: int, allowed: Sequence[int], now: Moment) -> Choice:  # noqa: ARG002
        """A fair draw."""
        return Choice(allowed[now.draws.below(len(allowed))], NOTHING)


@learner("known")
class Known(_Ignorant):
    """Rules that are right in every phase: the upper bound. They read the mission, which no robot could."""

    def __init__(self, mission: Mission) -> None:
        self.kinds = [(name, *pattern(kind.signature)) for name, kind in mission.kinds.items()]
        self.ends = np.cumsum([phase.duration for phase in mission.phases])
        self.phases, self.dt = mission.phases, mission.tick

    def phase(self, now: Moment) -> int:
        """The phase whose meanings the rules know."""
        return min(int(np.searchsorted(self.ends, now.tick * self.dt, side="right")), len(self.phases) - 1)

    def decide(self, state: int, lane: int, situation: int, allowed: Sequence[int], now: Moment) -> Choice:  # noqa: ARG002
        """What advances the kind; who follows follows, and leaves after long waiting in vain."""
        if LEAVE in allowed and situation >> PATIENT & 1 and now.draws.one() < GIVE_UP:
            return Choice(LEAVE, NOTHING)
        if FOLLOW in allowed:
            return Choice(FOLLOW, NOTHING)
        meaning = self.meaning(situation, self.phase(now))
        if meaning is not None and WORKING.index(meaning.action) in allowed:
            return Choice(WORKING.index(meaning.action), NOTHING)
        return Choice(allowed[0], NOTHING)

    def meaning(self, situation: int, phase: int) -> Meaning | None:
        """What the kind of a site means in a phase; None: it is no kind of that phase."""
        for name, value, care in self.kinds:
            if situation & care == value and name in self.phases[phase].kinds:
                return self.phases[phase].kinds[name]
        return None


@learner("rules")
class FirstPhase(Known):
    """Rules written for the first phase: right until something changes."""

    def phase(self, now: Moment) -> int:  # noqa: ARG002 - they do not know the time
        """Always the first."""
        return 0


def pattern(signature: str) -> tuple[int, int]:
    """What the bits of a kind's signature must be, and which matter."""
    value = sum(1 << b for b, char in enumerate(signature) if char == "1")
    return value, sum(1 << b for b, char in enumerate(signature) if char != "#")
