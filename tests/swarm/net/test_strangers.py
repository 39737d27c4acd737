"""Those who should not be heard, on real sockets: revoked, played back, too loud, without end."""

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import pytest
import zmq

from swarm.field import control
from swarm.net import envelope, gate, keys, meter
from swarm.net.guard import MARGIN
from swarm.net.keys import Keyring
from swarm.net.link import PeerLink, clock
from tests.conftest import wait
from tests.swarm.net.relay import Relay
from tests.swarm.net.rig import NODE, Node
from tests.swarm.net.tests_net import all_hear, hears, talk

TOPICS = envelope.topics(0.2)
ANYWHERE = "tcp://127.0.0.1:*"
MEMBERS = ["0", "1", "2"]
T = TypeVar("T")
Robot = Callable[[Path | None], tuple[Node, PeerLink]]

BYTES = 40e6  # a second, of a message that never ends: more than a radio brings
GROWN = 2.0  # MB that a robot's memory may have grown by when floods are over

#: a member that says whatever it likes for SECONDS, BOUTS times with a second between: ADDRESS SECONDS BOUTS, keys on
#: its input; prints how much it said in each bout
MEMBER = """
import sys, time, zmq
address, seconds, bouts = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
public, secret, server, data = (bytes.fromhex(line) for line in sys.stdin.read().split())
context = zmq.Context()
socket = context.socket(zmq.PUB)
socket.setsockopt(zmq.LINGER, 0)
socket.setsockopt(zmq.SNDHWM, 100_000)
socket.curve_publickey, socket.curve_secretkey, socket.curve_serverkey = public, secret, server
socket.connect(address)
seq = 0
for _ in range(bouts):
    time.sleep(1.0)
    start, before = time.monotonic(), seq
    while (now := time.monotonic() - start) < seconds:
        while seq - before < 10_000 * now:
            socket.send(data[:15] + seq.to_bytes(8, "big") + data[23:])
            seq += 1
        time.sleep(0.001)
    print(seq - before, flush=True)
"""

#: where a robot takes orders, with so many descriptors to spare and a slow loop: DESCRIPTORS KEYS, none where empty
ORDERED = """
import os, resource, sys, time
from pathlib import Path
from swarm.field.control import Control, Status
from swarm.net import keys
spare, folder = int(sys.argv[1]), sys.argv[2]
end = Control("tcp://127.0.0.1:*", keys.load(Path(folder), "0") if folder else None)
most = len(os.listdir("/proc/self/fd")) + spare
resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
print(end.address, flush=True)
status = Status(0, "disarmed", "", None, 1, "", "", "", 0.0, 0.0, None, None, 0, 0, 0, 0, 0.0, "")
while True:
    time.sleep(0.3)
    end.serve(lambda _: (True, ""), lambda: status)
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


@pytest.fixture
def robot() -> Iterator[Robot]:
    """Starts robot 0, a process of its own, and robot 1, which it hears."""
    with contextlib.ExitStack() as stack:

        def start(folder: Path | None) -> tuple[Node, PeerLink]:
            held = stack.enter_context(socket.socket())
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            held.bind(("127.0.0.1", 0))
            address = f"tcp://127.0.0.1:{held.getsockname()[1]}"
            node = Node.start([sys.executable, str(NODE), "0", str(folder or "none"), "none", address])
            stack.callback(node.stop)
            ring = None if folder is None else keys.load(folder, "1")
            link = PeerLink(1, TOPICS, ring, ANYWHERE, {0: address})
            stack.callback(link.close)
            talk([link], lambda: alive(node, 1))
            return node, link

        yield start


def alive(node: Node, number: int) -> bool:
    return bool(node.ticks) and node.ticks[-1].states.get(number) == "alive"


def memory(node: Node, link: PeerLink, before: float = 0.0) -> float:
    """MB of a robot's memory within half a second, at least; where there was one `before`, it must come down to that.

    `link` goes on talking to it.
    """
    start = len(node.ticks)
    talk([link], lambda: len(node.ticks) > start + 5)
    if before:
        talk([link], lambda: node.ticks[-1].memory < before + GROWN, 10)  # what was dropped is given back
    return min(tick.memory for tick in node.ticks[start:])


def aside(link: PeerLink, what: Callable[[], T]) -> T:
    """Do something that takes a while; `link` goes on talking."""
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(what)
        talk([link], future.done)
        return future.result()


def loud(address: str, thief: Keyring, server: Keyring, seconds: float, bouts: int = 1) -> "subprocess.Popen[str]":
    """Robot 2 at the ears of another, in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-c", MEMBER, address, str(seconds), str(bouts)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    data = envelope.seal(1, envelope.hash_of(server.swarm), 2, 99, 0, 1.0, bytes(167))
    assert process.stdin is not None
    process.stdin.write("\n".join(part.hex() for part in (thief.public, thief.secret, server.public, data)))
    process.stdin.close()
    return process


def until_it_ends(process: "subprocess.Popen[str]", after: float = 0.5) -> Callable[[], bool]:
    ended: list[float] = []

    def is_over() -> bool:
        if process.poll() is not None and not ended:
            ended.append(clock())
        return bool(ended) and clock() - ended[0] > after

    return is_over


