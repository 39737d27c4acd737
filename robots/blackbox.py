"""The black box: the last minute of a robot, kept in memory and written when something went wrong."""

import json
import math
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

MINUTE = 60.0  # s


class BlackBox:
    """The last `MINUTE` of one robot: a line for each tick and each event."""

    def __init__(self, seconds: float = MINUTE) -> None:
        self._seconds = seconds
        self._lines: deque[tuple[float, dict[str, Any]]] = deque()

    def tick(
        self, now: float, percept: np.ndarray, wanted: np.ndarray, sent: np.ndarray, state: str, why: str, age: float
    ) -> None:
        """Keep what a robot sensed, what its mind wanted and what the body was told."""
        line = {"state": state, "why": why, "age": age}
        for key, record in (("wanted", wanted), ("sent", sent), ("percept", percept)):
            line[key] = {name: record[name][0].tolist() for name in record.dtype.names or ()}
        self._keep(now, line)

    def event(self, now: float, text: str) -> None:
        """Keep a line of text."""
        self._keep(now, {"event": text})

    def write(self, path: Path, why: str) -> None:
        """Write all as lines of JSON, the reason first; numbers that are none become null. Raises OSError."""
        with path.open("w", encoding="utf-8") as file:
            for line in [{"why": why}, *({"time": round(now, 3), **line} for now, line in self._lines)]:
                file.write(json.dumps(_plain(line), allow_nan=False) + "\n")

    def _keep(self, now: float, line: dict[str, Any]) -> None:
        self._lines.append((now, line))
        while self._lines[0][0] < now - self._seconds:
            self._lines.popleft()


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return round(value, 4) if math.isfinite(value) else None
    return value
