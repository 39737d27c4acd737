"""Peer files and beacons."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from swarm.net import discovery, envelope, keys
from swarm.net.discovery import Beacon, Beacons, PeerFileError, Seen, sign, verify
from swarm.net.link import PeerLink, clock
from tests.swarm.net.tests_net import all_hear, talk

RINGS = keys.generate(["0", "1", "2"], "barn")
SECRET = RINGS["0"].beacon
BEACON = Beacon(1, 7, 3, "10.0.0.1", 5670)

beacons = st.builds(
    Beacon,
    st.integers(0, 32767),
    st.integers(0, 2**64 - 1),
    st.integers(0, 2**64 - 1),
    st.ip_addresses(v=4).map(str),
    st.integers(1, 65535),
)


# Peer files


def test_a_peer_file(tmp_path: Path) -> None:
    path = tmp_path / "peers.toml"
    path.write_text('swarm = "barn"\n[peers]\n0 = "192.168.1.20:5670"\n12 = "robot-12.local:80"\n')
    assert discovery.read(path) == ("barn", {0: "tcp://192.168.1.20:5670", 12: "tcp://robot-12.local:80"})


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[peers", "not valid TOML"),
        ("peer = 1", "peer: unknown key; there are swarm and peers"),
        ("swarm = 3", "swarm must be text"),
        ("peers = 3", r"\[peers\] a table"),
        ('[peers]\n01 = "a:1"', r"peers\.01: must be the number of a robot, 0 to 32767"),
        ('[peers]\n32768 = "a:1"', r"peers\.32768: must be the number"),
        ("[peers]\n1 = 5670", r"peers\.1 = 5670: must be HOST:PORT"),
        ('[peers]\n1 = "a"', r"peers\.1 = 'a': must be HOST:PORT"),
        ('[peers]\n1 = "a:0"', r"peers\.1 = 'a:0': must be HOST:PORT"),
        ('[peers]\n1 = "a:70000"', r"must be HOST:PORT"),
        ('[peers]\n1 = "a:1"\n2 = "a:1"', r"peers\.2 = 'a:1': is another robot's address too"),
    ],
)
def test_a_peer_file_that_cannot_be_used(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "peers.toml"
    path.write_text(text)
    with pytest.raises(PeerFileError, match=f"^{path}: .*{why}"):
        discovery.read(path)
    with pytest.raises(PeerFileError, match="none: cannot be read: No such file"):
        discovery.read(tmp_path / "none")


# Beacons, as bytes


@given(beacons, st.text(max_size=30), st.binary(min_size=1, max_size=64))
def test_every_beacon_comes_back_as_it_was(beacon: Beacon, swarm: str, secret: bytes) -> None:
    assert verify(sign(beacon, swarm, secret), swarm, secret) == beacon
    assert verify(sign(beacon, swarm, secret), swarm, secret + b"x") == "forged"
    assert verify(sign(beacon, swarm, secret), swarm + "x", secret) == "foreign"


@given(st.integers(0, 80), st.integers(1, 255))
def test_a_beacon_with_a_changed_byte_says_nothing(place: int, change: int) -> None:
    data = bytearray(sign(BEACON, "barn", SECRET))
    data[place % len(data)] ^= change
    assert verify(bytes(data), "barn", SECRET) in ("bad", "foreign", "forged")


@given(st.binary(max_size=120))
@example(b"jb1")
@example(b"jb1\xff")
@example(b"jb1\x00" + bytes(56))
def test_whatever_comes_is_no_beacon(data: bytes) -> None:
    assert verify(data, "barn", SECRET) in ("bad", "foreign", "forged")


@pytest.fixture
def robot() -> Iterator[Beacons]:
    """Robot 0, who listens somewhere."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    it = Beacons(0, 1, RINGS["0"], 5670, ("127.255.255.255", port))
    yield it
    it.close()


def test_beacons_that_suggest_nothing(robot: Beacons) -> None:
    def heard(beacon: Beacon) -> Beacon | None:
        return robot.judge(sign(beacon, "barn", SECRET))

    assert heard(BEACON) == BEACON
    assert heard(BEACON) is None
    assert heard(BEACON._replace(boot=8, seq=0)) is not None
    assert heard(BEACON._replace(seq=9)) is not None, "a recording of another boot does not put out what is said now"
    assert heard(BEACON._replace(boot=8, seq=1)) is not None
    assert heard(BEACON._replace(seq=8)) is None
    assert heard(BEACON._replace(robot=0)) is None
    assert heard(BEACON._replace(robot=5)) is None
    assert robot.judge(sign(BEACON, "stable", SECRET)) is None
    assert robot.judge(b"") is None
    assert robot.counters == {"received": 4, "replayed": 2, "stranger": 1, "foreign": 1, "bad": 1}


def test_what_is_remembered_of_beacons_is_bounded() -> None:
    seen = Seen()
    for boot in range(10_000):
        assert seen.is_new(1, boot, 0)
    assert not seen.is_new(1, 9_999, 0)
    assert len(seen._highest) < 5_000


# Beacons, on a network


def test_robots_that_know_nothing_of_each_other_find_each_other(robot: Beacons) -> None:
    links = []
    robot.close()
    try:
        for number in range(3):
            ring = RINGS[str(number)]
            link = PeerLink(number, envelope.topics(0.2), ring, "tcp://127.0.0.1:*")
            links.append(link)
            port = int(link.address.rsplit(":", 1)[1])
            link.suggestions = Beacons(number, link.boot, ring, port, robot.to)
        talk(links, lambda: all_hear(links))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as flood:
            flood.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            for _ in range(200):
                flood.sendto(os.urandom(60), robot.to)
        start = clock()
        links[0].drain(clock())
        assert clock() - start < 0.5
    finally:
        for link in links:
            link.close()
