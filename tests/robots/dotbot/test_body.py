"""The DotBot's body against a controller that is only numbers. Time is the tests' own."""

import contextlib
import math
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from robots.body import command
from robots.dotbot.body import DotBot, Dotbots, free
from robots.percept import Sensors
from tests.conftest import wait
from tests.robots.dotbot.controller import NAMES, Controller

DOTBOTS = Dotbots(NAMES, (2.5, 2.5))


@pytest.fixture
def controller() -> Iterator[Controller]:
    with contextlib.closing(Controller()) as one:
        yield one


class Talk:
    """A body and its time."""

    def __init__(self, controller: Controller, number: int = 0) -> None:
        self.controller, self.now = controller, 100.0
        self.body = DotBot(controller.address, DOTBOTS, number, (2.0, 2.0), Sensors())

    def until(self, condition: Callable[[], object], step: float = 0.0) -> np.ndarray:
        """Sense until it is so; the percept then."""
        found: list[np.ndarray] = []

        def holds() -> bool:
            self.now += step
            found[:] = [self.body.sense(self.now)]
            return bool(condition())

        wait(holds, 5)
        return found[0]

    def hear(self, *where: tuple[int, float, float, float]) -> np.ndarray:
        """The controller hears of robots twice, the second time just now."""
        self.until(lambda: self.body._port.opened and not self.body._port.trouble, step=0.1)
        for seen in (self.now - 0.1, self.now):
            for number, x, y, degrees in where:
                self.controller.see(number, x, y, degrees, seen + 1000)
            end = self.controller.polls + 3
            self.until(lambda end=end: self.controller.polls >= end)  # type: ignore[misc]
        return self.body.sense(self.now)


@pytest.fixture
def talk(controller: Controller) -> Iterator[Talk]:
    one = Talk(controller)
    yield one
    one.body.close()


def test_pose_neighbours_and_what_is_near(talk: Talk) -> None:
    percept = talk.hear((0, 2500, 2500, 180), (1, 2500, 2300, 0), (2, 2700, 2500, 0))
    assert percept["pose"][0].tolist() == pytest.approx([0, 0, math.pi / 2])
    assert percept["robot_id"][0, :3].tolist() == [1, 2, -1]
    assert percept["robot_rb"][0, :2].ravel() == pytest.approx([0.2, 0.0, 0.2, -math.pi / 2], abs=1e-6)
    ring = percept["proximity"][0]
    assert ring[[0, 6]] == pytest.approx([0.2 - 2 * talk.body.radius] * 2, abs=1e-6)  # ahead and to the right
    assert ring[[2, 4]] == pytest.approx([0.5, 0.5])
    assert percept["battery"][0] == pytest.approx(0.8)
    assert talk.body.session == 1
    assert talk.body.age(talk.now) == pytest.approx(0.0, abs=1e-6)


def test_walls_are_near_too() -> None:
    ring = free(np.array([0.8, 0.0, 0.0]), np.zeros((0, 2)), 0.065, np.array([1.0, 1.0]), Sensors())
    assert ring[0] == pytest.approx(0.2 - 0.065)
    assert ring[1] == pytest.approx(0.2 * math.sqrt(2) - 0.065)
    assert ring[[2, 3, 4, 5, 6]] == pytest.approx([0.5] * 5)


def test_what_was_heard_long_ago_is_no_reading(talk: Talk) -> None:
    """Before it has been heard of anew nobody knows how old the first pose is."""
    talk.controller.see(0, 2500, 2500, 180, 1000.0)
    talk.until(lambda: talk.now > 103, step=0.1)
    assert talk.body.age(talk.now) == math.inf
    assert talk.body.session == 0
    assert talk.body.act(command(0.1, 0.0), talk.now)["speed"] == 0
    assert talk.controller.told == []


def test_readings_grow_old(talk: Talk) -> None:
    talk.hear((0, 2500, 2500, 180))
    talk.until(lambda: talk.body.age(talk.now) > 0.75, step=0.1)
    assert talk.body.age(talk.now) == pytest.approx(0.8, abs=0.05)


