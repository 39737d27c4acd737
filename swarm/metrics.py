"""The metrics of a run: `metrics.sqlite`, three tables anyone can query.

``metrics``
    one row every 10 simulated seconds: time (s), phase, done (tasks so far), open (sites), backlog
    (sites without room), aggregate (share of robots), waiting (mean s of robots at sites), alive
    (robots), components (of the radio graph), said, heard, lost (signals so far), driven (m, all robots so far)
``tasks``
    one row per site that ended: site, kind, action, team, phase, arrived, opened, touched, ended (s), outcome
``events``
    time (s), level, text
"""

import math
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sim.site import Event, Site

EVERY = 10.0  # s between two rows
COLUMNS = (
    "time",
    "phase",
    "done",
    "open",
    "backlog",
    "aggregate",
    "waiting",
    "alive",
    "components",
    "said",
    "heard",
    "lost",
    "driven",
)
_SCHEMA = f"""
CREATE TABLE metrics ({", ".join(f"{name} REAL" for name in COLUMNS)});
CREATE TABLE tasks (site INTEGER, kind TEXT, action TEXT, team INTEGER, phase INTEGER,
                    arrived REAL, opened REAL, touched REAL, ended REAL, outcome TEXT);
CREATE TABLE events (time REAL, level TEXT, text TEXT);
"""
#: an empty REAL becomes NaN
_TYPES: dict[str, type[np.generic]] = {"REAL": np.float64, "INTEGER": np.int64, "TEXT": np.str_}


class Metrics:
    """Writes the table of a run, a commit with each row."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path)
        self._db.executescript(_SCHEMA)
        self._db.execute("PRAGMA synchronous = OFF")
        self._tasks = 0

    def row(self, values: Sequence[float], ended: Sequence[Site]) -> None:
        """Add `values`, in the order of `COLUMNS`, and the sites that ended since the last row."""
        self._db.execute(f"INSERT INTO metrics VALUES ({', '.join('?' * len(COLUMNS))})", list(values))
        self._db.executemany("INSERT INTO tasks VALUES (?,?,?,?,?,?,?,?,?,?)", map(_task, ended[self._tasks :]))
        self._tasks = len(ended)
        self._db.commit()

    def event(self, event: Event) -> None:
        """Add an event; it is kept with the next row."""
        self._db.execute("INSERT INTO events VALUES (?,?,?)", (event.time, event.level, event.text))

    def close(self) -> None:
        """Keep everything and close the file."""
        self._db.commit()
        self._db.close()


def load(run: Path, table: str = "metrics") -> np.ndarray:
    """A table of the run folder `run`, as a NumPy record array with NaN for times that have not come.

    Raises ValueError where there is none.
    """
    path = run / "metrics.sqlite"
    if not path.is_file():
        raise ValueError(f"{run}: no run folder (metrics.sqlite is missing)")
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        columns = {row[1]: _TYPES[row[2]] for row in db.execute(f"PRAGMA table_info({table})")}
        if not columns:
            raise ValueError(f"{path}: no table {table!r}; it has metrics, tasks, events")
        rows = db.execute(f"SELECT * FROM {table}").fetchall()
    finally:
        db.close()
    values = zip(*rows, strict=True) if rows else [()] * len(columns)
    arrays = [np.array(column, kind) for column, kind in zip(values, columns.values(), strict=True)]
    return np.rec.fromarrays(arrays, names=list(columns))  # type: ignore[call-overload, no-any-return]


def _task(site: Site) -> tuple[object, ...]:
    a = site.arrival
    times = [None if math.isnan(t) else t for t in (a.time, site.opened, site.touched, site.ended)]
    return (site.number, a.kind, a.action, a.team, a.phase, *times, site.outcome)
