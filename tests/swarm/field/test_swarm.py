"""Eight Thymios in the makers' simulator, a `jerne robot` process each: what they do is judged by true poses."""

import time
from collections.abc import Iterator

import numpy as np
import pytest

from swarm import missionfile, needs, store
from swarm.mind import Mind, start
from tests.conftest import wait
from tests.robots.playground import Playground
from tests.swarm.field.swarm import RADII, Field, apart, bumps, speeds, stands

pytestmark = pytest.mark.slow
COUNT, SIDE, SPEED = 8, 3.0, 0.12  # m, m/s
SLOW = 0.05  # m/s, a slow touch
PILLAR = (1.0, -1.0, 0.08)  # x, y, radius from the middle, m; the tracker does not know of it
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
[mind]
learner = "known"  # bodies are judged here, not what is learnt
[work]
face = 1.3
[kinds.heavy]
signature = "10######"
[[phases]]
name = "nothing to do"
duration = 35
rate = 0
kinds = {}
[[phases]]
name = "two for four each"  # the whole swarm is wanted: where one is, the four that are not called stay dispersed
duration = 600
rate = 600
open = 2
kinds.heavy = { action = "push", team = 4 }
"""
ALL = list(range(COUNT))


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    """All robots in a clump in the middle, disarmed, their processes running."""
    middle = SIDE / 2
    spots = [("thymio2", middle + 0.26 * (i % 3 - 1), middle + 0.26 * (i // 3 - 1), 0.8 * i) for i in range(COUNT)]
    pillar = (middle + PILLAR[0], middle + PILLAR[1], PILLAR[2])
    with Playground(SIDE, spots, [pillar]) as playground:
        it = Field(playground, tmp_path_factory.mktemp("field"), MISSION)
        for i in range(COUNT):
            store.save(it.folder / "out" / str(i) / "learnt.mind", knowing(it, i))
        try:
            it.start()
            yield it
        finally:
            print(it.logs())
            it.close()


def knowing(field: Field, robot: int) -> Mind:
    """The mind of a robot that has seen four move sites, and three fail: what is left is to come and to push."""
    it = start(missionfile.load(field.folder / "mission.toml"), [robot])
    it.needs[..., 4 - 1, needs.MOVED] = it.needs[..., 3 - 1, needs.STUCK] = 5
    return it


def drives(field: Field, seconds: float) -> None:
    """The judge of speed: whoever drives freely does it at the mission's speed, within 5%."""
    then = time.monotonic()
    time.sleep(seconds)
    assert np.quantile(speeds(field.since(then)), 0.95) == pytest.approx(SPEED, rel=0.05)


def test_nobody_moves_before_it_is_armed(field: Field) -> None:
    wait(lambda: field.command("doctor") == 0, 90)
    assert stands(field, ALL, 1.0)
    assert {reply.status.label for reply in field.order("status").values() if reply} == {"with external tracker"}


def test_the_judge_notices_a_simulator_that_does_not_move(field: Field) -> None:
    """Negative control: robots are armed and their wheels run, but somebody holds them."""
    held = field.poses()
    field.arm()
    over = time.monotonic() + 8

    def hold() -> bool:
        for i, pose in enumerate(held.tolist()):
            field.put(i, *pose)
        return time.monotonic() > over

    then = time.monotonic()
    wait(hold, 20)
    replies = [reply for reply in field.order("status").values() if reply is not None]
    assert max(abs(reply.status.speed) for reply in replies) > 0.03  # they mean to drive
    with pytest.raises(AssertionError):
        assert np.quantile(speeds(field.since(then)), 0.95) == pytest.approx(SPEED, rel=0.05)
    assert apart(field.poses()) < 1.1 * apart(held)


