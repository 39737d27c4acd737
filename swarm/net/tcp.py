"""What the kernel knows of a TCP connection, and how it is told to endure loss.

A *handle* is the file descriptor that ZeroMQ's events name: ZeroMQ's own, which it may close at any time.
"""

import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

#: of Linux's TCP, for links that lose much: numbers of `linux/tcp.h`
CONGESTION, THIN_LINEAR_TIMEOUTS, RTO_MAX_MS, RTO_MIN_US, DELACK_MAX_US = 13, 16, 44, 45, 46
ENDURING: dict[int, int | bytes] = {
    CONGESTION: b"cubic",  # with bbr the kernel takes no stream for a thin one
    THIN_LINEAR_TIMEOUTS: 1,  # the first six repetitions follow each other without longer and longer pauses
    RTO_MIN_US: 20_000,  # the shortest pause; like the next two, Linux 6.15 and later
    RTO_MAX_MS: 1000,  # the longest pause that follows
    DELACK_MAX_US: 10_000,  # what has come is acknowledged before the other end repeats it
}

_INFO = struct.Struct("=B99xI24xQ")  # of struct tcp_info: state, total_retrans, bytes_received
_CLOSED = 7  # a state


class Info(NamedTuple):
    """Counted by Linux since the connection was made."""

    repeated: int  # segments that were sent again
    received: int  # bytes


class Connection(NamedTuple):
    """A connection that a handle stood for once."""

    handle: int
    inode: int  # no other socket's

    def info(self) -> Info | None:
        """What is counted; None: this kernel does not. Raises OSError where the connection is gone."""
        if os.fstat(self.handle).st_ino != self.inode:
            raise OSError("the handle is another's")
        if not hasattr(socket, "TCP_INFO"):
            return None
        with borrowed(self.handle) as it:
            data = it.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO.size)
        if len(data) < _INFO.size:
            return None
        state, repeated, received = _INFO.unpack(data)
        if state == _CLOSED:
            raise OSError("closed")
        return Info(repeated, received)


def connection(handle: int) -> Connection:
    """The connection that a handle stands for now. Raises OSError where there is none."""
    return Connection(handle, os.fstat(handle).st_ino)


@contextmanager
def borrowed(handle: int) -> Iterator[socket.socket]:
    """The socket of a handle, which stays ZeroMQ's. Asks the kernel for nothing, least of all for a descriptor more."""
    it = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0, fileno=handle)
    try:
        yield it
    finally:
        it.detach()


def endure(handle: int) -> tuple[Any, Any]:
    """Have the kernel repeat what is lost on a TCP socket, or on those it will accept, without ever longer pauses.

    Where the kernel knows no such option it stays as it is. Gives both ends of its connection, None without one.
    """
    with suppress(OSError), borrowed(handle) as it:  # closed by now: harmless
        for option, value in ENDURING.items():
            with suppress(OSError):
                it.setsockopt(socket.IPPROTO_TCP, option, value)
        return it.getsockname(), it.getpeername()
    return None, None
