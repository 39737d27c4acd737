"""A place that takes orders, ROUTER - DEALER: from members of the swarm, each by name, where there are keys."""

from collections.abc import Callable
from contextlib import suppress
from typing import Generic, TypeVar

import msgspec
import zmq

from swarm.net import gate
from swarm.net.keys import Keyring
from swarm.net.meter import Callers

AT_ONCE = 16  # orders taken in one go
ANYBODY = 16  # who may give orders at a time, where no keys say who belongs
HANDSHAKE = 5000  # ms that a connection may take to say whose it is

Order = TypeVar("Order")


class Orders(Generic[Order]):
    """Bound to `address`, for orders of at most `most` bytes. Raises OSError where the address is not to be had.

    `decode` gives the order in a message, and raises ValueError or what msgspec raises for what is none: that is
    counted in `bad`, and not answered. So is what comes from a member that was revoked.
    """

    def __init__(
        self, address: str, ring: Keyring | None, domain: bytes, most: int, decode: Callable[[bytes], Order]
    ) -> None:
        self.bad, self._decode = 0, decode
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._gate = None if ring is None else gate.Gate(self._context, ring)
        self._socket = self._context.socket(zmq.ROUTER)
        self._socket.setsockopt(zmq.MAXMSGSIZE, most)
        self._socket.setsockopt(zmq.HANDSHAKE_IVL, HANDSHAKE)
        if ring is not None:
            gate.guard(self._socket, ring, domain)
        self._callers = Callers(self._socket)
        try:
            self._socket.bind(address)
        except zmq.ZMQError as error:
            self.close()
            raise OSError(f"{address}: {zmq.strerror(error.errno or 0)}") from None

    @property
    def address(self) -> str:
        """Where it is bound."""
        return str(self._socket.getsockopt_string(zmq.LAST_ENDPOINT))

    def answer(self, reply: Callable[[Order, str | None], bytes]) -> None:
        """Have the orders that have come answered: order and member's name (None: no keys) -> reply. Never waits."""
        gone = self._gate is not None and self._gate.serve()
        self._callers.look(ANYBODY if self._gate is None else len(self._gate.ring.allowed), anew=gone)
        for _ in range(AT_ONCE):
            try:
                frames = self._socket.recv_multipart(zmq.NOBLOCK, copy=False)
            except zmq.Again:
                return
            try:
                sender, data = frames
                order = self._decode(data.bytes)
            except (ValueError, UnicodeDecodeError, msgspec.MsgspecError):
                self.bad += 1
                continue
            who = None if self._gate is None else self._gate.sender(data)
            if self._gate is not None and who is None:
                self.bad += 1
                continue
            answer = reply(order, who)
            with suppress(zmq.ZMQError):  # who asked is gone
                self._socket.send_multipart([sender.bytes, answer], zmq.NOBLOCK)

    def close(self) -> None:
        """Give the socket up."""
        self._callers.close()
        self._context.destroy(linger=100)
