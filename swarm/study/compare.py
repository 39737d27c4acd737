"""`jerne compare`: play a study, on all cores, resumable; then say what came out."""

import argparse
import math
import os
import sqlite3
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from swarm import results
from swarm.missionfile import MissionError
from swarm.refusal import refuse
from swarm.study import plan, spec
from swarm.study.archive import Archive, ArchiveError, why
from swarm.study.plan import Cell
from swarm.study.pool import Job, ordered, play_all
from swarm.study.spec import Spec

ABOUT = """\
Compare controllers while the world changes: controllers x changes x conditions x seeds, each a whole mission.

SPEC is a TOML file; `jerne compare --new FILE` writes one in which every key is explained. Runs go into one
SQLite file, DIR/study.sqlite, each of them whole or not at all: after Ctrl-C, a crash or a power cut the same
command goes on where it was. The report (DIR/report.html, DIR/report.md, DIR/figures) is drawn from that file.
"""
EXAMPLES = """\
examples:
  jerne compare --new mine.toml          a study of your own: every key with its meaning
  jerne compare mine.toml --dry-run      what would be played
  jerne compare mine.toml --seeds 5      a first look; later, without --seeds, the others are added
  jerne compare mine.toml --report-only  draw the report anew from what is there

exit status: 0 all is well, 1 some runs failed (the report lists them), 2 bad input, 130 stopped by Ctrl-C
"""
MOST = 20  # names that --dry-run lists
EVERY = 10.0  # s of wall time between two plain lines
LACKING = "needs scipy and matplotlib: uv sync --extra study"


def main(argv: Sequence[str]) -> int:
    """Run `jerne compare` with these arguments; the exit status."""
    args = _parser().parse_args(argv)
    try:
        if args.new:
            return _new(args.new)
        if args.spec is None:
            return refuse("a study is needed: jerne compare SPEC, or jerne compare --new FILE")
        return run(args)
    except (MissionError, ArchiveError) as error:
        return refuse(error)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in ("scipy", "matplotlib"):
            return refuse(f"jerne compare {LACKING}")
        raise


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "jerne compare", description=ABOUT, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("spec", nargs="?", type=Path, metavar="SPEC", help="the study")
    add("--new", type=Path, metavar="FILE", help="write a commented spec to start from; FILE must not exist yet")
    add("--out", type=Path, metavar="DIR", help="folder of the study (default: runs/compare-NAME)")
    add("--jobs", type=int, metavar="N", help="processes (default: one per core)")
    add("--seeds", type=int, metavar="N", help="play N seeds, fewer or more than the spec says, from its first on")
    add("--retry", action="store_true", help="play runs that failed once more")
    add("--report-only", action="store_true", help="play nothing, draw the report from what is there")
    add("--tune-only", action="store_true", help="stop when the tuning that the spec asks for is done")
    add("--dry-run", action="store_true", help="say what would be played, and stop")
    add("--plain", action="store_true", help="lines of text in place of the progress bar")
    return parser


