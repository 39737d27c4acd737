"""Arrivals: when sites come, what they hide, and that there is room for them."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.arrivals import SPOTS, draw, has_room, overlaps
from sim.floor import MARGIN, Floor, FloorError, floor, plain
from sim.site import Arrival, Spot
from sim.spec import Arena, Kind, Meaning, Phase, Robots, Work

OFFICE = Path(__file__).parents[2] / "missions/office.yaml"
REAL = sorted((Path(__file__).parents[3] / "shared/maps").glob("*.yaml"))
KINDS = {"ash": Kind("1#0#11##"), "birch": Kind("0000000000#1")}
ASH = {"ash": Meaning("push")}
ALL = {"ash": Meaning("push", 2), "birch": Meaning("pull", 3, 3.0), "cedar": Meaning("hold", weight=0.0)}


def arrivals(
    *phases: Phase, ground: Floor | None = None, seed: int = 1, work: Work | None = None, radius: float = 0.06
) -> list[Arrival]:
    rng = np.random.default_rng(seed)
    return draw(phases, KINDS, work or Work(), ground or plain(Arena()), Robots(radius=radius), rng)


def test_poisson() -> None:
    drawn = arrivals(Phase(1800, 30, ASH))
    times = np.array([a.time for a in drawn])
    assert times[0] == 0
    assert times[-1] < 1800
    assert abs(len(drawn) - 1 - 900) < 4 * math.sqrt(900)
    gaps = np.diff(times)
    assert gaps.min() > 0
    assert gaps.mean() == pytest.approx(2.0, rel=0.15)
    assert gaps.std() == pytest.approx(gaps.mean(), rel=0.15)  # as of an exponential


def test_phases() -> None:
    drawn = arrivals(Phase(60, 20, ASH), Phase(30, 0, {}), Phase(60, 10, ALL), Phase(5, 0.01, ASH))
    assert [a.time for a in drawn] == sorted(a.time for a in drawn)
    starts = [0, 60, 90, 150, 155]
    assert all(starts[a.phase] <= a.time < starts[a.phase + 1] for a in drawn)
    assert {a.phase: a.time for a in reversed(drawn)} == {0: 0, 2: 90, 3: 150}


def test_kinds() -> None:
    drawn = arrivals(Phase(600, 60, ALL))
    birches = [a for a in drawn if a.kind == "birch"]
    assert {(a.kind, a.action, a.team) for a in drawn} == {("ash", "push", 2), ("birch", "pull", 3)}
    assert len(birches) / len(drawn) == pytest.approx(0.75, abs=0.07)


def test_signatures() -> None:
    drawn = arrivals(Phase(600, 60, ALL))
    ash = np.array([a.signature for a in drawn if a.kind == "ash"])
    bits = ash[:, None] >> np.arange(12) & 1
    assert (bits[:, [0, 2, 4, 5, 8, 9, 10, 11]] == [1, 0, 1, 1, 0, 0, 0, 0]).all()
    assert np.abs(bits[:, [1, 3, 6, 7]].mean(0) - 0.5).max() < 0.2
    assert {a.signature for a in drawn if a.kind == "birch"} == {1 << 11, 1 << 11 | 1 << 10}


def test_same_draws_same_arrivals() -> None:
    phase = Phase(120, 20, ALL, place="clustered", clusters=2)
    assert arrivals(phase) == arrivals(phase)
    assert arrivals(phase) != arrivals(phase, seed=2)


def test_time_and_kind_are_the_same_on_every_floor() -> None:
    phases = Phase(60, 20, ALL), Phase(60, 20, ASH, place="clustered")
    small, large = (arrivals(*phases, ground=plain(Arena(size=(s, s)))) for s in (2, 7))
    assert [(a.time, a.kind, a.signature) for a in small] == [(a.time, a.kind, a.signature) for a in large]


def rectangle(spot: Spot, behind: float, before: float, width: float) -> np.ndarray:
    """Points all over a rectangle at a spot, along its facing and across it."""
    x, y, facing = spot
    u, v = np.meshgrid(np.linspace(-behind, before, 40), np.linspace(-width / 2, width / 2, 40))
    cos, sin = math.cos(facing), math.sin(facing)
    return np.stack([x + u * cos - v * sin, y + u * sin + v * cos], -1)


@pytest.mark.parametrize("place", ["scattered", "clustered"])
@pytest.mark.parametrize("radius", [0.06, 0.15])
@pytest.mark.parametrize("path", [None, OFFICE, *REAL], ids=lambda path: path and path.stem)
def test_spots_have_room(path: Path | None, radius: float, place: str) -> None:
    ground = floor(Arena(map=path.name), path.parent) if path else plain(Arena())
    ground = ground.work_area(radius, np.random.default_rng(1))
    kinds = {"ash": Meaning("hold"), "birch": Meaning("pull")}
    region = ground.region(radius + MARGIN)
    for arrival in arrivals(Phase(60, 10, kinds, place=place), ground=ground, radius=radius):
        assert len(set(arrival.spots)) == SPOTS
        moved = 0.3 if arrival.action == "pull" else 0.0
        for spot in arrival.spots:
            plate = rectangle(spot, 0.06 + 0.3 - moved, moved, 0.56)
            assert ground.is_clear(plate, 0).all()
            depth = max(0.25, 2 * radius)
            standing = rectangle(spot, -radius, depth + moved, 0.56)
            assert ground.is_clear(standing, radius + MARGIN).all()
            middle = rectangle(spot, -depth / 2 - moved, depth / 2 + moved, 0)[:1, :1]
            assert ground.inside(middle, region).all()


def test_room_to_the_millimetre() -> None:
    ground, robots, work = plain(Arena(size=(2, 2))), Robots(), Work()

    def ok(x: float, y: float, facing: float, action: str) -> bool:
        return bool(has_room(np.array([[x, y, facing]]), action, work, ground, robots)[0])

    for sign, facing in ((1, 0.0), (-1, math.pi)):
        # behind: plate, and travel but for pull; before: standing room, radius, margin, and travel for pull
        assert ok(sign * -0.64, 0, facing, "push")
        assert not ok(sign * -0.641, 0, facing, "push")
        assert ok(sign * -0.94, 0, facing, "pull")
        assert not ok(sign * -0.941, 0, facing, "pull")
        assert ok(sign * 0.64, 0, facing, "hold")
        assert not ok(sign * 0.641, 0, facing, "hold")
        assert ok(sign * 0.34, 0, facing, "pull")
        assert not ok(sign * 0.341, 0, facing, "pull")
        # across: half the face, radius and margin
        assert ok(0, 0.61, facing, "push")
        assert not ok(0, 0.611, facing, "push")


def test_scattered_and_clustered() -> None:
    ground = plain(Arena(size=(7, 7)))

    def spread(phase: Phase) -> float:
        return float(np.std([a.spots[0][:2] for a in arrivals(phase, ground=ground)], axis=0).mean())

    assert spread(Phase(60, 100, ASH)) == pytest.approx(6 / math.sqrt(12), rel=0.15)
    one = [Phase(60, 100, ASH, place="clustered")]
    assert 0.3 < spread(one[0]) < 0.8
    drawn = arrivals(*one, *one, ground=ground)
    first, second = (np.mean([a.spots[0][:2] for a in drawn if a.phase == i], 0) for i in (0, 1))
    assert np.hypot(*(first - second)) > 0.5  # each phase has centres of its own


def test_facing_is_uniform() -> None:
    facing = np.array([a.spots[0][2] for a in arrivals(Phase(60, 300, ASH), ground=plain(Arena(size=(7, 7))))])
    quarters = np.histogram(facing, 4, (-math.pi, math.pi))[0]
    assert quarters.min() > 0.15 * len(facing)


@pytest.mark.parametrize("place", ["scattered", "clustered"])
def test_sites_stay_on_the_robots_side(place: str) -> None:
    ground = plain(Arena(size=(3.1, 3), walls=((-0.05, 0, 0.1, 3),)))
    drawn = arrivals(Phase(60, 30, ALL, place=place, clusters=3), ground=ground)
    assert min(spot[0] for a in drawn for spot in a.spots) > 0


@pytest.mark.parametrize(
    ("arena", "work", "radius", "says"),
    [
        (
            Arena(size=(1, 1)),
            Work(face=2.0),
            0.06,
            r"work\.face = 2, .* site to push needs 2\.22 x 0\.72 m.* 0 of 20480",
        ),
        (Arena(size=(4, 1), walls=((0, 0, 4, 0.05),)), Work(), 0.06, r"a site to push needs 0\.78 x 0\.72 m"),
        (Arena(size=(1, 1)), Work(), 0.5, r"robots\.radius = 0\.5: no place"),
    ],
)
@pytest.mark.parametrize("place", ["scattered", "clustered"])
def test_too_tight(arena: Arena, work: Work, radius: float, says: str, place: str) -> None:
    with pytest.raises(FloorError, match=says):
        arrivals(Phase(60, 10, ASH, place=place), ground=plain(arena), work=work, radius=radius)


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ((0.0, 0.0, 0.0), True),
        ((0.0, 0.0, math.pi / 3), True),  # crossed at the same place
        ((0.0, 0.55, 0.0), True),  # side by side, 0.56 m wide each
        ((0.0, 0.57, 0.0), False),
        ((0.90, 0.0, 0.0), True),  # one behind the other: 0.06 + 0.3 behind, 0.25 + 0.3 before
        ((0.92, 0.0, 0.0), False),
        ((1.09, 0.0, math.pi), True),  # face to face
        ((1.11, 0.0, math.pi), False),
        ((-0.71, 0.0, math.pi), True),  # back to back
        ((-0.73, 0.0, math.pi), False),
    ],
)
def test_overlaps(other: Spot, expected: bool) -> None:
    assert overlaps((0.0, 0.0, 0.0), other, Work()) is expected


place = st.tuples(st.floats(-1, 1), st.floats(-1, 1), st.floats(-4, 4))


@given(place, place)
def test_overlaps_is_what_points_say(a: Spot, b: Spot) -> None:
    """Points of b's footprint, seen from a: if one is well inside a's, they overlap; and each way alike."""
    work = Work()
    assert overlaps(a, b, work) == overlaps(b, a, work)
    dx, dy = np.moveaxis(rectangle(b, 0.36, 0.55, 0.56) - a[:2], -1, 0)
    along = dx * math.cos(a[2]) + dy * math.sin(a[2])
    across = dy * math.cos(a[2]) - dx * math.sin(a[2])

    def any_inside(more: float) -> bool:
        return bool(((along > -0.36 - more) & (along < 0.55 + more) & (abs(across) < 0.28 + more)).any())

    if any_inside(-1e-6):
        assert overlaps(a, b, work)
    if not any_inside(0.03):  # farther apart than the points are from each other
        assert not overlaps(a, b, work)
