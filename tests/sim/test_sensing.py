"""Sensing against known geometry and against a slow reference that samples space."""

from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from robots.percept import Proximity, RangeBearing, Sensors, blank, percept_dtype
from sim.nearest import SHARES
from sim.sensing import REACH, SITE, Senses

RADIUS = 0.06
EXACT = Sensors(
    proximity=Proximity(rays=8, range=2.0, noise=0),
    robots=RangeBearing(range=3.0, most=6, noise_range=0, noise_bearing=0),
    sites=RangeBearing(range=3.0, most=4, noise_range=0, noise_bearing=0),
)
NOISY = Sensors(
    proximity=Proximity(rays=8, range=2.0, noise=0.01, dropout=0.1),
    robots=RangeBearing(range=3.0, most=6, noise_range=0.02, noise_bearing=0.03, dropout=0.2),
    sites=RangeBearing(range=3.0, most=4, noise_range=0.02, noise_bearing=0.03, dropout=0.2),
)


def sites_of(*rows, width=0.56, thickness=0.1):
    """Sites from rows [id, x, y, facing, kind]."""
    return np.array([(n, kind, spot, width, thickness, 0.25) for n, *spot, kind in rows], SITE)


NONE = sites_of()


def sense(poses, sites=NONE, walls=(), sensors=EXACT, seed=0):
    poses = np.array(poses, float).reshape(-1, 3)
    out = blank(percept_dtype(sensors), len(poses))
    look(Senses(sensors, walls, RADIUS), poses, sites, out, seed)
    return out


def look(senses, poses, sites, out, seed=0, gripped=None):
    """What robots that stand still sense; the index of what each touches."""
    grips = np.full(len(poses), -1) if gripped is None else gripped
    return senses.sense(poses, poses, sites, np.array(grips, np.int32), seed, 3, out)


def touching(poses, sites):
    return look(Senses(EXACT, (), RADIUS), poses, sites, blank(percept_dtype(EXACT), len(poses)))


# --- proximity ------------------------------------------------------------------------------------


def test_wall_ahead_is_read_from_the_edge():
    read = sense([0, 0, 0], walls=[(1.5, 0, 1, 20)])[0]["proximity"]
    aslant = np.sqrt(2) - RADIUS
    assert read == pytest.approx([1 - RADIUS, aslant, 2, 2, 2, 2, 2, aslant])


@pytest.mark.parametrize(("quarter", "ray"), [(0, 0), (1, 6), (2, 4), (3, 2)])
def test_rays_turn_with_the_robot(quarter, ray):
    read = sense([0, 0, quarter * np.pi / 2], walls=[(1.0, 0, 0.2, 0.2)])[0]["proximity"]
    assert read[ray] == pytest.approx(0.9 - RADIUS)
    assert np.delete(read, ray) == pytest.approx(np.full(7, 2.0))


def test_other_robots_are_discs():
    read = sense([[0, 0, 0], [0.5, 0, 0]])["proximity"]
    assert read[0, 0] == pytest.approx(0.5 - 2 * RADIUS)
    assert read[1, 4] == pytest.approx(0.5 - 2 * RADIUS)
    assert (np.delete(read[0], 0) == 2).all()


def test_a_disc_counts_with_its_near_edge():
    assert sense([[0, 0, 0], [2.1, 0, 0]])[0]["proximity"][0] == pytest.approx(2.1 - 2 * RADIUS)


def test_disc_is_hit_off_centre():
    read = sense([[0, 0, 0], [0.5, 0.03, 0]])[0]["proximity"]
    assert read[0] == pytest.approx(0.5 - np.sqrt(RADIUS**2 - 0.03**2) - RADIUS)


def test_what_overlaps_the_robot_reads_zero():
    assert sense([[0, 0, 0], [0.1, 0, 0]])[0]["proximity"][0] == 0
    assert (sense([0, 0, 0], walls=[(0, 0, 1, 1)])[0]["proximity"] == 0).all()


