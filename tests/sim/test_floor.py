"""The floor: boxes that cover the walls, regions that robots can walk, places to start from."""

import math
from collections import deque
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from sim import maps
from sim.floor import MARGIN, SPACING, Floor, FloorError, floor, from_map, plain
from sim.maps import Grid
from sim.spec import Arena

OFFICE = Path(__file__).parents[2] / "missions/office.yaml"
REAL = sorted((Path(__file__).parents[3] / "shared/maps").glob("*.yaml"))
MAPS = pytest.mark.parametrize("path", [OFFICE, *REAL], ids=lambda path: path.stem)


@st.composite
def grids(draw: st.DrawFn) -> Grid:
    """Maps of a few cells, a ring of wall around them."""
    shape = draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))
    free = draw(arrays.arrays(bool, shape, elements=st.booleans(), fill=st.just(draw(st.booleans()))))
    return Grid(np.pad(free, 1), 0.25, (-1.0, 0.5))


def boxes(ground: Floor) -> np.ndarray:
    """The walls as x min, y min, x max, y max in cells, (M, 4) int; they must fall on cells exactly."""
    low = (ground.walls[:, :2] - ground.walls[:, 2:] / 2 - ground.bounds[:2]) / ground.resolution
    exact = np.hstack([low, low + ground.walls[:, 2:] / ground.resolution])
    assert np.abs(exact - np.rint(exact)).max(initial=0) < 1e-6
    return np.rint(exact).astype(int)


def covered(ground: Floor) -> np.ndarray:
    out = np.zeros(ground.free.shape, bool)
    for left, low, right, high in boxes(ground):
        assert 0 <= left < right <= ground.free.shape[1]
        assert 0 <= low < high <= ground.free.shape[0]
        out[low:high, left:right] = True
    return out


def beside_free(free: np.ndarray) -> np.ndarray:
    """Wall cells with a free one among their eight neighbours."""
    near = np.zeros_like(free)
    for shift in ((r, c) for r in (-1, 0, 1) for c in (-1, 0, 1)):
        near |= np.roll(free, shift, (0, 1))  # the outermost cells are walls
    return np.asarray(near & ~free)


def distances(ground: Floor, xy: np.ndarray) -> np.ndarray:
    """From points (n, 2) to the nearest square of a wall cell, by looking at all of them."""
    rows, cols = np.nonzero(~np.pad(ground.free, 1))
    low = (np.stack([cols, rows], -1) - 1) * ground.resolution + ground.bounds[:2]
    gap = np.maximum(np.maximum(low - xy[:, None], xy[:, None] - low - ground.resolution), 0)
    return np.asarray(np.hypot(gap[..., 0], gap[..., 1]).min(1))


def steps(cells: np.ndarray, row: int, col: int) -> np.ndarray:
    """Side steps on `cells` from (row, col); -1 where there is no way."""
    out = np.full(cells.shape, -1)
    out[row, col] = 0
    queue = deque([(row, col)])
    while queue:
        r, c = queue.popleft()
        for y, x in ((r + 1, c), (r - 1, c), (r, c + 1), (r, c - 1)):
            if 0 <= y < cells.shape[0] and 0 <= x < cells.shape[1] and cells[y, x] and out[y, x] < 0:
                out[y, x] = out[r, c] + 1
                queue.append((y, x))
    return out


@settings(deadline=None)
@given(grids())
def test_boxes_cover_walls_and_nothing_free(grid: Grid) -> None:
    cover = covered(from_map(grid))
    assert not (cover & grid.free).any()
    assert cover[beside_free(grid.free)].all()


@MAPS
def test_boxes_of_maps(path: Path) -> None:
    ground = from_map(maps.load(path))
    cover = covered(ground)
    assert not (cover & ground.free).any()
    assert cover[beside_free(ground.free)].all()
    assert len(ground.walls) < beside_free(ground.free).sum() / 3


def test_boxes_are_few() -> None:
    free = np.ones((7, 9), bool)
    free[2:5, 3:7] = False  # a table
    assert sorted(map(tuple, boxes(from_map(Grid(np.pad(free, 1), 0.25, (0, 0)))).tolist())) == [
        (0, 0, 1, 9),
        (0, 0, 11, 1),
        (0, 8, 11, 9),
        (4, 3, 8, 6),
        (10, 0, 11, 9),
    ]


def test_map_floor_places_walls() -> None:
    ground = from_map(Grid(np.pad(np.ones((2, 4), bool), 1), 0.5, (-1.0, 3.0)))
    assert ground.bounds == (-1.0, 3.0, 2.0, 5.0)
    assert sorted(map(tuple, ground.walls)) == [
        (-0.75, 4.0, 0.5, 2.0),
        (0.5, 3.25, 3.0, 0.5),
        (0.5, 4.75, 3.0, 0.5),
        (1.75, 4.0, 0.5, 2.0),
    ]
    assert ground.contains(-0.49, 3.51)
    assert not ground.contains(-0.51, 3.51)
    assert not ground.contains(9, 9)


