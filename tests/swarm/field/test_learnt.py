"""From simulation to robot: what was learnt in PyBullet works on a Thymio in the makers' simulator; the fence holds."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from swarm import missionfile, store
from tests.conftest import wait
from tests.robots.playground import Playground
from tests.swarm.field.swarm import Field

pytestmark = pytest.mark.slow
SIDE, INSIDE = 2.0, 0.35  # m; how far from the middle the narrow fence is
MISSION = """\
version = 1
name = "learnt"
[arena]
size = [2.0, 2.0]
[robots]
count = 1
radius = 0.08
speed = 0.12
turn = 1.5
[sensors.proximity]
range = 0.3
[sensors.sites]
range = 3.0
[work]
face = 0.6
[kinds.light]
signature = "10######"
[[phases]]
name = "light work"
duration = 600
rate = 4
open = 1
kinds.light = { action = "push", team = 1 }
"""


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The mind of a robot that worked in PyBullet for ten minutes."""
    folder = tmp_path_factory.mktemp("learnt")
    (folder / "mission.toml").write_text(MISSION)
    line = [sys.executable, "-m", "swarm.cli", "run", "mission.toml", "--plain", "--out", "run", "--world", "bullet"]
    subprocess.run(line, check=True, cwd=folder, timeout=300)
    return store.file(folder / "run", 0)


@pytest.fixture
def field(tmp_path: Path) -> Iterator[Field]:
    """One Thymio and its tracker; the robot's process does not run yet."""
    with Playground(SIDE, [("thymio2", SIDE / 2, SIDE / 2, 0.5)]) as playground:
        it = Field(playground, tmp_path, MISSION)
        try:
            yield it
        finally:
            print(it.logs())
            it.close()


def test_what_was_learnt_in_simulation_works_on_the_robot_and_stays_as_it_is(field: Field, learnt: Path) -> None:
    mission = missionfile.load(field.folder / "mission.toml")
    mind = store.load(learnt, mission)
    rules = int(mind.learner.rules(mind.learner_state)[0])
    assert rules > 0
    file = field.folder / "out" / "0" / "learnt.mind"
    file.write_bytes(learnt.read_bytes())
    field.robot(0, "--freeze")
    field.tracker()
    wait(field.is_fresh, 60)
    field.arm()
    wait(lambda: "done" in (field.folder / "tracker.log").read_text().replace("sites done", ""), 90)
    status = field.status(0)
    assert status is not None
    assert status.rules == rules
    field.end("robot0")
    assert file.read_bytes() == learnt.read_bytes()


def test_a_robot_with_a_narrow_fence_comes_up_to_it_and_not_beyond(field: Field, learnt: Path) -> None:
    """It explores no more and learns on: that is saved."""
    folder = field.folder / "out" / "0"
    text = (folder / "robot.toml").read_text()
    fence = f"[fence]\nleft = {-INSIDE}\nlow = {-INSIDE}\nright = {INSIDE}\nhigh = {INSIDE}\n"
    (folder / "robot.toml").write_text(re.sub(r"\[fence\]\n(\w+ = .*\n)+", fence, text))
    (folder / "learnt.mind").write_bytes(learnt.read_bytes())
    field.robot(0, "--explore", "0")
    field.tracker()
    wait(field.is_fresh, 60)
    then = time.monotonic()
    field.arm()
    time.sleep(20.0)
    reached = np.array([np.abs(poses[0, :2]).max() for _, poses in field.since(then)])
    assert INSIDE - 0.1 < reached.max() < INSIDE + 0.02
    field.end("robot0")
    assert store.before(folder / "learnt.mind").exists()
