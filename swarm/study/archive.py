"""The file of a study: one SQLite database with every run in it, whole or not at all.

``cells``
    one row per controller, change, condition and variant: with its mission (TOML) and its digest
``runs``
    one row per cell and seed: state (done | failed), error, wall and CPU s, when it ended, code (digest of sources)
``rows``
    one row per run and 10 simulated s, see `swarm.study.play.COLUMNS`
``tasks``
    one row per run and site, see `swarm.study.play.TASKS`
``specs``
    the spec's text, each time it was another one; ``versions``: with what it was played

A run is committed in one transaction, so that whatever ends the process loses no run and leaves no half one.
"""

import fcntl
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from swarm import missionfile
from swarm.study.plan import Cell
from swarm.study.play import COLUMNS, TASKS, Played

FORMAT = 1
_SCHEMA = f"""
CREATE TABLE cells (cell INTEGER PRIMARY KEY, condition TEXT, change TEXT, controller TEXT, variant TEXT,
                    digest TEXT, mission TEXT, UNIQUE (condition, change, controller, variant));
CREATE TABLE runs (run INTEGER PRIMARY KEY, cell INTEGER REFERENCES cells, seed INTEGER, state TEXT, error TEXT,
                   wall REAL, cpu REAL, ended TEXT DEFAULT CURRENT_TIMESTAMP, code TEXT, UNIQUE (cell, seed));
CREATE TABLE rows (run INTEGER REFERENCES runs, {", ".join(f"{name} REAL" for name in COLUMNS)});
CREATE TABLE tasks (run INTEGER REFERENCES runs, kind TEXT, action TEXT, team INTEGER, phase INTEGER,
                    arrived REAL, opened REAL, touched REAL, ended REAL, outcome TEXT);
CREATE TABLE specs (text TEXT, since TEXT DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE versions (package TEXT, version TEXT, UNIQUE (package, version));
CREATE INDEX rows_run ON rows (run);
CREATE INDEX tasks_run ON tasks (run);
PRAGMA user_version = {FORMAT};
"""


class ArchiveError(ValueError):
    """A study's file that cannot be used as it is asked for."""


class Run(NamedTuple):
    """One run that is in the file."""

    cell: tuple[str, str, str, str]  # condition, change, controller, variant
    seed: int
    rows: np.ndarray  # (T,) records with the fields COLUMNS
    tasks: np.ndarray  # (S,) records: phase, arrived, ended (s, NaN: not), done (bool)


