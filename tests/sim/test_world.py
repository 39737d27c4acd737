"""A world: what robots sense of the truth, and what comes of their actions."""

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from robots.command import COMMAND
from robots.percept import Odometry, Proximity, RangeBearing, Sensors
from sim.bullet import Bullet
from sim.floor import plain
from sim.site import Arrival, Event
from sim.spec import Arena, Kind, Meaning, Phase, Robots, Work
from sim.world import World
from swarm import registry, wire, worlds
from swarm.mission import Mind, Mission
from swarm.robot import Brain

TICK = 0.1
EXACT = Sensors(
    Proximity(noise=0),
    RangeBearing(range=2.0, most=3, noise_range=0, noise_bearing=0),
    RangeBearing(range=1.5, most=2, noise_range=0, noise_bearing=0),
    Odometry(noise=0),
)
AT_FACE = (0.065, 0.0, math.pi)  # a robot that touches a work face at the origin

Make = Callable[..., World]


@pytest.fixture
def make() -> Iterator[Make]:
    """Worlds of 4 x 4 m with one site at the origin, given up when the test is over."""
    made: list[World] = []

    def build(
        starts: Sequence[Sequence[float]],
        action: str = "push",
        team: int = 1,
        sensors: Sensors = EXACT,
        seed: int = 1,
        time: float = 0.1,
    ) -> World:
        floor, robots = plain(Arena((4.0, 4.0))), Robots(count=len(starts))
        engine = Bullet(robots, Work(), floor.walls, np.array(starts, float), TICK)
        sites = [Arrival(time, 0, "ash", 0b1011, action, team, ((0.0, 0.0, 0.0), (0.0, 1.0, 0.0)))]
        phase = Phase(1000, 0, {})
        made.append(World(engine, floor, robots, sensors, Work(), [phase], sites, TICK, seed))
        return made[-1]

    yield build
    for world in made:
        world.close()


def commands(world: World, speed: float = 0.0, turn: float = 0.0, grip: int = 0) -> np.ndarray:
    return np.full(len(world.poses), np.array((speed, turn, grip), COMMAND))


def act(world: World, ticks: int, speed: float = 0.0, turn: float = 0.0, grip: int = 0) -> list[Event]:
    events = []
    for _ in range(ticks):
        world.sense()
        events += world.act(commands(world, speed, turn, grip))
    return events


def test_time(make: Make) -> None:
    world = make([(1, 1, 0)])
    act(world, 7)
    assert world.tick == 7
    assert world.time == pytest.approx(0.7)


def test_site_seen(make: Make) -> None:
    world = make([(1, 0, math.pi / 2), (-1.8, 1.8, 0)])
    assert (world.sense()["site_id"] == -1).all()  # it opens after a tick
    act(world, 1)
    sees, far = world.sense()
    assert sees["site_id"].tolist() == [0, -1]
    assert sees["site_rb"][0] == pytest.approx([1, math.pi / 2], abs=1e-5)
    assert sees["site_face"][0] == pytest.approx(-math.pi / 2, abs=1e-5)
    assert sees["site_kind"][0] == 0b1011
    assert far["site_id"].tolist() == [-1, -1]
    assert np.isnan(far["site_rb"]).all()
    assert (far["touch"], far["grip"]) == (-1, 0)
    assert np.isnan(far["progress"])


def test_robots_seen(make: Make) -> None:
    here, there, apart = make([(1, 1, 0), (1, 1.5, math.pi), (-1.5, -1.5, 0)]).sense()
    assert here["robot_id"].tolist() == [1, -1, -1]
    assert here["robot_rb"][0] == pytest.approx([0.5, math.pi / 2])
    assert there["robot_rb"][0] == pytest.approx([0.5, math.pi / 2])
    assert apart["robot_id"].tolist() == [-1, -1, -1]
    assert here["proximity"][2] == pytest.approx(0.5 - 0.12, abs=1e-5)  # edge to edge, to the left
    assert here["proximity"][6] == pytest.approx(0.5)


def test_what_bodies_lack_is_not_a_number(make: Make) -> None:
    (percept,) = make([(1, 1, 0)]).sense()
    assert all(np.isnan(percept[name]).all() for name in ("battery", "imu", "pose"))


def test_touch_and_progress(make: Make) -> None:
    world = make([(0.5, 0, math.pi)])
    act(world, 1)
    touched = progress = 0.0
    for _ in range(120):
        (percept,) = world.sense()
        if percept["touch"] == 0 and not touched:
            touched = world.time
        if percept["touch"] == 0:
            assert percept["progress"] >= progress
            progress = float(percept["progress"])
        world.act(commands(world, 0.2))
    (site,) = world.sites.ended
    assert touched == pytest.approx(0.41 / 0.2, abs=0.3)
    assert site.touched == pytest.approx(touched + TICK)
    assert (progress, site.outcome) == (1.0, "done")
    assert (percept["touch"], np.isnan(percept["progress"])) == (-1, True)


def test_events(make: Make) -> None:
    world = make([(0.5, 0, math.pi)])
    events = act(world, 120, 0.2)
    assert [event.text.split(":")[0] for event in events] == ["site 0 opens", "site 0 done"]
    assert events[0].time == pytest.approx(0.1)


def test_sites_of_time_zero_are_open_at_once(make: Make) -> None:
    world = make([(1, 1, 0)], time=0.0)
    assert [event.text for event in world.events] == ["site 0 opens: ash (push by 1)"]
    assert world.sense()["site_id"][0, 0] == 0


