"""Read a map in the format of ROS map_server: a YAML file with the meaning of an image's pixels.

A pixel of shade ``s`` (0 black, 1 white) is occupied with probability ``p = 1 - s`` (``p = s`` if
`negate`). A cell is free where ``p < free_thresh`` and it is known; everything else is wall, because a
place that nobody has mapped is no place to send robots. What is known depends on the mode:

======= ==================================================================================
trinary every pixel but 205, the grey that map_saver writes for unknown (see below)
scale   every opaque pixel
raw     pixels of 0 to 100, which are percentages: ``p = pixel / 100``, whatever `negate` says
======= ==================================================================================

Grey 205 is p = 0.196. map_saver of ROS 1 writes a free_thresh of 0.196 beside it, so it reads back as
unknown; that of Nav2 writes 0.25, so by the thresholds alone all unmapped space would be free.
"""

import math
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import yaml
from PIL import Image

MODES = ("trinary", "scale", "raw")
MOST_METRES = 60.0  # m, longest side of an arena
MOST_PIXELS = 2**26  # of an image, known or not
SAVED_UNKNOWN = 205  # grey that map_saver writes for unknown


class MapError(ValueError):
    """A map that cannot be used: what is wrong, in which file and key, and what is allowed."""


@dataclass(frozen=True, eq=False)
class Grid:
    """Free cells of a map, cropped to what is free and one cell of wall all around it."""

    free: np.ndarray  # (rows, cols) bool, row 0 at the bottom (lowest y)
    resolution: float  # m, side of a cell
    origin: tuple[float, float]  # m, x and y of the lower left corner of cell (0, 0)


def load(path: Path) -> Grid:
    """Read the map that the YAML file `path` describes. Raises MapError."""
    keys = _keys(path)
    resolution = _number(path, keys, "resolution", 0.001, 10)
    x, y = _origin(path, keys)
    pixels, alpha = _pixels(path, keys)
    rows, cols = np.nonzero(_free(path, keys, pixels, alpha))
    if rows.size == 0:
        _refuse(path, "image", keys["image"], "a map needs at least one free cell, this one has none")
    width, depth = (np.ptp(cols) + 1) * resolution, (np.ptp(rows) + 1) * resolution
    if max(width, depth) > MOST_METRES + 1e-9:
        size = f"{width:g} x {depth:g} m of free cells"
        _refuse(path, "image", keys["image"], f"{size}, at most {MOST_METRES:g} x {MOST_METRES:g} m are allowed")
    free = np.zeros((np.ptp(rows) + 3, np.ptp(cols) + 3), bool)
    free[rows.max() - rows + 1, cols - cols.min() + 1] = True
    left, below = int(cols.min()), int(pixels.shape[0] - 1 - rows.max())  # pixels beside and under them
    return Grid(free, resolution, (x + (left - 1) * resolution, y + (below - 1) * resolution))


def copy(path: Path, folder: Path) -> Path:
    """Copy a map that `load` reads into a new folder, its image beside the YAML file; the YAML file there."""
    keys = _keys(path)
    image = path.parent / keys["image"]
    folder.mkdir(parents=True)
    shutil.copy(image, folder)
    (folder / path.name).write_text(yaml.safe_dump(keys | {"image": image.name}, sort_keys=False), "utf-8")
    return folder / path.name


