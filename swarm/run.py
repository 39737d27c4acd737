"""Run a mission: start its processes, show it, end it cleanly, leave a folder."""

import ctypes
import json
import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, TextIO

import zmq

from classifier.sealed import StoreError
from robots import cache
from swarm import registry, store, wire
from swarm.arbiters.auction import Central
from swarm.crew import Crew, ending
from swarm.mission import Mission
from swarm.missionfile import dumps
from swarm.net import keys
from swarm.net.air import NOTICE
from swarm.options import Options
from swarm.process import ENDING
from swarm.refusal import denied, unused
from swarm.results import COMPLETED, manifest
from swarm.view import desk
from swarm.view.dashboard import Dashboard, plain_line
from swarm.view.desk import Desk
from swarm.view.publish import ADDRESS, Watcher
from swarm.view.snapshot import Snapshot, Stage
from swarm.view.video import Video

GRACE = 1.5  # s that a stopped run has to complete its folder
MOST_PROCESSES = 1000  # of robots
EVERY = 5.0  # s of wall time between two plain lines
COMPILING = "compiling for this machine, once; it takes about half a minute"


class RunError(RuntimeError):
    """A run that could not go on; `status` is the exit status."""

    def __init__(self, text: str, status: int = 1) -> None:
        super().__init__(text)
        self.status = status


class RefusedError(ValueError):
    """A mission that its world does not fit."""


class Interrupted(Exception):  # noqa: N818 - nothing is wrong
    """The user wants no run after all, before it has begun."""


class Endings:
    """While entered, listens to the signals that ask for the end; those that are ignored stay ignored.

    Until the run has `begun`, the first one raises Interrupted. `status` is 0, or 128 + n after signal n.
    """

    def __init__(self) -> None:
        self.first = 0  # the signal that came first
        self.begun = False

    @property
    def status(self) -> int:
        """The exit status."""
        return 128 + self.first if self.first else 0

    @property
    def reason(self) -> str:
        """Why the run ends, where a signal has come."""
        return f"stopped by {signal.Signals(self.first).name}"

    def note(self, number: int, _frame: FrameType | None = None) -> None:
        """Signal `number` has come."""
        if not self.first:
            self.first = number
            if not self.begun:
                raise Interrupted

    def __enter__(self) -> "Endings":
        heeded = [number for number in ENDING if signal.getsignal(number) is not signal.SIG_IGN]
        self._before = {number: signal.signal(number, self.note) for number in heeded}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)


class _Watch:
    """Shows snapshots: as a dashboard, or line by line."""

    def __init__(self, plain: bool, context: "zmq.Context[zmq.Socket[bytes]]", address: str) -> None:
        self._wait = COMPILING if cache.is_cold() else ""  # what the first snapshot waits for
        self.dashboard = None if plain else Dashboard(note=self._wait)
        self.stage: Stage | None = None
        self.latest: Snapshot | None = None
        self._next = 0.0
        self._details = None if plain else Watcher(context, address, topics=())
        self.desk: Desk | None = None

    def show(self) -> None:
        """Bring what is shown up to date. Raises BrokenPipeError where the reader has left."""
        with _outliving_the_terminal():
            if self.dashboard is not None and self._details is not None:
                self.dashboard.stage = self.stage
                if self.latest is not None:
                    self.dashboard.note = ""
                self.dashboard.pressed()
                self.dashboard.relay(self.desk)
                self._details.select(self.dashboard.controls.detail)
                self._details.take()
                self.dashboard.show(self.latest, self._details.detail)
            elif self.stage is not None and self.latest is not None and self._is_due(self.latest):
                self._next = time.monotonic() + EVERY
                print(plain_line(self.stage, self.latest), flush=True)

    def _is_due(self, snapshot: Snapshot) -> bool:
        """Is it time for the next line? Not before the first tick, when nobody is there yet."""
        return snapshot.tick > 0 and time.monotonic() >= self._next

    @property
    def over(self) -> bool:
        """Does the user want the run to end?"""
        return self.dashboard is not None and self.dashboard.controls.over

    def __enter__(self) -> "_Watch":
        if self.dashboard is not None:
            self.dashboard.__enter__()
        elif self._wait:
            _say(self._wait, sys.stdout)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.desk is not None:
            self.desk.close()
        if self.dashboard is not None:
            with _outliving_the_terminal():
                self.dashboard.__exit__(kind, error, trace)


