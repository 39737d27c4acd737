"""What a learner is: who decides a robot's local behaviour, the action at a site.

A learner keeps the state of a stack of robots and is asked about one lane at a time, a few times a
minute. A situation is `swarm.situation.BITS` bits, an action an index into `swarm.report.ACTIONS`. What a
learner can be tuned by are the fields of its `Parameters`, see `swarm.registry.parameters`.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np

from classifier import population
from classifier.draws import Draws
from swarm.mission import Mission


class Choice(NamedTuple):
    """What a learner chose."""

    action: int
    prediction: float  # of its pay-off; NaN: the learner makes none


class Lesson(NamedTuple):
    """What came of an action, see `swarm.credit`."""

    situation: int
    action: int
    payoff: float  # 0 to swarm.credit.PAYOFF
    own: bool = True  # False: a robot in hearing told of it


class Moment(NamedTuple):
    """When a learner is asked."""

    tick: int
    lessons: int  # so far
    draws: Draws  # its random numbers

    def each(self, lessons: Sequence[Lesson]) -> Iterator[tuple[Lesson, "Moment"]]:
        """Lessons one by one, with the moment of each; they draw in turn."""
        for count, lesson in enumerate(lessons, self.lessons):
            yield lesson, self._replace(lessons=count)


class Learner(Protocol):
    """Contract of a learner; it is built from the mission."""

    def __init__(self, mission: Mission) -> None: ...

    def start(self, lanes: int) -> Any:
        """State of `lanes` robots that have learnt nothing; `decide` and `learn` write into it."""

    def decide(self, state: Any, lane: int, situation: int, allowed: Sequence[int], now: Moment) -> Choice:
        """The action to take, one of those `allowed` (at least one)."""

    def learn(self, state: Any, lane: int, lessons: Sequence[Lesson], now: Moment) -> None:
        """Learn from what came of actions (at least one), own or a neighbour's, one after the other."""

    def best(self, state: Any, lane: int, situation: int) -> float:
        """The highest pay-off it predicts; 0 where it knows nothing."""

    def rules(self, state: Any) -> np.ndarray:
        """(L,) how many rules each robot has."""


@runtime_checkable
class Readable(Protocol):
    """A learner whose rules people can read."""

    def readable(self, state: Any, lane: int, situation: int | None = None) -> list[population.Rule]:
        """A robot's rules, the fittest first: all of them, or those that match a situation."""
