"""The policy of the radio: which messages reach a mind, who is alive. Bytes and times in, verdicts out.

No socket, no clock: times are those of the receiver's monotonic clock, in s, handed in. A message is refused,
counted under the first reason that holds, when it is

=============  ==========================================================================================
bad            no envelope, see `swarm.net.envelope`
foreign        of another swarm
stranger       from a member that is no robot, or from nobody
forged         its sender is not the one whom its key names, or is the receiver itself
crowded        from one robot more than `MOST` (only where no keys say who belongs)
replayed       seen before: an envelope, or a boot that the sender has left behind
early          by datagram, before a connection has brought anything of its boot (only where there are keys)
disordered     overtaken by a later one
old            older than `OLD`
flood          more than the topic's rate allows
again          another copy of what came before, by datagram or after one: nothing wrong with that
=============  ==========================================================================================

**Boots.** The keys of datagrams are the same for ever, those of a connection are made anew by both ends. So where there
are keys a recorded datagram may be of any earlier boot, also of one that the receiver, who has started again, knows
nothing of, and only a connection tells which boot is the present one.

**Age.** Clocks of two robots have nothing in common, so only differences count: the smallest difference of
"received" and "sent" that was seen of a peer since its boot stands for an undelayed message, and a message's age
is what it exceeds that by. The smallest one is let grow by `DRIFT`, as much as the rates of two clocks differ. A
delay that never changes cannot be seen this way, one that grows can.

**Rate.** Each peer and topic has a bucket that fills at `MARGIN` times the topic's rate and holds what it fills in a
second; a message takes one out.
"""

import math
from collections import Counter, deque
from collections.abc import Container
from enum import Enum
from typing import NamedTuple

from swarm.net.envelope import EnvelopeError, Topic, unseal

MOST = 256  # robots, where no keys say who belongs
WINDOW = 64  # envelopes that may be overtaken and still be told from replayed ones
BOOTS = 16  # earlier boots of a peer that are remembered
LATE = 0.3  # s of age from which a message is counted as late
DRIFT = 2e-4  # s per s; quartz keeps 1e-4, and there are two clocks
MARGIN = 1.25  # times the rate of a topic
OLD = 1.15  # s of age from which it is refused: a second, and what ticks add; what is younger fits into a bucket
STALE = 0.5  # s of silence after which a peer is stale
LOST = 0.8  # s of silence after which it is lost


class State(Enum):
    """What is known of a peer."""

    UNKNOWN = "unknown"  # never heard
    ALIVE = "alive"
    STALE = "stale"
    LOST = "lost"


class Letter(NamedTuple):
    """A message that may reach a mind."""

    topic: int
    sender: int
    payload: bytes
    age: float  # s


class Peer:
    """What is remembered of one robot."""

    def __init__(self, topics: int) -> None:
        self.boot = -1
        self.left: deque[int] = deque(maxlen=BOOTS)  # its earlier boots
        self.highest = -1  # sequence number
        self.window = 0  # bit i: highest - i was seen
        self.cast: deque[int] = deque(maxlen=WINDOW)  # envelopes that came by datagram first
        self.base, self.based = math.inf, 0.0  # s, the smallest difference of the clocks, and when it was that
        self.filling = [math.nan] * topics  # s, when each bucket was looked at; NaN: it is full
        self.bucket = [0.0] * topics
        self.heard = [-math.inf] * topics  # s, when a message was accepted
        self.counters: Counter[str] = Counter()


