"""A site as a value: as it arrives, once it is open, and what is told of a mission."""

import math
from dataclasses import dataclass, field

import numpy as np

#: x, y of the middle of the work face, and the direction it looks to (rad), towards the robots
Spot = tuple[float, float, float]


@dataclass(frozen=True)
class Arrival:
    """A site, before it is placed."""

    time: float  # s, since the mission's start
    phase: int  # index of the phase it arrives in
    kind: str  # name
    signature: int  # bit b of the beacon's signature in bit b
    action: str  # what advances it, see sim.spec.ACTIONS
    team: int  # robots that must take the action together
    spots: tuple[Spot, ...]  # where it may open, `SPOTS` of them


@dataclass
class Site:
    """A task: a plate that wants an action from a team. Times in simulated s, NaN: not yet."""

    number: int  # of its beacon
    arrival: Arrival
    spot: Spot  # where it opened
    opened: float
    touched: float = np.nan  # first contact of a robot
    ended: float = np.nan
    outcome: str = "open"  # open | done | withdrawn
    progress: float = 0.0  # 0 to 1
    held: float = 0.0  # s without a break
    face: Spot = field(default=(0.0, 0.0, 0.0))  # where the work face is now
    moved: float = 0.0  # m, of the plate, when it was last looked at

    def __post_init__(self) -> None:
        """What does not change."""
        self.holds = self.arrival.action == "hold"
        ahead = 1 if self.arrival.action == "pull" else -1
        self.way = ahead * math.cos(self.spot[2]), ahead * math.sin(self.spot[2])  # in which the plate moves


@dataclass(frozen=True)
class Event:
    """Something worth a line in the log."""

    time: float  # s, simulated
    level: str  # info | warning | error
    text: str
