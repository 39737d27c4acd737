"""Imported once by the process that all robots are forked from, so that each of them starts warm."""

import gc

from robots.percept import blank
from sim.spec import Phase
from swarm import mind, peers, robot
from swarm.mission import Mission
from swarm.wire import Sense

_mission = Mission(version=1, name="warm-up", phases=(Phase(duration=1, rate=0, kinds={}),))
_brain = robot.Brain(_mission, 0, 0)
for _tick in range(3):  # compiles the kernels, or loads them from numba's cache
    _percept = blank(_brain.dtype, 1)
    _percept["proximity"] = 1
    _brain.tick(Sense(_tick, _percept.tobytes(), []))

gc.freeze()  # what is here now is shared by all robots: none of them looks it through

__all__ = ["mind", "peers", "robot"]
