"""`jerne tracker`: see where robots are, and serve them virtual sites."""

import argparse
import contextlib
import secrets
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import zmq

from robots import check
from robots.tracker import message
from robots.tracker.camera import Camera, CameraError, Finder
from robots.tracker.message import Seen, TrackerError, View
from robots.tracker.port import BEAT, TIMEOUT, ZmqTracker
from swarm import missionfile
from swarm.field.referee import Referee
from swarm.net import gate, keys
from swarm.net.link import clock
from swarm.net.meter import Callers
from swarm.refusal import refuse

RATE = 20.0  # Hz, at most, of views
AT_ONCE = 256  # deeds taken in one go

ABOUT = """\
See where robots are and tell them, with the sites of a mission if one is given. Robots that cannot sense each other or
sites themselves take part that way; what they achieve is labelled "with external tracker".

Poses come from a camera that looks at AprilTags, or from any other tracker that publishes views (see
robots/tracker/message.py). The mission's time starts once all its robots are in view, or with --now at once.
"""
EXAMPLES = """\
examples:
  jerne tracker --camera camera.toml --mission depot.toml
  jerne tracker --poses tcp://10.0.0.5:5600 --mission depot.toml --keys keys
"""


class Source(Protocol):
    """Where poses come from."""

    def look(self, now: float) -> tuple[tuple[Seen, ...], float] | None:
        """Robots in view and the age of that in s; None: nothing new."""

    def close(self) -> None:
        """Give it up."""


class Relay:
    """Poses that another tracker publishes."""

    def __init__(self, address: str) -> None:
        self._tracker = ZmqTracker(address)
        self._seq: tuple[int, int] | None = None

    def look(self, now: float) -> tuple[tuple[Seen, ...], float] | None:
        """The other's latest view, if it is a new one."""
        view = self._tracker.look(now)
        if view is None or (view.boot, view.seq) == self._seq:
            return None
        self._seq = view.boot, view.seq
        return view.robots, max(0.0, self._tracker.age(now))

    def close(self) -> None:
        """Hang up."""
        self._tracker.close()


@dataclass(frozen=True)
class CameraFile:
    """The file of a camera tracker."""

    camera: Camera
    device: str = "0"  # number of a camera, or a film or picture to read in its place
    delay: float = 0.05  # s from the light to the picture, as measured for the camera


class Eye:
    """Poses by a camera. Raises CameraError where it cannot be had."""

    def __init__(self, settings: CameraFile) -> None:
        try:
            import cv2
        except ImportError:
            raise CameraError("a camera needs OpenCV: pip install '.[camera]' in a clone of jerne") from None
        device = settings.device
        self._capture: Any = cv2.VideoCapture(int(device) if device.isdecimal() else device)
        if not self._capture.isOpened():
            raise CameraError(f"device = {device!r}: no such camera, film or picture")
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # of a camera that is quicker than we look, no picture waits
        self._grey, self._finder, self._delay = cv2.COLOR_BGR2GRAY, Finder(settings.camera), settings.delay
        self._convert = cv2.cvtColor
        self.trouble = ""

    def look(self, now: float) -> tuple[tuple[Seen, ...], float] | None:  # noqa: ARG002 - part of the contract
        """The robots in the next picture; waits for it."""
        good, picture = self._capture.read()
        taken = time.monotonic()
        if not good:
            raise CameraError("no more pictures")
        try:
            robots = self._finder.find(self._convert(picture, self._grey))
        except CameraError as error:
            if str(error) != self.trouble:
                self.trouble = str(error)
                print(f"tracker: {error}", file=sys.stderr, flush=True)
            return None
        self.trouble = ""
        return tuple(robots), time.monotonic() - taken + self._delay

    def close(self) -> None:
        """Give the camera up."""
        self._capture.release()


