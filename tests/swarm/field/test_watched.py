"""Three Thymios in the makers' simulator, a `jerne robot` process each, watched from a terminal."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import zmq

from robots.tracker import message
from robots.tracker.message import Seen, View
from swarm.field import control, deploy, fleet
from swarm.field.flock import Flock, Place
from swarm.net import keys
from tests.conftest import Terminal, wait
from tests.robots.playground import Playground

pytestmark = pytest.mark.slow
COUNT, SIDE = 3, 2.0
MISSION = """\
version = 1
name = "three thymios"
[arena]
size = [2.0, 2.0]
[robots]
count = 3
radius = 0.08
speed = 0.12
turn = 1.5
[[phases]]
duration = 600
rate = 0
kinds = {}
"""
FLEET = """\
mission = "mission.toml"
[tracker]
address = "tcp://127.0.0.1:5601"
deeds = "tcp://127.0.0.1:5602"
[fence]
left = -0.9
low = -0.9
right = 0.9
high = 0.9
"""
ROBOT = '[[robots]]\nnumber = {}\nbody.kind = "thymio"\nbody.address = "{}"\n'


class Field:
    """The simulator, a tracker, and a fleet that was deployed."""

    def __init__(self, playground: Playground, folder: Path) -> None:
        self.playground, self.folder, self.over = playground, folder, False
        self.lock = threading.Lock()
        self.processes: list[subprocess.Popen[bytes]] = []
        (folder / "mission.toml").write_text(MISSION)
        keys.new(folder / "keys", [*map(str, range(COUNT)), "desk", "laptop", "tracker"])
        self.file = folder / "fleet.toml"
        self.file.write_text(FLEET + "".join(ROBOT.format(i, playground.address(i)) for i in range(COUNT)))
        self.fleet = fleet.read(self.file)
        deploy.deploy(self.fleet, self.file, folder / "out", "jerne")
        self.eyes = threading.Thread(target=self._see)
        self.eyes.start()
        self.run("tracker", "--poses", "tcp://127.0.0.1:5600", "--keys", str(folder / "keys"))
        self.robots = [self.run("robot", "--config", str(folder / "out" / str(i) / "robot.toml")) for i in range(COUNT)]

    def run(self, *arguments: str) -> subprocess.Popen[bytes]:
        with (self.folder / "processes.log").open("ab") as log:
            command = [sys.executable, "-m", "swarm.cli", *arguments]
            self.processes.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log))
        return self.processes[-1]

    def order(self, word: str) -> dict[int, control.Reply | None]:
        addresses = {robot.number: fleet.control(robot) for robot in self.fleet.robots}
        return control.send(word, addresses, fleet.ring_of(self.fleet, self.file))

    def command(self, *words: str) -> int:
        line = [sys.executable, "-m", "swarm.cli", *words]
        return subprocess.run(line, check=False, timeout=60).returncode

    def poses(self) -> np.ndarray:
        with self.lock:
            return self.playground.poses() - [SIDE / 2, SIDE / 2, 0]

    def close(self) -> None:
        self.over = True
        self.eyes.join()
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _see(self) -> None:
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        socket, seq = context.socket(zmq.PUB), 0
        socket.bind("tcp://127.0.0.1:5600")
        while not self.over:
            robots = tuple(Seen(i, *pose) for i, pose in enumerate(self.poses().tolist()))
            socket.send(message.encode(View(1, seq, time.monotonic(), 0.0, robots)))
            seq += 1
            time.sleep(0.03)
        context.destroy(linger=0)


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    spots = [("thymio2", 0.6 + 0.4 * i, 1.0, 0.8 * i) for i in range(COUNT)]
    with Playground(SIDE, spots) as playground:
        it = Field(playground, tmp_path_factory.mktemp("field"))
        try:
            wait(lambda: all(r is not None and r.status.age is not None for r in it.order("status").values()), 120)
            yield it
        finally:
            it.close()
            print((it.folder / "processes.log").read_text()[-3000:])


def test_watchers_see_where_robots_truly_are(field: Field) -> None:
    ring = keys.load(field.folder / "keys", "laptop")
    with zmq.Context() as context:
        places = {robot.number: Place(fleet.watch(robot), ring.robots[robot.number]) for robot in field.fleet.robots}
        flock = Flock(context, places, ring)
        wait(lambda: flock.take(0.1) and flock.snapshot and all(r.alive for r in flock.snapshot.robots), 30)
        wait(lambda: flock.take(0.1) and flock.snapshot and len(flock.snapshot.links) == 3, 30)
        assert flock.snapshot is not None
        shown = np.array([(r.x, r.y) for r in flock.snapshot.robots])
        assert np.abs(shown - field.poses()[:, :2]).max() < 0.02  # they stand
        assert all(r.concentration[0] + r.concentration[1] > 0 for r in flock.snapshot.robots)
        context.destroy(linger=0)


def test_the_dashboard_of_real_robots(field: Field, terminal: Callable[..., Terminal]) -> None:
    desk = terminal("watch", str(field.file), command=())
    laptop = terminal("watch", str(field.file), "--key", "laptop", command=())
    for one in (desk, laptop):
        one.wait_for_screen("3 alive")
        one.wait_for_screen("0, 1, 2: disarmed: not armed yet")
    wait(lambda: field.command("arm", str(field.file)) == 0, 20)
    for one in (desk, laptop):
        one.wait_for_screen("3 may")
        one.type(b"j\r")
        one.wait_for_screen("robot 0")
        one.wait_for_screen("immune network")
        one.wait_for_screen("taken")
    laptop.type(b"s")
    laptop.wait_for_screen("no operator's key: watching only")
    laptop.type(b"q")
    assert laptop.ended(within=10) == 0
    field.robots[2].kill()
    desk.type(b"\x1b")
    desk.wait_for_screen("robot 2 lost")
    field.robots[2] = field.run("robot", "--config", str(field.folder / "out" / "2" / "robot.toml"))
    desk.wait_for_screen("3 alive")
    assert field.command("stop", str(field.file), "1") == 0
    desk.wait_for_screen("robot 1: emergency stop: told to")
    desk.type(b"S")
    desk.wait_for_screen("robots 0, 1, 2: emergency stop: told to")
    desk.type(b"G")
    desk.wait_for_screen("let all robots go on? y")
    assert {reply.status.state for reply in field.order("status").values() if reply} == {"emergency stop"}
    desk.type(b"y")
    desk.wait_for_screen("3 may")
    desk.type(b"q")
    assert desk.ended(within=10) == 0
