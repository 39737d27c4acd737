"""Run a mission: start its processes, show it, end it cleanly, leave a folder."""

import json
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import zmq

from swarm import wire
from swarm.crew import Crew, ending
from swarm.dashboard import Dashboard, plain_line
from swarm.mission import Mission
from swarm.missionfile import dumps
from swarm.options import Options
from swarm.results import manifest
from swarm.snapshot import Snapshot, Stage

GRACE = 1.5  # s that a stopped run has to complete its folder
EVERY = 5.0  # s of wall time between two plain lines


class RunError(RuntimeError):
    """A run that could not go on."""


class _Watch:
    """Shows snapshots: as a dashboard, or line by line."""

    def __init__(self, plain: bool) -> None:
        self.dashboard = None if plain else Dashboard()
        self.stage: Stage | None = None
        self.latest: Snapshot | None = None
        self._next = 0.0

    def show(self) -> None:
        """Bring what is shown up to date."""
        if self.dashboard is not None:
            self.dashboard.stage = self.stage
            self.dashboard.show(self.latest)
        elif self.stage is not None and self.latest is not None and time.monotonic() >= self._next:
            self._next = time.monotonic() + EVERY
            print(plain_line(self.stage, self.latest), flush=True)


def run(mission: Mission, options: Options) -> int:
    """Run `mission`; the exit status: 0 done, 1 failed, 128 + n ended by signal n.

    Raises ValueError where the mission or the options do not fit, before anything is started.
    """
    out = prepare(mission, options)
    plain = options.plain or not sys.stdout.isatty()
    status = 0
    try:
        summary, status = conduct(mission, options, out, plain=plain)
    except RunError as error:
        print(f"jerne: error: {error}", file=sys.stderr)
        return 1
    _print_summary(summary, out)
    return status


def prepare(mission: Mission, options: Options) -> Path:
    """Make the run folder, with the resolved mission and the manifest in it.

    Raises ValueError where that cannot be done; nothing that exists is touched.
    """
    out = options.out or _new_folder(mission)
    try:
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise ValueError(f"--out {out}: exists and is not an empty folder; choose another name")
        out.mkdir(parents=True, exist_ok=True)
        (out / "mission.toml").write_text(dumps(mission))
        (out / "manifest.json").write_text(json.dumps(manifest(mission), indent=2) + "\n")
    except OSError as error:
        raise ValueError(f"--out {out}: {error.strerror}") from None
    return out


def conduct(mission: Mission, options: Options, out: Path, *, plain: bool) -> tuple[dict[str, Any], int]:
    """Run `mission` into the folder `out`; its summary, and the exit status. Raises RunError, ValueError."""
    crew = Crew(mission, options, out)
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    control = context.socket(zmq.PAIR)
    watch = _Watch(plain)
    stopped = 0
    with _signals() as caught:
        try:
            control.bind(crew.control)
            crew.start()
            if watch.dashboard is not None:
                watch.dashboard.__enter__()
            deadline = float("inf")
            while True:
                message = _next(control, crew)
                if isinstance(message, wire.Ended):
                    return message.summary, 128 + stopped if stopped else 0
                if isinstance(message, wire.Failed):
                    shutil.rmtree(out) if message.input else None
                    raise (ValueError if message.input else RunError)(message.text)
                if isinstance(message, Stage):
                    watch.stage = message
                elif isinstance(message, Snapshot):
                    watch.latest = message
                elif isinstance(message, wire.Hung):
                    crew.kill(message.robot)
                watch.show()
                if caught and not stopped:
                    stopped = caught[0]
                    deadline = time.monotonic() + GRACE
                    control.send(wire.encode(wire.Stop(f"stopped by {signal.Signals(stopped).name}")))
                if time.monotonic() > deadline:
                    raise RunError(f"the world did not stop within {GRACE} s; what is in {out} may lack its end")
        finally:
            if watch.dashboard is not None:
                watch.dashboard.__exit__(None, None, None)
            crew.end(0.4)
            context.destroy(linger=0)


def _next(control: "zmq.Socket[bytes]", crew: Crew) -> Any:
    """The next message of the world, or None after a while; tells the world of robots that died.

    Raises RunError if the world died.
    """
    poller = zmq.Poller()
    poller.register(control, zmq.POLLIN)
    sentinels = crew.sentinels()
    for sentinel in sentinels:
        poller.register(sentinel, zmq.POLLIN)
    ready = dict(poller.poll(100))
    if control in ready:
        return wire.from_world(control.recv())
    for sentinel in ready:
        robot = sentinels[sentinel]  # type: ignore[index]
        if robot is None:
            world = crew.world
            if world is not None:
                world.join()
                raise RunError(f"the world's process {ending(world.exitcode)}; see {crew.log}")
            continue
        text, back = crew.bury(robot)
        control.send(wire.encode(wire.Gone(robot, text, back)))
        if back:
            crew.revive(robot)
    return None


@contextmanager
def _signals() -> Iterator[list[int]]:
    """The signals that ask for the end, as they come."""
    caught: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        caught.append(number)

    names = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {name: signal.signal(name, note) for name in names}
    try:
        yield caught
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


def _new_folder(mission: Mission) -> Path:
    stem = f"{mission.name}-seed{mission.seed}"
    for i in range(1, 10**6):
        out = Path("runs") / f"{stem}-{i:03d}"
        if not out.exists():
            return out
    raise ValueError("runs: too many runs of this mission")


def _print_summary(summary: dict[str, Any], out: Path) -> None:
    print(
        f"{summary['mission']}, seed {summary['seed']}: {summary['outcome']} after "
        f"{summary['simulated seconds']:g} simulated s ({summary['wall seconds']:.1f} s)"
    )
    for phase in summary["phases"]:
        median = phase["median seconds from opening to done"]
        print(
            f"  {phase['phase']}: {phase['tasks done']} tasks, {phase['tasks per minute']:.1f} a minute"
            + (f", half of them within {median:g} s" if median is not None else "")
        )
    print(f"Results in {out}: summary.json, metrics.sqlite, ticks.mcap, arena.png, mission.toml")
