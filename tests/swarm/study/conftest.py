"""A study that takes seconds: three robots in the planar world, for 12 s."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from swarm.mission import Mission
from swarm.missionfile import dumps

#: what needs the extra `study` is left out where that is not installed
collect_ignore_glob = [] if find_spec("scipy") and find_spec("matplotlib") else ["test_*.py"]

SMALL = """
version = 1
name = "small"
mission = "small.mission.toml"
set = ["world=planar"]
seeds = 2
before = 6
after = 6
window = 3
against = ["random"]
reference = "immune"

[controllers]
immune = []
random = ["mind.arbiter=random", "mind.learner=random"]

[changes.meaning]
[changes.return]
type = "meaning"
back = true
"""


@pytest.fixture
def small(mission: Mission, tmp_path: Path) -> Path:
    """The small study as a file, beside its mission."""
    (tmp_path / "small.mission.toml").write_text(dumps(mission))
    path = tmp_path / "small.toml"
    path.write_text(SMALL)
    return path
