"""Byte streams that never block: TCP and serial, opened again after they broke."""

import contextlib
import errno
import os
import re
import select
import socket
import threading
from typing import Protocol

from robots.body import BodyError

RETRY = 0.5  # s before another attempt to open: the Playground hangs when a robot is called again within a step
BAUD = 115_200
CHUNK = 1 << 16


class Channel(Protocol):
    """An open connection that does not block."""

    def read(self) -> bytes:
        """What has come; raises OSError where the connection is broken."""

    def write(self, data: bytes) -> None:
        """Send all of it or raise OSError."""

    def close(self) -> None:
        """Give it up."""


def place(address: str) -> tuple[str, int] | str:
    """Host and port of ``tcp:HOST:PORT``, or the device of ``serial:DEVICE``. Raises BodyError for any other."""
    tcp = re.fullmatch(r"tcp:([^:]+|\[[^]]+\]):([0-9]{1,5})", address)
    if tcp is not None and 1 <= int(tcp[2]) <= 65535:
        return tcp[1].strip("[]"), int(tcp[2])
    if tcp is None and re.fullmatch(r"serial:.+", address):
        return address.removeprefix("serial:")
    raise BodyError(f"address = {address!r}: must be tcp:HOST:PORT, with a port of 1 to 65535, or serial:DEVICE")


class Port:
    """A connection to `address`, see `place`.

    `write` and `close` may come from another thread.
    """

    def __init__(self, address: str) -> None:
        self.address, self._place = address, place(address)
        self._channel: Channel | None = None
        self._lock = threading.Lock()
        self._next = -float("inf")
        self._broken = False
        self.opened = 0  # how often it was opened
        self.trouble = "not opened yet"

    def read(self, now: float) -> bytes:
        """What has come. Opens the connection where it is not, at most every `RETRY` s."""
        with self._lock:
            if self._broken:
                self._broken, self._next = False, now + RETRY
            if self._channel is None and now >= self._next:
                self._next = now + RETRY
                self._open()
            if self._channel is None:
                return b""
            try:
                return self._channel.read()
            except OSError as error:
                self._break(str(error))
                return b""

    def write(self, data: bytes) -> bool:
        """Send `data`; False where that is not possible."""
        with self._lock:
            if self._channel is None:
                return False
            try:
                self._channel.write(data)
            except OSError as error:
                self._break(str(error))
                return False
            return True

    def drop(self, why: str) -> None:
        """Give this connection up; the next `read` opens another one."""
        with self._lock:
            self._break(why)

    def close(self) -> None:
        """Give the connection up for good."""
        with self._lock:
            self._break("closed")
            self._next, self._broken = float("inf"), False

    def _open(self) -> None:
        try:
            self._channel = _Serial(self._place) if isinstance(self._place, str) else _Tcp(self._place)
        except (OSError, UnicodeError) as error:  # UnicodeError: of a host whose name cannot be one
            self.trouble = f"{self.address}: {getattr(error, 'strerror', None) or error}"
            return
        self.opened += 1
        self.trouble = ""

    def _break(self, why: str) -> None:
        if self._channel is not None:
            with contextlib.suppress(OSError):
                self._channel.close()
            self._channel, self._broken = None, True
        self.trouble = f"{self.address}: {why}"


class _Tcp:
    def __init__(self, address: tuple[str, int]) -> None:
        self._socket = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connecting = self._socket.connect_ex(address) not in (0, errno.EISCONN)

    def read(self) -> bytes:
        if self._connecting and not self._connected():
            return b""
        try:
            data = self._socket.recv(CHUNK)
        except BlockingIOError:
            return b""
        if not data:
            raise ConnectionResetError("the other end has closed the connection")
        return data

    def write(self, data: bytes) -> None:
        if self._connecting and not self._connected():
            return
        if self._socket.send(data) != len(data):  # a full buffer: the robot does not keep up
            raise ConnectionAbortedError("the robot takes no more data")

    def close(self) -> None:
        self._socket.close()

    def _connected(self) -> bool:
        _, writable, failed = select.select([], [self._socket], [self._socket], 0)
        if writable or failed:
            code = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code:
                raise OSError(code, os.strerror(code))
            self._connecting = False
        return not self._connecting


class _Serial:
    def __init__(self, device: str) -> None:
        try:
            import serial
        except ImportError:
            raise BodyError("a serial port needs pyserial: pip install '.[serial]' in a clone of jerne") from None
        import termios

        try:
            self._port = serial.Serial(device, BAUD, timeout=0, write_timeout=0.1, exclusive=True)  # forgets old bytes
        except termios.error as error:  # no OSError: a cable that was pulled while it was opened
            raise OSError(*error.args) from None

    def read(self) -> bytes:
        return bytes(self._port.read(CHUNK))

    def write(self, data: bytes) -> None:
        self._port.write(data)

    def close(self) -> None:
        self._port.close()
