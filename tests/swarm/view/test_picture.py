import math
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from swarm.view.picture import ALARM, COLOURS, DEAD, FLOOR, INK, WALL, clock, draw, palette, save
from swarm.view.snapshot import RobotRow, SiteRow, Snapshot, Stage
from swarm.view.video import Video
from swarm.watch import Watch

SIZE = (1280, 720)
# 6 x 6 m in the 632 px high box below the title, in the middle of the 1000 px left of the legend
SCALE, LEFT, TOP = 632 / 6, 208.0, 64.0

STAGE = Stage(
    mission="swap",
    about="",
    seed=1,
    duration=60.0,
    bounds=(0.0, 0.0, 6.0, 6.0),
    walls=[(3.0, 5.0, 2.0, 0.3)],
    radius=0.1,
    face=0.6,
    kinds={"amber": "#ffbf00", "cyan": "cyan"},
    phases=[(0.0, "learn")],
    signatures={},
    watch=Watch(),
)


def robot(number: int, x: float, y: float, **changes: object) -> RobotRow:
    values: dict[str, object] = {"heading": math.pi / 2, "alive": True, "strategy": 0, "waiting": 0.0}
    values |= changes
    return RobotRow(
        number,
        x,
        y,
        values["heading"],
        values["alive"],
        values["strategy"],
        0,
        -1,
        -1,
        values["waiting"],
        (0.5, 0.5),
        0,
        0,
        0,
        0.0,
        1,
        0,
        math.nan,
        "",
        "",
        0.0,
        0.0,
        math.nan,
    )


def shot(
    robots: list[RobotRow], sites: list[SiteRow] | None = None, links: list[tuple[int, int]] | None = None
) -> Snapshot:
    return Snapshot(10, 1.0, 1.0, 0, robots, sites or [], 0, 0, [], [], 1, links or [], [])


def at(image: Image.Image, x: float, y: float) -> tuple[int, ...]:
    """The colour at (x, y) in m."""
    return image.getpixel((round(LEFT + SCALE * x), round(TOP + SCALE * (6 - y))))


def test_walls_floor_and_robots_are_where_they_are() -> None:
    robots = [robot(0, 1.0, 1.0), robot(1, 2.0, 1.0, strategy=1), robot(2, 3.0, 1.0, alive=False)]
    image = draw(STAGE, shot(robots), SIZE)
    assert image.size == SIZE
    assert at(image, 3.0, 5.0) == WALL
    assert at(image, 2.1, 5.1) == WALL
    assert at(image, 3.0, 4.7) == FLOOR
    assert at(image, 0.95, 0.95) == COLOURS[0]
    assert at(image, 1.95, 0.95) == COLOURS[1]
    assert at(image, 2.95, 1.0) == DEAD
    assert at(image, 3.0, 1.0) == ALARM  # its cross
    assert at(image, 1.0, 0.8) == FLOOR


def test_heading_points_where_the_robot_looks() -> None:
    image = draw(STAGE, shot([robot(0, 1.0, 1.0, heading=math.pi)]), SIZE)
    assert at(image, 0.95, 1.0) == FLOOR
    assert at(image, 1.06, 1.0) == COLOURS[0]


def test_a_robot_that_is_stuck_has_a_ring() -> None:
    ring = [at(draw(STAGE, shot([robot(0, 1.0, 1.0, waiting=w)]), SIZE), 1.13, 1.0) for w in (59.0, 61.0)]
    assert ring == [FLOOR, ALARM]


def test_a_plate_shows_its_face_and_progress() -> None:
    site = SiteRow(1, "amber", "push", 2, x=3.0, y=3.0, facing=math.pi / 2, progress=0.5, age=0.0)
    image = draw(STAGE, shot([], [site]), SIZE)
    full = palette(STAGE)["amber"]
    assert at(image, 3.0, 3.0) == INK  # the face, and it looks up: the plate lies below
    assert at(image, 3.0, 3.05) == FLOOR
    assert at(image, 2.85, 2.97) == full  # the left half is done
    pale = at(image, 3.15, 2.97)
    assert pale != FLOOR
    assert all(a <= b for a, b in zip(full, pale, strict=True))
    assert at(image, 3.35, 2.97) == FLOOR


