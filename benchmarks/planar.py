"""Speed of the planar world: how many times real time, what each part takes, how it grows with the robots.

    uv run python benchmarks/planar.py [--ticks T] [--picture FILE.png] [N ...]

A scene has 4 robots a square metre and a site for every eight of them: four press against its plate, which
needs four, the others drive about. Three things are timed, in process, in CPU time of the one thread that does it
all: the world without minds (sensing, radio and physics; every robot speaks every 0.2 s and what it says is
entered into its hearers' tables), the same in PyBullet (100 robots), and whole fleets with minds (immune network
and XCS, all 400 rules there from the start).
"""

import argparse
import math
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from benchmarks.common import FULL
from robots.command import COMMAND
from sim import planar
from sim.floor import plain
from sim.medium import Medium
from sim.site import Arrival
from sim.spec import Arena, Kind, Meaning, Phase, Robots, Work
from sim.work import Engine
from sim.world import World
from swarm import mind, peers
from swarm.fleet import Fleet
from swarm.mission import Mind, Mission
from swarm.peers import HEARD

CELL = math.sqrt(2)  # m, side of the square that a site and eight robots are given
WARM = 15  # ticks before anything is timed
PARTS = ("sense", "neighbours", "radio", "physics", "sites", "think", "speak")


def scene(count: int, kind: str) -> Mission:
    """A mission of `count` robots."""
    side = CELL * math.ceil(math.sqrt(count / 8))
    return Mission(
        version=1,
        name="benchmark",
        world=kind,
        arena=Arena((side, side)),
        robots=Robots(count),
        work=Work(travel=0.5),
        kinds={"ash": Kind("1##0####")},
        phases=(Phase(1e5, 1, {"ash": Meaning("push", 4)}, open=4000),),
    )


def world(mission: Mission, **_: object) -> World:
    """The scene's world, at time 0."""
    count, radius = mission.robots.count, mission.robots.radius
    across = round(mission.arena.size[0] / CELL)
    corner = np.stack(np.divmod(np.arange(math.ceil(count / 8)), across), -1) * CELL - mission.arena.size[0] / 2
    sites = [
        Arrival(0.0, 0, "ash", 1, "push", 4, ((x + 0.5, y + 0.4, 0.0),))  # the plate moves to -x
        for x, y in corner.tolist()
    ]
    rng = np.random.default_rng(1)
    row = (np.arange(4) - 1.5) * 2.3 * radius
    pressing = np.stack([np.full(4, 0.5 + radius + 0.025), 0.4 + row, np.full(4, np.pi)], -1)
    free = np.stack([0.3 + 0.25 * np.arange(4), np.full(4, 1.1), np.zeros(4)], -1)
    starts = np.zeros((len(corner), 8, 3))
    starts[:] = np.vstack([pressing, free])
    starts[:, 4:, 2] = rng.uniform(-np.pi, np.pi, (len(corner), 4))
    starts[:, :, :2] += corner[:, None]
    ground = plain(mission.arena)
    body = mission.robots, mission.work, ground.walls, starts.reshape(-1, 3)[:count], mission.tick
    engine: Engine
    if mission.world == "planar":
        from sim.planar import Planar

        engine = Planar(*body)
    else:
        from sim.bullet import Bullet

        engine = Bullet(*body)
    rest = mission.phases, sites, mission.tick, mission.seed
    return World(engine, ground, mission.robots, mission.sensors, mission.work, *rest)


