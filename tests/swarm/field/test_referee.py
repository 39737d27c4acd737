"""Virtual work: the right action of enough robots that stay in touch, and nothing else, moves a plate."""

import math
from dataclasses import replace

import numpy as np
import pytest

from robots.body import command
from robots.command import HOLD, Limits
from robots.tracker.body import deed, resisted
from robots.tracker.message import Seen
from robots.tracker.view import touched
from sim.spec import Arena, Kind, Meaning, Phase, Robots
from swarm.field.referee import Referee
from swarm.mission import Mission

SPEED = 0.1


def mission(action: str, team: int) -> Mission:
    return Mission(
        1,
        "virtual",
        (Phase(600.0, 1.0, {"a": Meaning(action, team)}, open=1),),
        arena=Arena(size=(3.0, 3.0)),
        robots=Robots(count=4, radius=0.08, speed=SPEED),
        kinds={"a": Kind("1#######")},
    )


class Stand:
    """Robots that drive exactly as virtual plates let them, at the faces of one site."""

    def __init__(self, action: str, team: int, robots: int) -> None:
        self.referee = Referee(mission(action, team))
        self.now = 0.0
        self.poses: list[list[float]] = []
        self.tick({})
        (site,) = self.referee.told()
        self.number, self.robots = site.number, robots
        for i in range(robots):
            across, ahead = (i - (robots - 1) / 2) * 0.18, 0.085
            c, s = math.cos(site.facing), math.sin(site.facing)
            x, y = site.x + ahead * c - across * s, site.y + ahead * s + across * c
            self.poses.append([x, y, site.facing + math.pi])

    def tick(self, told: dict[int, tuple[float, int]]) -> None:
        """0.1 s: robot -> share of speed and grip that its mind wants."""
        sites, limits = self.referee.told(), Limits(SPEED, 2.0)
        for robot, (share, grip) in told.items():
            pose = self.poses[robot]
            contact = touched(sites, np.array(pose), 0.08, self.number if grip else -1)
            speed = share * SPEED
            if contact is not None:
                self.referee.hear(deed(contact, command(speed, 0.0, grip), robot, limits)[0], self.now)
                speed = resisted(contact, speed, gripped=bool(grip))
            pose[0] += speed * 0.1 * math.cos(pose[2])
            pose[1] += speed * 0.1 * math.sin(pose[2])
        self.now += 0.1
        self.referee.tick(tuple(Seen(i, *pose) for i, pose in enumerate(self.poses)), self.now)

    def work(self, share: float, grip: int, seconds: float, robots: int | None = None) -> float:
        """All or some do the same; the progress of the site after that, 1 once it is done."""
        for _ in range(round(seconds * 10)):
            self.tick(dict.fromkeys(range(self.robots if robots is None else robots), (share, grip)))
            if self.referee.sites.done:
                return 1.0
        return self.referee.told()[0].progress


RIGHT = {"push": (1.0, 0), "pull": (-1.0, 1), "hold": (HOLD, 0)}


@pytest.mark.parametrize("action", ["push", "pull", "hold"])
@pytest.mark.parametrize("team", [1, 2, 3])
def test_enough_robots_finish_and_one_less_does_nothing(action: str, team: int) -> None:
    assert Stand(action, team, team).work(*RIGHT[action], 30.0) == 1.0
    if team > 1:
        assert Stand(action, team, team - 1).work(*RIGHT[action], 20.0) == 0.0


@pytest.mark.parametrize("action", ["push", "pull", "hold"])
def test_wrong_actions_do_nothing(action: str) -> None:
    for other, right in RIGHT.items():
        if other != action:
            assert Stand(action, 1, 2).work(*right, 10.0) == 0.0


def test_a_plate_moves_as_fast_as_a_physical_one() -> None:
    stand = Stand("push", 2, 3)
    progress = stand.work(*RIGHT["push"], 3.0)
    assert progress * stand.referee.mission.work.travel / 3.0 == pytest.approx(SPEED * (1 - 1.5 / 3), rel=0.1)


def test_who_says_that_it_pushes_but_does_not_follow_counts_no_longer() -> None:
    stand = Stand("push", 1, 1)
    (site,) = stand.referee.told()
    for _ in range(100):
        contact = touched(stand.referee.told(), np.array(stand.poses[0]), 0.08)
        if contact is not None:
            stand.referee.hear(deed(contact, command(SPEED, 0.0), 0, Limits(SPEED, 2.0))[0], stand.now)
        stand.tick({})
    assert 0 < stand.referee.told()[0].progress < 0.2
    assert site.progress == 0


def test_deeds_grow_old() -> None:
    stand = Stand("push", 1, 1)
    first = stand.work(*RIGHT["push"], 1.0)
    for _ in range(30):
        stand.tick({})
    assert stand.referee.told()[0].progress - first < 0.1


def test_a_robot_out_of_view_does_not_count() -> None:
    stand = Stand("push", 1, 1)
    stand.poses.clear()
    for _ in range(20):
        stand.now += 0.1
        stand.referee.tick((), stand.now)
    assert stand.referee.told()[0].progress == 0


def test_sites_are_those_of_the_simulation() -> None:
    """The same mission opens the same sites at the same places, in whatever world."""
    from swarm import worlds

    it = replace(mission("push", 1), world="planar")
    world = worlds.build(it)
    referee = Referee(it)
    referee.tick((), 0.0)
    (told,), (site,) = referee.told(), world.sites.open
    assert (told.signature, told.x, told.y) == pytest.approx((site.arrival.signature, *site.spot[:2]))
    world.close()
