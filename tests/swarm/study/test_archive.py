"""The file of a study: whole runs, once each; another spec is refused, a larger one extends."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from swarm.mission import Mission
from swarm.study.archive import Archive, ArchiveError, why
from swarm.study.plan import GOES_ON, RESET, Cell
from swarm.study.play import COLUMNS, Played

ROW = tuple(float(i) for i in range(len(COLUMNS)))
TASK = ("ash", "push", 1, 0, 1.0, 2.0, None, 4.0, "done")


@pytest.fixture
def cell(mission: Mission) -> Cell:
    return Cell("nominal", "team", "immune", GOES_ON, mission)


def played() -> Played:
    return Played([ROW, ROW], [TASK, (*TASK[:7], None, "open")], 2.0, 1.5)


def opened(path: Path, *cells: Cell, text: str = "a") -> Archive:
    archive = Archive(path)
    archive.admit(cells, text, {"numpy": "2"})
    return archive


def test_what_is_kept_comes_back(tmp_path: Path, cell: Cell) -> None:
    other = replace(cell, variant=RESET)
    archive = opened(tmp_path / "s.sqlite", cell, other)
    archive.keep(cell, 8, played(), "c1")
    archive.keep(cell, 7, played(), "c1")
    archive.fail(other, 7, "ValueError: no", "c2")
    archive.close()
    archive = opened(tmp_path / "s.sqlite", other, cell)
    assert archive.states() == {(cell.key, 8): "done", (cell.key, 7): "done", (other.key, 7): "failed"}
    runs = archive.runs([cell, other], range(7, 9))
    assert [(run.cell, run.seed) for run in runs] == [(cell.key, 7), (cell.key, 8)]
    assert tuple(runs[0].rows[0]) == ROW
    assert runs[0].tasks["done"].tolist() == [True, False]
    np.testing.assert_array_equal(runs[0].tasks["ended"], [4.0, np.nan])
    both = [cell, other]
    assert archive.failures(both, range(7, 9)) == [("nominal / team / immune / reset", 7, "ValueError: no")]
    assert archive.failures(both, range(8, 9)) == archive.failures([cell], range(7, 9)) == []
    assert archive.versions() == {"numpy": ["2"], "sources": ["c1", "c2"]}
    assert archive.cpu() == 3.0
    archive.keep(other, 7, played(), "c2")  # what failed may be played again
    assert archive.states()[other.key, 7] == "done"
    assert archive.failures(both, range(7, 9)) == []
    with pytest.raises(sqlite3.IntegrityError):  # what is done may not
        archive.keep(other, 7, played(), "c2")
    assert len(archive.runs([cell, other], range(7, 9))) == 3
    archive.close()


def test_a_package_that_is_missing_is_noted_once(tmp_path: Path, cell: Cell) -> None:
    archive = Archive(tmp_path / "s.sqlite")
    for _ in range(3):
        archive.admit([cell], "a", {"numba": None})
    assert archive.versions()["numba"] == ["none"]
    archive.close()


def test_a_run_is_kept_whole_or_not_at_all(tmp_path: Path, cell: Cell) -> None:
    archive = opened(tmp_path / "s.sqlite", cell)
    broken = replace(played(), tasks=[TASK, TASK[:3]])
    with pytest.raises(sqlite3.Error):
        archive.keep(cell, 7, broken, "c1")
    assert archive.states() == {}
    archive.keep(cell, 7, played(), "c1")
    archive.close()
    db = sqlite3.connect(tmp_path / "s.sqlite")
    assert [db.execute(f"SELECT COUNT(*) FROM {t}").fetchone()[0] for t in ("runs", "rows", "tasks")] == [1, 2, 2]


def test_a_full_disk_is_told_as_that_and_takes_nothing(tmp_path: Path, cell: Cell) -> None:
    archive = opened(tmp_path / "s.sqlite", cell)
    archive._db.execute("PRAGMA max_page_count = 20")
    with pytest.raises(sqlite3.OperationalError) as caught:
        archive.keep(cell, 7, replace(played(), rows=[ROW] * 10_000), "c1")
    assert why(caught.value) == "cannot be read or written: database or disk is full"
    assert archive.states() == {}
    archive.keep(cell, 7, played(), "c1")
    archive.close()


def test_another_mission_is_refused_and_more_cells_are_added(tmp_path: Path, cell: Cell, mission: Mission) -> None:
    path = tmp_path / "s.sqlite"
    opened(path, cell).close()
    more = replace(cell, controller="random")
    archive = opened(path, cell, more, text="b")
    assert archive.spec() == "b"
    archive.close()
    faster = replace(cell, mission=replace(mission, robots=replace(mission.robots, speed=0.4)))
    archive = Archive(path)
    with pytest.raises(
        ArchiveError,
        match=r"immune / goes on: speed = 0.2 there, speed = 0.4 now",
    ):
        archive.admit([faster, more], "c", {})
    assert archive.spec() == "b"
    archive.close()


def test_a_plugin_belongs_to_the_mission(tmp_path: Path, cell: Cell, mission: Mission) -> None:
    plugin = tmp_path / "p.py"
    plugin.write_text("A = 1\n")
    own = replace(cell, mission=replace(mission, mind=replace(mission.mind, plugins=(str(plugin),))))
    opened(tmp_path / "s.sqlite", own).close()
    plugin.write_text("A = 2\n")
    archive = Archive(tmp_path / "s.sqlite")
    with pytest.raises(ArchiveError, match="a file that it names has changed"):
        archive.admit([own], "a", {})
    archive.close()


def test_one_process_at_a_time_and_no_other_file(tmp_path: Path, cell: Cell) -> None:
    archive = opened(tmp_path / "s.sqlite", cell)
    with pytest.raises(ArchiveError, match="another process is at work on it"):
        Archive(tmp_path / "s.sqlite")
    archive.close()
    (tmp_path / "text").write_text("no database" * 100)
    with pytest.raises(ArchiveError, match="not the file of a study"):
        Archive(tmp_path / "text")
    db = sqlite3.connect(tmp_path / "other.sqlite")
    db.execute("CREATE TABLE x (y)")
    db.commit()
    db.close()
    with pytest.raises(ArchiveError, match="not the file of a study"):
        Archive(tmp_path / "other.sqlite")
    with pytest.raises(ArchiveError, match="cannot be written"):
        Archive(tmp_path / "nowhere" / "s.sqlite")
