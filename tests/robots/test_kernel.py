"""What is compiled is kept on disk, for all processes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("numba")
KERNELS = """\
import math
import sys
import numpy as np
from robots.kernel import kernel

@kernel
def inner(records):  # too much to be compiled into `outer`
    seen = np.empty((len(records), records.seen.shape[1]))
    for i in range(len(records)):
        for k in range(records.seen.shape[1]):
            seen[i, k] = math.sin(records[i].seen[k]) + math.atan2(k, 1 + records[0].seen[k])
    return seen

@kernel
def outer(records):
    return inner(records).shape[1] + inner(records[1:]).shape[1]

print(*(outer(np.zeros(2, [("seen", "f4", (int(size),))])) for size in sys.argv[1:]))
"""


@pytest.mark.slow
def test_code_for_two_kinds_of_records_is_not_mixed_up(tmp_path: Path) -> None:
    """Two processes compile for one kind each, under the same name there; a third needs both."""
    (tmp_path / "kernels.py").write_text(KERNELS)

    def run(*sizes: str) -> str:
        line = [sys.executable, "kernels.py", *sizes]
        home = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "PYTHONPATH": str(Path(__file__).parents[2])}
        done = subprocess.run(
            line, cwd=tmp_path, env={**os.environ, **home}, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    assert [run("6"), run("12")] == ["12", "24"]
    assert run("6", "12") == "12 24"
