"""Watching a run from elsewhere: what comes, who may, and that a run never notices."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import zmq

from swarm.crew import Crew
from swarm.mission import Mission
from swarm.net import keys
from swarm.view import watch
from swarm.view.publish import ADDRESS, Publisher, Watcher, topic
from swarm.view.snapshot import Detail, Snapshot
from tests.conftest import Play, Terminal, wait
from tests.swarm.view.test_dashboard import stage, swarm

NETWORK = "tcp://127.0.0.1:*"


def detail(robot: int) -> Detail:
    return Detail(robot, 1.0, {"touch": -1}, [], [], float("nan"), None)


def pump(publisher: Publisher, *watchers: Watcher, done: int = 1) -> None:
    publisher.publish(stage(), swarm(3, done=done), detail)
    for watcher in watchers:
        watcher.take(0.02)


def test_who_attaches_gets_the_stage_and_then_what_is_new() -> None:
    with zmq.Context() as context:
        publisher = Publisher(context, [("inproc://run", None)])
        first = Watcher(context, "inproc://run")
        wait(lambda: pump(publisher, first) or first.snapshot, 10)
        late = Watcher(context, "inproc://run")
        wait(lambda: pump(publisher, first, late, done=7) or late.snapshot, 10)
        assert late.stage == stage()
        assert late.snapshot is not None
        assert late.snapshot.done == 7
        publisher.end("completed")
        wait(lambda: first.take(0.02) and first.over, 10)
        assert first.over == "completed"
        context.destroy(linger=0)


def test_details_come_of_the_robot_that_is_asked_for_and_of_no_other() -> None:
    made: list[int] = []

    def making(robot: int) -> Detail:
        made.append(robot)
        return detail(robot)

    with zmq.Context() as context:
        publisher = Publisher(context, [("inproc://run", None)])
        watcher = Watcher(context, "inproc://run")

        def go_on() -> None:
            publisher.publish(stage(), swarm(12), making)
            watcher.take(0.02)

        wait(lambda: go_on() or watcher.snapshot, 10)
        assert not made
        watcher.select(1)  # and not 11
        wait(lambda: go_on() or watcher.detail, 10)
        assert set(made) == {1}
        watcher.select(11)
        wait(lambda: go_on() or (watcher.detail and watcher.detail.robot == 11), 10)
        watcher.select(None)
        wait(lambda: (made.clear(), go_on(), not made)[-1], 10)
        context.destroy(linger=0)


def test_nonsense_from_watchers_and_publishers_is_dropped() -> None:
    with zmq.Context() as context:
        publisher = Publisher(context, [("inproc://run", None)])
        rude = context.socket(zmq.SUB)
        for name in (topic(10**5), b"robot x.", b"robot -1.", b"robot 1", b"\xff" * 100):
            rude.setsockopt(zmq.SUBSCRIBE, name)
        rude.connect("inproc://run")
        false = context.socket(zmq.PUB)
        false.bind("inproc://false")
        watcher = Watcher(context, "inproc://run")
        deceived = Watcher(context, "inproc://false")
        wait(lambda: pump(publisher, watcher) or watcher.snapshot, 10)

        def lie() -> int:
            for frames in ((b"stage", b"\xc1"), (b"swarm",), (b"swarm", b"\x01", b"\x02"), (b"stages", b"\x01")):
                false.send_multipart(frames)
            deceived.take(0.02)
            return deceived.bad

        wait(lambda: lie() >= 4, 10)
        assert deceived.stage is deceived.snapshot is None
        context.destroy(linger=0)


def test_of_what_comes_fast_a_watcher_takes_a_few_at_a_time() -> None:
    with zmq.Context() as context, context.socket(zmq.PUB) as fast:
        fast.bind("inproc://fast")
        watcher = Watcher(context, "inproc://fast")
        wait(lambda: fast.send_multipart((b"swarm", b"")) or watcher.take(0.02), 10)
        for _ in range(50):
            fast.send_multipart((b"swarm", b""))
        before = watcher.bad
        watcher.take()
        assert watcher.bad - before <= 8
        watcher.close()


def test_on_the_network_members_get_in_and_strangers_do_not() -> None:
    rings = keys.generate(["desk", "laptop"], "mine")
    stranger = keys.generate(["desk", "laptop"], "other")["laptop"]
    with zmq.Context() as context, zmq.Context() as elsewhere:
        publisher = Publisher(context, [("inproc://run", None), (NETWORK, rings["desk"])])
        address = publisher.addresses[1]
        member = Watcher(elsewhere, address, rings["laptop"], rings["desk"].public)
        outside = Watcher(elsewhere, address, stranger, rings["desk"].public)
        plain = Watcher(elsewhere, address)
        wait(lambda: pump(publisher, member) or member.snapshot, 20)
        for _ in range(20):
            pump(publisher, member, outside, plain)
        assert outside.snapshot is plain.snapshot is None
        context.destroy(linger=0)
        elsewhere.destroy(linger=0)


@pytest.mark.slow
def test_three_watchers_one_stopped_one_killed_change_nothing(mission: Mission, play: Play) -> None:
    watchers: list[subprocess.Popen[bytes]] = []
    shown: list[bytes] = []

    def during(crew: Crew, now: Snapshot) -> None:
        if not watchers:
            assert (crew.out / ADDRESS).read_text().strip() == crew.watch
            command = [sys.executable, "-m", "swarm.cli", "watch", str(crew.out), "--plain"]
            watchers.extend(subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(3))
        if now.time > 1 and not shown:
            assert watchers[0].stdout is not None
            shown.append(watchers[0].stdout.readline())
            os.kill(watchers[1].pid, signal.SIGSTOP)
            watchers[2].kill()

    watched = play(mission, during, speed=2)
    try:
        assert shown[0].startswith(b"0:")
        out, _ = watchers[0].communicate(timeout=60)
        assert b"the run is over: completed" in out
        assert not (watched.out / ADDRESS).exists()
        assert watched.log == play(mission).log
    finally:
        for one in watchers:
            one.kill()
            one.wait()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["none"], "none: no such folder"),
        ([], "jerne watch: there is no folder runs here; name a run's folder or an address"),
        (["."], ".: the run is over, or was never begun; jerne replay shows runs that are over"),
        (["tcp://127.0.0.1:9"], "tcp://127.0.0.1:9: needs --keys FOLDER, or --insecure for a run that was started so"),
        (["nonsense://x"], "nonsense://x: Protocol not supported"),
        (
            ["tcp://127.0.0.1:9", "--keys", "k", "--key", "me"],
            "--server NAME is needed: whose key the run has; there are 0",
        ),
        (["tcp://127.0.0.1:9", "--keys", "k", "--key", "me", "--server", "7"], "--server 7: is no member; there are 0"),
    ],
)
def test_refused(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    keys.new(tmp_path / "k", ["0", "me"])
    assert watch.main(arguments) == 2
    assert capsys.readouterr().err == f"jerne: error: {said}\n"


def test_nobody_there(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(watch, "PATIENCE", 0.3)
    assert watch.main(["ipc://@jerne-nobody", "--plain"]) == 2
    assert capsys.readouterr().err == "jerne: error: ipc://@jerne-nobody: no run answers there within 0.3 s\n"


def test_the_latest_run_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for i, name in enumerate(["b", "a"]):
        folder = tmp_path / "runs" / name
        folder.mkdir(parents=True)
        (folder / ADDRESS).write_text(f"ipc://@{name}\n")
        os.utime(folder / ADDRESS, (time.time() + i, time.time() + i))
    assert watch.find(None) == Path("runs/a")
    assert watch.find("runs/b") == Path("runs/b")


@pytest.mark.slow
def test_the_dashboard_of_a_run_and_one_attached_to_it(mission_file: Path, terminal: Callable[..., Terminal]) -> None:
    out = mission_file.parent / "out"
    own = terminal(str(mission_file), "--out", str(out), "--speed", "0.5")
    own.wait_for_screen("3 alive")
    attached = terminal("watch", str(out), command=())
    attached.wait_for_screen("3 alive")
    for one in (own, attached):
        one.type(b"jj\r")
        one.wait_for_screen("robot 1")
        one.wait_for_screen("immune network")
        one.wait_for_screen("touches")
        one.type(b"p")
        one.wait_for_screen("paused")
        one.type(b"?")
        one.wait_for_screen("back to the swarm")
    attached.type(b"xq")
    assert attached.ended(within=30) == 0
    own.type(b"xq")
    assert own.ended(within=30) == 130
    wait(lambda: b"stopped by SIGINT" in own.text, 5)
    for one in (own, attached):
        assert one.text.count(b"\x1b[?1049h") == one.text.count(b"\x1b[?1049l") == 1


#: watchers that say what no watcher does, as fast as they can: ADDRESS SECONDS, connections, what they say
LOUD = """
import sys, time, zmq
address, seconds, count, said = sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), bytes.fromhex(sys.argv[4])
context = zmq.Context()
sockets = [context.socket(zmq.XSUB) for _ in range(count)]
for socket in sockets:
    socket.setsockopt(zmq.LINGER, 0)
    socket.connect(address)
