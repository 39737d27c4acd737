"""Who may import whom, and what every robot process is spared."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_packages_import_in_one_direction() -> None:
    """The contracts of pyproject.toml, checked by import-linter."""
    pytest.importorskip("importlinter")
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "0 broken" in run.stdout


@pytest.mark.parametrize(
    ("module", "spared"),
    [
        ("swarm.cli", "numba numpy networkx zmq rich mcap PIL"),  # so that `jerne --help` is there at once
        ("swarm.field.orders", "numba pybullet networkx rich"),  # a stop waits for nothing
        ("swarm.field.deploy", "numba pybullet"),
        ("swarm.view.watch", "numba pybullet networkx"),
        ("swarm.view.replay", "numba pybullet networkx"),
        ("swarm.view.report", "numba pybullet networkx"),
        ("swarm.view.rulebook", "numba pybullet networkx"),
        ("swarm.robot", "pybullet rich mcap PIL sqlite3"),
        ("swarm.mind", "pybullet zmq rich mcap PIL"),
        ("immune.network", "numba zmq msgspec"),
        ("classifier.xcs", "zmq msgspec networkx"),
        ("robots.percept", "zmq msgspec networkx numba"),
    ],
)
def test_what_is_not_needed_is_not_imported(module: str, spared: str) -> None:
    code = f"import sys, {module}; print(*(name for name in {spared.split()} if name in sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    assert run.stdout.split() == []