@pytest.mark.parametrize(
    ("facing", "free"),
    [
        (np.pi, 1.0),  # face on
        (np.pi * 3 / 4, 1.0),  # turned by 45 degrees about the middle of the face
        (0.0, 0.9),  # from behind: the plate reaches from 0.9 to 1
        (np.pi / 2, 0.7),  # from the side: the plate is 0.6 wide
    ],
)
def test_plate_is_an_oriented_box_behind_its_face(facing, free):
    y = 0.0 if facing != np.pi / 2 else 0.05  # a plate on its side lies below its face
    read = sense([0, 0, 0], sites_of((3, 1, y, facing, 0), width=0.6, thickness=0.1))[0]["proximity"]
    assert read[0] == pytest.approx(free - RADIUS)


def test_plate_ends_at_its_width():
    plate = sites_of((3, 1, 0, np.pi, 0), width=0.6)
    assert sense([0, 0.299, 0], plate)[0]["proximity"][0] == pytest.approx(1 - RADIUS)
    assert sense([0, 0.301, 0], plate)[0]["proximity"][0] == 2


# --- robots and sites -----------------------------------------------------------------------------


def test_robot_range_and_bearing():
    out = sense([[0, 0, np.pi / 2], [1, 0, 0], [0, 2, 3]])
    assert out["robot_id"][0].tolist() == [1, 2, -1, -1, -1, -1]
    assert out["robot_rb"][0, :2] == pytest.approx(np.array([[1, -np.pi / 2], [2, 0]]), abs=1e-6)
    assert np.isnan(out["robot_rb"][0, 2:]).all()


def test_site_range_bearing_and_face():
    sites = sites_of((11, 1, 1, -3 * np.pi / 4, 5), (12, 0, -2, 3.0, 6), (13, 9, 9, 0, 7))
    out = sense([0, 0, np.pi / 4], sites)[0]
    assert out["site_id"].tolist() == [11, 12, -1, -1]
    assert out["site_kind"].tolist() == [5, 6, 0, 0]
    assert out["site_rb"][:2] == pytest.approx(np.array([[np.sqrt(2), 0], [2, -3 * np.pi / 4]]), abs=1e-6)
    assert out["site_face"][:2] == pytest.approx([np.pi, 3 - np.pi / 4])  # pi, not -pi
    assert np.isnan(out["site_rb"][2:]).all()
    assert np.isnan(out["site_face"][2:]).all()


def test_slots_of_the_last_tick_are_cleared_and_other_fields_left():
    senses = Senses(EXACT, (), RADIUS)
    out = blank(percept_dtype(EXACT), 2)
    out["battery"] = 0.5
    look(senses, np.array([[0, 0, 0], [1, 0, 0.0]]), sites_of((3, 1, 1, 0, 9)), out)
    assert (out["robot_id"][:, 0] == [1, 0]).all()
    look(senses, np.array([[0, 0, 0], [9, 0, 0.0]]), NONE, out)
    nothing = blank(percept_dtype(EXACT), 2)
    for name in ("robot_id", "robot_rb", "site_id", "site_rb", "site_face", "site_kind"):
        np.testing.assert_array_equal(out[name], nothing[name])
    assert (out["battery"] == 0.5).all()


def test_walls_hide_around_a_corner():
    # an L: a wall from (1, -1) to (1, 0.5) and one from there to (3, 0.5)
    walls = [(1.0, -0.25, 0.1, 1.5), (2.0, 0.5, 2.1, 0.1)]
    sites = sites_of((1, 2, 0, 0, 0), (2, 0.5, 1.5, 0, 0))
    out = sense([[0, 0, 0], [2, 0, 0], [0.5, 1.5, 0]], sites, walls)
    assert [[i for i in row if i >= 0] for row in out["robot_id"].tolist()] == [[2], [], [0]]
    assert [[i for i in row if i >= 0] for row in out["site_id"].tolist()] == [[2], [1], [2]]


def test_a_wall_hides_up_to_its_end():
    wall = [(1.0, 0.0, 0.1, 1.0)]  # ends at y = 0.5
    assert sense([[0, 0.499, 0], [2, 0.499, 0]], walls=wall)["robot_id"][0, 0] == -1
    assert sense([[0, 0.501, 0], [2, 0.501, 0]], walls=wall)["robot_id"][0, 0] == 1