until = time.monotonic() + seconds
while time.monotonic() < until:
    for socket in sockets:
        for _ in range(100):
            try:
                socket.send(said, zmq.NOBLOCK)
            except zmq.Again:
                break
"""


def memory() -> float:
    """MB of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


@pytest.mark.parametrize("said", [b"\x02", b"\x01stage"])
def test_loud_watchers_hold_nobody_up_and_fill_no_memory(said: bytes) -> None:
    with zmq.Context() as context, zmq.Context() as elsewhere:
        publisher = Publisher(context, [(NETWORK, None)])
        watcher = Watcher(elsewhere, publisher.addresses[0])
        wait(lambda: pump(publisher, watcher) or watcher.snapshot, 10)
        before, busy = memory(), []
        command = [sys.executable, "-c", LOUD, publisher.addresses[0], "3", "3", said.hex()]
        with subprocess.Popen(command) as loud:
            while loud.poll() is None:
                begin = time.thread_time()
                pump(publisher)
                busy.append(time.thread_time() - begin)
                time.sleep(0.05)
        late = Watcher(elsewhere, publisher.addresses[0])
        wait(lambda: pump(publisher, watcher, late) or (late.stage and late.snapshot), 10)
        print(f"{1000 * max(busy):.1f} ms at most, {memory() - before:.1f} MB more")
        assert max(busy) < 0.05
        assert memory() - before < 20
        context.destroy(linger=0)
        elsewhere.destroy(linger=0)


#: watches at ADDRESS, does nothing for SECONDS, and goes on
BLOCKED = """
import sys, time, zmq
from swarm.view.publish import Watcher
context = zmq.Context()
watcher = Watcher(context, sys.argv[1])
for pause in (0.0, float(sys.argv[2])):
    time.sleep(pause)
    until = time.monotonic() + 2
    while time.monotonic() < until:
        watcher.take(0.05)
assert watcher.snapshot is not None
context.destroy(linger=0)
"""


@pytest.mark.slow
def test_a_dashboard_whose_terminal_stands_still_goes_on_when_it_may() -> None:
    with zmq.Context() as context:
        publisher = Publisher(context, [(NETWORK, None)])
        command = [sys.executable, "-c", BLOCKED, publisher.addresses[0], "8"]
        with subprocess.Popen(command) as blocked:
            while blocked.poll() is None:
                publisher.publish(stage(), swarm(12), detail)
                time.sleep(0.1)
        context.destroy(linger=0)
    assert blocked.returncode == 0
