"""What a world is made of, as parameter classes checked when built. SI units, radians."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from robots import check

ACTIONS = ("push", "pull", "hold")  # what can advance a site
MOST_TEAM = 4  # robots that fit side by side on a work face


@dataclass(frozen=True)
class Arena:
    """The floor and its walls. The origin is the middle of a plain arena, or the map's own."""

    size: tuple[float, float] = (5.0, 5.0)  # m, inner width (x) and depth (y); a map has its own
    walls: tuple[tuple[float, float, float, float], ...] = ()  # inner walls: x, y of the middle, width, depth, m
    map: str | None = None  # a ROS map_server map (YAML); replaces size and walls

    def __post_init__(self) -> None:
        for side in self.size:
            check.number("size", side, 1, 200)
        for wall in self.walls:
            if not all(math.isfinite(v) for v in wall) or min(wall[2:]) <= 0:
                raise ValueError(f"walls: {list(wall)} must be [x, y, width, depth] in metres, width and depth above 0")


@dataclass(frozen=True)
class Robots:
    """The bodies: how many, of what make, how strong."""

    count: int = 12  # robots in the swarm
    body: str = "capsule"  # capsule | wheels | a URDF file of a differential-drive robot
    radius: float = 0.06  # m; of a URDF body: the circle that it fits in
    speed: float = 0.2  # m/s, free speed straight on
    turn: float = 2.5  # rad/s
    force: float = 1.0  # N, stall force F: what one robot can push with
    restart: bool = True  # a robot process that died is started again, with what it had learnt

    def __post_init__(self) -> None:
        check.number("count", self.count, 1, 20_000)
        check.number("radius", self.radius, 0.02, 1.0)
        check.number("speed", self.speed, 0.01, 2)
        check.number("turn", self.turn, 0.1, 20)
        check.number("force", self.force, 0.1, 1000)
        if self.body not in ("capsule", "wheels") and not self.body.endswith(".urdf"):
            raise ValueError(f"body = {self.body!r}: must be 'capsule', 'wheels' or the path of a .urdf file")


@dataclass(frozen=True)
class Radio:
    """The medium that carries stimulation signals between robots."""

    range: float = 2.0  # m
    loss: float = 0.05  # probability that a receiver misses a signal
    delay: float = 0.0  # s, from saying to hearing, beyond the one tick that it always takes
    occlusion: bool = True  # walls stop the signal
    interval: float = 0.2  # s between two signals of a robot
    most: int = 12  # how many of the nearest speakers a robot hears

    def __post_init__(self) -> None:
        check.number("range", self.range, 0, 1000)
        check.number("loss", self.loss, 0, 1)
        check.number("delay", self.delay, 0, 10)
        check.number("interval", self.interval, 0.01, 10)
        check.number("most", self.most, 1, 64)


@dataclass(frozen=True)
class Meaning:
    """What a kind of site hides in one phase: which action advances it, and how many must take it."""

    action: str  # push | pull | hold
    team: int = 1  # robots that must take the action together, k
    weight: float = 1.0  # share of the arrivals, relative to the other kinds

    def __post_init__(self) -> None:
        check.choice("action", self.action, ACTIONS)
        check.number("team", self.team, 1, MOST_TEAM)
        check.number("weight", self.weight, 0, 1e6)


@dataclass(frozen=True)
class Phase:
    """A stretch of the mission in which nothing changes."""

    duration: float  # s
    rate: float  # arrivals of sites per minute (Poisson)
    kinds: Mapping[str, Meaning]  # the kinds that arrive, by name
    name: str = ""
    place: str = "scattered"  # scattered | clustered
    clusters: int = 1  # number of clusters, where clustered
    open: int = 8  # most sites open at once; further arrivals wait
    lost: int = 0  # robots that fall out, for good, when the phase begins

    def __post_init__(self) -> None:
        check.number("duration", self.duration, 1, 1e6)
        check.number("rate", self.rate, 0, 10_000)
        check.choice("place", self.place, ("scattered", "clustered"))
        check.number("clusters", self.clusters, 1, 20)
        check.number("open", self.open, 1, 4000)
        check.number("lost", self.lost, 0, 1000)
        if self.rate > 0 and not any(m.weight > 0 for m in self.kinds.values()):
            raise ValueError(f"kinds: a phase with rate = {self.rate:g} needs at least one kind of weight above 0")


@dataclass(frozen=True)
class Kind:
    """A kind of site, as robots see it: a pattern of beacon signatures."""

    signature: str  # 8 to 12 characters: 0, 1, or # for bits that say nothing and are drawn per site
    colour: str = "yellow"  # for people: map, picture and report

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[01#]{8,12}", self.signature):
            raise ValueError(f"signature = {self.signature!r}: must be 8 to 12 characters out of 0, 1 and #")


@dataclass(frozen=True)
class Work:
    """The physics of sites."""

    travel: float = 0.3  # m that a slider must move to be done (push, pull)
    held: float = 5.0  # s that a plate must be held (hold)
    face: float = 0.56  # m, width of the work face

    def __post_init__(self) -> None:
        check.number("travel", self.travel, 0.05, 2)
        check.number("held", self.held, 1, 600)
        check.number("face", self.face, 0.1, 5)
