"""The planar engine: a team is needed to the Newton, nobody gets into anything, nobody depends on who is far away."""

import math
from collections.abc import Sequence

import numpy as np
import pytest

from robots.command import COMMAND, HOLD
from sim.arrivals import PLATE
from sim.floor import plain
from sim.planar import Planar
from sim.spec import Arena, Robots, Work
from sim.work import OVERSHOOT, SPRING, robot_mass
from tests.sim.plates import SITE, SPOT, TEAMS, TICK, act, before_face, held_for, rate

ground = plain(Arena((4.0, 3.0), ((0.5, 0.4, 0.2, 1.0), (-0.6, -0.8, 0.5, 0.1))))
ROOM = ground.walls


def make(starts: Sequence[Sequence[float]], walls: Sequence[Sequence[float]] = (), **robots: object) -> Planar:
    body = Robots(count=len(starts), **robots)  # type: ignore[arg-type]
    return Planar(body, Work(), np.array(walls, float).reshape(-1, 4), np.array(starts, float), TICK)


def at_site(robots: int, action: str, team: int, facing: float = 0.0) -> Planar:
    """So many robots at a site, all of it turned round the origin."""
    c, s = math.cos(facing), math.sin(facing)
    starts = [(c * x - s * y, s * x + c * y, heading + facing) for x, y, heading in before_face(robots)]
    engine = make(starts)
    engine.add_plate(SITE, (0.0, 0.0, facing), action, team)
    return engine


def box_gap(x: np.ndarray, y: np.ndarray, wide: float, deep: float) -> np.ndarray:
    """Way from points to a box of half sides about the origin, 0 inside."""
    gap: np.ndarray = np.hypot(np.maximum(np.abs(x) - wide, 0), np.maximum(np.abs(y) - deep, 0))
    return gap


def overlap(
    engine: Planar, walls: np.ndarray, plates: Sequence[tuple[int, tuple[float, float, float], float]]
) -> float:
    """How deep any robot is in a wall or a plate (number, spot, direction of travel), m."""
    poses, deepest = engine.poses(), 0.0
    for x, y, width, depth in walls:
        deepest = max(deepest, float((0.06 - box_gap(poses[:, 0] - x, poses[:, 1] - y, width / 2, depth / 2)).max()))
    for number, (x, y, facing), way in plates:
        ahead = way * engine.travel(number) - PLATE / 2
        dx, dy = poses[:, 0] - x - ahead * math.cos(facing), poses[:, 1] - y - ahead * math.sin(facing)
        u, v = dx * math.cos(facing) + dy * math.sin(facing), dy * math.cos(facing) - dx * math.sin(facing)
        deepest = max(deepest, float((0.06 - box_gap(u, v, PLATE / 2, Work().face / 2)).max()))
    return deepest


@pytest.mark.parametrize(("force", "speed"), [(1.0, 0.2), (1.0, -0.1), (0.3, 0.2), (2.0, 0.5), (50.0, 0.2), (1.0, 2.0)])
def test_free_speed(force: float, speed: float) -> None:
    engine = make([(0, 0, 0.5)], force=force, speed=max(abs(speed), 0.2))
    act(engine, 10, speed, touch=-1)
    (before,) = engine.poses()
    act(engine, 2, speed, touch=-1)
    way = engine.poses()[0] - before
    assert way[:2] == pytest.approx([2 * speed * math.cos(0.5), 2 * speed * math.sin(0.5)], rel=0.001)
    assert way[2] == 0


def test_how_quickly_a_robot_starts() -> None:
    engine = make([(0, 0, 0)])
    act(engine, 0.5, 0.2)
    lag = robot_mass(Robots()) * 0.2 / 1.0  # s, m v / F
    assert engine.poses()[0, 0] == pytest.approx(0.2 * (0.5 - lag * (1 - math.exp(-0.5 / lag))), rel=0.03)


@pytest.mark.parametrize("turn", [1.0, -2.0])
def test_turn_rate(turn: float) -> None:
    engine = make([(0, 0, 3.0)])
    act(engine, 2, 0, turn)
    before = engine.poses()[0, 2]
    act(engine, 1, 0, turn)
    assert (engine.poses()[0, 2] - before) % math.tau == pytest.approx(turn % math.tau, abs=0.001)
    assert abs(engine.poses()[0, 2]) <= math.pi


def test_commands_are_clamped_and_what_is_not_a_number_stands_still() -> None:
    engine = make([(0, 0, 0), (0, 1, 0)])
    wild = np.array([(50, 0, 0), (np.nan, np.inf, 1)], COMMAND)
    for _ in range(20):
        engine.step(wild, np.array([-1, -1]))
    fast, still = engine.poses()
    assert 0.3 < fast[0] < 0.4
    assert still.tolist() == [0, 1, 0]


