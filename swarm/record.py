"""The tick log of a run: `ticks.mcap`, an MCAP file with simulated time as log time.

Channels:

``/jerne/tick`` (msgpack)
    one message a tick, the array::

        [ tick, poses, percepts, commands, reports, alive, heard, sites ]

    `poses` (N, 3) f8 x, y, heading; `percepts`, `commands`, `reports` (N,) records: all as bytes, their
    layout in the metadata record "jerne"; `alive` N bytes, 1 where the robot's process lived;
    `heard` for each robot [[sender, signal] ...] as delivered; `sites` [[number, x, y, facing, progress,
    kind, action, team] ...]. The first four are what the minds got and gave: feed percepts and heard to
    a mind again, and it must give the same commands and reports.

``/jerne/event`` (json, schema foxglove.Log)
    what happened, a line each.

Metadata "jerne" holds the format's version, the layouts as NumPy descriptions, and the mission as TOML.
Nothing in the file depends on the wall clock: the same mission and seed in lock-step give the same
bytes. A chunk ends with each simulated second, and is flushed, so that a run killed at any moment leaves
a log up to its last second.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, NamedTuple

import msgspec
import numpy as np
from mcap.reader import NonSeekingReader
from mcap.writer import CompressionType, Writer

from robots.command import COMMAND
from sim.work import Event, Site
from swarm.report import REPORT

VERSION = "1"
MOST = 2**30  # bytes of a simulated second, by far
TICK, EVENT = "/jerne/tick", "/jerne/event"
Heard = Sequence[Sequence[tuple[int, bytes]]]

_LOG_SCHEMA = {  # https://docs.foxglove.dev/docs/visualization/message-schemas/log
    "title": "foxglove.Log",
    "type": "object",
    "properties": {
        "timestamp": {
            "type": "object",
            "properties": {"sec": {"type": "integer"}, "nsec": {"type": "integer"}},
        },
        "level": {"type": "integer"},
        "message": {"type": "string"},
        "name": {"type": "string"},
        "file": {"type": "string"},
        "line": {"type": "integer"},
    },
}
_LEVELS = {"info": 2, "warning": 3, "error": 4}


class LogError(ValueError):
    """A log that cannot be read."""


class Tick(NamedTuple):
    """One tick, read back."""

    tick: int
    poses: np.ndarray
    percepts: np.ndarray
    commands: np.ndarray
    reports: np.ndarray
    alive: np.ndarray
    heard: Heard
    sites: list[list[Any]]


class Recorder:
    """Writes the log of a run. Raises OSError where the file cannot be written."""

    def __init__(self, path: Path, mission: str, percepts: np.dtype[np.void], dt: float) -> None:
        self._dt = dt
        self._every = max(1, round(1 / dt))
        self._file: IO[bytes] = path.open("wb")
        self._writer = Writer(self._file, chunk_size=2**30, compression=CompressionType.ZSTD)
        self._writer.start(profile="", library="jerne")
        self._writer.add_metadata(
            "jerne",
            {
                "version": VERSION,
                "mission": mission,
                "tick": repr(dt),
                "percept": _describe(percepts),
                "command": _describe(COMMAND),
                "report": _describe(REPORT),
            },
        )
        self._tick = self._writer.register_channel(TICK, "msgpack", 0)
        schema = self._writer.register_schema("foxglove.Log", "jsonschema", json.dumps(_LOG_SCHEMA).encode())
        self._event = self._writer.register_channel(EVENT, "json", schema)
        self._writer.flush()  # type: ignore[no-untyped-call]

    def tick(
        self,
        tick: int,
        poses: np.ndarray,
        percepts: np.ndarray,
        commands: np.ndarray,
        reports: np.ndarray,
        alive: np.ndarray,
        heard: Heard,
        sites: Sequence[Site],
    ) -> None:
        """Record one tick; every simulated second goes to the disk."""
        rows = [
            [
                site.number,
                *site.face,
                site.progress,
                site.arrival.kind,
                site.arrival.action,
                site.arrival.team,
            ]
            for site in sites
        ]
        arrays = (poses, percepts, commands, reports, alive.astype(np.uint8))
        data = msgspec.msgpack.encode([tick, *(a.tobytes() for a in arrays), heard, rows])
        self._add(self._tick, tick * self._dt, data, tick)
        if tick % self._every == self._every - 1:
            self._writer.flush()  # type: ignore[no-untyped-call]

    def event(self, event: Event) -> None:
        """Record something worth a line."""
        nanoseconds = round(event.time * 1e9)
        line = {
            "timestamp": {"sec": nanoseconds // 10**9, "nsec": nanoseconds % 10**9},
            "level": _LEVELS[event.level],
            "message": event.text,
            "name": "jerne",
            "file": "",
            "line": 0,
        }
        self._add(self._event, event.time, json.dumps(line).encode(), 0)

    def close(self) -> None:
        """Write the index and close the file."""
        try:
            self._writer.finish()  # type: ignore[no-untyped-call]
        finally:
            self._file.close()

    def _add(self, channel: int, time: float, data: bytes, sequence: int) -> None:
        nanoseconds = round(time * 1e9)
        self._writer.add_message(channel, nanoseconds, data, nanoseconds, sequence)


def read(path: Path) -> Iterator[Tick]:
    """The ticks of a log, in order, as far as it can be read.

    A log that was cut off or damaged ends early, without an error. Raises LogError for what is no log of ours.
    """
    metadata = describe(path)
    if metadata.get("version") != VERSION:
        raise LogError(f"{path}: log format {metadata.get('version')}, this jerne reads {VERSION}")
    try:
        layouts = {name: _dtype(metadata[name]) for name in ("percept", "command", "report")}
    except Exception as error:
        raise LogError(f"{path}: not a tick log ({error!r})") from None
    with path.open("rb") as stream, suppress(Exception):  # damaged bytes make their readers raise anything
        for _, _, message in _reader(stream).iter_messages(topics=[TICK], log_time_order=False):
            yield _decode(message.data, layouts)


def describe(path: Path) -> dict[str, str]:
    """The metadata of a log. Raises LogError."""
    try:
        with path.open("rb") as stream:
            for metadata in _reader(stream).iter_metadata():
                if metadata.name == "jerne":
                    return dict(metadata.metadata)
    except OSError as error:
        raise LogError(f"{path}: cannot be read: {error.strerror}") from None
    except Exception as error:
        raise LogError(f"{path}: not a tick log ({error!r})") from None
    raise LogError(f"{path}: not a tick log (no metadata 'jerne')")


def _reader(stream: IO[bytes]) -> NonSeekingReader:
    return NonSeekingReader(stream, validate_crcs=True, record_size_limit=MOST)


def _decode(data: bytes, layouts: dict[str, np.dtype[np.void]]) -> Tick:
    tick, poses, percepts, commands, reports, alive, heard, sites = msgspec.msgpack.decode(data)
    return Tick(
        tick,
        np.frombuffer(poses).reshape(-1, 3),
        np.frombuffer(percepts, layouts["percept"]),
        np.frombuffer(commands, layouts["command"]),
        np.frombuffer(reports, layouts["report"]),
        np.frombuffer(alive, np.uint8).astype(bool),
        [[(int(sender), bytes(signal)) for sender, signal in signals] for signals in heard],
        sites,
    )


def _describe(dtype: np.dtype[np.void]) -> str:
    return json.dumps([list(field) for field in dtype.descr])


def _dtype(text: str) -> np.dtype[np.void]:
    return np.dtype([(f[0], f[1], *(tuple(shape) for shape in f[2:])) for f in json.loads(text)])
