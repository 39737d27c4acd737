"""The tick log of a run: `ticks.mcap`, an MCAP file with simulated time as log time.

Channels:

``/jerne/tick`` (msgpack)
    one message a tick, the array `Tick`, its arrays as bytes. Percepts and what was heard are what the
    minds got, commands and reports what they gave: feed the first to a mind again, and it must give the second.
``/jerne/decision`` (json)
    a decision of a robot at a site, `swarm.rules.Decision` with robot and tick: the situation, the action, the
    rules that matched.
``/jerne/rules`` (json)
    all rules of a robot, once a simulated minute and in its last tick: robot, tick, rules, each an array
    condition, action, prediction, error, fitness, experience, copies.
``/jerne/link`` (json)
    what a robot's own link knows, `swarm.net.ties.Ties` with robot and tick: once a second and when it changes.
``/jerne/event`` (json, schema foxglove.Log)
    what happened, a line each.
``/tf``, ``/scene`` (json, schemas foxglove.FrameTransforms, foxglove.SceneUpdate)
    where everything is, for programs that draw.

Metadata "jerne" holds the format's version, the layouts as NumPy descriptions, the stage as JSON and the mission
as TOML. Nothing in the file depends on the wall clock: the same mission and seed in lock-step give the same
bytes. A chunk ends with each simulated second, and is flushed, so that a run killed at any moment leaves
a log up to its last second.

A log that was cut off is read up to there; a damaged second is left out by `Log.walk`, and ends what `read` gives.
"""

import json
import os
import re
import struct
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
from mcap.data_stream import ReadDataStream
from mcap.opcode import Opcode
from mcap.records import Channel, Chunk, Message, Metadata
from mcap.stream_reader import breakup_chunk

from classifier.population import Rule
from sim.site import Event, Site
from swarm import foxglove, missionfile
from swarm.mission import Mission
from swarm.net.ties import Ties
from swarm.refusal import denied
from swarm.rules import Decision
from swarm.view.snapshot import Stage

VERSION = "4"
TICK, DECISION, RULES, EVENT = "/jerne/tick", "/jerne/decision", "/jerne/rules", "/jerne/event"
LINK = "/jerne/link"
TRANSFORMS, SCENE = "/tf", "/scene"
Heard = Sequence[Sequence[tuple[int, bytes]]]

#: what is in a tick's message, for whoever reads the file without us
LAYOUT = (
    ("tick", "number of the tick"),
    ("poses", "(N, 3) f8: x, y in m, heading in rad, when the robots sensed"),
    ("percepts", "(N,) records, see metadata"),
    ("commands", "(N,) records, see metadata"),
    ("reports", "(N,) records, see metadata"),
    ("alive", "(N,) u1: 1 where the robot's process lived"),
    ("answered", "(N,) i4: the tick that the robot's latest command and report answer to"),
    ("restarts", "(N,) i4: how often its process was started again so far"),
    ("stopped", "(N,) u1: 1 where an operator made the robot's body stand; then the command is not its mind's"),
    ("radio", "(N, 3) i4: signals said, heard, lost so far"),
    ("neighbours", "(N, any) i2: who is in radio range, nearest first, -1 nobody"),
    ("heard", "for each robot [[sender, signal] ...]"),
    ("sites", "[[number, x, y, facing, progress, kind, action, team, opened] ...], open sites"),
    ("done", "tasks done so far"),
    ("backlog", "sites that have arrived and find no room"),
    ("phase", "index of the phase"),
)


class Tick(NamedTuple):
    """One tick, see `LAYOUT`."""

    tick: int
    poses: np.ndarray
    percepts: np.ndarray
    commands: np.ndarray
    reports: np.ndarray
    alive: np.ndarray
    answered: np.ndarray
    restarts: np.ndarray
    stopped: np.ndarray
    radio: np.ndarray
    neighbours: np.ndarray
    heard: Heard
    sites: list[list[Any]]
    done: int
    backlog: int
    phase: int


class Told(NamedTuple):
    """What a robot told: the rules behind a decision, or all of them, or of its own link."""

    robot: int
    tick: int
    decision: Decision | None
    rules: list[Rule] | None
    ties: Ties | None = None


