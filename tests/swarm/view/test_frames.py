"""Frames as they were when somebody looked at them. `JERNE_FRAMES=1 pytest` writes them anew: look again then."""

import math
import os
import time
from pathlib import Path

import pytest
from msgspec import structs

from classifier.population import Rule
from swarm.net.ties import Ties
from swarm.rules import Decision
from swarm.situation import FIRST, MATES
from swarm.view.controls import REPLAY, Controls
from swarm.view.dashboard import render
from swarm.view.snapshot import Detail, Moment, Snapshot
from swarm.watch import Watch
from tests.swarm.view.test_dashboard import SIZES, robot, stage, swarm, texts

FRAMES = Path(__file__).with_name("frames")
COUNTS = (1, 12, 100, 1000)
CALM = Watch(stuck=1e6, silent=1e6, backlog=1000, open=1e6)


def looks_as_before(name: str, frame: list[str]) -> None:
    path, text = FRAMES / f"{name}.txt", "\n".join(line.rstrip() for line in frame) + "\n"
    if os.environ.get("JERNE_FRAMES"):
        FRAMES.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def calm(count: int) -> Snapshot:
    busy = swarm(count, side=math.sqrt(count) + 4)
    alive = [robot(r.robot, x=r.x, y=r.y, heading=r.heading, strategy=r.strategy, task=r.task) for r in busy.robots]
    return swarm(count, robots=alive, sites=busy.sites, backlog=0)


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_swarm_that_needs_nothing(count: int, width: int, height: int) -> None:
    frame = texts(render(stage(math.sqrt(count) + 4, watch=CALM), calm(count), width, height))
    assert any("nothing needs attention" in line for line in frame)
    looks_as_before(f"live-{count}-{width}x{height}", frame)


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_swarm_with_alarms(count: int, width: int, height: int) -> None:
    shot = swarm(count) if count > 1 else swarm(1, robots=[robot(0, alive=False)])
    frame = texts(render(stage(), shot, width, height))
    assert any(" lost" in line for line in frame)
    looks_as_before(f"alarmed-{count}-{width}x{height}", frame)


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_real_robots(width: int, height: int) -> None:
    robots = [robot(i, x=i - 3.0, y=i / 2, battery=0.9 - 0.1 * i, loss=0.1 * i) for i in range(5)]
    robots += [
        robot(5, x=2.0, held="disarmed: not armed yet", battery=0.7),
        robot(6, x=2.5, held="emergency stop: told to"),
        robot(7, x=3.0, fault="connection lost"),
        robot(8, x=3.2, alive=False),
        robot(9, x=math.nan, y=math.nan, still=7.0),
    ]
    shot = swarm(10, robots=robots, phase=0, done=0, backlog=0, rate=[], sites=[])
    frame = texts(render(stage(real=True, phases=[(0.0, "")]), shot, width, height))
    text = "\n".join(frame)
    assert "7 may, 2 stand" in text
    assert "robot 8 lost" in text
    assert "50% at least" in text
    looks_as_before(f"real-10-{width}x{height}", frame)


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_old_news_and_no_glyphs(count: int, width: int, height: int) -> None:
    frame = texts(render(stage(), swarm(count), width, height, note="no news for 12 s", unicode=False))
    assert "no news for 12 s" in frame[0]
    assert all(line.isascii() for line in frame)
    looks_as_before(f"stale-{count}-{width}x{height}", frame)


