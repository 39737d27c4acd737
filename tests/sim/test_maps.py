"""Maps in the format of ROS map_server: what is read, and what is said of files that are no maps."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from sim import maps

REAL = sorted((Path(__file__).parents[3] / "shared/maps").glob("*.yaml"))
OFFICE = Path(__file__).parents[2] / "missions/office.yaml"
KEYS: dict[str, Any] = {
    "image": "map.png",
    "resolution": 0.5,
    "origin": [-1.0, 2.0, 0.0],
    "negate": 0,
    "occupied_thresh": 0.65,
    "free_thresh": 0.196,
}


def write(folder: Path, pixels: np.ndarray | Image.Image, **keys: Any) -> Path:
    """A map of `pixels`, top row first; keys that are None are left out."""
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(np.asarray(pixels, np.uint8))
    image.save(folder / "map.png")
    path = folder / "map.yaml"
    path.write_text(yaml.safe_dump({k: v for k, v in (KEYS | keys).items() if v is not None}))
    return path


def test_free_cells_and_origin(tmp_path: Path) -> None:
    # top row first: free cells are (1, 2), (2, 2) and (2, 3)
    pixels = np.array([[0, 0, 0, 0, 0], [0, 0, 254, 0, 0], [0, 0, 254, 254, 0], [205, 205, 205, 205, 205]])
    grid = maps.load(write(tmp_path, pixels))
    assert grid.free.astype(int).tolist() == [[0, 0, 0, 0], [0, 1, 1, 0], [0, 1, 0, 0], [0, 0, 0, 0]]
    assert grid.resolution == 0.5
    assert grid.origin == (-1.0 + 1 * 0.5, 2.0)


def test_beyond_the_image_is_wall(tmp_path: Path) -> None:
    grid = maps.load(write(tmp_path, np.full((2, 3), 255)))
    assert grid.free.shape == (4, 5)
    assert grid.free[1:-1, 1:-1].all()
    assert grid.free.sum() == 6
    assert grid.origin == (-1.5, 1.5)


@pytest.mark.parametrize(
    ("keys", "free"),
    [
        ({}, [230, 254, 255]),
        ({"mode": "trinary", "free_thresh": 0.25}, [200, 230, 254, 255]),  # 205 stays unknown
        ({"mode": "scale"}, [230, 254, 255]),
        ({"mode": "scale", "free_thresh": 0.25}, [200, 205, 230, 254, 255]),
        ({"mode": "raw"}, [0, 10, 19]),
        ({"negate": 1}, [0, 10, 19, 20, 49]),
        ({"negate": True, "free_thresh": "5e-2"}, [0, 10]),
    ],
)
def test_modes(tmp_path: Path, keys: dict[str, Any], free: list[int]) -> None:
    shades = np.array([[0, 10, 19, 20, 49, 100, 200, 205, 230, 254, 255]])
    grid = maps.load(write(tmp_path, shades, **keys))
    left = round((grid.origin[0] + 1) / 0.5)  # image column of the grid's first one
    assert shades[0, np.flatnonzero(grid.free[1]) + left].tolist() == free


def test_alpha(tmp_path: Path) -> None:
    shades, alpha = np.full((1, 4), 255, np.uint8), np.array([[255, 254, 100, 255]], np.uint8)
    image = Image.fromarray(np.stack([shades, alpha], -1))
    assert image.mode == "LA"
    scale = maps.load(write(tmp_path, image, mode="scale"))
    assert scale.free[1].tolist() == [False, True, False, False, True, False]
    # averaged in: (3 * 255 + 100) / 4 = 216 is 0.15 occupied
    assert maps.load(write(tmp_path, image, free_thresh=0.16)).free.sum() == 4
    assert maps.load(write(tmp_path, image, free_thresh=0.15)).free.sum() == 3


@pytest.mark.parametrize(
    "pgm",
    [
        b"P2\n# made by hand\n3 2\n255\n0 254 0\n0 254 254\n",
        b"P5 3 2 255\n\x00\xfe\x00\x00\xfe\xfe",
        b"P5\n# CREATOR: map_saver\n3 2\n65535\n\x00\x00\xfe\xfe\x00\x00\x00\x00\xfe\xfe\xfe\xfe",
        b"P2\n3 2\n100\n0 99 0\n0 99 99\n",
    ],
)
def test_pgm(tmp_path: Path, pgm: bytes) -> None:
    path = write(tmp_path, np.zeros((1, 1)), image="map.pgm")
    (tmp_path / "map.pgm").write_bytes(pgm)
    assert maps.load(path).free[1:-1, 1:-1].tolist() == [[True, True], [True, False]]


def test_margin_does_not_count(tmp_path: Path) -> None:
    pixels = np.full((2048, 2048), 205)
    pixels[1000:1010, 500:520] = 254
    grid = maps.load(write(tmp_path, pixels, free_thresh=0.25, resolution=0.05))
    assert grid.free.shape == (12, 22)
    assert grid.origin == pytest.approx((-1 + 499 * 0.05, 2 + (2048 - 1010 - 1) * 0.05))


def test_largest_arena(tmp_path: Path) -> None:
    assert maps.load(write(tmp_path, np.full((1200, 1200), 254), resolution=0.05)).free.sum() == 1200**2
    with pytest.raises(maps.MapError, match=r"map\.png.*60\.05 x 60 m .*at most 60 x 60 m"):
        maps.load(write(tmp_path, np.full((1200, 1201), 254), resolution=0.05))


@pytest.mark.parametrize("path", [OFFICE, *REAL], ids=lambda path: path.stem)
def test_maps_of_others(path: Path) -> None:
    grid = maps.load(path)
    assert not np.concatenate([grid.free[0], grid.free[-1], grid.free[:, 0], grid.free[:, -1]]).any()
    assert grid.free[1].any()
    assert grid.free[:, -2].any()
    keys = yaml.safe_load(path.read_text())
    pixels = np.asarray(Image.open(path.parent / keys["image"]))
    assert grid.free.sum() == (pixels > 205).sum()


def test_office() -> None:
    grid = maps.load(OFFICE)
    assert (OFFICE.parent / "office.pgm").stat().st_size < 30_000
    rows, cols = grid.free.shape
    x, y = grid.origin
    assert (x + cols * grid.resolution / 2, y + rows * grid.resolution / 2) == pytest.approx((0, 0))
    assert (cols * grid.resolution, rows * grid.resolution) == pytest.approx((7.9, 5.9))


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("resolution", 0, r"resolution = 0: must be a number in \[0.001, 10\]"),
        ("resolution", -0.05, "resolution = -0.05: must be"),
        ("resolution", math.nan, "resolution = nan: must be"),
        ("resolution", math.inf, "resolution = inf: must be"),
        ("resolution", "fine", "resolution = 'fine': must be"),
        ("resolution", True, "resolution = True: must be"),
        ("resolution", [0.05], r"resolution = \[0.05\]: must be"),
        ("free_thresh", -0.1, r"free_thresh = -0.1: must be a number in \[0, 1\]"),
        ("occupied_thresh", 65, "occupied_thresh = 65: must be"),
        ("free_thresh", 0.65, "free_thresh = 0.65: must be below occupied_thresh = 0.65"),
        ("origin", [0, 0], r"origin = \[0, 0\]: must be three numbers"),
        ("origin", "000", "origin = '000': must be three numbers"),
        ("origin", 5, "origin = 5: must be three numbers"),
        ("origin", [0, math.nan, 0], "must be three numbers"),
        ("origin", [0, 0, 0.5], r"origin = \[0, 0, 0.5\]: the yaw must be 0"),
        ("negate", "no", "negate = 'no': must be 0 or 1"),
        ("negate", 2, "negate = 2: must be 0 or 1"),
        ("mode", "binary", "mode = 'binary': must be one of trinary, scale, raw"),
        ("mode", ["raw"], r"mode = \['raw'\]: must be one of"),
        ("image", "lost.pgm", "image = 'lost.pgm': no such file"),
        ("image", 7, "image = 7: must be the path"),
        ("image", "", "image = '': must be the path"),
        ("image", ".", r"image = '\.': cannot be read"),
        ("image", "map.yaml", "image = 'map.yaml': cannot be read as PGM or PNG"),
        *((key, None, f"{key} is missing; the file has ") for key in KEYS),
    ],
)
def test_wrong_keys(tmp_path: Path, key: str, value: object, says: str) -> None:
    path = write(tmp_path, np.full((2, 2), 254), **{key: value})
    with pytest.raises(maps.MapError, match=says) as error:
        maps.load(path)
    assert str(error.value).startswith(f"{path}: {key} ")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "holds None"),
        (b"- 1\n- 2\n", r"holds \[1, 2\]"),
        (b"image: [", "is not YAML"),
        (b"image: !!python/object:os.system {}", "is not YAML"),
        (b"image: !!bool maybe", "is not YAML"),
        (b"image: !!timestamp never", "is not YAML"),
        (b"image: 2001-99-99", "is not YAML"),
        (b"\xff\xfe\x00", "is not YAML"),
        (b"[" * 1000, "is not YAML"),
    ],
)
def test_not_a_map(tmp_path: Path, text: bytes, says: str) -> None:
    path = tmp_path / "map.yaml"
    path.write_bytes(text)
    with pytest.raises(maps.MapError, match=says):
        maps.load(path)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(maps.MapError, match=r"lost\.yaml: cannot be read \(No such file"):
        maps.load(tmp_path / "lost.yaml")
    with pytest.raises(maps.MapError, match="cannot be read"):
        maps.load(tmp_path)


def test_nothing_free(tmp_path: Path) -> None:
    with pytest.raises(maps.MapError, match=r"image = 'map\.png': .* at least one free cell"):
        maps.load(write(tmp_path, np.zeros((4, 4))))


@pytest.mark.parametrize(
    "image",
    [
        b"",
        b"P5",
        b"P5 4 4 255\n\xfe\xfe",
        b"P2\n4 4\n255\n254 254",
        b"P2\n2 1\n255\n254 dog",
        b"P5 0 0 255\n",
        b"P5 -1 4 255\n\xfe",
        b"P5 100000 100000 255\n\xfe",
        b"P5 9000 9000 255\n\xfe",
        b"\x89PNG\r\n\x1a\n",
    ],
)
def test_broken_images(tmp_path: Path, image: bytes) -> None:
    path = write(tmp_path, np.zeros((1, 1)), image="map.pgm")
    (tmp_path / "map.pgm").write_bytes(image)
    with pytest.raises(maps.MapError, match=r"map\.yaml: image = 'map\.pgm': "):
        maps.load(path)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_damaged_png(tmp_path: Path, data: st.DataObject) -> None:
    """Whatever happens to a file, it is a map or a MapError."""
    path = write(tmp_path, np.full((8, 8), 254))
    whole = bytearray((tmp_path / "map.png").read_bytes())
    whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    (tmp_path / "map.png").write_bytes(whole[: data.draw(st.integers(0, len(whole)))])
    try:
        grid = maps.load(path)
    except maps.MapError:
        return
    assert grid.free.any()
