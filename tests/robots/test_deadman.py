"""The driver's dead-man, with real time."""

import threading
import time

from robots.deadman import DeadMan
from tests.conftest import wait


def test_it_stops_a_body_whose_loop_hangs_again_and_again() -> None:
    stops: list[float] = []
    fed = time.monotonic()
    man = DeadMan(lambda: stops.append(time.monotonic()), 0.2)
    try:
        wait(lambda: len(stops) >= 3, 10)
        assert stops[0] - fed >= 0.2
        assert man.hangs(60) == 1  # one, however often the body is stopped
        man.feed()
        wait(lambda: man.hangs(60) == 2, 10)
        wait(lambda: man.hangs(0.5) == 0, 10)  # what is over is over
    finally:
        man.close()
    count = len(stops)
    time.sleep(0.3)
    assert len(stops) == count


def test_it_lets_a_loop_that_runs_alone() -> None:
    stops: list[int] = []
    man = DeadMan(lambda: stops.append(1), 5.0)  # generous: machines hang too
    for _ in range(50):
        man.feed()
        time.sleep(0.01)
    man.close()
    assert stops == []
    assert threading.active_count() < 10


def test_a_stop_that_fails_is_tried_again_and_told() -> None:
    stops: list[str] = []

    def stop() -> None:
        stops.append("tried")
        if len(stops) < 4:
            raise RuntimeError("no such pin")

    man = DeadMan(stop, 0.1)
    try:
        wait(lambda: man.failed == 3, 10)
        wait(lambda: len(stops) >= 5, 10)
        assert man.trouble == ""
        stops.clear()
        wait(lambda: "no such pin" in man.trouble, 10)
    finally:
        man.close()
