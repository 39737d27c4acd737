"""Showing a run to whoever attaches: one XPUB socket of the world's process, and its other end.

Messages have two frames, a topic and msgpack. Watchers subscribe to topics and say nothing else::

    stage      `swarm.view.snapshot.Stage`, again whenever somebody attaches
    swarm      `swarm.view.snapshot.Snapshot`, at most ten times a second
    robot N.   `swarm.view.snapshot.Detail` of robot N, only while somebody subscribes to it
    end        text: why the run is over

A watcher that is slow or stopped misses messages; nobody waits for it. On the network only members of the
swarm get in (`swarm.net.gate`), and what they are shown is encrypted.
"""

import time
from collections.abc import Callable, Container, Sequence
from typing import Any

import msgspec
import zmq

from robots.listening import KEEPALIVE
from swarm.net.announce import Announcer
from swarm.net.gate import Gate, approach, guard
from swarm.net.keys import MOST as MEMBERS
from swarm.net.keys import Keyring
from swarm.net.meter import Callers
from swarm.view.snapshot import Detail, Snapshot, Stage

ADDRESS = "watch.address"  # file in the folder of a run that says where to attach
STAGE, SWARM, ROBOT, END = b"stage", b"swarm", b"robot ", b"end"
WAITING = 4  # messages that are kept for a slow watcher
MOST = 16  # robots shown in detail at once
LARGEST = 1 << 24  # bytes of a message that a watcher takes: a thousand robots are a third of a megabyte
TAKEN = 8  # messages that a watcher takes in one go
AT_ONCE = 256  # words of watchers that are taken in one go
BROUGHT = 1 << 18  # bytes that a watcher's connection may bring before it is made anew

_encode = msgspec.msgpack.Encoder().encode
_decoders: dict[bytes, "msgspec.msgpack.Decoder[Any]"] = {
    STAGE: msgspec.msgpack.Decoder(Stage),
    SWARM: msgspec.msgpack.Decoder(Snapshot),
    ROBOT: msgspec.msgpack.Decoder(Detail),
    END: msgspec.msgpack.Decoder(str),
}


class Publisher:
    """Bound to all `places`: addresses, each guarded by a ring where it has one; there may be one such ring.

    What is guarded is announced on the local network as a run or a robot, with a title.

    Raises OSError with the address where that is not to be had.
    """

    def __init__(
        self,
        context: "zmq.Context[zmq.Socket[bytes]]",
        places: Sequence[tuple[str, Keyring | None]],
        kind: str = "run",
        title: str = "",
    ) -> None:
        rings = [ring for _, ring in places if ring is not None]
        self._gate = Gate(context, rings[0]) if rings else None
        self._callers: list[Callers] = []
        self._sockets = [self._bound(context, address, ring) for address, ring in places]
        self.addresses = [str(socket.getsockopt_string(zmq.LAST_ENDPOINT)) for socket in self._sockets]
        self._announcers = [
            Announcer(kind, title, ring, int(address.rpartition(":")[2]))
            for (_, ring), address in zip(places, self.addresses, strict=True)
            if ring is not None
        ]
        self._wanted: dict[int, set[int]] = {}  # robot -> sockets whose watchers want it in detail

    def publish(self, stage: Stage, snapshot: Snapshot, detail: Callable[[int], Detail]) -> None:
        """Send what is wanted."""
        gone = self._gate is not None and self._gate.serve()
        members = MEMBERS if self._gate is None else len(self._gate.ring.allowed)
        for callers in self._callers:
            callers.look(members, anew=gone)
        for announcer in self._announcers:
            announcer.tick(time.monotonic())
        swarm = _encode(snapshot)
        robots = {row.robot for row in snapshot.robots}
        new = [self._attend(i, robots) for i in range(len(self._sockets))]
        details = {robot: _encode(detail(robot)) for robot in sorted(self._wanted)[:MOST]}
        for i, socket in enumerate(self._sockets):
            if new[i]:
                socket.send_multipart((STAGE, _encode(stage)), zmq.NOBLOCK)
            socket.send_multipart((SWARM, swarm), zmq.NOBLOCK)
            for robot, data in details.items():
                if i in self._wanted[robot]:
                    socket.send_multipart((topic(robot), data), zmq.NOBLOCK)

    def end(self, why: str) -> None:
        """The run is over."""
        for socket in self._sockets:
            socket.send_multipart((END, _encode(why)), zmq.NOBLOCK)
        for announcer in self._announcers:
            announcer.close()
        self._announcers.clear()

    def _bound(
        self, context: "zmq.Context[zmq.Socket[bytes]]", address: str, ring: Keyring | None
    ) -> "zmq.Socket[bytes]":
        socket = context.socket(zmq.XPUB)
        for option, value in (
            (zmq.XPUB_VERBOSE, 1),
            (zmq.SNDHWM, WAITING),
            (zmq.RCVHWM, WAITING),
            (zmq.LINGER, 200),
            (zmq.MAXMSGSIZE, 1024),
        ):
            socket.setsockopt(option, value)
        if ring is not None:
            guard(socket, ring, b"watch")
        self._callers.append(Callers(socket, BROUGHT))
        try:
            socket.bind(address)
        except zmq.ZMQError as error:
            socket.close()
            raise OSError(f"{address}: {zmq.strerror(error.errno or 0)}") from None
        return socket

    def _attend(self, index: int, robots: Container[int]) -> bool:
        """Take in who subscribes to what; is somebody new?"""
        new, socket = False, self._sockets[index]
        for _ in range(AT_ONCE):
            try:
                data = socket.recv(zmq.NOBLOCK)
            except zmq.Again:
                break
            wants, name = data[:1] == b"\x01", data[1:]
            new = new or (wants and name == STAGE)
            number = name.removeprefix(ROBOT).removesuffix(b".")
            if name == ROBOT + number + b"." and number.isdigit() and len(number) < 6 and int(number) in robots:
                there = self._wanted.setdefault(int(number), set())
                (there.add if wants else there.discard)(index)
                if not there:
                    del self._wanted[int(number)]
        return new


