"""Whole runs whose robots talk over a network that fails: each robot's link lives in a host of its own.

The robots' processes answer their world as ever; only their own links are in the namespaces of a `switch.Network`.
"""

import contextlib
import ctypes
import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from swarm import run
from swarm.crew import Crew
from swarm.mission import Mission
from swarm.net import discovery, envelope, keys
from swarm.net.link import PORT, PeerLink
from swarm.options import Options
from swarm.view.snapshot import Snapshot
from tests.swarm.net.switch import SUBNET, Network

_NEW_NET = 0x40000000


@dataclass(frozen=True)
class HostAir:
    """In place of `swarm.net.air.Air`: a link that lives in a network namespace."""

    ring: keys.Keyring
    addresses: dict[int, str]
    namespace: str
    beacons: bool

    def link(self, robot: int, interval: float) -> PeerLink:
        """Its link; this thread, and those that the link starts, are in the namespace from now on."""
        enter(self.namespace)
        link = PeerLink(robot, envelope.topics(interval), self.ring, peers=self.addresses)
        if self.beacons:
            everyone = (f"{SUBNET}.255", discovery.PORT)
            link.suggestions = discovery.Beacons(robot, link.boot, self.ring, PORT, everyone)
        return link


def enter(namespace: str) -> None:
    """Take this thread into a network namespace. Raises OSError."""
    handle = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.setns(handle, _NEW_NET):
            raise OSError(ctypes.get_errno(), f"setns {namespace}")
    finally:
        os.close(handle)


def play(
    mission: Mission,
    out: Path,
    during: Callable[[Crew, Snapshot], None],
    network: Network | None = None,
    *,
    beacons: bool = False,
    **options: Any,
) -> int:
    """Run `mission`; `during` sees the crew and each snapshot. The exit status.

    With a network the robots talk over links in its hosts, and find each other by `beacons`, or know where they are.
    """
    crews: list[Crew] = []

    class Seen(Crew):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            crews.append(self)
            if network is not None:
                self._airs = airs(network, mission.robots.count, beacons)  # type: ignore[assignment]

    def show(watch: run._Watch) -> None:
        if watch.latest is not None:
            during(crews[-1], watch.latest)

    if network is not None:
        options["radio"] = "peers"
    before = run.Crew, run._Watch.show
    run.Crew, run._Watch.show = Seen, show  # type: ignore[misc,method-assign]
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            return run.run(mission, Options(out=out, plain=True, **options))
    finally:
        run.Crew, run._Watch.show = before  # type: ignore[misc,method-assign]


def airs(network: Network, count: int, beacons: bool) -> list[HostAir]:
    """What robots need to talk from the hosts of a network."""
    addresses = {n: f"tcp://{SUBNET}.{n + 1}:{PORT}" for n in range(count)}
    rings = keys.generate(map(str, range(count)), "hosts")
    return [HostAir(rings[str(n)], addresses, network.names[n], beacons) for n in range(count)]