@TEAMS
@pytest.mark.parametrize("robots", [1, 2, 3, 4])
@pytest.mark.parametrize(("action", "speed", "grip"), [("push", 0.2, 0), ("pull", -0.2, 1)])
def test_team(team: int, robots: int, action: str, speed: float, grip: int) -> None:
    moved = rate(at_site(robots, action, team, facing=0.7), speed, grip)
    if robots < team:
        assert abs(moved) < 1e-6
    else:
        assert moved == pytest.approx(0.2 * (1 - (team - 0.5) / robots), rel=0.01)  # docs/physics.md


@TEAMS
def test_team_that_holds(team: int) -> None:
    assert held_for(at_site(team, "hold", team), 8, HOLD * 0.2) >= 5
    if team > 1:
        assert held_for(at_site(team - 1, "hold", team), 8, HOLD * 0.2) == 0


@TEAMS
@pytest.mark.parametrize("robots", [1, 2, 3, 4])
def test_a_plate_that_is_pushed_is_not_held(team: int, robots: int) -> None:
    assert held_for(at_site(robots, "hold", team), 6, 0.2) < 1


@TEAMS
def test_a_robot_behind_another_pushes_through_it(team: int) -> None:
    rows = [(0.07 + 0.125 * row, 0.0, math.pi) for row in range(team)]
    engine = make(rows)
    engine.add_plate(SITE, SPOT, "push", team)
    assert rate(engine, 0.2, 0) == pytest.approx(0.2 * 0.5 / team, rel=0.05)
    if team > 1:
        engine = make(rows[1:])
        engine.add_plate(SITE, SPOT, "push", team)
        assert rate(engine, 0.2, 0) < 1e-6


@pytest.mark.parametrize("robots", [1, 4])
@pytest.mark.parametrize(
    ("site", "speed", "grip"),
    [("pull", 0.2, 0), ("push", -0.2, 1), ("push", HOLD * 0.2, 0), ("pull", HOLD * 0.2, 0)],
)
def test_wrong_actions_do_nothing(robots: int, site: str, speed: float, grip: int) -> None:
    engine = at_site(robots, site, 1)
    act(engine, 1, speed, grip=grip)
    start = engine.travel(SITE)
    act(engine, 4, speed, grip=grip)
    assert engine.travel(SITE) == pytest.approx(start, abs=1e-6)
    assert 0 <= start < 0.003


@pytest.mark.parametrize(("robots", "team", "most"), [(1, 2, 5), (1, 3, 2.1), (2, 3, 8.6), (1, 4, 1.4), (3, 4, 11.1)])
def test_momentum_moves_a_plate_a_little_once(robots: int, team: int, most: float) -> None:
    engine = make([(x + 0.4, y, heading) for x, y, heading in before_face(robots)])
    engine.add_plate(SITE, SPOT, "push", team)
    act(engine, 6, 0.2)
    bump = engine.travel(SITE)
    assert 0 < 1000 * bump <= most  # mm; what PyBullet does
    act(engine, 4, 0.2)
    assert engine.travel(SITE) == bump


def test_what_was_gained_is_kept() -> None:
    engine = at_site(1, "push", 1)
    act(engine, 1.5, 0.2)
    gained = engine.travel(SITE)
    assert gained > 0.05
    act(engine, 1, 0, grip=1)  # comes to rest, and takes hold
    gained = engine.travel(SITE)
    act(engine, 3, -0.2, grip=1)
    assert engine.gripping().tolist() == [SITE]
    assert engine.travel(SITE) == gained


def test_a_spring_plate_returns() -> None:
    engine = at_site(2, "hold", 2)
    act(engine, 4, HOLD * 0.2)
    assert engine.travel(SITE) == pytest.approx(2 * HOLD / SPRING, rel=0.01)
    assert engine.held(SITE)
    act(engine, 4, -0.2)
    assert engine.travel(SITE) == pytest.approx(0, abs=1e-4)
    assert not engine.held(SITE)


def test_a_spring_plate_stops_behind_the_overshoot() -> None:
    engine = at_site(4, "hold", 1)
    act(engine, 4, 0.2)
    assert engine.travel(SITE) == pytest.approx(1.5 * OVERSHOOT / SPRING, rel=0.01)


def test_grippers() -> None:
    engine = make(before_face(2))
    engine.add_plate(3, (0.0, 2.0, 0.0), "push", 1)
    engine.add_plate(SITE, SPOT, "push", 1)
    engine.add_plate(5, (0.0, -2.0, 0.0), "push", 1)  # gets in between the two
    act(engine, 0.5, -0.2, grip=1)
    assert engine.gripping().tolist() == [SITE, SITE]
    assert engine.poses()[:, 0] == pytest.approx(0.065, abs=1e-3)
    told = np.array([(-0.2, 0, 0), (-0.2, 0, 1)], COMMAND)
    for _ in range(10):
        engine.step(told, np.array([SITE, SITE]))
    assert engine.gripping().tolist() == [-1, SITE]
    free, still = engine.poses()[:, 0]
    assert free - still > 0.1
    engine.remove_plate(3)
    assert engine.gripping().tolist() == [-1, SITE]
    engine.remove_plate(SITE)
    assert engine.gripping().tolist() == [-1, -1]
    act(engine, 2, -0.2, grip=1, touch=-1)
    assert engine.poses()[1, 0] - still > 0.3
    with pytest.raises(KeyError):
        engine.travel(SITE)