class Station:
    """Publishes views at `address`, with sites of a referee if there is one, and hears deeds at `deeds`.

    Raises OSError where an address is not to be had.
    """

    def __init__(
        self, source: Source, address: str, deeds: str, referee: Referee | None, ring: keys.Keyring | None, *, now: bool
    ) -> None:
        self.source, self.referee, self._started = source, referee, now
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._gate = None if ring is None else gate.Gate(self._context, ring)
        self._callers: list[Callers] = []
        self._views = self._socket(zmq.PUB, address, ring)
        self._deeds = self._socket(zmq.PULL, deeds, ring)
        self._boot, self._seq = secrets.randbits(62), 0
        self.robots: tuple[Seen, ...] = ()
        self.bad = 0

    def tick(self, now: float) -> list[str]:
        """Look, judge, tell; gives what happened, for people."""
        lines: list[str] = []
        if self._gate is not None:
            gone = self._gate.serve()
            for callers in self._callers:
                callers.look(len(self._gate.ring.allowed), anew=gone)
        self._hear(now)
        seen = self.source.look(now)
        if seen is None:
            return lines
        self.robots, age = seen
        sites: tuple[message.Site, ...] = ()
        if self.referee is not None:
            if not self._started and len({s.number for s in self.robots}) >= self.referee.mission.robots.count:
                self._started = True
                lines.append(f"all {self.referee.mission.robots.count} robots are in view: the mission begins")
            if self._started:
                lines += [f"{event.time:6.1f} s  {event.text}" for event in self.referee.tick(self.robots, now)]
                sites = self.referee.told()
        view = View(self._boot, self._seq, now, age, self.robots, sites)
        self._seq += 1
        with contextlib.suppress(zmq.Again):
            self._views.send(message.encode(view), zmq.NOBLOCK)
        return lines

    def close(self) -> None:
        """Give all up."""
        self.source.close()
        for callers in self._callers:
            callers.close()
        self._context.destroy(linger=100)

    def _hear(self, now: float) -> None:
        for _ in range(AT_ONCE):
            try:
                frame = self._deeds.recv(zmq.NOBLOCK, copy=False)
            except zmq.Again:
                return
            name = None if self._gate is None else self._gate.sender(frame)
            try:
                deed = message.deed(frame.bytes)
            except TrackerError:
                self.bad += 1
                continue
            if self._gate is not None and (name is None or keys.number(name) != deed.robot):
                self.bad += 1  # it speaks for another one, or was revoked
            elif self.referee is not None:
                self.referee.hear(deed, now)

    def _socket(self, kind: int, address: str, ring: keys.Keyring | None) -> "zmq.Socket[bytes]":
        socket = self._context.socket(kind)
        for option, value in (
            (zmq.LINGER, 0),
            (zmq.MAXMSGSIZE, message.MOST),
            (zmq.HEARTBEAT_IVL, BEAT),
            (zmq.HEARTBEAT_TIMEOUT, TIMEOUT),
        ):
            socket.setsockopt(option, value)
        if ring is not None:
            gate.guard(socket, ring, b"tracker")
            self._callers.append(Callers(socket))
        try:
            socket.bind(address)
        except zmq.ZMQError as error:
            self.close()
            raise OSError(f"{address}: {zmq.strerror(error.errno or 0)}") from None
        return socket


def main(argv: Sequence[str]) -> int:
    """Run `jerne tracker` with these arguments; the exit status."""
    args = _parser().parse_args(argv)
    try:
        if args.sets and not args.mission:
            raise ValueError(f"--set {args.sets[0]}: says nothing without --mission")
        ring = keys.load(args.keys, "tracker") if args.keys else None
        referee = None
        if args.mission:
            referee = Referee(missionfile.load(missionfile.find(args.mission), args.sets))
        source: Source
        if args.camera:
            source = Eye(missionfile.read(CameraFile, missionfile.text_of(args.camera), str(args.camera)))
        else:
            check.address("--poses", args.poses, "tcp://10.0.0.5:5600")
            source = Relay(args.poses)
        station = Station(source, args.bind, args.deeds, referee, ring, now=args.now)
    except ValueError as error:  # MissionError, CameraError, KeysError, FloorError
        return refuse(error)
    except OSError as error:
        print(f"jerne: error: {error}", file=sys.stderr)
        return 1
    with contextlib.closing(station), _ended() as ended:
        return _serve(station, ended)


def _serve(station: Station, ended: list[int]) -> int:
    due = shown = time.monotonic()
    while not ended:
        try:
            for line in station.tick(clock()):  # robots take views for old whose clock stood still
                print(line, flush=True)
        except CameraError as error:
            print(f"tracker: {error}", file=sys.stderr)
            return 1
        if time.monotonic() - shown >= 10:
            shown = time.monotonic()
            done = f", {station.referee.sites.done} sites done" if station.referee else ""
            print(f"{len(station.robots)} robots in view{done}", flush=True)
        due = max(due + 1 / RATE, time.monotonic() - 0.2)
        time.sleep(max(0.0, due - time.monotonic()))
    return 0


@contextlib.contextmanager
def _ended() -> Iterator[list[int]]:
    """A list that SIGTERM and Ctrl-C fill."""
    got: list[int] = []
    before = {one: signal.signal(one, lambda n, _: got.append(n)) for one in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield got
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "jerne tracker", description=ABOUT, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--camera", type=Path, metavar="FILE", help="file of the camera and its tags")
    source.add_argument("--poses", metavar="ADDRESS", help="where another tracker publishes views, tcp://HOST:PORT")
    add = parser.add_argument
    add("--mission", metavar="MISSION", help="file or shipped name of the mission whose sites are served")
    add("--set", action="append", default=[], metavar="KEY=VALUE", dest="sets", help="change a key of the mission")
    add("--bind", default="tcp://0.0.0.0:5601", metavar="ADDRESS", help="of views (default: %(default)s)")
    add("--deeds", default="tcp://0.0.0.0:5602", metavar="ADDRESS", help="of deeds (default: %(default)s)")
    add("--keys", type=Path, metavar="FOLDER", help="the swarm's keys; the tracker is its member `tracker`")
    add("--now", action="store_true", help="do not wait for all robots")
    return parser
