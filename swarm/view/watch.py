"""`jerne watch`: the dashboard attached to a run or to robots elsewhere, as often as one likes. Read-only."""

import argparse
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Protocol

import zmq

from swarm.net import announce, keys
from swarm.net.keys import Keyring
from swarm.refusal import refuse
from swarm.view import desk as desks
from swarm.view.dashboard import Dashboard, plain_line
from swarm.view.desk import Desk
from swarm.view.publish import ADDRESS, Watcher
from swarm.view.snapshot import Detail, Snapshot, Stage

PATIENCE = 60.0  # s without a word from a run after which it counts as gone; it may just have begun
LINE = 5.0  # s of wall time between two plain lines
LISTEN = 3.0  # s that announcements are waited for
STEP = 0.05  # s that is waited for news at once

ABOUT = """\
Attach the dashboard to a run or to the robots of a fleet, from another terminal or another machine, any number of
times. Watching changes nothing, and nobody waits for a slow watcher. Orders (stop robots, let them go on) need the
operator's key: that of a run's folder, that of a member whose orders the run takes (--command), the desk's of a fleet.
"""
EXAMPLES = """\
examples:
  jerne watch                              the latest run of this folder's ./runs
  jerne watch runs/default-seed1-002       the run of that folder
  jerne run --listen 'tcp://*:5600' --keys keys --key desk      on one machine, and on the other:
  jerne watch tcp://192.168.1.7:5600 --keys keys --key laptop --server desk
  jerne watch --discover --keys keys --key laptop      what shows itself on the network: the run, or all robots
  jerne watch fleet.toml                   the real robots of a fleet; with the desk's key, unless --key says another
"""


class Shown(Protocol):
    """A run or robots that one is attached to, see `swarm.view.publish.Watcher`."""

    seen: float  # when something came last
    over: str | None

    @property
    def stage(self) -> Stage | None:
        """What does not change."""

    @property
    def snapshot(self) -> Snapshot | None:
        """What is now."""

    @property
    def detail(self) -> Detail | None:
        """Of the robot that is selected."""

    def select(self, robot: int | None) -> None:
        """Ask for one robot in detail, or for none."""

    def take(self, seconds: float = 0.0) -> bool:
        """Take in what comes within so many seconds; did anything?"""

    def close(self) -> None:
        """Detach."""


class WatchError(ValueError):
    """Nothing to attach to."""


def main(argv: Sequence[str]) -> int:
    """Run `jerne watch` with these arguments; the exit status."""
    args = _parser().parse_args(argv)
    try:
        with ExitStack() as stack:
            context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
            stack.callback(context.destroy, linger=0)
            shown, address, desk = _attached(args, context)
            stack.callback(shown.close)
            if desk is not None:
                stack.callback(desk.close)
            plain = args.plain or not sys.stdout.isatty()
            over = _lines(shown, address) if plain else _look(shown, address, desk)
        if over is not None:
            print(f"the run is over: {over}")
        return 0
    except (ValueError, OSError) as error:
        return refuse(error)


def find(where: str | None) -> Path:
    """The folder of a run that goes on, as given, or of the latest in ./runs. Raises WatchError."""
    folder = Path("runs") if where is None else Path(where)
    if not folder.is_dir():
        what = "there is no folder runs here; name a run's folder or an address" if where is None else "no such folder"
        raise WatchError(f"{where or 'jerne watch'}: {what}")
    files = [folder / ADDRESS] if where is not None else list(folder.glob(f"*/{ADDRESS}"))
    there = sorted((path for path in files if path.is_file()), key=lambda path: path.stat().st_mtime)
    if not there:
        over = "the run is over, or was never begun" if where is not None else "no run goes on there"
        raise WatchError(f"{folder}: {over}; jerne replay shows runs that are over")
    return there[-1].parent


