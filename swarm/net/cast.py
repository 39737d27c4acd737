"""Datagrams beside the connections of a peer link: what is newest, at once, and never repeated for what was lost.

TCP repeats what is lost, in order, and all that follows waits: where more than half is lost it carries next to
nothing that is still fresh. So where a connection has just had to repeat something, or is not up, every envelope also
goes as a datagram, and once more with the next tick; whichever copy comes first counts, see `swarm.net.guard`.
Datagrams go from ears to ears, at the UDP port of the same number. Without one, all goes on over connections alone.

With keys a datagram is a box (crypto_box of NaCl: X25519, XSalsa20, Poly1305) between two members, made with the keys
that CURVE takes too::

    "jd1"  sender u16  nonce 24 bytes  box of an envelope

Nobody but a robot of the swarm can make one, and it says who. Unlike a connection's, these keys are not made anew for
each session: who steals a robot's secret key can read what was recorded, and a recorded one opens for ever. It is
refused by its envelope, and by the rule that a new boot is believed by connection only, see `swarm.net.guard`. Without
keys it is the envelope alone.
"""

import secrets
import select
import socket
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress

from nacl.bindings import crypto_box_afternm, crypto_box_beforenm, crypto_box_open_afternm
from nacl.exceptions import CryptoError
from zmq.utils import z85

from swarm.net.keys import Keyring

MAGIC = b"jd1"
NONCE = 24  # bytes
HEAD = len(MAGIC) + 2 + NONCE  # bytes
LONGEST = 2048  # bytes that are looked at
AT_ONCE = 512  # datagrams that are looked at in one go

End = tuple[str, int]  # an IP address and a port


class Boxes:
    """Boxes between robot `number` and all others of its swarm."""

    def __init__(self, number: int, ring: Keyring) -> None:
        self.number, self._ring = number, ring
        self._keys: dict[int, bytes] = {}  # robot -> key of the boxes between it and us

    def close(self, data: bytes, number: int) -> bytes | None:
        """An envelope, boxed for a robot; None: it is none of the swarm."""
        if not (key := self._key(number)):
            return None
        nonce = secrets.token_bytes(NONCE)
        return MAGIC + self.number.to_bytes(2, "big") + nonce + crypto_box_afternm(data, nonce, key)

    def open(self, data: bytes) -> tuple[int, bytes] | None:
        """Who has made a box, and the envelope in it; None: nobody of the swarm, or not for us."""
        sender = int.from_bytes(data[len(MAGIC) : len(MAGIC) + 2], "big")
        if not data.startswith(MAGIC) or len(data) < HEAD or not (key := self._key(sender)):
            return None
        try:
            return sender, crypto_box_open_afternm(data[HEAD:], data[HEAD - NONCE : HEAD], key)
        except CryptoError:
            return None

    def _key(self, number: int) -> bytes:
        """The key between a robot and us; empty: it is none of ours, or ourselves."""
        if number not in self._keys and number != self.number:
            public = self._ring.robots.get(number)
            if public is None:
                return b""
            self._keys[number] = crypto_box_beforenm(z85.decode(public), z85.decode(self._ring.secret))
        return self._keys.get(number, b"")


class Cast:
    """A UDP socket at an address of ears (tcp://ADDRESS:PORT). Raises OSError where the port is taken."""

    def __init__(self, address: str, number: int, ring: Keyring | None) -> None:
        host, _, port = address.removeprefix("tcp://").rpartition(":")
        host = host.strip("[]")
        self.number, self.counters = number, Counter[str]()
        self._socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        try:
            self._socket.bind((host, int(port)))
        except OSError:
            self.close()
            raise
        self._poller = select.poll()
        self._poller.register(self._socket, select.POLLIN)
        self._again: tuple[bytes, list[tuple[int, End]]] = b"", []
        self.renew(ring)

    def renew(self, ring: Keyring | None) -> None:
        """These are the keys from now on."""
        self._boxes = None if ring is None else Boxes(self.number, ring)

    def say(self, data: bytes, to: Iterable[tuple[int, End]]) -> None:
        """Send an envelope to robots, and keep it for `repeat`. Never waits."""
        self._again = data, list(to)
        self._send(*self._again)

    def repeat(self) -> None:
        """Send the latest envelope once more, if it was not."""
        if self._again[1]:
            self._send(*self._again)
            self._again = b"", []

    def hear(self) -> list[tuple[int | None, bytes]]:
        """Envelopes that have come, each with the number of the robot whose key it was made with; None: no keys."""
        heard: list[tuple[int | None, bytes]] = []
        for _ in range(AT_ONCE):
            if not self._poller.poll(0):  # cheaper than to try
                break
            try:
                data = self._socket.recv(LONGEST)
            except OSError:  # news of a port that nobody listens at, or a datagram that was spoilt
                continue
            if self._boxes is None:
                heard.append((None, data))
            elif (opened := self._boxes.open(data)) is not None:
                heard.append(opened)
            else:
                self.counters["stranger"] += 1
        return heard

    def close(self) -> None:
        """Give the socket up."""
        self._socket.close()

    def _send(self, data: bytes, to: list[tuple[int, End]]) -> None:
        for number, end in to:
            sealed = data if self._boxes is None else self._boxes.close(data, number)
            if sealed is not None:
                with suppress(OSError):  # no way there now, or no room: it is lost
                    self._socket.sendto(sealed, end)
