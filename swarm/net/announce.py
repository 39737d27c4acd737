"""Announcements: what can be watched on the local network, told once a second by who shows it.

A UDP datagram to the broadcast address, all numbers big-endian::

    "jw1"  kind u8  name of the swarm, member, title (each: length u8, UTF-8)  boot u64  seq u64  IPv4 address 4 bytes
    port u16  HMAC 32 bytes

`kind` is an index into `KINDS`. Signed with the swarm's secret like a beacon (`swarm.net.discovery`), and like one it
only suggests: who shows anything is proved by its key.
"""

import hashlib
import hmac
import secrets
import socket
import struct
from contextlib import suppress
from typing import NamedTuple

from swarm.net.discovery import AT_ONCE, EVERY, Seen, here
from swarm.net.keys import MOST, Keyring

PORT = 5668
EVERYONE = ("255.255.255.255", PORT)
MAGIC = b"jw1"
KINDS = ("run", "robot")
LONGEST = 120  # bytes of a title
_BODY = struct.Struct(">QQ4sH")
_SEAL = 32  # bytes of an HMAC


class Announcement(NamedTuple):
    """What can be watched where."""

    kind: str  # run | robot
    member: str  # of the swarm, whose key it has
    title: str  # for people
    boot: int
    seq: int
    address: str  # IPv4
    port: int


def sign(said: Announcement, ring: Keyring) -> bytes:
    """The bytes of an announcement."""
    names = (ring.swarm.encode(), said.member.encode(), said.title.encode()[:LONGEST])
    head = MAGIC + bytes([KINDS.index(said.kind)]) + b"".join(bytes([len(name)]) + name for name in names)
    data = head + _BODY.pack(said.boot, said.seq, socket.inet_aton(said.address), said.port)
    return data + hmac.digest(ring.beacon, data, hashlib.sha256)


def verify(data: bytes, ring: Keyring) -> Announcement | None:
    """What an announcement of this swarm says; None: it is none, or not signed with the swarm's secret."""
    if not data.startswith(MAGIC) or len(data) < 4 + _BODY.size + _SEAL:
        return None
    if not hmac.compare_digest(hmac.digest(ring.beacon, data[:-_SEAL], hashlib.sha256), data[-_SEAL:]):
        return None
    at, names = 4, []
    try:
        for _ in range(3):
            names.append(data[at + 1 : at + 1 + data[at]].decode(errors="replace"))
            at += 1 + data[at]
        boot, seq, where, port = _BODY.unpack(data[at:-_SEAL])
        kind = KINDS[data[3]]
    except (IndexError, struct.error):
        return None
    swarm, member, title = names
    if swarm != ring.swarm or member not in ring.allowed.values() or not port:
        return None
    return Announcement(kind, member, title, boot, seq, socket.inet_ntoa(where), port)


class Announcer:
    """Tells once in `EVERY` s that `ring`'s holder can be watched at `port`. Without a network it says nothing."""

    def __init__(self, kind: str, title: str, ring: Keyring, port: int, to: tuple[str, int] = EVERYONE) -> None:
        self._said = Announcement(kind, ring.name, title, secrets.randbits(63), 0, "0.0.0.0", port)
        self._ring, self._to, self._next = ring, to, float("-inf")
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        self._socket.setblocking(False)

    def tick(self, now: float) -> None:
        """Tell it, when it is due; `now` in s. Never waits."""
        if now < self._next:
            return
        self._next = now + EVERY
        with suppress(OSError):  # no network now; there may be one later
            self._said = self._said._replace(seq=self._said.seq + 1, address=here(self._to))
            self._socket.sendto(sign(self._said, self._ring), self._to)

    def close(self) -> None:
        """Say no more."""
        self._socket.close()


class Listener:
    """Takes the announcements of a swarm. Raises OSError where the port is not to be had."""

    def __init__(self, ring: Keyring, port: int = PORT) -> None:
        self.ring, self.found = ring, dict[tuple[str, str, int], Announcement]()  # by member and place, the latest
        self.bad = 0
        self._seen = Seen()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._socket.setblocking(False)
            self._socket.bind(("", port))
        except OSError:
            self._socket.close()
            raise

    def take(self) -> None:
        """Take what has come, without waiting; a recording that is played again counts for nothing."""
        for _ in range(AT_ONCE):
            try:
                data = self._socket.recv(1024)
            except OSError:
                return
            said = verify(data, self.ring)
            if said is None or not self._is_new(said):
                self.bad += 1
                continue
            self.found[said.member, said.address, said.port] = said

    def _is_new(self, said: Announcement) -> bool:
        place = said.member, said.address, said.port
        if place not in self.found and len(self.found) >= MOST:
            return False
        return self._seen.is_new(place, said.boot, said.seq)

    def close(self) -> None:
        """Listen no more."""
        self._socket.close()