def _keys(path: Path) -> dict[str, Any]:
    """The YAML file's keys; all that are required are there."""
    try:
        keys = yaml.safe_load(path.read_bytes())
    except OSError as error:
        raise MapError(
            f"{path}: cannot be read ({error.strerror or error}); a map_server YAML file is needed"
        ) from None
    # PyYAML lets the errors of its scalar constructors through
    except (yaml.YAMLError, ValueError, LookupError, AttributeError, RecursionError) as error:
        raise MapError(f"{path}: is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(keys, dict):
        raise MapError(f"{path}: holds {_short(keys)}; a map_server YAML file holds keys such as image: map.pgm")
    for key in ("image", "resolution", "origin", "negate", "occupied_thresh", "free_thresh"):
        if key not in keys:
            raise MapError(f"{path}: {key} is missing; the file has {', '.join(map(str, keys)) or 'no keys'}")
    return keys


def _origin(path: Path, keys: dict[str, Any]) -> tuple[float, float]:
    """x, y of the image's lower left corner, m."""
    origin = keys["origin"]
    try:
        x, y, yaw = (float(v) for v in origin)
    except (TypeError, ValueError, OverflowError):
        x = y = yaw = math.nan
    if isinstance(origin, str) or not all(map(math.isfinite, (x, y, yaw))):
        _refuse(path, "origin", origin, "must be three numbers [x, y, yaw] in m and rad")
    if yaw != 0:
        _refuse(path, "origin", origin, "the yaw must be 0; turn the image instead")
    return x, y


def _pixels(path: Path, keys: dict[str, Any]) -> tuple[np.ndarray, np.ndarray | None]:
    """Shades of the image from 0 to 255, (rows, cols) float64, and its alpha channel if it has one."""
    name = keys["image"]
    if not isinstance(name, str) or not name:
        _refuse(path, "image", name, "must be the path of a PGM or PNG file, relative to the YAML file")
    try:
        with Image.open(path.parent / name, formats=("PPM", "PNG")) as image:
            if image.width * image.height > MOST_PIXELS:
                _refuse(
                    path,
                    "image",
                    name,
                    f"{image.width} x {image.height} pixels, at most {MOST_PIXELS} are allowed",
                )
            if image.mode.startswith("I"):
                return np.asarray(image, float) / 257, None  # 16 bits
            transparent = image.has_transparency_data
            bands = np.asarray(image.convert("RGBA" if transparent else "RGB"), float)
    except FileNotFoundError:
        _refuse(path, "image", name, "no such file beside the YAML file")
    except MapError:
        raise
    # Pillow tells of a broken file by any of these
    except (OSError, SyntaxError, EOFError, ValueError, Image.DecompressionBombError) as error:
        _refuse(path, "image", name, f"cannot be read as PGM or PNG ({error})")
    return bands[..., :3].mean(-1), bands[..., 3] if transparent else None


def _free(path: Path, keys: dict[str, Any], pixels: np.ndarray, alpha: np.ndarray | None) -> np.ndarray:
    """Which pixels are free, (rows, cols) bool, row 0 at the top as in the image."""
    mode, negate = keys.get("mode", "trinary"), keys["negate"]
    if mode not in MODES:
        _refuse(path, "mode", mode, f"must be one of {', '.join(MODES)}")
    if negate not in (0, 1):
        _refuse(path, "negate", negate, "must be 0 or 1")
    free_thresh = _number(path, keys, "free_thresh", 0, 1)
    occupied_thresh = _number(path, keys, "occupied_thresh", 0, 1)
    if free_thresh >= occupied_thresh:
        _refuse(path, "free_thresh", free_thresh, f"must be below occupied_thresh = {occupied_thresh:g}")
    if mode == "raw":
        return np.asarray(pixels < 100 * free_thresh)
    known = pixels != SAVED_UNKNOWN if mode == "trinary" else np.True_
    if alpha is not None and mode == "trinary":
        pixels = (3 * pixels + alpha) / 4  # map_server counts alpha as a fourth colour here
    elif alpha is not None:
        known = alpha == 255
    occupied = pixels / 255 if negate else 1 - pixels / 255
    return np.asarray(known & (occupied < free_thresh))


def _number(path: Path, keys: dict[str, Any], key: str, low: float, high: float) -> float:
    """The number under `key`, within [low, high]."""
    value = keys[key]
    try:
        number = math.nan if isinstance(value, bool) else float(value)  # also "5e-2", a string to PyYAML
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not low <= number <= high:
        _refuse(path, key, value, f"must be a number in [{low:g}, {high:g}]")
    return number


def _refuse(path: Path, key: str, value: object, reason: str) -> NoReturn:
    raise MapError(f"{path}: {key} = {_short(value)}: {reason}") from None


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
