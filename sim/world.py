"""A world: bodies on a floor, what they sense, the work they find. Two-phase step: all act, then all sense."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from robots.percept import Field, Sensors, blank, percept_dtype
from sim.arrivals import Arrival
from sim.floor import Floor
from sim.sensing import Senses, touching
from sim.spec import Phase, Robots, Work
from sim.work import Engine, Event, Sites

REACH = 0.03  # m between a robot's edge and a work face that counts as touching
_NOISE = 0x6E6F697365  # keeps the sensors' random stream apart from the others


class Sensor(Protocol):
    """A sensor of one's own: fields that it adds to the percept, and how it fills them."""

    fields: Sequence[Field]

    def sense(self, world: "World", percepts: np.ndarray, rng: np.random.Generator) -> None:
        """Write the fields of all robots' `percepts` (N,)."""


class World:
    """What the robots of one mission live in.

    `engine` is the physics with the robots in it, `arrivals` all sites to come, `extra` sensors of one's own.
    """

    def __init__(
        self,
        engine: Engine,
        floor: Floor,
        robots: Robots,
        sensors: Sensors,
        work: Work,
        phases: Sequence[Phase],
        arrivals: Sequence[Arrival],
        tick: float,
        seed: int,
        extra: Sequence[Sensor] = (),
    ) -> None:
        self.engine, self.floor, self.robots, self.sensors = engine, floor, robots, sensors
        self.percept_dtype = percept_dtype(sensors, [field for sensor in extra for field in sensor.fields])
        self.sites = Sites(phases, arrivals, work, engine, robots.radius, tick)
        self.dt, self.tick = tick, 0
        self._seed, self._extra = seed, extra
        self.senses = Senses(sensors, floor.walls, robots.radius)
        self.poses = engine.poses()
        self._before = self.poses
        self.touching = np.full(len(self.poses), -1, np.int32)  # index of the open site touched by each
        self.events: list[Event] = self.sites.update(0.0, self.poses, self.touching)

    @property
    def time(self) -> float:
        """Simulated seconds since the start."""
        return self.tick * self.dt

    def sense(self) -> np.ndarray:
        """(N,) percepts of all robots, now."""
        out = blank(self.percept_dtype, len(self.poses))
        rng = np.random.Generator(np.random.Philox(key=[self._seed, _NOISE + self.tick]))
        arrays = self.sites.arrays()
        self.senses.sense(self.poses, arrays, rng, out)
        gripped = self.engine.gripping()
        self.touching = touching(self.poses, arrays, self.robots.radius, REACH)
        for robot in np.flatnonzero(gripped >= 0):  # a gripper stretches beyond REACH
            self.touching[robot] = np.flatnonzero(arrays.id == gripped[robot])[0]
        at_site = self.touching >= 0
        if at_site.any():
            progress = np.array([site.progress for site in self.sites.open], np.float32)
            out["touch"][at_site] = arrays.id[self.touching[at_site]]
            out["progress"][at_site] = progress[self.touching[at_site]]
        out["grip"] = gripped >= 0
        out["odometry"] = self._odometry(rng)
        for sensor in self._extra:
            sensor.sense(self, out, rng)
        return out

    def act(self, commands: np.ndarray) -> list[Event]:
        """Let all robots act on `commands` (N,) for one tick; gives what happened."""
        numbers = np.append(self.sites.arrays().id, -1)  # index -1 takes the last: touches nothing
        self.engine.step(commands, numbers[self.touching])
        self.tick += 1
        self._before, self.poses = self.poses, self.engine.poses()
        return self.sites.update(self.time, self.poses, self.touching)

    def neighbours(self, reach: float, occlusion: bool, most: int) -> np.ndarray:
        """(N, most) i4: the robots within `reach` m of each, nearest first, -1 where there are no more."""
        return self.senses.neighbours(self.poses, reach, occlusion, most)[0]

    def close(self) -> None:
        """Give the engine up."""
        self.engine.close()

    def _odometry(self, rng: np.random.Generator) -> np.ndarray:
        moved = self.poses - self._before
        heading = self._before[:, 2]
        ahead = moved[:, 0] * np.cos(heading) + moved[:, 1] * np.sin(heading)
        turned = (moved[:, 2] + np.pi) % (2 * np.pi) - np.pi
        out = np.stack([ahead, turned], -1)
        noise = self.sensors.odometry.noise
        return out * (1 + noise * rng.standard_normal(out.shape)) if noise else out