def test_grip(make: Make) -> None:
    world = make([(0.3, 0, math.pi)], action="pull", team=2)
    act(world, 15, 0.2)
    assert world.sense()["grip"].tolist() == [0]
    act(world, 10, -0.2, grip=1)  # it holds on, and pulls in vain
    (percept,) = world.sense()
    assert (percept["grip"], percept["touch"], percept["progress"]) == (1, 0, 0)
    assert world.poses[0, 0] < 0.15
    act(world, 10, -0.2)
    (percept,) = world.sense()
    assert (percept["grip"], percept["touch"]) == (0, -1)


def test_a_robot_that_pulls_is_in_touch_until_the_site_closes(make: Make) -> None:
    world = make([(0.3, 0, math.pi)], action="pull")
    act(world, 15, 0.2)
    seen = []
    while world.sites.open and world.time < 10:
        (percept,) = world.sense()
        seen.append((int(percept["touch"]), float(percept["progress"])))
        world.act(commands(world, -0.2, grip=1))
    assert {touch for touch, _ in seen} == {0}
    assert seen[-1][1] == 1.0
    assert [progress for _, progress in seen].count(1.0) == 1
    assert world.sense()["grip"].tolist() == [0]


def test_odometry_is_the_way_that_was_driven(make: Make) -> None:
    world = make([(1, -1, 0.3), (-1, 1, -3.1)])
    rng = np.random.default_rng(5)
    for _ in range(60):
        before = world.poses
        told = commands(world)
        told["speed"], told["turn"] = rng.uniform(-0.2, 0.2, 2), rng.uniform(-2.5, 2.5, 2)
        world.act(told)
        ahead = np.stack([np.cos(before[:, 2]), np.sin(before[:, 2])], -1)
        way = ((world.poses - before)[:, :2] * ahead).sum(-1)
        turned = np.angle(np.exp(1j * (world.poses - before)[:, 2]))
        assert world.sense()["odometry"] == pytest.approx(np.stack([way, turned], -1), abs=1e-6)


def test_odometry_before_the_first_step_is_zero(make: Make) -> None:
    assert not make([(1, 1, 0)]).sense()["odometry"].any()


def test_noise_is_relative_in_odometry(make: Make) -> None:
    noisy = Sensors(odometry=Odometry(noise=0.1))
    world = make([(-1.8, 0, 0)], sensors=noisy, time=900)
    ratios = []
    for _ in range(150):
        before = world.poses
        world.act(commands(world, 0.2))
        ratios.append(world.sense()["odometry"][0, 0] / (world.poses - before)[0, 0])
    assert np.mean(ratios) == pytest.approx(1, abs=0.03)
    assert np.std(ratios) == pytest.approx(0.1, rel=0.2)


def test_percepts_are_a_function_of_seed_and_tick(make: Make) -> None:
    starts = [(1, 1, 0), (1.3, 1, 0), AT_FACE]
    same, again, other = (make(starts, sensors=Sensors(), seed=seed) for seed in (3, 3, 4))
    first = same.sense().tobytes()
    assert same.sense().tobytes() == again.sense().tobytes() == first
    assert other.sense().tobytes() != first
    same.act(commands(same))
    assert same.sense()["proximity"].tobytes() != again.sense()["proximity"].tobytes()


def test_neighbours(make: Make) -> None:
    world = make([(0.5, 1, 0), (1, 1, 0), (1.8, 1, 0), (-1, -1, 0)])
    assert world.neighbours(1.0, True, 2).tolist() == [[1, -1], [0, 2], [1, -1], [-1, -1]]


def test_neighbours_within_reach_of_the_sensor_are_those_it_found(make: Make) -> None:
    sensors = Sensors(robots=RangeBearing(range=1.0, most=2))
    world = make([(0.5, 1, 0), (1, 1, 0), (1.8, 1, 0), (-1, -1, 0)], sensors=sensors)
    for _ in range(2):
        afresh = world.neighbours(1.0, True, 2)
        world.sense()
        assert world.neighbours(1.0, True, 2).tolist() == afresh.tolist() == [[1, -1], [0, 2], [1, -1], [-1, -1]]
        assert world.neighbours(0.6, True, 2).tolist() == [[1, -1], [0, -1], [-1, -1], [-1, -1]]
        world.act(commands(world))


PLUGIN = '''
"""A compass: the direction of north as the robot sees it, in rad, with an error of 0.05 rad."""

import numpy as np

from swarm.registry import sensor


@sensor("compass")
class Compass:
    fields = (("north", "f4", ()),)

    def sense(self, world, percepts, rng):
        north = np.pi / 2 - world.poses[:, 2]
        percepts["north"] = north + 0.05 * rng.standard_normal(len(north))
'''


def test_a_sensor_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "SENSORS", {})
    path = tmp_path / "compass.py"
    path.write_text(PLUGIN)
    mission = Mission(
        version=1,
        name="north",
        phases=(Phase(60, 10, {"ash": Meaning("push")}),),
        kinds={"ash": Kind("1###0###")},
        robots=Robots(count=5),
        mind=Mind(plugins=(str(path),)),
    )
    world = worlds.build(mission)
    percepts = world.sense()
    error = percepts["north"] - (math.pi / 2 - world.poses[:, 2])
    assert 0 < np.abs(error).max() < 0.25
    assert percepts.tobytes() == world.sense().tobytes()
    brain = Brain(mission, 3, 0)  # a robot gets the field, too
    assert brain.dtype == percepts.dtype
    act_ = brain.tick(wire.Sense(0, percepts[3].tobytes(), []))
    assert len(act_.command) == COMMAND.itemsize
    world.close()
