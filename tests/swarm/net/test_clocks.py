"""Clocks that differ and wall clocks that jump change nothing: only monotonic time and sequence numbers count."""

import ast
import time
from pathlib import Path

import pytest

import swarm.net
from swarm.net import envelope, keys
from swarm.net.guard import State
from swarm.net.link import PeerLink, clock

WALL = {"time.time", "time.time_ns", "time.localtime", "time.gmtime", "time.ctime", "time.CLOCK_REALTIME"}
MONOTONIC = {"time.monotonic", "time.clock_gettime", "time.CLOCK_MONOTONIC"}


def read_from(source: str) -> set[str]:
    """What a module takes from `time` and `datetime`."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Attribute(value=ast.Name(id="time" | "datetime" as module), attr=name):
                found.add(f"{module}.{name}")
            case ast.ImportFrom(module="time" | "datetime" as module):
                found |= {f"{module}.{alias.name}" for alias in node.names}
    return found


def test_the_link_reads_no_wall_clock() -> None:
    read = {name for path in Path(swarm.net.__path__[0]).glob("*.py") for name in read_from(path.read_text())}
    assert read <= MONOTONIC
    assert "time.monotonic" in read
    assert read_from("import time\nfrom datetime import datetime\ntime.time()") & WALL, "it would be seen"


def test_clocks_hours_apart_and_a_wall_clock_that_jumps(monkeypatch: pytest.MonkeyPatch) -> None:
    start = time.monotonic()
    jumps = (0.0, 3600.0, -3600.0, -86_400.0 * 365)
    monkeypatch.setattr(time, "time", lambda: 1.8e9 + jumps[int((time.monotonic() - start) * 10) % len(jumps)])
    monkeypatch.setattr(time, "time_ns", lambda: int(time.time() * 1e9))
    rings = keys.generate("012", "barn")
    links = [PeerLink(n, envelope.topics(0.2), rings[str(n)], "tcp://127.0.0.1:*") for n in range(3)]
    clocks = (lambda: clock() + 3600, lambda: clock() * 1.00005, lambda: clock() - 86_400)  # skewed, and one is fast
    try:
        for link in links:
            for other in links:
                link.know(other.number, other.address)
        heard, tick, together = 0, 0, 0.0
        while together < 1.5:
            assert time.monotonic() - start < 20
            for link, now in zip(links, clocks, strict=True):
                heard += len(link.drain(now()))
                if tick % 20 == 0:
                    link.say(b"here")
            whole = [link.guard.state(n, link.now) for link in links for n in range(3) if n != link.number]
            together = together + 0.01 if set(whole) == {State.ALIVE} else 0.0
            tick += 1
            time.sleep(0.01)
        assert heard >= 30
        for link in links:
            assert not link.counters.keys() - {"said", "received", "again", "early"}
    finally:
        for link in links:
            link.close()
