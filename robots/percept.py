"""The percept: everything a robot senses in one tick, as one NumPy record.

A record has a fixed size, so a stack of robots is an array of records, a message carries the
record's bytes, and the log keeps them as they are. SI units, radians, robot frame (x forward,
y left, bearings counter-clockwise from forward, REP 103).

Fields, with P proximity rays, R robots and S sites at most (nearest first, id -1 = empty slot):

========= ============ =====================================================================
field     shape        meaning
========= ============ =====================================================================
proximity (P,)  f4 m   free range along ray p at bearing 2 pi p / P; the sensor's range if clear
robot_id  (R,)  i2     who is seen
robot_rb  (R, 2) f4    range in m and bearing in rad of the robot's centre
site_id   (S,)  i4     the beacon's number
site_rb   (S, 2) f4    range in m and bearing in rad of the work face's centre
site_face (S,)  f4     bearing in rad of the direction the work face looks to (its outward normal)
site_kind (S,)  u2     the beacon's signature, bit b of the signature in bit b
progress  f4           progress of the work at the site being touched, 0 to 1; NaN if none is
touch     i4           the site whose face is being touched, -1 if none is
grip      u1           1 while the gripper holds on to something
odometry  (2,)  f4     distance driven forward (m) and heading turned (rad) since the last tick
battery   f4           charge, 0 to 1; NaN if the body has no gauge
imu       (6,)  f4     acceleration in m/s^2 and angular rate in rad/s; NaN if there is none
pose      (3,)  f4     x, y (m), heading (rad) from an external tracker; NaN if there is none
========= ============ =====================================================================

A sensor of one's own adds fields behind these (see docs/extending.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from robots import check

#: one more field of a percept: name, NumPy type, shape
Field = tuple[str, str, tuple[int, ...]]


@dataclass(frozen=True)
class Proximity:
    """Ring of range sensors, evenly spread, ray 0 forward."""

    rays: int = 8  # number of rays
    range: float = 0.5  # m, from the body's edge
    noise: float = 0.005  # m, standard deviation
    dropout: float = 0.0  # probability that a ray reads "clear" for a tick

    def __post_init__(self) -> None:
        check.number("rays", self.rays, 3, 64)
        check.number("range", self.range, 0.01, 20)
        check.number("noise", self.noise, 0, 1)
        check.number("dropout", self.dropout, 0, 1)


@dataclass(frozen=True)
class RangeBearing:
    """Range-and-bearing sensor, for other robots or for the beacons of sites."""

    range: float = 2.0  # m
    most: int = 12  # how many of the nearest are kept
    noise_range: float = 0.01  # m, standard deviation
    noise_bearing: float = 0.02  # rad, standard deviation
    dropout: float = 0.0  # probability that a target is missed for a tick

    def __post_init__(self) -> None:
        check.number("range", self.range, 0.1, 100)
        check.number("most", self.most, 1, 64)
        check.number("noise_range", self.noise_range, 0, 1)
        check.number("noise_bearing", self.noise_bearing, 0, 1)
        check.number("dropout", self.dropout, 0, 1)


@dataclass(frozen=True)
class Odometry:
    """Distance and heading from the wheels: a factor error, as slip makes it."""

    noise: float = 0.02  # standard deviation, relative

    def __post_init__(self) -> None:
        check.number("noise", self.noise, 0, 1)


@dataclass(frozen=True)
class Sensors:
    """What a body senses with."""

    proximity: Proximity = field(default_factory=Proximity)
    robots: RangeBearing = field(default_factory=RangeBearing)
    sites: RangeBearing = field(default_factory=lambda: RangeBearing(range=1.5, most=4))
    odometry: Odometry = field(default_factory=Odometry)


def percept_dtype(sensors: Sensors, extra: Sequence[Field] = ()) -> np.dtype[np.void]:
    """The record type of a percept for these sensors; `extra` are fields of further sensors."""
    rays, robots, sites = sensors.proximity.rays, sensors.robots.most, sensors.sites.most
    return np.dtype(
        [
            ("proximity", "f4", (rays,)),
            ("robot_id", "i2", (robots,)),
            ("robot_rb", "f4", (robots, 2)),
            ("site_id", "i4", (sites,)),
            ("site_rb", "f4", (sites, 2)),
            ("site_face", "f4", (sites,)),
            ("site_kind", "u2", (sites,)),
            ("progress", "f4"),
            ("touch", "i4"),
            ("grip", "u1"),
            ("odometry", "f4", (2,)),
            ("battery", "f4"),
            ("imu", "f4", (6,)),
            ("pose", "f4", (3,)),
            *extra,
        ]
    )


def blank(dtype: np.dtype[np.void], shape: int | tuple[int, ...] = ()) -> np.ndarray:
    """Percepts that say "nothing sensed": no neighbours, no sites, NaN where nothing measures."""
    out = np.zeros(shape, dtype)
    for name in ("robot_id", "site_id", "touch"):
        out[name] = -1
    for name in ("robot_rb", "site_rb", "site_face", "progress", "battery", "imu", "pose"):
        out[name] = np.nan
    return out
