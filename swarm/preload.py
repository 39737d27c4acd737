"""Imported once by the process that all robots are forked from, so that each of them starts warm."""

import gc

from sim.spec import Phase
from swarm import robot
from swarm.mission import Mission

robot.rehearse(Mission(version=1, name="warm-up", phases=(Phase(duration=1, rate=0, kinds={}),)))
gc.freeze()  # what is here now is shared by all robots: none of them looks it through
