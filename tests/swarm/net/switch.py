"""A network of hosts on this machine: namespaces, each with a TAP device, joined by a switch in user space.

The switch is where faults happen: it loses, delays, doubles, and reorders frames, and cuts paths, by `Faults`.
Needs root, `ip` and /dev/net/tun; no netem.
"""

import fcntl
import heapq
import itertools
import os
import random
import select
import struct
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType

_TUNSETIFF, _TAP, _NO_HEADER = 0x400454CA, 0x0002, 0x1000
SUBNET = "10.77.0"
_numbers = itertools.count()


@dataclass(frozen=True)
class Faults:
    """What happens to frames on their way, each way."""

    loss: float = 0.0  # share
    delay: float = 0.0  # s
    jitter: float = 0.0  # s, drawn anew for each frame: reorders them
    double: float = 0.0  # share that come twice
    passes: Callable[[int, int], bool] = lambda _source, _target: True  # is there a path?


class Network:
    """`hosts` namespaces, the n-th with address SUBNET.(n + 1); `faults` may be changed at any time."""

    def __init__(self, hosts: int, seed: int = 1) -> None:
        self.faults = Faults()
        self.frames = self.lost = 0
        unique = f"{os.getpid() % 100000}{chr(97 + next(_numbers) % 26)}"
        self.names = [f"jt{unique}{n}" for n in range(hosts)]  # of namespaces, and at first of devices
        self._draw = random.Random(seed)
        self._taps: list[int] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._carry, daemon=True)

    def __enter__(self) -> "Network":
        try:
            for n, name in enumerate(self.names):
                ip(f"netns add {name}")
                self._taps.append(_tap(name))
                ip(f"link set {name} netns {name}")
                inside = f"-n {name}"
                ip(f"{inside} link set {name} name eth0 address 02:00:00:00:00:{n:02x}")
                ip(f"{inside} addr add {SUBNET}.{n + 1}/24 brd + dev eth0")
                ip(f"{inside} link set lo up")
                ip(f"{inside} link set eth0 up")
        except BaseException:
            self._clear()
            raise
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        self._clear()

    def inside(self, host: int, *command: str) -> list[str]:
        """A command line that runs in the namespace of a host."""
        return ["ip", "netns", "exec", self.names[host], *command]

    def move(self, host: int, number: int) -> None:
        """A host gets another address, SUBNET.number, in place of those it has."""
        inside = f"-n {self.names[host]}"
        ip(f"{inside} addr flush dev eth0")
        ip(f"{inside} addr add {SUBNET}.{number}/24 brd + dev eth0")

    def _clear(self) -> None:
        for tap in self._taps:
            os.close(tap)
        for name in self.names:
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)

    def _carry(self) -> None:
        due: list[tuple[float, int, int, bytes]] = []
        number = 0
        hosts = {tap: n for n, tap in enumerate(self._taps)}
        while not self._ended.is_set():
            wait = min(0.05, max(0.0, due[0][0] - time.monotonic())) if due else 0.05
            for tap in select.select(self._taps, [], [], wait)[0]:
                frame = os.read(tap, 2048)
                source, faults = hosts[tap], self.faults
                everyone = frame[0] & 1
                for target in range(len(self._taps)) if everyone else [frame[5]]:
                    if target == source or target >= len(self._taps):
                        continue
                    for _ in range(2 if self._draw.random() < faults.double else 1):
                        self.frames += 1
                        if not faults.passes(source, target) or self._draw.random() < faults.loss:
                            self.lost += 1
                            continue
                        number += 1
                        when = time.monotonic() + faults.delay + faults.jitter * self._draw.random()
                        heapq.heappush(due, (when, number, target, frame))
            while due and due[0][0] <= time.monotonic():
                _, _, target, frame = heapq.heappop(due)
                try:
                    os.write(self._taps[target], frame)
                except OSError:
                    self.lost += 1  # its queue is full


def ip(arguments: str) -> None:
    """Run `ip`."""
    subprocess.run(["ip", *arguments.split()], check=True, capture_output=True, text=True)


def _tap(name: str) -> int:
    tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tap, _TUNSETIFF, struct.pack("16sH", name.encode(), _TAP | _NO_HEADER))
    return tap
