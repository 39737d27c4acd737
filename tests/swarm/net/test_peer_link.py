"""Peer links on real sockets in one process: who is heard, who is not, who is missed."""

import contextlib
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import zmq

from swarm.net import envelope, gate, keys
from swarm.net.guard import LOST, State
from swarm.net.keys import Keyring
from swarm.net.link import PeerLink, clock
from swarm.net.tcp import THIN_LINEAR_TIMEOUTS
from tests.conftest import wait
from tests.swarm.net.tests_net import all_hear, hears, talk

TOPICS = envelope.topics(0.2)
ANYWHERE = "tcp://127.0.0.1:*"

Meet = Callable[..., list[PeerLink]]


@pytest.fixture
def meet() -> Iterator[Meet]:
    """Links of robots that know each other, the first of number 0."""
    opened: list[PeerLink] = []

    def meet(rings: list[Keyring | None], **options: Any) -> list[PeerLink]:
        links = [PeerLink(n, TOPICS, ring, ANYWHERE, **options) for n, ring in enumerate(rings)]
        opened.extend(links)
        for link in links:
            for other in links:
                link.know(other.number, other.address)
        return links

    yield meet
    for link in opened:
        link.close()


def rings(count: int, swarm: str = "barn") -> list[Keyring]:
    return [*keys.generate(map(str, range(count)), swarm).values()]


@pytest.mark.parametrize("secure", [True, False])
def test_all_hear_all_others_and_nobody_itself(meet: Meet, secure: bool) -> None:
    links = meet([*rings(4)] if secure else [None] * 4)
    heard = talk(links, lambda: all_hear(links))
    assert {(receiver, sender) for receiver, sender, _ in heard} == {
        (a, b) for a in range(4) for b in range(4) if a != b
    }
    assert all(signal == b"I am %d" % sender for _, sender, signal in heard)
    for link in links:
        assert not link.counters.keys() - {"said", "received", "late", "again", "early"}


def test_who_says_nothing_is_there_all_the_same(meet: Meet) -> None:
    links = meet([*rings(2)])

    def both() -> bool:
        assert not [link.drain(clock()) for link in links if link.drain(clock())]
        return all_hear(links)

    wait(both, 20)
    assert links[0].table()[0].counters["received"] >= 1


def test_who_is_gone_is_lost_within_a_second_and_found_again(meet: Meet) -> None:
    some = rings(3)
    links = meet([*some])
    talk(links, lambda: all_hear(links))
    address = links[2].address
    links[2].close()
    gone = clock()
    talk(links[:2], lambda: links[0].guard.state(2, clock()) is links[1].guard.state(2, clock()) is State.LOST)
    assert clock() - gone < LOST + 0.3
    back = PeerLink(2, TOPICS, some[2], address, {n: link.address for n, link in enumerate(links[:2])})
    try:
        talk([*links[:2], back], lambda: all_hear([*links[:2], back]))
        assert not links[0].counters["replayed"]
    finally:
        back.close()


def test_a_robot_that_has_moved_is_found(meet: Meet) -> None:
    some = rings(2)
    links = meet([*some])
    talk(links, lambda: all_hear(links))
    links[1].close()
    moved = PeerLink(1, TOPICS, some[1], ANYWHERE, {0: links[0].address})
    try:
        links[0].know(1, moved.address)
        pair = [links[0], moved]
        talk(pair, lambda: all_hear(pair))
    finally:
        moved.close()


# Strangers


def shout(link: PeerLink, ring: Keyring | None, server: bytes | None, *messages: bytes) -> "zmq.Socket[bytes]":
    """A PUB socket at the ears of `link`, which says `messages` again and again as `talk` goes on."""
    socket = zmq.Context.instance().socket(zmq.PUB)
    socket.setsockopt(zmq.LINGER, 0)
    if ring is not None and server is not None:
        gate.approach(socket, ring, server)
    socket.connect(link.address)
    return socket


STRANGERS = {
    "no key": (None, None, {"stranger", "unfinished"}),  # the two differ by which end hangs up first
    "key of nobody": ("other", "right", {"stranger"}),
    "wrong key of the server": ("right", "other", {"stranger"}),
}


@pytest.mark.parametrize(("mine", "theirs", "why"), STRANGERS.values(), ids=STRANGERS)
def test_strangers_are_not_heard(meet: Meet, mine: str | None, theirs: str | None, why: set[str]) -> None:
    ours, others = rings(2), rings(2, "other")
    links = meet([*ours])
    choice = {"right": ours, "other": others}
    ring = None if mine is None else choice[mine][1]
    server = None if theirs is None else choice[theirs][0].public
    stranger = shout(links[0], ring, server)
    seq = count()

    def until() -> object:
        stranger.send(envelope.seal(1, links[0].swarm, 1, 99, next(seq), clock(), b"I am a stranger"))
        return why & links[0].counters.keys() and all_hear(links)

    heard = talk(links, until)
    stranger.close()
    assert b"I am a stranger" not in {signal for _, _, signal in heard}
    assert {sender for receiver, sender, _ in heard if receiver == 0} <= {1}


