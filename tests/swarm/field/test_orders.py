"""Orders that are held up on their way, and those that come in between: a stop stands. Over real sockets."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zmq

from robots.shell import State
from swarm.cli import main
from swarm.field import control, fleet
from swarm.field.config import Body, Config
from swarm.field.control import Control, Order, Reply, Stamp
from swarm.field.desk import FleetDesk
from swarm.field.fleet import Robot as Member
from swarm.field.loop import Loop
from swarm.net import announce, discovery, keys
from tests.conftest import wait
from tests.swarm.field.fakes import Deaf
from tests.swarm.field.test_field import pilot, tick

LATE = 0.15  # s that a slow line takes
#: a robot whose body is only numbers; prints where it takes orders, and its state whenever that changes
ROBOT = "from tests.swarm.field.test_orders import alone; alone()"


class Robot:
    """Robot 0: loop, shell and control as they are, a body of numbers."""

    def __init__(self) -> None:
        flight, _ = pilot()
        config = Config(0, Body("thymio", "tcp:localhost:1"), box=os.devnull)
        self.shell, self.control = flight.shell, Control("tcp://127.0.0.1:*", None)
        deaf: Any = Deaf()
        self.loop = Loop(config, flight, self.control, deaf, None, arm=False)
        self.address = self.control.address

    def __enter__(self) -> "Robot":
        self._thread = threading.Thread(target=self.loop.run, args=(None, None))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.loop.order("quit", 0.0)
        self._thread.join()
        self.control.close()


def alone() -> None:
    robot = Robot()
    print(robot.address, flush=True)
    robot.loop.run(60, None)


class SlowLine:
    """Passes TCP connections on to `target`; what their makers send over the first of them takes `LATE` s."""

    def __init__(self, target: str) -> None:
        self._target = ("127.0.0.1", int(target.rpartition(":")[2]))
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = f"tcp://127.0.0.1:{self._server.getsockname()[1]}"
        self._made = 0

    def __enter__(self) -> "SlowLine":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, far = self._server.accept()[0], socket.create_connection(self._target)
                late = 0.0 if self._made else LATE
                self._made += 1
                for source, sink, delay in ((near, far, late), (far, near, 0.0)):
                    threading.Thread(target=self._pass, args=(source, sink, delay), daemon=True).start()

    @staticmethod
    def _pass(source: socket.socket, sink: socket.socket, delay: float) -> None:
        with suppress(OSError):
            while data := source.recv(4096):
                time.sleep(delay)
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as it:
        yield it


@pytest.fixture
def robot(stack: ExitStack) -> Robot:
    it = stack.enter_context(Robot())
    wait_until_it_senses(it.address)
    return it


def wait_until_it_senses(address: str) -> None:
    """What is compiled is compiled then."""
    wait(lambda: (reply := control.send("status", {0: address}, None)[0]) and reply.status.age is not None, 120)


def told(word: str, address: str) -> Reply:
    reply = control.send(word, {0: address}, None)[0]
    assert reply is not None
    return reply


def arm(address: str) -> None:
    """Again, where its mind is late just then."""
    wait(lambda: told("arm", address).done, 20)


def lines_of(desk: FleetDesk, count: int) -> list[str]:
    lines: list[str] = []
    wait(lambda: lines.extend(desk.take()) or len(lines) >= count, 20)
    return lines


def test_orders_are_carried_out_one_after_the_other(robot: Robot) -> None:
    arm(robot.address)
    assert told("stop", robot.address).status.state == "emergency stop"
    assert "release it first" in told("arm", robot.address).text
    assert told("release", robot.address).status.state == "disarmed"
    desk = FleetDesk({0: robot.address, 1: "tcp://127.0.0.1:9"}, None)
    desk.order("resume", None)
    assert lines_of(desk, 1) == ["robot 1: NO ANSWER; resume: done by 1"]
    desk.close()
    assert robot.shell.state is State.ARMED


@pytest.mark.parametrize("later", [0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.1, None])
def test_a_stop_calls_off_what_is_pending(robot: Robot, stack: ExitStack, later: float | None) -> None:
    """A slow line carries the order to go on; the stop overtakes it, at whatever step it is."""
    line = stack.enter_context(SlowLine(robot.address))
    told("stop", robot.address)
    desk = FleetDesk({0: line.address}, None)
    stack.callback(desk.close)
    desk.order("resume", None)
    if later is None:  # no stop: it would have come through
        assert lines_of(desk, 1) == ["resume: done by 1"]
        return
    time.sleep(later)
    desk.order("stop", None)
    lines_of(desk, 2)
    time.sleep(LATE)
    assert robot.shell.state is State.EMERGENCY


@pytest.mark.parametrize("word", ["release", "arm"])
def test_a_stop_of_somebody_else_stands_too(robot: Robot, word: str) -> None:
    with zmq.Context() as context:
        one = Line(context, robot.address)
        before = one.told("status").stamp
        told("stop", robot.address)
        refused = one.told(word, before)
        assert (refused.done, refused.text) == (False, "the robot was stopped, or started again, after it was given")
        assert robot.shell.state is State.EMERGENCY
        assert one.told("release", refused.stamp).done
        one.close()


def test_a_stop_at_its_own_terminal_stands_too(robot: Robot) -> None:
    with zmq.Context() as context:
        one = Line(context, robot.address)
        before = one.told("status").stamp
        robot.loop.order("stop", time.monotonic())
        assert not one.told("release", before).done
        one.close()
    assert robot.shell.state is State.EMERGENCY


def test_a_stop_calls_off_the_arming_at_the_start() -> None:
    flight, body = pilot()
    deaf: Any = Deaf()
    loop = Loop(Config(0, Body("thymio", "tcp:localhost:1"), box=os.devnull), flight, deaf, deaf, None, arm=True)
    body.old = 9.0  # not ready yet
    tick(flight, 0.0)
    loop._keep(0.0)
    loop.order("stop", 0.0)
    body.old = 0.0
    tick(flight, 0.1)
    loop.order("release", 0.1)
    loop._keep(0.1)
    assert flight.shell.state is State.DISARMED


def test_without_a_stamp_of_this_robot_nothing_but_a_stop_is_done(robot: Robot) -> None:
    with zmq.Context() as context:
        one = Line(context, robot.address)
        assert one.told("arm").text == "it bears no stamp of this robot"
        stamp = one.told("status").stamp
        assert not one.told("arm", Stamp(stamp.era + 1, stamp.time)).done
        assert "too old" in one.told("arm", Stamp(stamp.era, stamp.time + 60)).text
        assert robot.shell.state is State.DISARMED
        wait(lambda: one.told("arm", one.told("status").stamp).done, 20)
        assert one.told("stop").done
        one.close()


@pytest.fixture
def process(stack: ExitStack) -> tuple["subprocess.Popen[str]", str]:
    """A robot in a process of its own, ready to be armed, and where it takes orders."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    one = subprocess.Popen([sys.executable, "-c", ROBOT], stdout=subprocess.PIPE, text=True, env=environment)
    stack.callback(one.wait)
    stack.callback(one.kill)
    assert one.stdout is not None
    address = one.stdout.readline().strip()
    wait_until_it_senses(address)
    return one, address