def test_links_and_trails_join_their_points() -> None:
    robots = [robot(0, 1.0, 1.0), robot(1, 4.0, 1.0, strategy=1)]
    assert at(draw(STAGE, shot(robots, links=[(0, 1)]), SIZE), 2.5, 1.0) != FLOOR
    trails = np.array([[(1.0, 3.0), (4.0, 3.0)], [(1.0, 2.0), (np.nan, np.nan)], [(1.0, 1.0), (4.0, 1.0)]])
    image = draw(STAGE, shot(robots), SIZE, trails)
    assert at(image, 1.0, 2.5) != FLOOR
    assert at(image, 4.0, 2.5) == FLOOR  # the gap


def test_what_is_nowhere_is_left_out() -> None:
    robots = [robot(0, math.nan, 1.0), robot(1, 1.0, 1.0)]
    image = draw(STAGE, shot(robots, links=[(0, 1)]), SIZE)
    assert at(image, 0.95, 0.95) == COLOURS[0]


def test_trails_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"trails of shape \(3, 2, 2\): must be \(T, 1, 2\)"):
        draw(STAGE, shot([robot(0, 1.0, 1.0)]), SIZE, np.zeros((3, 2, 2)))


def test_save_writes_a_png_and_nothing_else(tmp_path: Path) -> None:
    save(tmp_path / "a.png", STAGE, shot([robot(0, 1.0, 1.0)]), (640, 360))
    with Image.open(tmp_path / "a.png") as image:
        assert (image.format, image.size) == ("PNG", (640, 360))
    with pytest.raises(ValueError, match=r"a\.bmp: a picture's name must end in \.png"):
        save(tmp_path / "a.bmp", STAGE, shot([]))


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (59.9, "0:59"), (754, "12:34"), (3725, "1:02:05")])
def test_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text


FRAMES = [Image.new("RGB", (65, 49), colour) for colour in ("red", "lime", "blue")]


def test_gif_holds_every_picture(tmp_path: Path) -> None:
    path, sizes = tmp_path / "a.gif", []
    with Video(path, fps=10) as video:
        for frame in FRAMES:
            video.write(frame)
            sizes.append(path.stat().st_size)
    assert 0 < sizes[0] < sizes[1] < sizes[2], "nothing is kept for the end"
    with Image.open(path) as image:
        assert image.n_frames == 3
        assert (image.info["duration"], image.info["loop"]) == (100, 0)
        for number, colour in enumerate([(255, 0, 0), (0, 255, 0), (0, 0, 255)]):
            image.seek(number)
            assert image.convert("RGB").getcolors() == [(65 * 49, colour)]


def test_mp4_holds_every_picture(tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    with Video(tmp_path / "a.mp4", fps=12.5) as video:
        for frame in FRAMES:
            video.write(frame)
    with av.open(str(tmp_path / "a.mp4")) as file:
        assert file.streams.video[0].average_rate == 12.5
        frames = [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]
    assert [frame.shape for frame in frames] == [(48, 64, 3)] * 3
    assert [int(frame[20, 30].argmax()) for frame in frames] == [0, 1, 2]


def test_mp4_without_pyav_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(ModuleNotFoundError, match="uv sync --extra video"):
        Video(tmp_path / "a.mp4")


def test_a_video_refuses_what_it_cannot_write(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"a\.avi: a video's name must end in \.mp4 or \.gif"):
        Video(tmp_path / "a.avi")
    with pytest.raises(ValueError, match=r"fps = 0: must lie in \[1, 60\]"):
        Video(tmp_path / "a.gif", fps=0)
    with Video(tmp_path / "a.gif") as video:
        video.write(FRAMES[0])
        with pytest.raises(ValueError, match=r"picture of \(2, 2\) pixels: the video has \(65, 49\)"):
            video.write(Image.new("RGB", (2, 2)))


def test_a_video_without_pictures_leaves_no_file(tmp_path: Path) -> None:
    with Video(tmp_path / "a.gif"):
        pass
    assert not (tmp_path / "a.gif").exists()
