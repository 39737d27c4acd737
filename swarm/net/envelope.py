"""What travels between robots: an envelope of fixed size round a payload, and the table of topics.

All numbers are big-endian::

    "j1"  topic u8  swarm u32  sender u16  boot u64  seq u64  time f64  payload

`swarm` is a hash of the swarm's name, so that two swarms never take each other's messages. `boot` is drawn anew at
each start of the sender, `seq` counts its envelopes since, `time` is its own monotonic clock in s. Nobody compares
two robots' clocks: see `swarm.net.guard`. The payload of the topic *signal* is a message of `swarm.wire`, as in
simulation. The first seven bytes are what a socket subscribes to.
"""

import hashlib
import math
import struct
from typing import NamedTuple

from swarm import wire

HEAD = struct.Struct(">2sBIHQQd")
MAGIC = b"j1"
HERE, SIGNAL = 0, 1  # topics, indices into the table
PULSE = 0.3  # s of silence after which a robot says that it is here


class Topic(NamedTuple):
    """A line of the table of topics."""

    name: str
    rate: float  # per second, expected of each robot
    most: int  # bytes of a payload


class Envelope(NamedTuple):
    """A message as it came."""

    topic: int
    swarm: int
    sender: int
    boot: int
    seq: int
    time: float  # s, the sender's clock
    payload: bytes


class EnvelopeError(ValueError):
    """Bytes that are no envelope."""


def topics(interval: float) -> tuple[Topic, ...]:
    """The table, for robots that say a signal every `interval` s. Who says signals need not say that it is here."""
    return Topic("here", 1 / PULSE, 0), Topic("signal", 1 / interval, wire.MOST)


LONGEST = HEAD.size + max(topic.most for topic in topics(1.0))  # bytes of an envelope


def hash_of(swarm: str) -> int:
    """A swarm's name as 32 bits."""
    return int.from_bytes(hashlib.sha256(swarm.encode()).digest()[:4], "big")


def prefix(topic: int, swarm: int) -> bytes:
    """What all envelopes of a topic and a swarm begin with."""
    return struct.pack(">2sBI", MAGIC, topic, swarm)


def seal(topic: int, swarm: int, sender: int, boot: int, seq: int, time: float, payload: bytes) -> bytes:
    """The bytes of an envelope."""
    return HEAD.pack(MAGIC, topic, swarm, sender, boot, seq, time) + payload


def unseal(data: bytes, table: tuple[Topic, ...]) -> Envelope:
    """What bytes say. Raises EnvelopeError for any that are no envelope of a topic of `table`."""
    if len(data) < HEAD.size:
        raise EnvelopeError(f"{len(data)} bytes, an envelope has at least {HEAD.size}")
    magic, topic, swarm, sender, boot, seq, time = HEAD.unpack_from(data)
    if magic != MAGIC or topic >= len(table):
        raise EnvelopeError(f"begins with {data[:3]!r}, must begin with {MAGIC!r} and one of {len(table)} topics")
    if len(data) > HEAD.size + table[topic].most:
        raise EnvelopeError(f"{len(data)} bytes, at most {HEAD.size + table[topic].most} for {table[topic].name}")
    if not math.isfinite(time):
        raise EnvelopeError(f"time {time}, must be a finite number")
    return Envelope(topic, swarm, sender, boot, seq, time, data[HEAD.size :])
