"""Tuning: the same budget for all, other seeds than the study's, and what it finds goes into the study."""

from pathlib import Path

import numpy as np
import pytest

from swarm.cli import main
from swarm.study import spec, tune
from swarm.study.spec import Range

TUNE = """
[tune]
budget = 3
seeds = 2
changes = ["meaning"]
[tune.ranges.random."mind.immune.k"]
low = 0.0
high = 1.0
[tune.ranges.immune."mind.immune.beta"]
low = 0.1
high = 1.0
[tune.ranges.immune."mind.xcs.capacity"]
low = 20
high = 400
log = true
whole = true
"""


def test_parameter_sets_start_with_the_controller_s_own_and_fill_the_ranges() -> None:
    ranges = {"a": Range(0, 10), "b": Range(1, 1000, log=True), "c": Range(1, 4, whole=True)}
    sets = tune.propose(ranges, 65)
    assert len(sets) == 65
    assert sets[0] == ()
    assert sets == tune.propose(ranges, 65)
    values = np.array([[float(text.partition("=")[2]) for text in one] for one in sets[1:]])
    assert [text.partition("=")[0] for text in sets[1]] == ["a", "b", "c"]
    assert values.min(0) == pytest.approx([0, 1, 1], abs=0.2)
    assert values.max(0) == pytest.approx([10, 1000, 4], rel=0.15)
    # 64 points of a Sobol sequence: as many in each eighth of a range, on its own scale
    assert np.histogram(values[:, 0], 8, (0, 10))[0].tolist() == [8] * 8
    assert np.histogram(np.log(values[:, 1]), 8, (0, np.log(1000)))[0].tolist() == [8] * 8
    assert set(values[:, 2]) == {1, 2, 3, 4}


@pytest.mark.parametrize("budget", [1, 2, 5])
def test_a_budget_is_kept(budget: int) -> None:
    assert len(tune.propose({"a": Range(0, 1)}, budget)) == budget


def test_the_best_of_equals_is_the_first() -> None:
    scores = {"a #0": 1.0, "a #1": 2.0, "a #2": 2.0}
    assert tune.choose("a", [(), ("x",), ("y",)], scores) == 1


def test_a_study_tunes_first_and_plays_with_what_was_found(
    small: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    small.write_text(small.read_text().replace("seeds = 2", "seeds = 1") + TUNE)
    out = tmp_path / "out"
    assert tune.size(spec.read(small)) == 12
    assert main(["compare", str(small), "--out", str(out), "--tune-only"]) == 0
    assert not (out / "study.sqlite").exists()
    found = (out / "tuned.toml").read_text()
    assert found.count("tasks as it was") == 2
    assert main(["compare", str(small), "--out", str(out)]) == 0
    said = capfd.readouterr().out
    assert "12 of 12 tuning runs are there already" in said
    assert (out / "tuned.toml").read_text() == found
    tuned = spec.with_tuned(spec.read(small), out / "tuned.toml").all_controllers()
    assert tuned["immune"] in [(), *tune.propose(spec.read(small).tune.ranges["immune"], 3)]
    # the file may be named in a spec instead
    text = small.read_text().partition("\n[tune]")[0].replace("window = 3", 'window = 3\ntuned = "out/tuned.toml"')
    small.write_text(text)
    assert spec.read(small).all_controllers() == tuned
