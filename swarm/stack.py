"""All robots of a mission, or of several, in one process: what `swarm.robot.Brain` is for one of them, for a stack.

A signal is put into bytes and read again once, by its sender; from then on the radio says who hears whom
(`sim.medium.Medium.arrive`), and what was said goes into the hearers' tables as it is. Everything comes out as
by processes, bit for bit, in the same order, bad signals included.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from robots.command import COMMAND
from sim.medium import Heard, Medium
from sim.world import World
from swarm import lanes, mind, peers, store, telling, wire
from swarm.mind import Speech
from swarm.mission import Mission
from swarm.peers import HEARD
from swarm.record import Told

BOOT = 1  # nobody starts twice


class Said(NamedTuple):
    """The signals of one tick, by lane."""

    speaking: np.ndarray  # (N,) bool
    good: np.ndarray  # (N,) bool, a signal that others can read
    rows: np.ndarray  # (N,) HEARD, as it goes into their tables
    outcomes: dict[int, tuple[wire.Outcome, ...]]  # where there are any
    data: dict[int, bytes]


class Stack:
    """Minds of all robots of `missions`, which talk by `radio`. Raises PluginError for unknown names.

    Lanes are the robots of all missions, see `swarm.lanes`; `afresh` tells apart missions whose minds start afresh
    at different times.
    """

    def __init__(self, missions: Sequence[Mission], radio: Medium, afresh: Sequence[object] = ()) -> None:
        count = len(missions) * missions[0].robots.count
        self.missions, self.radio, self._afresh = missions, radio, afresh or [None] * len(missions)
        self.mission = missions[0]
        self.mind = lanes.start(missions, self._afresh)
        self.heard = np.stack([peers.nobody(self.mission.radio.most)] * count)
        self.commands = np.zeros(count, COMMAND)
        self.reports = self.mind.reports.copy()
        self.arrived = np.full((count, self.mission.radio.most), -1, np.int32)  # whom each heard in the latest tick
        self._said: Said | None = None  # of those
        self._air: dict[int, Said] = {}  # tick of hearing -> signals
        self._seq, self._bad = np.zeros(count, np.int64), np.zeros(count, np.int64)
        self._last = np.full(count, -1)  # tick of the latest signal heard

    def restart(self, runs: np.ndarray) -> None:
        """All minds of these missions (K,) bool start afresh, with nothing learnt and nobody heard."""
        lanes.restart(self.mind, self.missions, self._afresh, runs)
        robots = np.repeat(runs, self.mission.robots.count)
        self.heard[robots] = peers.nobody(self.mission.radio.most)
        for said in self._air.values():
            said.speaking[robots] = False  # what the old minds said is not heard any more

    def resume(self, learnt: mind.Mind) -> None:
        """The minds of the only mission go on with what they had learnt."""
        self.mind.arbiter_state, self.mind.learner_state = [learnt.arbiter_state], [learnt.learner_state]
        self.mind.memory, self.mind.needs, self.mind.reports = learnt.memory, learnt.needs, learnt.reports
        self.reports = learnt.reports.copy()

    def save(self, folder: Path) -> None:
        """Save the minds of the only mission in the folder of its run. What cannot be saved is told, no more."""
        path, it = store.whole(folder), self.mind
        assert isinstance(it.arbiter, lanes.Arbiters)
        (part,) = it.arbiter.parts
        plain = replace(
            it,
            arbiter=part.arbiter,
            arbiter_state=it.arbiter_state[0],
            learner=part.learner,
            learner_state=it.learner_state[0],
        )
        try:
            path.parent.mkdir(exist_ok=True)
            store.save(path, plain, durable=False)
        except (store.StoreError, OSError) as error:
            print(f"the minds are not saved: {error}", flush=True)

    def behold(self, worlds: Sequence[World], alive: np.ndarray) -> None:
        """Arbiters that know everything see the worlds, and which robots (N,) bool of all have not fallen out."""
        assert isinstance(self.mind.arbiter, lanes.Arbiters)
        self.mind.arbiter.behold(worlds, alive)

    def tick(self, now: int, percepts: np.ndarray, neighbours: np.ndarray, alive: np.ndarray) -> None:
        """All that are `alive` (N,) hear, think and speak: `commands` and `reports` (N,) are new."""
        lessons = self._listen(now, neighbours)
        deeds = mind.tick(self.mind, now, percepts, self.heard, lessons)
        reports = deeds.reports
        reports["heard"], reports["bad"] = (self.arrived >= 0).sum(1), self._bad
        reports["age"] = np.where(self._last < 0, np.nan, (now - self._last) * self.mission.tick)
        self.commands = np.where(alive, deeds.commands, np.zeros((), COMMAND))
        self.reports = np.where(alive, reports, self.reports)
        self._speak(now, {i: s for i, s in enumerate(deeds.speeches) if s is not None and alive[i]})

    def messages(self) -> list[Heard]:
        """What each robot heard in the latest tick, as a process is told it."""
        if self._said is None:
            return [[] for _ in self.arrived]
        data = self._said.data
        return [[(sender, data[sender]) for sender in senders if sender >= 0] for senders in self.arrived.tolist()]

    def told(self, now: int, alive: np.ndarray) -> Iterator[Told]:
        """The decisions of this tick, and the rules that it is time to tell, by robot."""
        for lane in np.flatnonzero(alive).tolist():
            decision, rules = telling.decision(self.mind, lane, now), telling.rules(self.mind, lane, now)
            if decision is not None or rules is not None:
                yield Told(lane, now, decision, rules)

    def _listen(self, now: int, neighbours: np.ndarray) -> list[list[wire.Outcome]]:
        """Enter what arrives into the tables; gives the new outcomes in it."""
        lessons: list[list[wire.Outcome]] = [[] for _ in self.heard]
        said = self._said = self._air.pop(now, None)
        if said is None:
            self.arrived = np.full_like(self.arrived, -1)
            return lessons
        arrived = self.arrived = self.radio.arrive(now, neighbours, said.speaking)
        entered, before = peers.enter(self.heard, now, arrived, said.good, said.rows)
        self._bad += ((arrived >= 0) & ~entered).sum(1)
        self._last[entered.any(1)] = now
        tells = np.zeros(len(arrived), bool)
        tells[list(said.outcomes)] = True
        for robot, slot in zip(*(entered & tells[arrived]).nonzero(), strict=True):
            sender = int(arrived[robot, slot])
            lessons[robot] += peers.new(said.outcomes[sender], int(said.rows["told"][sender]), int(before[robot, slot]))
        return lessons

    def _speak(self, now: int, speeches: dict[int, Speech]) -> None:
        if not speeches:
            return
        count = len(self.heard)
        said = Said(np.zeros(count, bool), np.zeros(count, bool), np.zeros(count, HEARD), {}, {})
        for robot, speech in speeches.items():
            number = int(self.mind.ids[robot])
            signal = mind.signal(speech, number, BOOT, int(self._seq[robot]), now * self.mission.tick)
            self._seq[robot] += 1
            data = wire.encode(signal)
            if len(data) > wire.MOST:
                continue
            said.speaking[robot], said.data[robot] = True, data
            try:
                heard = wire.signal(data)
            except wire.WireError:
                continue
            said.good[robot], said.rows[robot] = True, peers.row(number, now, heard)
            if heard.outcomes:
                said.outcomes[robot] = heard.outcomes
        self.radio.said += said.speaking
        self._air[now + self.radio.lag] = said