#: how the arrays of a tick are written, in the order of its fields; records as their layout says
TYPES = ("<f8", None, None, None, "u1", "<i4", "<i4", "u1", "<i4", "<i2")
_TYPE = re.compile(r"[<>|][biufcSU]\d+")  # of a field of a record


def site_rows(sites: Sequence[Site]) -> list[list[Any]]:
    """Open sites as a tick has them."""
    return [[s.number, *s.face, s.progress, s.arrival.kind, s.arrival.action, s.arrival.team, s.opened] for s in sites]


MOST = 2**30  # bytes of a simulated second, by far
MAGIC = b"\x89MCAP0\r\n"
Item = Tick | Told | Event


class LogError(ValueError):
    """A log that cannot be read."""


class Second(NamedTuple):
    """Where a chunk lies in the file, and the times of its first and last message in s."""

    offset: int
    length: int
    start: float
    end: float


class _Decided(msgspec.Struct):
    robot: int
    tick: int
    situation: int
    action: int
    prediction: float | None
    allowed: list[int]
    rules: list[Rule]


class _Population(msgspec.Struct):
    robot: int
    tick: int
    rules: list[Rule]


class _Linked(Ties, frozen=True):
    robot: int = 0
    tick: int = 0


_linked = msgspec.json.Decoder(_Linked)
_decided, _population = msgspec.json.Decoder(_Decided), msgspec.json.Decoder(_Population)


