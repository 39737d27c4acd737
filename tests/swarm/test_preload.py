"""What robots are forked from: it has compiled what a mind calls, also at decisions that come late."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = """
import swarm.preload
from swarm import needs, reflex
kernels = reflex.perceive, reflex.respond, needs.believed, needs.moved, needs.stuck
print(*(kernel.__name__ for kernel in kernels if not kernel.signatures))
"""


def test_nothing_is_left_to_compile_for_robots() -> None:
    pytest.importorskip("numba")
    run = subprocess.run([sys.executable, "-c", CODE], cwd=ROOT, check=True, capture_output=True, text=True)
    assert run.stdout.split() == []