def run(args: argparse.Namespace) -> int:
    """Play and report; the exit status. Raises ValueError for bad input."""
    study = spec.read(args.spec)
    if args.seeds is not None:
        study = _with_seeds(study, args.seeds)
    folder = args.spec.resolve().parent
    out = args.out or Path("runs") / f"compare-{study.name.replace('/', '-').replace(' ', '-')}"[:80]
    if args.dry_run:
        return _describe(study, plan.cells(study, folder), out)
    tunes = bool(study.tune.ranges and not study.tuned)
    if args.tune_only and not tunes:
        raise MissionError([f"--tune-only: {args.spec} asks for no tuning (no [tune.ranges], or `tuned` is set)"])
    _check_folder(out, report_only=args.report_only)
    plan.cells(study, folder)  # refused before anything is written
    from swarm.study import report  # needs the extra: said before hours of playing

    text = args.spec.read_text("utf-8-sig")
    with Stage(out, args) as stage:
        if tunes:
            from swarm.study import tune

            found = tune.tune(study, folder, stage, text, args.report_only)
            if found is None and args.report_only:
                raise MissionError([f"{out}: tuning is not done ({spec.TUNED} is missing), so there is no report"])
            if found is None or args.tune_only:
                return stage.status
            study = spec.with_tuned(study, found)
        cells = plan.cells(study, folder)
        archive = stage.open("study.sqlite")
        archive.admit(cells, text, stage.versions)
        if not args.report_only:
            stage.play(archive, ordered(cells, study.all_seeds()), "runs")
        failed = len(archive.failures(cells, study.all_seeds()))
        runs = archive.runs(cells, study.all_seeds())
        if not runs:
            print(f"{out}: no run is done yet, so there is no report", flush=True)
            return stage.status or int(bool(failed) or args.report_only)
        try:
            path = report.write(study, text, plan.conditions(study), cells, runs, archive, out)
        except OSError as error:
            raise MissionError([f"{error.filename or out}: cannot be written: {error.strerror}"]) from None
        print(f"{len(runs)} of {len(cells) * study.seeds} runs, {failed} failed; report: {path}", flush=True)
    return stage.status or int(bool(failed))


def _with_seeds(study: Spec, number: int) -> Spec:
    """A study with `number` seeds from its first on, fewer or more than it had."""
    try:
        return replace(study, seeds=number)
    except ValueError as error:
        raise MissionError([f"--seeds {number}: {error}"]) from None


def _check_folder(out: Path, *, report_only: bool) -> None:
    """Refuse a folder that is no study's."""
    try:
        if report_only and not (out / "study.sqlite").is_file():
            raise MissionError([f"{out}: no study is there (study.sqlite is missing)"])
        begun = any((out / name).is_file() for name in ("study.sqlite", "tuning.sqlite"))
        if out.exists() and not begun and not (out.is_dir() and not any(out.iterdir())):
            raise MissionError([f"--out {out}: exists and is neither empty nor the folder of a study"])
    except OSError as error:
        raise MissionError([f"--out {out}: {error.strerror}"]) from None


class Stage:
    """The folder of a study, and how runs are played into its files until somebody says stop."""

    def __init__(self, out: Path, args: argparse.Namespace) -> None:
        from swarm.run import Endings

        self.out, self.retry = out, args.retry
        self.jobs = _at_least_one("--jobs", args.jobs) if args.jobs is not None else os.cpu_count() or 1
        self.plain = args.plain or not sys.stdout.isatty()
        self._endings = Endings()
        self._endings.begun = True
        self.versions = versions()
        self._archives: list[Archive] = []

    @property
    def status(self) -> int:
        """The exit status: 0, or 128 + n after signal n."""
        return self._endings.status

    @property
    def stopped(self) -> bool:
        """Has somebody said stop?"""
        return bool(self._endings.first)

    def open(self, name: str) -> Archive:
        """A file in the folder, open until the stage is left. Raises ArchiveError."""
        archive = Archive(self.out / name)
        self._archives.append(archive)
        return archive

    def play(self, archive: Archive, jobs: Sequence[Job], what: str) -> bool:
        """Play those jobs that are not played yet; whether all are done or failed now."""
        states = archive.states()
        there = {"done"} if self.retry else {"done", "failed"}
        missing = [job for job in jobs if states.get((job.cell.key, job.seed)) not in there]
        if len(missing) < len(jobs):
            print(f"{archive.path}: {len(jobs) - len(missing)} of {len(jobs)} {what} are there already", flush=True)
        code = sources(Path(__file__).parents[2])
        if missing:
            with _progress(self.plain, len(missing), what) as advance:
                for job, outcome in play_all(missing, min(self.jobs, len(missing)), lambda: self.stopped):
                    if isinstance(outcome, str):
                        archive.fail(job.cell, job.seed, outcome, code)
                    else:
                        archive.keep(job.cell, job.seed, outcome, code)
                    advance(outcome if isinstance(outcome, str) else "")
        if self.stopped:
            print(
                f"{self._endings.reason}; what is done is kept in {archive.path}, the same command goes on", flush=True
            )
        return not self.stopped

    def __enter__(self) -> "Stage":
        try:
            self.out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise MissionError([f"--out {self.out}: {error.strerror}"]) from None
        self._endings.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for archive in self._archives:
            archive.close()
        self._endings.__exit__(kind, error, trace)
        if isinstance(error, sqlite3.DatabaseError):  # of the one that is at work: the last
            raise ArchiveError(f"{self._archives[-1].path}: {why(error)}") from None


