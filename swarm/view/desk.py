"""Orders to a run that goes on: stop robots, let them go on. From the holder of the operator's key, and nobody else.

A run takes them at an address of its own, ROUTER - DEALER, always encrypted; msgpack arrays::

    operator -> run   [ "o1", word, robots or nil ]    stop | resume; nil: all
    run -> operator   [ "d1", done, text ]             text: what was done, or why not

A run makes keys for those who may read its folder: address and keys lie in `FILE` there, for its owner's eyes only,
as long as it lasts. Over the network the operator is a member of the swarm.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple, Protocol

import msgspec
import zmq
from msgspec import Meta

from swarm.net import gate, keys
from swarm.net.keys import Keyring
from swarm.net.orders import Orders

FILE = "operator.key"  # in the folder of a run
OPERATOR, RUN = "operator", "run"  # names of the two in keys that a run makes
WORDS = ("stop", "resume")
MOST, WAITING = 1 << 18, 8  # bytes of an order, orders that wait for a run


class Order(msgspec.Struct, array_like=True, frozen=True, tag="o1"):
    """What a run is told."""

    word: Annotated[str, Meta(max_length=16)]
    robots: Annotated[list[Annotated[int, Meta(ge=0, le=32767)]], Meta(max_length=32768)] | None


class Done(msgspec.Struct, array_like=True, frozen=True, tag="d1"):
    """What came of it."""

    done: bool
    text: str


_encode = msgspec.msgpack.Encoder().encode
_order = msgspec.msgpack.Decoder(Order)
_done = msgspec.msgpack.Decoder(Done)

#: carries an order out: word, robots or None for all, who gave it; was it done, and what came of it
Obey = Callable[[str, Sequence[int] | None, str], tuple[bool, str]]


class Desk(Protocol):
    """Where a dashboard's orders go."""

    def order(self, word: str, robots: Sequence[int] | None) -> None:
        """Give an order: stop | resume; None: to all."""

    def take(self) -> list[str]:
        """What has come of orders since the last call, in words."""

    def close(self) -> None:
        """Leave the desk."""


class Place(NamedTuple):
    """Where a run takes orders, and what it needs for that."""

    address: str
    ring: Keyring  # the run's own
    operator: str = OPERATOR  # who may give them


class Commands(Orders[Order]):
    """A run's end. Raises OSError where the address is not to be had."""

    def __init__(self, place: Place) -> None:
        self.place = place
        super().__init__(place.address, place.ring, b"orders", MOST, _proper)

    def serve(self, obey: Obey) -> None:
        """Take the orders that have come, and answer. Never waits."""
        operator = self.place.operator

        def reply(order: Order, who: str | None) -> bytes:
            if who != operator:
                return _encode(Done(False, f"{who} is not the operator ({operator})"))
            return _encode(Done(*obey(order.word, order.robots, operator)))

        self.answer(reply)


def _proper(data: bytes) -> Order:
    order = _order.decode(data)
    if order.word not in WORDS:
        raise ValueError(order.word)
    return order


class Operator:
    """An operator's end: `ring` is its own, `run` the public key of the run. Raises OSError for a bad address."""

    def __init__(self, address: str, ring: Keyring, run: bytes) -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._socket = self._context.socket(zmq.DEALER)
        for option, value in ((zmq.IMMEDIATE, 1), (zmq.SNDHWM, WAITING), (zmq.LINGER, 200), (zmq.MAXMSGSIZE, MOST)):
            self._socket.setsockopt(option, value)  # immediate: an order does not wait for a run that is to come
        gate.approach(self._socket, ring, run)
        self._lines: list[str] = []
        try:
            self._socket.connect(address)
        except zmq.ZMQError as error:
            self.close()
            raise OSError(f"{address}: {zmq.strerror(error.errno or 0)}") from None

    def order(self, word: str, robots: Sequence[int] | None) -> None:
        """Give an order."""
        try:
            self._socket.send(_encode(Order(word, None if robots is None else list(robots))), zmq.NOBLOCK)
        except zmq.Again:
            self._lines.append(f"{word}: the run takes no orders from this key")

    def take(self) -> list[str]:
        """What has come of orders since the last call."""
        lines, self._lines = self._lines, []
        while self._socket.poll(0):
            try:
                done = _done.decode(self._socket.recv())
            except (msgspec.MsgspecError, UnicodeDecodeError):
                continue
            lines.append(done.text if done.done else f"refused: {done.text}")
        return lines

    def close(self) -> None:
        """Leave the desk."""
        self._context.destroy(linger=200)


def made(folder: Path, address: str) -> Place:
    """Make keys for orders to the run of a folder; the operator's lie in it. Raises OSError."""
    rings = keys.generate([RUN, OPERATOR], "run")
    run, own = rings[RUN], rings[OPERATOR]
    with open(os.open(folder / FILE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(b" ".join((address.encode(), run.public, own.public, own.secret)) + b"\n")
    return Place(address, run)


def found(folder: Path) -> Operator | None:
    """The operator's end for the run of a folder; None where the key is not there, not ours to read, or not whole."""
    try:
        address, run, public, secret = (folder / FILE).read_bytes().split()
        if all(map(keys.is_key, (run, public, secret))):
            return Operator(address.decode(), Keyring(OPERATOR, public, secret, {}), run)
    except (OSError, ValueError):
        pass
    return None
