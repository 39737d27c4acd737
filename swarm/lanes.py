"""Runs side by side: the minds of several missions as lanes of one stack, the robots of one after those of the other.

They have the same make of world, robots and radio, and last as long. They may differ in seeds, kinds of
sites, phases and minds. Runs that differ in nothing but the seed share an arbiter and a
learner: a part of the stack. An arbiter with an attribute `seed` draws at random from its mission's seed, one
with `behold` knows its mission's world, and of one that a user wrote nobody knows: such a run has one of its own.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from classifier.population import Rule
from sim.world import World
from swarm import mind, registry
from swarm.arbiters import AGGREGATE, Arbiter, Scene, Verdict, per_strategy
from swarm.calls import loudest
from swarm.learners import Choice, Learner, Lesson, Moment, Readable
from swarm.mind import Mind
from swarm.mission import Mission
from swarm.peers import STALE

COMMON = ("world", "tick", "arena", "robots", "sensors", "radio", "work")  # what missions side by side share


class Part(NamedTuple):
    """Neighbouring lanes that share an arbiter and a learner."""

    runs: range
    lanes: slice
    arbiter: Arbiter
    learner: Learner
    strategies: int  # that its arbiter chooses from


def alike(one: Mission, other: Mission) -> bool:
    """Can the robots of both be lanes of one stack?"""
    same = all(getattr(one, name) == getattr(other, name) for name in COMMON)
    return same and one.mind.plugins == other.mind.plugins and one.duration == other.duration


def start(missions: Sequence[Mission], afresh: Sequence[object]) -> Mind:
    """Minds of all robots of all missions; parts never hold runs that differ in `afresh`, when they start afresh."""
    parts = _parts(missions, afresh)
    count, first = missions[0].robots.count, missions[0]
    out = mind.begin(first, [*range(count)] * len(missions), Arbiters(parts), Learners(parts, count))
    out.seeds = np.repeat([mission.seed for mission in missions], count)
    out.strategies = max(mission.mind.strategies for mission in missions)
    out.share = np.repeat([mission.mind.share for mission in missions], count)
    out.replay = np.repeat([mission.mind.replay for mission in missions], count)
    return out


def _parts(missions: Sequence[Mission], afresh: Sequence[object]) -> list[Part]:
    parts: list[Part] = []
    last = None
    count = missions[0].robots.count
    for run, mission in enumerate(missions):
        kind = replace(mission, seed=0), afresh[run]
        if last == kind and _shares(missions[run - 1], parts[-1].arbiter):
            runs = range(parts[-1].runs.start, run + 1)
            parts[-1] = parts[-1]._replace(runs=runs, lanes=slice(runs.start * count, runs.stop * count))
        else:
            lanes = slice(run * count, (run + 1) * count)
            parts.append(Part(range(run, run + 1), lanes, *registry.build(mission), mission.mind.strategies))
        last = kind
    return parts


def _shares(mission: Mission, arbiter: Arbiter) -> bool:
    return not (mission.mind.plugins or hasattr(arbiter, "seed") or hasattr(arbiter, "behold"))


class Arbiters:
    """The arbiters of all parts as one: its state is a list of theirs."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self.parts = parts

    def start(self, lanes: int) -> list[Any]:  # noqa: ARG002 - the parts know
        """States of robots that have just started."""
        return [part.arbiter.start(part.lanes.stop - part.lanes.start) for part in self.parts]

    def behold(self, worlds: Sequence[World], alive: np.ndarray) -> None:
        """Arbiters that know everything see their worlds, and which robots (N,) bool of all have not fallen out."""
        for part in self.parts:
            if hasattr(part.arbiter, "behold"):
                part.arbiter.behold(worlds[part.runs.start], alive[part.lanes])

    def step(self, state: list[Any], scene: Scene) -> tuple[list[Any], Verdict]:
        """All of them step."""
        if len(self.parts) == 1:
            state[0], verdict = self.parts[0].arbiter.step(state[0], scene)
            return state, verdict
        verdicts = []
        for k, (_, lanes, arbiter, _, strategies) in enumerate(self.parts):
            mine = Scene._make(value[lanes] if isinstance(value, np.ndarray) else value for value in scene)
            own = {name: getattr(mine, name)[:, :strategies] for name in ("antigen", "met", "example")}
            mine = mine._replace(**own)
            state[k], verdict = arbiter.step(state[k], mine)
            stimulus, sure = per_strategy(verdict)
            verdicts.append(verdict._replace(stimulus=stimulus, concentration=sure))
        if all(verdict.call is None for verdict in verdicts):
            strategy, stimulus, sure, *_ = zip(*verdicts, strict=True)
            return state, Verdict(np.concatenate(strategy), np.concatenate(stimulus), np.concatenate(sure))
        for k, verdict in enumerate(verdicts):
            if verdict.call is None or verdict.bid is None:
                lanes = self.parts[k].lanes
                picked = np.empty(lanes.stop - lanes.start, np.int64)
                loudest(scene.memory[lanes], scene.calls[lanes], STALE, picked)
                verdicts[k] = verdict._replace(call=picked, bid=verdict.concentration[:, AGGREGATE])
        return state, Verdict(*map(np.concatenate, zip(*verdicts, strict=True)))


