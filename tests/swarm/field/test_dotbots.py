"""Four DotBots in the makers' simulator, a `jerne robot` process each; judged by where they are."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from swarm import missionfile
from swarm.field import control, deploy, fleet
from swarm.robot import rehearse
from tests.conftest import wait
from tests.robots.dotbot.simulator import SITE, Simulator
from tests.swarm.field.swarm import apart

pytestmark = pytest.mark.slow
COUNT = 4
MISSION = """\
version = 1
name = "dotbots"
[arena]
size = [3.0, 3.0]
[robots]
count = 4
radius = 0.065
speed = 0.1
turn = 1.5
[sensors.proximity]
range = 0.3
[sensors.robots]
range = 3.0
[[phases]]
name = "nothing to do"
duration = 600
rate = 0
kinds = {}
"""


@pytest.fixture
def swarm(tmp_path: Path) -> Iterator[tuple[Simulator, Path, dict[int, str]]]:
    """The simulator, the fleet's file and where robots take orders; their processes run."""
    (tmp_path / "mission.toml").write_text(MISSION)
    rehearse(missionfile.load(tmp_path / "mission.toml"))
    with Simulator(COUNT) as simulator:
        names = ", ".join(f'"{name}"' for name in simulator.names)
        lines = ['mission = "mission.toml"', 'keys = ""']
        lines += ["[dotbots]", f"robots = [{names}]", f"origin = [{SITE / 2}, {SITE / 2}]"]
        lines += ["[fence]", "left = -1.4", "low = -1.4", "right = 1.4", "high = 1.4"]
        for i in range(COUNT):
            lines += ["[[robots]]", f"number = {i}", 'body.kind = "dotbot"', f'body.address = "{simulator.address}"']
        file = tmp_path / "fleet.toml"
        file.write_text("\n".join(lines))
        whole = fleet.read(file)
        folders = deploy.deploy(whole, file, tmp_path / "out", "jerne")
        with (tmp_path / "log").open("w") as log:
            processes = [
                subprocess.Popen(
                    [sys.executable, "-m", "swarm.cli", "robot", "--config", str(folder / "robot.toml")],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                )
                for folder in folders
            ]
        try:
            yield simulator, file, {robot.number: fleet.control(robot) for robot in whole.robots}
        finally:
            for process in processes:
                process.send_signal(signal.SIGTERM)
            for process in processes:
                assert process.wait(20) == 0
            print((tmp_path / "log").read_text())


def test_they_disperse_and_stop(swarm: tuple[Simulator, Path, dict[int, str]]) -> None:
    simulator, file, controls = swarm

    def command(word: str) -> int:
        return subprocess.run([sys.executable, "-m", "swarm.cli", word, str(file)], check=False, timeout=60).returncode

    def status(check: Callable[[control.Status], object]) -> bool:
        return all(r is not None and check(r.status) for r in control.send("status", controls, None).values())

    def later(seconds: float) -> np.ndarray:
        """All poses, when each robot is so many simulated seconds further."""
        now = simulator.poses()[1].max()
        wait(lambda: simulator.poses()[1].min() >= now + seconds, 30)
        return simulator.poses()[0]

    wait(lambda: status(lambda s: s.age is not None and s.peers == COUNT - 1), 60)
    assert status(lambda s: s.label == "with poses from the host controller")
    before, _ = simulator.poses()
    wait(lambda: (command("arm"), status(lambda s: s.state == "armed"))[1], 30)
    wait(lambda: apart(simulator.poses()[0]) >= 1.5 * apart(before), 60)
    print(apart(before), apart(simulator.poses()[0]))
    assert command("stop") == 0
    rest = later(1.2)
    assert later(1.0) == pytest.approx(rest, abs=1e-6)
    distances = np.hypot(*(rest[:, None, :2] - rest[None, :, :2]).T)[np.triu_indices(COUNT, 1)]
    assert distances.min() > 0.1  # nobody is on top of another
