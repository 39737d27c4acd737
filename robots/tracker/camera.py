"""A tracker made of one camera and printed AprilTags (family 36h11), one on each robot, a few on the floor.

The floor's tags say where the camera is; a robot's tag lies in a plane at a known height above the floor, so one
view of it gives its place and heading. Needs OpenCV (extra `camera`).
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from robots import check
from robots.tracker.message import Seen

FEWEST = 4  # tags on the floor that must be in the picture
TAGS = 587  # of the family, from 0 on


class CameraError(ValueError):
    """A picture or a calibration that does not tell where the camera is."""


@dataclass(frozen=True)
class Camera:
    """A camera and its tags, as in the [camera] table of a tracker's configuration."""

    focal: tuple[float, float]  # fx, fy in pixels
    middle: tuple[float, float]  # cx, cy in pixels
    floor: Mapping[str, tuple[float, float]]  # tag on the floor -> x, y of its middle in m
    distortion: tuple[float, ...] = ()  # OpenCV's k1, k2, p1, p2, k3
    height: float = 0.06  # m, of the robots' tags above the floor
    first: int = 0  # the tag of robot 0; the others follow
    robots: int = 100  # how many
    turned: float = 0.0  # rad, from a robot's heading to the direction from the middle of its tag to its top

    def __post_init__(self) -> None:
        check.number("height", self.height, 0, 5)
        check.number("first", self.first, 0, TAGS - 1)
        check.number("robots", self.robots, 1, TAGS)
        for tag in self.floor:
            if not re.fullmatch(r"0|[1-9][0-9]{0,2}", tag) or int(tag) >= TAGS:
                raise ValueError(f"floor.{tag}: must be the number of a tag, 0 to {TAGS - 1}")
        if len(self.floor) < FEWEST:
            raise ValueError(f"floor: {len(self.floor)} tags, at least {FEWEST} are needed to say where the camera is")


@dataclass
class Finder:
    """Finds robots in pictures of one camera that stands still or moves."""

    camera: Camera
    trouble: str = ""  # why the latest picture told nothing, for people
    _detector: Any = field(default=None, repr=False)

    def find(self, picture: np.ndarray) -> list[Seen]:
        """The robots in a grey picture (H, W) u1, by number. Raises CameraError."""
        import cv2

        if self._detector is None:
            family = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_APRILTAG_36h11)
            parameters = cv2.aruco.DetectorParameters()
            parameters.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_SUBPIX
            self._detector = cv2.aruco.ArucoDetector(family, parameters)
        corners, numbers, _ = self._detector.detectMarkers(picture)
        found = [] if numbers is None else [int(number) for number in numbers.ravel()]
        return locate(found, [corner.reshape(4, 2) for corner in corners], self.camera)


def locate(numbers: Sequence[int], corners: Sequence[np.ndarray], camera: Camera) -> list[Seen]:
    """Robots from the tags in a picture: `corners` are (4, 2) pixels, clockwise from the tag's top left.

    Raises CameraError where too few tags of the floor are among them.
    """
    import cv2

    floor = {int(number): place for number, place in camera.floor.items()}
    known = [i for i, number in enumerate(numbers) if number in floor]
    if len(known) < FEWEST:
        raise CameraError(f"{len(known)} tags of the floor in the picture, {FEWEST} are needed")
    matrix = np.array([[camera.focal[0], 0, camera.middle[0]], [0, camera.focal[1], camera.middle[1]], [0, 0, 1.0]])
    distortion = np.array(camera.distortion or (0.0,) * 4)
    flat = np.array([[*floor[numbers[i]], 0.0] for i in known])
    good, turn, shift = cv2.solvePnP(flat, np.array([_middle(corners[i]) for i in known]), matrix, distortion)
    if not good:
        raise CameraError("the tags of the floor do not fit each other: are their places right?")
    rotation = cv2.Rodrigues(turn)[0]
    out = []
    for number, corner in sorted(zip(numbers, corners, strict=True), key=lambda item: item[0]):
        robot = number - camera.first
        if number in floor or not 0 <= robot < camera.robots:
            continue
        pixels = np.array([*corner, _middle(corner)])
        rays = cv2.undistortPoints(pixels.reshape(-1, 1, 2), matrix, distortion).reshape(-1, 2)
        places = _on_plane(rays, rotation, shift.ravel(), camera.height)
        top = (places[0] + places[1]) / 2 - (places[2] + places[3]) / 2
        heading = math.remainder(math.atan2(top[1], top[0]) - camera.turned, 2 * math.pi)
        out.append(Seen(robot, float(places[4, 0]), float(places[4, 1]), heading))
    return out


def _middle(corner: np.ndarray) -> np.ndarray:
    """Where the diagonals of a tag (4, 2) cross: its middle in perspective too."""
    a, b, c, d = corner.astype(float)
    p, q = c - a, d - b
    cross = p[0] * q[1] - p[1] * q[0]
    share = ((b - a)[0] * q[1] - (b - a)[1] * q[0]) / cross if abs(cross) > 1e-9 else 0.5
    return np.asarray(a + share * p)


def _on_plane(rays: np.ndarray, rotation: np.ndarray, shift: np.ndarray, height: float) -> np.ndarray:
    """(N, 2) where rays (N, 2) of a camera meet the plane z = `height`, m."""
    eye = -rotation.T @ shift
    ways = np.column_stack([rays, np.ones(len(rays))]) @ rotation
    share = (height - eye[2]) / ways[:, 2]
    return np.asarray(eye[:2] + share[:, None] * ways[:, :2])
