"""Measures of runs made by hand."""

from dataclasses import replace

import numpy as np
import pytest

from sim.spec import Meaning, Phase
from swarm.mission import Mission
from swarm.study import measures
from swarm.study.archive import Run
from swarm.study.measures import Study, Windows, latency, measure
from swarm.study.plan import GOES_ON, RESET, Cell
from swarm.study.play import COLUMNS

TASKS = np.dtype([("phase", "i8"), ("arrived", "f8"), ("ended", "f8"), ("done", "?")])
PHASE = Phase(100, 10, {"ash": Meaning("push")})


def run(key: tuple[str, str, str, str], seed: int, ended: list[float], until: float = 200.0) -> Run:
    """A run in which tasks were done at these times; counters grow by one a second."""
    rows = np.zeros(int(until) // 10, [(name, "f8") for name in COLUMNS])
    rows["time"] = np.arange(10, until + 1, 10)
    rows["alive"] = 4
    for name in ("said", "driven", "waited", "deadlocks"):
        rows[name] = rows["time"]
    rows["open"], rows["backlog"], rows["aggregate"] = 3, np.where(rows["time"] > 100, 2, 9), 0.25
    tasks = np.array([(0, 0.0, t, True) for t in ended], TASKS)
    return Run(key, seed, rows, tasks)


def cell(controller: str, variant: str, mission: Mission, change: str = "team") -> Cell:
    return Cell("nominal", change, controller, variant, mission)


@pytest.fixture
def two(mission: Mission) -> Mission:
    return replace(mission, phases=(PHASE, PHASE))


@pytest.fixture
def three(mission: Mission) -> Mission:
    return replace(mission, phases=(PHASE, PHASE, replace(PHASE, duration=50)))


def test_windows(mission: Mission, two: Mission, three: Mission) -> None:
    assert Windows.of(two) == pytest.approx(Windows(50, 100, 200, np.nan), nan_ok=True)
    assert Windows.of(three) == Windows(150, 200, 250, 100)
    assert Windows.of(mission).change == 0
    new = replace(three, phases=(*three.phases[:2], replace(three.phases[2], rate=7)))
    assert np.isnan(Windows.of(new).first)  # a third regime, and not the first one again


def test_a_run_by_hand(two: Mission) -> None:
    done = [10.0, 50.0, 60.0, 100.0, 101.0, 199.0, 200.0]
    found = measure(run(("", "", "", ""), 1, done), Windows.of(two))
    assert found["before"] == pytest.approx(2 * 60 / 50)  # 60 and 100: a window is open at its start
    assert found["after"] == pytest.approx(3 * 60 / 100)
    assert found["n_after"] == 3
    assert found["backlog"] == 5
    assert found["deadlocks"] == 100
    assert found["waiting"] == pytest.approx(100 * 100 / (4 * 100))
    assert found["distance"] == pytest.approx(100 / (4 * 100 / 60))
    assert found["messages"] == pytest.approx(100 / (4 * 100))
    assert found["aggregate"] == 25


def test_a_mission_without_change_is_all_after(mission: Mission) -> None:
    found = measure(run(("", "", "", ""), 1, [0.5, 19.0], 20.0), Windows.of(mission))
    assert found["n_after"] == 2
    assert np.isnan(found["before"])


def test_latency_counts_what_is_open() -> None:
    """Arrived at 0, 10, 20, 90 and done after 10, never, 30, never, until 100: by hand after Kaplan and Meier."""
    tasks = np.array([(0, 0, 10, 1), (0, 10, np.nan, 0), (0, 20, 50, 1), (0, 90, np.nan, 0), (0, -5, 9, 1)], TASKS)
    # lasted 10 (done), 90+, 30 (done), 10+: 3/4 from 10 on, then half of it from 30 on
    assert latency(tasks, 0, 100) == pytest.approx(10 + 0.75 * 20 + 0.375 * 70)
    assert np.isnan(latency(tasks[:0], 0, 100))


def test_pairs_are_made_by_seed(two: Mission) -> None:
    cells = [cell("a", GOES_ON, two), cell("b", GOES_ON, two), cell("a", RESET, two)]
    a, b, reset = (c.key for c in cells)
    after = [float(t) for t in range(101, 109)]
    runs = [run(a, 1, after), run(a, 2, after[:4]), run(a, 3, []), run(b, 1, after[:2]), run(b, 3, [*after])]
    study = Study(cells, [*runs, run(reset, 2, after[:2])], 10.0)
    assert study.versus("nominal", "a", "b", "team") == pytest.approx({1: np.log(4), 3: np.log(0.5 / 8)})
    assert study.transfer("nominal", "a", "team") == pytest.approx({2: np.log(2)})
    assert study.transfer("nominal", "b", "team") == {}
    assert study.second_time("nominal", "a", "team") == {}
    assert study.worlds("nominal", "nominal", "team", "a", 0.15).ratio == 1


def test_the_second_time_against_the_first(three: Mission) -> None:
    """In 50 s from the start 2 tasks, in 50 s from the return 6: three times as many; what lies between is out."""
    cells = [cell("a", GOES_ON, three)]
    done = [10.0, 49.0, 51.0, 120.0, *(201.0 + i for i in range(6))]
    study = Study(cells, [run(cells[0].key, 1, done, 250.0)], 10.0)
    assert study.second_time("nominal", "a", "team") == pytest.approx({1: np.log(3)})


def test_recovery_by_hand(two: Mission) -> None:
    """The reference does 2 tasks in each 10 s; one run comes back to that at 30 s, one never does."""
    cells = [cell(name, GOES_ON, two) for name in ("known", "a")]
    known, a = (c.key for c in cells)
    steady = [2.5 + 5 * i for i in range(40)]
    late = [t for t in steady if t <= 100 or t > 130]
    study = Study(cells, [run(known, 1, steady), run(a, 1, late), run(a, 2, steady[:20])], 10.0)
    times, rates = study.curve("nominal", "team", "known")
    assert (times[0], times[-1]) == (-95, 95)
    assert set(rates.ravel()) == {12.0}
    found = study.recovery("nominal", "a", "known", "team")
    assert (found.n, found.seen, found.median) == (2, 1, 30)
    assert found.mean == pytest.approx((30 + 90) / 2)  # the other is censored at the last window, which begins at 90 s
    own = study.recovery("nominal", "known", "known", "team")
    assert (own.seen, own.mean) == (1, 0)


def test_pooled_takes_the_mean_of_each_seed() -> None:
    effect = measures.pooled([{1: 0.2, 2: 0.4, 3: 9.0}, {1: 0.4, 2: 0.0}, {}])
    assert effect.n == 2
    assert np.log(effect.ratio) == pytest.approx((0.3 + 0.2) / 2)
    found = measures.effects(["x", "y", "z"], {"x": {1: 0.1}, "y": {1: 0.3}, "z": {}}.__getitem__)
    assert list(found) == ["x", "y", "all changes"]
    assert list(measures.effects(["x"], {"x": {1: 0.1}}.__getitem__)) == ["x"]
