"""Messages: round trips, and bytes that are none, whatever they are."""

import math
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from classifier.population import Rule
from swarm import wire
from swarm.report import ACTIONS
from swarm.rules import Decision
from swarm.situation import BITS, FOLLOW
from swarm.view.snapshot import PerStrategy, RobotRow, SiteRow, Snapshot, Stage
from swarm.watch import Watch

DECODERS = (wire.signal, wire.from_robot, wire.from_host, wire.from_world, wire.from_user)

numbers = st.integers(0, 32767)
ticks = st.integers(0, 2**31 - 1)
bits = st.integers(0, 2**63 - 1)
finite = st.floats(allow_nan=False, allow_infinity=False)
numerals = st.floats(-1e12, 1e12)
shares = st.floats(0, 1)
blobs = st.binary(max_size=64)

outcomes = st.builds(wire.Outcome, st.integers(0, 2**BITS - 1), st.integers(0, len(ACTIONS) - 1), numerals)
signals = st.builds(
    wire.Signal,
    numbers,
    bits,
    bits,
    numerals,
    st.tuples(shares, shares) | st.tuples(*[shares] * 4),
    st.floats(0, 1e6),
    st.floats(0, 1e6),
    st.integers(-1, 2**31 - 1),
    st.integers(0, 65535),
    st.integers(-1, FOLLOW - 1),
    st.integers(0, 64),
    st.integers(1, 64),
    st.floats(0, 1e6),
    shares,
    bits,
    st.lists(outcomes, max_size=wire.OUTCOMES).map(tuple),
)
events = st.lists(st.tuples(finite, st.sampled_from(["info", "warning", "error"]), st.text()), max_size=3)
wholes = st.integers(-(2**63), 2**63 - 1)


def rows(cls: Any) -> st.SearchStrategy[Any]:
    """Objects of a class of snapshots, with fields of any finite value within their bounds."""
    kinds = {
        int: wholes,
        float: finite,
        str: st.text(),
        bool: st.booleans(),
        PerStrategy: st.tuples(finite, finite) | st.tuples(*[finite] * 4),
    }

    def values(kind: Any) -> st.SearchStrategy[Any]:
        if kind in kinds:
            return kinds[kind]
        number, bounds = get_args(kind)
        return st.integers(bounds.ge, bounds.lt - 1) if number is int else st.floats(bounds.ge, bounds.le)

    return st.builds(cls, *(values(field.type) for field in msgspec.structs.fields(cls)))


stages = st.builds(
    Stage,
    st.text(),
    st.text(),
    bits,
    st.floats(0, 1e6, exclude_min=True),
    st.tuples(*[finite] * 4),
    st.lists(st.tuples(*[finite] * 4), max_size=2),
    finite,
    finite,
    st.dictionaries(st.text(), st.text(), max_size=2),
    st.lists(st.tuples(finite, st.text()), min_size=1, max_size=2),
    st.dictionaries(st.text(), st.text(), max_size=2),
    st.builds(Watch, stuck=st.floats(1, 1e6)),
)
rules = st.lists(st.builds(Rule, st.text(), numbers, finite, finite, finite, wholes, wholes), max_size=2)
decisions = st.builds(
    Decision, bits, st.integers(0, len(ACTIONS) - 1), st.none() | finite, st.lists(numbers, max_size=5), rules
)
snapshots = st.builds(
    Snapshot,
    wholes,
    finite,
    finite,
    st.integers(0, 2**63 - 1),
    st.lists(rows(RobotRow), max_size=2),
    st.lists(rows(SiteRow), max_size=2),
    wholes,
    wholes,
    st.lists(finite, max_size=3),
    st.lists(finite, max_size=3),
    wholes,
    st.lists(st.tuples(wholes, wholes), max_size=3),
    events,
)
MESSAGES = {
    wire.signal: signals,
    wire.from_robot: st.builds(wire.Hello, numbers, wholes)
    | st.builds(wire.Act, ticks, blobs, blobs, st.none() | blobs, st.none() | decisions, st.none() | rules),
    wire.from_host: st.builds(wire.Sense, ticks, blobs, st.lists(st.tuples(numbers, blobs), max_size=3))
    | st.just(wire.Bye()),
    wire.from_world: stages
    | snapshots
    | st.builds(wire.Hung, numbers)
    | st.builds(wire.Lost, numbers)
    | st.builds(wire.Ended, st.dictionaries(st.text(), finite | st.text(), max_size=3))
    | st.builds(wire.Failed, st.text(), st.booleans()),
    wire.from_user: st.builds(wire.Gone, numbers, st.text(), st.booleans()) | st.builds(wire.Stop, st.text()),
}
messages = st.sampled_from(DECODERS).flatmap(lambda decode: st.tuples(st.just(decode), MESSAGES[decode]))