class Watcher:
    """Attached to a publisher: what it has shown last. Read-only.

    `server` is the publisher's public key, `ring` the watcher's own; both or none. Raises OSError for an address
    that is none.
    """

    def __init__(
        self,
        context: "zmq.Context[zmq.Socket[bytes]]",
        address: str,
        ring: Keyring | None = None,
        server: bytes = b"",
        topics: tuple[bytes, ...] = (STAGE, SWARM, END),
        largest: int = LARGEST,
    ) -> None:
        self.stage: Stage | None = None
        self.snapshot: Snapshot | None = None
        self.detail: Detail | None = None
        self.over: str | None = None  # why the run is over
        self.seen = time.monotonic()  # when something came last
        self.bad = 0  # messages that are none
        self._selected: int | None = None
        self.socket = context.socket(zmq.SUB)
        for option, value in (
            (zmq.RCVHWM, WAITING),
            (zmq.LINGER, 0),
            (zmq.MAXMSGSIZE, largest),
            *KEEPALIVE.items(),
        ):
            self.socket.setsockopt(option, value)
        if ring is not None:
            approach(self.socket, ring, server)
        for name in topics:
            self.socket.setsockopt(zmq.SUBSCRIBE, name)
        try:
            self.socket.connect(address)
        except zmq.ZMQError as error:
            self.socket.close()
            raise OSError(f"{address}: {zmq.strerror(error.errno or 0)}") from None

    def select(self, robot: int | None) -> None:
        """Ask for one robot in detail, or for none."""
        if robot == self._selected:
            return
        if self._selected is not None:
            self.socket.setsockopt(zmq.UNSUBSCRIBE, topic(self._selected))
        if robot is not None:
            self.socket.setsockopt(zmq.SUBSCRIBE, topic(robot))
        self._selected, self.detail = robot, None

    def take(self, seconds: float = 0.0) -> bool:
        """Take in what comes within so many seconds, a few messages at most; did anything?"""
        came = bool(self.socket.poll(round(1000 * seconds)))
        for _ in range(TAKEN):
            if not self.socket.poll(0):
                break
            frames = self.socket.recv_multipart()
            try:
                self._note(*frames)
            except (TypeError, KeyError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                self.bad += 1
        if came:
            self.seen = time.monotonic()
        return came

    def _note(self, name: bytes, data: bytes) -> None:
        message = _decoders[ROBOT if name.startswith(ROBOT) else name].decode(data)
        match message:
            case Stage():
                self.stage = message
            case Snapshot():
                self.snapshot, self.over = message, None  # a robot that ended may have come back
            case Detail():
                self.detail = message
            case str():
                self.over = message

    def close(self) -> None:
        """Detach."""
        self.socket.close()


def topic(robot: int) -> bytes:
    """The topic of a robot's details."""
    return ROBOT + b"%d." % robot