def test_the_judge_tells_a_bump_from_a_slow_touch() -> None:
    """Two robots that meet, one after the other a wall."""
    for speed in (0.04, 0.2):
        times = np.arange(0, 30, 0.05)
        tracks = [(t, np.array([[max(0.1, 1.0 - speed * t), 0.0, np.pi], [0.0, 0.0, 0.0]])) for t in times]
        walls = [(t, np.array([[min(1.45, 0.5 + speed * t), 0.0, 0.0], [0.0, 0.0, 0.0]])) for t in times]
        for track in (tracks, walls):
            found = bumps(track, [RADII["thymio2"]] * 2, SIDE / 2)
            assert found == pytest.approx([speed], rel=0.3)
            assert (max(found) > SLOW) == (speed > SLOW)


def test_they_disperse(field: Field) -> None:
    before = apart(field.poses())
    field.tracker()  # the mission begins: nothing to do
    then = time.monotonic()
    wait(lambda: apart(field.poses()) >= 1.5 * before, 60)
    drives(field, 5.0)
    check_bumps(field, then)


def test_one_that_finds_itself_before_an_obstacle_avoids_it(field: Field) -> None:
    """Teleported, its nose 8 cm from a pillar: it turns away and drives on."""
    x, y, radius = PILLAR
    robot = farthest(field, x, y)
    field.put(robot, x - radius - 0.16, y, 0.0)
    time.sleep(0.1)
    then = time.monotonic()
    time.sleep(5.0)
    track = np.array([poses[robot] for _, poses in field.since(then)])
    gap = np.hypot(track[:, 0] - x, track[:, 1] - y) - radius - RADII["thymio2"]
    assert gap.min() > 0
    assert np.abs(np.unwrap(track[:, 2]) - track[0, 2]).max() > 0.5
    assert np.hypot(*np.diff(track[:, :2], axis=0).T).sum() > 0.1


def test_they_gather_where_two_sites_need_four_each(field: Field) -> None:
    wait(lambda: "site 1 opens" in said(field), 60)
    before = max(apart(poses) for _, poses in field.since(time.monotonic() - 3))
    then = time.monotonic()
    wait(lambda: apart(field.poses()) <= before / 2, 60)
    wait(lambda: "done: heavy" in said(field), 60)  # and work
    check_bumps(field, then)


def test_a_brain_is_killed_and_its_robot_stands_until_told_otherwise(field: Field) -> None:
    number = driving(field)
    field.processes.pop(f"robot{number}").kill()
    killed = time.monotonic()
    time.sleep(0.6)
    assert stands(field, [number], 0.5)
    assert np.hypot(*(field.poses() - field.since(killed)[0][1])[number, :2]) < 0.6 * SPEED
    field.robot(number)
    wait(lambda: (status := field.status(number)) is not None and status.age is not None and status.age < 0.3, 60)
    assert stands(field, [number], 1.0)
    field.arm(number)
    before = field.poses()
    wait(lambda: np.hypot(*(field.poses() - before)[number, :2]) > 0.02, 20)


def test_the_whole_swarm_is_stopped(field: Field) -> None:
    driving(field)
    assert field.command("stop") == 0
    time.sleep(0.6)
    assert stands(field, ALL, 1.0)
    assert field.command("arm") == 1  # an emergency stop latches
    assert field.command("release") == 0
    assert stands(field, ALL, 1.0)
    assert field.command("quit") == 0
    wait(lambda: all(field.processes[f"robot{i}"].poll() == 0 for i in ALL), 20)


def check_bumps(field: Field, then: float) -> None:
    """No contact since then was worse than a slow touch."""
    assert max(bumps(field.since(then), [RADII["thymio2"]] * COUNT, field.middle), default=0.0) <= SLOW


def said(field: Field) -> str:
    """What the tracker has said since the mission began anew."""
    return (field.folder / "tracker.log").read_text().split("begins")[-1]


def farthest(field: Field, x: float, y: float) -> int:
    """The robot that is farthest from there."""
    return int(np.hypot(*(field.poses()[:, :2] - (x, y)).T).argmax())


def driving(field: Field) -> int:
    """A robot that drives, as soon as there is one."""
    fast: list[int] = []

    def found() -> bool:
        lately = speeds(field.since(time.monotonic() - 0.5))
        fast[:] = np.flatnonzero(lately[-1] > 0.05).tolist() if len(lately) else []
        return bool(fast)

    wait(found, 60)
    return fast[0]
