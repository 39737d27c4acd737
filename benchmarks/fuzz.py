"""Mutated recordings against everything that turns bytes from the network into objects.

The recordings are the signals of a whole run, sealed as robots say them and boxed as datagrams, the messages of the
host link and of control, and beacons. Nothing but `WireError` may leave a decoder, nothing at all the guard, the boxes
and the beacons' judge, and memory must stay flat.
"""

import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.networks import mission
from swarm import wire
from swarm.net import discovery, envelope, keys
from swarm.net.cast import Boxes
from swarm.net.guard import Guard, Letter
from swarm.net.ties import Ties
from swarm.record import read
from tests.swarm.net.hosts import play

SWARM = envelope.hash_of("barn")
TOPICS = envelope.topics(0.2)
SECRET = bytes(range(32))
RINGS = keys.generate("01", "barn")
EVIL = (  # msgpack that promises more than there is, or nests without end
    b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff", b"\xdb\xff\xff\xff\xff",
    b"\xc9\xff\xff\xff\xff\x01", b"\xdc\xff\xff", b"\x91" * 400, b"\x81\x00" * 200, b"\xcb\x7f\xf8" + bytes(6), b"\xc1",
)  # fmt: skip


def recordings(folder: Path) -> list[bytes]:
    """What robots, worlds and users of a run say, each message as it was."""
    out = folder / "recorded"
    play(mission(1, 60), out, lambda _crew, _now: None)
    found: dict[bytes, None] = {}
    percept = b""
    for tick in read(out / "ticks.mcap"):
        percept = tick.percepts[:1].tobytes()
        for signals in tick.heard:
            found |= {signal: None for _, signal in signals}
    signals = list(found)
    sealed = [envelope.seal(1, SWARM, 1 + i % 3, 7 + i % 2, i, i / 5, signal) for i, signal in enumerate(signals)] + [
        envelope.seal(0, SWARM, 1, 7, 10**6 + i, i / 5, b"") for i in range(20)
    ]
    links = [
        wire.encode(message)
        for message in (
            wire.Hello(2, 77),
            wire.Act(9, bytes(9), bytes(60), signals[0], heard=[(1, signals[1])], ties=Ties({"said": 3}, [1], [2], [])),
            wire.Sense(9, percept, [(1, signals[0]), (2, signals[1])]),
            wire.Bye(),
            wire.Hung(1),
            wire.Lost(1),
            wire.Ended({"tasks done": 3}),
            wire.Failed("no space", input=False),
            wire.Gone(1, "was killed", back=True),
            wire.Stop("told to"),
        )
    ]
    beacons = [discovery.sign(discovery.Beacon(1, 7, i, "10.0.0.7", 5670), "barn", SECRET) for i in range(20)]
    boxes = [box for data in sealed[:200] if (box := Boxes(1, RINGS["1"]).close(data, 0))]
    return sealed + signals + links * 20 + beacons + boxes


def mutated(data: bytes, draw: random.Random, others: list[bytes]) -> bytes:
    """`data` with one to four injuries."""
    for _ in range(1 + int(4 * draw.random() ** 2)):
        size, how = len(data), int(8 * draw.random())
        at = int(draw.random() * (size + 1))
        if how == 0:
            data = data[:at]
        elif how == 1 and size:
            at = min(at, size - 1)
            data = data[:at] + bytes([data[at] ^ 1 << int(8 * draw.random())]) + data[at + 1 :]
        elif how == 2:
            data = data[:at] + draw.randbytes(1 + int(8 * draw.random())) + data[at + 8 * (draw.random() < 0.5) :]
        elif how == 3:
            other = others[int(draw.random() * len(others))]
            data = data[:at] + other[int(draw.random() * len(other)) :]
        elif how == 4:
            data = data[:at] + EVIL[int(draw.random() * len(EVIL))] + data[at:]
        elif how == 5:
            data = data[: envelope.HEAD.size] + data[at:]
        elif how == 6:
            data = data[:at] + bytes(int(64 * draw.random())) + data[at:]
        else:
            data += data[: int(2000 * draw.random() ** 4)]
    return data


def resident() -> float:
    """MB of this process's memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20


def table(number: int, folder: Path) -> bool:
    """Judge so many mutated recordings and print what came of it; was all well?"""
    draw, sources = random.Random(number), recordings(folder)
    guard = Guard(0, SWARM, TOPICS, {1, 2, 3})
    open_guard, ours = Guard(0, SWARM, TOPICS, None), Boxes(0, RINGS["0"])
    decoders: tuple[Callable[[bytes], object], ...] = (
        wire.signal, wire.from_robot, wire.from_host, wire.from_world, wire.from_user,
    )  # fmt: skip
    verdicts: Counter[str] = Counter()
    began, before, most = time.monotonic(), 0.0, 0.0
    for i in range(number):
        data = mutated(sources[int(draw.random() * len(sources))], draw, sources)
        for one in (guard, open_guard):
            letter = one.judge(i / 1000, 1 + i % 4, data)
            verdicts["letter" if isinstance(letter, Letter) else letter] += 1
            payload = letter.payload if isinstance(letter, Letter) else b""
            if payload:
                verdicts[_decoded(wire.signal, payload)] += 1
        verdicts[_decoded(decoders[i % len(decoders)], data)] += 1
        discovery.verify(data, "barn", SECRET)
        verdicts["box" if ours.open(data) else "no box"] += 1
        if i % 10_000 == 0:
            before = before or (resident() if i >= number // 10 else 0.0)
            most = max(most, resident())
    grown = most - before
    print(f"{number} mutated recordings of {len(sources)} in {time.monotonic() - began:.0f} s", end="")
    print(f", memory grew by {grown:.1f} MB; nothing left a decoder but WireError")
    print("  " + ", ".join(f"{count} {what}" for what, count in verdicts.most_common()))
    return grown < 1


def _decoded(decode: Callable[[bytes], object], data: bytes) -> str:
    try:
        decode(data)
    except wire.WireError:
        return "no message"
    return "message"
