"""Messages, and the only place where bytes from outside become objects.

Every message is one msgpack array made by msgspec, its first element a tag that holds the version.

**Radio**, robot to robot (`Signal`, at most `MOST` bytes), tag ``s3``::

    [ "s3", sender, boot, seq, time, stimulation [aggregate, disperse] or [aggregate, disperse, search, home],
      waiting, there, site, kind, action, mates, need, distance, concentration, told,
      outcomes [[situation, action, payoff] ...] ]

**Host link**, between a simulated world and the process of one robot, over ZeroMQ DEALER - ROUTER;
the DEALER's identity is the robot's number in ASCII::

    robot -> host   [ "h1", robot, pid ]                                once, when ready
    host -> robot   [ "n1", tick, percept, [[sender, signal] ...] ]     each tick
    robot -> host   [ "a1", tick, command, report, signal or nil, decision or nil, rules or nil, heard or nil,
                      ties or nil ]                                     in answer; `Decision` in the tick in which
                    one is taken, all rules once in a while; heard and `Ties` where it has a link of its own
    host -> robot   [ "b1" ]                                            end

**Control**, between the process that the user started and the world's process (PAIR - PAIR)::

    world -> user   `swarm.view.snapshot.Stage` once, `swarm.view.snapshot.Snapshot` at most ten times a second
    world -> user   [ "p1", robot ]             a robot does not answer
    world -> user   [ "l1", robot ]             a robot falls out: end its process for good
    world -> user   [ "e1", summary ]           the run is over, its folder complete
    world -> user   [ "f1", text, input ]       the run cannot go on, and why; input: the user's is wrong
    user -> world   [ "g1", robot, text, back ] a robot's process is gone; back: another one will come
    user -> world   [ "q1", text ]              end the run now, and why

`percept`, `command` and `report` are the bytes of the NumPy records `robots.percept`,
`robots.command.COMMAND` and `swarm.report.REPORT`. `signal` is a whole radio message: the world is
the medium and never looks into it.

A message that cannot be decoded raises `WireError`, whatever the bytes; the caller counts and drops it.
"""

from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from classifier.population import Rule
from swarm.net.ties import Ties
from swarm.report import ACTIONS, STRATEGIES
from swarm.rules import Decision
from swarm.situation import BITS, FOLLOW
from swarm.view.snapshot import Snapshot, Stage

MOST = 1024  # bytes of a radio message
OUTCOMES = 4  # outcomes that one signal can carry


class WireError(ValueError):
    """Bytes that are no message of this version."""


T = TypeVar("T")
Number = Annotated[int, Meta(ge=0, le=32767)]
Tick = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Share = Annotated[float, Meta(ge=0, le=1)]
Bits = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Numeral = Annotated[float, Meta(ge=-1e12, le=1e12)]  # finite: a bound refuses what is not a number, too


class Outcome(msgspec.Struct, array_like=True, frozen=True):
    """What came of an action at a site, for others to learn from."""

    situation: Annotated[int, Meta(ge=0, lt=2**BITS)]  # bit b of the situation in bit b, see swarm.situation
    action: Annotated[int, Meta(ge=0, lt=len(ACTIONS))]
    payoff: Numeral


class Signal(msgspec.Struct, array_like=True, frozen=True, tag="s3"):
    """One stimulation signal."""

    sender: Number
    boot: Bits  # drawn at each start of the sender
    seq: Bits  # counts the sender's signals since boot
    time: Numeral  # s, the sender's own clock
    stimulation: Annotated[tuple[Share, ...], Meta(min_length=2, max_length=len(STRATEGIES))]  # two or four
    waiting: Annotated[float, Meta(ge=0, le=1e6)]  # s at a site without progress
    there: Annotated[float, Meta(ge=0, le=1e6)]  # s at work at that site
    site: Annotated[int, Meta(ge=-1, le=2**31 - 1)]  # beacon number of the site it is at or aims at, -1: none
    kind: Annotated[int, Meta(ge=0, le=65535)]  # that site's signature
    action: Annotated[int, Meta(ge=-1, lt=FOLLOW)]  # what it does there, or whom it follows does; -1: nothing
    mates: Annotated[int, Meta(ge=0, le=64)]  # robots at work with it at that site
    need: Annotated[int, Meta(ge=1, le=64)]  # robots that the site takes, as it believes; 1: it only answers a call
    distance: Annotated[float, Meta(ge=0, le=1e6)]  # m to that site, 0: it is there
    concentration: Share  # of the antibody that makes it go there: how sure it is to come
    told: Bits = 0  # outcomes that the sender has told since boot, up to the last of these: some are told before
    outcomes: Annotated[tuple[Outcome, ...], Meta(max_length=OUTCOMES)] = ()

    def __post_init__(self) -> None:
        if len(self.stimulation) == 3:
            raise ValueError("stimulation: 3 concentrations, must be 2 or 4")


