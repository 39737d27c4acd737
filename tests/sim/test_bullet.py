"""The PyBullet engine: a team is needed to the Newton, wrong actions come to nothing, replay is exact."""

import ast
import math
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from robots.command import HOLD
from sim.bullet import Bullet
from sim.spec import Robots, Work
from sim.work import OVERSHOOT, SPRING
from tests.sim.plates import SITE, SPOT, TEAMS, TICK, act, before_face, commands, held_for, rate

pybullet_data = pytest.importorskip("pybullet_data")

ROOT = Path(__file__).parents[2]
HUSKY = str(Path(pybullet_data.getDataPath()) / "husky/husky.urdf")
BODIES = pytest.mark.parametrize("body", ["capsule", "wheels"])

Make = Callable[..., Bullet]


@pytest.fixture
def make() -> Iterator[Make]:
    """Engines that are given up when the test is over."""
    made: list[Bullet] = []

    def build(starts: Sequence[Sequence[float]], walls: Sequence[Sequence[float]] = (), **robots: object) -> Bullet:
        body = Robots(count=len(starts), **robots)  # type: ignore[arg-type]
        boxes = np.array(walls, float).reshape(-1, 4)
        made.append(Bullet(body, Work(), boxes, np.array(starts, float), TICK))
        return made[-1]

    yield build
    for engine in made:
        engine.close()


@BODIES
@pytest.mark.parametrize("speed", [0.2, -0.2, 0.1])
def test_free_speed(make: Make, body: str, speed: float) -> None:
    engine = make([(0, 0, 0.5)], body=body)
    act(engine, 2, speed, touch=-1)
    (before,) = engine.poses()
    act(engine, 2, speed, touch=-1)
    (after,) = engine.poses()
    way = after - before
    assert way[0] * math.cos(0.5) + way[1] * math.sin(0.5) == pytest.approx(2 * speed, rel=0.01)
    assert abs(way[2]) < (1e-6 if body == "capsule" else 0.03)  # wheels slip a little, and nobody steers here


@BODIES
@pytest.mark.parametrize("turn", [1.0, -2.0])
def test_turn_rate(make: Make, body: str, turn: float) -> None:
    engine = make([(0, 0, 0)], body=body)
    act(engine, 1, 0, turn, touch=-1)
    (before,) = engine.poses()
    act(engine, 1, 0, turn, touch=-1)
    (after,) = engine.poses()
    assert (after[2] - before[2]) % math.tau == pytest.approx(turn % math.tau, abs=0.01 * abs(turn))
    assert np.hypot(*(after - before)[:2]) < 0.002


@pytest.mark.parametrize(("force", "speed"), [(0.3, 0.2), (3.0, 0.2), (2.0, 0.5), (50.0, 0.2)])
def test_free_speed_of_capsules_holds_for_any_force(make: Make, force: float, speed: float) -> None:
    engine = make([(0, 0, 0)], force=force, speed=speed)
    act(engine, 5, speed, touch=-1)
    before = engine.poses()[0, 0]
    act(engine, 1, speed, touch=-1)
    assert engine.poses()[0, 0] - before == pytest.approx(speed, rel=0.01)


def test_commands_are_clamped_and_what_is_not_a_number_stands_still(make: Make) -> None:
    engine = make([(0, 0, 0), (0, 1, 0)])
    wild = commands(engine, 50.0)
    wild["speed"][1], wild["turn"][1] = np.nan, np.inf
    for _ in range(20):
        engine.step(wild, np.array([-1, -1]))
    fast, still = engine.poses()
    assert 0.3 < fast[0] < 0.4
    assert still == pytest.approx([0, 1, 0], abs=1e-6)


@BODIES
@TEAMS
@pytest.mark.parametrize(("action", "speed", "grip"), [("push", 0.2, 0), ("pull", -0.2, 1)])
def test_team(make: Make, body: str, team: int, action: str, speed: float, grip: int) -> None:
    enough = make(before_face(team), body=body)
    enough.add_plate(SITE, SPOT, action, team)
    assert rate(enough, speed, grip) > 0.005
    if team > 1:
        too_few = make(before_face(team - 1), body=body)
        too_few.add_plate(SITE, SPOT, action, team)
        assert abs(rate(too_few, speed, grip)) < 0.001


