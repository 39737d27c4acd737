"""`jerne compare` as a user calls it: real processes, killed and resumed."""

import contextlib
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from swarm.cli import main
from swarm.study import figures
from swarm.study.compare import sources
from swarm.study.document import Document
from tests.conftest import wait

MARK = "JERNE_TEST_MARK"
PLUGIN = """
from swarm.learners.plain import Guess
from swarm.registry import learner


@learner("explodes")
class Explodes(Guess):
    def decide(self, state, lane, situation, allowed, now):
        raise RuntimeError("as it should")
"""


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    db = sqlite3.connect(path)
    try:
        return db.execute(query).fetchall()
    finally:
        db.close()


def content(out: Path) -> list[tuple[object, ...]]:
    """All that was played, without what depends on the clock."""
    query = (
        "SELECT condition, change, controller, variant, seed, time, done, driven, waited FROM rows "
        "JOIN runs USING (run) JOIN cells USING (cell) ORDER BY 1, 2, 3, 4, 5, 6"
    )
    return rows(out / "study.sqlite", query)


class Command:
    """`jerne compare` in processes of its own."""

    def __init__(self, *arguments: object, mark: str) -> None:
        self.mark = mark
        self.process = subprocess.Popen(
            [sys.executable, "-m", "swarm", "compare", *map(str, arguments)],
            env={**os.environ, MARK: mark},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def living(self) -> list[int]:
        """All its processes that are there."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if f"{MARK}={self.mark}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                    found.append(int(folder.name))
            except OSError:
                continue
        return found

    def workers(self) -> list[int]:
        """Those that play: children of the server."""
        children = []
        for pid in set(self.living()) - {self.process.pid}:
            try:
                parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            if parent != self.process.pid:
                children.append(pid)
        return children

    def wait_for_runs(self, out: Path, count: int) -> None:
        def there() -> bool:
            try:
                return rows(out / "study.sqlite", "SELECT COUNT(*) FROM runs") >= [(count,)]
            except sqlite3.Error:
                return False

        wait(there, 300)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Command]]:
    begun: list[Command] = []

    def begin(*arguments: object) -> Command:
        begun.append(Command(*arguments, mark=f"{tmp_path}{len(begun)}"))
        return begun[-1]

    yield begin
    for command in begun:
        for pid in command.living():
            os.kill(pid, signal.SIGKILL)
        command.process.communicate()


def test_a_study_from_spec_to_report(small: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert main(["compare", str(small), "--dry-run", "--out", str(out)]) == 0
    assert "12 runs, 0.1 simulated hours" in capfd.readouterr().out
    assert not out.exists()
    assert main(["compare", str(small), "--out", str(out), "--seeds", "1", "--plain"]) == 0
    half = content(out)
    assert main(["compare", str(small), "--out", str(out), "--plain"]) == 0
    said = capfd.readouterr().out
    assert "6 of 12 runs are there already" in said
    assert f"12 of 12 runs, 0 failed; report: {out}/report.html" in said
    assert [row for row in content(out) if row[4] == 1001] == half
    # reset minds do as the others up to the change, and so do both seeds' variants
    page, text = (out / "report.html").read_text(), (out / "report.md").read_text()
    pictures = re.findall(r"\]\((figures/[^)]+)\)", text)
    assert len(pictures) == page.count("data:image/svg+xml;base64,") >= 4
    for picture in pictures:
        assert (out / picture).read_text().rstrip().endswith("</svg>")
    assert "http" not in re.sub(r"data:[^\"]+", "", page)
    for heading in ("Methods", "Against random", "Transfer", "Against known rules", "Return to an old regime"):
        assert f"# {heading}" in text
        assert heading in page
    assert "too few seeds" in text
    assert "2 seeds 1001 to 1002" in text
    # drawn anew, byte for byte
    before = {path: path.read_bytes() for path in [out / "report.md", *(out / "figures").iterdir()]}
    assert main(["compare", str(small), "--out", str(out), "--report-only"]) == 0
    assert {path: path.read_bytes() for path in before} == before
    # another mission is no extension
    small.write_text(small.read_text().replace("before = 6", "before = 7"))
    assert main(["compare", str(small), "--out", str(out)]) == 2
    assert "was played with another spec" in capfd.readouterr().err


def test_a_diagram_has_a_value_at_every_place(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the conditions are called, and also of a swept matrix."""
    text = small.read_text().replace('[changes.return]\ntype = "meaning"\nback = true\n', "")
    small.write_text(
        text
        + """
[conditions]
"far, noisy" = ["radio.range=3"]
near = ["radio.range=1"]
[[sweep]]
key = "mind.immune.affinity"
values = [[[0, -1], [-1, 0]], [[0, -1], [-0.5, 0]]]
"""
    )
    drawn: list[dict[tuple[object, ...], float]] = []
    monkeypatch.setattr(figures, "diagram", lambda _, __, values, *___, **____: drawn.append(values))
    monkeypatch.setattr(Document, "figure", lambda *_: None)
    assert main(["compare", str(small), "--out", str(tmp_path / "out"), "--seeds", "1", "--plain"]) == 0
    places = {
        (name, matrix) for name in ("far, noisy", "near") for matrix in (((0, -1), (-1, 0)), ((0, -1), (-0.5, 0)))
    }
    assert len(drawn) == 3
    for values in drawn:
        assert values.keys() == places
        assert all(value > 0 for value in values.values())


@pytest.mark.slow
def test_the_same_after_kills_of_everything_and_of_a_worker(
    small: Path, tmp_path: Path, start: Callable[..., Command]
) -> None:
    whole = start(small, "--out", tmp_path / "whole", "--jobs", 2)
    whole.process.communicate(timeout=600)
    assert whole.process.returncode == 0
    out = tmp_path / "out"
    first = start(small, "--out", out, "--jobs", 2)
    first.wait_for_runs(out, 2)
    first.process.kill()
    first.process.wait()
    wait(lambda: not first.living(), 20)  # workers notice
    kept = rows(out / "study.sqlite", "SELECT cell, seed, ended, wall FROM runs ORDER BY run")
    assert 2 <= len(kept) < 12
    second = start(small, "--out", out, "--jobs", 2)
    wait(second.workers, 60)
    second.wait_for_runs(out, len(kept) + 1)
    for pid in second.workers()[:1]:
        os.kill(pid, signal.SIGKILL)  # a worker's run is played by another one
    said, _ = second.process.communicate(timeout=600)
    assert second.process.returncode == 0, said
    assert rows(out / "study.sqlite", "SELECT cell, seed, ended, wall FROM runs ORDER BY run")[: len(kept)] == kept
    assert content(out) == content(tmp_path / "whole")
    assert "12 of 12 runs, 0 failed" in said


@pytest.mark.slow
def test_ctrl_c_ends_it_cleanly(small: Path, tmp_path: Path, start: Callable[..., Command]) -> None:
    out = tmp_path / "out"
    small.write_text(small.read_text().replace("seeds = 2", "seeds = 50"))
    command = start(small, "--out", out, "--jobs", 2)
    command.wait_for_runs(out, 1)
    began = time.monotonic()
    command.process.send_signal(signal.SIGINT)
    said, _ = command.process.communicate(timeout=30)
    assert command.process.returncode == 130
    assert time.monotonic() - began < 20
    assert "stopped by SIGINT" in said
    assert "the same command goes on" in said
    assert "Traceback" not in said
    wait(lambda: not command.living(), 20)
    done = rows(out / "study.sqlite", "SELECT COUNT(*) FROM runs WHERE state = 'done'")
    assert done[0][0] >= 1  # type: ignore[operator]
    assert f"{done[0][0]} of 300 runs" in said


def test_runs_that_fail_are_reported_and_end_nothing(
    small: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], start: Callable[..., Command]
) -> None:
    (tmp_path / "explodes.py").write_text(PLUGIN)
    text = small.read_text().replace("seeds = 2", "seeds = 1").replace("before = 6", "before = 12")
    bad = """bad = ["mind.plugins=['explodes.py']", "mind.learner=explodes"]"""
    text = text.replace("[controllers]", f"[controllers]\n{bad}")
    small.write_text(text)
    out = tmp_path / "out"
    command = start(small, "--out", out)
    said, _ = command.process.communicate(timeout=600)
    assert command.process.returncode == 1, said
    assert "a run failed: RuntimeError: as it should (explodes.py, line 9)" in said
    query = "SELECT DISTINCT controller, state FROM runs JOIN cells USING (cell) ORDER BY 1"
    assert rows(out / "study.sqlite", query) == [("bad", "failed"), ("immune", "done"), ("random", "done")]
    report = (out / "report.md").read_text()
    assert "4 runs failed and are left out" in report
    assert "RuntimeError: as it should" in report


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "a study is needed: jerne compare SPEC, or jerne compare --new FILE"),
        (["nothing.toml"], "nothing.toml: cannot be read: No such file or directory"),
        (["SMALL", "--jobs", "0"], "--jobs 0: must be at least 1"),
        (["SMALL", "--seeds", "0"], "--seeds 0: seeds = 0: must lie in [1, 100000]"),
        (["SMALL", "--seeds", "200000"], "--seeds 200000: seeds = 200000: must lie in [1, 100000]"),
        (["SMALL", "--tune-only"], "small.toml asks for no tuning (no [tune.ranges], or `tuned` is set)"),
        (["SMALL", "--out", "x" * 300], "xxx: File name too long"),
        (["SMALL", "--out", "SMALL"], "exists and is neither empty nor the folder of a study"),
        (["--new", "SMALL"], "exists already and is left as it is"),
        (["SMALL", "--report-only", "--out", "SMALL.out"], "no study is there (study.sqlite is missing)"),
    ],
)
def test_mistakes_get_one_line(
    small: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert main(["compare", *(argument.replace("SMALL", str(small)) for argument in arguments)]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_a_study_that_is_in_use_or_damaged_or_cannot_be_reported_gets_one_line(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["compare", str(small), "--out", str(out), "--plain", "--seeds", "1"]) == 0
    file, report = out / "study.sqlite", ["compare", str(small), "--out", str(out), "--report-only"]
    capsys.readouterr()
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as other:
        for hold in ("IMMEDIATE", "EXCLUSIVE"):  # others may read, or not even that
            other.execute(f"BEGIN {hold}")
            assert main(report) == 2
            said = f"jerne: error: {file}: in use by another program: database is locked\n"
            assert capsys.readouterr().err == said
            other.execute("ROLLBACK")
    (out / "report.html").unlink()
    (out / "report.html").mkdir()
    assert main(report) == 2
    assert capsys.readouterr().err == f"jerne: error: {out / 'report.html'}: cannot be written: Is a directory\n"
    data = file.read_bytes()
    file.write_bytes(data[:4096] + bytes(len(data) - 8192) + data[-4096:])
    capsys.readouterr()
    for more in ([], ["--report-only"]):
        assert main(["compare", str(small), "--out", str(out), "--plain", *more]) == 2
        error = capsys.readouterr().err
        assert error.startswith(f"jerne: error: {file}: damaged: ")
        assert error.count("\n") == 1
    assert len(file.read_bytes()) == len(data)


def test_a_refused_study_leaves_no_folder(small: Path, tmp_path: Path) -> None:
    """And one that another folder was named for leaves what is in that."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "report.html").write_text("mine")
    assert main(["compare", str(small), "--out", str(other)]) == 2
    assert {path.name: path.read_text() for path in other.iterdir()} == {"report.html": "mine"}
    small.write_text(small.read_text().replace("[controllers]", '[controllers]\nbad = ["mind.arbiter=imune"]'))
    assert main(["compare", str(small), "--out", str(tmp_path / "out")]) == 2
    assert not (tmp_path / "out").exists()


def test_a_new_spec_can_be_played(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mine.toml"
    assert main(["compare", "--new", str(file)]) == 0
    assert main(["compare", str(file), "--dry-run"]) == 0
    assert "2 controllers: immune; random" in capsys.readouterr().out


def test_without_the_extra_there_is_one_line(small: Path, tmp_path: Path) -> None:
    code = "import sys; sys.modules['scipy'] = None; from swarm.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "compare", str(small), "--out", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 2
    assert "jerne compare needs scipy and matplotlib: uv sync --extra study" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_runs_of_other_code_are_told_apart(tmp_path: Path) -> None:
    """In any package and any depth; a note beside the code is no code."""
    file = tmp_path / "swarm" / "arbiters" / "mine.py"
    file.parent.mkdir(parents=True)
    file.write_text("one = 1\n")
    before = sources(tmp_path)
    (file.parent / "notes.txt").write_text("some")
    assert sources(tmp_path) == before
    file.write_text("one = 2\n")
    assert sources(tmp_path) != before
