"""The controller's interface: answers survive the way, however they are cut, and garbage is told from them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robots.dotbot import api


@given(st.lists(st.tuples(st.integers(100, 599), st.binary(max_size=200)), max_size=6), st.integers(1, 50))
def test_answers_however_they_are_cut(said: list[tuple[int, bytes]], chunk: int) -> None:
    stream = b"".join(
        f"HTTP/1.1 {status} Some Words\r\ndate: now\r\nContent-Length: {len(body)}\r\nserver: x\r\n\r\n".encode() + body
        for status, body in said
    )
    parser, got = api.Parser(), list[api.Answer]()
    for i in range(0, len(stream), chunk):
        got += parser.feed(stream[i : i + chunk])
    assert [(answer.status, answer.body) for answer in got] == said


@pytest.mark.parametrize(
    "data",
    [
        b"\xff" * 40,
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 999999999\r\n\r\n",
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 " + b"x" * 70_000,
    ],
)
def test_what_is_no_answer(data: bytes) -> None:
    with pytest.raises(api.ApiError):
        api.Parser().feed(data)


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"{}", b"[1]", b"[" * 5000, b'[{"address": 7}]', b"\xff\xfe"]
    + [
        b'[{"address":"A","status":0,"last_seen":%s,"pose":{"x":%s,"y":0,"heading_deg":0}}]' % pair
        for pair in [(b"1e400", b"0"), (b"0", b"1e30"), (b"NaN", b"0"), (b'"now"', b"0")]
    ],
)
def test_what_is_no_list_of_robots(body: bytes) -> None:
    with pytest.raises(api.ApiError):
        api.robots(body)


@given(st.binary(max_size=300))
def test_any_bytes_are_an_answer_or_an_error(data: bytes) -> None:
    try:
        for answer in api.Parser().feed(data):
            api.robots(answer.body)
    except api.ApiError:
        pass


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ((2500, 2500, 0), (0.0, 0.0, -math.pi / 2)),  # 0 looks along +y, which is down
        ((3000, 2500, 180), (0.5, 0.0, math.pi / 2)),
        ((2500, 2000, 90), (0.0, 0.5, math.pi)),  # the nose at (-sin, cos) = -x
        ((2500, 3500, -90), (0.0, -1.0, 0.0)),
    ],
)
def test_poses_in_our_frame(place: tuple[float, float, float], expected: tuple[float, float, float]) -> None:
    x, y, heading = api.pose(api.Pose(*map(float, place)), (2.5, 2.5))
    assert (x, y) == pytest.approx(expected[:2])
    assert math.remainder(heading - expected[2], 2 * math.pi) == pytest.approx(0.0, abs=1e-9)
