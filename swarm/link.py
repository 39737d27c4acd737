"""The host's end of the host link: one ROUTER socket to the processes of all robots.

It knows who is there, hands out what each robot senses, and collects what each does. Bytes that are no
message of a robot of this run are counted in `bad` and dropped; an answer to an old tick is taken only
where it is asked for.
"""

from collections.abc import Sequence

import zmq

from swarm import wire

READABLE = int(zmq.POLLIN)  # as a flag it costs a microsecond each time


class HostLink:
    """Bound to `address`, for `robots` robots. Raises OSError with the address where that is not to be had."""

    def __init__(self, context: "zmq.Context[zmq.Socket[bytes]]", address: str, robots: int) -> None:
        self.socket = context.socket(zmq.ROUTER)
        self.socket.setsockopt(zmq.LINGER, 200)
        self.socket.setsockopt(zmq.MAXMSGSIZE, 1 << 20)
        self.socket.setsockopt(zmq.ROUTER_HANDOVER, 1)  # a restarted robot takes its place
        try:
            self.socket.bind(address)
        except zmq.ZMQError as error:
            self.socket.close()
            raise OSError(f"{address}: {zmq.strerror(error.errno or 0)}") from None
        self.there: set[int] = set()
        self.bad = 0
        self._names = [b"%d" % robot for robot in range(robots)]
        self._robots = {name: robot for robot, name in enumerate(self._names)}

    def tell(self, tick: int, percepts: Sequence[bytes], heard: Sequence[list[tuple[int, bytes]]]) -> None:
        """Send all robots that are there what they sense and hear."""
        send, encode = self.socket.send, wire.encode
        for robot in sorted(self.there):
            send(self._names[robot], zmq.SNDMORE)
            send(encode(wire.Sense(tick, percepts[robot], heard[robot])))

    def take(self) -> list[tuple[int, wire.Act]]:
        """The answers that have come, without waiting; robots that say hello are there from now on."""
        acts: list[tuple[int, wire.Act]] = []
        while int(self.socket.get(zmq.EVENTS)) & READABLE:
            name, *parts = self.socket.recv_multipart()
            robot = self._robots.get(name, -1)
            try:
                message = wire.from_robot(b"".join(parts))
            except wire.WireError:
                self.bad += 1
                continue
            if isinstance(message, wire.Hello) and message.robot == robot:
                self.there.add(robot)
            elif isinstance(message, wire.Act) and robot in self.there:
                acts.append((robot, message))
            else:
                self.bad += 1
        return acts

    def goodbye(self) -> None:
        """Tell all robots that the run is over."""
        for robot in sorted(self.there):
            self.socket.send_multipart((self._names[robot], wire.encode(wire.Bye())))
