"""Writing the tick log of a run, in the format of `swarm.record`."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import msgspec
import numpy as np
from mcap.writer import CompressionType, Writer

from robots.command import COMMAND
from sim.site import Event
from swarm import foxglove
from swarm.net.ties import Ties
from swarm.record import (
    DECISION,
    EVENT,
    LAYOUT,
    LINK,
    RULES,
    SCENE,
    TICK,
    TRANSFORMS,
    TYPES,
    VERSION,
    Tick,
    Told,
)
from swarm.report import REPORT
from swarm.view.picture import palette
from swarm.view.snapshot import Stage


class Recorder:
    """Writes the log of a run. Raises OSError where the file cannot be written."""

    def __init__(self, path: Path, mission: str, percepts: np.dtype[np.void], dt: float, stage: Stage) -> None:
        self._dt, self._stage, self._colours = dt, stage, palette(stage)
        self._every = max(1, round(1 / dt))
        self._shown: dict[int, list[Any]] = {}  # sites in the scene
        self._strategies: list[int] = []  # of the robots in the scene
        self._file: IO[bytes] = path.open("wb")
        self._writer = Writer(self._file, chunk_size=2**30, compression=CompressionType.ZSTD)
        self._writer.start(profile="", library="jerne")
        self._writer.add_metadata(
            "jerne",
            {
                "version": VERSION,
                "mission": mission,
                "stage": msgspec.json.encode(stage).decode(),
                "tick": repr(dt),
                "percept": _describe(percepts),
                "command": _describe(COMMAND),
                "report": _describe(REPORT),
            },
        )
        ours = {"type": "array", "prefixItems": [{"title": name, "description": what} for name, what in LAYOUT]}
        decided = ("robot", "tick", "situation", "action", "prediction", "allowed", "rules")
        self._channels = {
            TICK: self._channel(TICK, "jerne.Tick", json.dumps(ours).encode(), "msgpack"),
            DECISION: self._channel(DECISION, "jerne.Decision", _schema("jerne.Decision", decided)),
            RULES: self._channel(RULES, "jerne.Rules", _schema("jerne.Rules", ("robot", "tick", "rules"))),
            LINK: self._channel(LINK, "jerne.Link", _schema("jerne.Link", ("robot", "tick", *Ties.__struct_fields__))),
        }
        for topic, name in (
            (EVENT, "foxglove.Log"),
            (TRANSFORMS, "foxglove.FrameTransforms"),
            (SCENE, "foxglove.SceneUpdate"),
        ):
            self._channels[topic] = self._channel(topic, name, foxglove.schema(name))
        self._writer.flush()  # type: ignore[no-untyped-call]

    def tick(self, now: Tick) -> None:
        """Record one tick; every simulated second goes to the disk."""
        arrays = [a.astype(t) if t else a for a, t in zip(now[1:11], TYPES, strict=True)]
        data = msgspec.msgpack.encode([now.tick, *(a.tobytes() for a in arrays), *now[11:]])
        time = now.tick * self._dt
        self._add(TICK, time, data, now.tick)
        self._add(TRANSFORMS, time, foxglove.transforms(time, now.poses), now.tick)
        self._draw(now, time)
        if now.tick % self._every == self._every - 1:
            self._writer.flush()  # type: ignore[no-untyped-call]

    def told(self, told: Told) -> None:
        """Record what a robot told of its rules and its link."""
        where = {"robot": told.robot, "tick": told.tick}
        if told.decision is not None:
            said = {**where, **msgspec.structs.asdict(told.decision)}
            self._add(DECISION, told.tick * self._dt, msgspec.json.encode(said), told.tick)
        if told.rules is not None:
            self._add(RULES, told.tick * self._dt, msgspec.json.encode({**where, "rules": told.rules}), told.tick)
        if told.ties is not None:
            said = {**where, **msgspec.structs.asdict(told.ties)}
            self._add(LINK, told.tick * self._dt, msgspec.json.encode(said), told.tick)

    def event(self, event: Event) -> None:
        """Record something worth a line."""
        self._add(EVENT, event.time, foxglove.log(event), 0)

    def close(self) -> None:
        """Write the index and close the file."""
        try:
            self._writer.finish()  # type: ignore[no-untyped-call]
        finally:
            self._file.close()

    def _draw(self, now: Tick, time: float) -> None:
        """Bring the scene up to date: once a second what moves in it, all else when it changes."""
        strategies = now.reports["strategy"].tolist()
        if not self._strategies:
            self._add(SCENE, time, foxglove.stage(self._stage.walls, self._stage.radius, strategies, time), now.tick)
        elif now.tick % self._every == 0:
            open_sites = {row[0]: row for row in now.sites}
            moved = [row for number, row in open_sites.items() if self._shown.get(number) != row]
            gone = [number for number in self._shown if number not in open_sites]
            pairs = enumerate(zip(strategies, self._strategies, strict=True))
            turned = {robot: new for robot, (new, old) in pairs if new != old}
            if not (moved or gone or turned):
                return
            drawn = foxglove.scene(time, moved, gone, turned, self._stage.radius, self._stage.face, self._colours)
            self._add(SCENE, time, drawn, now.tick)
            self._shown = open_sites
        else:
            return
        self._strategies = strategies

    def _channel(self, topic: str, name: str, schema: bytes, encoding: str = "json") -> int:
        number = self._writer.register_schema(name, "jsonschema", schema)
        return self._writer.register_channel(topic, encoding, number)

    def _add(self, topic: str, time: float, data: bytes, sequence: int) -> None:
        nanoseconds = round(time * 1e9)
        self._writer.add_message(self._channels[topic], nanoseconds, data, nanoseconds, sequence)


def _schema(name: str, fields: Sequence[str]) -> bytes:
    return json.dumps({"title": name, "type": "object", "properties": {field: {} for field in fields}}).encode()


def _describe(dtype: np.dtype[np.void]) -> str:
    return json.dumps([list(field) for field in dtype.descr])