def test_robots_and_plates_hide_nothing():
    out = sense([[0, 0, 0], [1, 0, 0], [2, 0, 0]], sites_of((4, 1.5, 0, np.pi, 0)))
    assert out["robot_id"][0, :2].tolist() == [1, 2]


@pytest.mark.parametrize("side", [1, -1])
def test_a_face_flush_with_a_wall_is_seen_from_its_front_only(side):
    wall = [(1.5 * side, 0.0, 1.0, 4.0)]  # from 1 to 2, or from -2 to -1
    face = sites_of((4, side, 0, np.pi, 0))
    assert sense([[0, 0.3, 0], [2.5 * side, 0.3, 0]], face, wall)["site_id"][:, 0].tolist() == [4, -1]


def test_nearest_come_first_and_the_rest_is_cut():
    poses = [[0, 0, 0], *([0.1 * k, 0, 0] for k in (9, 4, 7, 5, 8, 6, 3, 10))]
    out = sense(poses)[0]
    assert out["robot_id"].tolist() == [7, 2, 4, 6, 3, 5]
    assert out["robot_rb"][:, 0] == pytest.approx([0.3, 0.4, 0.5, 0.6, 0.7, 0.8])


@pytest.mark.parametrize("where", ["scattered", "lattice", "clusters", "line", "outlier", "one place"])
def test_neighbours_are_the_nearest_of_many(where):
    """Among equals, of which a lattice has many, the lower numbers come first."""
    rng = np.random.default_rng(2)
    poses = rng.uniform(-3, 3, (80, 3))
    if where == "lattice":
        poses[:, :2] = rng.permutation(np.stack(np.divmod(np.arange(80), 10), -1)) * 0.5
    if where == "clusters":
        poses[:, :2] = poses[:, :2] / 20 + rng.integers(-1, 2, (80, 2)) * 1.4
    if where == "line":
        poses[:, 1] = 0
    if where == "outlier":
        poses[17, :2] = 400, -300
    if where == "one place":
        poses[:] = 1
    index = Senses(EXACT, (), RADIUS).neighbours(poses, 1.5, True, 7)
    square = ((poses[:, None, :2] - poses[None, :, :2]) ** 2).sum(-1)
    np.fill_diagonal(square, np.inf)
    near = [[int(j) for j in np.argsort(row, kind="stable")[:7] if row[j] < 1.5**2] for row in square]
    assert [[j for j in row if j >= 0] for row in index.tolist()] == near
    assert (np.diff((index >= 0).astype(int)) <= 0).all()  # empty slots come last


def test_neighbours_after_sensing_are_the_same():
    poses = np.random.default_rng(4).uniform(-3, 3, (80, 3))
    senses, fresh = Senses(EXACT, [(0.5, 0, 0.1, 1)], RADIUS), Senses(EXACT, [(0.5, 0, 0.1, 1)], RADIUS)
    out = blank(percept_dtype(EXACT), 80)
    senses.sense(poses, poses, np.empty(0, SITE), np.full(80, -1, np.int32), 1, 0, out)
    for reach in (EXACT.robots.range, EXACT.robots.range - 0.5):
        for most in (EXACT.robots.most, 2, 20):
            for occlusion in (True, False):
                asked = reach, occlusion, most
                np.testing.assert_array_equal(senses.neighbours(poses, *asked), fresh.neighbours(poses, *asked))


def test_sight_is_mutual_where_it_grazes_corners():
    rng = np.random.default_rng(3)
    walls = np.column_stack([rng.integers(-10, 11, (60, 2)), rng.integers(1, 4, (60, 2))]) * 0.1
    poses = np.column_stack([rng.integers(-15, 16, (100, 2)) * 0.1 + 0.05, np.zeros(100)])
    index = Senses(EXACT, walls, RADIUS).neighbours(poses, 3.0, True, 100)
    sees = np.array([np.isin(np.arange(100), row) for row in index])
    assert (sees == sees.T).all()
    assert 0.02 < sees.mean() < 0.9


def test_equally_near_robots_keep_their_order():
    around = [[np.cos(a), np.sin(a), 0] for a in (0, np.pi)]
    assert sense([*around, [0, 0, 0], *around])["robot_id"][2].tolist() == [0, 1, 3, 4, -1, -1]


