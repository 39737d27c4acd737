"""Minds in files: what robots have learnt outlives their processes.

A file is sealed as `classifier.sealed` has it, under the name `jerne-mind`: a line of JSON that holds who learnt it
with what, and the tree of its state, then the arrays of that tree, in order. It keeps what arbiter and
learner are made of: arrays, numbers, text, None, tuples, lists, dicts, named tuples and dataclasses of those. Of
the memory it keeps what does not depend on a place and a moment (`KEPT`), and what it believes that kinds of sites
take; arbiters and learners whose state holds ticks have a method `resumed`, which is given it. Nothing in a file is
ever run: types come from the arbiter and the learner themselves, which start anew and get their old values back.

A file is replaced whole, and the one before it kept beside it (`before`).
"""

import json
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import fields, is_dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from classifier.sealed import StoreError, seal, unseal, write
from swarm import mind
from swarm.mission import Mission
from swarm.report import ACTIONS, STRATEGIES
from swarm.situation import BITS

MAGIC, VERSION = "jerne-mind", 2
KEPT = ("strategy", "lessons")  # fields of swarm.memory.MEMORY
EVERY = 10.0  # s, simulated or the robot's own, between two savings

__all__ = ["StoreError", "before", "file", "is_there", "latest", "load", "save", "whole"]


def file(folder: Path, robot: int) -> Path:
    """The file of a robot's mind in the folder of a run."""
    return folder / "minds" / f"{robot}.mind"


def whole(folder: Path) -> Path:
    """The file of all minds of a run that had them in one process."""
    return folder / "minds" / "all.mind"


def before(path: Path) -> Path:
    """Where the file lies that `path` has replaced."""
    return path.with_name(f"{path.name}.before")


def is_there(path: Path) -> bool:
    """Is there a mind in `path`, or the one before it?"""
    return path.exists() or before(path).exists()


def save(path: Path, it: mind.Mind, *, durable: bool = True) -> None:
    """Write a mind; the file that was there is kept. Raises StoreError for a state that cannot be saved, OSError.

    `durable`: wait until the disk has it, so that it outlives a loss of power too.
    """
    arrays: list[np.ndarray] = []
    tree = {
        "arbiter": _plain(it.arbiter_state, f"arbiter {it.mission.mind.arbiter!r}", arrays),
        "learner": _plain(it.learner_state, f"learner {it.mission.mind.learner!r}", arrays),
        "needs": _plain(it.needs, "needs", arrays),
        "memory": _plain({name: it.memory[name] for name in KEPT}, "memory", arrays),
    }
    head = {"robots": it.ids.tolist(), **_about(it.mission), "tree": tree}
    body = json.dumps(head).encode() + b"\n" + b"".join(array.tobytes() for array in arrays)
    with suppress(FileNotFoundError):
        os.replace(path, before(path))
    write(path, seal(MAGIC, VERSION, body), durable=durable)


def load(path: Path, mission: Mission) -> mind.Mind:
    """The mind in a file, ready to go on in `mission`.

    Where a saving was interrupted it is the mind of the one before. Raises StoreError for a file that is damaged, that
    is no mind, or whose mind does not fit the mission.
    """
    if not path.exists() and before(path).exists():
        path = before(path)
    head, _, data = unseal(path, MAGIC, VERSION, "mind").partition(b"\n")
    try:
        saved = json.loads(head)
        for what, value in _about(mission).items():
            if saved[what] != value:
                raise StoreError(f"{what} is {saved[what]!r}, the mission has {value!r}")
        it = mind.start(mission, saved["robots"])
        reader = _Reader(data)
        tree = saved["tree"]
        it.arbiter_state = reader.build(tree["arbiter"], it.arbiter_state, f"arbiter {mission.mind.arbiter!r}")
        it.learner_state = reader.build(tree["learner"], it.learner_state, f"learner {mission.mind.learner!r}")
        it.needs = reader.build(tree["needs"], it.needs, "needs")
        memory = reader.build(tree["memory"], {name: it.memory[name] for name in KEPT}, "memory")
    except StoreError as error:
        raise StoreError(f"{path}: {error}") from None
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        raise StoreError(f"{path}: holds no mind: {error!r}") from None
    it.arbiter_state, it.learner_state = _resumed(it.arbiter, it.arbiter_state), _resumed(it.learner, it.learner_state)
    for name in KEPT:
        it.memory[name] = memory[name]
    it.reports["rules"] = it.learner.rules(it.learner_state)
    return it


