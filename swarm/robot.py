"""The process of one simulated robot: a mind on the host link.

It waits for what its body senses, thinks for one tick, answers, and ends when the host says so or the
run's first process is gone. What it has learnt it saves now and then, and at the end. It holds one thread.
"""

import math
import os
from collections.abc import Sequence
from pathlib import Path
from select import select

import numpy as np
import zmq
from msgspec import structs

from robots.percept import blank, percept_dtype
from swarm import mind, peers, registry, store, telling, wire
from swarm.link import READABLE
from swarm.mission import Mission
from swarm.net.air import Air, within
from swarm.net.ties import Ties

PATIENCE = 500  # ms without a message after which a robot looks whether the run is still there


class Brain:
    """One robot's mind with its ears and mouth: bytes in, bytes out. No socket, no clock."""

    def __init__(self, mission: Mission, robot: int, boot: int, learnt: mind.Mind | None = None) -> None:
        self.mission, self.robot, self.boot = mission, robot, boot
        self.mind = mind.start(mission, [robot]) if learnt is None else learnt
        extra = [field for sensor in registry.SENSORS.values() for field in sensor.fields]
        self.dtype = percept_dtype(mission.sensors, extra)
        self.heard = peers.nobody(mission.radio.most)[None, :]
        self.bad = self.seq = 0
        self.last = -1  # tick of the latest signal heard

    def hear(self, now: int, messages: Sequence[tuple[int, bytes]]) -> list[wire.Outcome]:
        """Take signals in; gives the new outcomes in them. What is no signal of its sender is counted and dropped."""
        outcomes, bad = peers.listen(self.heard[0], now, messages)
        self.bad += bad
        if bad < len(messages):
            self.last = now
        return outcomes

    def tick(self, sense: wire.Sense) -> wire.Act:
        """One tick. Raises WireError for a percept of another layout."""
        if len(sense.percept) != self.dtype.itemsize:
            raise wire.WireError(f"percept of {len(sense.percept)} bytes, {self.dtype.itemsize} are needed")
        percept = np.frombuffer(sense.percept, self.dtype)
        lessons = self.hear(sense.tick, sense.heard)
        deeds = mind.tick(self.mind, sense.tick, percept, self.heard, [lessons])
        now, dt = sense.tick, self.mission.tick
        report, said = deeds.reports, None
        report["heard"], report["bad"] = len(sense.heard), self.bad
        report["age"] = math.nan if self.last < 0 else (now - self.last) * dt
        if (speech := deeds.speeches[0]) is not None:
            said = wire.encode(mind.signal(speech, self.robot, self.boot, self.seq, now * dt))
            self.seq += 1
        decision = telling.decision(self.mind, 0, now) if deeds.decided else None
        rules = telling.rules(self.mind, 0, now)
        return wire.Act(now, deeds.commands.tobytes(), report.tobytes(), said, decision, rules)


class Keeper:
    """Saves what a robot has learnt in the folder of its run: every `store.EVERY` s, and when told to."""

    def __init__(self, brain: Brain, folder: Path) -> None:
        self.brain, self.path = brain, store.file(folder, brain.robot)
        self.every = max(1, round(store.EVERY / brain.mission.tick))
        self.changed = False  # since the latest saving

    def tick(self, now: int) -> None:
        """A tick is over. Save when it is due; not all robots at once."""
        self.changed = True
        if (now + 7 * self.brain.robot) % self.every == self.every - 1:
            self.save()

    def save(self) -> None:
        """Save now. What cannot be saved is told, and changes nothing else."""
        if not self.changed:
            return
        self.changed = False
        try:
            self.path.parent.mkdir(exist_ok=True)
            store.save(self.path, self.brain.mind, durable=False)
        except (store.StoreError, OSError) as error:
            print(f"robot {self.brain.robot}: its mind is not saved: {error}", flush=True)


class Voice:
    """A robot's own link in a simulated world, see `swarm.net.air`."""

    def __init__(self, brain: Brain, air: Air) -> None:
        self.brain, self.reach = brain, brain.mission.radio.range
        self.link = air.link(brain.robot, brain.mission.radio.interval)
        self.every = max(1, round(1 / brain.mission.tick))
        self.told = Ties({})

    def tick(self, sense: wire.Sense) -> wire.Act:
        """One tick of the brain, which hears those whom its body senses within reach, and says what it has to say."""
        near = within(np.frombuffer(sense.percept, self.brain.dtype)[0], self.reach)
        signals = self.link.drain(sense.tick * self.brain.mission.tick)
        heard = [(sender, signal) for sender, signal in signals if sender in near]
        self.link.meet(near)
        act = self.brain.tick(wire.Sense(sense.tick, sense.percept, heard))
        if act.signal is not None:
            self.link.say(act.signal)
        ties, told = self.link.ties(), self.told
        due = (sense.tick + self.brain.robot) % self.every == 0
        if due or (ties.alive, ties.stale, ties.lost) != (told.alive, told.stale, told.lost):
            self.told = ties
            return structs.replace(act, heard=heard, ties=ties)
        return structs.replace(act, heard=heard)


def rehearse(mission: Mission) -> None:
    """Have compiled all that a mind calls: a scratch robot works at a site in vain, then with success."""
    brain = Brain(mission, 0, 0)
    in_vain = round(12 / mission.tick)  # ticks: long enough to try every action
    for tick in range(in_vain + 3):
        percept = blank(brain.dtype, 1)
        percept["proximity"] = mission.sensors.proximity.range
        percept["site_id"][:, 0] = percept["touch"] = 1
        percept["site_rb"][:, 0], percept["site_face"][:, 0] = (mission.robots.radius, 0.0), np.pi
        percept["progress"] = max(0.0, (tick - in_vain) / 2)
        brain.tick(wire.Sense(tick, percept.tobytes(), []))


def main(
    mission: Mission, robot: int, boot: int, address: str, parent: int, homes: Sequence[Path], air: Air | None = None
) -> None:
    """Run robot number `robot` on the host at `address` until it says goodbye, or `parent` becomes readable.

    `homes` are the folders of runs in which its mind may lie; in the first of them it is saved.
    """
    files = [store.file(home, robot) for home in homes]
    brain = Brain(mission, robot, boot, store.latest(files, mission, lambda text: print(text, flush=True)))
    keeper = Keeper(brain, homes[0])
    voice: Voice | None = None
    context = zmq.Context()
    socket = context.socket(zmq.DEALER)
    socket.setsockopt(zmq.IDENTITY, str(robot).encode())
    socket.setsockopt(zmq.LINGER, 0)
    socket.connect(address)
    socket.setsockopt(zmq.RCVTIMEO, PATIENCE)
    try:
        socket.send(wire.encode(wire.Hello(robot, os.getpid())))
        while (data := _latest(socket, parent)) is not None:
            message = wire.from_host(data)
            if isinstance(message, wire.Bye):
                break
            if voice is None and air is not None:
                voice = Voice(brain, air)  # not earlier: who does not tick lets nobody in
            socket.send(wire.encode((brain if voice is None else voice).tick(message)))
            keeper.tick(message.tick)
        keeper.save()
    finally:
        context.destroy(linger=0)
        if voice is not None:
            voice.link.close()


def _latest(socket: "zmq.Socket[bytes]", parent: int) -> bytes | None:
    """The newest message: a robot that was held up goes on with what it senses now. None: the run is gone."""
    while True:
        try:
            data = socket.recv()
            break
        except zmq.Again:
            if select([parent], [], [], 0)[0]:
                return None
    while int(socket.get(zmq.EVENTS)) & READABLE:
        data = socket.recv()
    return data
