"""From a mission to its world."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np

from sim import arrivals
from sim.floor import Floor, floor
from sim.site import Arrival
from sim.work import Engine
from sim.world import World
from swarm import registry
from swarm.mission import Mission

_ENVIRONMENT = 1  # its random stream; controllers draw by hash and never from it


def build(mission: Mission, *, gui: bool = False) -> World:
    """The world of `mission`, at time 0; `gui` opens PyBullet's window.

    All that the environment draws (starts, sites) is drawn here, before anything moves. Raises
    FloorError, MapError, PluginError (all ValueError) where the mission does not fit.
    """
    registry.load(mission.mind.plugins)
    ground, starts, sites = _drawn(mission)
    sensors = [sensor() for sensor in registry.SENSORS.values()]
    return World(
        _engine(mission, ground, starts, gui=gui),
        ground,
        mission.robots,
        mission.sensors,
        mission.work,
        mission.phases,
        sites,
        mission.tick,
        mission.seed,
        sensors,
    )


def check(mission: Mission) -> Floor:
    """The floor of `mission`, of which `build` makes a world. Raises what that would.

    A body for PyBullet is tried with one robot, where PyBullet is installed.
    """
    ground, starts, _ = _drawn(mission)
    if mission.world == "bullet" and mission.robots.body != "capsule" and find_spec("pybullet"):
        _engine(mission, ground, starts[:1]).close()
    return ground


def _drawn(mission: Mission) -> tuple[Floor, np.ndarray, list[Arrival]]:
    """The floor, where the robots start (N, 3), and the sites to come."""
    rng = np.random.default_rng([mission.seed, _ENVIRONMENT])
    radius = mission.robots.radius
    ground = floor(mission.arena, Path()).work_area(radius, rng)
    starts = ground.starts(mission.robots.count, radius, rng)
    return ground, starts, arrivals.draw(mission.phases, mission.kinds, mission.work, ground, mission.robots, rng)


def _engine(mission: Mission, ground: Floor, starts: np.ndarray, *, gui: bool = False) -> Engine:
    scene = mission.robots, mission.work, ground.walls, starts, mission.tick
    if mission.world == "planar":
        from sim.planar import Planar

        return Planar(*scene)
    from sim.bullet import Bullet

    return Bullet(*scene, gui=gui)
