"""Who was revoked commands, sees and tells no more, over a connection that is open as over a new one. Real sockets."""

import math
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import msgspec
import pytest
import zmq

from robots.tracker.message import Deed, Seen
from robots.tracker.port import ZmqTracker
from swarm import missionfile
from swarm.field.control import Control, Order, Reply
from swarm.field.referee import Referee
from swarm.field.robot import trust
from swarm.field.tracker import Station
from swarm.net import envelope, gate, keys
from swarm.net.keys import Keyring
from swarm.net.link import PeerLink, clock
from swarm.view.publish import Publisher, Watcher
from tests.conftest import wait
from tests.swarm.field.test_field import status
from tests.swarm.view.test_dashboard import stage, swarm
from tests.swarm.view.test_watch import detail

ANY = "tcp://127.0.0.1:*"
SOON = 3.0  # s: a list is looked at every second


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    keys.new(tmp_path / "keys", ["0", "1", "desk", "laptop", "tracker"])
    return tmp_path / "keys"


def until(condition: Callable[[], object], *going_on: Callable[[], object]) -> None:
    """Until `condition` holds, while all these go on."""
    wait(lambda: ([step() for step in going_on], condition())[-1], 10)


def passed(seconds: float) -> Callable[[], bool]:
    end = time.monotonic() + seconds
    return lambda: time.monotonic() > end


class Line:
    """The desk's connection to a robot, kept open."""

    def __init__(self, context: "zmq.Context[zmq.Socket[bytes]]", address: str, ring: Keyring, robot: bytes) -> None:
        self.socket = context.socket(zmq.DEALER)
        self.socket.setsockopt(zmq.LINGER, 0)
        gate.approach(self.socket, ring, robot)
        self.socket.connect(address)

    def say(self, word: str) -> None:
        with suppress(zmq.Again):  # it was given up
            self.socket.send(msgspec.msgpack.encode(Order(word)), zmq.NOBLOCK)

    def answer(self) -> Reply | None:
        return msgspec.msgpack.decode(self.socket.recv(), type=Reply) if self.socket.poll(0) else None


def test_a_revoked_desk_gives_no_orders_not_even_over_a_connection_that_is_open(folder: Path) -> None:
    robot, thief = keys.load(folder, "0"), keys.load(folder, "desk")
    obeyed: list[str] = []
    with zmq.Context() as context, closing(Control(ANY, robot)) as end:

        def serve() -> None:
            end.serve(lambda word: (obeyed.append(word), (True, ""))[1], status)

        old = Line(context, end.address, thief, robot.public)
        old.say("stop")
        until(old.answer, serve)
        keys.revoke(folder, "desk")
        keys.new(folder, ["desk"])
        until(passed(SOON), serve)
        old.say("stop")
        old.say("status")
        new = Line(context, end.address, keys.load(folder, "desk"), robot.public)
        until(passed(0.5), serve)
        assert old.answer() is None
        assert obeyed == ["stop"]
        new.say("stop")
        until(new.answer, serve)
        assert obeyed == ["stop", "stop"]
        context.destroy(linger=0)


def test_a_revoked_watcher_sees_no_more_and_the_others_go_on(folder: Path) -> None:
    robot, thief, desk = (keys.load(folder, name) for name in ("0", "laptop", "desk"))
    with zmq.Context() as context, zmq.Context() as elsewhere:
        publisher = Publisher(context, [(ANY, robot)], "robot")
        watchers = [Watcher(elsewhere, publisher.addresses[0], ring, robot.public) for ring in (thief, desk)]

        def show() -> None:
            publisher.publish(stage(), swarm(1), detail)
            time.sleep(0.02)

        for watcher in watchers:
            until(watcher.take, show)
        keys.revoke(folder, "laptop")
        until(passed(SOON), show, *(watcher.take for watcher in watchers))
        until(watchers[1].take, show)
        until(passed(1.0), show, lambda: watchers[0].take() and pytest.fail("it still sees"))
        until(watchers[1].take, show)
        context.destroy(linger=0)
        elsewhere.destroy(linger=0)


class Eyes:
    """A source that always sees two robots."""

    def look(self, now: float) -> tuple[tuple[Seen, ...], float]:  # noqa: ARG002 - part of the contract
        return (Seen(0, 0.0, 0.0, 0.0), Seen(1, 1.0, 0.0, 0.0)), 0.0

    def close(self) -> None:
        pass


def addresses(station: Station) -> tuple[str, str]:
    """Where its views are published, and where deeds go."""
    views, deeds = (str(s.getsockopt_string(zmq.LAST_ENDPOINT)) for s in (station._views, station._deeds))
    return views, deeds


class Ear(Referee):
    """Keeps the robots whose deeds it heard."""

    def __init__(self) -> None:
        super().__init__(missionfile.load(missionfile.find("default")))
        self.heard: list[int] = []

    def hear(self, deed: Deed, now: float) -> None:  # noqa: ARG002
        self.heard.append(deed.robot)


def test_a_revoked_robot_tells_the_tracker_nothing_and_sees_nothing_of_it(folder: Path) -> None:
    ring, ear = keys.load(folder, "tracker"), Ear()
    robots = [keys.load(folder, name) for name in ("0", "1")]
    with closing(Station(Eyes(), ANY, ANY, ear, ring, now=True)) as station:
        views, deeds = addresses(station)
        ports = [
            ZmqTracker(views, deeds, lambda socket, own=own: gate.approach(socket, own, ring.public))  # type: ignore[misc]
            for own in robots
        ]
        seen: list[int] = []

        def go_on() -> None:
            station.tick(time.monotonic())
            for number, port in enumerate(ports):
                port.tell(Deed(number, 5, 0.0, True))
                if port.look(time.monotonic()) is not None and port.age(time.monotonic()) < 0.5:
                    seen.append(number)
            time.sleep(0.02)

        until(lambda: {0, 1} <= set(seen) and {0, 1} <= set(ear.heard), go_on)
        keys.revoke(folder, "0")
        until(passed(SOON), go_on)
        seen.clear()
        ear.heard.clear()
        until(passed(1.0), go_on)
        assert set(ear.heard) == {1}
        assert set(seen) == {1}
        for port in ports:
            port.close()


def test_a_revoked_tracker_is_believed_no_more_and_told_nothing(folder: Path) -> None:
    ring, ear = keys.load(folder, "tracker"), Ear()
    with (
        closing(Station(Eyes(), ANY, ANY, ear, ring, now=True)) as station,
        closing(PeerLink(0, envelope.topics(0.2), keys.load(folder, "0"), ANY)) as link,
        closing(ZmqTracker(*addresses(station), *trust("tracker", link))) as port,
    ):

        def go_on() -> None:
            station.tick(time.monotonic())
            port.tell(Deed(0, 5, 0.0, True))
            port.look(time.monotonic())
            link.drain(clock())
            time.sleep(0.02)

        until(lambda: port.age(time.monotonic()) < 0.5 and ear.heard, go_on)
        keys.revoke(folder, "tracker")
        until(lambda: port.look(time.monotonic()) is None, go_on)
        until(passed(0.5), go_on)  # what was on its way
        ear.heard.clear()
        until(passed(1.0), go_on, lambda: port.look(time.monotonic()) and pytest.fail("it is believed"))
        assert port.age(time.monotonic()) == math.inf
        assert not ear.heard