@settings(deadline=None)
@given(grids(), st.sampled_from([0.0, 0.1, 0.125, 0.3, 0.375, 0.5]))
def test_region_is_clear_connected_and_largest(grid: Grid, clearance: float) -> None:
    ground = from_map(grid)
    everywhere = np.ones(grid.free.shape, bool)
    clear = grid.free & (distances(ground, ground.middles(everywhere)) >= clearance - 1e-9).reshape(grid.free.shape)
    region = ground.region(clearance)
    assert not (region & ~clear).any()
    sizes = [(steps(clear, r, c) >= 0).sum() for r, c in zip(*np.nonzero(clear), strict=True)]
    assert region.sum() == max(sizes, default=0)
    if region.any():
        assert ((steps(region, *np.argwhere(region)[0]) >= 0) == region).all()


@settings(deadline=None)
@given(grids(), st.floats(0, 0.6), st.integers(0, 2**32))
def test_is_clear(grid: Grid, clearance: float, seed: int) -> None:
    ground = from_map(grid)
    xy = np.random.default_rng(seed).uniform(
        np.array(ground.bounds[:2]) - 0.2, np.array(ground.bounds[2:]) + 0.2, (40, 2)
    )
    distance = distances(ground, xy)
    expected = (distance > 0) & (distance >= clearance)
    assert ground.is_clear(xy, clearance).tolist() == expected.tolist()
    assert ground.is_clear(xy.reshape(5, 8, 2), clearance).shape == (5, 8)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32))
def test_fits(seed: int) -> None:
    """What fits has only free points; what does not fit has walls as soon as it is a little larger."""
    rng = np.random.default_rng(seed)
    ground = from_map(Grid(np.pad(rng.random((10, 10)) > 0.1, 1), 0.25, (-1.0, 0.5)))
    places = ground.middles(ground.free)
    poses = np.column_stack([places[rng.integers(len(places), size=20)], rng.uniform(-math.pi, math.pi, 20)])
    back, front, width = rng.uniform(0.02, 0.4, 3)
    for pose, fits in zip(poses, ground.fits(poses, back, front, width), strict=True):
        more = -1e-6 if fits else 0.02
        u, v = np.meshgrid(
            np.linspace(-back - more, front + more, 80), np.linspace(-width / 2 - more, width / 2 + more, 80)
        )
        cos, sin = math.cos(pose[2]), math.sin(pose[2])
        points = np.stack([pose[0] + u * cos - v * sin, pose[1] + u * sin + v * cos], -1)
        assert ground.is_clear(points, 0).all() == fits


def test_fits_to_the_millimetre() -> None:
    ground = plain(Arena(size=(2, 1)))
    up, right = [0.0, 0.0, math.pi / 2], [0.0, 0.0, 0.0]
    assert ground.fits(np.array([up, right]), 0.5, 0.5, 2.0).tolist() == [True, False]
    assert ground.fits(np.array([up, right]), 0.5, 0.501, 2.0).tolist() == [False, False]
    assert ground.fits(np.array([right]), 1.0, 1.0, 1.0).tolist() == [True]
    assert ground.fits(np.array([right]), 1.0, 1.0, 1.002).tolist() == [False]


def test_plain() -> None:
    ground = plain(Arena(size=(5, 3), walls=((1, 0, 0.1, 2),)))
    assert ground.bounds == (-2.5, -1.5, 2.5, 1.5)
    assert ground.walls.tolist() == [
        [0, 1.55, 5.2, 0.1],
        [0, -1.55, 5.2, 0.1],
        [2.55, 0, 0.1, 3],
        [-2.55, 0, 0.1, 3],
        [1, 0, 0.1, 2],
    ]
    assert ground.free.shape == (60, 100)
    assert (~ground.free).sum() == 2 * 40
    assert ground.is_clear(np.array([[-2.4, 0], [-2.401, 0], [0.85, 0.9], [0.86, 0.9]]), 0.1).tolist() == [
        True,
        False,
        True,
        False,
    ]


def test_region_ends_at_the_clearance() -> None:
    region = plain(Arena(size=(5, 5))).region(0.125)
    assert region.sum() == 96 * 96  # cell middles are 0.025, 0.075, 0.125 ... from the wall
    assert region[2:-2, 2:-2].all()


def test_region_is_kept_and_safe() -> None:
    ground = plain(Arena())
    assert ground.region(0.1) is ground.region(0.1)
    with pytest.raises(ValueError, match="read-only"):
        ground.region(0.1)[0, 0] = True


def test_region_is_the_larger_side() -> None:
    ground = plain(Arena(size=(4, 2), walls=((-0.5, 0, 0.1, 2),)))
    xy = ground.middles(ground.region(0.1))
    assert xy[:, 0].min() > -0.45
    assert xy[:, 0].max() < 1.9


