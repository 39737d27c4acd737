"""The tables of a run: what goes in comes out, and any SQLite can read it."""

import math
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from sim.site import Arrival, Event, Site
from swarm import metrics
from swarm.metrics import COLUMNS, Metrics

ARRIVAL = Arrival(1.5, 2, "ash", 133, "pull", 3, ((0.0, 0.0, 0.0),))
DONE = Site(4, ARRIVAL, (0.0, 0.0, 0.0), 2.0, 3.25, 9.5, "done")
WITHDRAWN = Site(-1, ARRIVAL, (0.0, 0.0, 0.0), math.nan, ended=12.0, outcome="withdrawn")


@pytest.fixture
def table(tmp_path: Path) -> Metrics:
    return Metrics(tmp_path / "metrics.sqlite")


def test_what_goes_in_comes_out(table: Metrics, tmp_path: Path) -> None:
    table.event(Event(3.0, "warning", "robot 1 is late"))
    table.row([float(n) for n in range(len(COLUMNS))], [DONE])
    table.row([0.5] * len(COLUMNS), [DONE, WITHDRAWN])
    table.event(Event(13.0, "error", "last words"))
    table.close()
    rows = metrics.load(tmp_path)
    assert rows.dtype.names == COLUMNS
    assert rows[0].tolist() == tuple(range(len(COLUMNS)))
    assert rows.driven.tolist() == [len(COLUMNS) - 1, 0.5]
    tasks = metrics.load(tmp_path, "tasks")
    assert tasks[0].tolist() == (4, "ash", "pull", 3, 2, 1.5, 2.0, 3.25, 9.5, "done")
    assert tasks.site.tolist() == [4, -1], "each once"
    assert np.isnan(tasks[1].opened)
    assert np.isnan(tasks[1].touched)
    assert tasks[1].ended == 12.0
    events = metrics.load(tmp_path, "events")
    assert events.text.tolist() == ["robot 1 is late", "last words"]
    assert (events.time.tolist(), events.level.tolist()) == ([3.0, 13.0], ["warning", "error"])


def test_rows_are_kept_while_the_run_goes_on(table: Metrics, tmp_path: Path) -> None:
    table.event(Event(3.0, "info", "kept with the row"))
    table.row([1.0] * len(COLUMNS), [DONE])
    table.event(Event(4.0, "info", "not yet"))
    with sqlite3.connect(f"file:{tmp_path}/metrics.sqlite?mode=ro", uri=True) as other:
        assert other.execute("SELECT count(*) FROM metrics").fetchall() == [(1,)]
        assert other.execute("SELECT text FROM events").fetchall() == [("kept with the row",)]
        assert other.execute("SELECT kind, opened FROM tasks").fetchall() == [("ash", 2.0)]
    table.close()


def test_empty_tables_have_their_columns(table: Metrics, tmp_path: Path) -> None:
    table.close()
    tasks = metrics.load(tmp_path, "tasks")
    assert len(tasks) == 0
    assert tasks.dtype["site"] == np.int64
    assert tasks.dtype["opened"] == np.float64
    assert metrics.load(tmp_path).dtype.names == COLUMNS


def test_what_is_not_there(table: Metrics, tmp_path: Path) -> None:
    table.close()
    with pytest.raises(ValueError, match=r"no table 'robots'; it has metrics, tasks, events$"):
        metrics.load(tmp_path, "robots")
    with pytest.raises(ValueError, match=rf"^{tmp_path}/none: no run folder \(metrics.sqlite is missing\)$"):
        metrics.load(tmp_path / "none")
