"""Eight Thymios in the makers' simulator, a `jerne robot` process each: what they do is judged by true poses.

The tracker is fed with noisy poses that are 100 ms late; the judge reads true ones by itself.
"""

import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import zmq

from robots.tracker import message
from robots.tracker.message import Seen, View
from swarm.field import control, deploy, fleet
from swarm.net import keys
from tests.conftest import wait
from tests.robots.playground import Playground

pytestmark = pytest.mark.slow
COUNT, SIDE = 8, 3.0
LATE, NOISE, TURN = 0.1, 0.004, 0.01  # s, m, rad, of the tracker's poses
MISSION = """\
version = 1
name = "thymios"
[arena]
size = [3.0, 3.0]
[robots]
count = 8
radius = 0.08
speed = 0.12
turn = 1.5
[sensors.proximity]
range = 0.3
[sensors.robots]
range = 3.0
[sensors.sites]
range = 3.0
[work]
face = 1.5
[kinds.heavy]
signature = "10######"
[[phases]]
name = "nothing to do"
duration = 40
rate = 0
kinds = {}
[[phases]]
name = "one for four"
duration = 600
rate = 0.01
open = 1
kinds.heavy = { action = "push", team = 4 }
"""


class Field:
    """The simulator, a tracker that sees it badly, a deployed fleet, and a judge that sees it well."""

    def __init__(self, playground: Playground, folder: Path) -> None:
        self.playground, self.folder = playground, folder
        self.track: deque[tuple[float, np.ndarray]] = deque(maxlen=6000)  # true poses
        self.processes: dict[str, subprocess.Popen[str]] = {}
        self.lock = threading.Lock()
        self.paused = self.over = False
        (folder / "mission.toml").write_text(MISSION)
        keys.new(folder / "keys", [*map(str, range(COUNT)), "desk", "tracker"])
        self.file = folder / "fleet.toml"
        self.file.write_text(self._fleet())
        self.fleet = fleet.read(self.file)
        deploy.deploy(self.fleet, self.file, folder / "out", "jerne")
        self.ring = fleet.ring_of(self.fleet, self.file)
        self.addresses = {robot.number: fleet.control(robot) for robot in self.fleet.robots}
        self.eyes = threading.Thread(target=self._watch)
        self.eyes.start()

    def start(self) -> None:
        """The tracker and all robots."""
        sites = ["--mission", str(self.folder / "mission.toml"), "--keys", str(self.folder / "keys")]
        self.run("tracker", "tracker", "--poses", "tcp://127.0.0.1:5600", *sites)
        for i in range(COUNT):
            self.robot(i)

    def robot(self, number: int) -> None:
        self.run(f"robot{number}", "robot", "--config", str(self.folder / "out" / str(number) / "robot.toml"))

    def run(self, name: str, *arguments: str) -> None:
        with (self.folder / f"{name}.log").open("a") as log:
            command = [sys.executable, "-m", "swarm.cli", *arguments]
            self.processes[name] = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, text=True
            )

    def order(self, word: str) -> dict[int, control.Reply | None]:
        return control.send(word, self.addresses, self.ring)

    def command(self, word: str) -> int:
        line = [sys.executable, "-m", "swarm.cli", word, str(self.file)]
        return subprocess.run(line, check=False, timeout=60).returncode

    def poses(self) -> np.ndarray:
        """True poses, now."""
        with self.lock:
            return self.playground.poses() - [SIDE / 2, SIDE / 2, 0]

    def apart(self) -> float:
        """Mean distance to the nearest neighbour, m."""
        return apart(self.poses())

    def close(self) -> None:
        self.over = True
        self.eyes.join()
        for process in self.processes.values():
            process.send_signal(signal.SIGTERM)
        for name, process in self.processes.items():
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                print(f"{name} did not end")

    def logs(self) -> str:
        return "\n".join(f"== {path.name}\n{path.read_text()[-1500:]}" for path in sorted(self.folder.glob("*.log")))

    def _watch(self) -> None:
        """Keep true poses; publish them 100 ms later, with noise."""
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        socket, rng, seq = context.socket(zmq.PUB), np.random.default_rng(1), 0
        socket.bind("tcp://127.0.0.1:5600")
        waiting: deque[tuple[float, np.ndarray]] = deque()
        while not self.over:
            if self.paused:
                time.sleep(0.02)
                continue
            now, poses = time.monotonic(), self.poses()
            self.track.append((now, poses))
            waiting.append((now, poses + rng.normal(0, [NOISE, NOISE, TURN], poses.shape)))
            while waiting and now - waiting[0][0] >= LATE:
                then, seen = waiting.popleft()
                robots = tuple(Seen(i, *pose) for i, pose in enumerate(seen.tolist()))
                socket.send(message.encode(View(1, seq, now, now - then, robots)))
                seq += 1
            time.sleep(0.03)
        context.destroy(linger=0)

    def _fleet(self) -> str:
        lines = ['mission = "mission.toml"', 'keys = "keys"']
        lines += ["[tracker]", 'address = "tcp://127.0.0.1:5601"', 'deeds = "tcp://127.0.0.1:5602"']
        lines += ["[fence]", "left = -1.4", "low = -1.4", "right = 1.4", "high = 1.4"]
        for i in range(COUNT):
            lines += ["[[robots]]", f"number = {i}", 'body.kind = "thymio"']
            lines += [f'body.address = "{self.playground.address(i)}"']
        return "\n".join(lines)