class Guard:
    """Judges the messages that reach robot `me` of the swarm with that hash.

    `robots`: numbers of the robots that belong; None: there are no keys, and whatever an envelope says of its sender
    is believed.
    """

    def __init__(self, me: int, swarm: int, topics: tuple[Topic, ...], robots: Container[int] | None) -> None:
        self.me, self.swarm, self.topics, self.robots = me, swarm, topics, robots
        self.peers: dict[int, Peer] = {}
        self._counters: Counter[str] = Counter()  # of nobody, and of peers that were forgotten

    def judge(self, now: float, who: int | None, data: bytes, cast: bool = False) -> Letter | str:
        """The message in `data`, sent by the robot whose key names it `who`, or why it is refused.

        `cast`: it came by datagram, of which there are copies, and recordings.
        """
        try:
            topic, swarm, sender, boot, seq, time, payload = unseal(data, self.topics)
        except EnvelopeError:
            return self._refuse("bad", who)
        if swarm != self.swarm:
            return self._refuse("foreign", who)
        if self.robots is None:
            who = sender
        elif who is None or who not in self.robots:
            return self._refuse("stranger", None)
        if sender != who or who == self.me:
            return self._refuse("forged", who)
        peer = self.peers.get(who) or self._meet(who, now)
        if peer is None:
            return self._refuse("crowded", None)
        if cast and boot != peer.boot and self.robots is not None:
            return self._refuse("replayed" if boot in peer.left else "early", who)
        if refused := _order(peer, boot, seq):
            return self._refuse("again" if _is_copy(peer, seq, refused, cast) else refused, who)
        if cast:
            peer.cast.append(seq)
        age = _age(peer, now, time)
        if age > OLD:
            return self._refuse("old", who)
        if not self._take(peer, topic, now):
            return self._refuse("flood", who)
        peer.heard[topic] = now
        peer.counters["received"] += 1
        if age > LATE:
            peer.counters["late"] += 1
        return Letter(topic, who, payload, age)

    @property
    def counters(self) -> Counter[str]:
        """How many messages were received, and how many refused, by reason."""
        return sum((peer.counters for peer in self.peers.values()), self._counters)

    def state(self, number: int, now: float) -> State:
        """Is a robot there?"""
        silent = self.silence(number, now)
        if silent == math.inf:
            return State.UNKNOWN
        return State.ALIVE if silent <= STALE else State.STALE if silent <= LOST else State.LOST

    def silence(self, number: int, now: float) -> float:
        """Seconds since the latest message accepted of a robot, inf: there was none."""
        peer = self.peers.get(number)
        return math.inf if peer is None else now - max(peer.heard)

    def alive(self, now: float) -> list[int]:
        """The robots that are there, stale ones included."""
        return [number for number in self.peers if self.silence(number, now) <= LOST]

    def _meet(self, number: int, now: float) -> Peer | None:
        """Room for one more; where keys do not bound their number, in place of one that is lost."""
        if self.robots is None and len(self.peers) >= MOST:
            silent = max(self.peers, key=lambda number: self.silence(number, now))
            if self.silence(silent, now) <= LOST:
                return None
            self._counters += self.peers.pop(silent).counters
        return self.peers.setdefault(number, Peer(len(self.topics)))

    def _take(self, peer: Peer, topic: int, now: float) -> bool:
        """Take one out of a bucket, if there is one in it."""
        rate = MARGIN * self.topics[topic].rate
        most = max(2.0, rate)
        since = peer.filling[topic]
        level = most if math.isnan(since) else min(most, peer.bucket[topic] + rate * (now - since))
        peer.filling[topic], peer.bucket[topic] = now, level - 1 if level >= 1 else level
        return level >= 1

    def _refuse(self, why: str, who: int | None) -> str:
        counters = self._counters if who is None or who not in self.peers else self.peers[who].counters
        counters[why] += 1
        return why


def _order(peer: Peer, boot: int, seq: int) -> str:
    """Enter an envelope's number; why it is refused, or nothing."""
    if boot != peer.boot:
        if boot in peer.left:
            return "replayed"
        if peer.boot >= 0:
            peer.left.append(peer.boot)
        peer.boot, peer.highest, peer.window, peer.base = boot, seq, 1, math.inf
        peer.cast.clear()
        return ""
    ahead = seq - peer.highest
    if ahead > 0:
        peer.highest, peer.window = seq, (peer.window << min(ahead, WINDOW) | 1) & (1 << WINDOW) - 1
        return ""
    if -ahead >= WINDOW or peer.window >> -ahead & 1:
        return "replayed"
    peer.window |= 1 << -ahead
    return "disordered"


def _is_copy(peer: Peer, seq: int, refused: str, cast: bool) -> bool:
    """Is a message that was seen before the one copy that a connection brings, or one of a datagram?"""
    if cast:
        return True
    if refused != "replayed" or seq not in peer.cast:
        return False
    peer.cast.remove(seq)
    return True


def _age(peer: Peer, now: float, time: float) -> float:
    """How much longer than the quickest of its peer's messages this one was under way, s."""
    difference = now - time
    peer.base = min(difference, peer.base + DRIFT * (now - peer.based))
    peer.based = now
    return difference - peer.base
