"""Search and homing: dead reckoning, what asks for them, and robots that really do."""

import math
from dataclasses import replace

import numpy as np
import pytest

from immune.params import Params
from robots.command import COMMAND
from robots.percept import blank
from sim.spec import Arena, Phase, Robots
from swarm import missionfile, wire
from swarm.fleet import Fleet
from swarm.homing import NEAR, PATIENCE, REST, demand, idle, reckon, way
from swarm.memory import APPROACH, HOMING, SEARCH, SEARCHING, newborn
from swarm.mission import Mind, Mission
from swarm.missionfile import MissionError
from swarm.report import REPORT
from swarm.robot import Brain

FOUR = Mind(arbiter="immune", immune=Params(antibodies=4))


def test_the_way_home_is_that_of_its_odometry() -> None:
    """1 m ahead, a quarter turn to the left, 0.5 m ahead: home lies behind to the left."""
    m = newborn(1).view(np.recarray)[0]
    for _ in range(10):
        reckon(m, np.array([0.1, 0.0], np.float32))
    reckon(m, np.array([0.0, math.pi / 2], np.float32))
    reckon(m, np.array([math.nan, 1.0], np.float32))  # a reading that is none moves nothing
    reckon(m, np.array([0.5, 0.0], np.float32))
    assert (m.x, m.y) == pytest.approx((1.0, 0.5), abs=1e-6)
    distance, bearing = way(m)
    assert distance == pytest.approx(math.hypot(1, 0.5), abs=1e-6)
    assert (distance * math.cos(bearing), distance * math.sin(bearing)) == pytest.approx((-0.5, 1.0), abs=1e-6)


def test_a_circle_leads_back() -> None:
    m = newborn(1).view(np.recarray)[0]
    for _ in range(200):
        reckon(m, np.array([0.02, 2 * math.pi / 200]))
    assert way(m)[0] < 1e-9


@pytest.mark.parametrize(
    ("idle_s", "loudness", "battery", "search", "home"),
    [
        (0.0, 0.0, math.nan, 0.0, 0.0),  # a site is in sight
        (10.0, 0.0, math.nan, (1 - math.exp(-1)) * math.exp(-1 / 36), 1 - math.exp(-1 / 36)),
        (60.0, 0.0, math.nan, (1 - math.exp(-6)) * math.exp(-1), 1 - math.exp(-1)),
        (600.0, 0.0, math.nan, 0.0, 1.0),
        (60.0, math.log(2), math.nan, 0.5 * (1 - math.exp(-6)) * (0.5 + 0.5 * math.exp(-1)), 0.5 * (1 - math.exp(-1))),
        (0.0, 0.0, 0.9, 0.0, 0.0),
        (0.0, 0.0, 0.2, 0.0, 0.5),
        (0.0, 9.0, 0.1, 0.0, 1.0),  # an empty battery does not hear calls
        (10.0, 0.0, 0.05, 0.0, 1.0),
    ],
)
def test_what_asks_for_search_and_homing(
    idle_s: float, loudness: float, battery: float, search: float, home: float
) -> None:
    m = newborn(1).view(np.recarray)[0]
    m.idle = idle_s
    assert demand(m, loudness, battery) == pytest.approx((search, home), abs=1e-12)


def test_search_comes_first_and_homing_later() -> None:
    m = newborn(1).view(np.recarray)[0]
    antigens = []
    for _ in range(2000):
        idle(m, 0.1, False, False)
        antigens.append(demand(m, 0.0, math.nan))
    search, home = np.array(antigens).T
    assert ((search >= 0) & (search <= 1) & (home >= 0) & (home <= 1)).all()
    assert (search[:300] > home[:300]).all()
    assert (home[600:] > search[600:]).all()


def test_a_site_in_sight_and_a_rest_at_home_end_the_idleness() -> None:
    m = newborn(1).view(np.recarray)[0]
    for _ in range(100):
        idle(m, 0.1, False, True)
    assert (m.idle, m.rest) == pytest.approx((10.0, 10.0))
    idle(m, 0.1, False, False)  # it set out again: that was no rest
    assert (m.idle, m.rest) == pytest.approx((10.1, 0.0))
    m.x = 2 * NEAR
    idle(m, 0.1, False, True)  # on its way
    assert m.rest == 0
    m.x = 0.0
    for _ in range(round(REST / 0.1) + 1):
        idle(m, 0.1, False, True)
    assert m.idle < 0.15
    m.idle = 50.0
    idle(m, 0.1, True, False)
    assert m.idle == 0
    m.idle, m.task = 50.0, APPROACH
    idle(m, 0.1, False, False)
    assert m.idle == 0


