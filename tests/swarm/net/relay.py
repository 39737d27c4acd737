"""Passes a TCP connection on, and keeps what its maker sent."""

import socket
import threading
from contextlib import suppress
from types import TracebackType


class Relay:
    """Listens at `address`, and passes on to `target` (tcp://HOST:PORT)."""

    def __init__(self, target: str) -> None:
        host, _, port = target.removeprefix("tcp://").rpartition(":")
        self._target = (host.replace("0.0.0.0", "127.0.0.1"), int(port))
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = f"tcp://127.0.0.1:{self._server.getsockname()[1]}"
        self.recorded = bytearray()
        self._sockets: list[socket.socket] = []

    def __enter__(self) -> "Relay":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cut()

    def cut(self) -> None:
        """End all connections, and accept none any more."""
        for one in (self._server, *self._sockets):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._sockets.clear()

    def play(self) -> None:
        """Send all that was recorded to the target once more, over a connection that stays open."""
        self._sockets.append(socket.create_connection(self._target))
        with suppress(OSError):
            self._sockets[-1].sendall(self.recorded)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                caller, _ = self._server.accept()
                called = socket.create_connection(self._target)
                self._sockets += [caller, called]
                threading.Thread(target=self._pass, args=[caller, called, self.recorded], daemon=True).start()
                threading.Thread(target=self._pass, args=[called, caller, bytearray()], daemon=True).start()

    @staticmethod
    def _pass(source: socket.socket, target: socket.socket, recorded: bytearray) -> None:
        with suppress(OSError):
            while data := source.recv(4096):
                recorded += data
                target.sendall(data)
