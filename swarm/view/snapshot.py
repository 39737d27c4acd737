"""What a watcher sees of a run: one snapshot, drawn by `swarm.view.dashboard` and `swarm.view.picture`.

The host publishes at most ten snapshots a second; `Stage` comes once, when a watcher attaches.
Both travel as msgpack arrays, tagged like the messages of `swarm.wire`. What is an index is bounded here, so that it
finds what it is an index into: whoever shows itself badly must not end the dashboard of who watches.
"""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from swarm.net.ties import Ties
from swarm.report import ACTIONS, STRATEGIES, TASKS
from swarm.rules import Decision
from swarm.watch import Watch

Angle = Annotated[float, Meta(ge=-1e6, le=1e6)]  # rad
Level = Annotated[str, Meta(pattern="^(info|warning|error)$")]
Positive = Annotated[float, Meta(gt=0)]
Events = Annotated[list[tuple[float, Level, str]], Meta(max_length=40)]
Samples = Annotated[list[float], Meta(max_length=120)]


class Stage(msgspec.Struct, array_like=True, frozen=True, tag="stage1"):
    """What does not change during a run."""

    mission: str  # name
    about: str
    seed: int
    duration: Positive  # s, simulated
    bounds: tuple[float, float, float, float]  # x min, y min, x max, y max of the arena, m
    walls: list[tuple[float, float, float, float]]  # x, y of the middle, width, depth, m
    radius: float  # m, of a robot
    face: float  # m, width of a site's work face
    kinds: dict[str, str]  # kind -> colour
    phases: Annotated[list[tuple[float, str]], Meta(min_length=1)]  # start in s, name
    signatures: dict[str, str]  # kind -> pattern of its beacons' signatures
    watch: Watch  # from when on something needs attention
    real: bool = False  # robots in the field, which know neither phases nor what was done


#: of each strategy that a robot has: the first two of swarm.report.STRATEGIES, or all four
PerStrategy = Annotated[tuple[float, ...], Meta(min_length=2, max_length=4)]


class RobotRow(msgspec.Struct, array_like=True, frozen=True):
    """One robot, now."""

    robot: int
    x: float  # m
    y: float  # m
    heading: Angle
    alive: bool  # its process lives
    strategy: Annotated[int, Meta(ge=0, lt=len(STRATEGIES))]  # index into swarm.report.STRATEGIES
    task: Annotated[int, Meta(ge=0, lt=len(TASKS))]  # index into swarm.report.TASKS
    action: Annotated[int, Meta(ge=-1, lt=len(ACTIONS))]  # index into swarm.report.ACTIONS, -1 none
    site: int  # beacon number, -1 none
    waiting: float  # s at a site without progress
    concentration: PerStrategy
    heard: int  # signals heard since the start
    said: int  # signals said since the start
    bad: int  # bad messages dropped since the start
    age: float  # s since the latest signal heard; NaN none yet
    rules: int  # macroclassifiers
    restarts: int
    battery: float  # charge, 0 to 1; NaN: no gauge
    held: str  # what makes its body stand whatever its mind wants; empty: nothing
    fault: str  # what its body says is wrong with it; empty: nothing
    still: float  # s for which it was told to move and has not
    frozen: float  # s for which its readings have been dead
    loss: float  # share of signals lost in the last seconds; NaN: hardly any were due


class SiteRow(msgspec.Struct, array_like=True, frozen=True):
    """One open site, now."""

    site: int  # beacon number
    kind: str
    action: str
    team: int
    x: float  # m, middle of the work face
    y: float
    facing: Angle  # direction the work face looks to
    progress: float  # 0 to 1
    age: float  # s since it opened


class Snapshot(msgspec.Struct, array_like=True, frozen=True, tag="snap1"):
    """The swarm, now."""

    tick: int
    time: float  # s, simulated
    speed: float  # real-time factor over the last second of wall time
    phase: Annotated[int, Meta(ge=0)]  # index into Stage.phases
    robots: list[RobotRow]
    sites: list[SiteRow]
    done: int  # tasks done
    backlog: int  # sites that have arrived but found no room yet
    rate: Samples  # tasks per minute in each 10 s of simulated time so far, at most the last 120
    split: Samples  # share of robots that aggregate, sampled at the same times
    components: int  # connected components of the radio graph
    links: list[tuple[int, int]]  # radio links between robots
    events: Events  # simulated time in s, level, text; latest last
    ties: dict[str, int] = {}  # of all robots' own links, see swarm.net.ties.total; empty: they have none


class Moment(msgspec.Struct, array_like=True, frozen=True):
    """The immune network of a robot at one moment."""

    time: float  # s, simulated
    antigen: PerStrategy
    stimulus: PerStrategy
    concentration: PerStrategy


class Detail(msgspec.Struct, array_like=True, frozen=True, tag="robot1"):
    """All about one robot, now."""

    robot: int
    time: float  # s, simulated
    percept: dict[str, Any]  # fields of robots.percept
    heard: list[int]  # who was heard in this tick
    history: list[Moment]  # one each half second, the latest last
    decided: float  # s, time of the latest decision; NaN none
    decision: Decision | None
    ties: Ties | None = None  # of its own link


def antibodies(robots: Sequence[RobotRow]) -> int:
    """How many strategies these robots choose from, two or four."""
    return max([2, *(len(robot.concentration) for robot in robots)])