def test_a_member_speaks_for_itself_alone(meet: Meet) -> None:
    ours = rings(3)
    links = meet([*ours[:2]])
    liar = shout(links[0], ours[2], ours[0].public)
    seq = count()

    def until() -> bool:
        for sender in (0, 1):
            liar.send(envelope.seal(1, links[0].swarm, sender, 99, next(seq), clock(), b"I am a liar"))
        return links[0].counters["forged"] >= 4

    heard = talk(links, until)
    liar.close()
    assert b"I am a liar" not in {signal for _, _, signal in heard}


def test_a_watcher_does_not_speak(meet: Meet) -> None:
    some = keys.generate(["0", "1", "desk"], "barn")
    links = meet([some["0"], some["1"]])
    desk = shout(links[0], some["desk"], some["0"].public)
    seq = count()

    def until() -> bool:
        desk.send(envelope.seal(1, links[0].swarm, 1, 99, next(seq), clock(), b"I am a desk"))
        return links[0].counters["stranger"] >= 2

    assert b"I am a desk" not in {signal for _, _, signal in talk(links, until)}
    desk.close()


def test_who_is_revoked_is_cut_off_without_a_restart(meet: Meet, tmp_path: Path) -> None:
    keys.new(tmp_path, ["0", "1", "2"])
    links = meet([keys.load(tmp_path, str(n)) for n in range(3)])
    talk(links, lambda: all_hear(links))
    keys.revoke(tmp_path, "2")
    start = clock()
    talk(links, lambda: links[0].guard.state(2, clock()) is State.LOST)
    assert clock() - start < 3.5
    assert hears(links[0], 1)
    assert links[0].counters["stranger"] > 0
    assert 2 not in links[0].mouth.aims
    keys.new(tmp_path, ["2"])


def test_two_swarms_on_one_network_do_not_mix(meet: Meet) -> None:
    ours, theirs = meet([None, None], swarm="barn"), meet([None, None], swarm="stable")
    for link in (*ours, *theirs):
        link.know(1 - link.number, (ours if link in theirs else theirs)[1 - link.number].address)
    everyone = [*ours, *theirs]
    until = clock() + 1.5
    heard = talk(everyone, lambda: clock() > until)
    assert not heard


def test_an_address_that_was_given_up_is_tried_again(meet: Meet, monkeypatch: pytest.MonkeyPatch) -> None:
    """ZeroMQ never comes back to a port where something else answered once."""
    monkeypatch.setattr("swarm.net.mouth.QUIET", 0.7)
    some = rings(2)
    (zero,) = meet([some[0]])
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        zero.know(1, address)
        caller, _ = server.accept()
        caller.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" + bytes(100))
        time.sleep(0.2)
        caller.close()
    one = PeerLink(1, TOPICS, some[1], address, {0: zero.address})
    try:
        talk([zero, one], lambda: all_hear([zero, one]) and zero.mouth.reaches(1))
    finally:
        one.close()


# Settings of the kernel


@pytest.mark.skipif(sys.platform != "linux", reason="they are Linux's")
def test_both_ends_of_a_connection_are_set_for_links_that_lose_much(meet: Meet) -> None:
    links = meet([*rings(2)])
    talk(links, lambda: links[0].mouth.reaches(1) and links[1].mouth.reaches(0))
    ports = {int(link.address.rpartition(":")[2]) for link in links}
    found = []
    for handle in map(int, os.listdir("/proc/self/fd")):
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(handle)) as it:
            if it.type != socket.SOCK_STREAM:
                continue
            near, far = it.getsockname(), it.getpeername()  # raises where it only listens
            found += [it.getsockopt(socket.IPPROTO_TCP, THIN_LINEAR_TIMEOUTS)] * (ports & {near[1], far[1]} != set())
    assert found == [1] * 4, "two connections, two ends each"


# What cannot be


def test_an_address_that_is_taken(meet: Meet) -> None:
    (link,) = meet([None])
    with pytest.raises(OSError, match=rf"^{link.address}: Address already in use$"):
        PeerLink(1, TOPICS, None, link.address)


@pytest.mark.parametrize("address", ["", "nowhere", "tcp://", "tcp://127.0.0.1", "udp://127.0.0.1:1"])
def test_an_address_that_is_none(address: str) -> None:
    with pytest.raises(ValueError, match=f"^{address}: "):
        PeerLink(0, TOPICS, None, ANYWHERE, {1: address})


# Nobody is waited for


def test_a_listener_that_does_not_listen_delays_nobody(meet: Meet) -> None:
    links = meet([*rings(3)])
    talk(links, lambda: all_hear(links))
    longest = 0.0
    for _ in range(300):  # 300 kB, and robot 2 takes nothing
        start = time.perf_counter()
        links[0].say(bytes(1024))
        longest = max(longest, time.perf_counter() - start)
        links[1].drain(clock())
    assert longest < 0.05


def test_with_too_many_to_talk_to_it_is_those_who_are_near(meet: Meet) -> None:
    (link,) = meet([None], near=3)
    for number in range(1, 6):
        link.know(number, f"tcp://127.0.0.1:{20000 + number}")
    assert not link.mouth.aims
    link.meet([4, 2])
    assert set(link.mouth.aims) == {2, 4}
    link.meet([5, 1])
    assert set(link.mouth.aims) == {2, 5, 1}