@given(messages)
def test_every_message_comes_back_as_it_was(drawn: tuple[Any, Any]) -> None:
    decode, message = drawn
    assert decode(wire.encode(message)) == message


@given(messages)
def test_a_message_is_understood_only_where_it_belongs(drawn: tuple[Any, Any]) -> None:
    decode, message = drawn
    for other in DECODERS:
        if other is not decode:
            with pytest.raises(wire.WireError):
                other(wire.encode(message))


def decodes_or_refuses(data: bytes) -> None:
    """Every decoder gives a message that can be sent again, or raises WireError."""
    for decode in DECODERS:
        with suppress(wire.WireError):
            assert isinstance(wire.encode(decode(data)), bytes)


@given(st.binary(max_size=200))
@example(b"")
@example(b"\xc1")  # never used
@example(b"\x91" * 100_000 + b"\xc0")  # nested too deep
@example(b"\x81\xa1a" * 100_000 + b"\xc0")
@example(b"\x92\xa2s1" + b"\x91" * 50_000)
@example(b"\xdd\xff\xff\xff\xff")  # an array of 2^32 elements
@example(b"\x9c\xa2s1\xdf\xff\xff\xff\xff")
@example(b"\xc6\xff\xff\xff\xff")  # bytes
@example(b"\xdb\xff\xff\xff\xffa")  # text
@example(b"\x92\xa2q1\xa2\xff\xfe")  # no UTF-8
@example(b"\x92\xa2q1\xc7\x04\x7fabcd")  # an extension
@example(b"\x92\xa2q1\xd6\xff\x00\x00\x00\x00")  # a time stamp
@example(b"\x94\xa2a1\xcf" + b"\xff" * 8 + b"\xc4\x00\xc4\x00\xc0")
def test_arbitrary_bytes(data: bytes) -> None:
    decodes_or_refuses(data)


