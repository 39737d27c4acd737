"""The Aseba codec: messages survive the way, however they are cut, and garbage is told from them."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robots.thymio import aseba

words = st.integers(0, 0xFFFF)
values = st.lists(st.integers(-(2**15), 2**15 - 1), max_size=60)
names = st.text(max_size=40).filter(lambda text: len(text.encode()) < 256)


def string(text: str) -> bytes:
    return bytes([len(text.encode())]) + text.encode()


def packet(source: int, kind: int, payload: bytes) -> bytes:
    return struct.pack("<HHH", len(payload), source, kind) + payload


#: messages as nodes send them, with what they mean
spoken = st.one_of(
    st.builds(lambda n: (packet(n, 0x900C, b"\x05\x00"), aseba.Present(n)), words),
    st.builds(lambda n: (packet(n, 0x9004, b""), aseba.Gone(n)), words),
    st.builds(
        lambda n, at, v: (packet(n, 0x9005, struct.pack(f"<H{len(v)}h", at, *v)), aseba.Values(n, at, tuple(v))),
        words,
        words,
        values,
    ),
    st.builds(
        lambda n, name, c: (
            packet(n, 0x9000, string(name) + struct.pack("<7H", *c)),
            aseba.Described(n, name, *c[4:]),
        ),
        words,
        names,
        st.lists(words, min_size=7, max_size=7),
    ),
    st.builds(
        lambda n, name, size: (
            packet(n, 0x9001, struct.pack("<H", size) + string(name)),
            aseba.Named(n, 0x9001, name, size),
        ),
        words,
        names,
        words,
    ),
    st.builds(
        lambda n, name, about: (packet(n, 0x9002, string(name) + string(about)), aseba.Named(n, 0x9002, name, 0)),
        words,
        names,
        names,
    ),
    st.builds(lambda n: (packet(n, 0x9007, b"\x01\x00"), aseba.Troubled(n, "division by zero")), words),
    st.builds(
        lambda n, kind, p: (packet(n, kind, p), aseba.Other(n, kind, p)), words, st.integers(0, 0x7FFF), st.binary()
    ),
)


@given(st.lists(spoken, max_size=8), st.lists(st.integers(0, 400), max_size=12))
def test_messages_survive_any_cut(stream: list[tuple[bytes, aseba.Message]], cuts: list[int]) -> None:
    data = b"".join(part for part, _ in stream)
    parser, got, at = aseba.Parser(), [], 0
    for cut in [*sorted(cuts), len(data)]:
        got += parser.feed(data[at:cut])
        at = max(at, cut)
    assert got == [message for _, message in stream]


@given(st.binary(max_size=400))
def test_any_bytes_are_messages_or_an_error(data: bytes) -> None:
    parser = aseba.Parser()
    try:
        parser.feed(data)
    except aseba.AsebaError:
        assert parser.feed(packet(3, 0x900C, b"\x05\x00")) == [aseba.Present(3)]  # begins anew


@pytest.mark.parametrize(
    "data",
    [
        struct.pack("<HHH", 60_000, 1, 0x9005),  # longer than any message
        packet(1, 0xFFFF, b""),  # no such type
        packet(1, 0x9005, b"\x00"),  # half a word
        packet(1, 0x9000, b"\x40short"),  # a string that ends behind the message
        packet(1, 0x9001, b"\x01\x00\x02\xff\xfe"),  # a name that is no text
    ],
)
def test_garbage(data: bytes) -> None:
    with pytest.raises(aseba.AsebaError):
        aseba.Parser().feed(data)


def test_requests_are_those_of_protocol_5() -> None:
    assert aseba.list_nodes() == bytes.fromhex("0200 0000 11a0 0500")
    assert aseba.get_description(7) == bytes.fromhex("0400 0000 10a0 0700 0500")
    assert aseba.get_variables(7, 42, 9) == bytes.fromhex("0600 0000 0ba0 0700 2a00 0900")
    assert aseba.set_variables(7, 57, [200, -200]) == bytes.fromhex("0800 0000 0ca0 0700 3900 c800 38ff")
    assert aseba.run(7) == bytes.fromhex("0200 0000 03a0 0700")
