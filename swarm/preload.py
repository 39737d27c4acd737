"""Imported once by the process that all robots are forked from, so that each of them starts warm."""

import numpy as np

from robots.percept import blank
from sim.spec import Phase
from swarm import mind, peers, robot
from swarm.mission import Mission
from swarm.wire import Sense, encode, from_host

_mission = Mission(version=1, name="warm-up", phases=(Phase(duration=1, rate=0, kinds={}),))
_brain = robot.Brain(_mission, 0, 0)
for _tick in range(3):  # compiles the kernels, or loads them from numba's cache
    _percept = blank(_brain.dtype, 1)
    _percept["proximity"] = 1
    _brain.tick(from_host(encode(Sense(_tick, np.ascontiguousarray(_percept).tobytes(), []))))

__all__ = ["mind", "peers", "robot"]
