"""The specs that are committed: each can be played; stick pulling shows its two regimes."""

from pathlib import Path

import numpy as np
import pytest

from swarm.study import plan, spec
from swarm.study.play import play

STUDIES = Path(__file__).parents[3] / "studies"
SPECS = sorted(path for path in STUDIES.glob("*.toml") if not path.name.endswith(".mission.toml"))


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_specs_fit_their_missions(path: Path) -> None:
    study = spec.read(path)
    cells = plan.cells(study, STUDIES)
    assert len({cell.key for cell in cells}) == len(cells) > 0
    assert study.seeds >= 10


def rate(robots: int, controller: str, seeds: range) -> float:
    """Sticks pulled out per minute."""
    cells = plan.cells(spec.read(STUDIES / "sticks.toml"), STUDIES)
    (cell,) = [c for c in cells if c.condition == f"robots = {robots}" and c.controller == controller]
    played = play([(cell.seeded(seed), None) for seed in seeds])
    done = [sum(task[-1] == "done" for task in one.tasks) for one in played]
    return float(np.mean(done)) * 60 / cell.mission.duration


@pytest.mark.slow
def test_stick_pulling_has_two_regimes() -> None:
    """Ijspeert et al. 2001: with fewer robots than sticks waiting for ever ends in a deadlock, with more it is best."""
    seeds = range(11, 17)
    few = {wait: rate(3, f"waits {wait}", seeds) for wait in ("10 s", "40 s", "for ever")}
    assert few["40 s"] > 1.1 * few["for ever"]
    assert few["40 s"] > 1.1 * few["10 s"]
    many = {wait: rate(8, f"waits {wait}", seeds) for wait in ("10 s", "40 s", "for ever")}
    assert many["for ever"] > 0.97 * many["40 s"], "no finite time is best: the two tie, within a task in a run"
    assert min(many["for ever"], many["40 s"]) > 1.1 * many["10 s"]