def brain(battery: float) -> tuple[Brain, np.ndarray]:
    """A robot with four antibodies in the middle of nowhere, and what it senses."""
    mission = replace(missionfile.load(missionfile.find("default")), mind=FOUR)
    out = Brain(mission, 0, 1)
    percept = blank(out.dtype)
    percept["proximity"], percept["battery"] = mission.sensors.proximity.range, battery
    return out, percept


def answer(it: Brain, now: int, percept: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    act = it.tick(wire.Sense(now, percept.tobytes(), []))
    return np.frombuffer(act.report, REPORT)[0], np.frombuffer(act.command, COMMAND)[0]


def test_a_robot_whose_battery_is_low_drives_home_and_takes_no_site() -> None:
    it, percept = brain(0.05)
    percept["odometry"] = (0.02, 0.0)
    for now in range(100):
        report, command = answer(it, now, percept)
    assert report["strategy"] == HOMING
    assert report["antigen"][3] == 1
    assert abs(command["turn"]) > 0.5  # home is straight behind it
    percept["odometry"] = 0.0
    percept["site_id"][0], percept["site_rb"][0], percept["site_face"][0] = 5, (0.6, 0.0), math.pi
    for now in range(100, 120):
        report, _ = answer(it, now, percept)
    assert (report["strategy"], report["task"], report["site"]) == (HOMING, SEARCH, -1)
    percept["battery"] = 0.9  # charged, it takes it
    for now in range(120, 220):
        report, _ = answer(it, now, percept)
    assert (report["task"], report["site"]) == (APPROACH, 5)


def test_a_robot_that_searches_takes_a_site_at_once() -> None:
    it, percept = brain(math.nan)
    for now in range(200):
        report, command = answer(it, now, percept)
    assert report["strategy"] == SEARCHING
    assert command["turn"] == 0
    percept["site_id"][0], percept["site_rb"][0], percept["site_face"][0] = 5, (0.6, 0.0), math.pi
    report, _ = answer(it, 200, percept)
    assert (report["strategy"], report["task"], report["site"]) == (SEARCHING, APPROACH, 5)


def test_a_robot_that_finds_nothing_searches_goes_home_rests_and_searches_again() -> None:
    """In the planar world, with nothing to do: from wall to wall, straight between them, then home and out again."""
    mission = Mission(
        version=1,
        name="empty",
        world="planar",
        arena=Arena((4.0, 4.0)),
        robots=Robots(count=1),
        phases=(Phase(200, 0, {}),),
        mind=FOUR,
    )
    fleet = Fleet([mission])
    (run,) = fleet.runs
    start, ticks = run.world.poses[0, :2].copy(), 1400
    places, strategies, turns = np.empty((ticks, 2)), np.empty(ticks, int), np.empty(ticks)
    for tick in range(ticks):
        fleet.tick()
        places[tick], strategies[tick] = run.world.poses[0, :2], fleet.reports["strategy"][0]
        turns[tick] = fleet.commands["turn"][0]
    fleet.close()
    away = np.hypot(*(places - start).T)
    searching, home = strategies == SEARCHING, strategies == HOMING
    first, back = np.flatnonzero(searching)[0], np.flatnonzero(home)[0]
    assert first < 200 < PATIENCE * 10 - 200 < back < PATIENCE * 10 + 200
    assert searching[first:back].mean() > 0.7  # it looks for company, too, before it goes
    inside = (np.abs(places) < 1.4).all(-1)
    assert (turns[first:back][searching[first:back] & inside[first:back]] == 0).mean() > 0.95
    assert away[first:back].max() > 1.0
    again = back + np.flatnonzero(~home[back:])[0]
    assert away[again - 200 : again].max() < NEAR
    assert np.hypot(*np.diff(places[again - 100 : again], axis=0).T).sum() < 0.1  # it rests
    assert again - back > REST * 10
    assert searching[again:].any()
    assert away[again:].max() > NEAR


@pytest.mark.parametrize(
    ("lines", "error"),
    [
        ("antibodies = 3", "mind.immune.antibodies = 3: must be 2 or 4"),
        ("antibodies = 4.5", "mind.immune.antibodies = 4.5: must be an integer"),
        ("antibodeis = 4", "mind.immune.antibodeis = 4: unknown key .did you mean 'mind.immune.antibodies'"),
        (
            "antibodies = 4\naffinity = [[0, -1], [-1, 0]]",
            r"mind.immune.affinity = .*: has 2 x 2 weights, antibodies = 4 takes 4 x 4",
        ),
    ],
)
def test_what_is_wrong_with_antibodies_in_a_mission(lines: str, error: str) -> None:
    text = f'version = 1\nname = "x"\n[[phases]]\nduration = 1\nrate = 0\n[mind.immune]\n{lines}'
    with pytest.raises(MissionError, match=error):
        missionfile.parse(text)
