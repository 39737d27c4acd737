"""Robots that talk on a network that fails, and what is measured of them."""

import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import IO

from swarm.net import keys
from swarm.net.link import PORT
from tests.swarm.net.switch import SUBNET, Network

NODE = Path(__file__).with_name("node.py")


@dataclass
class Tick:
    """What a node printed in a tick."""

    time: float
    took: float
    heard: Counter[int]
    states: dict[int, str]
    memory: float  # MB


@dataclass
class Node:
    """A robot's process and all its ticks so far."""

    process: "subprocess.Popen[str]"
    ticks: list[Tick] = field(default_factory=list)
    counters: Counter[str] = field(default_factory=Counter)
    _thread: threading.Thread = field(default_factory=threading.Thread)

    @classmethod
    def start(cls, command: Sequence[str]) -> "Node":
        """Run a command line that ends with the arguments of `NODE`."""
        node = cls(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        assert node.process.stdout is not None
        node._thread = threading.Thread(target=node.read, args=[node.process.stdout], daemon=True)
        node._thread.start()
        return node

    def stop(self) -> None:
        """End it; its counters are known after that."""
        if self.process.stdin is not None and not self.process.stdin.closed:
            self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._thread.join(1)

    def read(self, stream: IO[str]) -> None:
        for line in stream:
            words = json.loads(line)
            if isinstance(words, dict):
                self.counters = Counter(words)
            else:
                start, took, heard, states, memory = words
                heard = Counter({int(n): count for n, count in heard.items()})
                self.ticks.append(Tick(start, took, heard, {int(n): s for n, s in states.items()}, memory))


class Rig:
    """`count` robots, each a host of its own; they find each other by a peer file, or by beacons."""

    def __init__(self, count: int, folder: Path, *, beacons: bool = False) -> None:
        self.count, self.folder = count, folder
        self.network = Network(count)
        self.keys = folder / "keys"
        self.peers = "beacons" if beacons else str(folder / "peers.toml")
        self.nodes: dict[int, Node] = {}

    def __enter__(self) -> "Rig":
        keys.new(self.keys, map(str, range(self.count)))
        lines = [f'{n} = "{SUBNET}.{n + 1}:{PORT}"\n' for n in range(self.count)]
        (self.folder / "peers.toml").write_text("[peers]\n" + "".join(lines))
        self.network.__enter__()
        for number in range(self.count):
            self.start(number)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number in self.nodes:
            self.stop(number)
        self.network.__exit__(kind, error, trace)

    def start(self, number: int) -> None:
        """Start a robot's process; what it printed before is forgotten."""
        command = (sys.executable, str(NODE), str(number), str(self.keys), self.peers)
        self.nodes[number] = Node.start(self.network.inside(number, *command))

    def stop(self, number: int) -> None:
        """End a robot's process; its counters are known after that."""
        self.nodes[number].stop()

    def kill(self, number: int) -> None:
        """Kill -9."""
        self.nodes[number].process.kill()
        self.nodes[number].process.wait()

    def pairs(self, of: Callable[[int, int], bool] = lambda _a, _b: True) -> list[tuple[int, int]]:
        """Receivers and senders."""
        return [(a, b) for a in self.nodes for b in self.nodes if a != b and of(a, b)]

    def until(self, state: str, pairs: Sequence[tuple[int, int]], seconds: float) -> float:
        """Wait until each receiver says that of its sender; how long that took. Fails after `seconds`."""
        start = time.monotonic()
        while True:
            now = [self.nodes[a].ticks[-1].states.get(b) if self.nodes[a].ticks else None for a, b in pairs]
            if all(one == state for one in now):
                return time.monotonic() - start
            assert time.monotonic() - start < seconds, (
                f"{dict(zip(pairs, now, strict=True))}: not {state} in {seconds} s"
            )
            time.sleep(0.02)

    def watch(self, seconds: float) -> "Measured":
        """Let time pass; what happened in it."""
        start = time.monotonic()
        time.sleep(seconds)
        return self.measured(start, time.monotonic(), self.pairs())

    def measured(self, start: float, end: float, pairs: Sequence[tuple[int, int]]) -> "Measured":
        """What happened between two moments."""
        ticks = {n: [tick for tick in list(node.ticks) if start <= tick.time < end] for n, node in self.nodes.items()}
        heard = sum(tick.heard[b] for a, b in pairs for tick in ticks[a])
        seen = [tick.states.get(b) for a, b in pairs for tick in ticks[a]]
        every = [tick for one in ticks.values() for tick in one]
        gaps = [after.time - before.time for one in ticks.values() for before, after in pairwise(one)]
        return Measured(
            heard / max(1.0, (end - start) * 5 * len(pairs)),
            sum(state in ("alive", "stale") for state in seen) / max(1, len(seen)),
            max((tick.took for tick in every), default=0.0),
            max(gaps, default=0.0),
        )

    def all_well(self) -> bool:
        """Does every process live and tick?"""
        now = time.monotonic()
        return all(n.process.poll() is None and n.ticks and now - n.ticks[-1].time < 1 for n in self.nodes.values())


@dataclass(frozen=True)
class Measured:
    """Of a stretch of time."""

    heard: float  # share of the signals
    alive: float  # share of ticks in which a robot took another one for alive
    took: float  # s, the longest that a tick took
    gap: float  # s, the longest from tick to tick