def run(mission: Mission, options: Options) -> int:
    """Run `mission`; the exit status: 0 done, 1 failed, 128 + n ended by signal n.

    Raises ValueError where the mission or the options do not fit, and then leaves no folder.
    """
    check(mission, options)
    existed = options.out is not None and os.path.isdir(options.out)
    out = prepare(mission, options)
    plain = options.plain or not sys.stdout.isatty()
    endings = Endings()
    for notice in _notices(mission, options):
        _say(f"jerne: {notice}", sys.stderr)
    try:
        summary, failure = conduct(mission, options, out, endings, plain=plain)
    except RunError as error:
        _say(f"jerne: error: {error}", sys.stderr)
        return error.status
    except Interrupted:
        _discard(out, existed)
        _say(f"jerne: {endings.reason} before the run began", sys.stderr)
        return endings.status
    except RefusedError:
        _discard(out, existed)
        raise
    _say(_told(summary, out), sys.stdout)
    if failure:
        again = f"{summary['robots restarted']} restarts"
        _say(f"jerne: error: robots' processes failed ({again}): {failure}; see {out}/processes.log", sys.stderr)
    if options.video is not None and options.video.exists():
        _say(
            f"Film in {options.video}: {options.video.stat().st_size / 1e6:.1f} MB, ten times as fast as life",
            sys.stdout,
        )
    return endings.status or int(summary["outcome"] != COMPLETED or bool(failure))


def check(mission: Mission, options: Options) -> None:
    """Refuse what cannot work, while nothing is started yet and nothing written. Raises ValueError."""
    arbiter, _ = registry.build(mission)
    if options.minds == "processes" and isinstance(arbiter, Central):
        raise ValueError(
            "mind.arbiter = 'central': knows the world's truth, which no robot's process does; --minds stack"
        )
    if options.minds == "processes" and mission.robots.count > MOST_PROCESSES:
        raise ValueError(
            f"robots.count = {mission.robots.count}: at most {MOST_PROCESSES} processes; more robots take --minds stack"
        )
    if options.gui and mission.world != "bullet":
        raise ValueError(f"--gui: the window is PyBullet's, and this mission has world = {mission.world!r}")
    if options.camera == "bullet" and mission.world != "bullet":
        raise ValueError(f"--camera bullet: the camera is PyBullet's, and this mission has world = {mission.world!r}")
    if options.resume is not None:
        learnt(mission, options.resume, options.minds)
    if options.gui and sys.platform == "linux":
        _see_display(os.environ.get("DISPLAY"))
    if options.keys is not None:
        try:
            ring = keys.load(options.keys, options.key)
        except ValueError as error:
            raise ValueError(f"--keys {error}") from None
        members = ring.allowed.values()
        if options.command is not None and options.operator not in members:
            raise ValueError(f"--operator {options.operator}: is no member; there are {', '.join(members)}")
    if options.video is not None:
        try:
            Video(options.video)
        except (ValueError, ModuleNotFoundError) as error:
            raise ValueError(f"--video {error}") from None
        if options.video.parent != options.out:
            unused("--video", options.video)


def _see_display(name: str | None) -> None:
    """PyBullet ends the process that cannot open its window, so somebody has to look before."""
    if not name:
        raise ValueError("--gui: there is no display (the variable DISPLAY is not set)")
    try:
        x11 = ctypes.CDLL("libX11.so.6")
    except OSError:
        raise ValueError("--gui: PyBullet's window needs libX11 (Debian: libx11-6)") from None
    x11.XOpenDisplay.restype = ctypes.c_void_p
    display = x11.XOpenDisplay(name.encode())
    if display is None:
        raise ValueError(f"--gui: the display {name!r} does not open (the variable DISPLAY)")
    x11.XCloseDisplay(ctypes.c_void_p(display))