@pytest.mark.parametrize("step", [-3600.0, -1.0, -0.3, 0.3, 3600.0])
def test_a_wall_clock_that_is_set_stops_nobody(talk: Talk, step: float) -> None:
    """The controller's; another robot is not heard of any more, and stays in its list with a time of before."""
    talk.hear((0, 2500, 2500, 180), (1, 2500, 2300, 0))
    ages, ahead = [], 1000.0
    for i in range(100):
        if i == 50:
            ahead += step
        talk.now += 0.05
        if i % 4 == 0:
            talk.controller.see(0, 2500, 2500, 180, talk.now + ahead)
        end = talk.controller.polls + 1
        talk.until(lambda end=end: talk.controller.polls >= end)  # type: ignore[misc]
        percept = talk.body.sense(talk.now)
        ages.append(talk.body.age(talk.now))
    assert max(ages) < 0.3
    assert min(ages) >= 0
    assert sum(ages[-20:]) > 1.0, "what has not been heard of again grows old"
    assert percept["robot_id"][0, 0] == -1
    assert talk.body.session == 1
    assert talk.body.trouble == ""


def test_wheels_and_light(talk: Talk) -> None:
    talk.hear((0, 2500, 2500, 180))
    talk.body.show((1, 2, 3))
    sent = talk.body.act(command(0.1, 1.0), talk.now)[0]
    talk.until(lambda: len(talk.controller.told) == 2)
    assert talk.controller.wheels(0) == [(61, 139)]
    assert (sent["speed"], sent["turn"]) == pytest.approx((0.1, 1.0))
    assert talk.controller.told[1][2] == {"red": 1, "green": 2, "blue": 3}
    talk.body.act(command(9.0, 0.0), talk.now)
    talk.body.stop()
    talk.until(lambda: len(talk.controller.told) == 4)
    assert talk.controller.wheels(0)[1:] == [(300, 300), (0, 0)]


@pytest.mark.parametrize(("status", "says"), [(1, "has not heard of it for 3 s"), (2, "has lost it")])
def test_stale_and_lost(talk: Talk, status: int, says: str) -> None:
    talk.hear((0, 2500, 2500, 180))
    talk.controller.see(0, 2500, 2500, 180, talk.now + 1000, status)
    talk.until(lambda: talk.body.age(talk.now) == math.inf, step=0.1)
    assert says in talk.body.trouble
    talk.hear((0, 2500, 2500, 180))
    assert talk.body.session == 2
    assert talk.body.trouble == ""


def test_another_one_that_is_stale_is_an_obstacle_and_no_neighbour(talk: Talk) -> None:
    talk.controller.see(1, 2500, 2300, 0, 1000 + talk.now - 4, status=1)
    percept = talk.hear((0, 2500, 2500, 180))
    assert percept["robot_id"][0, 0] == -1
    assert percept["proximity"][0, 0] == pytest.approx(0.07, abs=1e-6)
    talk.controller.see(1, 2500, 2300, 0, 1000 + talk.now - 14, status=2)
    assert talk.until(lambda: talk.body.sense(talk.now)["proximity"][0, 0] > 0.4)["robot_id"][0, 0] == -1


def test_whoever_was_held_up_itself_does_not_take_the_controller_for_silent(talk: Talk) -> None:
    talk.hear((0, 2500, 2500, 180))
    time.sleep(0.2)  # all that was asked has been answered
    talk.controller.silent.set()
    talk.body.act(command(0.1, 0.0), talk.now)
    talk.now += 5
    talk.body.sense(talk.now)
    assert talk.body.trouble == ""
    began = talk.now
    talk.until(lambda: "no answer" in talk.body.trouble, step=0.1)
    assert 0.7 < talk.now - began < 1.1


def test_a_controller_that_falls_silent(talk: Talk) -> None:
    talk.hear((0, 2500, 2500, 180))
    talk.controller.silent.set()
    talk.until(lambda: "no answer" in talk.body.trouble, step=0.1)
    assert talk.body.age(talk.now) == math.inf
    talk.controller.silent.clear()
    talk.until(lambda: not talk.body._port.trouble, step=0.1)
    talk.hear((0, 2500, 2500, 180))
    assert talk.body.session == 2


def test_garbage(talk: Talk) -> None:
    talk.hear((0, 2500, 2500, 180))
    talk.controller.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnull"
    talk.until(lambda: talk.body.age(talk.now) == math.inf, step=0.01)
    talk.controller.answer = None
    talk.until(lambda: not talk.body._port.trouble, step=0.1)
    talk.hear((0, 2500, 2500, 180))
    assert talk.body.session == 2


@pytest.mark.parametrize(
    ("robots", "says"),
    [(("DE",), "16 hexadecimal digits"), ((NAMES[0], NAMES[0]), "is given twice"), (("de" + "0" * 14,), "capitals")],
)
def test_addresses_that_cannot_be(robots: tuple[str, ...], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Dotbots(robots, (0, 0))