class Hello(msgspec.Struct, array_like=True, frozen=True, tag="h1"):
    """A robot process is ready."""

    robot: Number
    pid: int


class Sense(msgspec.Struct, array_like=True, frozen=True, tag="n1"):
    """What a robot senses and hears in a tick."""

    tick: Tick
    percept: bytes
    heard: list[tuple[Number, bytes]]


class Act(msgspec.Struct, array_like=True, frozen=True, tag="a1"):
    """What a robot does about it."""

    tick: Tick
    command: bytes
    report: bytes
    signal: bytes | None
    decision: Decision | None = None
    rules: list[Rule] | None = None  # all of the robot, now and then
    heard: Annotated[list[tuple[Number, bytes]], Meta(max_length=1024)] | None = None  # over its own link
    ties: Ties | None = None  # of its own link, when they change and once a second


class Bye(msgspec.Struct, array_like=True, frozen=True, tag="b1"):
    """The run is over."""


class Hung(msgspec.Struct, array_like=True, frozen=True, tag="p1"):
    """A robot does not answer."""

    robot: Number


class Lost(msgspec.Struct, array_like=True, frozen=True, tag="l1"):
    """A robot falls out, as the mission says."""

    robot: Number


class Ended(msgspec.Struct, array_like=True, frozen=True, tag="e1"):
    """The run is over and its folder complete."""

    summary: dict[str, Any]


class Failed(msgspec.Struct, array_like=True, frozen=True, tag="f1"):
    """The run cannot go on."""

    text: str
    input: bool  # is it the user's input that is wrong?


class Gone(msgspec.Struct, array_like=True, frozen=True, tag="g1"):
    """A robot's process is gone."""

    robot: Number
    text: str
    back: bool  # another one will come


class Stop(msgspec.Struct, array_like=True, frozen=True, tag="q1"):
    """End the run."""

    text: str


_encoder = msgspec.msgpack.Encoder()
_signal = msgspec.msgpack.Decoder(Signal)
_from_robot: msgspec.msgpack.Decoder[Hello | Act] = msgspec.msgpack.Decoder(Hello | Act)
_from_host: msgspec.msgpack.Decoder[Sense | Bye] = msgspec.msgpack.Decoder(Sense | Bye)
_from_world: msgspec.msgpack.Decoder[Stage | Snapshot | Hung | Lost | Ended | Failed] = msgspec.msgpack.Decoder(
    Stage | Snapshot | Hung | Lost | Ended | Failed
)
_from_user: msgspec.msgpack.Decoder[Gone | Stop] = msgspec.msgpack.Decoder(Gone | Stop)

encode = _encoder.encode


def signal(data: bytes) -> Signal:
    """Decode a radio message. Raises WireError for anything else, also for numbers that are not finite."""
    if len(data) > MOST:
        raise WireError(f"signal of {len(data)} bytes, at most {MOST} are allowed")
    return _decode(_signal, data)


def from_robot(data: bytes) -> Hello | Act:
    """Decode what a robot process sends to its host. Raises WireError."""
    return _decode(_from_robot, data)


def from_host(data: bytes) -> Sense | Bye:
    """Decode what the host sends to a robot process. Raises WireError."""
    return _decode(_from_host, data)


def from_world(data: bytes) -> Stage | Snapshot | Hung | Lost | Ended | Failed:
    """Decode what the world's process sends to the user's. Raises WireError."""
    return _decode(_from_world, data)


def from_user(data: bytes) -> Gone | Stop:
    """Decode what the user's process sends to the world's. Raises WireError."""
    return _decode(_from_user, data)


def _decode(decoder: "msgspec.msgpack.Decoder[T]", data: bytes) -> T:
    try:
        return decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise WireError(str(error)) from None
