"""From a spec to the runs that it asks for: every cell of the study with its mission."""

import hashlib
import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from swarm import missionfile, registry
from swarm.mission import Mission
from swarm.missionfile import MissionError
from swarm.study import changes
from swarm.study.spec import Sets, Spec

GOES_ON, RESET = "goes on", "reset"  # variants: what happens to the minds at the change
ALLOWED = ("mind", "radio")  # what a controller may set; all else is the world, the same for all


@dataclass(frozen=True)
class Condition:
    """Under which circumstances: assignments to the mission, and where in the sweep they are."""

    name: str
    base: str = ""  # as the spec names it; empty: it names none
    sets: Sets = ()
    place: tuple[object, ...] = ()  # a value for each axis


@dataclass(frozen=True)
class Cell:
    """One controller under one condition and change, played with every seed."""

    condition: str
    change: str
    controller: str
    variant: str
    mission: Mission = field(compare=False)  # its seed is set by `Cell.seeded`

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What tells it from the others."""
        return self.condition, self.change, self.controller, self.variant

    @property
    def reset(self) -> float | None:
        """When the minds start afresh, s; None: never."""
        return self.mission.duration - self.mission.phases[-1].duration if self.variant == RESET else None

    @property
    def digest(self) -> str:
        """Stands for all that the outcome depends on, but seed and code: mission, and the files it names."""
        parts = [missionfile.dumps(replace(self.mission, seed=0)).encode(), self.variant.encode()]
        arena, robots, mind = self.mission.arena, self.mission.robots, self.mission.mind
        files = [*mind.plugins, *([arena.map] if arena.map else []), *([robots.body] if "." in robots.body else [])]
        return hashlib.sha256(b"\0".join(parts + [Path(file).read_bytes() for file in files])).hexdigest()

    def seeded(self, seed: int) -> Mission:
        """Its mission with this seed."""
        return replace(self.mission, seed=seed)


def conditions(spec: Spec) -> list[Condition]:
    """All conditions of a study: those that are named, at every place of the sweep."""
    named = spec.conditions or {"": ()}
    out = []
    for name, sets in named.items():
        for place in itertools.product(*(axis.values for axis in spec.sweep)):
            values = [f"{axis.label or axis.key} = {value}" for axis, value in zip(spec.sweep, place, strict=True)]
            swept = tuple(
                f"{axis.key}={missionfile.toml(value)}" for axis, value in zip(spec.sweep, place, strict=True)
            )
            label = ", ".join([*([name] if name else []), *values])
            out.append(Condition(label or "nominal", name, (*sets, *swept), place))
    return out


def cells(spec: Spec, folder: Path) -> list[Cell]:
    """All cells of a study; paths in it are relative to `folder`. Raises MissionError for what does not fit."""
    errors: list[str] = []
    out = list(_cells(spec, folder, errors))
    if errors:
        raise MissionError(dict.fromkeys(errors))
    return out


def _cells(spec: Spec, folder: Path, errors: list[str]) -> Iterator[Cell]:
    base = changed(base_mission(spec, folder), spec.set, "set", folder)
    for name, sets in spec.all_controllers().items():
        errors += [
            f"controllers.{name}: {text}: a controller may set mind and radio, all else is the world"
            for text in sets
            if text.split(".")[0].split("=")[0].strip() not in ALLOWED
        ]
    for condition in conditions(spec):
        try:
            there = changed(base, condition.sets, f"condition {condition.name}", folder)
        except MissionError as error:
            errors += error.errors
            continue
        for name, change in spec.all_changes().items():
            try:
                world = changes.schedule(there, change, spec.before, spec.after)
                world = changed(world, change.set, f"changes.{name}.set", folder)
            except ValueError as error:
                errors += [f"changes.{name}: {line}" for line in str(error).splitlines()]
                continue
            for controller, sets in spec.all_controllers().items():
                try:
                    mission = changed(world, sets, f"controllers.{controller}", folder)
                    check(mission, f"controllers.{controller}")
                except ValueError as error:
                    errors += str(error).splitlines()
                    continue
                if (lasts := mission.phases[-1].duration) < spec.window:
                    errors.append(
                        f"changes.{name}: its last phase lasts {lasts:g} s, window = {spec.window:g} is longer"
                    )
                    continue
                yield Cell(condition.name, name, controller, GOES_ON, mission)
                if spec.reset and len(mission.phases) > 1 and controller != spec.reference:
                    yield Cell(condition.name, name, controller, RESET, mission)


def base_mission(spec: Spec, folder: Path) -> Mission:
    """The mission that a study is about: one that ships, or a file from `folder`. Raises MissionError."""
    beside = folder / spec.mission
    try:
        return missionfile.load(beside if os.path.isfile(beside) else missionfile.find(spec.mission))
    except MissionError as error:
        raise MissionError([f"mission: {line}" for line in error.errors]) from None


def changed(mission: Mission, sets: Sets, name: str, folder: Path) -> Mission:
    """`mission` after assignments, whose paths are relative to `folder`. Raises MissionError."""
    if not sets:
        return mission
    return missionfile.anchored(missionfile.assign(mission, sets, name), folder, name)


def check(mission: Mission, name: str) -> None:
    """Refuse arbiters, learners and parameters that nobody knows. Raises MissionError."""
    import swarm.mind  # noqa: F401 - what ships registers itself when it is imported

    try:
        registry.build(mission)
    except registry.PluginError as error:
        raise MissionError([f"{name}: {error}"]) from None
