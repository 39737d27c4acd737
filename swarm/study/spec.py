"""What a study is: controllers, changes, conditions and seeds over a base mission, read from TOML.

`read` is as strict as missions are. The file `template.toml` beside this module explains every key.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path

from robots import check
from swarm import missionfile
from swarm.missionfile import MissionError

VERSION = 1  # of the format
CHANGES = ("none", "density", "team", "meaning", "place", "new", "lost", "mission")
TUNED = "tuned.toml"

Sets = tuple[str, ...]  # assignments ``key.path=value`` to a mission


@dataclass(frozen=True)
class Change:
    """How the world changes: what the first phase of the base mission turns into."""

    type: str = ""  # one of CHANGES; empty: as the table is named
    back: bool = False  # and back again to the first regime: a recurrence
    factor: float = 0.4  # density: of the arrivals' rate and of the sites open at once
    team: int = 2  # team: robots that every kind then needs
    clusters: int = 2  # place: number of clusters
    share: float = 0.4  # lost: of the robots
    set: Sets = ()  # further assignments to the mission that comes out

    def __post_init__(self) -> None:
        check.choice("type", self.type, ("", *CHANGES))
        check.number("factor", self.factor, 0.01, 100)
        check.number("team", self.team, 1, 4)
        check.number("clusters", self.clusters, 1, 20)
        check.number("share", self.share, 0.01, 0.99)


@dataclass(frozen=True)
class Axis:
    """A mission key that is swept; with several axes all combinations are played."""

    key: str  # as in --set; * stands for every entry, as in phases.*.kinds.*.team
    values: tuple[object, ...]
    label: str = ""  # in figures; empty: the key

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError("values = []: must hold at least one value")
        object.__setattr__(self, "values", tuple(map(_fixed, self.values)))  # whole places can be keys
        for place, value in enumerate(self.values):
            if value in self.values[:place]:
                raise ValueError(f"values[{place}] = {value}: is there already")


def _fixed(value: object) -> object:
    return tuple(map(_fixed, value)) if isinstance(value, list | tuple) else value


@dataclass(frozen=True)
class Grid:
    """Every one of these arbiters with every one of these learners, as further controllers "ARBITER x LEARNER"."""

    arbiters: tuple[str, ...] = ()
    learners: tuple[str, ...] = ()


@dataclass(frozen=True)
class Range:
    """Where a parameter is searched."""

    low: float
    high: float
    log: bool = False  # search on a logarithmic scale
    whole: bool = False  # whole numbers only

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ValueError(f"high = {self.high:g}: must be above low = {self.low:g}")
        if self.log and self.low <= 0:
            raise ValueError(f"low = {self.low:g}: must be above 0 on a logarithmic scale")


@dataclass(frozen=True)
class Tune:
    """A search for the best parameters of each controller, with the same budget for all."""

    budget: int = 16  # parameter sets played per controller, its own one included
    seeds: int = 3  # missions per parameter set and change
    first_seed: int = 1
    changes: tuple[str, ...] = ()  # played while tuning; empty: all
    set: Sets = ()  # further assignments to the missions, such as shorter phases
    ranges: Mapping[str, Mapping[str, Range]] = field(default_factory=dict)  # controller -> mission key -> range

    def __post_init__(self) -> None:
        check.number("budget", self.budget, 1, 10_000)
        check.number("seeds", self.seeds, 1, 10_000)
        check.number("first_seed", self.first_seed, 0, 2**62)


@dataclass(frozen=True)
class Spec:
    """A study, whole."""

    version: int
    name: str
    about: str = ""
    mission: str = "default"  # of which the first phase is the regime before each change
    set: Sets = ()  # assignments to it
    seeds: int = 30  # missions per cell, paired: the same arrivals for all controllers
    first_seed: int = 1001
    before: float = 300.0  # s in the first regime
    after: float = 300.0  # s in each further one
    window: float = 60.0  # s over which rates are taken in recovery times and curves
    reset: bool = True  # also play every controller with minds that start afresh at the change
    against: tuple[str, ...] = ()  # controllers that all others are compared with
    reference: str = ""  # the controller with known rules: the rate that can be had
    equivalent: tuple[str, ...] = ()  # two conditions that should give the same
    margin: float = 0.15  # by how much they may differ
    tuned: str = ""  # a file of tuned assignments, as tuning writes it
    controllers: Mapping[str, Sets] = field(default_factory=dict)
    grid: Grid = field(default_factory=Grid)
    changes: Mapping[str, Change] = field(default_factory=dict)
    conditions: Mapping[str, Sets] = field(default_factory=dict)
    sweep: tuple[Axis, ...] = ()
    tune: Tune = field(default_factory=Tune)

    def __post_init__(self) -> None:
        check.choice("version", self.version, (VERSION,))
        check.number("seeds", self.seeds, 1, 100_000)
        check.number("first_seed", self.first_seed, 0, 2**62)
        check.number("before", self.before, 1, 1e6)
        check.number("after", self.after, 1, 1e6)
        if not 1 <= self.window <= self.after:
            raise ValueError(
                f"window = {self.window:g}: must lie in [1, {self.after:g}], up to `after`; it is 60 unless set"
            )
        check.number("margin", self.margin, 0.001, 0.9)
        if self.equivalent and len(self.equivalent) != 2:
            raise ValueError(f"equivalent = {list(self.equivalent)}: must name two conditions")
        names = self.all_controllers()
        if not names:
            raise ValueError("controllers: a study needs at least one, written [controllers] or [grid]")
        for key, given in (("against", self.against), ("reference", (self.reference,) if self.reference else ())):
            for name in given:
                check.choice(key, name, tuple(names))
        for name in self.equivalent:
            check.choice("equivalent", name, tuple(self.conditions))
        for name, change in self.changes.items():
            check.choice(f"changes.{name}.type", change.type or name, CHANGES)
        for name in self.tune.changes:
            check.choice("tune.changes", name, tuple(self.all_changes()))
        for name in self.tune.ranges:
            check.choice("tune.ranges", name, tuple(names))
        last, tuning = self.first_seed + self.seeds, self.tune.first_seed
        if self.tune.ranges and self.first_seed < tuning + self.tune.seeds and tuning < last:
            raise ValueError(
                f"tune.first_seed = {tuning}: tuning must not see the seeds {self.first_seed} to {last - 1}"
            )

    def all_controllers(self) -> dict[str, Sets]:
        """Name -> assignments, those of the grid included where they have none of their own."""
        grid = {
            f"{arbiter} x {learner}": (f"mind.arbiter={arbiter}", f"mind.learner={learner}")
            for arbiter in self.grid.arbiters
            for learner in self.grid.learners
        }
        return {**self.controllers, **grid, **self.controllers}

    def all_seeds(self) -> range:
        """One for each mission of a cell."""
        return range(self.first_seed, self.first_seed + self.seeds)

    def all_changes(self) -> dict[str, Change]:
        """Name -> change, with its type; without any the world never changes."""
        changes = self.changes or {"none": Change()}
        return {name: replace(change, type=change.type or name) for name, change in changes.items()}


@dataclass(frozen=True)
class Tuned:
    """What tuning found: controller -> assignments."""

    controllers: Mapping[str, Sets]


def read(path: Path) -> Spec:
    """The study in a file. Raises MissionError, one line for each mistake."""
    spec = missionfile.read(Spec, missionfile.text_of(path), str(path))
    if not spec.tuned:
        return spec
    return with_tuned(spec, path.parent / spec.tuned)


def with_tuned(spec: Spec, path: Path) -> Spec:
    """`spec`, its controllers' assignments followed by those that tuning found. Raises MissionError."""
    tuned = missionfile.read(Tuned, missionfile.text_of(path), str(path)).controllers
    known = spec.all_controllers()
    for name in tuned:
        try:
            check.choice("controllers", name, tuple(known))
        except ValueError as error:
            raise MissionError([f"{path}: {error}"]) from None
    controllers = {name: (*sets, *tuned.get(name, ())) for name, sets in known.items()}
    return replace(spec, controllers=controllers)


def template(name: str) -> str:
    """The text of a new spec: every key with its meaning."""
    text = (resources.files("swarm.study") / "template.toml").read_text("utf-8")
    return text.replace('name = "study"', f"name = {missionfile.toml(name)}", 1)
