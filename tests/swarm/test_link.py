"""The host's end of the host link, with robots and strangers on real sockets."""

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import zmq
from hypothesis import given, settings
from hypothesis import strategies as st

from robots.percept import blank
from swarm import wire
from swarm.link import HostLink
from swarm.mission import Mission
from swarm.peers import STALE
from swarm.report import REPORT
from swarm.robot import Brain, _latest
from tests.conftest import wait

Peer = Callable[[bytes], "zmq.Socket[bytes]"]
ACT = wire.Act(4, b"command", b"report", b"signal")


@pytest.fixture
def context() -> Iterator["zmq.Context[zmq.Socket[bytes]]"]:
    with zmq.Context() as context:
        yield context
        context.destroy(linger=0)


@pytest.fixture
def address() -> str:
    return f"ipc://@jerne-test-{uuid.uuid4().hex}"


@pytest.fixture
def link(context: "zmq.Context[zmq.Socket[bytes]]", address: str) -> HostLink:
    """For robots 0, 1 and 2."""
    return HostLink(context, address, 3)


@pytest.fixture
def peer(context: "zmq.Context[zmq.Socket[bytes]]", address: str) -> Peer:
    """Connects a socket of the given name."""

    def connect(name: bytes) -> "zmq.Socket[bytes]":
        socket = context.socket(zmq.DEALER)
        if name:
            socket.setsockopt(zmq.IDENTITY, name)
        socket.connect(address)
        return socket

    return connect


def taken(link: HostLink, count: int) -> list[tuple[int, wire.Act]]:
    """What the link makes of the next messages, of which `count` are no hello."""
    acts: list[tuple[int, wire.Act]] = []
    before = link.bad

    def has_come() -> bool:
        acts.extend(link.take())
        return len(acts) + link.bad - before >= count

    wait(has_come, 5)
    return acts


def test_robots_say_hello_are_told_and_answer(link: HostLink, peer: Peer) -> None:
    robots = {number: peer(b"%d" % number) for number in (2, 0)}
    for number, socket in robots.items():
        socket.send(wire.encode(wire.Hello(number, 1)))
    wait(lambda: link.take() or link.there == {0, 2}, 5)
    link.tell(4, [b"zero", b"one", b"two"], [[], [], [(0, b"hey")]])
    assert wire.from_host(robots[0].recv()) == wire.Sense(4, b"zero", [])
    assert wire.from_host(robots[2].recv()) == wire.Sense(4, b"two", [(0, b"hey")])
    robots[2].send(wire.encode(ACT))
    assert taken(link, 1) == [(2, ACT)]
    link.goodbye()
    assert [wire.from_host(socket.recv()) for socket in robots.values()] == [wire.Bye()] * 2
    assert link.bad == 0


def test_a_restarted_robot_takes_its_place(link: HostLink, peer: Peer) -> None:
    first = peer(b"1")
    first.send(wire.encode(wire.Hello(1, 1)))
    wait(lambda: link.take() or link.there == {1}, 5)
    second = peer(b"1")
    second.send(wire.encode(wire.Hello(1, 2)))
    second.send(wire.encode(ACT))
    assert taken(link, 1) == [(1, ACT)]
    link.tell(5, [b"", b"one"], [[], []])
    assert wire.from_host(second.recv()) == wire.Sense(5, b"one", [])


@pytest.mark.parametrize(
    "name", [b"", b"stranger", b"3", b"-1", b"99999", b" 1", b"01", b"1_0", b"1.0", b"\xff\xfe", b"9" * 250]
)
def test_nobody_else_is_listened_to(link: HostLink, peer: Peer, name: bytes) -> None:
    stranger = peer(name)
    number = int(name) if name.isdigit() and len(name) < 5 else 1
    for message in (wire.Hello(number, 1), ACT):
        stranger.send(wire.encode(message))
    assert taken(link, 2) == []
    assert link.bad == 2
    assert link.there == set()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        b"\x91" * 100_000,
        wire.encode(wire.Bye()),
        wire.encode(wire.Stop("now")),
        wire.encode(wire.Hello(2, 1)),  # another robot's
        wire.encode(ACT)[:-1],
        b"\x95\xa2a1\xcf" + b"\xff" * 8 + b"\xc4\x00\xc4\x00\xc0",  # tick 2^64 - 1
    ],
)
def test_what_is_no_message_of_a_robot_is_counted(link: HostLink, peer: Peer, data: bytes) -> None:
    robot = peer(b"1")
    robot.send(wire.encode(wire.Hello(1, 1)))
    robot.send(data)
    robot.send(wire.encode(ACT))
    assert taken(link, 2) == [(1, ACT)]
    assert link.bad == 1
    assert link.there == {1}