@BODIES
@TEAMS
def test_team_that_holds(make: Make, body: str, team: int) -> None:
    enough = make(before_face(team), body=body)
    enough.add_plate(SITE, SPOT, "hold", team)
    assert held_for(enough, 8, HOLD * 0.2) >= 5
    if team > 1:
        too_few = make(before_face(team - 1), body=body)
        too_few.add_plate(SITE, SPOT, "hold", team)
        assert held_for(too_few, 8, HOLD * 0.2) == 0


@TEAMS
@pytest.mark.parametrize("robots", [1, 2, 3, 4])
def test_a_plate_that_is_pushed_is_not_held(make: Make, team: int, robots: int) -> None:
    engine = make(before_face(robots))
    engine.add_plate(SITE, SPOT, "hold", team)
    assert held_for(engine, 6, 0.2) < 1


@BODIES
@pytest.mark.parametrize("robots", [1, 4])
@pytest.mark.parametrize(
    ("site", "speed", "grip"),
    [
        ("pull", 0.2, 0),  # push
        ("push", -0.2, 1),  # pull
        ("push", HOLD * 0.2, 0),  # press
        ("pull", HOLD * 0.2, 0),
    ],
)
def test_wrong_actions_do_nothing(make: Make, body: str, robots: int, site: str, speed: float, grip: int) -> None:
    engine = make(before_face(robots), body=body)
    engine.add_plate(SITE, SPOT, site, 1)
    act(engine, 1, speed, grip=grip)
    start = engine.travel(SITE)
    act(engine, 4, speed, grip=grip)
    assert engine.travel(SITE) == pytest.approx(start, abs=0.001)
    assert abs(start) < 0.01


@BODIES
def test_what_was_gained_is_kept(make: Make, body: str) -> None:
    engine = make(before_face(1), body=body)
    engine.add_plate(SITE, SPOT, "push", 1)
    act(engine, 1.5, 0.2)
    gained = engine.travel(SITE)
    assert gained > 0.05
    act(engine, 1, 0, grip=0)
    assert engine.travel(SITE) >= gained - 1e-4
    act(engine, 0.1, 0, grip=1)  # takes hold
    act(engine, 3, -0.2, grip=1)
    assert engine.gripping()[0] == SITE
    assert engine.travel(SITE) >= gained - 0.0101  # the rail's teeth are 1 cm apart


def test_a_slider_that_was_pulled_is_not_pushed_back(make: Make) -> None:
    engine = make(before_face(1))
    engine.add_plate(SITE, SPOT, "pull", 1)
    act(engine, 2, -0.2, grip=1)
    gained = engine.travel(SITE)
    assert gained > 0.05
    act(engine, 3, 0.2)
    assert engine.travel(SITE) >= gained - 0.0101


def test_plates_move_away_when_pushed_and_near_when_pulled(make: Make) -> None:
    for action, speed, grip, sign in (("push", 0.2, 0, -1), ("pull", -0.2, 1, 1)):
        engine = make(before_face(1))
        engine.add_plate(SITE, SPOT, action, 1)
        start = engine.poses()[0, 0]
        act(engine, 2, speed, grip=grip)
        assert sign * (engine.poses()[0, 0] - start) > 0.05


def test_a_spring_plate_returns(make: Make) -> None:
    engine = make(before_face(2))
    engine.add_plate(SITE, SPOT, "hold", 2)
    act(engine, 4, HOLD * 0.2)
    assert engine.travel(SITE) == pytest.approx(2 * HOLD / SPRING, rel=0.05)
    act(engine, 4, -0.2)
    assert engine.travel(SITE) == pytest.approx(0, abs=1e-4)
    assert not engine.held(SITE)


def test_a_spring_plate_stops_behind_the_overshoot(make: Make) -> None:
    engine = make(before_face(4))
    engine.add_plate(SITE, SPOT, "hold", 1)
    act(engine, 4, 0.2)
    assert engine.travel(SITE) == pytest.approx(1.5 * OVERSHOOT / SPRING, rel=0.01)


