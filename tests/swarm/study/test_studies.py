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


def rates(robots: int, controller: str, seeds: range) -> np.ndarray:
    """Sticks pulled out per minute, of each seed."""
    cells = plan.cells(spec.read(STUDIES / "sticks.toml"), STUDIES)
    (cell,) = [c for c in cells if c.condition == f"robots = {robots}" and c.controller == controller]
    played = play([(cell.seeded(seed), None) for seed in seeds])
    done = [sum(task[-1] == "done" for task in one.tasks) for one in played]
    return np.array(done) * 60 / cell.mission.duration


@pytest.mark.slow
def test_stick_pulling_has_two_regimes() -> None:
    """Ijspeert et al. 2001: with fewer robots than sticks waiting for ever ends in a deadlock, with more it is best.

    Best is what no other is better than: with two robots for each stick hardly anybody ever waits for 40 s. Seeds are
    compared in pairs.
    """
    few = {wait: rates(3, f"waits {wait}", range(11, 17)).mean() for wait in ("10 s", "40 s", "for ever")}
    assert few["40 s"] > 1.1 * few["for ever"]
    assert few["40 s"] > 1.1 * few["10 s"]
    many = {wait: rates(8, f"waits {wait}", range(11, 27)) for wait in ("10 s", "40 s", "for ever")}
    lead = many["for ever"] - many["40 s"]
    assert lead.mean() + 1.96 * lead.std(ddof=1) / np.sqrt(len(lead)) >= 0, "40 s is better"
    assert lead.mean() > -0.02 * many["40 s"].mean()
    assert min(many["for ever"].mean(), many["40 s"].mean()) > 1.1 * many["10 s"].mean()