def learnt(mission: Mission, folder: Path, minds: str = "processes") -> list[int]:
    """The robots whose minds are in the folder of a run, all of them fit to go on. Raises ValueError."""
    if why := denied(store.whole(folder)):
        raise ValueError(f"--resume {folder}: its minds cannot be read: {why}")
    whole = store.is_there(store.whole(folder))
    if whole != (minds == "stack") and (folder / "minds").is_dir():
        kept = "stack" if whole else "processes"
        raise ValueError(f"--resume {folder}: its minds were kept by --minds {kept}, this run has --minds {minds}")
    if minds == "stack":
        return _stacked(mission, folder)
    there = [n for n in range(mission.robots.count) if store.is_there(store.file(folder, n))]
    if not there:
        raise ValueError(f"--resume {folder}: there is no mind of robots 0 to {mission.robots.count - 1} in its minds")
    for robot in there:
        try:
            store.load(store.file(folder, robot), mission)
        except StoreError as error:
            raise ValueError(f"--resume {folder}: {error}") from None
    return there


def _stacked(mission: Mission, folder: Path) -> list[int]:
    try:
        robots: list[int] = store.load(store.whole(folder), mission).ids.tolist()
    except StoreError as error:
        raise ValueError(f"--resume {folder}: {error}") from None
    if len(robots) != mission.robots.count:
        raise ValueError(f"--resume {folder}: holds {len(robots)} minds, the mission has {mission.robots.count} robots")
    return robots


def prepare(mission: Mission, options: Options) -> Path:
    """Make the run folder, with the resolved mission and the manifest in it.

    Raises ValueError where that cannot be done; nothing that exists is touched.
    """
    out = options.out or _new_folder(mission)
    existed = os.path.isdir(out)
    try:
        if out.exists() and (not existed or any(out.iterdir())):
            raise ValueError(f"--out {out}: exists and is not an empty folder; choose another name")
        out.mkdir(parents=True, exist_ok=options.out is not None)
    except OSError as error:
        raise ValueError(f"--out {out}: {error.strerror}") from None
    try:
        (out / "mission.toml").write_text(dumps(mission), encoding="utf-8")
        (out / "manifest.json").write_text(
            json.dumps(manifest(mission) | _chosen(options), indent=2) + "\n", encoding="utf-8"
        )
    except OSError as error:
        _discard(out, existed)
        raise ValueError(f"--out {out}: {error.strerror}") from None
    return out


def conduct(
    mission: Mission, options: Options, out: Path, endings: Endings, *, plain: bool
) -> tuple[dict[str, Any], str]:
    """Run `mission` into the folder `out`; its summary, and the error of robots' processes that failed, or nothing.

    Raises RunError, Interrupted, and RefusedError where the world does not fit.
    """
    with endings, ExitStack() as stack:
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        stack.callback(context.destroy, linger=0)
        crew = Crew(mission, options, out)
        stack.callback(crew.end, 0.4)
        control = context.socket(zmq.PAIR)
        control.bind(crew.control)
        watch = stack.enter_context(_Watch(plain, context, crew.watch))
        stack.enter_context(_announced(out, crew.watch))
        crew.start()
        watch.desk = None if plain else desk.found(out)
        return _follow(control, crew, watch, endings), crew.failure


def _follow(control: "zmq.Socket[bytes]", crew: Crew, watch: _Watch, endings: Endings) -> dict[str, Any]:
    """Show the run, tell the world what it must know, until it ends; the summary."""
    deadline = float("inf")
    while True:
        message = _next(control, crew, endings.begun)
        match message:
            case wire.Ended():
                return message.summary
            case wire.Failed():
                raise RefusedError(message.text) if message.input else RunError(message.text)
            case Stage():
                watch.stage, endings.begun = message, True
            case Snapshot():
                watch.latest = message
            case wire.Hung():
                crew.kill(message.robot)
            case wire.Lost():
                crew.lose(message.robot)
        try:
            if not endings.first:
                watch.show()
                if watch.over:
                    endings.note(signal.SIGINT)
        except BrokenPipeError:
            endings.note(signal.SIGPIPE)
        if endings.first and deadline == float("inf"):
            deadline = time.monotonic() + GRACE
            _tell(control, wire.Stop(endings.reason))
        if time.monotonic() > deadline:
            lack = f"the world did not stop within {GRACE} s; what is in {crew.out} may lack its end"
            raise RunError(lack, endings.status)


