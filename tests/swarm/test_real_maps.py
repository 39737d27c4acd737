"""Whole runs on real floor plans: those beside the project where they are there, and our own."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from sim import floor
from swarm import missionfile, record
from swarm.cli import main

ROOT = Path(__file__).parents[2]
MAPS = [*sorted((ROOT.parent / "shared" / "maps").glob("*.yaml")), ROOT / "missions" / "office.yaml"]


@pytest.mark.slow
@pytest.mark.parametrize("path", MAPS, ids=lambda path: path.stem)
def test_twelve_robots_work_on_a_map(path: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert main(["run", "--plain", "--map", str(path), "--duration", "90", "--out", str(out)]) == 0
    summary = json.loads((out / "summary.json").read_text())
    assert summary["robots"] == 12
    assert summary["tasks done"] >= 3
    mission = missionfile.load(out / "mission.toml")
    ground = floor.floor(mission.arena, Path())
    ticks = list(record.read(out / "ticks.mcap"))
    reachable = ground.inside(ticks[0].poses[:, :2], ground.region(mission.robots.radius))
    assert reachable.all(), "a robot started in a wall or in a pocket cut off from the others"
    for tick in ticks[::50]:  # walls hold: nobody's middle is ever nearer to one than 80% of its radius
        assert ground.is_clear(tick.poses[:, :2], 0.8 * mission.robots.radius).all()
    driven = sum(float(np.hypot(*(b.poses - a.poses)[:, :2].T).sum()) for a, b in pairwise(ticks))
    assert driven / 12 > 90 * 0.5 * 0.2, "robots drive 0.5 m/s on a map; they move for a good part of the time"