class Learners:
    """The learners of all parts as one, for runs of `count` robots."""

    def __init__(self, parts: Sequence[Part], count: int) -> None:
        self.parts = parts
        self._of = [k for k, part in enumerate(parts) for _ in range(len(part.runs) * count)]  # by lane

    def _find(self, lane: int) -> tuple[int, Learner, int]:
        k = self._of[lane]
        return k, self.parts[k].learner, lane - self.parts[k].lanes.start

    def start(self, lanes: int) -> list[Any]:  # noqa: ARG002 - the parts know
        """States of robots that have learnt nothing."""
        return [part.learner.start(part.lanes.stop - part.lanes.start) for part in self.parts]

    def decide(self, state: list[Any], lane: int, situation: int, allowed: Sequence[int], now: Moment) -> Choice:
        """As the lane's own learner does."""
        k, learner, place = self._find(lane)
        return learner.decide(state[k], place, situation, allowed, now)

    def learn(self, state: list[Any], lane: int, lessons: Sequence[Lesson], now: Moment) -> None:
        """As the lane's own learner does."""
        k, learner, place = self._find(lane)
        learner.learn(state[k], place, lessons, now)

    def best(self, state: list[Any], lane: int, situation: int) -> float:
        """As the lane's own learner has it."""
        k, learner, place = self._find(lane)
        return learner.best(state[k], place, situation)

    def rules(self, state: list[Any]) -> np.ndarray:
        """(L,) how many rules each robot has."""
        return np.concatenate([part.learner.rules(one) for part, one in zip(self.parts, state, strict=True)])

    def readable(self, state: list[Any], lane: int, situation: int | None = None) -> list[Rule]:
        """A robot's rules; none of a learner whose rules nobody can read."""
        k, learner, place = self._find(lane)
        return learner.readable(state[k], place, situation) if isinstance(learner, Readable) else []


def restart(old: Mind, missions: Sequence[Mission], afresh: Sequence[object], runs: np.ndarray) -> None:
    """Minds of those `runs` (K,) bool start afresh, in place; whole parts alone."""
    new, lanes = start(missions, afresh), np.repeat(runs, missions[0].robots.count)
    for name in ("memory", "avoid_site", "avoid_until", "calls", "reward", "needs", "wins", "reports"):
        getattr(old, name)[lanes] = getattr(new, name)[lanes]
    for lane in np.flatnonzero(lanes).tolist():
        old.outcomes[lane], old.allowed[lane] = [], []
    assert isinstance(old.arbiter, Arbiters)
    for k, part in enumerate(old.arbiter.parts):
        if runs[part.runs.start]:
            assert runs[part.runs].all()
            old.arbiter_state[k], old.learner_state[k] = new.arbiter_state[k], new.learner_state[k]
