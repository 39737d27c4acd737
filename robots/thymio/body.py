"""Thymio II and e-puck as bodies."""

import tomllib
from dataclasses import dataclass
from importlib import resources

import numpy as np

from robots import wheels
from robots.body import Colour, command
from robots.command import Limits, clamp
from robots.percept import Sensors, blank, percept_dtype
from robots.port import Port
from robots.thymio.program import Names
from robots.thymio.session import Dialect, Session

KINDS = ("thymio", "epuck")


@dataclass(frozen=True)
class Model:
    """What is known of a kind of robot, see params.toml."""

    dialect: Dialect
    radius: float  # m
    track: float  # m
    metres: float  # m/s per unit of a wheel's target
    limits: Limits
    bearings: np.ndarray  # (I,) rad, of the infrared sensors
    curve: np.ndarray  # (C, 2) reading, free range in m

    @classmethod
    def of(cls, kind: str) -> "Model":
        """The model of one of `KINDS`."""
        p = tomllib.loads(resources.files("robots.thymio").joinpath("params.toml").read_text("utf-8"))[kind]
        names = Names(p["event"], p["left"], p["right"], tuple(p["light"]), p["timer"])
        dialect = Dialect(names, p["limit"], round(1000 * p["period"]), tuple(p["reads"]), tuple(p["sizes"]))
        limits = Limits(p["fastest"], p["turn"])
        return cls(
            dialect, p["radius"], p["track"], p["metres"], limits, np.array(p["bearings"]), np.array(p["curve"], float)
        )


class AsebaBody:
    """One robot at `address` (see robots.port), node `node` of it, of a kind out of `KINDS`."""

    guarded = True  # robots.thymio.program
    label = ""
    senses = frozenset({"proximity", "odometry"})

    def __init__(self, kind: str, address: str, node: int | None, sensors: Sensors) -> None:
        self.model = Model.of(kind)
        self.limits, self.radius = self.model.limits, self.model.radius
        self._sensors, self._dtype = sensors, percept_dtype(sensors)
        self._port, self._session = Port(address), Session(self.model.dialect, node)
        self._opened = 0
        self._colour: Colour = (0, 0, 0)
        self._read = -1.0  # when odometry was last taken

    @property
    def session(self) -> int:
        """Counts the connections."""
        return self._session.begun

    @property
    def trouble(self) -> str:
        """What is wrong, for people; empty: nothing."""
        return self._port.trouble or self._session.trouble

    def sense(self, now: float) -> np.ndarray:
        """The latest readings, as a percept."""
        data = self._port.read(now)
        if self._port.opened != self._opened:
            self._opened = self._port.opened
            self._session.restart()
        bad = self._session.bad
        answer = self._session.receive(data, now) + self._session.call(now)
        if answer:
            self._port.write(answer)
        if self._session.bad > bad or self._session.is_silent(now):
            self._port.drop(self._session.trouble or "no answer")
        return self._percept(now)

    def age(self, now: float) -> float:
        """Age of the oldest reading, s."""
        return self._session.age(now)

    def act(self, command: np.ndarray, now: float) -> np.ndarray:
        """Drive; gives the twist that the wheels' whole units make."""
        told = clamp(command, self.limits)[0]
        left, right = self._units(float(told["speed"]), float(told["turn"]))
        self._port.write(self._session.drive(left, right, self._colour, now))
        return self._twist(left, right)

    def stop(self) -> None:
        """Targets to zero."""
        self._port.write(self._session.halt(self._colour))

    def show(self, colour: Colour) -> None:
        """The light on top."""
        self._colour = colour

    def close(self) -> None:
        """Stop and hang up."""
        self.stop()
        self._port.close()

    def _units(self, speed: float, turn: float) -> tuple[int, int]:
        m = self.model
        left, right = wheels.split(speed, turn, m.track, m.limits.speed)
        return round(left / m.metres), round(right / m.metres)

    def _twist(self, left: float, right: float) -> np.ndarray:
        m = self.model
        return command(*wheels.join(left * m.metres, right * m.metres, m.track))

    def _percept(self, now: float) -> np.ndarray:
        out = blank(self._dtype, 1)
        out["proximity"] = self._sensors.proximity.range
        readings = self._session.readings
        if not np.isfinite(self.age(now)):
            return out
        infrared, left, right = (readings[name] for name in self.model.dialect.reads)
        out["proximity"] = ring(np.array(infrared, float), self.model, self._sensors)
        elapsed = now - self._read if self._read >= 0 else 0.0
        self._read = now
        twist = self._twist(left[0], right[0])[0]
        out["odometry"] = [[twist["speed"] * elapsed, twist["turn"] * elapsed]]
        return out


def ring(readings: np.ndarray, model: Model, sensors: Sensors) -> np.ndarray:
    """Infrared readings (I,) as free ranges (P,) of an evenly spread ring.

    Each sensor speaks for the ray next to it; a ray without a sensor is clear, and so is one whose sensor sees
    nothing: beyond the 10 cm that infrared reaches the body does not know.
    """
    far, rays = sensors.proximity.range, sensors.proximity.rays
    intensity, free = model.curve.T
    metres = np.where(readings < intensity[0], far, np.interp(readings, intensity, free))
    nearest = np.round(model.bearings * rays / (2 * np.pi)).astype(int) % rays
    out = np.full(rays, far)
    np.minimum.at(out, nearest, np.minimum(metres, far))
    return out
