"""Names that missions can use: arbiters, learners and sensors, those that ship and a user's own.

A plugin is a Python file that registers something when it is imported::

    from swarm.registry import arbiter

    @arbiter("coin")
    class Coin:
        ...

A mission loads it with ``plugins = ["coin.py"]`` under ``[mind]``.
"""

import difflib
import importlib.util
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T", bound=type)


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
    near = difflib.get_close_matches(name, table, 1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    raise PluginError(f"{key} = {name!r}: must be one of {', '.join(sorted(table))}{hint}")


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
        except Exception as error:
            del sys.modules[name]
            raise PluginError(f"mind.plugins = {plugin!r}: {type(error).__name__}: {error}") from error


def _register(table: dict[str, Any], what: str, name: str) -> Callable[[T], T]:
    def enter(cls: T) -> T:
        if name in table:
            raise PluginError(f"{what} {name!r} is registered twice")
        table[name] = cls
        return cls

    return enter