class Clock:
    """CPU seconds spent in named parts; a part within a part is not counted twice."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)

    def wrap(self, owner: Any, name: str, part: str) -> None:
        """Time a function of `owner`."""
        function: Callable[..., Any] = getattr(owner, name)

        def timed(*args: Any, **kwargs: Any) -> Any:
            start, before = time.thread_time(), sum(self.spent.values())
            out = function(*args, **kwargs)
            inner = sum(self.spent.values()) - before
            self.spent[part] += time.thread_time() - start - inner
            return out

        setattr(owner, name, timed)


def watch(there: World, clock: Clock) -> None:
    """Time the parts of a world."""
    clock.wrap(there, "sense", "sense")
    clock.wrap(there, "neighbours", "neighbours")
    clock.wrap(there.engine, "step", "physics")
    clock.wrap(there.sites, "update", "sites")


def drive(count: int, rng: np.random.Generator) -> np.ndarray:
    """Commands (N,): four of eight press on, the others wander."""
    commands = np.zeros(count, COMMAND)
    commands["speed"] = 0.2
    commands["turn"] = np.where(np.arange(count) % 8 < 4, 0, rng.uniform(-1.5, 1.5, count))
    return commands


def without_minds(count: int, ticks: int, kind: str = "planar") -> tuple[float, dict[str, float]]:
    """CPU seconds of a tick, and of its parts."""
    mission = scene(count, kind)
    there, clock, rng = world(mission), Clock(), np.random.default_rng(2)
    radio = Medium(mission.radio, mission.tick, count, mission.seed)
    tables, rows = np.stack([peers.nobody(mission.radio.most)] * count), np.zeros(count, HEARD)
    rows["id"] = np.arange(count)

    def listen(tick: int, near: np.ndarray) -> None:
        arrived = radio.arrive(tick, near, (np.arange(count) + tick) % 2 == 0)
        peers.enter(tables, tick, arrived, np.ones(count, bool), rows)

    ears = type("", (), {"listen": staticmethod(listen)})
    start = 0.0
    for tick in range(WARM + ticks):
        if tick == WARM:
            watch(there, clock)
            clock.wrap(ears, "listen", "radio")
            start = time.thread_time()
        if tick % 10 == 0:
            commands = drive(count, rng)
        there.sense()
        ears.listen(tick, there.neighbours(mission.radio.range, mission.radio.occlusion, mission.radio.most))
        there.act(commands)
    spent = time.thread_time() - start
    assert (tables["id"] >= 0).sum(1).mean() > 5  # they do hear each other
    there.close()
    return spent / ticks, {part: value / ticks for part, value in clock.spent.items()}


def with_minds(count: int, ticks: int, folder: Path) -> tuple[float, dict[str, float]]:
    """CPU seconds of a tick of a fleet, and of its parts."""
    plugin = folder / "full.py"
    plugin.write_text(FULL)
    mission = replace(scene(count, "planar"), mind=Mind(learner="full", plugins=(str(plugin),)))
    with patch("swarm.worlds.build", world):
        fleet = Fleet([mission])
    clock, start = Clock(), 0.0
    with timed_minds(clock):
        for tick in range(WARM + ticks):
            if tick == WARM:
                clock.wrap(fleet._worlds, "sense", "sense")
                clock.wrap(fleet._worlds, "neighbours", "neighbours")
                clock.wrap(fleet.runs[0].world.sites, "update", "sites")
                clock.wrap(fleet.stack, "_listen", "radio")
                clock.wrap(fleet.stack, "_speak", "speak")
                clock.spent.clear()
                start = time.thread_time()
            fleet.tick()
    spent = time.thread_time() - start
    assert (fleet.reports["rules"] > 300).all()
    assert (fleet.reports["task"] == 3).mean() > 0.3  # at work
    fleet.close()
    return spent / ticks, {part: value / ticks for part, value in clock.spent.items()}


@contextmanager
def timed_minds(clock: Clock) -> Iterator[None]:
    """Time `swarm.mind.tick` and `sim.planar.step`."""
    tick, step = mind.tick, planar.step
    clock.wrap(mind, "tick", "think")
    clock.wrap(planar, "step", "physics")
    try:
        yield
    finally:
        mind.tick, planar.step = tick, step


def line(what: str, count: int, spent: float, parts: dict[str, float]) -> str:
    """One row of the table."""
    shares = "  ".join(f"{part} {parts[part] / spent:.0%}" for part in PARTS if parts.get(part, 0) > 0.005 * spent)
    return f"{what:<10}{count:>7}{1e3 * spent:>10.2f}{0.1 / spent:>9.1f}{1e6 * spent / count:>9.2f}   {shares}"


def picture(path: Path, counts: list[int], costs: list[float]) -> None:
    """Cost per robot and tick over the number of robots."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(5, 3.2), layout="constrained")
    axes.semilogx(counts, [1e6 * cost / count for cost, count in zip(costs, counts, strict=True)], "o-")
    axes.set_xlabel("robots")
    axes.set_ylabel("CPU time per robot and tick, µs")
    axes.set_ylim(bottom=0)
    axes.grid(visible=True, alpha=0.3)
    figure.savefig(path)


def main() -> None:
    """Time everything and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("robots", nargs="*", type=int, default=[100, 300, 1000, 3000, 10_000], metavar="N")
    parser.add_argument("--ticks", type=int, default=60)
    parser.add_argument("--picture", type=Path, help="plot of the cost per robot")
    parser.add_argument("--no-minds", action="store_true", help="leave out the fleets with minds")
    args = parser.parse_args()
    print(f"{'':<10}{'robots':>7}{'ms/tick':>10}{'x real':>9}{'us/robot':>9}   shares")
    costs = []
    for count in args.robots:
        without_minds(min(count, 200), 2)  # compiles
        spent, parts = min((without_minds(count, args.ticks) for _ in range(2)), key=lambda run: run[0])
        costs.append(spent)
        print(line("planar", count, spent, parts), flush=True)
    per = [cost / count for cost, count in zip(costs, args.robots, strict=True)]
    print(
        f"cost per robot, {args.robots[-1]} over {args.robots[0]}: {per[-1] / per[0]:.2f}; worst over best: "
        f"{max(per) / min(per):.2f}"
    )
    if 100 in args.robots:
        spent, parts = without_minds(100, args.ticks, "bullet")
        print(line("bullet", 100, spent, parts))
        print(f"planar is {spent / costs[args.robots.index(100)]:.1f} times faster at 100 robots")
    if args.picture:
        picture(args.picture, args.robots, costs)
    if not args.no_minds:
        with tempfile.TemporaryDirectory() as name:
            for count in (100, 1000):
                print(line("minds", count, *with_minds(count, args.ticks, Path(name))), flush=True)


if __name__ == "__main__":
    main()
