"""Motion behaviours: where each one points, and that none ever asks for something impossible."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm import motion
from swarm.motion import (
    AVOID,
    GATHER,
    SPREAD,
    avoid,
    circle,
    drive,
    face_frame,
    free_slot,
    from_face,
    gather,
    go_to,
    spread,
    wander,
    wrap,
)

RADIUS, WIDTH, PITCH = 0.06, 0.56, 2.3 * 0.06
FACE_AHEAD = np.array([0.8, 0.0, math.pi])  # a work face straight on, looking at the robot

metres = st.floats(0, 100, width=32)
lengths = st.floats(-1e6, 1e6)
bearings = st.floats(-math.pi, math.pi)
readings = st.lists(metres, min_size=3, max_size=16).map(lambda values: np.array(values, np.float32))
seen = st.lists(st.tuples(st.integers(-1, 20), metres, bearings), min_size=1, max_size=12)


def table(robots: list[tuple[int, float, float]]) -> tuple[np.ndarray, np.ndarray]:
    """Robots in sight, as a percept has them: ids (R,), range and bearing (R, 2)."""
    return np.array([r[0] for r in robots], np.int16), np.array([r[1:] for r in robots], np.float32)


def crowd(*places: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Robots at x, y in the robot's frame, and an empty slot."""
    robots = [(i, math.hypot(x, y), math.atan2(y, x)) for i, (x, y) in enumerate(places)]
    return table([*robots, (-1, math.nan, math.nan)])


@pytest.mark.parametrize("angle", [-7.0, -math.pi, 0.0, 3.0, math.pi, 4.0, 100.0])
def test_wrap(angle: float) -> None:
    assert -math.pi < wrap(angle) <= math.pi
    assert math.cos(wrap(angle)) == pytest.approx(math.cos(angle))
    assert math.sin(wrap(angle)) == pytest.approx(math.sin(angle), abs=1e-12)


def test_go_to() -> None:
    assert go_to(5.0, 0.0, 0.2) == pytest.approx((1, 0))
    assert go_to(5.0, math.pi / 2, 0.2) == pytest.approx((0, 1))
    assert go_to(0.05, 0.0, 0.2) == pytest.approx((0.25, 0))
    assert go_to(0.0, 1.0, 0.2) == (0, 0)


def test_wander() -> None:
    assert wander(0.0) == (1, 0)
    assert wander(-math.pi / 2) == pytest.approx((0, -1))


@pytest.mark.parametrize("ray", range(8))
def test_avoid(ray: int) -> None:
    proximity = np.full(8, 0.5, np.float32)
    assert avoid(proximity) == (0, 0)
    lengths = []
    for near in (0.9, 0.5, 0.0):
        proximity[ray] = near * AVOID
        x, y = avoid(proximity)
        bearing = math.tau * ray / 8
        assert x * math.cos(bearing) + y * math.sin(bearing) < 0
        lengths.append(math.hypot(x, y))
    assert lengths == sorted(lengths)


def test_avoid_lets_two_that_meet_pass_on_the_same_side() -> None:
    """Both turn to their right."""
    proximity = np.full(8, 0.5, np.float32)
    proximity[0] = 0.05
    assert avoid(proximity)[1] < 0


def test_spread() -> None:
    assert spread(*crowd((0.5, 0.0))) == pytest.approx((-(1 - 0.5 / SPREAD), 0))
    assert spread(*crowd((0.5, 0.0), (-0.5, 0.0))) == pytest.approx((0, 0), abs=1e-6)
    assert spread(*crowd((0.0, SPREAD + 0.1))) == (0, 0)
    x, y = spread(*crowd((0.2, 0.2), (0.0, 0.4)))
    assert x < 0
    assert y < 0


def test_gather() -> None:
    assert gather(*crowd()) == (0, 0)
    x, y = gather(*crowd((2.0, 0.0), (2.0, 2.0)))
    assert math.atan2(y, x) == pytest.approx(math.atan2(1, 2), abs=1e-6)
    assert math.hypot(x, y) == pytest.approx(1)
    assert gather(*crowd((2.0, 0.0), (0.9 * GATHER, 0.0))) == (0, 0)  # in company


@given(st.floats(0.01, 10), bearings, bearings)
def test_face_frame_and_back(distance: float, bearing: float, facing: float) -> None:
    """The step from the robot to the face is minus the robot's place, seen from the face."""
    ahead, across = face_frame(distance, bearing, facing)
    x, y = from_face(-ahead, -across, facing)
    assert (x, y) == pytest.approx((distance * math.cos(bearing), distance * math.sin(bearing)), abs=1e-9)


def test_face_frame() -> None:
    assert face_frame(0.8, 0.0, math.pi) == pytest.approx((0.8, 0))  # straight before it
    assert face_frame(0.8, 0.0, 0.0) == pytest.approx((-0.8, 0))  # behind it
    # the face is ahead and to the left, and looks back: the robot stands to its left as it looks
    assert face_frame(math.hypot(0.8, 0.2), math.atan2(0.2, 0.8), math.pi) == pytest.approx((0.8, 0.2))


def places() -> list[float]:
    count = int(WIDTH / PITCH)
    return [(k - (count - 1) / 2) * PITCH for k in range(count)]


@pytest.mark.parametrize("across", [-0.5, -0.2, -0.1, 0.05, 0.12, 0.9])
def test_free_slot_is_the_nearest(across: float) -> None:
    slot = free_slot(across, *crowd(), FACE_AHEAD, WIDTH, RADIUS)
    assert slot == pytest.approx(min(places(), key=lambda place: abs(place - across)))


