"""From a mission to its world."""

from pathlib import Path

import numpy as np

from sim import arrivals
from sim.floor import floor
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
    rng = np.random.default_rng([mission.seed, _ENVIRONMENT])
    radius = mission.robots.radius
    ground = floor(mission.arena, Path()).work_area(radius, rng)
    starts = ground.starts(mission.robots.count, radius, rng)
    sites = arrivals.draw(mission.phases, mission.kinds, mission.work, ground, mission.robots, rng)
    scene = mission.robots, mission.work, ground.walls, starts, mission.tick
    engine: Engine
    if mission.world == "planar":
        from sim.planar import Planar

        engine = Planar(*scene)
    else:
        from sim.bullet import Bullet

        engine = Bullet(*scene, gui=gui)
    sensors = [sensor() for sensor in registry.SENSORS.values()]
    return World(
        engine,
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
