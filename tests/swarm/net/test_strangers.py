"""Those who should not be heard, on real sockets: revoked, played back, too loud, without end."""

import contextlib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zmq

from swarm.net import envelope, gate, keys, meter
from swarm.net.guard import MARGIN
from swarm.net.keys import Keyring
from swarm.net.link import PeerLink, clock
from tests.conftest import wait
from tests.swarm.net.relay import Relay
from tests.swarm.net.tests_net import all_hear, hears, talk

TOPICS = envelope.topics(0.2)
ANYWHERE = "tcp://127.0.0.1:*"
MEMBERS = ["0", "1", "2"]

#: a member that says whatever it likes: ADDRESS SECONDS, keys on its input
MEMBER = """
import sys, time, zmq
address, seconds = sys.argv[1], float(sys.argv[2])
public, secret, server, data = (bytes.fromhex(line) for line in sys.stdin.read().split())
context = zmq.Context()
socket = context.socket(zmq.PUB)
socket.setsockopt(zmq.LINGER, 0)
socket.setsockopt(zmq.SNDHWM, 100_000)
socket.curve_publickey, socket.curve_secretkey, socket.curve_serverkey = public, secret, server
socket.connect(address)
time.sleep(1.0)
start, sent = time.monotonic(), 0
while (now := time.monotonic() - start) < seconds:
    while sent < 10_000 * now:
        socket.send(data[:15] + sent.to_bytes(8, "big") + data[23:])
        sent += 1
    time.sleep(0.001)
print(sent)
"""


@pytest.fixture
def pair() -> Iterator[tuple[list[PeerLink], dict[str, Keyring]]]:
    """Robots 0 and 1, which hear each other; robot 2 is a member, too."""
    rings = keys.generate(MEMBERS, "barn")
    links = [PeerLink(n, TOPICS, rings[str(n)], ANYWHERE) for n in range(2)]
    for link in links:
        for other in links:
            link.know(other.number, other.address)
    yield links, rings
    for link in links:
        link.close()