def a_detail(number: int) -> Detail:
    history = [
        Moment(60.0 + i / 2, (i / 120, 0.4), (i / 60 - 1, 0.5), (0.5 + 0.4 * math.sin(i / 15), 0.6)) for i in range(120)
    ]
    percept = {
        "proximity": [0.5, 0.3, 0.1, 0.5, 0.5, 0.5, 0.5, 0.4],
        "robot_id": [3, 7, -1],
        "robot_rb": [[0.52, 0.4], [1.2, -1.0], [math.nan, math.nan]],
        "site_id": [140, -1],
        "site_rb": [[0.04, 0.1], [math.nan, math.nan]],
        "progress": 0.25,
        "touch": 140,
        "grip": 1,
        "odometry": [0.002, 0.01],
        "battery": 0.8,
        "imu": [math.nan] * 6,
        "pose": [math.nan] * 3,
        "smell": [0.25, 1.0],
    }
    rules = [
        Rule("1##0########" + "0##" + "######", 1, 980.0, 12.0, 0.6, 44, 3),
        Rule("#" * 21, 1, 500.0, 400.0, 0.1, 90, 1),
        Rule("0####1######" + "1########", 0, 120.0, 90.0, 0.05, 12, 1),
    ]
    return Detail(number, 120.0, percept, [3, 7], history, 1230.0, Decision(0b1 | 1 << 18, 1, 870.0, [1, 2], rules))


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_one_robot_in_detail(width: int, height: int) -> None:
    controls = Controls(page="robot", selected=5)
    frame = texts(render(stage(), swarm(12), width, height, controls=controls, detail=a_detail(5)))
    text = "\n".join(frame)
    for figure in (
        "robot 5",
        "why: pull, decided 4.0s ago",
        "At a kind-amber site, alone, there longest",
        "immune network",
    ):
        assert figure in text
    looks_as_before(f"robot-{width}x{height}", frame)


def test_rules_that_were_asked_for_another_situation_than_the_robots_say_so() -> None:
    detail, controls = a_detail(5), Controls(page="robot", selected=5)
    for mates, said in ((0, False), (1 << MATES, True)):
        decision = structs.replace(detail.decision, situation=0b1 | FIRST | mates)
        shown = structs.replace(detail, decision=decision)
        frame = texts(render(stage(), swarm(12), 120, 40, controls=controls, detail=shown))
        assert any("rules that matched as if alone" in line for line in frame) is said


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_what_a_robots_own_link_knows(width: int, height: int) -> None:
    ties = Ties({"said": 90, "received": 412, "late": 3, "forged": 30, "disordered": 2}, [1, 2, 3], [7], [4, 9])
    detail = structs.replace(a_detail(5), ties=ties)
    shown = swarm(12, ties={"alive": 100, "stale": 3, "lost": 29, "refused": 32})
    text = "\n".join(
        texts(render(stage(), shown, width, height, controls=Controls(page="robot", selected=5), detail=detail))
    )
    assert "peers   3 alive, stale: 7, lost: 4, 9" in text
    assert "refused 30 forged, 2 disordered; 412 taken, 3 late" in text
    page = "\n".join(texts(render(stage(), shown, width, height)))
    assert "peers   100 alive, 3 stale, 29 lost, 32 refused" in page


def test_waiting_for_details_and_help() -> None:
    controls = Controls(page="robot", selected=5)
    other = texts(render(stage(), swarm(12), 80, 24, controls=controls, detail=a_detail(4)))
    assert any("waiting for news of this robot" in line for line in other), "never another robot's"
    looks_as_before("help-live-80x24", texts(render(stage(), swarm(12), 80, 24, controls=Controls(help=True))))
    looks_as_before("help-80x24", texts(render(stage(), swarm(12), 80, 24, controls=Controls(help=True), keys=REPLAY)))


def test_the_one_that_is_selected_is_always_listed() -> None:
    for count in (30, 300):
        frame = texts(render(stage(watch=CALM), swarm(count), 80, 24, controls=Controls(selected=count - 2)))
        assert any(line.lstrip().startswith(f"{count - 2} ") for line in frame)


def test_a_frame_of_a_hundred_robots_is_cheap() -> None:
    """20 ms is the aim on an idle core; processor time does not count what others take."""
    shot, scene = swarm(100), stage()
    render(scene, shot, 120, 40)
    costs = []
    for _ in range(15):
        begin = time.process_time()
        render(scene, shot, 120, 40)
        costs.append(time.process_time() - begin)
    assert min(costs) < 0.02
