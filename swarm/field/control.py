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
from swarm.net.orders import Orders

ORDERS = ("stop", "release", "arm", "status", "quit")
MOST = 4096  # bytes of a message
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


class Control(Orders[Order]):
    """A robot's end, bound to `address`. Raises OSError where that is not to be had."""

    def __init__(self, address: str, ring: keys.Keyring | None, desk: str = "desk") -> None:
        self.desk = desk  # the member that may give all orders
        super().__init__(address, ring, b"control", MOST, _proper)

    def serve(self, obey: Obey, status: Callable[[], Status]) -> None:
        """Take the orders that have come, and answer. Never waits."""

        def reply(order: Order, who: str | None) -> bytes:
            if who not in (None, self.desk) and order.word not in ("stop", "status"):
                done, text = False, f"{who} may only stop robots: this order is for {self.desk}"
            else:
                done, text = obey(order.word)
            return _encode(Reply(done, text, status()))

        self.answer(reply)


def _proper(data: bytes) -> Order:
    order = _order.decode(data)
    if order.word not in ORDERS:
        raise ValueError(order.word)
    return order


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