def loud(link: PeerLink, ring: Keyring, seconds: float) -> "subprocess.Popen[str]":
    """Robot 2 at the ears of `link`, in a process of its own."""
    assert link.ring is not None
    process = subprocess.Popen(
        [sys.executable, "-c", MEMBER, link.address, str(seconds)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    data = envelope.seal(1, link.swarm, 2, 99, 0, 1.0, bytes(167))
    assert process.stdin is not None
    process.stdin.write("\n".join(part.hex() for part in (ring.public, ring.secret, link.ring.public, data)))
    process.stdin.close()
    return process


def resident() -> float:
    """MB of this process's memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20


def until_it_ends(process: "subprocess.Popen[str]", after: float = 0.5) -> Callable[[], bool]:
    ended: list[float] = []

    def is_over() -> bool:
        if process.poll() is not None and not ended:
            ended.append(clock())
        return bool(ended) and clock() - ended[0] > after

    return is_over


def test_of_a_flood_no_more_than_the_rate_is_heard(pair: tuple[list[PeerLink], dict[str, Keyring]]) -> None:
    links, rings = pair
    talk(links, lambda: all_hear(links))
    before, seconds = resident(), 2.0
    process = loud(links[0], rings["2"], seconds)
    heard = talk(links, until_it_ends(process))
    assert process.stdout is not None
    assert int(process.stdout.read()) >= 10_000 * seconds * 0.9
    rate = MARGIN * TOPICS[1].rate
    loudest = [signal for receiver, sender, signal in heard if (receiver, sender) == (0, 2)]
    assert 5 <= len(loudest) <= rate * (seconds + 2) + max(2, rate)
    assert links[0].counters["flood"] > 500
    assert hears(links[0], 1)
    assert resident() - before < 20


def endless(address: str, seconds: float) -> int:
    """A message that never ends, as fast as it is taken; ZMTP by hand, as no library sends that. Bytes sent."""
    greeting = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)
    ready = b"\x05READY" + b"\x0bSocket-Type" + (3).to_bytes(4, "big") + b"PUB"
    part = b"\x03" + (1000).to_bytes(8, "big") + bytes(1000)  # more follows
    host, _, port = address.removeprefix("tcp://").rpartition(":")
    sent, end = 0, time.monotonic() + seconds
    with socket.create_connection((host, int(port))) as it:
        it.settimeout(1.0)
        it.sendall(greeting + b"\x04" + bytes([len(ready)]) + ready)
        with contextlib.suppress(OSError):
            while time.monotonic() < end:
                it.sendall(10 * part)
                sent += 10 * len(part)
    return sent


def test_a_message_without_end_is_cut_off() -> None:
    links = [PeerLink(n, TOPICS, None, ANYWHERE) for n in range(2)]
    try:
        links[0].know(1, links[1].address)
        links[1].know(0, links[0].address)
        talk(links, lambda: all_hear(links))
        before, most, sent = resident(), [0.0], [0]

        def send() -> None:
            until = time.monotonic() + 3
            while time.monotonic() < until:  # it comes again and again
                sent[0] += endless(links[0].address, until - time.monotonic())

        thread = threading.Thread(target=send)
        thread.start()

        def over() -> bool:
            most.append(resident() - before)
            return not thread.is_alive()

        talk(links, over)
        thread.join()
        assert links[0].counters["cut off"] >= 2
        assert max(most) < 80
        assert hears(links[0], 1)
    finally:
        for link in links:
            link.close()
    print(f"{sent[0] / 2**20:.0f} MB sent, memory grew by at most {max(most):.0f} MB")


def test_one_key_makes_only_so_many_connections(pair: tuple[list[PeerLink], dict[str, Keyring]]) -> None:
    links, rings = pair
    talk(links, lambda: all_hear(links))
    with zmq.Context() as context:
        mouths = [context.socket(zmq.PUB) for _ in range(meter.EACH * len(MEMBERS) + 5)]
        for mouth in mouths:
            mouth.setsockopt(zmq.LINGER, 0)
            gate.approach(mouth, rings["2"], rings["0"].public)
            mouth.connect(links[0].address)
        talk(links, lambda: links[0].counters["crowded"] >= 5)
        for mouth in mouths:
            mouth.close()
    assert hears(links[0], 1)


def test_strangers_who_hold_the_line_keep_no_member_out(pair: tuple[list[PeerLink], dict[str, Keyring]]) -> None:
    links, rings = pair
    talk(links, lambda: all_hear(links))
    host, _, port = links[0].address.removeprefix("tcp://").rpartition(":")
    with contextlib.ExitStack() as stack:
        for _ in range(2 * meter.EACH * len(MEMBERS)):
            stack.enter_context(socket.create_connection((host, int(port))))
        talk(links, until_passed(meter.SETTLED + 0.3))
        assert hears(links[0], 1)
        late = PeerLink(2, TOPICS, rings["2"], ANYWHERE, {0: links[0].address})
        links.append(late)
        talk(links, lambda: hears(links[0], 2), 5)
        assert hears(links[0], 1)
        assert links[0].counters["crowded"] >= meter.EACH * len(MEMBERS)


def test_who_was_revoked_is_not_let_in_again(tmp_path: Path) -> None:
    keys.new(tmp_path, MEMBERS)
    thief = keys.load(tmp_path, "2")
    keys.revoke(tmp_path, "2")
    links = [PeerLink(n, TOPICS, keys.load(tmp_path, str(n)), ANYWHERE) for n in range(2)]
    try:
        assert links[0].ring is not None
        process = loud(links[0], thief, 1.0)
        heard = talk(links, until_it_ends(process))
        assert not heard
        assert links[0].counters["revoked"] >= 1
    finally:
        for link in links:
            link.close()


def test_a_recorded_connection_played_again_says_nothing(pair: tuple[list[PeerLink], dict[str, Keyring]]) -> None:
    """All bytes that robot 1 ever sent to robot 0, encrypted as they were, once more."""
    links, _ = pair
    with Relay(links[0].address) as relay:
        links[1].know(0, relay.address)
        heard = talk(links, lambda: len(relay.recorded) > 1500 and hears(links[0], 1))
        assert [signal for receiver, sender, signal in heard if receiver == 0]
        links[1].know(0, "tcp://127.0.0.1:9")
        relay.cut()
        wait(lambda: not links[0].drain(clock()) and not hears(links[0], 1), 5)
        before = links[0].counters
        relay.play()
        again = talk(links[:1], until_passed(1.0))
    assert not again
    assert links[0].counters["received"] == before["received"]
    assert sum((links[0].counters - before).values()) >= 1, "it shows"


def until_passed(seconds: float) -> Callable[[], bool]:
    end = time.monotonic() + seconds
    return lambda: time.monotonic() > end
