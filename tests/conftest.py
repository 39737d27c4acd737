"""Whole runs for tests: in this process, where a test can act on what it sees, or as a user starts them."""

import contextlib
import fcntl
import itertools
import json
import os
import pty
import signal
import struct
import sys
import termios
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyte
import pytest
from hypothesis import settings

from sim.spec import Arena, Kind, Meaning, Phase, Robots
from swarm import record, registry, run
from swarm.crew import Crew
from swarm.mission import Mission
from swarm.missionfile import dumps
from swarm.options import Options
from swarm.view.snapshot import Snapshot

settings.register_profile("jerne", deadline=None)  # how long an example takes is the machine's affair
settings.load_profile("jerne")

During = Callable[[Crew, Snapshot], None]
HOME = b"\x1b[H"  # begins a frame
MARK = "JERNE_TEST_MARK"  # environment variable that tells the processes of one run from all others


@dataclass
class Played:
    """A run that is over."""

    out: Path
    crew: Crew | None = None
    status: int = -1
    pids: set[int] = field(default_factory=set)  # of all processes that the run had

    @property
    def summary(self) -> dict[str, Any]:
        summary: dict[str, Any] = json.loads((self.out / "summary.json").read_text())
        return summary

    @property
    def log(self) -> bytes:
        return (self.out / "ticks.mcap").read_bytes()

    @property
    def ticks(self) -> list[record.Tick]:
        return list(record.read(self.out / "ticks.mcap"))

    def living(self) -> set[int]:
        """Its processes that are there after all."""
        return {pid for pid in self.pids if Path(f"/proc/{pid}").exists()}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-skips", action="store_true", help="a test that is skipped fails the session")


def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if session.config.getoption("--no-skips") and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


Play = Callable[..., Played]


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test's plugins register is there for that test alone."""
    for table in ("ARBITERS", "LEARNERS", "SENSORS"):
        monkeypatch.setattr(registry, table, dict(getattr(registry, table)))
    for name in [name for name in sys.modules if name.startswith("jerne_plugin_")]:
        monkeypatch.delitem(sys.modules, name)


@pytest.fixture
def mission() -> Mission:
    """Three robots in a small arena for 20 s."""
    return Mission(
        version=1,
        name="small",
        seed=3,
        arena=Arena((2.5, 2.5)),
        robots=Robots(count=3),
        kinds={"ash": Kind("1##0####"), "birch": Kind("0####1##")},
        phases=(Phase(20, 20, {"ash": Meaning("push"), "birch": Meaning("hold", 2)}, open=3),),
    )


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Play:
    """Runs a mission in this process; `during` is called with the crew and the latest snapshot, again and again."""
    numbers = itertools.count()

    def play(
        mission: Mission,
        during: During | None = None,
        *,
        before: Callable[[Crew], None] | None = None,
        order: Sequence[int] | None = None,
        **options: Any,
    ) -> Played:
        played = Played(tmp_path / f"run{next(numbers)}")

        class Watched(Crew):
            def start(self, _: Iterable[int] | None = None) -> None:
                played.crew = self
                if before is not None:
                    before(self)
                super().start(order)

        def show(watch: run._Watch) -> None:
            crew = played.crew
            assert crew is not None
            played.pids |= {p.pid for p in (crew.world, *crew.robots.values()) if p is not None and p.pid}
            if watch.latest is not None and during is not None:
                during(crew, watch.latest)

        monkeypatch.setattr(run, "Crew", Watched)
        monkeypatch.setattr(run._Watch, "show", show)
        played.status = run.run(mission, Options(out=played.out, plain=True, **options))
        return played

    return play


