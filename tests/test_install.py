"""Robots' computers have no PyBullet and often a newer Python: the wheel installs there, and what robots need works."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
HOME = Path(__file__).parents[1]
ROBOTS = ["tests/robots", "tests/swarm/field"]  # the tests of the robot part
TOOLS = ["pytest", "hypothesis", "pyte", "jeepney"]  # that tests import


def newest() -> tuple[int, Path]:
    """The newest CPython 3 on this machine, its minor version first."""
    places = [*Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")).glob("versions/*/bin/python3.*")]
    places += [Path(found) for minor in range(11, 30) if (found := shutil.which(f"python3.{minor}"))]
    found = [(sys.version_info.minor, Path(sys.executable))]
    for place in places:
        minor = re.fullmatch(r"python3\.(\d+)", place.name)
        if minor and subprocess.run([place, "-c", ""], check=False, capture_output=True).returncode == 0:
            found.append((int(minor[1]), place))
    return max(found, key=lambda item: item[0])


def test_the_robot_part_alone_on_the_newest_python(tmp_path: Path) -> None:
    minor, python = newest()
    print(f"CPython 3.{minor}")
    environment = tmp_path / "environment"
    run(tmp_path, "uv", "build", "--quiet", "--wheel", "--out-dir", tmp_path, HOME)
    (wheel,) = tmp_path.glob("*.whl")
    run(tmp_path, "uv", "venv", "--quiet", "--python", python, environment)
    there = environment / "bin" / "python"
    run(tmp_path, "uv", "pip", "install", "--quiet", "--python", there, f"{wheel}[serial]", "gpiozero", *TOOLS)
    if minor < 12:
        run(tmp_path, "uv", "pip", "uninstall", "--quiet", "--python", there, "pybullet")
    for folder in [*ROBOTS, "tests/conftest.py"]:
        source, target = HOME / folder, tmp_path / folder
        target.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copy)(source, target)
    (tmp_path / "pytest.ini").write_text("[pytest]\npythonpath = .\nmarkers = slow: minutes\n")

    where = "import importlib.util as u, robots; print(u.find_spec('pybullet'), robots.__file__)"
    pybullet, home = run(tmp_path, there, "-c", where).split()
    assert pybullet == "None"
    assert Path(home).is_relative_to(environment)
    assert "--freeze" in run(tmp_path, environment / "bin" / "jerne", "robot", "--help")
    options = ["-q", "-rs", "-m", "not slow", "-k", "not planar", "--import-mode=importlib"]
    told = run(tmp_path, there, "-m", "pytest", *options, *ROBOTS)
    passed = re.search(r"(\d+) passed", told)
    assert passed is not None
    assert int(passed[1]) > 200
    skipped = [line for line in told.splitlines() if line.startswith("SKIPPED")]
    assert all(re.search("pybullet|cv2", line) for line in skipped), skipped


def run(folder: Path, *line: object) -> str:
    """What a command writes; fails with it where the command fails."""
    done = subprocess.run(
        [str(word) for word in line],
        check=False,
        cwd=folder,
        capture_output=True,
        text=True,
        env={key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")},
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout
