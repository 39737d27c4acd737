"""The scene of `benchmarks/tick.py`, its three runs, and what is measured in them."""

import math
import multiprocessing
import os
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import zmq

from sim.arrivals import PLATE
from sim.bullet import Bullet
from sim.floor import Floor, plain
from sim.site import Arrival
from sim.spec import Arena, Kind, Meaning, Phase, Robots
from sim.world import World
from swarm.crew import Crew
from swarm.host import Host
from swarm.link import HostLink
from swarm.mission import Mind, Mission
from swarm.options import Options
from swarm.report import TASKS
from swarm.stops import Stops
from swarm.view.publish import Publisher

DENSITY = 4.0  # robots a square metre
CELL = (1.1, 0.75)  # m, depth and width of the floor that a site and the robots at it are given
TEAM = 4  # robots at a site
WARM = 15  # ticks before anything is measured: robots find the sites that they stand at
PARTS = ("sense", "neighbours", "deliver", "tell", "wait", "take", "record", "act", "keep up")

FULL = '''
"""XCS as it is after a long life: as many rules as there is room for."""

import numpy as np

from swarm.situation import BITS
from swarm.learners import Xcs
from swarm.registry import learner
from swarm.report import ACTIONS


@learner("full")
class Full(Xcs):
    def start(self, lanes):
        state, rng = super().start(lanes), np.random.default_rng(1)
        shape = lanes, self.params.capacity
        rows = slice(None), slice(0, self.params.capacity)
        words = rng.integers(2**BITS, size=(3, *shape), dtype=np.uint64)
        state.care[rows] = words[0] & words[1]
        state.value[rows] = words[2] & state.care[rows]
        state.action[rows] = rng.integers(len(ACTIONS), size=shape)
        state.prediction[rows], state.fitness[rows], state.size[rows] = 500.0 * rng.random(shape), 0.1, 10.0
        state.error[rows], state.experience[rows], state.numerosity[rows] = 100.0, 30, 1
        return state
'''


@dataclass
class Clock:
    """Wall and CPU seconds (of this thread) spent in named parts, tick by tick."""

    wall: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    cpu: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    now: dict[str, tuple[float, float]] = field(default_factory=dict)

    def wrap(self, owner: Any, name: str, part: str) -> None:
        """Replace a function of `owner` by one that is timed."""
        setattr(owner, name, self._timed(getattr(owner, name), part))

    def tick(self, tick: Callable[[], Any]) -> None:
        """Time a whole tick, and note its parts."""
        self.now.clear()
        self._timed(tick, "tick")()
        for part, (wall, cpu) in self.now.items():
            self.wall[part].append(wall)
            self.cpu[part].append(cpu)

    def _timed(self, function: Callable[..., Any], part: str) -> Callable[..., Any]:
        """What it does itself counts as the caller's time, so it does little."""

        def timed(*args: Any, **kwargs: Any) -> Any:
            wall, cpu = time.perf_counter(), time.thread_time()
            try:
                return function(*args, **kwargs)
            finally:
                cpu, wall = time.thread_time() - cpu, time.perf_counter() - wall
                before = self.now.get(part, (0.0, 0.0))
                self.now[part] = wall + before[0], cpu + before[1]

        return timed

    def ms(self, part: str) -> float:
        """Median wall time of a part in ms."""
        return 1e3 * statistics.median(self.wall[part])

    def cpu_ms(self, part: str) -> float:
        """Median CPU time of a part in ms."""
        return 1e3 * statistics.median(self.cpu[part])

    def share(self, part: str) -> str:
        """Part of all ticks' wall time."""
        return f"{part} {sum(self.wall[part]) / sum(self.wall['tick']):.0%}"


