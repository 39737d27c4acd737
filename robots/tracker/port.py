"""The way to a tracker: its latest view and how old that is, over ZeroMQ."""

import math
from collections.abc import Callable
from typing import Protocol

import zmq

from robots.clock import Foreign
from robots.listening import KEEPALIVE
from robots.tracker import message
from robots.tracker.message import Deed, TrackerError, View

BEAT, TIMEOUT = 200, 600  # ms, heartbeats of all but who listens: a cut link shows soon, and delivers nothing old
QUEUE, AT_ONCE = 256, 1024  # views that wait, and that are taken in one go: what comes in 12 s, and is caught up with
Secure = Callable[["zmq.Socket[bytes]"], None]


class Tracker(Protocol):
    """Where all robots are, from outside."""

    def look(self, now: float) -> View | None:
        """The latest view; None: none yet."""

    def age(self, now: float) -> float:
        """Seconds since the view was true; inf: none yet."""

    def tell(self, deed: Deed) -> None:
        """Say what the robot does at a site. Never waits."""

    def close(self) -> None:
        """Give the link up."""


class Latest:
    """Keeps the latest of the views that come, and knows how old it is. No socket, no clock."""

    def __init__(self) -> None:
        self.view: View | None = None
        self.bad = 0
        self._clock = Foreign()
        self._true = -math.inf

    def take(self, data: bytes, now: float) -> None:
        """Take a message that came in; what is no view is counted, what is older than the latest is dropped."""
        try:
            view = message.view(data)
        except TrackerError:
            self.bad += 1
            return
        if self.view is None or self.view.boot != view.boot:
            self._clock = Foreign()
        elif view.seq <= self.view.seq:
            return
        self._true = self._clock.ours(view.time, now) - view.age
        self.view = view

    def forget(self) -> None:
        """There was no view yet."""
        self.view, self._true = None, -math.inf

    def age(self, now: float) -> float:
        """Seconds since the latest view was true."""
        return now - self._true


class ZmqTracker:
    """A tracker whose views are published at `address`; deeds go to `deeds`, where there is such a place.

    `secure` is called with each socket before it connects, to put keys on it; while `trusted` says no, nothing is
    believed and nothing told. Raises OSError for what is no address.
    """

    def __init__(
        self,
        address: str,
        deeds: str = "",
        secure: Secure | None = None,
        trusted: Callable[[], bool] = lambda: True,
    ) -> None:
        self._latest, self._trusted = Latest(), trusted
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._views = self._socket(zmq.SUB, address, secure)
        self._deeds = self._socket(zmq.PUSH, deeds, secure) if deeds else None

    def look(self, now: float) -> View | None:
        """The latest view; None where nobody is trusted any more."""
        newest = None
        for _ in range(AT_ONCE):
            try:
                parts = self._views.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                break
            if len(parts) == 1:
                newest = parts[0]
            else:
                self._latest.bad += 1
        if newest is not None:
            self._latest.take(newest, now)
        if not self._trusted():
            self._latest.forget()
        return self._latest.view

    def age(self, now: float) -> float:
        """Seconds since the view was true, as of the last `look`."""
        return self._latest.age(now)

    def tell(self, deed: Deed) -> None:
        """Say what the robot does; lost where nobody listens."""
        if self._deeds is not None and self._trusted():
            try:
                self._deeds.send(message.encode(deed), zmq.NOBLOCK)
            except zmq.Again:
                return

    def close(self) -> None:
        """Give the sockets up."""
        self._context.destroy(linger=0)

    def _socket(self, kind: int, address: str, secure: Secure | None) -> "zmq.Socket[bytes]":
        socket = self._context.socket(kind)
        options = {zmq.LINGER: 0, zmq.SNDHWM: 4, zmq.RCVHWM: QUEUE, zmq.MAXMSGSIZE: message.MOST}
        beats = {zmq.HEARTBEAT_IVL: BEAT, zmq.HEARTBEAT_TIMEOUT: TIMEOUT}
        for option, value in (options | (KEEPALIVE if kind == zmq.SUB else beats)).items():
            socket.setsockopt(option, value)
        if kind == zmq.SUB:
            socket.setsockopt(zmq.SUBSCRIBE, b"")
        if secure is not None:
            secure(socket)
        try:
            socket.connect(address)
        except zmq.ZMQError as error:
            self.close()
            raise OSError(f"{address}: {zmq.strerror(error.errno or 0)}") from None
        return socket
