"""Robots on a network that fails: several hosts, real processes, real sockets.

`make faults` measures the same for longer, and more of it.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from swarm.net.guard import LOST
from tests.swarm.net.rig import Rig
from tests.swarm.net.switch import Faults

pytestmark = pytest.mark.slow
UP = 60  # s that robots may take to start on a busy machine


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Four robots that hear each other."""
    with Rig(4, tmp_path_factory.mktemp("rig")) as rig:
        rig.until("alive", rig.pairs(), UP)
        yield rig


@pytest.fixture(autouse=True)
def healed(rig: Rig) -> Iterator[None]:
    yield
    rig.network.faults = Faults()
    rig.until("alive", rig.pairs(), 30)
    assert rig.all_well(), "nobody crashed, nobody is stuck"


@pytest.mark.parametrize(
    ("faults", "heard"),
    [
        (Faults(), 0.9),
        (Faults(loss=0.1), 0.8),
        (Faults(loss=0.3), 0.8),
        (Faults(loss=0.6), 0.5),
        (Faults(loss=0.6, delay=1.0), 0.4),
        (Faults(delay=0.1), 0.9),
        (Faults(double=0.5), 0.9),
        (Faults(delay=0.02, jitter=0.06), 0.9),
    ],
    ids=["perfect", "loss 10%", "loss 30%", "loss 60%", "loss 60%, delay 1 s", "delay 0.1 s", "doubled", "reordered"],
)
def test_what_is_heard_on_a_bad_network(rig: Rig, faults: Faults, heard: float) -> None:
    rig.network.faults = faults
    rig.watch(1)
    measured = rig.watch(4)
    assert measured.heard >= heard
    assert measured.heard <= 1.1, "nothing is heard twice"
    assert measured.took < 0.1, "a tick waits for nobody"


def test_a_partition_is_noticed_and_heals(rig: Rig) -> None:
    def together(a: int, b: int) -> bool:
        return (a < 2) == (b < 2)

    rig.network.faults = Faults(passes=together)
    assert rig.until("lost", rig.pairs(lambda a, b: not together(a, b)), 10) < LOST + 1.0
    measured = rig.watch(3)
    assert measured.took < 0.1
    rig.network.faults = Faults()
    rig.until("alive", rig.pairs(), 20)


def test_a_link_that_works_one_way_only(rig: Rig) -> None:
    rig.network.faults = Faults(passes=lambda source, target: (source, target) != (0, 1))
    rig.until("lost", [(1, 0)], 10)
    others = [pair for pair in rig.pairs() if set(pair) != {0, 1}]
    rig.until("alive", others, 10)


def test_a_robot_that_is_killed_and_comes_back(rig: Rig) -> None:
    rig.kill(3)
    survivors = [(a, 3) for a in range(3)]
    assert rig.until("lost", survivors, 10) < LOST + 1.0
    rig.start(3)
    rig.until("alive", rig.pairs(), UP)


def test_robots_find_each_other_by_beacons_and_one_that_moves_is_found(rig: Rig, tmp_path: Path) -> None:
    with Rig(3, tmp_path, beacons=True) as other:
        other.until("alive", other.pairs(), UP)
        other.network.move(2, 99)
        pairs = [pair for pair in other.pairs() if 2 in pair]
        time.sleep(LOST + 0.5)  # who is alive now is heard from there
        other.until("alive", pairs, 10)
        assert other.all_well()
