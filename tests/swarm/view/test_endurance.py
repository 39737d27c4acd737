"""An hour of watching, fed fast: through sockets, telemetry and terminal as in life, and without growth."""

import gc
import io
import os
import time
from itertools import count
from pathlib import Path

import pytest
import zmq
from rich.console import Console

from swarm import record
from swarm.record import Tick
from swarm.view.dashboard import Dashboard
from swarm.view.publish import Publisher, Watcher
from swarm.view.telemetry import Telemetry
from tests.swarm.view.test_dashboard import stage, swarm

FRAMES, WARM = 36_000, 6_000  # an hour at 10 Hz; until then caches and histories fill


class Sink(io.StringIO):
    """A terminal that counts what is written, and keeps nothing."""

    written = 0

    def write(self, text: str) -> int:
        self.written += len(text)
        return len(text)


def memory() -> float:
    """Resident, MB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


@pytest.mark.slow
def test_an_hour_of_watching_takes_no_more_memory_than_its_first_minutes(finished: Path) -> None:
    log = record.open_run(finished)
    ticks = [item for item in log.walk() if isinstance(item, Tick)]
    telemetry, sink, times = Telemetry(log.dt), Sink(), count(0.0, 0.1)
    dashboard = Dashboard(log.stage, Console(file=sink, width=80, height=24, force_terminal=True), times.__next__)
    after: dict[int, tuple[float, int]] = {}
    with zmq.Context() as context, dashboard:
        publisher = Publisher(context, [("inproc://run", None)])
        watcher = Watcher(context, "inproc://run")
        for frame in range(FRAMES):
            now = ticks[frame % len(ticks)]._replace(tick=frame)
            telemetry.tick(now)
            publisher.publish(log.stage, telemetry.snapshot(now), lambda robot, now=now: telemetry.detail(now, robot))  # type: ignore[misc]
            watcher.take()
            watcher.select(frame // 200 % 3 if frame % 200 < 50 else None)
            dashboard.show(watcher.snapshot, watcher.detail)
            if frame + 1 in (WARM, FRAMES):
                gc.collect()
                after[frame + 1] = memory(), len(gc.get_objects())
        assert watcher.snapshot is not None
        assert watcher.snapshot.tick > FRAMES - 100
        context.destroy(linger=0)
    grown, objects = after[FRAMES][0] - after[WARM][0], after[FRAMES][1] - after[WARM][1]
    print(f"{grown:+.2f} MB, {objects:+d} objects, {sink.written / 1e6:.0f} MB drawn")
    assert sink.written > FRAMES * 1000, "it was drawn"
    assert grown < 3
    assert objects < 500


def test_a_frame_of_a_hundred_robots_is_cheap_down_to_the_terminal() -> None:
    sink, times = Sink(), count(0.0, 1.0)
    shots = [swarm(100, done=done) for done in range(12)]
    with Dashboard(stage(), Console(file=sink, width=120, height=40, force_terminal=True), times.__next__) as dashboard:
        costs = []
        for shot in shots:
            begin = time.process_time()
            dashboard.show(shot)
            costs.append(time.process_time() - begin)
    assert sink.written > 12 * 4000
    assert min(costs) < 0.02