class Log:
    """A log, opened. Raises LogError for what is none of ours.

    `lack` says what is wrong with the file, "" if nothing is; `seconds` are the parts that are there.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.lack = path, ""
        self.seconds: list[Second] = []
        self.metadata: dict[str, str] = {}
        self._scan()
        if self.metadata.get("version") != VERSION:
            raise LogError(f"{path}: log format {self.metadata.get('version')}, this jerne reads {VERSION}")
        try:
            self.dt = float(self.metadata["tick"])
            self.stage = msgspec.json.decode(self.metadata["stage"], type=Stage)
            self._layouts = tuple(_dtype(self.metadata[name]) for name in ("percept", "command", "report"))
        except Exception as error:
            raise LogError(f"{path}: not a tick log ({error!r})") from None
        self._second = lru_cache(8)(self._load)
        if self.seconds:
            self._load(0)  # says which channel is which, before its first tick; if damaged, the end says it too

    @property
    def mission(self) -> Mission:
        """The mission that was run. Raises MissionError where it does not fit this jerne."""
        return missionfile.parse(self.metadata["mission"], str(self.path))

    @property
    def end(self) -> float:
        """Simulated s up to which the log goes."""
        return self.seconds[-1].end if self.seconds else 0.0

    def between(self, start: float, end: float) -> Iterator[list[Item]]:
        """All seconds that hold something from `start` to `end`, s; those that are damaged are empty."""
        for index, second in enumerate(self.seconds):
            if second.end >= start - 1e-6 and second.start <= end + 1e-6:
                yield self._second(index)

    def walk(self) -> Iterator[Item]:
        """Everything in order, without the seconds that are damaged, which are noted in `lack`."""
        for index in range(len(self.seconds)):
            yield from self._load(index)

    def _load(self, index: int) -> list[Item]:
        second = self.seconds[index]
        try:
            with self.path.open("rb") as file:
                file.seek(second.offset)
                chunk = Chunk.read(ReadDataStream(BytesIO(file.read(second.length))))
            records = breakup_chunk(chunk, validate_crc=True)
            return [item for record in records if (item := self._item(record)) is not None]
        except Exception as error:
            self.lack = self.lack or f"damaged at {second.start:.0f} s ({_why(error)})"
            return []

    def _item(self, record: Any) -> Item | None:
        if isinstance(record, Channel):
            self._topics[record.id] = record.topic
            return None
        if not isinstance(record, Message):
            return None
        topic, data = self._topics.get(record.channel_id), record.data
        if topic == TICK:
            return _tick(data, self._layouts)
        if topic == EVENT:
            line = msgspec.json.decode(data)
            return Event(record.log_time / 1e9, foxglove.level(line["level"]), line["message"])
        if topic == DECISION:
            said = _decided.decode(data)
            decision = Decision(said.situation, said.action, said.prediction, said.allowed, said.rules)
            return Told(said.robot, said.tick, decision, None)
        if topic == RULES:
            all_rules = _population.decode(data)
            return Told(all_rules.robot, all_rules.tick, None, all_rules.rules)
        if topic == LINK:
            it = _linked.decode(data)
            return Told(it.robot, it.tick, None, None, Ties(it.counters, it.alive, it.stale, it.lost))
        return None

    def _scan(self) -> None:
        """Find the metadata and the chunks; what is inside of these is left for later."""
        self._topics: dict[int, str] = {}
        try:
            size = self.path.stat().st_size
            with self.path.open("rb") as file:
                if file.read(8) != MAGIC:
                    raise LogError(f"{self.path}: not a tick log (no MCAP file)")
                while True:
                    head = file.read(9)
                    opcode, length = struct.unpack("<BQ", head) if len(head) == 9 else (0, 0)
                    begin = file.tell()
                    if len(head) < 9 or begin + length > size or length > MOST:
                        self.lack = "cut off or damaged: it has no end"
                        break
                    if opcode == Opcode.FOOTER:
                        break
                    if opcode == Opcode.CHUNK:
                        start, end = struct.unpack("<QQ", file.read(16))
                        self.seconds.append(Second(begin, length, start / 1e9, end / 1e9))
                    elif opcode == Opcode.METADATA:
                        self._read_metadata(file.read(length))
                    elif opcode == Opcode.CHANNEL:
                        with suppress(Exception):  # damaged: chunks have it, too
                            channel = Channel.read(ReadDataStream(BytesIO(file.read(length))))
                            self._topics[channel.id] = channel.topic
                    file.seek(begin + length)
        except OSError as error:
            raise LogError(f"{self.path}: cannot be read: {error.strerror}") from None
        if not self.metadata:
            raise LogError(f"{self.path}: not a tick log (no metadata 'jerne')")

    def _read_metadata(self, data: bytes) -> None:
        try:
            metadata = Metadata.read(ReadDataStream(BytesIO(data)))
        except Exception as error:
            raise LogError(f"{self.path}: not a tick log ({_why(error)})") from None
        if metadata.name == "jerne":
            self.metadata = dict(metadata.metadata)


def read(path: Path) -> Iterator[Tick]:
    """The ticks of a log, in order, up to where it was cut off or is damaged.

    Raises LogError for what is no log of ours.
    """
    log, expected = Log(path), 0
    for item in log.walk():
        if isinstance(item, Tick):
            if item.tick != expected:
                return
            expected += 1
            yield item


def open_run(run: Path) -> Log:
    """The log of a run folder, or of the file itself. Raises LogError."""
    log = run / "ticks.mcap" if os.path.isdir(run) else run
    if log != run and not denied(log) and not log.exists():
        raise LogError(f"{run}: no run folder (ticks.mcap is missing)")
    return Log(log)


def _tick(data: bytes, layouts: tuple[np.dtype[np.void], ...]) -> Tick:
    fields = msgspec.msgpack.decode(data)
    records = iter(layouts)
    arrays = [np.frombuffer(a, t or next(records)) for a, t in zip(fields[1:11], TYPES, strict=True)]
    poses, percepts, commands, reports, alive, answered, restarts, stopped, radio, neighbours = arrays
    count = len(alive)
    heard = [[(int(sender), bytes(signal)) for sender, signal in signals] for signals in fields[11]]
    return Tick(
        fields[0],
        poses.reshape(count, 3),
        percepts,
        commands,
        reports,
        alive.astype(bool),
        answered,
        restarts,
        stopped.astype(bool),
        radio.reshape(count, 3),
        neighbours.reshape(count, -1),
        heard,
        *fields[12:],
    )


def _dtype(text: str) -> np.dtype[np.void]:
    fields = [(f[0], f[1], *(tuple(shape) for shape in f[2:])) for f in json.loads(text)]
    if odd := [kind for _, kind, *_ in fields if not _TYPE.fullmatch(kind)]:  # NumPy has but a warning for some of them
        raise ValueError(f"{odd[0]!r}: no type of a field")
    return np.dtype(fields)


def _why(error: Exception) -> str:
    return str(error) or type(error).__name__
