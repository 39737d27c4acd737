"""The peer link: a robot's mouth and ears, without a broker.

Every robot binds a SUB socket (its ears) and connects one PUB socket (its mouth) to the ears of the others. This
way round the receiver is the server of CURVE: its gate decides who may speak to it, and each message comes
with the name that the sender's key stands for. Who may is in the keys; where robots are, a peer file
or beacons suggest; who is alive, the guard knows from what it hears. Where a connection loses, all that is said goes
as datagrams too (`swarm.net.cast`).

Nothing here waits: a slow or dead listener loses messages, it delays nobody. All that is kept is bounded, also what
a connection may bring (`swarm.net.meter`). One thread, moved on by `drain`, which wants to be called every tick.
"""

import secrets
import time
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple, Protocol

import zmq
from zmq.utils.monitor import recv_monitor_message

from swarm.net import envelope, gate, keys
from swarm.net.cast import Cast
from swarm.net.envelope import HERE, PULSE, SIGNAL, Topic
from swarm.net.guard import Guard, Letter, State
from swarm.net.meter import Meter
from swarm.net.mouth import OPTIONS, Mouth
from swarm.net.tcp import endure
from swarm.net.ties import Ties

PORT = 5670  # of a robot's ears, unless told otherwise
DOMAIN = b"radio"
AT_ONCE = 1024  # messages taken in one go
TEND, LATEST = 0.02, 0.1  # s of wall time between two looks at connections: where nothing is heard, and in any case

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
_FAILURES = {
    zmq.Event.HANDSHAKE_FAILED_PROTOCOL: "stranger",  # no keys, or the wrong key for us
    zmq.Event.HANDSHAKE_FAILED_NO_DETAIL: "unfinished",  # gone before it was let in
}


class Row(NamedTuple):
    """A peer, as a watcher sees it."""

    number: int
    state: State
    silence: float  # s since the latest message accepted; inf: none yet
    reached: bool  # its ears are connected to our mouth
    counters: Mapping[str, int]


class Suggestions(Protocol):
    """Says where robots are, see `swarm.net.beacon`."""

    def poll(self, now: float) -> list[tuple[int, str]]:
        """News since the last time: a robot's number and the address of its ears."""

    def close(self) -> None:
        """Give up what it holds."""


def clock() -> float:
    """Seconds on a clock that only goes forward, also while the machine sleeps; no wall clock."""
    return time.clock_gettime(_CLOCK)