def test_neighbours_know_range_and_occlusion():
    poses = np.array([[0, 0, 0], [1, 0, 0], [2.5, 0, 0.0]])
    senses = Senses(EXACT, [(0.5, 0, 0.1, 1)], RADIUS)
    index = senses.neighbours(poses, 2.0, False, 4)
    assert index.tolist() == [[1, -1, -1, -1], [0, 2, -1, -1], [1, -1, -1, -1]]
    index = senses.neighbours(poses, 2, True, 4)
    assert index.tolist() == [[-1] * 4, [2, -1, -1, -1], [1, -1, -1, -1]]


# --- touching -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "y", "touched"),
    [
        (1.001 - RADIUS - REACH, 0.0, 0),
        (0.999 - RADIUS - REACH, 0.0, -1),
        (0.999, 0.0, 0),
        (1.001, 0.0, -1),  # behind the face
        (0.95, 0.279, 0),
        (0.95, 0.281, -1),  # beside it
    ],
)
def test_touching_a_face(x, y, touched):
    sites = sites_of((30, 1, 0, np.pi, 0))
    assert touching(np.array([[x, y, 2.0]]), sites).tolist() == [touched]


def test_touching_turned_faces_takes_the_nearest():
    sites = sites_of((30, 0, 0, 1, 0), (31, 0, 0.02, 1, 0), (32, 0, 0.01, 1, 0), (33, 5, 5, 0, 0))
    ahead = np.array([np.cos(1.0), np.sin(1.0)])
    poses = np.array([[*0.05 * ahead, 0], [*0.005 * ahead, 0], [5.05, 5.2, 0], [5.05, 5.3, 0]])
    assert touching(poses, sites).tolist() == [1, 0, 3, -1]
    assert touching(poses, NONE).tolist() == [-1] * 4


# --- noise ----------------------------------------------------------------------------------------


def pairs(count):
    """Pairs of robots 1 m apart, far from other pairs, facing each other."""
    y = 10.0 * np.arange(count)
    left = np.column_stack([np.zeros(count), y, np.zeros(count)])
    return np.stack([left, left + np.array([1, 0, np.pi])], axis=1).reshape(-1, 3)


def pair_sites(count):
    return sites_of(*([k, 0.5, 10.0 * k + 0.8, 0.5, 1] for k in range(count)))


def test_noise_has_its_mean_and_deviation():
    """Also under dropout, which must not prefer some readings; and no two readings share their noise."""
    n = 1500
    out = sense(pairs(n), pair_sites(n), sensors=NOISY)
    out = out[(out["proximity"][:, 0] < 2) & (out["robot_id"][:, 0] >= 0) & (out["site_id"][:, 0] >= 0)]
    left = out["site_rb"][:, 0, 1] > 0
    bearing = np.where(left, np.arctan2(0.8, 0.5), np.arctan2(0.8, -0.5) - np.pi)
    errors = np.array(
        [
            out["proximity"][:, 0] - (1 - 2 * RADIUS),
            out["robot_rb"][:, 0, 0] - 1,
            out["robot_rb"][:, 0, 1],
            out["site_rb"][:, 0, 0] - np.hypot(0.5, 0.8),
            out["site_rb"][:, 0, 1] - bearing,
            out["site_face"][:, 0] - np.where(left, 0.5, 0.5 - np.pi),
        ]
    )
    sds = np.array([0.01, 0.02, 0.03, 0.02, 0.03, 0.03])
    assert (abs(errors.mean(1)) < 4.5 * sds / np.sqrt(len(out))).all()
    assert errors.std(1) == pytest.approx(sds, rel=0.08)
    assert abs(np.corrcoef(errors) - np.eye(6)).max() < 4.5 / np.sqrt(len(out))


def test_clear_rays_read_the_full_range():
    others = sense(pairs(200), sensors=NOISY)["proximity"][:, 1:]
    assert (others == 2).all()


def test_noisy_readings_stay_in_their_range():
    sensors = replace(
        NOISY,
        proximity=Proximity(rays=8, range=0.9, noise=0.5),
        robots=RangeBearing(range=3, most=2, noise_range=1, noise_bearing=1),
    )
    out = sense(pairs(300), sensors=sensors)
    ahead = out["proximity"][:, 0]
    assert ((ahead >= 0) & (ahead <= np.float32(0.9))).all()
    assert (ahead == 0).any()
    assert (out["robot_rb"][:, 0, 0] >= 0).all()
    assert (np.abs(out["robot_rb"][:, 0, 1]) <= np.float32(np.pi)).all()


