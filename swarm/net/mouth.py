"""A robot's mouth: one PUB socket that is kept connected to the ears of the robots it is to reach."""

import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from ipaddress import ip_address
from typing import Any, NamedTuple

import zmq
from zmq.utils.monitor import recv_monitor_message

from swarm.net import envelope, gate, tcp
from swarm.net.keys import Keyring
from swarm.net.tcp import Connection

QUEUE = 32  # messages kept for or from one peer
AT_ONCE = 1024  # events of connections that are looked at in one go
LOOK = 1.0  # s of wall time between two looks at this machine's addresses
QUIET = 12.0  # s of wall time in which a connection that is being made tries again by itself
LOSSY = 5.0  # s of wall time for which a connection counts as one that loses, after it repeated something

#: of mouths and ears
OPTIONS = {
    zmq.LINGER: 0,
    zmq.SNDHWM: QUEUE,
    zmq.RCVHWM: QUEUE,
    zmq.MAXMSGSIZE: envelope.LONGEST + 64,  # encrypted ones are longer
    zmq.HEARTBEAT_IVL: 500,  # ms
    zmq.HEARTBEAT_TIMEOUT: 10_000,  # who is alive, the guard knows; a bad link is better than one made anew
    zmq.HEARTBEAT_TTL: 10_000,
    zmq.HANDSHAKE_IVL: 10_000,  # who does not finish is cut off
    zmq.CONNECT_TIMEOUT: 2500,
    zmq.RECONNECT_IVL: 100,
    zmq.RECONNECT_IVL_MAX: 1000,
    zmq.IMMEDIATE: 1,  # nothing piles up for who is not there
}


class _Line(NamedTuple):
    """A connection that was made."""

    near: Any  # host and port of its ends, None: it was gone at once
    far: Any
    connection: Connection | None
    repeated: int = 0  # segments, when last looked at
    lossy: float = 0.0  # until when it counts as one that loses, s of wall time


class Mouth:
    """Speaks to all that it is aimed at and that listen; never waits.

    ZeroMQ gives an address up for good where a handshake failed (a member not yet on the other's list, another
    program at that port), and does not say so: what has been quiet for `QUIET` and is not up is connected anew.
    So is what was connected from an address that this machine has no longer: TCP would take long to notice.
    """

    def __init__(self, context: "zmq.Context[zmq.Socket[bytes]]") -> None:
        self.socket = context.socket(zmq.PUB)
        for option, value in OPTIONS.items():
            self.socket.setsockopt(option, value)
        events = zmq.Event.CONNECTED | zmq.Event.CONNECT_DELAYED | zmq.Event.CONNECT_RETRIED | zmq.Event.DISCONNECTED
        self._events = self.socket.get_monitor_socket(int(events | zmq.Event.HANDSHAKE_SUCCEEDED))
        self.aims: dict[int, tuple[str, bytes]] = {}  # robot -> address, public key
        self._up: set[str] = set()  # addresses
        self._active: dict[str, float] = {}  # address -> when something happened there, s of wall time
        self._lines: dict[str, _Line] = {}  # by address
        self._looked = 0.0  # when this machine's addresses were looked at

    def send(self, data: bytes) -> None:
        """Say something to all that are connected."""
        with suppress(zmq.Again):
            self.socket.send(data, zmq.NOBLOCK)

    def aim(self, aims: Mapping[int, tuple[str, bytes]], ring: Keyring | None) -> None:
        """Speak to these robots (address, public key) from now on. Raises ValueError for what is no address."""
        for number in [n for n, aim in self.aims.items() if aims.get(n) != aim]:
            self._disconnect(self.aims.pop(number)[0])
        for number in aims.keys() - self.aims.keys():
            self._connect(aims[number], ring)
            self.aims[number] = aims[number]

    def tend(self, ring: Keyring | None) -> None:
        """Look after the connections; to be called now and then."""
        for _ in range(AT_ONCE):
            if not int(self._events.getsockopt(zmq.EVENTS)) & zmq.POLLIN:
                break
            event = recv_monitor_message(self._events)
            address = event["endpoint"].decode()
            if event["event"] == zmq.Event.CONNECTED:
                self._lines[address] = _line(event["value"])
            self._active[address] = time.monotonic()
            (self._up.add if event["event"] == zmq.Event.HANDSHAKE_SUCCEEDED else self._up.discard)(address)
        now, moved = time.monotonic(), set[str]()
        if now - self._looked > LOOK:
            self._looked = now
            moved = {address for address in self._up if _has_moved(self._lines.get(address))}
        for address, key in self.aims.values():
            if address in moved or (address not in self._up and now - self._active.get(address, 0.0) > QUIET):
                self._disconnect(address)
                self._connect((address, key), ring)

    def unsure(self) -> list[tuple[int, Any]]:
        """Robots that a connection may not reach at once, and host and port of their ears.

        It is not up, has repeated something in the last `LOSSY` s, or the kernel does not tell.
        """
        found = []
        for number, (address, _) in self.aims.items():
            if not (address in self._up and self._is_sound(address)):
                line = self._lines.get(address)
                found.append((number, line.far if line is not None and line.far else _numeric(address)))
        return [(number, end) for number, end in found if end is not None]

    def _is_sound(self, address: str) -> bool:
        """Did the connection get everything through at the first try, of late?"""
        line = self._lines.get(address)
        if line is None or line.connection is None:
            return False
        now, info = time.monotonic(), None
        with suppress(OSError):
            info = line.connection.info()
        if info is None:
            return False
        if info.repeated != line.repeated:
            line = self._lines[address] = line._replace(repeated=info.repeated, lossy=now + LOSSY)
        return now >= line.lossy

    def reaches(self, number: int) -> bool:
        """Are the ears of that robot connected, as far as is known?"""
        return number in self.aims and self.aims[number][0] in self._up

    def close(self) -> None:
        """Give the socket up."""
        self.socket.disable_monitor()
        self.socket.close()

    def _connect(self, aim: tuple[str, bytes], ring: Keyring | None) -> None:
        address, key = aim
        if ring is not None:
            gate.approach(self.socket, ring, key)
        try:
            self.socket.connect(address)
        except zmq.ZMQError as error:
            raise ValueError(f"{address}: {zmq.strerror(error.errno or 0)}") from None
        self._active[address] = time.monotonic()

    def _disconnect(self, address: str) -> None:
        with suppress(zmq.ZMQError):  # it was given up already
            self.socket.disconnect(address)
        self._up.discard(address)
        self._active.pop(address, None)
        self._lines.pop(address, None)


@lru_cache(maxsize=1024)
def _numeric(address: str) -> tuple[str, int] | None:
    """Host and port of an address without a name in it; None: it must be looked up, which takes time."""
    host, _, port = address.removeprefix("tcp://").rpartition(":")
    with suppress(ValueError):
        return str(ip_address(host.strip("[]"))), int(port)
    return None


def _line(handle: int) -> _Line:
    connection = None
    with suppress(OSError):
        connection = tcp.connection(handle)
    return _Line(*tcp.endure(handle), connection)


def _has_moved(line: _Line | None) -> bool:
    """Would this machine speak from another address now than from that of the near end?"""
    if line is None or line.far is None:
        return False
    family = socket.AF_INET6 if ":" in line.far[0] else socket.AF_INET
    with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect(line.far)  # sends nothing
        return bool(probe.getsockname()[0] != line.near[0])
    return False
