"""What robots are forked from: it has compiled what a mind calls, also at decisions that come late."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = """
import swarm.preload
from swarm import needs, reflex
kernels = reflex.perceive, reflex.respond, needs.believed, needs.learn
print(*(kernel.__name__ for kernel in kernels if not kernel.signatures))
"""


def test_nothing_is_left_to_compile_for_robots() -> None:
    pytest.importorskip("numba")
    run = subprocess.run([sys.executable, "-c", CODE], cwd=ROOT, check=True, capture_output=True, text=True)
    assert run.stdout.split() == []


COLD = """
from robots import cache
assert cache.is_cold()
import swarm.preload
assert not cache.is_cold()
from sim import sensing
from swarm import reflex
print(*(sum(kernel.stats.cache_misses.values()) for kernel in (sensing._sense_all, reflex.perceive)))
from swarm import worlds
worlds.build(swarm.preload.Mission(version=1, name="first", phases=(swarm.preload.Phase(1, 0, {}),))).sense()
print(*(sum(kernel.stats.cache_misses.values()) for kernel in (sensing._sense_all, reflex.perceive)))
"""


@pytest.mark.slow
def test_on_a_new_machine_two_processes_compile_and_neither_does_it_twice(tmp_path: Path) -> None:
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    line = [sys.executable, "-c", COLD]
    run = subprocess.run(line, cwd=ROOT, check=True, capture_output=True, text=True, env=environment)
    assert run.stdout.split() == ["0", "1", "0", "1"]
