"""Orders to robots: stop, release, arm, status, quit. From a desk, a dashboard, a script.

A robot answers at its control address, ROUTER - DEALER, msgpack arrays::

    desk -> robot   [ "c1", order ]                     stop | release | arm | status | quit
    robot -> desk   [ "r1", done, text, status ]        done: the order was carried out; text: why not

Where the swarm has keys the socket is encrypted. Anybody who belongs to the swarm may stop and ask; the other
orders are the desk's alone.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Annotated, Any

import msgspec
import zmq
from msgspec import Meta

from swarm.net import gate, keys

ORDERS = ("stop", "release", "arm", "status", "quit")
MOST = 4096  # bytes of a message
AT_ONCE = 16  # orders taken in one go
WAIT = 2.0  # s that a desk waits for answers


class Status(msgspec.Struct, frozen=True):
    """A robot, as it tells about itself."""

    number: int
    state: str  # disarmed | armed | emergency stop
    why: str  # why it stands; empty: nothing holds it
    age: float | None  # s, of its readings; None: none yet
    session: int  # connections to the body so far
    trouble: str  # with the body's connection; empty: none
    strategy: str
    task: str
    speed: float  # m/s, told to the body
    turn: float  # rad/s
    battery: float | None  # 0 to 1; None: no gauge
    pose: tuple[float, float, float] | None  # from an external tracker
    peers: int  # heard within the last second
    rules: int  # learnt
    refused: int  # commands of its mind that were none
    hung: int  # times in the last minute that the driver's dead-man had to stop the body
    time: float  # s, its wall clock
    label: str  # "with external tracker" and the like, or empty


class Order(msgspec.Struct, array_like=True, frozen=True, tag="c1"):
    """What a robot is told."""

    word: Annotated[str, Meta(max_length=16)]


class Reply(msgspec.Struct, array_like=True, frozen=True, tag="r1"):
    """What came of it."""

    done: bool
    text: str
    status: Status


_encode = msgspec.msgpack.Encoder().encode
_order = msgspec.msgpack.Decoder(Order)
_reply = msgspec.msgpack.Decoder(Reply)
Obey = Callable[[str], tuple[bool, str]]


class Control:
    """A robot's end, bound to `address`. Raises OSError where that is not to be had."""

    def __init__(self, address: str, ring: keys.Keyring | None, desk: str = "desk") -> None:
        self.desk = desk  # the member that may give all orders
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._gate = None if ring is None else gate.Gate(self._context, ring)
        self._socket = self._context.socket(zmq.ROUTER)
        self._socket.setsockopt(zmq.MAXMSGSIZE, MOST)
        if ring is not None:
            gate.guard(self._socket, ring, b"control")
        try:
            self._socket.bind(address)
        except zmq.ZMQError as error:
            self.close()
            raise OSError(f"{address}: {zmq.strerror(error.errno or 0)}") from None
        self.bad = 0

    def serve(self, obey: Obey, status: Callable[[], Status]) -> None:
        """Take the orders that have come, and answer. Never waits."""
        if self._gate is not None:
            self._gate.serve()
        for _ in range(AT_ONCE):
            try:
                frames = self._socket.recv_multipart(zmq.NOBLOCK, copy=False)
            except zmq.Again:
                return
            try:
                sender, data = frames
                word = _order.decode(data.bytes).word
                if word not in ORDERS:
                    raise ValueError(word)
            except (ValueError, UnicodeDecodeError, msgspec.MsgspecError):
                self.bad += 1
                continue
            name = gate.sender(data)
            if name is not None and name != self.desk and word not in ("stop", "status"):
                done, text = False, f"{name} may only stop robots: this order is for {self.desk}"
            else:
                done, text = obey(word)
            try:
                self._socket.send_multipart([sender.bytes, _encode(Reply(done, text, status()))], zmq.NOBLOCK)
            except zmq.Again:
                continue  # who asked is gone

    def close(self) -> None:
        """Give the socket up."""
        self._context.destroy(linger=100)


def send(
    word: str, robots: Mapping[int, str], ring: keys.Keyring | None, wait: float = WAIT
) -> dict[int, Reply | None]:
    """Give an order to robots (number -> address), all at once; their replies, None where none came in time."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    poller, sockets = zmq.Poller(), {}
    replies: dict[int, Reply | None] = dict.fromkeys(robots)
    try:
        for number, address in robots.items():
            socket = context.socket(zmq.DEALER)
            if ring is not None:
                public = ring.robots.get(number)
                if public is None:
                    continue
                gate.approach(socket, ring, public)
            socket.connect(address)
            socket.send(_encode(Order(word)))
            poller.register(socket, zmq.POLLIN)
            sockets[socket] = number
        left = wait
        while sockets and left > 0:
            ready: Sequence[tuple[Any, int]] = poller.poll(100)
            left -= 0 if ready else 0.1
            for socket, _ in ready:
                with suppress(ValueError, msgspec.MsgspecError):  # anything else is as good as no reply
                    replies[sockets[socket]] = _reply.decode(socket.recv())
                poller.unregister(socket)
                del sockets[socket]
    finally:
        context.destroy(linger=100)
    return replies


def number_or_none(value: float) -> float | None:
    """NaN and inf as None."""
    return float(value) if math.isfinite(value) else None