def test_dropout_misses_the_right_share():
    n = 2000
    out = sense(pairs(n), pair_sites(n), sensors=NOISY)
    for missed, p in (
        (out["proximity"][:, 0] == 2, 0.1),
        (out["robot_id"][:, 0] == -1, 0.2),
        (out["site_id"][:, 0] == -1, 0.2),
    ):
        assert missed.mean() == pytest.approx(p, abs=4 * np.sqrt(p * (1 - p) / (2 * n)))


def test_dropout_lets_those_behind_move_up():
    row = [[0.3 * k, 0, 0] for k in range(7)]
    out = sense(row, sensors=replace(EXACT, robots=replace(EXACT.robots, dropout=0.5)), seed=3)[0]
    kept = [i for i in out["robot_id"].tolist() if i >= 0]
    assert 0 < len(kept) < 6
    assert kept == sorted(set(kept))
    assert out["robot_id"].tolist() == kept + [-1] * (6 - len(kept))
    assert out["robot_rb"][: len(kept), 0] == pytest.approx(0.3 * np.array(kept))
    assert np.isnan(out["robot_rb"][len(kept) :]).all()


@pytest.mark.parametrize("dropout", [0.0, 1.0])
def test_sure_dropout_is_blind_and_none_is_not(dropout):
    sensors = Sensors(
        proximity=replace(EXACT.proximity, dropout=dropout),
        robots=replace(EXACT.robots, dropout=dropout),
        sites=replace(EXACT.sites, dropout=dropout),
    )
    out = sense(pairs(20), pair_sites(20), sensors=sensors)
    assert ((out["proximity"][:, 0] == 2) == (dropout == 1)).all()
    assert ((out["robot_id"][:, 0] == -1) == (dropout == 1)).all()
    assert ((out["site_id"][:, 0] == -1) == (dropout == 1)).all()


def test_a_robots_noise_does_not_depend_on_how_many_there_are():
    many, few = (
        sense(pairs(40), pair_sites(40), sensors=NOISY),
        sense(pairs(3), pair_sites(40), sensors=NOISY),
    )
    assert many[:6].tobytes() == few.tobytes()
    assert many[:6].tobytes() != sense(pairs(3), pair_sites(40), sensors=NOISY, seed=1).tobytes()


def test_a_robot_without_a_place_changes_no_other():
    poses, sites, walls = pairs(3), pair_sites(3), [(0, 5, 3, 0.1)]
    whole = sense(poses, sites, walls, NOISY)
    poses[1] = np.nan
    out = sense(poses, sites, walls, NOISY)
    assert out[2:].tobytes() == whole[2:].tobytes()
    assert out[0]["robot_id"][0] == -1


# --- against references ---------------------------------------------------------------------------

metre = st.floats(-1.5, 1.5)
angle = st.floats(-4, 4)
scenes = st.fixed_dictionaries(
    {
        "poses": st.lists(st.tuples(metre, metre, angle), min_size=1, max_size=6),
        "walls": st.lists(st.tuples(metre, metre, st.floats(0.05, 1), st.floats(0.05, 1)), max_size=6),
        "plates": st.lists(st.tuples(metre, metre, angle), max_size=4),
    }
)
SHORT = replace(EXACT, proximity=Proximity(rays=8, range=0.5, noise=0))


def scene_sites(plates):
    return sites_of(*([k, *plate, k] for k, plate in enumerate(plates)), width=0.4, thickness=0.1)


def in_walls(x, y, walls, margin):
    inside = np.zeros(np.shape(x), bool)
    for wx, wy, w, d in walls:
        inside |= (abs(x - wx) <= w / 2 + margin) & (abs(y - wy) <= d / 2 + margin)
    return inside


