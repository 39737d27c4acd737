"""Orders to robots: stop, release, arm, status, quit. From a desk, a dashboard, a script.

A robot answers at its control address, ROUTER - DEALER, msgpack arrays::

    desk -> robot   [ "c2", order, stamp or nil ]               stop | release | arm | status | quit
    robot -> desk   [ "r2", done, text, status, stamp ]         done: the order was carried out; text: why not

Where the swarm has keys the socket is encrypted. Anybody who belongs to the swarm may stop and ask, at any time; the
other orders are the desk's alone, and must be fresh: each bears the stamp of a reply that the robot gave less than
`FRESH` s ago, by its own clock, and since which nobody has stopped it. So an order that was held up on its way, or that
waited for a robot that hung or slept, is refused, and a stop that came in between stands.
"""

import math
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
import zmq
from msgspec import Meta

from swarm.net import gate, keys
from swarm.net.link import clock
from swarm.net.orders import Orders

ORDERS = ("stop", "release", "arm", "status", "quit")
ANYTIME = ("stop", "status")  # from everybody, and however old
MOST = 4096  # bytes of a message
WAIT = 2.0  # s that a desk waits for an answer
FRESH = 2.0  # s that a stamp is good for


class Status(msgspec.Struct, frozen=True):
    """A robot, as it tells about itself."""

    number: int
    state: str  # disarmed | armed | emergency stop
    why: str  # why it stands; empty: nothing holds it
    age: float | None  # s, of its readings; None: none yet
    session: int  # connections to the body so far
    trouble: str  # with the body's connection, or to stop it; empty: none
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


class Stamp(msgspec.Struct, array_like=True, frozen=True):
    """When a robot gave a reply."""

    era: int  # a new one begins with each start of the robot and each stop
    time: float  # s, the robot's clock


class Order(msgspec.Struct, array_like=True, frozen=True, tag="c2"):
    """What a robot is told."""

    word: Annotated[str, Meta(max_length=16)]
    stamp: Stamp | None = None


class Reply(msgspec.Struct, array_like=True, frozen=True, tag="r2"):
    """What came of it."""

    done: bool
    text: str
    status: Status
    stamp: Stamp


_encode = msgspec.msgpack.Encoder().encode
_order = msgspec.msgpack.Decoder(Order)
_reply = msgspec.msgpack.Decoder(Reply)
Obey = Callable[[str], tuple[bool, str]]


class Control(Orders[Order]):
    """A robot's end, bound to `address`. Raises OSError where that is not to be had."""

    def __init__(self, address: str, ring: keys.Keyring | None, desk: str = "desk") -> None:
        self.desk = desk  # the member that may give all orders
        self._era = secrets.randbits(63)
        super().__init__(address, ring, b"control", MOST, _proper)

    def serve(self, obey: Obey, status: Callable[[], Status]) -> None:
        """Take the orders that have come, and answer. Never waits."""

        def reply(order: Order, who: str | None) -> bytes:
            done, text = True, ""
            if order.word not in ANYTIME and (refusal := self._refusal(order.stamp, who)):
                done, text = False, refusal
            elif order.word != "status":
                done, text = obey(order.word)
            return _encode(Reply(done, text, status(), Stamp(self._era, clock())))

        self.answer(reply)

    def expire(self) -> None:
        """The robot was stopped: other orders that were given before count no longer."""
        self._era = secrets.randbits(63)

    def _refusal(self, stamp: Stamp | None, who: str | None) -> str:
        """Why an order is not carried out at all; empty: it is the desk's, and fresh."""
        if who not in (None, self.desk):
            return f"{who} may only stop robots: this order is for {self.desk}"
        if stamp is None:
            return "it bears no stamp of this robot"
        if stamp.era != self._era:
            return "the robot was stopped, or started again, after it was given"
        age = clock() - stamp.time
        return "" if 0 <= age <= FRESH else f"it is too old: given {age:.1f} s ago, at most {FRESH:g} s is allowed"


def _proper(data: bytes) -> Order:
    order = _order.decode(data)
    if order.word not in ORDERS:
        raise ValueError(order.word)
    return order


def send(
    word: str, robots: Mapping[int, str], ring: keys.Keyring | None, wait: float = WAIT
) -> dict[int, Reply | None]:
    """Give an order to robots (number -> address), all at once; their replies, None where none came in time."""
    return give((word,), robots, ring, wait)


def give(
    words: Sequence[str],
    robots: Mapping[int, str],
    ring: keys.Keyring | None,
    wait: float = WAIT,
    holds: Callable[[int], bool] = lambda _: True,
) -> dict[int, Reply | None]:
    """Give robots (number -> address) several orders, each once the one before is done; all robots at once.

    Gives their replies to what they were told last, None where none came in `wait` s. `holds` is asked before a robot
    is told anything but to stop: does the order still hold for it?
    """
    steps = words if set(words) <= set(ANYTIME) else ("status", *words)
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    poller, talks = zmq.Poller(), dict[Any, _Talk]()
    replies: dict[int, Reply | None] = dict.fromkeys(robots)
    publics = {} if ring is None else ring.robots
    try:
        for number, address in robots.items():
            if ring is not None and number not in publics:
                continue
            socket = context.socket(zmq.DEALER)
            if ring is not None:
                gate.approach(socket, ring, publics[number])
            with suppress(zmq.ZMQError):  # no address: nobody answers there
                socket.connect(address)
                socket.send(_encode(Order(steps[0])))
                poller.register(socket, zmq.POLLIN)
                talks[socket] = _Talk(number, list(steps[1:]), time.monotonic() + wait)
        while talks:
            ready: Sequence[tuple[Any, int]] = poller.poll(100)
            for socket in [socket for socket, _ in ready] or [s for s, t in talks.items() if t.due < time.monotonic()]:
                talk, reply = talks[socket], None
                with suppress(zmq.ZMQError, ValueError, msgspec.MsgspecError):  # else: as good as no reply
                    reply = _reply.decode(socket.recv(zmq.NOBLOCK))
                if reply is not None and reply.done and talk.left and holds(talk.number):
                    talk.stamp = talk.stamp or reply.stamp  # the first: no stop may come in between
                    talk.due = time.monotonic() + wait
                    socket.send(_encode(Order(talk.left.pop(0), talk.stamp)))
                    continue
                if reply is not None and reply.done and talk.left:
                    reply = msgspec.structs.replace(reply, done=False, text="a stop was given after it")
                replies[talk.number] = reply
                poller.unregister(socket)
                del talks[socket]
    finally:
        context.destroy(linger=100)
    return replies


@dataclass
class _Talk:
    """What is still to be said to a robot."""

    number: int
    left: list[str]
    due: float  # when an answer must have come, s
    stamp: Stamp | None = None


def number_or_none(value: float) -> float | None:
    """NaN and inf as None."""
    return float(value) if math.isfinite(value) else None
