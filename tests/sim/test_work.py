"""Work: when sites open, wait, are done or withdrawn. Progress is what the plates say."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise

import numpy as np
import pytest

from robots.command import COMMAND, HOLD
from sim.bullet import Bullet
from sim.site import Arrival, Spot
from sim.spec import Meaning, Phase, Robots, Work
from sim.work import RETRY, SETTLED, Sites

TICK = 0.1
FAR = np.array([[9.0, 9.0, 0.0]])  # a robot out of the way
NOBODY = np.array([-1])
SPOTS: tuple[Spot, ...] = (
    (0.0, 0.0, 0.0),
    (0.0, 3.0, 0.0),
    (3.0, 0.0, 0.0),
    (3.0, 3.0, 0.0),
    (6.0, 0.0, 0.0),
)
PUSH = {"ash": Meaning("push")}
FOREVER = Phase(1000, 0, {})


class Plates:
    """An engine without physics: plates are where a test puts them."""

    def __init__(self) -> None:
        self.there: dict[int, tuple[Spot, str, int]] = {}
        self.at: dict[int, float] = {}  # m, travel
        self.pressed: set[int] = set()

    def poses(self) -> np.ndarray:
        return FAR

    def gripping(self) -> np.ndarray:
        return NOBODY

    def step(self, commands: np.ndarray, touching: np.ndarray) -> None:
        pass

    def add_plate(self, number: int, spot: Spot, action: str, team: int) -> None:
        assert number not in self.there
        self.there[number] = spot, action, team

    def remove_plate(self, number: int) -> None:
        del self.there[number]

    def measure(self, numbers: Sequence[int]) -> tuple[list[float], list[bool]]:
        return [self.at.get(number, 0.0) for number in numbers], [number in self.pressed for number in numbers]

    def close(self) -> None:
        pass


def arrival(time: float, action: str = "push", kind: str = "ash", spots: tuple[Spot, ...] = SPOTS) -> Arrival:
    return Arrival(time, 0, kind, 5, action, 2, spots)


class Run:
    """Sites on plates without physics, and time."""

    def __init__(self, *arrivals: Arrival, phases: tuple[Phase, ...] = (FOREVER,), work: Work | None = None) -> None:
        self.plates = Plates()
        self.sites = Sites(phases, arrivals, work or Work(), self.plates, 0.06, TICK)
        self.tick = -1
        self.events: list[str] = []

    def until(self, time: float, poses: np.ndarray = FAR, touching: np.ndarray = NOBODY) -> None:
        """Let ticks pass up to `time`, that one included."""
        while self.tick < round(time / TICK):
            self.tick += 1
            self.events += [event.text for event in self.sites.update(self.tick * TICK, poses, touching)]

    @property
    def open(self) -> list[tuple[str, str]]:
        return [(site.arrival.kind, site.arrival.action) for site in self.sites.open]


def test_arrivals_open_in_time() -> None:
    run = Run(arrival(0), arrival(2), arrival(2.55), arrival(50))
    opened = []
    for tenth in range(60):
        run.until(tenth / 10)
        opened.append(len(run.sites.open))
    assert [opened.index(count) for count in (1, 2, 3)] == [0, 20, 26]
    assert max(opened) == 3
    assert [site.opened for site in run.sites.open] == pytest.approx([0, 2, 2.6])
    assert [site.number for site in run.sites.open] == [0, 1, 2]
    assert run.plates.there[1] == (SPOTS[1], "push", 2)


def test_backlog_when_full() -> None:
    run = Run(*[arrival(0)] * 4, phases=(Phase(1000, 0, {}, open=2),))
    run.until(5)
    assert (len(run.sites.open), len(run.sites.waiting)) == (2, 2)
    run.plates.at[0] = 0.3
    run.until(5 + RETRY + 2 * TICK)
    assert [site.number for site in run.sites.open] == [1, 2]
    assert len(run.sites.waiting) == 1


def test_backlog_when_blocked_by_a_robot() -> None:
    one = arrival(0, spots=SPOTS[:1])
    for x, y, room in [
        (0.061, 0, False),
        (-0.12, 0, False),
        (0.05, 0.3, False),
        (0.09, 0, True),
        (-0.15, 0, True),
        (0.05, 0.4, True),
    ]:
        run = Run(one)
        run.until(0, np.array([[x, y, 0.0]]))
        assert len(run.sites.open) == room, (x, y)
        assert len(run.sites.waiting) == (not room)
    run = Run(one)
    run.until(3, np.array([[0.06, 0, 0]]))
    assert not run.sites.open
    run.until(3 + RETRY)  # it has gone
    assert len(run.sites.open) == 1


def test_blocked_spot_gives_way_to_the_next() -> None:
    run = Run(arrival(0))
    run.until(0, np.array([[0.06, 0, 0]]))
    assert run.sites.open[0].spot == SPOTS[1]


def test_sites_keep_apart() -> None:
    near = tuple((0.05 * i, 0.0, 0.3 * i) for i in range(5))
    run = Run(arrival(0, spots=near), arrival(0, spots=near), arrival(0, spots=(*near, SPOTS[3])))
    run.until(1)
    assert [site.spot for site in run.sites.open] == [near[0], SPOTS[3]]
    assert len(run.sites.waiting) == 1


def test_what_waits_does_not_block_what_fits() -> None:
    run = Run(arrival(0, spots=SPOTS[:1]), arrival(0, spots=SPOTS[:1]), arrival(0, spots=SPOTS[1:2]))
    run.until(0)
    assert [site.spot for site in run.sites.open] == [SPOTS[0], SPOTS[1]]


@pytest.mark.parametrize(("action", "way"), [("push", -1), ("pull", 1)])
def test_faces_move_with_plates(action: str, way: int) -> None:
    run = Run(arrival(0, action, spots=((1.0, 2.0, math.pi / 2),)))
    run.until(0)
    run.plates.at[0] = 0.12
    run.until(TICK)
    (row,) = run.sites.array
    assert row["face"] == pytest.approx([1, 2 + way * 0.12, math.pi / 2])
    assert row[["id", "kind", "width"]].tolist() == (0, 5, 0.56)
    assert row["progress"] == run.sites.open[0].progress == pytest.approx(0.4)


def test_progress_never_falls() -> None:
    run = Run(arrival(0))
    seen: list[float] = []
    for travel in (0.1, 0.2, 0.15, 0.2, 0.29):
        run.plates.at[0] = travel
        run.until((len(seen) + 1) * TICK)
        seen.append(run.sites.open[0].progress)
    assert seen == pytest.approx([1 / 3, 2 / 3, 2 / 3, 2 / 3, 0.29 / 0.3])


def test_holding_must_not_be_interrupted() -> None:
    run = Run(arrival(0, "hold"))
    run.until(1)
    run.plates.pressed = {0}
    run.until(1 + SETTLED)
    assert run.sites.open[0].progress == 0  # a plate that is pushed passes through
    run.until(5.9)
    assert run.sites.open[0].progress == pytest.approx((4.9 - SETTLED) / (5 - SETTLED))
    run.plates.pressed = set()
    run.until(6)
    assert run.sites.open[0].progress == 0
    run.plates.pressed = {0}
    run.until(11)
    assert run.sites.open[0].progress == pytest.approx(1)
    run.until(11.2)
    assert run.sites.done == 1


def test_plates_that_are_held_for_a_moment_only() -> None:
    run = Run(arrival(0, "hold"), work=Work(held=1.0))
    run.until(1)
    run.plates.pressed = {0}
    run.until(1 + SETTLED)
    assert run.sites.open[0].progress == 0
    run.until(2.3)
    assert run.sites.done == 1


def test_done_is_seen_for_one_tick() -> None:
    run = Run(arrival(0))
    run.until(3)
    run.plates.at[0] = 0.31
    run.until(3.1)
    assert [site.progress for site in run.sites.open] == [1.0]
    assert run.sites.done == 0
    run.until(3.2)
    assert not run.sites.open
    assert not run.plates.there
    (site,) = run.sites.ended
    assert (site.outcome, run.sites.done) == ("done", 1)
    assert site.ended == pytest.approx(3.2)
    assert run.events[-1] == "site 0 done: ash (push by 2), open for 3 s"


def test_first_touch() -> None:
    run = Run(arrival(0), arrival(0), arrival(0))
    run.until(1)
    run.until(2, touching=np.array([2, -1, 2]))
    run.until(3, touching=np.array([0]))
    assert [site.touched for site in run.sites.open] == pytest.approx([2.1, np.nan, 1.1], nan_ok=True)


def test_touch_counts_for_the_site_that_was_sensed() -> None:
    """Robots touch what was open when they sensed, also where another site closes in the same tick."""
    run = Run(arrival(0), arrival(0), arrival(0))
    run.until(1)
    run.plates.at[0] = 0.3
    run.until(1.1)
    run.until(1.2, touching=np.array([1]))
    assert {site.number: site.touched for site in run.sites.open} == pytest.approx({1: 1.2, 2: np.nan}, nan_ok=True)


KINDS = {
    "ash": Meaning("push", 2),
    "birch": Meaning("pull", 1),
    "cedar": Meaning("hold", 3),
    "elm": Meaning("push"),
}


def phase_change(after: dict[str, Meaning], most: int = 8) -> Run:
    """A run right after its second phase began; in the first there was one site of each of `KINDS`."""
    arrivals = [Arrival(0, 0, kind, 1, meaning.action, meaning.team, SPOTS) for kind, meaning in KINDS.items()]
    run = Run(*arrivals, phases=(Phase(10, 0, KINDS, open=most), Phase(100, 0, after, "later")))
    run.until(10)
    return run


def test_phase_change() -> None:
    run = phase_change(
        {
            "ash": Meaning("push", 2, weight=7),  # comes more often, means the same
            "birch": Meaning("hold", 1),
            "cedar": Meaning("hold", 2),
        }
    )
    assert run.sites.phase == 1
    assert {site.arrival.kind: site.outcome for site in run.sites.ended} == dict.fromkeys(
        ["birch", "cedar", "elm"], "withdrawn"
    )
    meanings = {site.arrival.kind: (site.arrival.action, site.arrival.team) for site in run.sites.open}
    assert meanings == {"ash": ("push", 2), "birch": ("hold", 1), "cedar": ("hold", 2)}
    renewed = {site.arrival.kind: site for site in run.sites.open}["birch"]
    assert (renewed.arrival.phase, renewed.arrival.time, renewed.progress) == (1, 10, 0)
    assert {number: plate[1:] for number, plate in run.plates.there.items()} == {
        site.number: (site.arrival.action, site.arrival.team) for site in run.sites.open
    }
    assert "phase 2: later" in run.events


def test_phase_change_withdraws_what_waits() -> None:
    run = phase_change({"ash": Meaning("push", 2)}, most=1)
    assert run.open == [("ash", "push")]
    assert not run.sites.waiting
    assert [(site.arrival.kind, site.outcome, site.ended) for site in run.sites.ended] == [
        (kind, "withdrawn", 10) for kind in ("birch", "cedar", "elm")
    ]


def test_replaced_site_does_not_open_on_the_robots_that_were_there() -> None:
    arrivals = [Arrival(0, 0, "ash", 1, "push", 1, SPOTS)]
    run = Run(*arrivals, phases=(Phase(10, 0, PUSH), Phase(10, 0, {"ash": Meaning("pull")})))
    run.until(5)
    run.until(10, np.array([[0.06, 0, math.pi]]), np.array([0]))
    assert [(site.spot, site.arrival.action) for site in run.sites.open] == [(SPOTS[1], "pull")]


def test_numbers_are_never_used_twice() -> None:
    run = Run(
        *[arrival(i) for i in range(12)],
        phases=(Phase(6, 0, PUSH, open=3), Phase(100, 0, {"ash": Meaning("pull")})),
    )
    numbers: set[int] = set()
    for second in range(12):
        run.plates.at |= dict.fromkeys(list(run.plates.there)[:1], 0.3)
        run.until(second)
        numbers |= {site.number for site in run.sites.open}
    ended = [site.number for site in run.sites.ended if site.number >= 0]
    assert len(ended) == len(set(ended))
    assert numbers == set(range(len(numbers)))


@contextmanager
def bullet_site(action: str, team: int) -> Iterator[tuple[Bullet, Sites]]:
    """`team` robots at the work face of one site, in PyBullet."""
    starts = [(0.065, (i - (team - 1) / 2) * 0.138, math.pi) for i in range(team)]
    engine = Bullet(Robots(count=team), Work(), np.zeros((0, 4)), np.array(starts), TICK)
    sites = Sites([FOREVER], [Arrival(0, 0, "ash", 1, action, team, SPOTS[:1])], Work(), engine, 0.06, TICK)
    assert sites.update(0.0, np.tile(FAR, (team, 1)), np.full(team, -1))
    yield engine, sites
    engine.close()


def work(engine: Bullet, sites: Sites, speed: float, grip: int, seconds: float) -> list[float]:
    """Progress after each tick, until the site closes or time is over."""
    progress = []
    touching = np.zeros(len(engine.bodies), int)
    for tick in range(1, round(seconds / TICK) + 1):
        engine.step(np.full(len(engine.bodies), np.array((speed, 0, grip), COMMAND)), touching)
        sites.update(tick * TICK, engine.poses(), touching)
        if not sites.open:
            break
        progress.append(sites.open[0].progress)
    return progress


@pytest.mark.parametrize("team", [1, 3])
@pytest.mark.parametrize(("action", "speed", "grip"), [("push", 0.2, 0), ("pull", -0.2, 1), ("hold", HOLD * 0.2, 0)])
def test_a_team_gets_it_done(action: str, speed: float, grip: int, team: int) -> None:
    with bullet_site(action, team) as (engine, sites):
        progress = work(engine, sites, speed, grip, 20)
        (site,) = sites.ended
        assert (site.outcome, site.touched) == ("done", TICK)
        assert progress[-1] == pytest.approx(1)
        assert all(after >= before for before, after in pairwise(progress))
        if action == "hold":
            assert 5 <= site.ended < 8
        else:  # at the speed that is left: v (1 - threshold / (k F))
            assert 0.3 / site.ended == pytest.approx(0.2 * 0.5 / team, rel=0.25)


@pytest.mark.parametrize(("action", "speed", "grip"), [("push", -0.2, 1), ("pull", 0.2, 0), ("hold", 0.2, 0)])
def test_wrong_action_gets_nothing_done(action: str, speed: float, grip: int) -> None:
    with bullet_site(action, 2) as (engine, sites):
        assert max(work(engine, sites, speed, grip, 10)) < 0.1
        assert not sites.ended