def occupied(x, y, i, scene, margin):
    """Whether points lie in something that stops the rays of robot i, grown by `margin` m."""
    inside = in_walls(x, y, scene["walls"], margin)
    for j, (rx, ry, _) in enumerate(scene["poses"]):
        if j != i:
            inside |= (x - rx) ** 2 + (y - ry) ** 2 <= (RADIUS + margin) ** 2
    for px, py, facing in scene["plates"]:
        behind = -(x - px) * np.cos(facing) - (y - py) * np.sin(facing)
        aside = (y - py) * np.cos(facing) - (x - px) * np.sin(facing)
        inside |= (behind >= -margin) & (behind <= 0.1 + margin) & (abs(aside) <= 0.2 + margin)
    return inside


def marched(scene, margin):
    """Free ranges (N, 8) found by walking along each ray in steps of 0.5 mm."""
    t = np.append(np.arange(0, RADIUS + 0.5, 0.0005), RADIUS + 0.5)
    free = []
    for i, (x, y, heading) in enumerate(scene["poses"]):
        bearing = heading + np.arange(8)[:, None] * np.pi / 4
        inside = occupied(x + t * np.cos(bearing), y + t * np.sin(bearing), i, scene, margin)
        inside[:, -1] = True
        free.append(np.maximum(t[inside.argmax(1)] - RADIUS, 0))
    return np.array(free)


@settings(deadline=None)
@given(scenes)
def test_proximity_agrees_with_marching(scene):
    read = sense(scene["poses"], scene_sites(scene["plates"]), scene["walls"], SHORT)["proximity"]
    grown, exact, shrunk = (marched(scene, margin) for margin in (0.001, 0, -0.001))
    assert (read > grown - 0.001).all()
    assert (read < shrunk + 0.001).all()
    square_on = shrunk - grown < 0.005  # not grazing
    assert (abs(read - exact)[square_on] < 0.001).all()


@settings(deadline=None)
@given(scenes)
def test_sight_agrees_with_sampling_and_is_mutual(scene):
    poses, walls = np.array(scene["poses"]), scene["walls"]
    index = Senses(EXACT, walls, RADIUS).neighbours(poses, 3.0, True, 6)
    sees = np.array([[j in row for j in range(len(poses))] for row in index.tolist()])
    assert (sees == sees.T).all()
    s = np.linspace(0, 1, 5000)
    for i in range(len(poses)):
        for j in range(i):
            (ax, ay, _), (bx, by, _) = poses[i], poses[j]
            line = ax + s * (bx - ax), ay + s * (by - ay)
            surely, maybe = (in_walls(*line, walls, margin).any() for margin in (-0.002, 0.002))
            near = np.hypot(ax - bx, ay - by) < 3
            assert sees[i, j] >= (near and not maybe)
            assert sees[i, j] <= (near and not surely)


@settings(deadline=None)
@given(scenes, st.integers(0, 7))
def test_turning_by_a_ray_shifts_the_readings(scene, k):
    sites = scene_sites(scene["plates"])
    turned = [(x, y, heading + k * np.pi / 4) for x, y, heading in scene["poses"]]
    before = sense(scene["poses"], sites, scene["walls"], SHORT)
    after = sense(turned, sites, scene["walls"], SHORT)
    different = abs(after["proximity"] - np.roll(before["proximity"], -k, axis=1)) > 1e-5
    steep = marched(scene, -1e-3) - marched(scene, 1e-3) < 0.005
    assert not (different & np.roll(steep, -k, axis=1)).any()
    assert (after["robot_id"] == before["robot_id"]).all()
    turn = np.angle(np.exp(1j * (before["robot_rb"] - after["robot_rb"] - k * np.pi / 4)))[..., 1]
    apart = before["robot_rb"][..., 0] > 1e-6
    assert abs(turn[apart]) == pytest.approx(0, abs=1e-4)


@settings(deadline=None)
@given(scenes, st.tuples(st.floats(-40, 40), st.floats(-40, 40)))
def test_moving_the_whole_scene_changes_nothing(scene, shift):
    moved = {name: [(row[0] + shift[0], row[1] + shift[1], *row[2:]) for row in rows] for name, rows in scene.items()}
    before, after = (
        sense(s["poses"], scene_sites(s["plates"]), s["walls"], SHORT)["proximity"] for s in (scene, moved)
    )
    square_on = marched(scene, -0.001) - marched(scene, 0.001) < 0.005
    assert after[square_on] == pytest.approx(before[square_on], abs=1e-5)