def mission(count: int, folder: Path) -> Mission:
    """The mission of the scene; its world is built by `world`."""
    plugin = folder / "full.py"
    plugin.write_text(FULL)
    side = max(2.0, math.sqrt(count / DENSITY))
    return Mission(
        version=1,
        name="benchmark",
        arena=Arena((side, side)),
        robots=Robots(count=count),
        kinds={"ash": Kind("1##0####")},
        phases=(Phase(1e5, 1, {"ash": Meaning("push", TEAM)}, open=200),),
        mind=Mind(learner="full", plugins=(str(plugin),)),
    )


def world(scene: Mission, **_: object) -> World:
    """Half of the robots in front of sites that need all four of them, the others anywhere else."""
    count, side, rng = scene.robots.count, scene.arena.size[0], np.random.default_rng(scene.seed)
    ground, radius = plain(scene.arena), scene.robots.radius
    sites: list[Arrival] = []
    starts: list[tuple[float, float, float]] = []
    columns, rows = (int(side / need) for need in CELL)
    for cell in range(math.ceil(count / 2 / TEAM)):
        row, column = divmod(cell, columns)
        x, y = (column + 0.5) * side / columns - side / 2, (row + 0.5) * side / rows - side / 2
        sites.append(Arrival(0.0, 0, "ash", 1, "push", TEAM, ((x, y, 0.0),)))
        places = range(min(TEAM, count // 2 - cell * TEAM))
        starts += [(x + radius + 0.025, y + (place - 1.5) * 2.3 * radius, math.pi) for place in places]
    starts += free_places(count - len(starts), starts, sites, ground, radius, rng)
    engine = Bullet(scene.robots, scene.work, ground.walls, np.array(starts), scene.tick)
    return World(
        engine,
        ground,
        scene.robots,
        scene.sensors,
        scene.work,
        scene.phases,
        sites,
        scene.tick,
        scene.seed,
    )


def free_places(
    count: int,
    taken: list[tuple[float, float, float]],
    sites: list[Arrival],
    ground: Floor,
    radius: float,
    rng: np.random.Generator,
) -> list[tuple[float, float, float]]:
    """Poses away from walls, plates and the robots at `taken`."""
    found: list[tuple[float, float, float]] = []
    x_min, y_min, x_max, y_max = ground.bounds
    while len(found) < count:
        x, y, heading = rng.uniform((x_min, y_min, -math.pi), (x_max, y_max, math.pi))
        apart = all(math.hypot(x - a, y - b) > 2.2 * radius for a, b, _ in (*taken, *found))
        spots = [site.spots[0] for site in sites]
        off = all(abs(x - a + PLATE / 2) > PLATE + radius or abs(y - b) > 0.28 + 2 * radius for a, b, _ in spots)
        if apart and off and ground.is_clear(np.array([x, y]), radius):
            found.append((float(x), float(y), float(heading)))
    return found


@contextmanager
def hosted(scene: Mission, folder: Path, crew: Crew) -> Iterator[Host]:
    """A host of `jerne run` on the scene's world."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    ours, theirs = context.socket(zmq.PAIR), context.socket(zmq.PAIR)
    ours.bind("inproc://user")
    theirs.connect("inproc://user")
    parent, other = os.pipe()
    with patch("swarm.worlds.build", world):
        link, shows = HostLink(context, crew.link, scene.robots.count), Publisher(context, [("inproc://watch", None)])
        host = Host(scene, Options(), folder, link, theirs, shows, Stops(scene.robots.count, []), parent)
    yield host
    host.link.goodbye()
    host.recorder.close()
    host.metrics.close()
    host.world.close()
    crew.end(5.0)
    context.destroy(linger=0)
    os.close(parent)
    os.close(other)


def watch(host: Host, clock: Clock) -> None:
    """Time the parts of the host's tick."""
    for owner, name, part in (
        (host.world, "sense", "sense"),
        (host.world, "neighbours", "neighbours"),
        (host.radio, "deliver", "deliver"),
        (host, "_tell", "tell"),
        (host, "_wait_for_answers", "wait"),
        (host, "_take", "take"),
        (host.recorder, "tick", "record"),
        (host.world, "act", "act"),
        (host, "_keep_up", "keep up"),
    ):
        clock.wrap(owner, name, part)


@contextmanager
def physics(engine: Any, clock: Clock) -> Iterator[None]:
    """Time `stepSimulation` alone."""
    bullet = engine._p
    plain_step = bullet.stepSimulation
    clock.wrap(bullet, "stepSimulation", "physics")
    try:
        yield
    finally:
        bullet.stepSimulation = plain_step


@dataclass
class Thinking:
    """What the run with minds gives."""

    clock: Clock
    commands: np.ndarray  # (T, N)
    said: list[list[bytes | None]]  # per robot, in each tick
    working: float  # share of robot-ticks at work
    rules: float  # mean rules of a robot
    cpu: float  # s of CPU time, per robot and tick
    pss: float  # MB, per robot process
    server: float  # s until the first robot is there: the server that robots are forked from starts
    start: float  # s per further robot
    log: float  # bytes per robot-minute


def think(scene: Mission, folder: Path, ticks: int) -> Thinking:
    """Robots with minds."""
    count = scene.robots.count
    crew = Crew(scene, Options(), folder)
    clock, told, reports = Clock(), [], []
    said: list[list[bytes | None]] = [[None] * (WARM + ticks) for _ in range(count)]
    with hosted(scene, folder, crew) as host:
        began = time.perf_counter()
        crew.revive(0)
        wait_for(host, crew, 1)
        first = time.perf_counter()
        for number in range(1, count):
            crew.revive(number)
        wait_for(host, crew, count)
        there = time.perf_counter()
        pids = [process.pid or 0 for process in crew.robots.values()]
        say = host.radio.say

        def note(robot: int, signal: bytes, tick: int) -> None:
            said[robot][tick] = signal
            say(robot, signal, tick)

        host.radio.say = note  # type: ignore[method-assign]
        for _ in range(WARM):
            host.tick()
            told.append(host.commands.copy())
        watch(host, clock)
        size, cpu = log_size(host, folder), sum(map(cpu_seconds, pids))
        with physics(host.world.engine, clock):
            for _ in range(ticks):
                clock.tick(host.tick)
                told.append(host.commands.copy())
                reports.append(host.reports.copy())
        cpu = sum(map(cpu_seconds, pids)) - cpu
        size = log_size(host, folder) - size
        pss = statistics.median(map(pss_mb, pids))
    minutes = ticks * scene.tick / 60
    return Thinking(
        clock,
        np.array(told),
        said,
        float(np.mean([report["task"] == TASKS.index("work") for report in reports])),
        float(np.mean(reports[-1]["rules"])),
        cpu / count / ticks,
        pss,
        first - began,
        (there - first) / (count - 1),
        size / count / minutes,
    )


def answer(scene: Mission, folder: Path, ticks: int, run: Thinking, echo: Callable[..., None]) -> tuple[Clock, float]:
    """The same with processes that only echo, and the s of CPU time that each of them takes a tick."""
    crew, clock = Crew(scene, Options(), folder), Clock()
    spawn = multiprocessing.get_context("forkserver").Process
    with hosted(scene, folder, crew) as host:
        for robot in range(scene.robots.count):
            process = spawn(target=echo, args=(robot, crew.link, run.commands[:, robot], run.said[robot]), daemon=True)
            process.start()
            crew.robots[robot] = process
        wait_for(host, crew, scene.robots.count)
        pids = [process.pid or 0 for process in crew.robots.values()]
        for _ in range(WARM):
            host.tick()
        watch(host, clock)
        cpu = sum(map(cpu_seconds, pids))
        for _ in range(ticks):
            clock.tick(host.tick)
        cpu = sum(map(cpu_seconds, pids)) - cpu
    return clock, cpu / len(pids) / ticks


def replay(scene: Mission, run: Thinking) -> Clock:
    """The same commands again in this process, with nobody else there."""
    there, clock = world(scene), Clock()
    for commands in run.commands[:WARM]:
        there.sense()
        there.act(commands)
    for owner, name in ((there, "sense"), (there, "act"), (there.engine, "step")):
        clock.wrap(owner, name, name)
    with physics(there.engine, clock):
        for commands in run.commands[WARM:]:
            clock.tick(lambda told=commands: (there.sense(), there.act(told)))  # type: ignore[misc]
    there.close()
    return clock


def own_python(clock: Clock, count: int) -> float:
    """us of CPU time a robot and tick that the world takes besides `stepSimulation`, sensors included; median."""
    cpu = clock.cpu
    parts = zip(cpu["sense"], cpu["act"], cpu["physics"], strict=True)
    return 1e6 * statistics.median(sense + act - inner for sense, act, inner in parts) / count


def wait_for(host: Host, crew: Crew, robots: int) -> None:
    """Until so many robots have said hello."""
    while len(host.link.there) < robots:
        if not all(process.is_alive() for process in crew.robots.values()):
            raise SystemExit(f"a robot's process died:\n{crew.log.read_text()}")
        host.link.socket.poll(1000)
        host.link.take()


def log_size(host: Host, folder: Path) -> int:
    host.recorder._writer.flush()  # type: ignore[no-untyped-call]
    return (folder / "ticks.mcap").stat().st_size


def cpu_seconds(pid: int) -> float:
    """CPU time that a process has used, all its threads, to the nanosecond: Linux's clock of that process."""
    return time.clock_gettime(~pid << 3 | 2)


def pss_mb(pid: int) -> float:
    """Memory of a process; what processes share is shared out between them."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def measure(count: int, ticks: int, echo: Callable[..., None]) -> None:
    """One scene, three runs, one paragraph."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        scene = mission(count, folder)
        for part in ("thinking", "echo"):
            (folder / part).mkdir()
        run = think(scene, folder / "thinking", ticks)
        idle, idle_cpu = answer(scene, folder / "echo", ticks, run, echo)
        raw = replay(scene, run)
    clock, step = run.clock, raw.ms("physics")

    def line(what: str, ms: float) -> str:
        return f"  {what:<24}{ms:8.2f} ms {ms / step:6.2f} times raw, {1e3 * scene.tick / ms:.1f} times real time\n"

    print(
        f"\nN = {count}: {run.working:.0%} of the robots at work, {run.rules:.0f} rules each, {ticks} ticks\n"
        + line("raw stepSimulation", step)
        + line("the engine's step", raw.ms("step"))
        + line("tick, processes echo", idle.ms("tick"))
        + line("tick, minds thinking", clock.ms("tick"))
        + line("the fastest of those", 1e3 * min(clock.wall["tick"]))
        + f"  wall time               {'  '.join(map(clock.share, PARTS))} ({clock.share('physics')} in act)\n"
        f"  CPU time                raw {raw.cpu_ms('physics'):.2f} ms, host's thread {clock.cpu_ms('tick'):.2f} ms "
        f"(physics {clock.cpu_ms('physics'):.2f}, record {clock.cpu_ms('record'):.2f}), "
        f"all robots {1e3 * run.cpu * count:.2f} ms\n"
        f"  own Python              {own_python(clock, count):.1f} us CPU a robot and tick in sense and act, "
        f"{own_python(raw, count):.1f} with nobody else there\n"
        f"  a robot's process       {1e6 * run.cpu:.0f} us CPU a tick (echo {1e6 * idle_cpu:.0f}), "
        f"{run.pss:.1f} MB PSS, start {1e3 * run.start:.0f} ms (the first {run.server:.2f} s)\n"
        f"  log                     {run.log / 1e3:.0f} kB a robot-minute",
        flush=True,
    )
