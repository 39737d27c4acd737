"""Classifier systems that forget: all of it at certain times or when surprised, or what a T-cell has found wrong."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from classifier import population, xcs
from classifier.conditions import action_set
from classifier.population import Population, Rule
from robots import check
from swarm.learners.contract import Choice, Lesson, Moment
from swarm.learners.systems import Xcs
from swarm.mission import Mission
from swarm.registry import learner, parameters
from swarm.report import ACTIONS
from swarm.situation import BITS, FOLLOW, SIGNATURE

WORTH = 300.0  # prediction from which an action is believed in
WON = 500.0  # pay-off from which it has paid


@dataclass
class State:
    """Rules of L robots, and what else they keep."""

    rules: Population
    notes: np.ndarray  # (L, any) numbers


class _Forgetting:
    """A learner of kind `swarm.learners.Xcs` that may forget after a lesson."""

    notes = 1

    def __init__(self, mission: Mission) -> None:
        self.xcs = Xcs(mission)
        self.dt = mission.tick

    def start(self, lanes: int) -> State:
        """Robots that know nothing."""
        return State(self.xcs.start(lanes), np.zeros((lanes, self.notes)))

    def decide(self, state: State, lane: int, situation: int, allowed: Sequence[int], now: Moment) -> Choice:
        """As the classifier system does."""
        return self.xcs.decide(state.rules, lane, situation, allowed, now)

    def learn(self, state: State, lane: int, lessons: Sequence[Lesson], now: Moment) -> None:
        """Forget everything if that is due; then learn."""
        for lesson, then in now.each(lessons):
            if self.is_due(state.rules.lane(lane), state.notes[lane], lesson, then):
                clear(state.rules.lane(lane))
            self.xcs.learn(state.rules, lane, [lesson], then)

    def is_due(self, rules: Population, notes: np.ndarray, lesson: Lesson, now: Moment) -> bool:
        """Whether to forget now; may write into `notes`."""
        raise NotImplementedError

    def best(self, state: State, lane: int, situation: int) -> float:
        """Highest entry of the prediction array."""
        return self.xcs.best(state.rules, lane, situation)

    def rules(self, state: State) -> np.ndarray:
        """Macroclassifiers."""
        return self.xcs.rules(state.rules)

    def readable(self, state: State, lane: int, situation: int | None = None) -> list[Rule]:
        """Macroclassifiers, the fittest first."""
        return self.xcs.readable(state.rules, lane, situation)


def clear(rules: Population) -> None:
    """Forget all rules of a robot."""
    for array in (rules.words, rules.counts, rules.numbers):
        array[...] = 0


class _ByTheClock(_Forgetting):
    """Forgets everything when a stretch of time is over; `notes` (1,) hold the number of the latest, NaN: unknown."""

    def stretch(self, time: float) -> float:
        """The number of the stretch in which `time` lies, s."""
        raise NotImplementedError

    def is_due(self, rules: Population, notes: np.ndarray, lesson: Lesson, now: Moment) -> bool:  # noqa: ARG002
        """When the first lesson of a stretch comes."""
        before, notes[0] = float(notes[0]), self.stretch(now.tick * self.dt)
        return not math.isnan(before) and before != notes[0]

    def resumed(self, state: State) -> State:
        """In which stretch of which run it was says nothing any more."""
        state.notes[:, 0] = np.nan
        return state


@learner("afresh")
class Afresh(_ByTheClock):
    """Starts afresh at every phase, as if it had been told of the change: what going on is measured against."""

    def __init__(self, mission: Mission) -> None:
        super().__init__(mission)
        self.starts = np.cumsum([0.0, *(phase.duration for phase in mission.phases[:-1])])

    def stretch(self, time: float) -> float:
        """The phase."""
        return float(np.searchsorted(self.starts, time + 1e-9, side="right"))


@dataclass(frozen=True)
class PeriodicParameters:
    """Of forgetting from time to time."""

    every: float = 300.0  # s

    def __post_init__(self) -> None:
        check.number("every", self.every, 1, 1e9)


@learner("periodic")
class Periodic(_ByTheClock):
    """Forgets everything from time to time."""

    Parameters = PeriodicParameters

    def __init__(self, mission: Mission) -> None:
        super().__init__(mission)
        self.every = parameters(mission, "periodic", PeriodicParameters).every

    def stretch(self, time: float) -> float:
        """The period."""
        return time // self.every


@dataclass(frozen=True)
class PageHinkleyParameters:
    """Of the test for a change [Page 1954; Hinkley 1971]."""

    delta: float = 0.05  # rise of the error that is tolerated, as a share of the largest pay-off
    threshold: float = 4.0  # lambda: sum of what is beyond that at which a change is believed in
    rate: float = 0.02  # rate at which the mean error is followed

    def __post_init__(self) -> None:
        check.number("delta", self.delta, 0, 1)
        check.number("threshold", self.threshold, 0, 1e6)
        check.number("rate", self.rate, 0, 1)


@learner("page-hinkley")
class PageHinkley(_Forgetting):
    """Forgets everything when its predictions have become worse than they used to be."""

    Parameters = PageHinkleyParameters
    notes = 3  # mean error, sum beyond, least sum

    def __init__(self, mission: Mission) -> None:
        super().__init__(mission)
        self.given = parameters(mission, "page-hinkley", PageHinkleyParameters)

    def is_due(self, rules: Population, notes: np.ndarray, lesson: Lesson, now: Moment) -> bool:  # noqa: ARG002
        """When the sum of errors beyond the mean has risen by `threshold` above its least."""
        predicted = xcs.predictions_known(rules, lesson.situation)[lesson.action]
        if np.isnan(predicted):
            return False
        error = abs(lesson.payoff - float(predicted)) / 1000
        notes[0] += self.given.rate * (error - notes[0])
        notes[1] += error - notes[0] - self.given.delta
        notes[2] = min(notes[1], notes[2])
        if notes[1] - notes[2] <= self.given.threshold:
            return False
        notes[1:] = 0.0
        return True


@dataclass(frozen=True)
class TCellParameters:
    """Of gated forgetting."""

    theta: float = 2.0  # sum of disappointments at which the rules of a kind are forgotten
    cells: int = 2  # memory cells; 0: what is forgotten is lost
    matches: int = 2  # surprises that a memory cell must have foreseen to come back
    apart: float = 60.0  # s between two archivings at least: a change makes many kinds be forgotten

    def __post_init__(self) -> None:
        check.number("theta", self.theta, 0, 1e6)
        check.number("cells", self.cells, 0, 20)
        check.number("matches", self.matches, 1, 1000)
        check.number("apart", self.apart, 0, 1e6)


@dataclass
class Remembering(State):
    """Rules with T-cell terms, `notes` (L, R), and memory cells."""

    cells: Population  # (L, C)
    foreseen: np.ndarray  # (L, C) surprises that a cell foresaw, less those that it did not; -1: empty
    archived: np.ndarray  # (L,) tick of the latest archiving


@learner("tcell")
class TCell(_Forgetting):
    """The T-cell as gated forgetting, with memory cells.

    Rules that were believed in and came to nothing add the disappointment to their T-cell term; a success takes it
    back to 0. That too few robots did the same is no disappointment, see `swarm.credit`. Where it passes `theta`,
    the rules that fit the site's signature lose their values, but not their conditions. What the robot knew
    before is kept in a memory cell, which comes back once it has foreseen what the present rules did not.
    """

    Parameters = TCellParameters

    def __init__(self, mission: Mission) -> None:
        super().__init__(mission)
        self.given = parameters(mission, "tcell", TCellParameters)
        self.apart = self.given.apart / mission.tick

    def start(self, lanes: int) -> Remembering:
        """Robots that know nothing and remember nothing."""
        rules, cells = self.xcs.start(lanes), self.given.cells
        kept = population.empty(self.xcs.params, BITS, len(ACTIONS), (lanes, cells))
        notes = np.zeros((lanes, rules.counts.shape[-1]))
        return Remembering(rules, notes, kept, np.full((lanes, cells), -1), np.full(lanes, -1e9))

    def resumed(self, state: Remembering) -> Remembering:
        """When it archived last says nothing any more."""
        state.archived[:] = -1e9
        return state

    def learn(self, state: State, lane: int, lessons: Sequence[Lesson], now: Moment) -> None:
        """Learn; forget, or remember, where that is due."""
        assert isinstance(state, Remembering)
        for lesson, then in now.each(lessons):
            self._weigh(state, lane, lesson, then)
            rules, terms = state.rules.lane(lane), state.notes[lane]
            held = np.flatnonzero(terms)
            before = [array[held] for array in (rules.value, rules.care, rules.action)]
            self.xcs.learn(state.rules, lane, [lesson], then)
            _follow(rules, terms, held, before)

    def _weigh(self, state: Remembering, lane: int, lesson: Lesson, now: Moment) -> None:
        """How a lesson fits what is believed: T-cell terms, and what is forgotten or remembered for that."""
        rules, c = state.rules.lane(lane), state.notes[lane]
        acting = action_set(rules, lesson.situation, lesson.action)
        weight = rules.fitness[acting]
        total = float(weight.sum())
        predicted = float((weight * rules.prediction[acting]).sum()) / total if total > 0 else 0.0
        if lesson.payoff >= WON:
            c[acting] = 0.0
            if predicted < WORTH:
                self._surprised(state, lane, lesson)
        elif lesson.action < FOLLOW and predicted >= WORTH:
            c[acting] += max(0.0, predicted - lesson.payoff) / 1000
            if float((weight * c[acting]).sum()) > self.given.theta * total:
                self._forget(state, lane, lesson.situation, now)

    def _forget(self, state: Remembering, lane: int, situation: int, now: Moment) -> None:
        """Archive what is known, then take the values of all rules that fit a signature."""
        rules, p = state.rules.lane(lane), self.xcs.params
        if self.given.cells and now.tick - state.archived[lane] >= self.apart:
            cell = int(state.foreseen[lane].argmin())
            _copy(rules, state.cells.lane((lane, cell)))
            state.foreseen[lane, cell], state.archived[lane] = 0, now.tick
        apart = (rules.value ^ np.uint64(situation)) & rules.care & np.uint64(SIGNATURE)
        kin = (apart == 0) & (rules.numerosity > 0)
        rules.prediction[kin], rules.error[kin], rules.fitness[kin] = p.p_init, p.epsilon_init, p.f_init
        rules.experience[kin], state.notes[lane, kin] = 0, 0.0

    def _surprised(self, state: Remembering, lane: int, lesson: Lesson) -> None:
        """Something paid that was not believed in: which memory cell would have known?"""
        foreseen = state.foreseen[lane]
        for cell in np.flatnonzero(foreseen >= 0).tolist():
            kept = state.cells.lane((lane, cell))
            known = xcs.predictions_known(kept, lesson.situation)[lesson.action] >= WON
            foreseen[cell] = foreseen[cell] + 1 if known else max(0, foreseen[cell] - 1)
            if foreseen[cell] >= self.given.matches:
                present = population.empty(self.xcs.params, BITS, len(ACTIONS))
                _copy(state.rules.lane(lane), present)
                _copy(kept, state.rules.lane(lane))
                _copy(present, kept)
                foreseen[cell], state.notes[lane] = 0, 0.0
                return


def _follow(rules: Population, terms: np.ndarray, held: np.ndarray, before: Sequence[np.ndarray]) -> None:
    """Terms (R,) stay with their rules, which move to other rows when rules are deleted; `before` says who had been
    in the rows `held`: values, cares and actions."""
    there = rules.numerosity > 0
    stays = np.all(
        [now[held] == was for now, was in zip((rules.value, rules.care, rules.action), before, strict=True)], 0
    )
    gone = np.flatnonzero(~(stays & there[held]))
    if not len(gone):
        return
    moved = terms[held[gone]].copy()
    terms[held[gone]] = 0.0
    for term, *rule in zip(moved, *(was[gone] for was in before), strict=True):
        same = [now == one for now, one in zip((rules.value, rules.care, rules.action), rule, strict=True)]
        terms[np.all(same, 0) & there] = term


def _copy(source: Population, target: Population) -> None:
    for name in ("words", "counts", "numbers"):
        getattr(target, name)[...] = getattr(source, name)
