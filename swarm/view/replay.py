"""`jerne replay`: a run seen again from its log, with the same dashboard; or verified."""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from sim.site import Event
from swarm import record
from swarm.metrics import EVERY
from swarm.record import Log, Tick, Told
from swarm.refusal import refuse, unused
from swarm.view.controls import REPLAY, SPEEDS
from swarm.view.dashboard import Dashboard, plain_line
from swarm.view.picture import clock
from swarm.view.snapshot import Snapshot
from swarm.view.telemetry import POINTS, SAMPLES, STEP, Telemetry

LINE = 5.0  # s, simulated, between two plain lines
AHEAD = {"right": 10.0, "left": -10.0, "pgup": -60.0, "pgdn": 60.0}  # s

ABOUT = "See a run again, from the log in its folder. PyBullet is not needed."
EXAMPLES = """\
examples:
  jerne replay runs/default-seed1-001              the dashboard; ? shows the keys
  jerne replay runs/default-seed1-001 --from 290 --speed 2
  jerne replay runs/default-seed1-001 --plain      one line for each 5 s
  jerne replay runs/default-seed1-001 --verify     run the minds again: do they do the same?
"""


class Player:
    """A log and a place in it. `moment` is the tick that is shown."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.telemetry = Telemetry(log.dt)
        self.moment: Tick | None = None
        self.last = round(log.end / log.dt) if log.seconds else 0

    def seek(self, tick: int) -> None:
        """Show the latest tick at or before `tick` that can be read; histories as they were then."""
        tick = max(0, min(tick, self.last))
        if self.moment is not None and 0 <= tick - self.moment.tick <= round(2 * EVERY / self.log.dt):
            self._play(self.moment.tick + 1, tick)
            return
        self.telemetry, self.moment = Telemetry(self.log.dt), None
        near = max(0, tick - round(POINTS * STEP / self.log.dt))
        every = round(EVERY / self.log.dt)
        for mark in range(near // every * every - 1 - SAMPLES * every, near, every):
            if mark > 0:
                self._play(mark, mark, shown=False)
        self._play(near, tick)

    def _play(self, first: int, last: int, *, shown: bool = True) -> None:
        """Take the ticks `first` to `last` in, and what happened with them."""
        dt = self.log.dt
        for second in self.log.between(first * dt, last * dt):
            for item in second:
                match item:
                    case Tick() if first <= item.tick <= last:
                        self.telemetry.tick(item)
                        self.moment = item if shown else self.moment
                    case Told() if first <= item.tick <= last and shown:
                        self.telemetry.told(item)
                    case Event() if (first - 0.5) * dt < item.time <= (last + 0.5) * dt and shown:
                        self.telemetry.event(item)

    def snapshot(self) -> Snapshot | None:
        """What is to be seen."""
        return None if self.moment is None else self.telemetry.snapshot(self.moment)


def main(argv: Sequence[str]) -> int:
    """Run `jerne replay` with these arguments; the exit status."""
    args = _parser().parse_args(argv)
    try:
        for flag, value in (("--video", args.video), ("--from", args.start), ("--speed", args.speed)):
            if args.verify and value is not None:
                raise ValueError(f"{flag} {value}: says nothing with --verify")
        unused("--video", args.video)
        log = record.open_run(args.run)
        if args.verify:
            return _verify(log)
        begin = args.start if args.start is not None else 0.0
        if not 0 <= begin <= log.end:
            return refuse(f"--from {begin:g}: must lie in [0, {log.end:g}], which is what the log holds")
        speed = args.speed if args.speed is not None else 1.0
        if not SPEEDS[0] <= speed <= SPEEDS[-1]:
            return refuse(f"--speed {speed:g}: must lie in [{SPEEDS[0]:g}, {SPEEDS[-1]:g}]")
        player = Player(log)
        if args.video is not None:
            _film(player, begin, args.video)
        elif args.plain or not sys.stdout.isatty():
            _lines(player, begin)
        else:
            _watch(player, begin, speed)
    except ValueError as error:
        return refuse(error)
    if log.lack:
        print(f"jerne: {log.path}: {log.lack}; it was read up to {clock(log.end)}", file=sys.stderr)
    return 0


def _watch(player: Player, begin: float, speed: float) -> None:
    """The dashboard, until the operator leaves."""
    dt = player.log.dt
    with Dashboard(player.log.stage, keys=REPLAY) as dashboard:
        at, before = begin / dt, time.monotonic()
        player.seek(round(at))
        while not dashboard.controls.over:
            for key in dashboard.pressed():
                at, speed = _pressed(key, at, speed, player)
            now = time.monotonic()
            if not dashboard.controls.paused:
                at = min(at + (now - before) * speed / dt, player.last)
            before = now
            if player.moment is None or player.moment.tick != int(at):
                player.seek(int(at))
            robot = dashboard.controls.detail
            detail = player.telemetry.detail(player.moment, robot) if player.moment and robot is not None else None
            end = "the end" if at >= player.last else ""
            dashboard.note = ", ".join(
                filter(None, [f"replay {speed:g}x", end, "damaged log" if player.log.lack else ""])
            )
            dashboard.show(player.snapshot(), detail)
            time.sleep(0.05)


def _pressed(key: str, at: float, speed: float, player: Player) -> tuple[float, float]:
    """Place and speed after a key."""
    dt = player.log.dt
    starts = [round(start / dt) for start, _ in player.log.stage.phases]
    match key:
        case "left" | "right" | "pgup" | "pgdn":
            at += AHEAD[key] / dt
        case "home":
            at = 0.0
        case "end":
            at = float(player.last)
        case "]":
            at = float(next((s for s in starts if s > at), player.last))
        case "[":
            at = float(max((s for s in starts if s < at - 1 / dt), default=0))
        case ".":
            at = int(at) + 1.0
        case ",":
            at = int(at) - 1.0
        case "+" | "=":
            speed = next((s for s in SPEEDS if s > speed), SPEEDS[-1])
        case "-":
            speed = next((s for s in reversed(SPEEDS) if s < speed), SPEEDS[0])
    return max(0.0, min(at, player.last)), speed


def _lines(player: Player, begin: float) -> None:
    """One line for each few seconds."""
    dt = player.log.dt
    for tick in range(round(begin / dt), player.last + 1, max(1, round(LINE / dt))):
        player.seek(tick)
        snapshot = player.snapshot()
        if snapshot is not None:
            print(plain_line(player.log.stage, snapshot).rpartition("  speed")[0])


def _film(player: Player, begin: float, path: Path) -> None:
    """A film of the top view from a time on. Raises ValueError for a file that cannot be."""
    log, shown = player.log, sys.stderr.isatty()
    try:
        from swarm.results import Film

        film = Film(path, log.stage, log.dt)
    except (ValueError, ModuleNotFoundError) as error:
        raise ValueError(f"--video {error}") from None
    for tick in range(round(begin / log.dt), player.last + 1):
        if not film.is_due(tick):
            continue
        player.seek(tick)
        snapshot = player.snapshot()
        if snapshot is not None:
            film.add(snapshot, player.telemetry.trail)
        if shown:
            print(
                f"\r{bar(tick / max(1, player.last))} filmed {clock(tick * log.dt)} ",
                end="",
                file=sys.stderr,
                flush=True,
            )
    film.close()
    if shown:
        print("\r", end="", file=sys.stderr)
    print(f"{path}: {path.stat().st_size / 1e6:.1f} MB, ten times as fast as life")


def bar(share: float, width: int = 30) -> str:
    """How much is done, in ASCII."""
    full = round(width * min(1.0, share))
    return f"[{'#' * full}{'.' * (width - full)}] {min(1.0, share):4.0%}"


def _verify(log: Log) -> int:
    """Run the minds again; 0 where they do the same, 1 where not."""
    from swarm.verify import verify

    shown = sys.stderr.isatty()

    def progress(tick: int) -> None:
        if shown and tick % 50 == 0:
            done = bar(tick * log.dt / max(log.dt, log.end))
            print(f"\r{done} verified up to {clock(tick * log.dt)} ", end="", file=sys.stderr, flush=True)

    verdict = verify(log, progress)
    if shown:
        print("\r", end="", file=sys.stderr)
    what = f"{verdict.ticks} ticks, {verdict.answers} answers of robots, {verdict.restarts} restarts"
    if log.lack:
        print(f"{log.path}: {log.lack}")
    if verdict.difference is None and not verdict.answers:
        print(f"{log.path}: nothing to verify: no robot answered in {verdict.ticks} ticks")
        return 1
    if verdict.difference is None:
        print(f"{log.path}: verified, no difference in {what}")
        return 0
    first = verdict.difference
    print(
        f"{log.path}: the first difference is in tick {first.tick} ({first.tick * log.dt:.2f} s), robot {first.robot}:"
    )
    width = max(len(d.field) for d in (first, *verdict.rest))
    for difference in (first, *verdict.rest):
        print(f"  {difference.field:<{width}}  logged {difference.logged}, again {difference.again}")
    print(f"before it no difference, {what}")
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "jerne replay", description=ABOUT, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("run", type=Path, metavar="RUN", help="a run's folder, or its ticks.mcap")
    add("--from", type=float, dest="start", metavar="S", help="simulated second to begin with (default: 0)")
    add("--speed", type=float, metavar="X", help="simulated seconds per second (default: 1)")
    add("--video", type=Path, metavar="FILE", help="write a film of the top view (.mp4 or .gif) instead")
    add("--plain", action="store_true", help="lines of text in place of the dashboard")
    add("--verify", action="store_true", help="run the minds again on the log and report the first difference")
    return parser