def test_grippers_let_go(make: Make) -> None:
    engine = make(before_face(2))
    engine.add_plate(SITE, SPOT, "push", 1)
    act(engine, 0.5, -0.2, grip=1)
    assert engine.gripping().tolist() == [SITE, SITE]
    held_back = engine.poses()[:, 0]
    act(engine, 1, -0.2, grip=1)
    assert engine.poses()[:, 0] == pytest.approx(held_back, abs=0.03)
    told = commands(engine, -0.2)
    told["grip"] = 0, 1
    for _ in range(10):
        engine.step(told, np.array([SITE, SITE]))
    assert engine.gripping().tolist() == [-1, SITE]
    free, still = engine.poses()[:, 0]
    assert free - still > 0.1


def test_grippers_let_go_of_a_plate_that_is_removed(make: Make) -> None:
    engine = make(before_face(1))
    engine.add_plate(SITE, SPOT, "push", 1)
    act(engine, 1, -0.2, grip=1)
    engine.remove_plate(SITE)
    assert engine.gripping().tolist() == [-1]
    before = engine.poses()[0, 0]
    act(engine, 2, -0.2, grip=1, touch=-1)
    assert engine.poses()[0, 0] - before > 0.3


def test_grippers_close_on_nothing(make: Make) -> None:
    engine = make(before_face(1))
    engine.add_plate(SITE, SPOT, "pull", 1)
    act(engine, 1, -0.2, grip=1, touch=-1)
    assert engine.gripping().tolist() == [-1]
    assert engine.travel(SITE) == 0


@BODIES
def test_walls_stop_robots(make: Make, body: str) -> None:
    engine = make([(0, 0, 0), (0, 0.5, 0)], [(0.5, 0, 0.1, 3)], body=body)
    act(engine, 6, 0.2, touch=-1)
    assert engine.poses()[:, 0] == pytest.approx([0.39, 0.39], abs=0.005)


@BODIES
def test_robots_stop_robots(make: Make, body: str) -> None:
    engine = make([(0, 0, 0), (0.5, 0, math.pi)], body=body)
    act(engine, 6, 0.2, touch=-1)
    assert 0.115 < np.diff(engine.poses()[:, 0])[0] < 0.13


def test_removed_plates_are_gone(make: Make) -> None:
    engine = make(before_face(1))
    engine.add_plate(SITE, SPOT, "push", 4)
    act(engine, 2, 0.2)
    assert engine.poses()[0, 0] > 0.05
    engine.remove_plate(SITE)
    act(engine, 2, 0.2, touch=-1)
    assert engine.poses()[0, 0] < -0.2


