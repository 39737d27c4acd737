"""The camera tracker on rendered pictures: tags at known places, seen by a camera at a known pose."""

import math

import numpy as np
import pytest

cv2 = pytest.importorskip("cv2")

from robots.tracker.camera import Camera, CameraError, Finder  # noqa: E402 - needs OpenCV

FLOOR = {"100": (-0.9, -0.9), "101": (0.9, -0.9), "102": (0.9, 0.9), "103": (-0.9, 0.9), "104": (0.0, 0.9)}
CAMERA = Camera((900.0, 900.0), (640.0, 480.0), FLOOR, height=0.08)
SIZE = 0.14  # m, side of a tag with its white border


def render(
    robots: dict[int, tuple[float, float, float]],
    eye: tuple[float, float, float],
    floor: dict[str, tuple[float, float]],
) -> np.ndarray:
    """What a camera at `eye` that looks at the origin sees of tags on the floor and on robots 8 cm high."""
    rotation, shift = look_at(np.array(eye))
    matrix = np.array([[900.0, 0, 640], [0, 900.0, 480], [0, 0, 1]])
    family = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_APRILTAG_36h11)
    picture = np.full((960, 1280), 200, np.uint8)
    tags = [(int(n), x, y, math.pi / 2, 0.0) for n, (x, y) in floor.items()]
    tags += [(n, x, y, heading, 0.08) for n, (x, y, heading) in robots.items()]
    for number, x, y, heading, z in tags:
        tag = cv2.copyMakeBorder(
            cv2.aruco.generateImageMarker(family, number, 160), 20, 20, 20, 20, cv2.BORDER_CONSTANT, value=255
        )
        ahead, left = (
            np.array([math.cos(heading), math.sin(heading)]),
            np.array([-math.sin(heading), math.cos(heading)]),
        )
        square = [(1, 1), (1, -1), (-1, -1), (-1, 1)]  # clockwise from the top left, the top ahead
        corners = np.array([[*(np.array([x, y]) + SIZE / 2 * (a * ahead + b * left)), z] for a, b in square])
        seen = cv2.projectPoints(corners, cv2.Rodrigues(rotation)[0], shift, matrix, None)[0].reshape(4, 2)
        source = np.array([[0, 0], [200, 0], [200, 200], [0, 200]], np.float32)
        warp = cv2.getPerspectiveTransform(source, seen.astype(np.float32))
        mask = cv2.warpPerspective(np.full((200, 200), 255, np.uint8), warp, (1280, 960))
        picture = np.where(mask > 127, cv2.warpPerspective(tag, warp, (1280, 960)), picture)
    return cv2.GaussianBlur(picture, (3, 3), 0)


def look_at(eye: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    forward = -eye / np.linalg.norm(eye)
    right = np.cross(forward, [0.0, 1.0, 0.0])
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(forward, right), forward])
    return rotation, -rotation @ eye


ROBOTS = {0: (0.3, -0.2, 0.5), 3: (-0.6, 0.4, -2.2), 7: (0.0, 0.0, math.pi), 12: (0.7, 0.5, 1.2)}


@pytest.mark.parametrize("eye", [(0.01, 0.0, 2.6), (0.5, -0.8, 2.2), (-0.9, -0.6, 2.0)])
def test_robots_are_where_they_are(eye: tuple[float, float, float]) -> None:
    found = {s.number: s for s in Finder(CAMERA).find(render(ROBOTS, eye, FLOOR))}
    assert found.keys() == ROBOTS.keys()
    for number, (x, y, heading) in ROBOTS.items():
        assert math.hypot(found[number].x - x, found[number].y - y) < 0.005
        assert abs(math.remainder(found[number].heading - heading, 2 * math.pi)) < math.radians(1.5)


def test_one_tag_of_the_floor_may_be_hidden() -> None:
    floor = {number: place for number, place in FLOOR.items() if number != "102"}
    (seen,) = Finder(CAMERA).find(render({5: (0.2, 0.1, 0.0)}, (0.5, -0.8, 2.2), floor))
    assert (seen.x, seen.y) == pytest.approx((0.2, 0.1), abs=0.005)


def test_too_few_tags_of_the_floor() -> None:
    floor = {number: FLOOR[number] for number in ("100", "101", "102")}
    with pytest.raises(CameraError, match="3 tags of the floor in the picture, 4 are needed"):
        Finder(CAMERA).find(render(ROBOTS, (0.5, -0.8, 2.2), floor))
    with pytest.raises(CameraError, match="0 tags"):
        Finder(CAMERA).find(np.zeros((960, 1280), np.uint8))


def test_the_height_of_the_tags_counts() -> None:
    """Taken for flat on the floor, tags seem farther from the camera than they are."""
    picture = render({5: (0.6, 0.6, 0.0)}, (0.0, -0.8, 2.2), FLOOR)
    flat = Camera(CAMERA.focal, CAMERA.middle, FLOOR, height=0.0)
    (seen,) = Finder(flat).find(picture)
    assert math.hypot(seen.x - 0.6, seen.y - 0.6) > 0.02


def test_a_camera_needs_four_tags() -> None:
    with pytest.raises(ValueError, match="floor: 1 tags, at least 4"):
        Camera((900.0, 900.0), (640.0, 480.0), {"1": (0.0, 0.0)})