def _next(control: "zmq.Socket[bytes]", crew: Crew, begun: bool) -> Any:
    """The next message of the world, or None after a while; once it listens, tells it of robots that died.

    Raises RunError if the world died.
    """
    poller = zmq.Poller()
    poller.register(control, zmq.POLLIN)
    sentinels = {fd: robot for fd, robot in crew.sentinels().items() if begun or robot is None}
    for sentinel in sentinels:
        poller.register(sentinel, zmq.POLLIN)
    ready = dict(poller.poll(100))
    dead = [robot for sentinel, robot in sentinels.items() if sentinel in ready]
    if control in ready or (None in dead and control.poll(200)):  # its last words may still be on their way
        return wire.from_world(control.recv())
    if None in dead and crew.world is not None:
        crew.world.join()
        words = f" ({crew.last_words()})" if crew.world.exitcode and crew.world.exitcode > 0 else ""
        raise RunError(f"the world's process {ending(crew.world.exitcode)}{words}; see {crew.log}")
    for robot in dead:
        assert robot is not None
        text, back = crew.bury(robot)
        _tell(control, wire.Gone(robot, text, back))
        if back:
            crew.revive(robot)
    return None


@contextmanager
def _announced(out: Path, address: str) -> Iterator[None]:
    """While a run lasts its folder says where `jerne watch` attaches."""
    (out / ADDRESS).write_text(address + "\n", encoding="utf-8")
    try:
        yield
    finally:
        for name in (ADDRESS, desk.FILE):
            (out / name).unlink(missing_ok=True)


def _tell(control: "zmq.Socket[bytes]", message: wire.Gone | wire.Stop) -> None:
    with suppress(zmq.Again):  # a world that has gone needs to know nothing any more
        control.send(wire.encode(message), zmq.NOBLOCK)


def _chosen(options: Options) -> dict[str, str | None]:
    """Options that change what comes out."""
    resume = None if options.resume is None else str(options.resume.absolute())
    return {"pace": options.pace, "radio": options.radio, "resume": resume}


def _notices(mission: Mission, options: Options) -> Iterator[str]:
    """What a user should know of a run before it begins."""
    if options.radio == "peers":
        yield NOTICE
    if options.resume is not None and options.minds == "processes":
        there = [n for n in range(mission.robots.count) if store.is_there(store.file(options.resume, n))]
        if new := sorted(set(range(mission.robots.count)) - set(there)):
            yield f"{options.resume} has no minds of robots {', '.join(map(str, new))}: they start with nothing learnt"


def _new_folder(mission: Mission) -> Path:
    stem = re.sub(r"[^\w.-]+", "-", f"{mission.name[:80] or 'mission'}-seed{mission.seed}").lstrip(".")
    for i in range(1, 10**6):
        out = Path("runs") / f"{stem}-{i:03d}"
        if not out.exists():
            return out
    raise ValueError("runs: too many runs of this mission")


def _discard(out: Path, existed: bool) -> None:
    """Take back a folder in which no run took place; one that `existed` is empty again."""
    for path in out.iterdir():
        path.unlink()
    if not existed:
        out.rmdir()


def _say(text: str, stream: TextIO) -> None:
    with suppress(BrokenPipeError), _outliving_the_terminal():
        print(text, file=stream, flush=True)


@contextmanager
def _outliving_the_terminal() -> Iterator[None]:
    """A terminal that is closed stops nothing but what is shown in it. Raises BrokenPipeError if a reader left."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError:
        pass


def _told(summary: dict[str, Any], out: Path) -> str:
    """The summary in a few lines."""
    lines = [
        f"{summary['mission']}, seed {summary['seed']}: {summary['outcome']} after "
        f"{summary['simulated seconds']:g} simulated s ({summary['wall seconds']:.1f} s)"
    ]
    for phase in summary["phases"]:
        median = phase["median seconds from opening to done"]
        lines.append(
            f"  {phase['phase']}: {phase['tasks done']} tasks, {phase['tasks per minute']:.1f} a minute"
            + (f", half of them within {median:g} s" if median is not None else "")
        )
    lines.append(f"Results in {out}: summary.json, metrics.sqlite, ticks.mcap, arena.png, mission.toml")
    return "\n".join(lines)