def test_an_answer_before_hello_is_dropped(link: HostLink, peer: Peer) -> None:
    peer(b"1").send(wire.encode(ACT))
    assert taken(link, 1) == []
    assert link.bad == 1


def test_a_message_in_parts_is_one(link: HostLink, peer: Peer) -> None:
    peer(b"1").send_multipart([wire.encode(wire.Hello(1, 1)), b"and more"])
    assert taken(link, 1) == []
    assert link.there == set()


def test_a_message_of_a_megabyte_costs_the_stranger_the_connection(link: HostLink, peer: Peer) -> None:
    peer(b"2").send(bytes((1 << 20) + 1))
    robot = peer(b"1")
    robot.send(wire.encode(wire.Hello(1, 1)))
    robot.send(wire.encode(ACT))
    assert taken(link, 1) == [(1, ACT)]
    assert link.bad == 0


def test_an_address_that_is_taken(link: HostLink, context: "zmq.Context[zmq.Socket[bytes]]", address: str) -> None:
    with pytest.raises(OSError, match=rf"^{address}: Address already in use$"):
        HostLink(context, address, 1)


def test_an_address_that_cannot_be(context: "zmq.Context[zmq.Socket[bytes]]", tmp_path: Path) -> None:
    address = f"ipc://{tmp_path}/none/socket"
    with pytest.raises(OSError, match=rf"^{address}: No such file or directory$"):
        HostLink(context, address, 1)


# The robot's end, without a socket


@pytest.fixture(scope="module")
def brain() -> Brain:
    from sim.spec import Phase

    return Brain(Mission(version=1, name="m", phases=(Phase(10, 0, {}),)), 0, 1)


def heard_of(brain: Brain, tick: int, *heard: tuple[int, bytes]) -> np.void:
    """The report of a robot that hears `heard`."""
    percept = blank(brain.dtype, 1).tobytes()
    act = brain.tick(wire.Sense(tick, percept, list(heard)))
    return np.frombuffer(act.report, REPORT)[0]


def call(sender: int) -> bytes:
    return wire.encode(wire.Signal(sender, 1, 1, 0.0, (0.5, 0.5), 3.0, 3.0, 4, 1, 2, 1, 2, 0.0, 0.5))


def test_garbage_in_the_air_is_counted(brain: Brain) -> None:
    bad = brain.bad
    good = call(5)
    report = heard_of(brain, 1, (5, good), (6, good), (7, b""), (8, good[:-1]), (9, bytes(2000)))
    assert report["bad"] == bad + 4
    assert report["heard"] == 5
    assert report["age"] == 0
    assert sorted(brain.heard["id"][brain.heard["id"] >= 0]) == [5]
    assert heard_of(brain, 3, (6, b"\xc1"))["age"] == pytest.approx(0.2)
    assert heard_of(brain, 4 + round(STALE / 0.1))["bad"] == bad + 5
    assert (brain.heard["id"] == -1).all()


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 32767), st.binary(max_size=80))
        | st.tuples(
            st.just(3),
            st.builds(
                lambda b, i: call(3)[:i] + b + call(3)[i + 1 :], st.binary(min_size=1, max_size=1), st.integers(0, 60)
            ),
        ),
        max_size=5,
    )
)
def test_whatever_is_heard_a_robot_goes_on(brain: Brain, heard: list[tuple[int, bytes]]) -> None:
    report = heard_of(brain, 7, *heard)
    assert report["heard"] == len(heard)
    assert np.isfinite(report["concentration"][:2]).all()


def test_a_percept_of_another_layout_is_refused(brain: Brain) -> None:
    size = brain.dtype.itemsize
    with pytest.raises(wire.WireError, match=rf"^percept of {size + 1} bytes, {size} are needed$"):
        brain.tick(wire.Sense(0, bytes(size + 1), []))


def test_a_robot_that_was_held_up_goes_on_with_what_it_senses_now(
    context: "zmq.Context[zmq.Socket[bytes]]", address: str
) -> None:
    here, there = context.socket(zmq.PAIR), context.socket(zmq.PAIR)
    here.bind(f"inproc://{address}")
    there.connect(f"inproc://{address}")
    for data in (b"then", b"later", b"now"):
        there.send(data)
    run, end = os.pipe()  # becomes readable when the run's first process is gone
    assert _latest(here, run) == b"now"
    assert not here.poll(0)
    here.setsockopt(zmq.RCVTIMEO, 1)
    os.close(end)
    assert _latest(here, run) is None
    os.close(run)