def test_walls_and_robots_stop_robots() -> None:
    engine = make([(0, 0, 0), (0, 0.5, 0)], [(0.5, 0, 0.1, 3)])
    act(engine, 6, 0.2, touch=-1)
    assert engine.poses()[:, 0] == pytest.approx([0.39, 0.39], abs=1e-6)
    engine = make([(0, 0, 0), (0.5, 0, math.pi)])
    act(engine, 6, 0.2, touch=-1)
    assert np.diff(engine.poses()[:, 0])[0] == pytest.approx(0.12, abs=1e-6)


@pytest.mark.parametrize(("speed", "radius", "tick"), [(2.0, 0.02, 0.25), (0.2, 0.06, 0.1), (2.0, 1.0, 0.01)])
def test_nobody_tunnels(speed: float, radius: float, tick: float) -> None:
    starts = np.array([(-3.0, 0.0, 0.0), (-3.0, 4 * radius, 0.0)])
    engine = Planar(Robots(2, radius=radius, speed=speed), Work(), np.array([(0, 0, 0.01, 60.0)]), starts, tick)
    for _ in range(round(20 / tick)):
        engine.step(np.full(2, np.array((speed, 0, 0), COMMAND)), np.full(2, -1))
    assert engine.poses()[:, 0] == pytest.approx(-radius - 0.005, abs=1e-6)


def crowd(count: int, ticks: int) -> tuple[np.ndarray, np.ndarray]:
    """Robots that drive about wildly among walls and plates: deepest overlap (T,) and speeds (T, N) in each tick."""
    rng = np.random.default_rng(5)
    plates = [(1, (-1.2, 0.8, 1.0), -1.0), (2, (1.3, -0.7, -2.0), -1.0), (4, (0.0, -0.9, 0.3), 1.0)]
    starts: list[np.ndarray] = []
    while len(starts) < count:
        place = rng.uniform((-1.9, -1.4, -3), (1.9, 1.4, 3))
        off = all(math.hypot(place[0] - x, place[1] - y) > 0.4 for _, (x, y, _), _ in plates)
        if off and ground.is_clear(place[:2], 0.06) and all(np.hypot(*(place - o)[:2]) > 0.13 for o in starts):
            starts.append(place)
    engine = make([place.tolist() for place in starts], ROOM)
    for (number, spot, _), (action, team) in zip(plates, (("push", 1), ("hold", 2), ("pull", 2)), strict=True):
        engine.add_plate(number, spot, action, team)
    depths, speeds = [], []
    commands = np.zeros(count, COMMAND)
    for tick in range(ticks):
        if tick % 20 == 0:
            commands["speed"], commands["turn"] = rng.choice([-0.2, 0.2, 0.2], count), rng.uniform(-1, 1, count)
            commands["grip"] = rng.random(count) < 0.3
        before = engine.poses()
        touch = np.where(np.hypot(*(before[:, :2] - plates[2][1][:2]).T) < 0.3, 4, -1)
        engine.step(commands, touch)
        depths.append(overlap(engine, ROOM, plates))
        speeds.append(np.hypot(*(engine.poses() - before)[:, :2].T) / TICK)
    assert engine.travel(1) > 0.01  # plates took part
    return np.array(depths), np.array(speeds)


def test_nobody_gets_into_walls_or_plates_and_no_energy_comes_from_nothing() -> None:
    depths, speeds = crowd(60, 400)
    assert depths.max() < 0.001
    assert np.quantile(depths, 0.99) < 1e-5
    assert np.sqrt((speeds**2).mean(1)).max() < 0.2  # what all drives together can do
    assert speeds.max() < 0.3  # one that is pushed from the side as well


def drive(starts: np.ndarray, ticks: int) -> np.ndarray:
    """Poses (ticks, N, 3) of robots that push each other and a plate; each draws its commands for itself."""
    engine = make(starts.tolist(), ROOM)
    engine.add_plate(SITE, (-1.2, 0.8, 1.0), "push", 2)
    draws = [np.random.default_rng(i) for i in range(len(starts))]
    out = []
    for _ in range(ticks):
        commands = np.array([(g.uniform(0, 0.2), g.uniform(-1, 1), 0) for g in draws], COMMAND)
        engine.step(commands, np.full(len(starts), -1))
        out.append(engine.poses())
    return np.array(out)


def test_replay_is_the_same_bit_for_bit_and_does_not_depend_on_who_is_far_away() -> None:
    near = np.array([(-1.7 + 0.13 * i, -1.0 + 0.13 * j, i + j) for i in range(4) for j in range(4)])
    far = np.array([(1.5 - 0.2 * i, 1.0 - 0.2 * j, i - j) for i in range(3) for j in range(3)])
    alone = drive(near, 100)
    assert np.abs(alone[-1] - near).max() > 0.1
    assert alone.tobytes() == drive(near, 100).tobytes()
    np.testing.assert_array_equal(alone, drive(np.vstack([near, far]), 100)[:, : len(near)])
