"""The dashboard's pictures in docs/pictures, drawn from a run of the default mission.

uv run jerne run --out run && uv run python -m benchmarks.pictures run
"""

import argparse
from pathlib import Path

from swarm import record
from swarm.report import TASKS
from swarm.view.controls import Controls
from swarm.view.dashboard import svg
from swarm.view.replay import Player

FOLDER = Path(__file__).parent.parent / "docs/pictures"
AFTER = 120.0  # s after the tasks have changed
SIZE = 130, 42  # cells
ROBOT = 130, 36


def main() -> None:
    """Draw the swarm, and of the robots at work the one that has waited longest."""
    parser = argparse.ArgumentParser(description="Draw the dashboard's pictures in docs/pictures.")
    parser.add_argument("run", type=Path, help="folder of a run of the default mission")
    log = record.open_run(parser.parse_args().run)
    player = Player(log)
    player.seek(round((log.stage.phases[1][0] + AFTER) / log.dt))
    snapshot, moment = player.snapshot(), player.moment
    if snapshot is None or moment is None:
        raise SystemExit(f"{log.path}: ends before {log.stage.phases[1][0] + AFTER:g} s")
    patient = max(snapshot.robots, key=lambda robot: (TASKS[robot.task] == "work", robot.waiting)).robot
    one, detail = Controls(page="robot", selected=patient), player.telemetry.detail(moment, patient)
    (FOLDER / "dashboard.svg").write_text(svg(log.stage, snapshot, *SIZE), encoding="utf-8")
    (FOLDER / "robot.svg").write_text(svg(log.stage, snapshot, *ROBOT, one, detail), encoding="utf-8")


if __name__ == "__main__":
    main()
