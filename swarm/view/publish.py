"""Showing a run to whoever attaches: one XPUB socket of the world's process.

Messages have two frames, a topic and msgpack. Watchers subscribe to topics and say nothing else::

    stage      `swarm.view.snapshot.Stage`, again whenever somebody attaches
    swarm      `swarm.view.snapshot.Snapshot`, at most ten times a second
    robot N    `swarm.view.snapshot.Detail` of robot N, only while somebody subscribes to it

A watcher that is slow or stopped misses messages; nobody waits for it.
"""

from collections.abc import Callable

import msgspec
import zmq

from swarm.view.snapshot import Detail, Snapshot, Stage

STAGE, SWARM, ROBOT = b"stage", b"swarm", b"robot "
WAITING = 4  # messages that are kept for a slow watcher
MOST = 16  # robots shown in detail at once

_encode = msgspec.msgpack.Encoder().encode


class Publisher:
    """Bound to `address`. Raises OSError with the address where that is not to be had."""

    def __init__(self, context: "zmq.Context[zmq.Socket[bytes]]", address: str, stage: Stage, robots: int) -> None:
        self.socket = context.socket(zmq.XPUB)
        for option, value in (
            (zmq.XPUB_VERBOSE, 1),
            (zmq.SNDHWM, WAITING),
            (zmq.LINGER, 0),
            (zmq.MAXMSGSIZE, 256),
        ):
            self.socket.setsockopt(option, value)
        try:
            self.socket.bind(address)
        except zmq.ZMQError as error:
            self.socket.close()
            raise OSError(f"{address}: {zmq.strerror(error.errno or 0)}") from None
        self._stage, self._robots = _encode(stage), robots
        self._wanted: set[int] = set()

    def publish(self, snapshot: Snapshot, detail: Callable[[int], Detail]) -> None:
        """Send what is wanted."""
        if self._attend():
            self.socket.send_multipart((STAGE, self._stage), zmq.NOBLOCK)
        self.socket.send_multipart((SWARM, _encode(snapshot)), zmq.NOBLOCK)
        for robot in sorted(self._wanted)[:MOST]:
            self.socket.send_multipart((topic(robot), _encode(detail(robot))), zmq.NOBLOCK)

    def _attend(self) -> bool:
        """Take in who subscribes to what; is somebody new?"""
        new = False
        while self.socket.poll(0):
            data = self.socket.recv()
            wants, name = data[:1] == b"\x01", data[1:]
            new = new or (wants and STAGE.startswith(name))
            number = name.removeprefix(ROBOT)
            if name.startswith(ROBOT) and number.isdigit() and int(number) < self._robots:
                (self._wanted.add if wants else self._wanted.discard)(int(number))
        return new


def topic(robot: int) -> bytes:
    """The topic of a robot's details."""
    return ROBOT + b"%d" % robot