@pytest.mark.slow
def test_of_floods_no_more_than_the_rate_is_heard_and_memory_is_bounded(robot: Robot, tmp_path: Path) -> None:
    keys.new(tmp_path / "keys", MEMBERS)
    rings = [keys.load(tmp_path / "keys", name) for name in MEMBERS]
    node, link = robot(tmp_path / "keys")
    before, seconds, bouts, after = memory(node, link), 1.0, 2, []
    start = time.monotonic()
    process = loud(link.known[0], rings[2], rings[0], seconds, bouts)
    assert process.stdout is not None
    while line := aside(link, process.stdout.readline):
        assert int(line) >= 10_000 * seconds * 0.9
        after.append(memory(node, link, before))
    took = time.monotonic() - start
    assert alive(node, 1)
    node.stop()
    rate = MARGIN * TOPICS[1].rate
    assert 5 <= sum(tick.heard[2] for tick in node.ticks) <= rate * took + max(2, rate)
    assert node.counters["flood"] > 500
    print(f"{before:.1f} MB before, after each flood {after}")
    assert len(after) == bouts


def endless(address: str, seconds: float, kind: bytes = b"PUB") -> int:
    """A message that never ends, `BYTES` a second; ZMTP by hand, as no library sends that. Bytes sent."""
    greeting = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)
    ready = b"\x05READY" + b"\x0bSocket-Type" + len(kind).to_bytes(4, "big") + kind
    part = b"\x03" + (1000).to_bytes(8, "big") + bytes(1000)  # more follows
    host, _, port = address.removeprefix("tcp://").rpartition(":")
    sent, start = 0, time.monotonic()
    with socket.create_connection((host, int(port))) as it:
        it.settimeout(1.0)
        it.sendall(greeting + b"\x04" + bytes([len(ready)]) + ready)
        with contextlib.suppress(OSError):
            while (now := time.monotonic() - start) < seconds:
                while sent < BYTES * now:
                    it.sendall(10 * part)
                    sent += 10 * len(part)
                time.sleep(0.001)
    return sent


@contextlib.contextmanager
def ordered(spare: int, folder: Path | None) -> Iterator[tuple[int, str]]:
    """A robot that takes orders, in a process of its own, and where."""
    command = [sys.executable, "-c", ORDERED, str(spare), str(folder or "")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.pid, process.stdout.readline().strip()
        finally:
            process.kill()


class Strangers:
    """So many connections that say nothing, and are made anew when they are ended."""

    def __init__(self, address: str, many: int) -> None:
        self._place, self._over = ("127.0.0.1", int(address.rpartition(":")[2])), False
        self._lines = [self._line() for _ in range(many)]
        self._thread = threading.Thread(target=self._keep)
        self._thread.start()

    def close(self) -> None:
        self._over = True
        self._thread.join()
        for line in self._lines:
            line.close()

    def _line(self) -> socket.socket:
        line = socket.socket()
        line.setblocking(False)
        line.connect_ex(self._place)
        return line

    def _keep(self) -> None:
        while not self._over:
            time.sleep(0.1)
            for i, line in enumerate(self._lines):
                try:
                    ended = line.recv(64) == b""
                except BlockingIOError:
                    continue
                except OSError:
                    ended = True
                if ended:
                    line.close()
                    self._lines[i] = self._line()


def is_stopped(address: str, ring: Keyring | None) -> bool:
    reply = control.send("stop", {0: address}, ring)[0]
    return reply is not None and reply.done


@pytest.mark.parametrize("keyed", [True, False])
def test_strangers_who_hold_the_line_keep_no_stop_out(keyed: bool, tmp_path: Path) -> None:
    """They come at once, before the robot looks, and take all the descriptors that it has."""
    keys.new(tmp_path / "keys", ["0", "desk"])
    ring = keys.load(tmp_path / "keys", "desk") if keyed else None
    with contextlib.ExitStack() as stack:
        _, address = stack.enter_context(ordered(150, tmp_path / "keys" if keyed else None))
        assert is_stopped(address, ring)
        stack.enter_context(closing(Strangers(address, 300)))
        wait(lambda: is_stopped(address, ring), 20)


def test_an_order_without_end_is_cut_off() -> None:
    with ordered(150, None) as (pid, address):
        assert is_stopped(address, None)
        before, until = memory_of(pid), time.monotonic() + 3
        while time.monotonic() < until:
            endless(address, until - time.monotonic(), b"DEALER")
        grown = memory_of(pid) - before
        assert is_stopped(address, None)
    assert grown < 60


def memory_of(pid: int) -> float:
    """MB of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


@pytest.mark.slow
def test_a_message_without_end_is_cut_off_and_memory_is_bounded(robot: Robot) -> None:
    node, link = robot(None)
    before, after, sent = memory(node, link), [], 0

    def again_and_again() -> int:
        sent, until = 0, time.monotonic() + 1.5
        while time.monotonic() < until:
            sent += endless(link.known[0], until - time.monotonic())
        return sent

    for _ in range(2):
        sent += aside(link, again_and_again)
        after.append(memory(node, link, before))
    assert alive(node, 1)
    node.stop()
    most = max(tick.memory for tick in node.ticks) - before
    print(f"{sent / 2**20:.0f} MB sent; {before:.1f} MB before, at most {most:.1f} more, after each time {after}")
    assert node.counters["cut off"] >= 2
    assert most < 80


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
        process = loud(links[0].address, thief, links[0].ring, 1.0)
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
