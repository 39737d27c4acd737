"""Datagrams between robots, on real sockets: what is heard of them, and by whom they may come."""

import socket
import time
from collections.abc import Iterator

import pytest
import zmq

from swarm.net import cast, envelope, gate, keys
from swarm.net.cast import Cast, End
from swarm.net.keys import Keyring
from swarm.net.link import PeerLink, clock
from tests.conftest import wait
from tests.swarm.net.tests_net import all_hear, hears, talk

TOPICS = envelope.topics(0.2)
ANYWHERE = "tcp://127.0.0.1:*"


@pytest.fixture
def rings() -> dict[str, Keyring]:
    return keys.generate(["0", "1", "2", "desk"], "barn")


@pytest.fixture
def ears(rings: dict[str, Keyring]) -> Iterator[PeerLink]:
    """Robot 0, whom no connection reaches any more: it has heard the first word of robot 1 before."""
    link = PeerLink(0, TOPICS, rings["0"], ANYWHERE)
    connected(link, rings["1"], letter(1, 0))
    yield link
    link.close()


def end(link: PeerLink) -> End:
    return "127.0.0.1", int(link.address.rpartition(":")[2])


def letter(number: int, seq: int, swarm: str = "barn", boot: int = 7) -> bytes:
    return envelope.seal(1, envelope.hash_of(swarm), number, boot, seq, time.monotonic(), b"word %d" % seq)


def connected(link: PeerLink, ring: Keyring, data: bytes) -> None:
    """Say something over a connection that lasts until it was heard."""
    with zmq.Context() as context, context.socket(zmq.PUB) as mouth:
        mouth.setsockopt(zmq.LINGER, 0)
        gate.approach(mouth, ring, link.ring.public if link.ring is not None else b"")
        mouth.connect(link.address)
        wait(lambda: mouth.send(data) or link.drain(clock()), 10)


def heard(link: PeerLink, reason: str = "") -> list[tuple[int, bytes]]:
    """What comes, until something has come, or one more has been counted."""
    found: list[tuple[int, bytes]] = []
    before = link.counters[reason]

    def come() -> bool:
        found.extend(link.drain(clock()))
        return bool(found) or link.counters[reason] > before

    wait(come, 5)
    return found


def boxed(ring: Keyring, number: int, data: bytes, to: End, target: int = 0) -> None:
    """Send as robot `number` with somebody's keys."""
    mouth = Cast("tcp://127.0.0.1:0", number, ring)
    mouth.say(data, [(target, to)])
    mouth.close()


def test_a_robot_is_heard_without_any_connection(ears: PeerLink, rings: dict[str, Keyring]) -> None:
    boxed(rings["1"], 1, letter(1, 1), end(ears))
    assert heard(ears) == [(1, b"word 1")]


def test_signals_go_twice_and_by_connection_while_it_repeats_and_are_heard_once(rings: dict[str, Keyring]) -> None:
    links = [PeerLink(n, TOPICS, rings[str(n)], ANYWHERE) for n in range(2)]
    mouth = links[1].mouth
    try:
        for link in links:
            link.know(1 - link.number, links[1 - link.number].address)
        assert [number for number, _ in mouth.unsure()] == [0]  # not up yet
        talk(links, lambda: all(link.mouth.reaches(1 - link.number) for link in links))
        talk(links, lambda: links[0].counters["received"] > 8)
        assert mouth.unsure() == []
        (address,) = mouth._lines
        lossy = mouth._lines[address]._replace(repeated=10**6)  # the kernel counts another number from now on
        before = links[0].counters["again"]
        talk(links, lambda: links[0].counters["received"] > 16)
        assert links[0].counters["again"] <= before + 1  # what was on its way
        mouth._lines[address] = lossy
        assert mouth.unsure() == [(0, end(links[0]))]
        spoken = talk(links, lambda: links[0].counters["received"] > 24)
        assert len([word for receiver, _, word in spoken if receiver == 0]) in (8, 9)
        assert links[0].counters["again"] >= before + 7
        assert set(links[0].counters) <= {"said", "received", "again", "late", "early"}
    finally:
        for link in links:
            link.close()


@pytest.mark.parametrize(
    ("owner", "number"),
    [("1", 2), ("2", 1), ("desk", 1), ("0", 1)],
    ids=["a member says another's number", "so does the other", "no robot", "the robot's own keys"],
)
def test_a_number_that_is_not_the_keys_own_is_a_stranger(
    ears: PeerLink, rings: dict[str, Keyring], owner: str, number: int
) -> None:
    boxed(rings[owner], number, letter(number, 0), end(ears))
    assert not heard(ears, "stranger")
    assert ears.counters["stranger"] == 1


def test_a_forged_envelope_in_an_honest_box_is_refused(ears: PeerLink, rings: dict[str, Keyring]) -> None:
    boxed(rings["1"], 1, letter(2, 0), end(ears))
    assert not heard(ears, "forged")
    boxed(rings["1"], 1, letter(1, 0, "stable"), end(ears))
    assert not heard(ears, "foreign")


