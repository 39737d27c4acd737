"""Names that missions can use: arbiters, learners and sensors, those that ship and a user's own.

A plugin is a Python file that registers something when it is imported::

    from swarm.registry import arbiter

    @arbiter("coin")
    class Coin:
        ...

A mission loads it with ``plugins = ["coin.py"]`` under ``[mind]``; its parameters stand under
``[mind.parameters.coin]``.
"""

import importlib.util
import sys
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from robots import check
from robots.percept import percept_dtype

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from swarm.mission import Mission

WORDS = {bool: "true or false", int: "a whole number", float: "a number"}

T = TypeVar("T", bound=type)
P = TypeVar("P", bound="DataclassInstance")


class PluginError(ValueError):
    """A plugin that cannot be used, or a name that nobody registered."""


ARBITERS: dict[str, Any] = {}
LEARNERS: dict[str, Any] = {}
SENSORS: dict[str, Any] = {}


def arbiter(name: str) -> Callable[[T], T]:
    """Register a class as an arbiter, see `swarm.arbiters.Arbiter`."""
    return _register(ARBITERS, "arbiter", name)


def learner(name: str) -> Callable[[T], T]:
    """Register a class as a learner, see `swarm.learners.Learner`."""
    return _register(LEARNERS, "learner", name)


def sensor(name: str) -> Callable[[T], T]:
    """Register a class as a sensor, see `sim.world.Sensor`; every sensor of a mission's plugins is fitted."""
    return _register(SENSORS, "sensor", name)


def find(table: dict[str, Any], key: str, name: str) -> Any:
    """What is registered under `name`. Raises PluginError with the nearest name; `key` is the mission's."""
    if name in table:
        return table[name]
    raise PluginError(f"{key} = {name!r}: must be one of {', '.join(sorted(table))}{check.nearest(name, table)}")


def parameters(mission: "Mission", name: str, cls: type[P]) -> P:
    """The parameter class `cls` as ``[mind.parameters.NAME]`` of the mission sets it. Raises PluginError.

    Its fields are numbers and truth values; what the mission leaves out keeps its default.
    """
    known: dict[str, Any] = {field.name: type(field.default) for field in fields(cls)}
    parts: dict[str, Any] = {}
    for key, value in mission.mind.parameters.get(name, {}).items():
        shown = str(value).lower() if isinstance(value, bool) else f"{value:g}"
        path = f"mind.parameters.{name}.{key} = {shown}"
        if key not in known:
            hint = check.nearest(key, known) or f"; known here: {', '.join(known)}"
            raise PluginError(f"{path}: unknown key{hint}")
        parts[key] = known[key](value)
        if parts[key] != value or isinstance(value, bool) != (known[key] is bool):
            raise PluginError(f"{path}: must be {WORDS[known[key]]}")
    try:
        return cls(**parts)
    except ValueError as error:
        raise PluginError(f"mind.parameters.{name}.{error}") from None


def build(mission: "Mission") -> tuple[Any, Any]:
    """The arbiter and the learner of a mission. Raises PluginError for what there is not, or cannot be built."""
    load(mission.mind.plugins)
    for name, cls in SENSORS.items():
        try:
            percept_dtype(mission.sensors, cls.fields)
        except Exception as error:
            raise PluginError(f"sensor {name!r}: its fields fit no percept: {type(error).__name__}: {error}") from error
    known = ARBITERS | LEARNERS
    for name in mission.mind.parameters:
        if name not in known:
            hint = check.nearest(name, known) or "; that of a plugin needs it in mind.plugins"
            raise PluginError(f"mind.parameters.{name}: no arbiter or learner has this name{hint}")
        for table in (ARBITERS, LEARNERS):
            if name in table:  # chosen or not, it says what is wrong with its parameters
                _begun(table[name], f"mind.parameters.{name}", mission)
    return (
        _made(ARBITERS, "mind.arbiter", mission.mind.arbiter, ("start", "step"), mission),
        _made(LEARNERS, "mind.learner", mission.mind.learner, ("start", "decide", "learn", "best", "rules"), mission),
    )


def _made(table: dict[str, Any], key: str, name: str, methods: Sequence[str], mission: "Mission") -> Any:
    cls = find(table, key, name)
    lacks = [method for method in methods if not callable(getattr(cls, method, None))]
    if lacks:
        raise PluginError(f"{key} = {name!r}: {cls.__name__} lacks {', '.join(lacks)}")
    return _begun(cls, f"{key} = {name!r}", mission)


def _begun(cls: Any, where: str, mission: "Mission") -> Any:
    try:
        return cls(mission)
    except ValueError:
        raise  # what is wrong with the mission, in words
    except Exception as error:
        raise PluginError(f"{where}: {told(error)}") from error


def told(error: BaseException) -> str:
    """What went wrong, and where, in one line."""
    where = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({Path(where.filename).name}, line {where.lineno})"


def load(plugins: Iterable[str]) -> None:
    """Import plugin files, each once a process. Raises PluginError where one fails, with its own words."""
    for plugin in plugins:
        path = Path(plugin).resolve()
        name = f"jerne_plugin_{path.stem}_{abs(hash(path))}"
        if name in sys.modules:
            continue
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None or not path.is_file():
            raise PluginError(f"mind.plugins = {plugin!r}: must be a Python file")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except (Exception, SystemExit) as error:
            del sys.modules[name]
            raise PluginError(f"mind.plugins = {plugin!r}: {type(error).__name__}: {error}") from error


def _register(table: dict[str, Any], what: str, name: str) -> Callable[[T], T]:
    def enter(cls: T) -> T:
        if name in table:
            raise PluginError(f"{what} {name!r} is registered twice")
        table[name] = cls
        return cls

    return enter
