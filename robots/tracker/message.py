"""What a tracker says, and what robots tell it: msgpack arrays, versioned and bounded.

::

    tracker -> robots   [ "v1", boot, seq, time, age, [[number, x, y, heading] ...], [site ...] ]   PUB
    site                [ number, signature, x, y, facing, width, progress, give ]
    robot -> tracker    [ "d1", robot, site, share, grip ]                                          PUSH

Metres and radians in the tracker's frame. `time` is a clock of the tracker's own that only goes forward, also while its
machine sleeps, `age` how old the poses were when this was said, both in s. `give` is the speed in m/s at which the
site's virtual plate moves now: what a robot that works there can drive along its normal. A deed says how hard a robot
drives at a site it touches, as a share of its free speed (ahead is positive), and whether it means to hold on to it.
"""

import math
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

MOST = 65_536  # bytes of a message
MANY = 1000  # robots or sites in a message


class TrackerError(ValueError):
    """Bytes that are no message of this version."""


T = TypeVar("T")
Number = Annotated[int, Meta(ge=0, le=32767)]
Beacon = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Bits = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Place = Annotated[float, Meta(ge=-1e4, le=1e4)]
Angle = Annotated[float, Meta(ge=-100, le=100)]
Share = Annotated[float, Meta(ge=0, le=1)]


class Seen(msgspec.Struct, array_like=True, frozen=True):
    """Where a robot is."""

    number: Number
    x: Place
    y: Place
    heading: Angle


class Site(msgspec.Struct, array_like=True, frozen=True):
    """A virtual site."""

    number: Beacon
    signature: Annotated[int, Meta(ge=0, le=65535)]
    x: Place  # of the middle of the work face
    y: Place
    facing: Angle  # its outward normal
    width: Annotated[float, Meta(ge=0, le=100)]
    progress: Share
    give: Annotated[float, Meta(ge=0, le=10)]  # m/s


class View(msgspec.Struct, array_like=True, frozen=True, tag="v1"):
    """All that a tracker sees."""

    boot: Bits  # drawn at each start of the tracker
    seq: Bits
    time: Annotated[float, Meta(ge=0, le=1e12)]
    age: Annotated[float, Meta(ge=0, le=1e6)]
    robots: Annotated[tuple[Seen, ...], Meta(max_length=MANY)]
    sites: Annotated[tuple[Site, ...], Meta(max_length=MANY)] = ()


class Deed(msgspec.Struct, array_like=True, frozen=True, tag="d1"):
    """What a robot does at a site."""

    robot: Number
    site: Beacon
    share: Annotated[float, Meta(ge=-1, le=1)]
    grip: bool


encode = msgspec.msgpack.Encoder().encode
_view = msgspec.msgpack.Decoder(View)
_deed = msgspec.msgpack.Decoder(Deed)


def view(data: bytes) -> View:
    """Decode what a tracker says. Raises TrackerError."""
    message = _decode(_view, data)
    numbers = [message.time, message.age]
    numbers += [value for seen in message.robots for value in (seen.x, seen.y, seen.heading)]
    numbers += [v for s in message.sites for v in (s.x, s.y, s.facing, s.width, s.progress, s.give)]
    if not all(map(math.isfinite, numbers)):
        raise TrackerError("a number that is not finite")
    return message


def deed(data: bytes) -> Deed:
    """Decode what a robot tells. Raises TrackerError."""
    message = _decode(_deed, data)
    if not math.isfinite(message.share):
        raise TrackerError("a number that is not finite")
    return message


def _decode(decoder: "msgspec.msgpack.Decoder[T]", data: bytes) -> T:
    if len(data) > MOST:
        raise TrackerError(f"message of {len(data)} bytes, at most {MOST} are allowed")
    try:
        return decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise TrackerError(str(error)) from None
