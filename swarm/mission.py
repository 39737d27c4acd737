"""A mission: everything that a run depends on, as one tree of parameter classes.

`swarm.missionfile` reads it from TOML and says what is wrong with a file.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from classifier.params import Params as ClassifierParams
from immune.params import Params as ImmuneParams
from robots import check
from robots.percept import Sensors
from sim.spec import Arena, Kind, Phase, Radio, Robots, Work
from swarm.watch import Watch

VERSION = 1  # of the mission format
WORLDS = ("bullet", "planar")
MOST_SITES = 200_000  # that may be expected: all are drawn before the start, which takes a minute or two then


@dataclass(frozen=True)
class Mind:
    """What decides in every robot."""

    arbiter: str = "calls"  # who decides the global behaviour (aggregate or disperse)
    learner: str = "xcs"  # who decides the local behaviour (the action at a site)
    share: bool = True  # robots learn from the outcomes that robots in hearing report
    replay: int = 8  # from how many of the latest successes robots learn once more at each
    plugins: tuple[str, ...] = ()  # Python files that add an arbiter, a sensor or a behaviour
    immune: ImmuneParams = field(default_factory=ImmuneParams)
    xcs: ClassifierParams = field(default_factory=ClassifierParams)
    parameters: Mapping[str, Mapping[str, float | bool]] = field(default_factory=dict)  # of others, by name

    @property
    def strategies(self) -> int:
        """How many of swarm.report.STRATEGIES its arbiter chooses from."""
        return self.immune.antibodies if self.arbiter == "immune" else 2

    def __post_init__(self) -> None:
        check.number("replay", self.replay, 0, 100)


@dataclass(frozen=True)
class Mission:
    """One mission, whole."""

    version: int
    name: str
    phases: tuple[Phase, ...]
    about: str = ""  # one line, for lists
    seed: int = 1
    world: str = "bullet"  # the physics: bullet (PyBullet, 3D) | planar (discs and boxes, for thousands)
    tick: float = 0.1  # s, one decision of every robot
    arena: Arena = field(default_factory=Arena)
    robots: Robots = field(default_factory=Robots)
    sensors: Sensors = field(default_factory=Sensors)
    radio: Radio = field(default_factory=Radio)
    work: Work = field(default_factory=Work)
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    mind: Mind = field(default_factory=Mind)
    watch: Watch = field(default_factory=Watch)

    def __post_init__(self) -> None:
        check.choice("version", self.version, (VERSION,))
        check.number("seed", self.seed, 0, 2**63 - 1)
        check.choice("world", self.world, WORLDS)
        check.number("tick", self.tick, 0.01, 0.25)
        if self.world == "planar" and self.robots.body != Robots.body:
            raise ValueError(f"robots.body = {self.robots.body!r}: the planar world has discs only: {Robots.body!r}")
        if not self.phases:
            raise ValueError("phases: a mission needs at least one phase")
        for i, phase in enumerate(self.phases):
            for kind in phase.kinds:
                if kind not in self.kinds:
                    raise ValueError(
                        f"phases[{i}].kinds.{kind}: no such kind; [kinds] has {', '.join(self.kinds) or 'none'}"
                    )
        coming = sum(phase.duration * phase.rate / 60 for phase in self.phases)
        if coming > MOST_SITES:
            raise ValueError(f"phases: {coming:.0f} sites would come, by duration and rate; at most {MOST_SITES} may")
        lost = sum(phase.lost for phase in self.phases)
        if self.phases[0].lost:
            raise ValueError(f"phases[0].lost = {self.phases[0].lost}: nobody is there to fall out yet, must be 0")
        if lost >= self.robots.count:
            raise ValueError(f"phases: {lost} robots are lost, of robots.count = {self.robots.count}; one must be left")

    @property
    def duration(self) -> float:
        """Simulated seconds, all phases."""
        return sum(phase.duration for phase in self.phases)