class PeerLink:
    """The link of robot `number`, its ears bound to `bind`. Raises OSError where that is not to be had.

    `ring`: its keys; None: nothing is encrypted and everybody is believed. `peers`: number -> address of ears.
    `near`: with more robots than that it talks only to those last named by `meet`.
    """

    def __init__(
        self,
        number: int,
        topics: tuple[Topic, ...],
        ring: keys.Keyring | None,
        bind: str = f"tcp://0.0.0.0:{PORT}",
        peers: Mapping[int, str] | None = None,
        *,
        swarm: str = "swarm",
        boot: int | None = None,
        suggestions: Suggestions | None = None,
        near: int = 24,
    ) -> None:
        self.number, self.ring, self.suggestions, self.near = number, ring, suggestions, near
        self.boot = secrets.randbits(63) if boot is None else boot
        self.swarm = envelope.hash_of(swarm if ring is None else ring.swarm)
        self.guard = Guard(number, self.swarm, topics, None if ring is None else ring.robots)
        self.known = {n: address for n, address in (peers or {}).items() if n != number}
        self.now = 0.0
        self._counters: Counter[str] = Counter()
        self._met: dict[int, None] = {}  # robots near, the latest last
        self._seq, self._said = 0, -1.0
        self._tended = -1.0  # s of wall time
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._gate = None if ring is None else gate.Gate(self._context, ring)
        self.mouth, self._ears = Mouth(self._context), self._context.socket(zmq.SUB)
        for option, value in OPTIONS.items():
            self._ears.setsockopt(option, value)
        for topic in range(len(topics)):
            self._ears.setsockopt(zmq.SUBSCRIBE, envelope.prefix(topic, self.swarm))
        if ring is not None:
            gate.guard(self._ears, ring, DOMAIN)
        self._cast: Cast | None = None
        self._meter = Meter(keys.MOST if ring is None else len(ring.allowed))
        self._events = self._ears.get_monitor_socket(sum(_FAILURES) | zmq.Event.LISTENING | zmq.Event.ACCEPTED)
        try:
            self._ears.bind(bind)
        except zmq.ZMQError as error:
            self.close()
            raise OSError(f"{bind}: {zmq.strerror(error.errno or 0)}") from None
        if self._events.poll(1000):  # it listens; who is accepted inherits
            endure(recv_monitor_message(self._events)["value"])
        endpoint = self._ears.getsockopt(zmq.LAST_ENDPOINT)
        assert isinstance(endpoint, bytes)
        self.address = endpoint.rstrip(b"\0").decode()
        try:
            self._cast = Cast(self.address, number, ring)
        except OSError:  # its port is taken: connections do
            self._counters["no datagrams"] += 1
        self._aim()

    def say(self, signal: bytes) -> None:
        """Send a signal to all that listen. Never waits."""
        self._send(SIGNAL, signal)

    def drain(self, now: float) -> list[tuple[int, bytes]]:
        """What was heard since the last call: sender's number, vouched for by its key, and signal.

        `now` is in s on any clock that only goes forward, such as `clock`; the same for all calls.
        """
        self.now = now
        heard = self._hear_datagrams()  # at once: what comes in between would seem to have come early
        heard += self._hear()
        if clock() - self._tended >= (LATEST if heard else TEND):
            self._tended = clock()
            self._tend()
        for number, address in self.suggestions.poll(now) if self.suggestions is not None else ():
            self.know(number, address)
        if now - self._said >= PULSE:
            self._send(HERE, b"")
        return heard

    def know(self, number: int, address: str) -> None:
        """A robot's ears are at `address` from now on."""
        if number == self.number or self.known.get(number) == address:
            return
        self.known = {n: where for n, where in self.known.items() if where != address}
        if number in self.known or len(self.known) < keys.MOST:
            self.known[number] = address
        self._aim()

    def meet(self, numbers: list[int]) -> None:
        """These robots are near; matters only where there are more than `near`."""
        for number in numbers:
            self._met.pop(number, None)
            self._met[number] = None
        while len(self._met) > self.near:
            del self._met[next(iter(self._met))]
        if len(self.known) > self.near:
            self._aim()

    @property
    def counters(self) -> Counter[str]:
        """How many messages were said and received, and how many refused, by reason; see `swarm.net.guard`."""
        counters = self._counters + self.guard.counters
        for part in (self._gate, self._cast):
            what = ("stranger", "revoked", "unreadable members")
            counters.update({} if part is None else {k: part.counters[k] for k in what})
        return +counters

    def table(self) -> list[Row]:
        """All robots that are known, as of the last `drain`."""
        guard, now = self.guard, self.now
        numbers = sorted(self.known.keys() | guard.peers.keys())
        nothing: Counter[str] = Counter()
        return [
            Row(
                n,
                guard.state(n, now),
                guard.silence(n, now),
                self.mouth.reaches(n),
                guard.peers[n].counters if n in guard.peers else nothing,
            )
            for n in numbers
        ]

    def ties(self) -> Ties:
        """Who is there, as of the last `drain`, and what was counted so far."""
        states: dict[State, list[int]] = {state: [] for state in State}
        for number in sorted(self.guard.peers):
            states[self.guard.state(number, self.now)].append(number)
        return Ties(dict(self.counters), states[State.ALIVE], states[State.STALE], states[State.LOST])

    def close(self) -> None:
        """Give all sockets up."""
        if self.suggestions is not None:
            self.suggestions.close()
        if not self._context.closed:
            self.mouth.close()
            self._ears.disable_monitor()
            self._context.destroy(linger=0)
            if self._cast is not None:
                self._cast.close()

    def _tend(self) -> None:
        """Look after connections and keys."""
        if self._gate is not None:
            self._gate.serve()
            if self._gate.ring is not self.ring:
                self._take_over(self._gate.ring)
        self._count_failures()
        self._counters.update(self._meter.look())
        self.mouth.tend(self.ring)

    def _send(self, topic: int, payload: bytes) -> None:
        data = envelope.seal(topic, self.swarm, self.number, self.boot, self._seq, self.now, payload)
        self._seq, self._said = self._seq + 1, self.now
        self._counters["said"] += 1
        self.mouth.send(data)
        if self._cast is not None:
            self._cast.say(data, self.mouth.unsure())

    def _hear_datagrams(self) -> list[tuple[int, bytes]]:
        if self._cast is None:
            return []
        self._cast.repeat()
        letters = [self.guard.judge(self.now, who, data, cast=True) for who, data in self._cast.hear()]
        return [(one.sender, one.payload) for one in letters if isinstance(one, Letter) and one.topic == SIGNAL]

    def _hear(self) -> list[tuple[int, bytes]]:
        heard: list[tuple[int, bytes]] = []
        judge, receive = self.guard.judge, self._ears.recv
        for _ in range(AT_ONCE):
            if not self._ears.getsockopt(zmq.EVENTS):  # cheaper than to try
                break
            frame = receive(zmq.NOBLOCK, copy=False)
            data, whole = frame.bytes, not frame.more
            while frame.more:  # no message of ours has parts
                frame = receive(zmq.NOBLOCK, copy=False)
            name = None if self._gate is None else self._gate.sender(frame)
            letter = judge(self.now, None if name is None else keys.number(name), data if whole else b"")
            if isinstance(letter, Letter) and letter.topic == SIGNAL:
                heard.append((letter.sender, letter.payload))
        return heard

    def _aim(self) -> None:
        """Bring the connections of the mouth in line with who is known, allowed, and near."""
        wanted = self.known
        if len(wanted) > self.near:
            wanted = {n: wanted[n] for n in self._met if n in wanted}
        if self.ring is None:
            self.mouth.aim({n: (address, b"") for n, address in wanted.items()}, None)
        else:
            keys_of = self.ring.robots
            self.mouth.aim({n: (wanted[n], keys_of[n]) for n in wanted if n in keys_of}, self.ring)

    def _take_over(self, ring: keys.Keyring) -> None:
        """This is the list of members from now on."""
        self.ring = ring
        self.guard.robots = ring.robots
        self._meter.members = len(ring.allowed)
        if self._cast is not None:
            self._cast.renew(ring)
        self._aim()

    def _count_failures(self) -> None:
        for _ in range(AT_ONCE):
            if not int(self._events.getsockopt(zmq.EVENTS)) & zmq.POLLIN:
                return
            news = recv_monitor_message(self._events)
            event = zmq.Event(news["event"])
            if event in _FAILURES:
                self._counters[_FAILURES[event]] += 1
            elif event is zmq.Event.ACCEPTED:
                self._meter.accept(news["value"])