def _keys(args: argparse.Namespace) -> tuple[Keyring | None, bytes]:
    """The watcher's own keys and the public key of who shows the run. Raises KeysError, WatchError."""
    if args.keys is None:
        return None, b""
    ring = keys.load(args.keys, args.key)
    names = {name: public for public, name in ring.allowed.items() if name != ring.name}
    desks = [name for name in names if keys.number(name) is None]
    name = args.server or (desks[0] if len(desks) == 1 else None)
    if name not in names:
        there = ", ".join(names) or "nobody else"
        wrong = f"--server {name}: is no member" if name else "--server NAME is needed: whose key the run has"
        raise WatchError(f"{wrong}; there are {there}")
    return ring, names[name]


def _attached(args: argparse.Namespace, context: "zmq.Context[zmq.Socket[bytes]]") -> tuple[Shown, str, Desk | None]:
    """Who shows what is asked for, where that is, for people, and where orders go. Raises ValueError, OSError."""
    if args.discover:
        return _discovered(args, context)
    if args.where is not None and args.where.endswith(".toml"):
        shown, desk = _fleet(Path(args.where), args, context)
        return shown, args.where, desk
    if args.where is None or "://" not in args.where:
        folder = find(args.where)
        address = (folder / ADDRESS).read_text(encoding="utf-8").strip()
        return Watcher(context, address), address, desks.found(folder)
    address = args.where
    ring, server = _keys(args)
    if address.startswith("tcp://") and ring is None and not args.insecure:
        raise WatchError(f"{address}: needs --keys FOLDER, or --insecure for a run that was started so")
    if args.command_at is not None and ring is None:
        raise WatchError("--command: needs --keys FOLDER: orders are taken from the operator only")
    watcher = Watcher(context, address, ring, server)
    if args.command_at is None or ring is None:
        return watcher, address, None
    return watcher, address, desks.Operator(args.command_at, ring, server)


def _fleet(
    path: Path, args: argparse.Namespace, context: "zmq.Context[zmq.Socket[bytes]]"
) -> tuple[Shown, Desk | None]:
    """All robots of a fleet, and its desk where the key is the desk's."""
    from swarm.field import fleet
    from swarm.field.desk import FleetDesk
    from swarm.field.flock import Flock, Place

    whole = fleet.read(path)
    folder = args.keys or (path.parent / whole.keys if whole.keys else None)
    ring = None if folder is None else keys.load(folder, args.key or whole.desk)
    places = {robot.number: Place(fleet.watch(robot)) for robot in whole.robots}
    if ring is not None:
        if strangers := sorted(places.keys() - ring.robots.keys()):
            raise WatchError(f"{path}: robot {strangers[0]} has no key in {folder}; jerne keys new {folder} NAME")
        places = {n: Place(place.address, ring.robots[n]) for n, place in places.items()}
    may = ring is None or ring.name == whole.desk
    desk = FleetDesk({robot.number: fleet.control(robot) for robot in whole.robots}, ring) if may else None
    return Flock(context, places, ring), desk


def _discovered(args: argparse.Namespace, context: "zmq.Context[zmq.Socket[bytes]]") -> tuple[Shown, str, Desk | None]:
    """The only run on the network, or all its robots. Raises WatchError for none and for several, which it lists."""
    from swarm.field import fleet
    from swarm.field.desk import FleetDesk
    from swarm.field.flock import Flock, Place

    if args.keys is None:
        raise WatchError("--discover: needs --keys FOLDER: what shows itself is told apart by the swarm's keys")
    ring = keys.load(args.keys, args.key)
    found = _listened(ring, sys.stderr.isatty())
    runs = [one for one in found if one.kind == "run" and args.where in (None, one.member, f"{one.address}:{one.port}")]
    robots = {int(one.member): one for one in found if one.kind == "robot" and keys.number(one.member) is not None}
    robots = robots if args.where in (None, "robots") else {}
    publics = {name: public for public, name in ring.allowed.items()}
    if not runs and not robots:
        what = "run or robot" if args.where is None else f"{args.where!r}"
        raise WatchError(
            f"--discover: no {what} of the swarm {ring.swarm!r} shows itself on this network within {LISTEN:g} s; runs "
            f"do with --listen and --keys, robots by themselves, over UDP port {announce.PORT}"
        )
    if len(runs) + bool(robots) > 1:
        lines = [f"  {one.member}: run {one.title}, at {one.address}:{one.port}" for one in runs]
        lines += [f"  robots: {', '.join(map(str, sorted(robots)))}"] if robots else []
        raise WatchError("\n".join(["--discover: there are several; name one, as in --discover NAME:", *lines]))
    if runs:
        (run,) = runs
        address = f"tcp://{run.address}:{run.port}"
        desk = desks.Operator(args.command_at, ring, publics[run.member]) if args.command_at is not None else None
        return Watcher(context, address, ring, publics[run.member]), address, desk
    places = {n: Place(f"tcp://{one.address}:{one.port}", publics[one.member]) for n, one in robots.items()}
    control = {n: f"tcp://{one.address}:{fleet.CONTROL + n}" for n, one in robots.items()}
    desk_ = FleetDesk(control, ring) if ring.name == fleet.DESK else None
    return Flock(context, places, ring), f"robots {', '.join(map(str, sorted(robots)))}", desk_


