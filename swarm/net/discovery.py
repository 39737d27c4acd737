"""Where robots are: a peer file, or beacons on the local network. Both only suggest; keys decide who is let in.

**Peer file** (TOML)::

    swarm = "barn"
    [peers]
    0 = "192.168.1.20:5670"
    1 = "robot-1.local:5670"

**Beacon**: a UDP datagram to the broadcast address once in `EVERY` s, all numbers big-endian::

    "jb1"  length u8 and name of the swarm  robot u16  boot u64  seq u64  IPv4 address 4 bytes  port u16  HMAC 32 bytes

The HMAC (SHA-256) with the swarm's secret is over all before it. A beacon of another version or swarm, without
the right HMAC, or that was seen before (see `Seen`) suggests nothing. The address is signed too, so that a recording
played from elsewhere leads nowhere else; one of an earlier boot leads to where the robot was then, until its next
beacon.
"""

import errno
import hashlib
import hmac
import re
import socket
import struct
import tomllib
from collections import Counter
from collections.abc import Hashable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from swarm.net.keys import LAST, MOST, Keyring

PORT = 5669  # of beacons
EVERYONE = ("255.255.255.255", PORT)
EVERY = 1.0  # s between two beacons
AT_ONCE = 64  # beacons that are looked at in one go
MAGIC = b"jb1"
_BODY = struct.Struct(">HQQ4sH")
_SEAL = 32  # bytes of an HMAC
_BOOTS = 4 * MOST  # that are remembered, of all senders together


class PeerFileError(ValueError):
    """A peer file that cannot be used."""


class Beacon(NamedTuple):
    """What a beacon says."""

    robot: int
    boot: int
    seq: int
    address: str  # IPv4
    port: int


def read(path: Path) -> tuple[str, dict[int, str]]:
    """The swarm's name and robot -> address of a peer file. Raises PeerFileError."""
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise PeerFileError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise PeerFileError(f"{path}: not valid TOML: {error}") from None
    for key in document:
        if key not in ("swarm", "peers"):
            raise PeerFileError(f"{path}: {key}: unknown key; there are swarm and peers")
    swarm, listed = document.get("swarm", "swarm"), document.get("peers", {})
    if not isinstance(swarm, str) or not isinstance(listed, dict):
        raise PeerFileError(f"{path}: swarm must be text, and [peers] a table of robots and addresses")
    peers: dict[int, str] = {}
    for key, value in listed.items():
        if not re.fullmatch(r"0|[1-9][0-9]{0,4}", key) or int(key) > LAST:
            raise PeerFileError(f"{path}: peers.{key}: must be the number of a robot, 0 to {LAST}")
        found = re.fullmatch(r"([A-Za-z0-9.-]+):([0-9]{1,5})", value) if isinstance(value, str) else None
        if found is None or not 0 < int(found[2]) < 65536:
            raise PeerFileError(f"{path}: peers.{key} = {value!r}: must be HOST:PORT, as in 192.168.1.20:5670")
        if f"tcp://{value}" in peers.values():
            raise PeerFileError(f"{path}: peers.{key} = {value!r}: is another robot's address too")
        peers[int(key)] = f"tcp://{value}"
    if len(peers) > MOST:
        raise PeerFileError(f"{path}: {len(peers)} robots, at most {MOST} are possible")
    return swarm, peers


def sign(beacon: Beacon, swarm: str, secret: bytes) -> bytes:
    """The bytes of a beacon."""
    name = swarm.encode()
    where = socket.inet_aton(beacon.address)
    data = MAGIC + bytes([len(name)]) + name + _BODY.pack(beacon.robot, beacon.boot, beacon.seq, where, beacon.port)
    return data + hmac.digest(secret, data, hashlib.sha256)


