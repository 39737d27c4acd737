"""A run in the schemas of Foxglove, so that other programs draw it: pure functions to JSON.

Robots are frames ``robot_0``, ``robot_1`` ... in the frame ``arena``; the scene has walls, robots and
sites. https://docs.foxglove.dev/docs/visualization/message-schemas
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from sim.site import Event

HEIGHT = 0.1  # m, how high things are drawn
THICK = 0.06  # m, of a plate
_LEVELS = {"info": 2, "warning": 3, "error": 4}
_STAMP = {"type": "object", "properties": {"sec": {"type": "integer"}, "nsec": {"type": "integer"}}}
_XYZ = {"type": "object", "properties": {axis: {"type": "number"} for axis in "xyz"}}
_XYZW = {"type": "object", "properties": {axis: {"type": "number"} for axis in "xyzw"}}
_RGBA = {"type": "object", "properties": {part: {"type": "number"} for part in "rgba"}}
_POSE = {"type": "object", "properties": {"position": _XYZ, "orientation": _XYZW}}
_TEXT, _NUMBER, _FLAG = {"type": "string"}, {"type": "number"}, {"type": "boolean"}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def _array(items: Any) -> dict[str, Any]:
    return {"type": "array", "items": items}


_SOLID = {"pose": _POSE, "size": _XYZ, "color": _RGBA}
_LABEL = {
    "pose": _POSE,
    "billboard": _FLAG,
    "font_size": _NUMBER,
    "scale_invariant": _FLAG,
    "color": _RGBA,
    "text": _TEXT,
}
_ENTITY = _object(
    timestamp=_STAMP,
    frame_id=_TEXT,
    id=_TEXT,
    lifetime=_STAMP,
    frame_locked=_FLAG,
    cubes=_array(_object(**_SOLID)),
    cylinders=_array(_object(**_SOLID, bottom_scale=_NUMBER, top_scale=_NUMBER)),
    texts=_array(_object(**_LABEL)),
)

#: JSON schemas by name
SCHEMAS = {
    "foxglove.FrameTransforms": _object(
        transforms=_array(
            _object(timestamp=_STAMP, parent_frame_id=_TEXT, child_frame_id=_TEXT, translation=_XYZ, rotation=_XYZW)
        )
    ),
    "foxglove.SceneUpdate": _object(
        deletions=_array(_object(timestamp=_STAMP, type={"type": "integer"}, id=_TEXT)), entities=_array(_ENTITY)
    ),
    "foxglove.Log": _object(
        timestamp=_STAMP, level={"type": "integer"}, message=_TEXT, name=_TEXT, file=_TEXT, line={"type": "integer"}
    ),
}


def schema(name: str) -> bytes:
    """The JSON schema of that name."""
    return msgspec.json.encode({"title": name, **SCHEMAS[name]})


def transforms(time: float, poses: np.ndarray) -> bytes:
    """FrameTransforms: where the robots are; `poses` (N, 3) x, y in m, heading in rad."""
    stamp, half = _stamp(time), poses[:, 2] / 2
    table = np.stack([poses[:, 0], poses[:, 1], np.sin(half), np.cos(half)], -1).round(4).tolist()
    return msgspec.json.encode(
        {
            "transforms": [
                {
                    "timestamp": stamp,
                    "parent_frame_id": "arena",
                    "child_frame_id": f"robot_{robot}",
                    "translation": {"x": x, "y": y, "z": 0},
                    "rotation": {"x": 0, "y": 0, "z": z, "w": w},
                }
                for robot, (x, y, z, w) in enumerate(table)
            ]
        }
    )


def log(event: Event) -> bytes:
    """Log: something that happened."""
    return msgspec.json.encode(
        {
            "timestamp": _stamp(event.time),
            "level": _LEVELS[event.level],
            "message": event.text,
            "name": "jerne",
            "file": "",
            "line": 0,
        }
    )


def level(number: int) -> str:
    """The level of an event, from its number in a Log."""
    return next((name for name, value in _LEVELS.items() if value == number), "info")


def stage(
    walls: Sequence[tuple[float, float, float, float]], radius: float, strategies: Sequence[int], time: float
) -> bytes:
    """SceneUpdate: walls (x, y, width, depth in m) and robots, coloured by `strategies` (N,)."""
    floor = [_cube(x, y, 0.0, width, depth, (0.36, 0.36, 0.38)) for x, y, width, depth in walls]
    entities = [_entity(time, "walls", "arena", cubes=floor)] if floor else []
    return _scene(time, [*entities, *(_robot(time, i, radius, s) for i, s in enumerate(strategies))], [])


def scene(
    time: float,
    sites: Sequence[Sequence[Any]],
    gone: Sequence[int],
    changed: Mapping[int, int],
    radius: float,
    face: float,
    colours: Mapping[str, tuple[int, int, int]],
) -> bytes:
    """SceneUpdate: open `sites` (rows of `swarm.record`), those `gone`, robots whose strategy has `changed`."""
    entities = [_site(time, site, face, colours) for site in sites]
    entities += [_robot(time, robot, radius, strategy) for robot, strategy in changed.items()]
    return _scene(time, entities, [f"site {number}" for number in gone])


def _site(time: float, site: Sequence[Any], face: float, colours: Mapping[str, tuple[int, int, int]]) -> dict[str, Any]:
    number, x, y, facing, progress, kind, action, team, _ = site
    red, green, blue = (c / 255 for c in colours[kind])
    back = THICK / 2
    x, y = x - back * math.cos(facing), y - back * math.sin(facing)
    text = {
        "pose": _pose(x, y, 2 * HEIGHT, 0.0),
        "billboard": True,
        "font_size": 12,
        "scale_invariant": True,
        "color": {"r": 0.1, "g": 0.1, "b": 0.1, "a": 1},
        "text": f"{kind}: {action} x{team}, {progress:.0%}",
    }
    plate = _cube(x, y, facing, THICK, face, (red, green, blue))
    return _entity(time, f"site {number}", "arena", cubes=[plate], texts=[text])


def _robot(time: float, robot: int, radius: float, strategy: int) -> dict[str, Any]:
    red, green, blue = ((0.9, 0.62, 0.0), (0.0, 0.45, 0.7), (0.0, 0.62, 0.45), (0.8, 0.47, 0.65))[strategy]
    body = {
        "pose": _pose(0, 0, HEIGHT / 2, 0.0),
        "size": {"x": 2 * radius, "y": 2 * radius, "z": HEIGHT},
        "bottom_scale": 1,
        "top_scale": 0.8,
        "color": {"r": red, "g": green, "b": blue, "a": 1},
    }
    nose = _cube(radius, 0.0, 0.0, radius / 2, radius / 2, (0.1, 0.1, 0.1))
    return _entity(time, f"robot {robot}", f"robot_{robot}", cylinders=[body], cubes=[nose])


def _scene(time: float, entities: list[dict[str, Any]], gone: Sequence[str]) -> bytes:
    deletions = [{"timestamp": _stamp(time), "type": 0, "id": name} for name in gone]
    return msgspec.json.encode({"deletions": deletions, "entities": entities})


def _entity(time: float, name: str, frame: str, **parts: Any) -> dict[str, Any]:
    lasting = {"sec": 0, "nsec": 0}  # until it is replaced
    return {
        "timestamp": _stamp(time),
        "frame_id": frame,
        "id": name,
        "lifetime": lasting,
        "frame_locked": True,
        "metadata": [],
        "arrows": [],
        "cubes": [],
        "spheres": [],
        "cylinders": [],
        "lines": [],
        "triangles": [],
        "texts": [],
        "models": [],
        **parts,
    }


def _cube(
    x: float, y: float, heading: float, width: float, depth: float, colour: tuple[float, float, float]
) -> dict[str, Any]:
    red, green, blue = colour
    return {
        "pose": _pose(x, y, HEIGHT / 2, heading),
        "size": {"x": width, "y": depth, "z": HEIGHT},
        "color": {"r": round(red, 3), "g": round(green, 3), "b": round(blue, 3), "a": 1},
    }


def _pose(x: float, y: float, z: float, heading: float) -> dict[str, Any]:
    turn = {"x": 0, "y": 0, "z": round(math.sin(heading / 2), 4), "w": round(math.cos(heading / 2), 4)}
    return {"position": {"x": round(x, 4), "y": round(y, 4), "z": z}, "orientation": turn}


def _stamp(time: float) -> dict[str, int]:
    nanoseconds = round(time * 1e9)
    return {"sec": nanoseconds // 10**9, "nsec": nanoseconds % 10**9}
