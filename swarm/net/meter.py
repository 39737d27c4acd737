"""Bounds what connections can bring to a robot's ears: how much each, and how many there are.

ZeroMQ bounds the parts of a message, but not how many parts a message has, nor the connections that one key may make;
an endless message would fill the memory before anybody saw it. The kernel counts what each connection has brought:
one that has brought `MOST` bytes is ended, the message that it was in the middle of is dropped, and its peer
connects anew. A robot that says no more than it should gets there after most of an hour, and misses a signal.
"""

import ctypes
import math
import socket
import time
from contextlib import suppress

import zmq
from zmq.utils.monitor import recv_monitor_message

from swarm.net import tcp
from swarm.net.tcp import Connection

MOST = 4 << 20  # bytes of a connection
SOON = 60.0  # s of wall time: who brings as much in less is cut off, others are renewed
EACH = 4  # connections for each member, and as many of those who have just come
AT_ONCE = 256  # news of connections that are looked at in one go
SETTLED = 2.0  # s of wall time for which a connection has just come
FREED = 1.0  # s of wall time after which ZeroMQ has freed what a connection that was cut off had brought


class Meter:
    """Looks after the connections that were accepted; `members` is how many may speak, `most` the bytes of each."""

    def __init__(self, members: int, most: int = MOST) -> None:
        self.members, self._most = members, most
        self._accepted: dict[int, tuple[Connection, float]] = {}  # by handle; when it was accepted, s of wall time
        self._cut = math.inf  # s of wall time, when the latest was cut off

    def accept(self, handle: int) -> None:
        """A connection was accepted."""
        self._accepted.pop(handle, None)
        with suppress(OSError):  # gone already
            self._accepted[handle] = (tcp.connection(handle), time.monotonic())

    def look(self) -> list[str]:
        """End connections that have brought too much, and those too many: ``cut off``, ``renewed``, ``crowded``, each.

        Too many are ended that have brought least: strangers who hold the line and say nothing keep no member out. Who
        has just come competes with others that have just come: they keep nobody out who has been there for longer.
        """
        ended, now = [], time.monotonic()
        ranks: tuple[list[tuple[int, int]], ...] = ([], [])  # of those long there, and of those who have just come
        for handle, (_, since) in list(self._accepted.items()):
            brought = self._brought(handle)
            if brought > self._most:
                _end(handle)
                ended.append("cut off" if now - since < SOON else "renewed")
            if brought < 0 or brought > self._most:
                del self._accepted[handle]
            else:
                ranks[now - since < SETTLED].append((brought, handle))
        for rank in ranks:
            rank.sort(key=lambda one: one[0])  # of those alike the first to come first
            for _, handle in rank[: max(0, len(rank) - EACH * self.members)]:
                _end(handle)
                del self._accepted[handle]
                ended.append("crowded")
        if "cut off" in ended:
            self._cut = now
        elif now - self._cut > FREED:
            self._cut = math.inf
            _give_back()
        return ended

    def end(self) -> None:
        """End all: who may come comes again."""
        for handle in [handle for handle in self._accepted if self._brought(handle) >= 0]:
            _end(handle)
        self._accepted.clear()

    def _brought(self, handle: int) -> int:
        """Bytes that a connection has brought, 0 where the kernel does not say, below 0 where it is gone."""
        try:
            info = self._accepted[handle][0].info()
        except OSError:
            return -1
        return 0 if info is None else info.received


class Callers:
    """The connections to a socket that is about to be bound, looked after by a meter; those of TCP alone."""

    def __init__(self, socket_: "zmq.Socket[bytes]", most: int = MOST) -> None:
        self._meter, self._socket = Meter(0, most), socket_
        self._events = socket_.get_monitor_socket(int(zmq.Event.ACCEPTED))

    def look(self, members: int, *, anew: bool) -> None:
        """End connections that have brought too much, and those that are too many for so many members. Never waits.

        `anew`: end all; who may come comes again.
        """
        self._meter.members = members
        self._accept()
        self._meter.look()
        if anew:
            self._meter.end()

    def close(self) -> None:
        """Look after them no more."""
        self._socket.disable_monitor()

    def _accept(self) -> None:
        for _ in range(AT_ONCE):
            if not int(self._events.getsockopt(zmq.EVENTS)) & zmq.POLLIN:
                return
            event = recv_monitor_message(self._events)
            if _is_at(event["value"], event["endpoint"].decode()):
                self._meter.accept(event["value"])


def _is_at(handle: int, endpoint: str) -> bool:
    """Is that still a connection to this place? A handle that was closed may be another's by now."""
    with suppress(OSError), tcp.borrowed(handle) as it:
        near = it.getsockname()
        return isinstance(near, tuple) and str(near[1]) == endpoint.rpartition(":")[2]
    return False


def _give_back() -> None:
    """Give freed memory back to the system, which glibc may put off until somebody asks for more."""
    with suppress(AttributeError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)


def _end(handle: int) -> None:
    with suppress(OSError), tcp.borrowed(handle) as it:
        it.shutdown(socket.SHUT_RDWR)