def replay(body: str) -> bytes:
    """200 ticks of six robots among walls, while plates come and go."""
    rng = np.random.default_rng(4)
    starts = [(*xy, h) for xy, h in zip(rng.uniform(-0.8, 0.8, (6, 2)), rng.uniform(-3, 3, 6), strict=True)]
    starts[:2] = before_face(2)
    walls = np.array([(1.05, 0, 0.1, 2.2), (-1.05, 0, 0.1, 2.2), (0, 1.05, 2.2, 0.1), (0, -1.05, 2.2, 0.1)])
    trace = []
    with closing(Bullet(Robots(count=6, body=body), Work(), walls, np.array(starts, float), TICK)) as engine:
        for tick in range(200):
            if tick % 50 == 0:
                engine.add_plate(tick, SPOT, ("push", "pull", "hold", "push")[tick // 50], 2)
            told = commands(engine, 0.0)
            told["speed"], told["turn"] = rng.uniform(-0.2, 0.2, 6), rng.uniform(-2, 2, 6)
            told["speed"][:2] = -0.2 if tick // 50 == 1 else 0.2
            told["turn"][:2] = 0
            told["grip"] = rng.random(6) < 0.7
            touch = np.where(np.arange(6) < 2, tick // 50 * 50, -1)
            engine.step(told, touch)
            trace += [engine.poses(), engine.gripping(), np.array(engine.travel(tick // 50 * 50))]
            if tick % 50 == 49:
                engine.remove_plate(tick // 50 * 50)
    return b"".join(array.tobytes() for array in trace)


@BODIES
def test_replay_in_a_fresh_world_is_bitwise_identical(body: str) -> None:
    assert replay(body) == replay(body)


def test_two_worlds_in_one_process_do_not_meet(make: Make) -> None:
    alone = make([(0, 0, 0)])
    other = make([(0.2, 0, 0)])
    for _ in range(20):
        act(alone, TICK, 0.2, touch=-1)
        act(other, TICK, 0.0, touch=-1)
    assert alone.poses()[0, 0] > 0.3
    assert other.poses()[0] == pytest.approx([0.2, 0, 0], abs=1e-9)


def test_husky(make: Make) -> None:
    engine = make([(0, 0, 0)], body=HUSKY, radius=0.6, speed=0.5, force=600)
    act(engine, 1, 0.5, touch=-1)
    (before,) = engine.poses()
    act(engine, 3, 0.5, touch=-1)
    (after,) = engine.poses()
    assert after[0] - before[0] == pytest.approx(1.5, rel=0.05)
    assert abs(after[1] - before[1]) < 0.01
    for turn in (0.8, -0.8):  # it skids: less than it was told, but the way it was told
        start = engine.poses()[0, 2]
        act(engine, 4, 0, turn, touch=-1)
        assert 0.2 < (engine.poses()[0, 2] - start) / (4 * turn) < 1.01


def test_husky_pushes(make: Make) -> None:
    engine = make([(0.65, 0, math.pi)], body=HUSKY, radius=0.6, speed=0.5, force=300)
    engine.add_plate(SITE, SPOT, "push", 1)
    act(engine, 3, 0.5)
    assert engine.travel(SITE) > 0.3


INERTIA = '<mass value="1"/><inertia ixx="1" iyy="1" izz="1" ixy="0" ixz="0" iyz="0"/>'
BOX = f'<link name="{{}}"><inertial>{INERTIA}</inertial></link>'
SLED = f'<robot name="sled">{BOX.format("base")}</robot>'
CART = (
    f'<robot name="cart">{BOX.format("base")}{BOX.format("wheel")}<joint name="j" type="continuous">'
    '<parent link="base"/><child link="wheel"/><origin xyz="0 0.2 0"/><axis xyz="0 1 0"/></joint></robot>'
)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (SLED, "found 0 left and 0 right"),
        (CART, "found 1 left and 0 right"),
        ("<robot", "cannot load this URDF"),
        ("", "cannot load this URDF"),
        (None, "cannot load this URDF"),
    ],
)
def test_urdf_that_cannot_be_used(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], text: str | None, says: str
) -> None:
    path = tmp_path / "odd.urdf"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ValueError, match=says) as caught:
        Bullet(Robots(count=1, body=str(path), radius=0.3), Work(), np.zeros((0, 4)), np.zeros((1, 3)), TICK)
    assert str(path) in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_urdf_larger_than_its_circle(make: Make) -> None:
    with pytest.raises(ValueError, match=r"husky\.urdf': reaches 0\.5 m from its middle; robots\.radius = 0\.06"):
        make([(0, 0, 1.0)], body=HUSKY)


def test_force_that_makes_wheels_slip() -> None:
    with pytest.raises(ValueError, match=r"robots\.force = 3: the wheels of twowheel\.urdf .* slip above 1\.96"):
        Bullet(Robots(count=1, body="wheels", force=3), Work(), np.zeros((0, 4)), np.zeros((1, 3)), TICK)


def imports(path: Path) -> set[str]:
    """Top-level names of all modules that a file imports, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
    return {name.split(".")[0] for name in names}


def test_one_file_imports_pybullet() -> None:
    packages = ("classifier", "immune", "robots", "sim", "swarm")
    files = [file for package in packages for file in (ROOT / package).rglob("*.py")]
    users = [file.relative_to(ROOT).as_posix() for file in files if "pybullet" in imports(file)]
    assert users == ["sim/bullet.py"]


@pytest.mark.parametrize(
    "module",
    ["swarm.cli", "swarm.mind", "swarm.robot", "sim.bullet", "sim.world", "robots", "immune", "classifier"],
)
def test_pybullet_is_imported_when_it_is_needed(module: str) -> None:
    code = f"import sys, {module}; sys.exit('pybullet' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
