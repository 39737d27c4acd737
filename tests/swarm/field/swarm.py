"""A swarm in the makers' simulator: a `jerne robot` process each, a tracker that sees badly, a judge that sees well.

The tracker is fed with noisy poses that are 100 ms late; the judge reads true ones by itself.
"""

import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import zmq

from robots.tracker import message
from robots.tracker.message import Seen, View
from swarm import missionfile
from swarm.field import control, deploy, fleet
from swarm.net import keys
from swarm.robot import rehearse
from tests.conftest import wait
from tests.robots.playground import Playground

LATE, NOISE, TURN = 0.1, 0.004, 0.01  # s, m, rad, of the tracker's poses
RADII = {"thymio2": 0.055, "e-puck": 0.037}  # m, half of a robot's width: bodies nearer than two of these touch
KINDS = {"thymio2": "thymio", "e-puck": "epuck"}


class Field:
    """The swarm of all robots in a playground. `addresses` are those of bodies that are not the simulator's own."""

    def __init__(
        self, playground: Playground, folder: Path, mission: str, addresses: dict[int, str] | None = None
    ) -> None:
        self.playground, self.folder = playground, folder
        self.count, self.middle = len(playground.robots), playground.side / 2
        self.track: deque[tuple[float, np.ndarray]] = deque(maxlen=6000)  # true poses
        self.processes: dict[str, subprocess.Popen[str]] = {}
        self.lock = threading.Lock()
        self.paused = self.over = False
        (folder / "mission.toml").write_text(mission)
        rehearse(missionfile.load(folder / "mission.toml"))  # compiled once, and not by all robots at once
        keys.new(folder / "keys", [*map(str, range(self.count)), "desk", "tracker"])
        self.file = folder / "fleet.toml"
        self.file.write_text(self._fleet(addresses or {}))
        self.fleet = fleet.read(self.file)
        deploy.deploy(self.fleet, self.file, folder / "out", "jerne")
        self.ring = fleet.ring_of(self.fleet, self.file)
        self.controls = {robot.number: fleet.control(robot) for robot in self.fleet.robots}
        self.eyes = threading.Thread(target=self._watch)
        self.eyes.start()

    def start(self) -> None:
        """The tracker and all robots, one after the other as they share a computer here; waits until they are fit."""
        self.tracker()
        for i in range(self.count):
            self.robot(i)
            wait(lambda i=i: i == 0 or self.status(i - 1) is not None, 60)
        wait(self.is_fresh, 60)

    def tracker(self) -> None:
        """Start the tracker; again if it runs: the mission begins anew."""
        self.end("tracker")
        sites = ["--mission", str(self.folder / "mission.toml"), "--keys", str(self.folder / "keys")]
        self.run("tracker", "tracker", "--poses", "tcp://127.0.0.1:5600", *sites)

    def robot(self, number: int, *options: str) -> None:
        """Start the process of a robot."""
        file = self.folder / "out" / str(number) / "robot.toml"
        self.run(f"robot{number}", "robot", "--config", str(file), *options)

    def run(self, name: str, *arguments: str) -> None:
        """Start a process of jerne."""
        with (self.folder / f"{name}.log").open("a") as log:
            command = [sys.executable, "-m", "swarm.cli", *arguments]
            self.processes[name] = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, text=True
            )

    def end(self, name: str) -> None:
        """End one in good order, if it runs."""
        process = self.processes.pop(name, None)
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            print(f"{name} did not end")

    def order(self, word: str) -> dict[int, control.Reply | None]:
        """Give an order to all, from here."""
        return control.send(word, self.controls, self.ring)

    def command(self, word: str, *robots: int) -> int:
        """Give an order as a user does; the exit status."""
        line = [sys.executable, "-m", "swarm.cli", word, str(self.file), *map(str, robots)]
        return subprocess.run(line, check=False, timeout=60).returncode

    def arm(self, *robots: int) -> None:
        """Arm them as an operator does: again, where readings or commands are late just then."""
        wait(lambda: self.command("arm", *robots) == 0, 20)

    def status(self, number: int) -> control.Status | None:
        """How a robot says that it is; None: no answer."""
        reply = control.send("status", {number: self.controls[number]}, self.ring)[number]
        return None if reply is None else reply.status

    def is_fresh(self) -> bool:
        """Have all robots fresh readings?"""
        replies = self.order("status").values()
        return all(r is not None and r.status.age is not None and r.status.age < 0.3 for r in replies)

    def poses(self) -> np.ndarray:
        """(N, 3) true poses, now, from the middle of the arena."""
        with self.lock:
            return self.playground.poses() - [self.middle, self.middle, 0]

    def put(self, robot: int, x: float, y: float, heading: float) -> None:
        """Teleport a robot."""
        with self.lock:
            self.playground.teleport(robot, x + self.middle, y + self.middle, heading)

    def since(self, then: float) -> list[tuple[float, np.ndarray]]:
        """The track since a time."""
        return [item for item in list(self.track) if item[0] >= then]

    def close(self) -> None:
        """End all."""
        self.over = True
        self.eyes.join()
        for process in self.processes.values():
            process.send_signal(signal.SIGTERM)
        for name in list(self.processes):
            self.end(name)

    def logs(self) -> str:
        """What the processes wrote last."""
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

    def _fleet(self, addresses: dict[int, str]) -> str:
        lines = ['mission = "mission.toml"', 'keys = "keys"']
        lines += ["[tracker]", 'address = "tcp://127.0.0.1:5601"', 'deeds = "tcp://127.0.0.1:5602"']
        edge = self.middle - 0.1
        lines += ["[fence]", f"left = {-edge}", f"low = {-edge}", f"right = {edge}", f"high = {edge}"]
        for i, (kind, *_) in enumerate(self.playground.robots):
            lines += ["[[robots]]", f"number = {i}", f'body.kind = "{KINDS[kind]}"']
            lines += [f'body.address = "{addresses.get(i, self.playground.address(i))}"']
        return "\n".join(lines)