def latest(paths: Sequence[Path], mission: Mission, say: Callable[[str], None]) -> mind.Mind | None:
    """The mind in the first of these files or those before them that can be loaded; `say` is told why others not."""
    for one in (one for path in paths for one in (path, before(path))):
        if one.exists():
            try:
                return load(one, mission)
            except StoreError as error:
                say(str(error))
    return None


def _resumed(part: Any, state: Any) -> Any:
    """A state as an arbiter or learner takes it up again, at a tick that has nothing to do with those in it."""
    return part.resumed(state) if hasattr(part, "resumed") else state


def _about(mission: Mission) -> dict[str, object]:
    """What a mind must have in common with a mission to go on in it."""
    names = {"arbiter": mission.mind.arbiter, "learner": mission.mind.learner}
    strategies = list(STRATEGIES[: mission.mind.strategies])
    return {**names, "bits": BITS, "actions": list(ACTIONS), "strategies": strategies}


def _plain(state: Any, where: str, arrays: list[np.ndarray]) -> list[Any]:
    """A state as JSON; its arrays are appended to `arrays`."""
    if isinstance(state, np.ndarray | np.generic) and not np.asarray(state).dtype.hasobject:
        array = np.ascontiguousarray(state).reshape(np.shape(state))
        arrays.append(array)
        return ["array", array.dtype.descr if array.dtype.names else array.dtype.str, list(array.shape)]
    if state is None or type(state) in (bool, int, float, str):
        return ["value", state]
    if type(state) is dict and all(type(key) in (int, str) for key in state):
        return ["dict", [[key, _plain(value, f"{where}[{key!r}]", arrays)] for key, value in state.items()]]
    if type(state) in (list, tuple):
        parts = [_plain(value, f"{where}[{i}]", arrays) for i, value in enumerate(state)]
        return [type(state).__name__, parts]
    if names := _fields(state):
        return ["record", [[name, _plain(getattr(state, name), f"{where}.{name}", arrays)] for name in names]]
    raise StoreError(
        f"{where}: {type(state).__name__} cannot be saved: must be made of arrays, numbers, text, None, "
        "tuples, lists, dicts, named tuples and dataclasses"
    )


class _Reader:
    """Builds states from trees, taking their arrays from `data` in order."""

    def __init__(self, data: bytes) -> None:
        self.data, self.place = data, 0

    def build(self, tree: list[Any], like: Any, where: str) -> Any:
        """A state; `like` is the state of a mind that starts anew, None where it has none such."""
        kind, content, *rest = tree
        if kind == "array":
            return self.array(content, rest[0], like, where)
        if kind == "value":
            return content
        if kind == "dict":
            known = like if isinstance(like, dict) else {}
            return {key: self.build(part, known.get(key), f"{where}[{key!r}]") for key, part in content}
        if kind in ("list", "tuple"):
            known = dict(enumerate(like)) if isinstance(like, list | tuple) else {}
            parts = [self.build(part, known.get(i), f"{where}[{i}]") for i, part in enumerate(content)]
            return parts if kind == "list" else tuple(parts)
        names = [name for name, _ in content]
        if _fields(like) != names:
            raise StoreError(
                f"{where}: has {', '.join(names)}, this mission needs {', '.join(_fields(like)) or 'none'}"
            )
        return type(like)(**{name: self.build(part, getattr(like, name), f"{where}.{name}") for name, part in content})

    def array(self, dtype: Any, shape: list[int], like: Any, where: str) -> Any:
        kind = np.dtype([(f[0], f[1], *map(tuple, f[2:])) for f in dtype] if isinstance(dtype, list) else dtype)
        if isinstance(like, np.ndarray) and (like.dtype, like.shape) != (kind, tuple(shape)):
            raise StoreError(
                f"{where}: is {kind} of shape {tuple(shape)}, this mission needs {like.dtype} of shape {like.shape}"
            )
        array = np.frombuffer(self.data, kind, prod(shape), self.place).reshape(shape).copy()
        self.place += array.nbytes
        return array if shape or isinstance(like, np.ndarray) else array[()]


def _fields(state: Any) -> list[str]:
    """The fields of a named tuple or a dataclass, none of others."""
    if isinstance(state, tuple) and hasattr(state, "_fields"):
        return list(state._fields)
    return [field.name for field in fields(state)] if is_dataclass(state) and not isinstance(state, type) else []
