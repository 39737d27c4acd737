"""Imported once by the process that all robots are forked from, so that each of them starts warm.

Where nothing is compiled yet, another process compiles what worlds sense by meanwhile.
"""

import gc
import os
import signal
from collections.abc import Callable

from robots import cache
from sim.spec import Phase
from swarm import robot, worlds
from swarm.mission import Mission


def elsewhere(work: Callable[[], object]) -> int:
    """Do `work` in a process of its own, which ends with this one; its number."""
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGALRM, lambda *_: os.getppid() == parent or os._exit(1))
        signal.setitimer(signal.ITIMER_REAL, 0.5, 0.5)
        try:
            work()
        finally:
            os._exit(0)
    return child


def warm_up(mission: Mission) -> None:
    """Have compiled all that minds call, and what every world senses by."""
    sensing = elsewhere(lambda: worlds.build(mission).sense()) if cache.is_cold() else None
    robot.rehearse(mission)
    if sensing is not None:
        os.waitpid(sensing, 0)


warm_up(Mission(version=1, name="warm-up", world="planar", phases=(Phase(duration=1, rate=0, kinds={}),)))
gc.freeze()  # what is here now is shared by all robots: none of them looks it through