def apart(poses: np.ndarray) -> float:
    """Mean distance of robots (N, 3) to their nearest neighbour, m."""
    distance = np.hypot(*(poses[:, None, :2] - poses[None, :, :2]).T)
    np.fill_diagonal(distance, np.inf)
    return float(distance.min(0).mean())


def speeds(track: Sequence[tuple[float, np.ndarray]], span: float = 0.3) -> np.ndarray:
    """(T, N) m/s, over `span` s."""
    out = []
    for time_, poses in track:
        before = next((item for item in track if time_ - span * 1.5 <= item[0] <= time_ - span), None)
        if before is not None:
            out.append(np.hypot(*(poses - before[1])[:, :2].T) / (time_ - before[0]))
    return np.array(out)


def bumps(
    track: Sequence[tuple[float, np.ndarray]], radii: Sequence[float], middle: float, span: float = 0.2
) -> list[float]:
    """How fast (m/s) bodies came nearer to one another, or to a wall, in the `span` s before each time they touched."""
    r = np.array(radii)
    out, touched = [], np.zeros((len(r), len(r)), bool)
    for k, (now, poses) in enumerate(track):
        gaps = _gaps(poses, r, middle)
        before = next((item for item in reversed(track[:k]) if now - item[0] >= span), None)
        if before is not None:
            closing = (_gaps(before[1], r, middle) - gaps) / (now - before[0])
            out += closing[np.triu((gaps < 0) & ~touched)].tolist()
        touched = gaps < 0
    return out


def _gaps(poses: np.ndarray, radii: np.ndarray, middle: float) -> np.ndarray:
    """(N, N) m of free space between bodies; on the diagonal that between a body and the nearest wall."""
    gaps = np.hypot(*(poses[:, None, :2] - poses[None, :, :2]).T) - radii[:, None] - radii
    np.fill_diagonal(gaps, middle - np.abs(poses[:, :2]).max(1) - radii)
    return gaps


def stands(field: Field, robots: Sequence[int], seconds: float) -> bool:
    """Do these robots stay where they are for so long?"""
    before = field.poses()
    time.sleep(seconds)
    return bool((np.abs(field.poses() - before)[list(robots)] < 1e-3).all())