class Archive:
    """The file at `path`, made if it is not there. One process at a time; raises ArchiveError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._lock = path.open("ab")
        except OSError as error:
            raise ArchiveError(f"{path}: cannot be written: {error.strerror}") from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            raise ArchiveError(f"{path}: another process is at work on it") from None
        try:
            self._db = sqlite3.connect(path, isolation_level=None)
            (found,) = self._db.execute("PRAGMA user_version").fetchone()
            if found == 0 and not self._db.execute("SELECT * FROM sqlite_master").fetchall():
                self._db.executescript(f"BEGIN; {_SCHEMA} COMMIT;")
            elif found != FORMAT:
                raise ArchiveError(f"{path}: not the file of a study, or one of another version")
        except sqlite3.OperationalError as error:
            self._lock.close()
            raise ArchiveError(f"{path}: {why(error)}") from None
        except sqlite3.DatabaseError as error:
            self._lock.close()
            raise ArchiveError(f"{path}: not the file of a study: {error}") from None
        self._numbers: dict[tuple[str, str, str, str], int] = {}

    def admit(self, cells: Iterable[Cell], text: str, versions: dict[str, str | None]) -> None:
        """Enter the cells of a spec's `text`. Raises ArchiveError where one was played with another mission."""
        known = {
            row[1:5]: (row[0], row[5], row[6])
            for row in self._db.execute(
                "SELECT cell, condition, change, controller, variant, digest, mission FROM cells"
            )
        }
        new, others = [], []
        for cell in cells:
            number, digest, mission = known.get(cell.key, (0, "", ""))
            if not number:
                new.append(cell)
            elif digest != cell.digest:
                others.append(f"{_named(cell.key)}: {_difference(mission, missionfile.dumps(cell.mission))}")
            self._numbers[cell.key] = number
        if others:
            more = f" (and {len(others) - 1} more)" if len(others) > 1 else ""
            raise ArchiveError(
                f"{self.path}: was played with another spec: {others[0]}{more}; give --out another folder, or change "
                "only what adds to a study: seeds, controllers, changes, conditions"
            )
        with _transaction(self._db):
            for cell in new:
                values = (*cell.key, cell.digest, missionfile.dumps(cell.mission))
                fields = "condition, change, controller, variant, digest, mission"
                at = self._db.execute(f"INSERT INTO cells ({fields}) VALUES (?,?,?,?,?,?)", values)
                self._numbers[cell.key] = at.lastrowid or 0
            last = self._db.execute("SELECT text FROM specs ORDER BY rowid DESC LIMIT 1").fetchone()
            if last != (text,):
                self._db.execute("INSERT INTO specs (text) VALUES (?)", (text,))
            rows = [(package, version or "none") for package, version in versions.items()]
            self._db.executemany("INSERT OR IGNORE INTO versions VALUES (?,?)", rows)

    def states(self) -> dict[tuple[tuple[str, str, str, str], int], str]:
        """(cell, seed) -> state of all runs that are there, also of cells that no spec asks for any more."""
        query = "SELECT condition, change, controller, variant, seed, state FROM runs JOIN cells USING (cell)"
        return {(row[:4], row[4]): row[5] for row in self._db.execute(query)}

    def keep(self, cell: Cell, seed: int, played: Played, code: str) -> None:
        """Commit a run, whole."""
        with _transaction(self._db):
            run = self._run(cell, seed, "done", None, code, (played.wall, played.cpu))
            marks = ",".join("?" * (len(COLUMNS) + 1))
            self._db.executemany(f"INSERT INTO rows VALUES ({marks})", [(run, *row) for row in played.rows])
            marks = ",".join("?" * (len(TASKS) + 1))
            self._db.executemany(f"INSERT INTO tasks VALUES ({marks})", [(run, *task) for task in played.tasks])

    def fail(self, cell: Cell, seed: int, error: str, code: str) -> None:
        """Commit that a run failed, and how."""
        with _transaction(self._db):
            self._run(cell, seed, "failed", error, code, (None, None))

    def _run(
        self, cell: Cell, seed: int, state: str, error: str | None, code: str, spent: tuple[float | None, float | None]
    ) -> int:
        number = self._numbers[cell.key]
        self._db.execute("DELETE FROM runs WHERE cell = ? AND seed = ? AND state = 'failed'", (number, seed))
        at = self._db.execute(
            "INSERT INTO runs (cell, seed, state, error, wall, cpu, code) VALUES (?,?,?,?,?,?,?)",
            (number, seed, state, error, *spent, code),
        )
        return at.lastrowid or 0

    def runs(self, cells: Iterable[Cell], seeds: range) -> list[Run]:
        """The runs of these cells and seeds that are done, in that order."""
        wanted = {cell.key: i for i, cell in enumerate(cells)}
        query = "SELECT run, condition, change, controller, variant, seed FROM runs JOIN cells USING (cell)"
        found = [
            row for row in self._db.execute(f"{query} WHERE state = 'done'") if row[1:5] in wanted and row[5] in seeds
        ]
        found.sort(key=lambda row: (wanted[row[1:5]], row[5]))
        return [Run(row[1:5], row[5], self._rows(row[0]), self._tasks(row[0])) for row in found]

    def _rows(self, run: int) -> np.ndarray:
        columns = ", ".join(f'"{name}"' for name in COLUMNS)
        rows = self._db.execute(f"SELECT {columns} FROM rows WHERE run = ? ORDER BY rowid", (run,)).fetchall()
        return np.array(rows, [(name, "f8") for name in COLUMNS])

    def _tasks(self, run: int) -> np.ndarray:
        query = "SELECT phase, arrived, ended, outcome = 'done' FROM tasks WHERE run = ? ORDER BY rowid"
        rows = [(p, a, np.nan if e is None else e, d) for p, a, e, d in self._db.execute(query, (run,))]
        return np.array(rows, [("phase", "i8"), ("arrived", "f8"), ("ended", "f8"), ("done", "?")])

    def failures(self, cells: Iterable[Cell], seeds: range) -> list[tuple[str, int, str]]:
        """Cell in words, seed and error of the runs of these cells and seeds that failed."""
        wanted = {cell.key for cell in cells}
        query = "SELECT condition, change, controller, variant, seed, error FROM runs JOIN cells USING (cell)"
        found = self._db.execute(f"{query} WHERE state = 'failed' ORDER BY cell, seed")
        return [(_named(row[:4]), row[4], row[5]) for row in found if row[:4] in wanted and row[4] in seeds]

    def versions(self) -> dict[str, list[str]]:
        """Package -> versions that the runs were played with; code -> digests of jerne's sources."""
        out: dict[str, list[str]] = {}
        for package, version in self._db.execute("SELECT package, version FROM versions ORDER BY package, version"):
            out.setdefault(package, []).append(version)
        out["sources"] = [row[0] for row in self._db.execute("SELECT DISTINCT code FROM runs ORDER BY code")]
        return out

    def cpu(self) -> float:
        """CPU s of all runs that are done."""
        return float(self._db.execute("SELECT TOTAL(cpu) FROM runs").fetchone()[0])

    def spec(self) -> str:
        """The text of the latest spec, empty if there is none."""
        found = self._db.execute("SELECT text FROM specs ORDER BY rowid DESC LIMIT 1").fetchone()
        return str(found[0]) if found else ""

    def close(self) -> None:
        """Close the file."""
        self._db.close()
        self._lock.close()


class _transaction:  # noqa: N801 - used as a function
    """All or nothing."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db

    def __enter__(self) -> None:
        self.db.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self.db.in_transaction:  # SQLite itself takes back what a full disk stopped
            self.db.execute("COMMIT" if kind is None else "ROLLBACK")


def why(error: sqlite3.DatabaseError) -> str:
    """What is wrong with a file by what SQLite says: it is damaged, or something is in the way."""
    if not isinstance(error, sqlite3.OperationalError):
        return f"damaged: {error}"
    busy = error.sqlite_errorcode == sqlite3.SQLITE_BUSY
    return f"{'in use by another program' if busy else 'cannot be read or written'}: {error}"


def _named(key: tuple[str, ...]) -> str:
    return " / ".join(key)


def _difference(old: str, new: str) -> str:
    """The first line in which two missions differ."""
    for before, now in zip(old.splitlines(), new.splitlines(), strict=False):
        if before != now:
            return f"{before} there, {now} now"
    return "a file that it names has changed"