class Terminal:
    """`jerne run` with a terminal of its own, as a user starts it."""

    def __init__(
        self, *arguments: str, cwd: Path, command: Sequence[str] = ("run",), program: Sequence[str] = ()
    ) -> None:
        self.mark = uuid.uuid4().hex
        self.text = b""
        environment = {**os.environ, "TERM": "xterm", MARK: self.mark}
        for size in ("COLUMNS", "LINES"):  # the terminal has its own
            environment.pop(size, None)
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            os.chdir(cwd)
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # tests that run in the background are deaf to it
            line = [*program] or [sys.executable, "-m", "swarm.cli", *command, *arguments]
            os.execvpe(line[0], line, environment)
        self._size = (24, 80)
        self.resize(*self._size)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_for(self, text: bytes) -> None:
        """Until `text` has been shown."""
        wait(lambda: text in self.text, 60)

    def screen(self) -> list[str]:
        """The lines that its user sees now."""
        frames = self.text.rpartition(b"\x1b[?1049h")[2].split(HOME)
        screen = pyte.Screen(self._size[1], self._size[0])
        pyte.ByteStream(screen).feed(HOME + HOME.join(frames[-2:]))  # the latest may be there in part
        return list(screen.display)

    def wait_for_screen(self, text: str) -> None:
        """Until `text` can be seen."""
        wait(lambda: any(text in line for line in self.screen()), 60)

    def resize(self, lines: int, columns: int) -> None:
        """Give the window another size."""
        self._size = (lines, columns)
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def type(self, keys: bytes) -> None:
        os.write(self._terminal, keys)

    def hang_up(self) -> None:
        """Close the terminal's window."""
        os.close(self._terminal)

    def ended(self, within: float) -> int:
        """The exit status of the process, which must end in so many seconds; then `text` is all that it showed."""
        status: list[int] = []

        def has_ended() -> bool:
            pid, code = os.waitpid(self.pid, os.WNOHANG)
            status.extend([os.waitstatus_to_exitcode(code)] if pid else [])
            return bool(pid)

        wait(has_ended, within)
        self._reader.join(5)
        return status[0]

    def left(self) -> list[str]:
        """Command lines of all its processes that are there."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if f"{MARK}={self.mark}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                    found.append((folder / "cmdline").read_text().replace("\0", " "))
        return found

    def kill_all(self) -> None:
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if f"{MARK}={self.mark}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                    os.kill(int(folder.name), signal.SIGKILL)

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # a terminal without processes
            while data := os.read(self._terminal, 1 << 16):
                self.text += data


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Callable[..., Terminal]]:
    """Starts `jerne run`, or another command, in a terminal of 80 x 24; what is left of it in the end is killed."""
    opened: list[Terminal] = []

    def open_one(*arguments: str, command: Sequence[str] = ("run",), program: Sequence[str] = ()) -> Terminal:
        opened.append(Terminal(*arguments, cwd=tmp_path, command=command, program=program))
        return opened[-1]

    yield open_one
    for one in opened:
        one.kill_all()
        with contextlib.suppress(ChildProcessError):
            os.waitpid(one.pid, 0)


@pytest.fixture
def mission_file(mission: Mission, tmp_path: Path) -> Path:
    """The small mission as a file."""
    path = tmp_path / "small.toml"
    path.write_text(dumps(mission))
    return path


def wait(condition: Callable[[], object], seconds: float) -> None:
    """Until `condition` holds; fails if that takes longer than `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.01)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of three robots, 70 s in two phases, made once."""
    easy = Phase(40, 30, {"ash": Meaning("push"), "birch": Meaning("push")}, "easy", open=4)
    other = Phase(30, 30, {"ash": Meaning("hold"), "birch": Meaning("pull", 2)}, "other", open=4)
    mission = Mission(
        version=1,
        name="small <b>",
        about="two phases & three robots",
        seed=3,
        arena=Arena((2.5, 2.5)),
        robots=Robots(count=3),
        kinds={"ash": Kind("1##0####"), "birch": Kind("0####1##", "cyan")},
        phases=(easy, other),
    )
    out = tmp_path_factory.mktemp("run") / "run"
    assert run.run(mission, Options(out=out, plain=True)) == 0
    return out