def apart(poses: np.ndarray) -> float:
    distance = np.hypot(*(poses[:, None, :2] - poses[None, :, :2]).T)
    np.fill_diagonal(distance, np.inf)
    return float(distance.min(0).mean())


def speeds(track: list[tuple[float, np.ndarray]], span: float = 0.3) -> np.ndarray:
    """(T, N) m/s, over `span` s."""
    out = []
    for time_, poses in track:
        before = next((item for item in track if time_ - span * 1.5 <= item[0] <= time_ - span), None)
        if before is not None:
            out.append(np.hypot(*(poses - before[1])[:, :2].T) / (time_ - before[0]))
    return np.array(out)


def stands(field: Field, robots: list[int], seconds: float) -> bool:
    """Do these robots stay where they are for so long?"""
    before = field.poses()
    time.sleep(seconds)
    return bool((np.abs(field.poses() - before)[robots] < 1e-3).all())


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    """All robots in a clump in the middle, disarmed, their processes running."""
    middle = SIDE / 2
    spots = [("thymio2", middle + 0.26 * (i % 3 - 1), middle + 0.26 * (i // 3 - 1), 0.8 * i) for i in range(COUNT)]
    with Playground(SIDE, spots) as playground:
        it = Field(playground, tmp_path_factory.mktemp("field"))
        try:
            it.start()
            wait(lambda: all(r is not None and r.status.age is not None for r in it.order("status").values()), 120)
            yield it
        except BaseException:
            print(it.logs())
            raise
        finally:
            it.close()


ALL = list(range(COUNT))


def test_nobody_moves_before_it_is_armed(field: Field) -> None:
    wait(lambda: field.command("doctor") == 0, 30)
    assert stands(field, ALL, 1.0)
    assert {reply.status.label for reply in field.order("status").values() if reply} == {"with external tracker"}


def test_they_disperse(field: Field) -> None:
    before = field.apart()
    assert field.command("arm") == 0
    wait(lambda: field.apart() >= 1.5 * before, 60)
    driven = speeds(list(field.track)[-200:])
    assert np.quantile(driven, 0.95) == pytest.approx(0.12, rel=0.05)  # free speed of the mission


def test_the_judge_notices_a_simulator_that_does_not_move() -> None:
    """Negative control: poses that stay as they are pass for nothing."""
    poses = np.random.default_rng(2).uniform(0, 1, (COUNT, 3))
    assert not apart(poses) >= 1.5 * apart(poses)
    assert not apart(poses) <= apart(poses) / 2
    assert speeds([(0.1 * i, poses) for i in range(20)]).max() == 0