def at_place(place: float) -> tuple[float, float]:
    """Where a robot stands that takes this place at `FACE_AHEAD`, in the robot's frame."""
    x, y = from_face(RADIUS, place, math.pi)
    return 0.8 + x, y


@pytest.mark.parametrize("taken", [{0}, {1}, {1, 2}, {0, 1, 2}, {3}])
def test_free_slot_leaves_out_what_is_taken(taken: set[int]) -> None:
    others = crowd(*(at_place(places()[k]) for k in taken))
    left = [place for k, place in enumerate(places()) if k not in taken]
    for across in (-0.3, 0.0 + 1e-3, 0.3):
        slot = free_slot(across, *others, FACE_AHEAD, WIDTH, RADIUS)
        assert slot == pytest.approx(min(left, key=lambda place: abs(place - across)), abs=1e-6)


def test_no_slot_is_free() -> None:
    others = crowd(*map(at_place, places()))
    assert math.isnan(free_slot(0.0, *others, FACE_AHEAD, WIDTH, RADIUS))


def test_robots_that_are_not_at_the_face_take_no_slot() -> None:
    bystanders = crowd((0.3, 0.0), (0.9, 0.0), (0.75, 0.6))  # on the way, behind the plate, beside it
    assert free_slot(0.05, *bystanders, FACE_AHEAD, WIDTH, RADIUS) == pytest.approx(PITCH / 2)


@pytest.mark.parametrize("facing", [0.0, 1.0, -2.5])
@pytest.mark.parametrize("start", [(-0.5, 0.1), (-0.2, -0.05), (-0.13, 0.27), (-1.0, 0.0), (-0.3, -0.6), (0.02, 0.4)])
def test_circle_leads_round_the_plate(start: tuple[float, float], facing: float) -> None:
    """Who follows it from behind comes to the front without driving through the plate."""
    ahead, across = start
    for _ in range(400):
        x, y = circle(ahead, across, facing, WIDTH, RADIUS)
        step_ahead = x * math.cos(facing) + y * math.sin(facing)
        step_across = y * math.cos(facing) - x * math.sin(facing)
        ahead, across = ahead + 0.02 * step_ahead, across + 0.02 * step_across
        in_plate = -0.06 - RADIUS < ahead < RADIUS and abs(across) < WIDTH / 2 + 0.5 * RADIUS
        assert not in_plate, (ahead, across)
        if ahead >= 1.2 * RADIUS:
            break
    assert ahead >= 1.2 * RADIUS
    assert abs(across) > WIDTH / 2


def test_drive() -> None:
    assert drive(1.0, 0.0, 0.2, 2.5) == pytest.approx((0.2, 0))
    assert drive(0.5, 0.0, 0.2, 2.5) == pytest.approx((0.1, 0))
    assert drive(30.0, 0.0, 0.2, 2.5) == pytest.approx((0.2, 0))  # never faster than it can
    assert drive(-1.0, 0.01, 0.2, 2.5) == (0, 2.5)  # backwards: on the spot
    assert drive(0.0, -1.0, 0.2, 2.5)[1] == -2.5
    assert drive(0.0, 0.0, 0.2, 2.5) == (0, 0)


@given(lengths, lengths, st.floats(0.001, 10), st.floats(0.001, 50))
def test_drive_stays_within_limits(x: float, y: float, speed: float, turn: float) -> None:
    ahead, rate = drive(x, y, speed, turn)
    assert 0 <= ahead <= speed
    assert -turn <= rate <= turn
    assert rate * y >= 0  # turns to the side that it is asked to


@given(metres, bearings, st.floats(0.001, 10))
def test_go_to_is_no_longer_than_one(distance: float, bearing: float, slow: float) -> None:
    assert math.hypot(*go_to(distance, bearing, slow)) <= 1 + 1e-12


@given(readings)
def test_avoid_is_finite(proximity: np.ndarray) -> None:
    assert np.isfinite(avoid(proximity)).all()


@given(seen)
def test_spread_and_gather_are_finite(robots: list[tuple[int, float, float]]) -> None:
    assert np.isfinite(spread(*table(robots))).all()
    assert math.hypot(*gather(*table(robots))) <= 1 + 1e-6


@given(lengths, lengths, bearings, st.floats(0.1, 5), st.floats(0.02, 1))
def test_circle_is_finite(ahead: float, across: float, facing: float, width: float, radius: float) -> None:
    assert math.hypot(*circle(ahead, across, facing, width, radius)) <= 1 + 1e-9


@given(lengths, seen, st.tuples(metres, bearings, bearings), st.floats(0.1, 5), st.floats(0.02, 1))
def test_free_slot_is_one_of_the_places(
    across: float,
    robots: list[tuple[int, float, float]],
    site: tuple[float, float, float],
    width: float,
    radius: float,
) -> None:
    slot = free_slot(across, *table(robots), np.array(site), width, radius)
    assert math.isnan(slot) or abs(slot) <= width / 2


def test_the_module_is_compiled() -> None:
    """Values above are those of the compiled kernels; plain Python gives the same."""
    numba = pytest.importorskip("numba")
    assert isinstance(motion.avoid, numba.core.registry.CPUDispatcher)
    proximity = np.array([0.1, 0.5, 0.2, 0.05], np.float32)
    assert motion.avoid(proximity) == pytest.approx(motion.avoid.py_func(proximity), abs=1e-6)