def _listened(ring: Keyring, shown: bool) -> list[announce.Announcement]:
    """What shows itself on the network within `LISTEN` s."""
    with closing(announce.Listener(ring)) as listener:
        if shown:
            print(f"listening for {LISTEN:g} s ", end="", file=sys.stderr, flush=True)
        until = time.monotonic() + LISTEN
        while time.monotonic() < until:
            listener.take()
            time.sleep(STEP)
        if shown:
            print("\r", end="", file=sys.stderr)
        return [listener.found[place] for place in sorted(listener.found)]


def _look(watcher: Shown, address: str, desk: Desk | None) -> str | None:
    """The dashboard, until the operator leaves or the run is over; why it is over."""
    with Dashboard() as dashboard:
        while not dashboard.controls.over and watcher.over is None:
            watcher.take(STEP)
            _doubt(watcher, address)
            dashboard.pressed()
            dashboard.relay(desk)
            watcher.select(dashboard.controls.detail)
            dashboard.stage = watcher.stage
            dashboard.show(watcher.snapshot, watcher.detail)
    return watcher.over


def _lines(watcher: Shown, address: str) -> str | None:
    """A line now and then, until the run is over; why it is over."""
    due = 0.0
    while watcher.over is None:
        watcher.take(STEP)
        _doubt(watcher, address)
        if watcher.stage is not None and watcher.snapshot is not None and time.monotonic() >= due:
            due = time.monotonic() + LINE
            print(plain_line(watcher.stage, watcher.snapshot), flush=True)
    return watcher.over


def _doubt(watcher: Shown, address: str) -> None:
    """Raises WatchError where nothing has ever come."""
    if watcher.snapshot is None and time.monotonic() - watcher.seen > PATIENCE:
        hint = "; are the keys those of its swarm?" if address.startswith("tcp") or address.endswith(".toml") else ""
        who = "robot of it answers" if address.endswith(".toml") else "run answers there"
        raise WatchError(f"{address}: no {who} within {PATIENCE:g} s{hint}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "jerne watch", description=ABOUT, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add(
        "where",
        nargs="?",
        metavar="RUN|ADDRESS|FLEET",
        help="a run's folder, tcp://HOST:PORT, or the file of a fleet of real robots (default: the latest run)",
    )
    add("--discover", action="store_true", help="find the run or the robots on this network (RUN names one of several)")
    add("--keys", type=Path, metavar="FOLDER", help="the swarm's keys, for a run on the network, see `jerne keys`")
    add("--key", metavar="NAME", help="your own key in that folder (default: the only one)")
    add("--server", metavar="NAME", help="whose key the run has (default: the only member that is no robot)")
    add("--command", metavar="ADDRESS", dest="command_at", help="where the run takes orders, tcp://HOST:PORT")
    add("--insecure", action="store_true", help="attach without keys to a run that was started with --insecure")
    add("--plain", action="store_true", help="lines of text in place of the dashboard")
    return parser