@given(messages, st.data())
def test_damaged_messages(drawn: tuple[Any, Any], data: st.DataObject) -> None:
    whole = wire.encode(drawn[1])
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    decodes_or_refuses(cut)
    with pytest.raises(wire.WireError):
        drawn[0](cut)
    with pytest.raises(wire.WireError):
        drawn[0](whole + b"\0")
    place, value = data.draw(st.integers(0, len(whole) - 1)), data.draw(st.integers(0, 255))
    decodes_or_refuses(whole[:place] + bytes([value]) + whole[place + 1 :])


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=5)
    | st.binary(max_size=5)
    | st.builds(msgspec.msgpack.Ext, st.integers(-128, 127), st.binary(max_size=5)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(messages, anything, st.data())
def test_messages_with_a_field_of_another_type(drawn: tuple[Any, Any], odd: Any, data: st.DataObject) -> None:
    fields = msgspec.msgpack.decode(wire.encode(drawn[1]))
    fields[data.draw(st.integers(0, len(fields) - 1))] = odd
    decodes_or_refuses(msgspec.msgpack.encode(fields))


GOOD = ["s3", 3, 7, 9, 1.5, [0.25, 0.75], 2.0, 6.5, 11, 513, 2, 1, 2, 0.5, 0.75, 4, [[5, 1, 900.0]]]
FIELDS = {name: place + 1 for place, name in enumerate(wire.Signal.__struct_fields__)}


def test_the_good_signal_is_good() -> None:
    data = msgspec.msgpack.encode(GOOD)
    outcome = wire.Outcome(5, 1, 900.0)
    assert wire.signal(data) == wire.Signal(
        3, 7, 9, 1.5, (0.25, 0.75), 2.0, 6.5, 11, 513, 2, 1, 2, 0.5, 0.75, 4, (outcome,)
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sender", -1),
        ("sender", 32768),
        ("sender", "3"),
        ("boot", -1),
        ("seq", 2**63),
        ("time", math.nan),
        ("time", math.inf),
        ("time", None),
        ("stimulation", [0.5]),
        ("stimulation", [0.5, 0.5, 0.5]),
        ("stimulation", [0.5] * 5),
        ("stimulation", [0.5, 0.5, 0.5, math.nan]),
        ("stimulation", [0.5, 1.0001]),
        ("stimulation", [-0.0001, 0.5]),
        ("stimulation", [math.nan, 0.5]),
        ("waiting", -0.001),
        ("waiting", math.nan),
        ("waiting", math.inf),
        ("waiting", 1e7),
        ("there", -0.001),
        ("there", math.nan),
        ("there", 1e7),
        ("site", -2),
        ("site", 2**31),
        ("site", 1.5),
        ("kind", 65536),
        ("action", -2),
        ("action", FOLLOW),
        ("mates", 65),
        ("mates", True),
        ("need", 0),
        ("need", 65),
        ("distance", -0.1),
        ("distance", math.nan),
        ("concentration", 1.1),
        ("concentration", math.nan),
        ("told", -1),
        ("told", 2**63),
        ("outcomes", [[5, 1, 0.0]] * 5),
        ("outcomes", [[5, 1, math.nan]]),
        ("outcomes", [[5, 1, -math.inf]]),
        ("outcomes", [[5, len(ACTIONS), 0.0]]),
        ("outcomes", [[2**BITS, 1, 0.0]]),
        ("outcomes", [[-5, 1, 0.0]]),
        ("outcomes", [[5, 1]]),
    ],
)
def test_signals_out_of_range(field: str, value: Any) -> None:
    bad = list(GOOD)
    bad[FIELDS[field]] = value
    with pytest.raises(wire.WireError):
        wire.signal(msgspec.msgpack.encode(bad))


def test_the_largest_signal_has_room() -> None:
    outcome = wire.Outcome(2**BITS - 1, len(ACTIONS) - 1, -1e12)
    largest = wire.Signal(
        32767,
        2**63 - 1,
        2**63 - 1,
        1e12,
        (1 / 3, 1 / 3),
        1e6 / 3,
        1e6 / 3,
        2**31 - 1,
        65535,
        FOLLOW - 1,
        64,
        64,
        1e6 / 3,
        1 / 3,
        2**63 - 1,
        (outcome,) * wire.OUTCOMES,
    )
    assert len(wire.encode(largest)) <= wire.MOST
    assert wire.signal(wire.encode(largest)) == largest


def test_a_signal_that_is_too_long_is_not_looked_at() -> None:
    data = msgspec.msgpack.encode([*GOOD, "x" * wire.MOST])
    with pytest.raises(wire.WireError, match=rf"^signal of {len(data)} bytes, at most 1024 are allowed$"):
        wire.signal(data)


@pytest.mark.parametrize("decode", DECODERS)
def test_other_versions_are_refused(decode: Callable[[bytes], Any]) -> None:
    with pytest.raises(wire.WireError, match="x9"):
        decode(msgspec.msgpack.encode(["x9", *GOOD[1:]]))


def test_the_bytes_of_a_message_are_the_documented_ones() -> None:
    """Other programs speak this language too."""
    assert wire.encode(wire.Hello(2, 77)) == b"\x93\xa2h1\x02\x4d"
    assert wire.encode(wire.Bye()) == b"\x91\xa2b1"
    assert wire.encode(wire.Act(1, b"c", b"r", None)) == b"\x99\xa2a1\x01\xc4\x01c\xc4\x01r\xc0\xc0\xc0\xc0\xc0"
    assert wire.encode(wire.Sense(1, b"p", [(4, b"s")])) == b"\x94\xa2n1\x01\xc4\x01p\x91\x92\x04\xc4\x01s"
    stimulation = b"\x92\xcb" + struct.pack(">d", 0.25) + b"\xcb" + struct.pack(">d", 0.75)
    whole = msgspec.msgpack.encode(GOOD)
    assert wire.encode(wire.signal(whole)) == whole
    assert stimulation in whole
