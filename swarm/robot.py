"""The process of one simulated robot: a mind on the host link.

It waits for what its body senses, thinks for one tick, answers, and ends when the host says so or the
run's first process is gone. It holds one thread and one socket.
"""

import math
import os
from collections.abc import Sequence
from select import select

import numpy as np
import zmq

from robots.percept import percept_dtype
from swarm import mind, peers, registry, telling, wire
from swarm.mission import Mission

PATIENCE = 500  # ms without a message after which a robot looks whether the run is still there


class Brain:
    """One robot's mind with its ears and mouth: bytes in, bytes out. No socket, no clock."""

    def __init__(self, mission: Mission, robot: int, boot: int) -> None:
        self.mission, self.robot, self.boot = mission, robot, boot
        self.mind = mind.start(mission, [robot])
        extra = [field for sensor in registry.SENSORS.values() for field in sensor.fields]
        self.dtype = percept_dtype(mission.sensors, extra)
        self.heard = peers.nobody(mission.radio.most)[None, :]
        self.bad = self.seq = 0
        self.last = -1  # tick of the latest signal heard

    def hear(self, now: int, messages: Sequence[tuple[int, bytes]]) -> list[wire.Outcome]:
        """Take signals in; gives the outcomes in them. What is no signal of its sender is counted and dropped."""
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


def main(mission: Mission, robot: int, boot: int, address: str, parent: int) -> None:
    """Run robot number `robot` on the host at `address` until it says goodbye, or `parent` becomes readable."""
    brain = Brain(mission, robot, boot)
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
            socket.send(wire.encode(brain.tick(message)))
    finally:
        context.destroy(linger=0)


def _latest(socket: "zmq.Socket[bytes]", parent: int) -> bytes | None:
    """The newest message: a robot that was held up goes on with what it senses now. None: the run is gone."""
    while True:
        try:
            data = socket.recv()
            break
        except zmq.Again:
            if select([parent], [], [], 0)[0]:
                return None
    while int(socket.get(zmq.EVENTS)) & zmq.POLLIN:
        data = socket.recv()
    return data