@settings(deadline=None)
@given(scenes, st.randoms(use_true_random=False))
@example({"poses": [(0, 0, 0), (0, 0, 0), (0, 1e-35, 0)], "walls": [], "plates": []}, Random(1))
@example({"poses": [(0, 0, 0), (1, 0, 0), (0, 1.0000001, 0)], "walls": [], "plates": []}, Random(1))
def test_the_order_of_robots_does_not_matter(scene, random):
    order = list(range(len(scene["poses"])))
    random.shuffle(order)
    sites = scene_sites(scene["plates"])
    out = sense(scene["poses"], sites, scene["walls"], SHORT)
    mixed = sense([scene["poses"][i] for i in order], sites, scene["walls"], SHORT)
    for name in ("proximity", "site_id", "site_rb", "site_face", "site_kind"):
        np.testing.assert_array_equal(mixed[name], out[name][order])
    # whose squares differ by less than a share of the largest are equally near, to single precision
    one, other = (np.square(rb[..., 0], dtype=float) for rb in (mixed["robot_rb"], out["robot_rb"][order]))
    np.testing.assert_allclose(one, other, rtol=3e-7, atol=SHORT.robots.range**2 / SHARES)


def all_walls(x, y, bearing, walls):
    """Way (K,) from (x, y) along the bearings (K,) to the first of all walls, by slabs, inf if none."""
    first = np.full(len(bearing), np.inf)
    for k, b in enumerate(bearing):
        direction = np.array([np.cos(b), np.sin(b)])
        with np.errstate(divide="ignore"):
            one = (walls[:, :2] - walls[:, 2:] / 2 - (x, y)) / direction
            two = (walls[:, :2] + walls[:, 2:] / 2 - (x, y)) / direction
        enter, leave = np.minimum(one, two).max(1), np.maximum(one, two).min(1)
        hit = (leave >= 0) & (enter <= leave)
        first[k] = np.maximum(enter[hit], 0).min(initial=np.inf)
    return first


@pytest.mark.parametrize(("size", "snap"), [(0.1, 1e-9), (3.0, 1e-9), (0.6, 0.05), (1.5, 0.25)])
def test_many_walls_in_buckets_are_all_walls(size, snap):
    rng = np.random.default_rng(5)
    walls = np.column_stack([rng.uniform(-10, 10, (400, 2)), rng.uniform(snap, size, (400, 2))])
    walls = np.maximum(np.round(walls / snap), [-np.inf, -np.inf, 1, 1]) * snap  # maps are made of pixels
    poses = np.column_stack([rng.uniform(-14, 14, (60, 2)), rng.uniform(-3, 3, 60)])
    sensors = replace(EXACT, proximity=Proximity(rays=16, range=20, noise=0))
    for pose in poses:  # one by one, so that walls alone are in the way
        read = sense(pose, walls=walls, sensors=sensors)[0]["proximity"]
        way = all_walls(*pose[:2], pose[2] + np.arange(16) * np.pi / 8, walls)
        assert read == pytest.approx(np.clip(way - RADIUS, 0, 20), abs=1e-4)
    index = Senses(EXACT, walls, RADIUS).neighbours(poses, 1000.0, True, 64)
    for i, (x, y, _) in enumerate(poses):
        offset = poses[:, :2] - (x, y)
        way, distance = all_walls(x, y, np.arctan2(offset[:, 1], offset[:, 0]), walls), np.hypot(*offset.T)
        visible = [int(j) for j in np.argsort(distance) if j != i and way[j] > distance[j]]
        assert [j for j in index[i].tolist() if j >= 0] == visible


def test_a_map_of_kilometres_has_a_bounded_grid():
    walls = [(0, 0, 0.2, 0.2), (3000, 3000, 0.2, 0.2)]
    assert sense([3001, 3000, 0], walls=walls)[0]["proximity"][4] == pytest.approx(0.9 - RADIUS, abs=1e-4)
    senses = Senses(EXACT, walls, RADIUS)
    assert senses.grid.rows * senses.grid.columns <= 513**2