def verify(data: bytes, swarm: str, secret: bytes) -> Beacon | str:
    """What a beacon says, or why it says nothing: bad, foreign, forged."""
    name = swarm.encode()
    if not data.startswith(MAGIC) or len(data) < 4 or len(data) != 4 + data[3] + _BODY.size + _SEAL:
        return "bad"
    if data[4 : 4 + data[3]] != name:
        return "foreign"
    if not hmac.compare_digest(hmac.digest(secret, data[:-_SEAL], hashlib.sha256), data[-_SEAL:]):
        return "forged"
    robot, boot, seq, where, port = _BODY.unpack_from(data, 4 + len(name))
    if robot > LAST or not port:
        return "bad"
    return Beacon(robot, boot, seq, socket.inet_ntoa(where), port)


class Seen:
    """Tells what is new from what was said before, by boot and sequence number.

    Nothing in a datagram proves which boot is the present one, so none puts another out: what is recorded counts once
    at most, what is said now always.
    """

    def __init__(self) -> None:
        self._highest: dict[tuple[Hashable, int], int] = {}  # by sender and boot, the latest heard last

    def is_new(self, sender: Hashable, boot: int, seq: int) -> bool:
        """Enter what was said; is it later than all that was heard of its boot?"""
        highest = self._highest.pop((sender, boot), -1)
        self._highest[sender, boot] = max(highest, seq)
        if len(self._highest) > _BOOTS:
            del self._highest[next(iter(self._highest))]
        return seq > highest


class Beacons:
    """Sends a robot's beacon and takes those of others; the `suggestions` of a `swarm.net.link.PeerLink`.

    `port` is that of the robot's ears. Raises OSError where the socket is not to be had.
    """

    def __init__(
        self, robot: int, boot: int, ring: Keyring, port: int, to: tuple[str, int] = ("255.255.255.255", PORT)
    ):
        self.robot, self.boot, self.ring, self.port, self.to = robot, boot, ring, port, to
        self.counters: Counter[str] = Counter()
        self._seq, self._next = 0, float("-inf")
        self._seen = Seen()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            for option in (socket.SO_BROADCAST, socket.SO_REUSEADDR):
                self._socket.setsockopt(socket.SOL_SOCKET, option, 1)
            self._socket.setblocking(False)
            self._socket.bind(("", to[1]))
        except OSError:
            self._socket.close()
            raise

    def poll(self, now: float) -> list[tuple[int, str]]:
        """Send a beacon where one is due; the robots whose beacons have come, and the addresses of their ears."""
        if now >= self._next:
            self._next = now + EVERY
            self._send()
        found: list[tuple[int, str]] = []
        for _ in range(AT_ONCE):
            try:
                data = self._socket.recv(512)
            except OSError as error:
                if error.errno in (errno.EAGAIN, errno.EWOULDBLOCK):
                    break
                continue  # what an earlier datagram came to
            beacon = self.judge(data)
            if beacon is not None:
                found.append((beacon.robot, f"tcp://{beacon.address}:{beacon.port}"))
        return found

    def judge(self, data: bytes) -> Beacon | None:
        """The beacon of another robot of this swarm that was not seen before."""
        beacon = verify(data, self.ring.swarm, self.ring.beacon)
        if not isinstance(beacon, Beacon):
            self.counters[beacon] += 1
            return None
        if beacon.robot == self.robot:
            return None
        if beacon.robot not in self.ring.robots:
            self.counters["stranger"] += 1
            return None
        if not self._seen.is_new(beacon.robot, beacon.boot, beacon.seq):
            self.counters["replayed"] += 1
            return None
        self.counters["received"] += 1
        return beacon

    def close(self) -> None:
        """Give the socket up."""
        self._socket.close()

    def _send(self) -> None:
        with suppress(OSError):  # no network now; there may be one later
            beacon = Beacon(self.robot, self.boot, self._seq, here(self.to), self.port)
            self._seq += 1
            self._socket.sendto(sign(beacon, self.ring.swarm, self.ring.beacon), self.to)


def here(to: tuple[str, int]) -> str:
    """The address of this machine on the network in which `to` is. Raises OSError without a network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        probe.connect(to)
        return str(probe.getsockname()[0])