def versions() -> dict[str, str | None]:
    """What runs are played with."""
    packages = ("jerne", "numpy", "pybullet", "numba", "scipy", "matplotlib")
    import platform

    return {"python": platform.python_version(), **{name: results.version(name) for name in packages}}


def sources(home: Path) -> str:
    """A digest of jerne's sources under `home`: runs that differ in it were played by different code."""
    import hashlib

    files = sorted(f for p in ("immune", "classifier", "robots", "sim", "swarm") for f in (home / p).rglob("*.py"))
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()[:12]


def _progress(plain: bool, total: int, what: str) -> AbstractContextManager[Callable[[str], None]]:
    """Shows how far it is: gives a function to call after each run, with its error if it has one."""
    if not plain:
        return _Bar(total, what)
    begun, last, done, first = time.monotonic(), [time.monotonic()], [0], [math.inf]

    def advance(error: str) -> None:
        done[0] += 1
        now = time.monotonic()
        first[0] = min(first[0], now)
        if error:
            print(f"a run failed: {error}", flush=True)
        if now - last[0] >= EVERY or done[0] == total:
            last[0] = now
            left = (now - begun) / done[0] * (total - done[0])
            known = now - first[0] >= EVERY  # what is played side by side comes at once: the first tell no rate
            print(f"{done[0]} of {total} {what}" + f", about {left / 60:.0f} min to go" * known, flush=True)

    return nullcontext(advance)


class _Bar:
    """The same in a terminal."""

    def __init__(self, total: int, what: str) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
        from rich.progress import TimeRemainingColumn as Left

        columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("left"), Left())
        self._progress = Progress(*columns)
        self._task = self._progress.add_task(what, total=total)

    def __enter__(self) -> Callable[[str], None]:
        self._progress.start()
        return self._advance

    def _advance(self, error: str) -> None:
        if error:
            self._progress.console.print(f"a run failed: {error}", markup=False)
        self._progress.advance(self._task)

    def __exit__(self, *_: object) -> None:
        self._progress.stop()


def _describe(study: Spec, cells: Sequence[Cell], out: Path) -> int:
    simulated = study.seeds * sum(cell.mission.duration for cell in cells)
    print(f"{study.name}: {study.about or study.mission}")
    for what, names in (
        ("controllers", study.all_controllers()),
        ("changes", study.all_changes()),
        ("conditions", [condition.name for condition in plan.conditions(study)]),
    ):
        more = ", ..." if len(names) > MOST else ""
        print(f"  {len(names)} {what}: {'; '.join([*names][:MOST])}{more}")
    print(f"  seeds {study.first_seed} to {study.first_seed + study.seeds - 1}")
    print(f"  {len(cells) * study.seeds} runs, {simulated / 3600:.1f} simulated hours, into {out}")
    if study.tune.ranges and not study.tuned:
        from swarm.study import tune

        print(f"  before that {tune.size(study)} runs to tune {', '.join(study.tune.ranges)}")
    return 0


def _new(path: Path) -> int:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(spec.template(path.stem))
    except FileExistsError:
        return refuse(f"{path}: exists already and is left as it is")
    except OSError as error:
        return refuse(f"{path}: cannot be written: {error.strerror}")
    print(f"{path}: written; next: jerne compare {path} --dry-run, jerne compare {path}")
    return 0


def _at_least_one(name: str, value: int) -> int:
    if value < 1:
        raise MissionError([f"{name} {value}: must be at least 1"])
    return value