def test_keys_of_another_swarm_bare_envelopes_and_noise_are_strangers(ears: PeerLink) -> None:
    boxed(keys.generate(["0", "1"], "barn")["1"], 1, letter(1, 0), end(ears))
    assert not heard(ears, "stranger")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as it:
        for data in (
            letter(1, 0),
            b"",
            cast.MAGIC,
            cast.MAGIC + b"\0\1" + bytes(24),
            cast.MAGIC + b"\0\1" + bytes(1500),
        ):
            it.sendto(data, end(ears))
            assert not heard(ears, "stranger")
    assert ears.counters["stranger"] == 6


def test_a_datagram_that_is_recorded_and_played_again_is_heard_once(ears: PeerLink, rings: dict[str, Keyring]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as it:
        it.bind(("127.0.0.1", 0))
        it.settimeout(2)
        boxed(rings["1"], 1, letter(1, 1), it.getsockname())
        recorded = it.recv(4096)
        it.sendto(recorded, end(ears))
        assert heard(ears) == [(1, b"word 1")]
        it.sendto(recorded, end(ears))
        assert not heard(ears, "again")
        spoilt = bytearray(recorded)
        spoilt[-1] ^= 1
        it.sendto(spoilt, end(ears))
        assert not heard(ears, "stranger")


def test_what_was_recorded_before_the_receiver_started_again_is_never_heard(rings: dict[str, Keyring]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as it:
        it.bind(("127.0.0.1", 0))
        it.settimeout(2)
        recorded = []
        for boot, seq in [(111, n) for n in range(20)] + [(222, n) for n in range(20)]:
            boxed(rings["1"], 1, letter(1, seq, boot=boot), it.getsockname())
            recorded.append(it.recv(4096))
        link = PeerLink(0, TOPICS, rings["0"], ANYWHERE)  # knows nothing of earlier boots
        other = PeerLink(1, TOPICS, rings["1"], ANYWHERE, {0: link.address}, boot=333)
        try:

            def play() -> None:
                for datagram in recorded:
                    it.sendto(datagram, end(link))

            play()
            assert not heard(link, "early")
            talk([link, other], lambda: hears(link, 1))
            play()
            words = talk([link, other], lambda: link.counters["early"] >= 79 and link.counters["received"] > 9)
            assert {word for receiver, _, word in words if receiver == 0} == {b"I am 1"}
            assert link.guard.peers[1].boot == 333
            assert not link.counters["replayed"]
            lines = other.mouth._lines
            for address, line in lines.items():
                lines[address] = line._replace(lossy=clock() + 1e6)
            before = link.counters["again"]
            talk([link, other], lambda: link.counters["again"] > before + 3)  # its own datagrams are taken
        finally:
            link.close()
            other.close()


def test_what_a_robot_said_and_is_sent_back_to_it_is_refused(ears: PeerLink, rings: dict[str, Keyring]) -> None:
    """The two ends of a pair share one key: only the envelope tells who of them spoke."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as it:
        it.bind(("127.0.0.1", 0))
        it.settimeout(2)
        boxed(rings["0"], 0, letter(0, 0), it.getsockname(), target=1)
        recorded = bytearray(it.recv(4096))
        recorded[len(cast.MAGIC) : len(cast.MAGIC) + 2] = (1).to_bytes(2, "big")
        it.sendto(recorded, end(ears))
        assert not heard(ears, "forged")


def test_who_is_no_member_any_more_is_a_stranger(ears: PeerLink, rings: dict[str, Keyring]) -> None:
    boxed(rings["1"], 1, letter(1, 1), end(ears))
    assert heard(ears)
    assert ears._cast is not None
    left = {public: name for public, name in rings["0"].allowed.items() if name != "1"}
    ears._cast.renew(Keyring("0", rings["0"].public, rings["0"].secret, left))
    boxed(rings["1"], 1, letter(1, 2), end(ears))
    assert not heard(ears, "stranger")


def test_a_flood_of_datagrams_is_heard_at_the_topics_rate(ears: PeerLink, rings: dict[str, Keyring]) -> None:
    mouth = Cast("tcp://127.0.0.1:0", 1, rings["1"])
    for seq in range(1, 101):
        mouth.say(letter(1, seq), [(0, end(ears))])
    mouth.close()
    wait(lambda: ears.counters["flood"] > 50 or ears.drain(clock()) is None, 5)
    assert 1 <= ears.counters["received"] <= 8


def test_where_the_port_is_taken_connections_do(rings: dict[str, Keyring]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as it:
        it.bind(("127.0.0.1", 0))
        links = [
            PeerLink(0, TOPICS, rings["0"], f"tcp://127.0.0.1:{it.getsockname()[1]}"),
            PeerLink(1, TOPICS, rings["1"], ANYWHERE),
        ]
        try:
            for link in links:
                link.know(1 - link.number, links[1 - link.number].address)
            talk(links, lambda: all_hear(links))
            assert links[0].counters["again"] == links[1].counters["again"] == 0
        finally:
            for link in links:
                link.close()