def test_an_order_that_got_no_answer_is_not_carried_out_when_the_robot_wakes(
    process: tuple["subprocess.Popen[str]", str],
) -> None:
    one, address = process
    one.send_signal(signal.SIGSTOP)
    assert control.send("arm", {0: address}, None, 0.5) == {0: None}
    one.send_signal(signal.SIGCONT)
    time.sleep(0.5)
    assert told("status", address).status.state == "disarmed"


def test_an_order_that_was_held_up_is_refused_as_too_old_but_a_stop_is_done(
    process: tuple["subprocess.Popen[str]", str],
) -> None:
    one, address = process
    with zmq.Context() as context:
        line = Line(context, address)
        stamp = line.told("status").stamp
        one.send_signal(signal.SIGSTOP)
        line.say("arm", stamp)
        time.sleep(control.FRESH + 0.2)
        one.send_signal(signal.SIGCONT)
        reply = line.hear()
        assert not reply.done
        assert reply.text.startswith("it is too old: given ")
        assert reply.status.state == "disarmed"
        arm(address)
        one.send_signal(signal.SIGSTOP)
        line.say("stop")
        time.sleep(control.FRESH + 0.2)
        one.send_signal(signal.SIGCONT)
        assert line.hear().status.state == "emergency stop"
        line.close()


