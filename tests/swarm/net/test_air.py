"""Whole runs in which the robots of a simulated world talk over links of their own."""

import os
import signal
from dataclasses import replace

import numpy as np

from sim.spec import Robots
from swarm import metrics
from swarm.crew import Crew
from swarm.mission import Mission
from swarm.net.ties import Ties, total
from swarm.record import Log, Told
from swarm.view.snapshot import Snapshot
from tests.conftest import Play


def test_a_run_over_links_of_their_own_and_one_that_dies(mission: Mission, play: Play) -> None:
    small = replace(
        mission, world="planar", robots=Robots(count=3, restart=False), phases=(replace(mission.phases[0], duration=9),)
    )
    killed: list[float] = []
    seen: list[dict[str, int]] = []

    def during(crew: Crew, now: Snapshot) -> None:
        seen.append(now.ties)
        if now.time >= 5 and not killed:
            killed.append(now.time)
            os.kill(crew.robots[1].pid or 0, signal.SIGKILL)

    played = play(small, during, pace="realtime", radio="peers")
    assert played.status == 0
    assert played.summary["robots' own links"]["received"] > 50
    told = [item for item in Log(played.out / "ticks.mcap").walk() if isinstance(item, Told) and item.ties is not None]
    before = {item.robot: item.ties for item in told if item.tick * small.tick < killed[0]}
    assert {robot: ties and ties.alive for robot, ties in before.items()} == {0: [1, 2], 1: [0, 2], 2: [0, 1]}
    lost = [item for item in told if item.ties and item.ties.lost == [1]]
    assert {item.robot for item in lost} == {0, 2}
    assert killed[0] < lost[0].tick * small.tick < killed[0] + 1.5
    assert {"alive": 6, "stale": 0, "lost": 0, "refused": 0} in seen
    assert seen[-1]["lost"] == 2
    heard = np.array([[len(signals) for signals in tick.heard] for tick in played.ticks])
    assert heard[-10:, [0, 2]].sum() >= 4, "those who are left hear each other"
    assert not [text for text in metrics.load(played.out, "events").text if "refuses" in str(text)]


def test_ties_in_figures() -> None:
    one = Ties({"said": 9, "received": 7, "late": 1, "old": 2, "forged": 30}, [1], [2], [3, 4])
    assert one.refused == {"forged": 30, "old": 2}
    assert list(one.refused) == ["forged", "old"]
    assert total([one, Ties({"flood": 1}, [0])]) == {"alive": 2, "stale": 1, "lost": 2, "refused": 33}
    assert not total([])
