"""A world: bodies on a floor, what they sense, the work they find. Two-phase step: all act, then all sense."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from robots.percept import Field, Sensors, blank, percept_dtype
from sim import planar
from sim.floor import Floor
from sim.sensing import Senses
from sim.site import Arrival, Event
from sim.spec import Phase, Robots, Work
from sim.work import Engine, Sites

_NOISE = 0x6E6F697365  # keeps the random stream of sensors of one's own apart from the others


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
        self._blank = blank(self.percept_dtype, len(self.poses)).tobytes()
        self.touching = np.full(len(self.poses), -1, np.int32)  # index of the open site touched by each
        self._touched = self.touching  # its number
        self.events: list[Event] = self.sites.update(0.0, self.poses, self.touching)

    @property
    def time(self) -> float:
        """Simulated seconds since the start."""
        return self.tick * self.dt

    def sense(self) -> np.ndarray:
        """(N,) percepts of all robots, now."""
        out = np.frombuffer(bytearray(self._blank), self.percept_dtype)  # NumPy would copy records field by field
        self.touching = self.senses.sense(
            self.poses, self._before, self.sites.array, self.engine.gripping(), self._seed, self.tick, out
        )
        self._touched = out["touch"].copy()
        self._sense_more(out)
        return out

    def _sense_more(self, percepts: np.ndarray) -> None:
        """Sensors of one's own."""
        if self._extra:
            rng = np.random.Generator(np.random.Philox(key=[self._seed, _NOISE + self.tick]))
            for sensor in self._extra:
                sensor.sense(self, percepts, rng)

    def act(self, commands: np.ndarray) -> list[Event]:
        """Let all robots act on `commands` (N,) for one tick; gives what happened."""
        self.engine.step(commands, self._touched)
        return self._moved(self.engine.poses())

    def _moved(self, poses: np.ndarray) -> list[Event]:
        """The engine has moved on by a tick."""
        self.tick += 1
        self._before, self.poses = self.poses, poses
        return self.sites.update(self.time, self.poses, self.touching)

    def neighbours(self, reach: float, occlusion: bool, most: int) -> np.ndarray:
        """(N, most) i4: the robots within `reach` m of each, nearest first, -1 where there are no more."""
        return self.senses.neighbours(self.poses, reach, occlusion, most)

    def close(self) -> None:
        """Give the engine up."""
        self.engine.close()


class Worlds:
    """Planar worlds of one make, with the same walls and as many robots, stepped together; or one of any kind.

    Everything is as in each of them alone; the robots of one come after those of the other.
    """

    def __init__(self, worlds: Sequence[World]) -> None:
        self.worlds = worlds
        self._engines = [world.engine for world in worlds if isinstance(world.engine, planar.Planar)]
        self._seeds = [world._seed for world in worlds]
        self._poses = self._before = np.stack([world.poses for world in worlds])
        self._blank = worlds[0]._blank * len(worlds)
        self._touched = np.zeros(0, np.int32)

    def sense(self) -> np.ndarray:
        """(K * N,) percepts of all robots, now."""
        one = self.worlds[0]
        if not self._engines:
            return one.sense()
        out = np.frombuffer(bytearray(self._blank), one.percept_dtype)
        parts = out.reshape(len(self.worlds), -1)
        sites = [world.sites.array for world in self.worlds]
        gripped = planar.gripping(self._engines)
        touching = one.senses.sense_all(self._poses, self._before, sites, gripped, self._seeds, one.tick, parts)
        self._touched = out["touch"].copy()
        for world, percepts, touched in zip(self.worlds, parts, touching, strict=True):
            world.touching = touched
            world._sense_more(percepts)
        return out

    def neighbours(self, reach: float, occlusion: bool, most: int) -> np.ndarray:
        """(K * N, most) i4: the robots within `reach` m of each by their numbers, as `World.neighbours`."""
        if not self._engines:
            return self.worlds[0].neighbours(reach, occlusion, most)
        near = self.worlds[0].senses.neighbours(self._poses, reach, occlusion, most)
        return near.reshape(-1, near.shape[-1])

    def act(self, commands: np.ndarray) -> tuple[list[list[Event]], np.ndarray]:
        """Let all robots act on `commands` (K * N,) for one tick; what happened in each world, and m driven (K,)."""
        self._before = self._poses
        if self._engines:
            self._poses = planar.step(self._engines, commands, self._touched).copy()
            events = [world._moved(poses) for world, poses in zip(self.worlds, self._poses, strict=True)]
        else:
            events = [self.worlds[0].act(commands)]
            self._poses = self.worlds[0].poses[None]
        way = self._poses[..., :2] - self._before[..., :2]
        return events, np.hypot(way[..., 0], way[..., 1]).sum(1)