def test_a_robot_without_an_address_is_no_answer_and_the_others_are_told(robot: Robot) -> None:
    where = {0: "tcp://robot 1:5770", 1: robot.address, 2: "nonsense", 3: robot.address}
    replies = control.send("stop", where, None, 1.0)
    assert {n for n, reply in replies.items() if reply is None} == {0, 2}
    assert all(reply.done for reply in replies.values() if reply is not None)
    assert robot.shell.state is State.EMERGENCY


FLEET = """\
keys = ""
[[robots]]
number = 0
host = "{}"
body.kind = "thymio"
body.address = "serial:/dev/ttyACM0"
"""


@pytest.mark.parametrize("command", ["stop", "arm", "release", "doctor", "watch"])
def test_a_host_that_is_none_is_refused_when_the_file_is_read(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "fleet.toml"
    file.write_text(FLEET.format("robot 1"))
    assert main([command, str(file)]) == 2
    assert capsys.readouterr().err == (
        f"jerne: error: {file}: robots[0].host = 'robot 1': "
        "must be a host's name or IPv4 address, as robot1.local or 10.0.0.10\n"
    )


def test_who_holds_one_secret_alone_may_stop_and_ask_and_no_more(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keys.new(tmp_path / "keys", ["0", "desk", "laptop"])
    for name in ("0", "desk"):
        (tmp_path / "keys" / f"{name}.secret").unlink()
    file = tmp_path / "fleet.toml"
    file.write_text(FLEET.format("127.0.0.1").replace('keys = ""', 'keys = "keys"'))
    assert [main([word, str(file)]) for word in ("stop", "doctor")] == [1, 1]
    assert "robot 0: stop: NO ANSWER from tcp://127.0.0.1:5770" in capsys.readouterr().out
    assert [main([word, str(file)]) for word in ("arm", "release", "quit")] == [2, 2, 2]
    assert "desk.secret is not there; there are those of laptop" in capsys.readouterr().err


def test_ports_that_robots_share_are_no_robots_own() -> None:
    assert max(announce.PORT, discovery.PORT) < min(fleet.EARS, fleet.CONTROL, fleet.WATCH)


@pytest.mark.parametrize("host", ["", "10.0.0.300", "::1", "tcp://a", "a:1", "a/b", "*", "-a", "a..b", "h\u00fctte"])
def test_no_hosts(host: str) -> None:
    with pytest.raises(ValueError, match=r"host = .*: must be"):
        Member(0, Body("thymio", "tcp:localhost:1"), host)


@pytest.mark.parametrize("host", ["10.0.0.10", "localhost", "robot-1.local", "robot_1", "r1.lan.", "1a"])
def test_hosts(host: str) -> None:
    assert Member(0, Body("thymio", "tcp:localhost:1"), host).host == host


class Line:
    """A connection to a robot that says what a test wants."""

    def __init__(self, context: "zmq.Context[zmq.Socket[bytes]]", address: str) -> None:
        self._socket = context.socket(zmq.DEALER)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.connect(address)

    def say(self, word: str, stamp: Stamp | None = None) -> None:
        self._socket.send(msgspec.msgpack.encode(Order(word, stamp)))

    def hear(self) -> Reply:
        assert self._socket.poll(10_000)
        return msgspec.msgpack.decode(self._socket.recv(), type=Reply)

    def told(self, word: str, stamp: Stamp | None = None) -> Reply:
        self.say(word, stamp)
        return self.hear()

    def close(self) -> None:
        self._socket.close()