@pytest.mark.parametrize("wall", [(2.5, 0, 0.2, 1), (0, -3, 0.1, 0.1), (0, 0, 5.2, 0.1), (40, 0, 1, 1)])
def test_walls_outside(wall: tuple[float, float, float, float]) -> None:
    with pytest.raises(FloorError, match=r"walls: \[.*\] reaches out of the arena, which spans x = -2.5 to 2.5, y"):
        plain(Arena(walls=(wall,)))


def test_floor_picks() -> None:
    assert floor(Arena(), Path()).bounds == (-2.5, -2.5, 2.5, 2.5)
    assert floor(Arena(map="office.yaml"), OFFICE.parent).bounds == pytest.approx((-3.95, -2.95, 3.95, 2.95))
    with pytest.raises(maps.MapError, match=r"nowhere\.yaml"):
        floor(Arena(map="nowhere.yaml"), OFFICE.parent)


def test_office_rooms_are_connected() -> None:
    ground = floor(Arena(map="office.yaml"), OFFICE.parent)
    rooms = np.array([[-3, -2], [0, -2], [3, -2], [-2, 0], [3, 0], [-2, 2], [2, 2]])
    assert ground.inside(rooms, ground.region(0.4)).all()
    assert not ground.inside(rooms, ground.region(0.55)).all()  # doors are 0.95 m wide
    assert not ground.inside(np.array([[-50.0, 0.0], [0.0, 50.0]]), ground.region(0.0)).any()


@MAPS
def test_starts_on_maps(path: Path) -> None:
    ground = floor(Arena(map=path.name), path.parent)
    poses = ground.starts(50, 0.06, np.random.default_rng(3))
    assert ground.is_clear(poses[:, :2], 0.06 + MARGIN).all()
    assert ground.inside(poses[:, :2], ground.region(0.06 + MARGIN)).all()
    assert closest(poses) >= SPACING * 0.06 - 1e-9


def closest(poses: np.ndarray) -> float:
    away = np.hypot(*np.moveaxis(poses[:, None, :2] - poses[None, :, :2], -1, 0))
    return float(away[~np.eye(len(poses), dtype=bool)].min())


def test_starts_are_spread() -> None:
    poses = plain(Arena()).starts(100, 0.06, np.random.default_rng(1))
    quarters = np.histogram2d(poses[:, 0], poses[:, 1], bins=2, range=[[-2.5, 2.5]] * 2)[0]
    assert quarters.min() >= 10
    assert np.histogram(poses[:, 2], 4, (-math.pi, math.pi))[0].min() >= 10
    again = plain(Arena()).starts(100, 0.06, np.random.default_rng(1))
    assert np.array_equal(poses, again)
    assert not np.array_equal(poses, plain(Arena()).starts(100, 0.06, np.random.default_rng(2)))


def test_starts_of_a_crowd() -> None:
    poses = plain(Arena()).starts(1000, 0.06, np.random.default_rng(1))
    assert len(np.unique(poses[:, :2], axis=0)) == 1000
    assert closest(poses) >= SPACING * 0.06 - 1e-9


@pytest.mark.parametrize(
    ("size", "count", "radius", "says"),
    [
        ((1, 1), 50, 0.06, "50 robots of radius 0.06 m: the floor has room for 36"),
        ((1, 1), 1, 0.5, r"robots of radius 0.5 m: the floor has no place 1.1 m wide"),
    ],
)
def test_starts_that_do_not_fit(size: tuple[float, float], count: int, radius: float, says: str) -> None:
    with pytest.raises(FloorError, match=says):
        plain(Arena(size=size)).starts(count, radius, np.random.default_rng(1))


def test_work_area_of_a_small_floor_is_all_of_it() -> None:
    ground = plain(Arena())
    assert ground.work_area(0.06, np.random.default_rng(1)) is ground


@pytest.mark.parametrize("seed", range(3))
def test_work_area_is_within_a_walk(seed: int) -> None:
    ground = plain(Arena(size=(12, 12), walls=((0, -0.5, 0.1, 11),)))  # a wall across, but for a gap
    region = ground.region(0.11)
    area = ground.work_area(0.06, np.random.default_rng(seed), reach=3.0).region(0.11)
    assert not (area & ~region).any()
    cell = np.argwhere(region)[np.random.default_rng(seed).integers(region.sum())]
    walk = steps(region, *cell)
    assert (area == ((walk >= 0) & (walk <= 60))).all()
    assert area.sum() < region.sum() / 2


def test_starts_keep_to_the_work_area() -> None:
    ground = plain(Arena(size=(60, 60))).work_area(0.06, np.random.default_rng(5))
    poses = ground.starts(30, 0.06, np.random.default_rng(6))
    assert np.ptp(poses[:, 0]) <= 16
    assert np.ptp(poses[:, 1]) <= 16
    assert ground.walls.shape == (4, 4)


def test_largest_map() -> None:
    ground = from_map(Grid(np.pad(np.ones((1200, 1200), bool), 1), 0.05, (0, 0)))
    assert len(ground.walls) == 4
    assert ground.region(0.125).sum() == 1196**2
