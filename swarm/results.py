"""What a run leaves: manifest, summary, picture, film, rows of metrics; and how to read it back."""

import importlib.metadata
import json
import math
import platform
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sim import earshot
from sim.camera import Camera
from sim.site import Site
from sim.world import World
from swarm.memory import WORK
from swarm.mission import Mission
from swarm.view import picture
from swarm.view.snapshot import Snapshot, Stage
from swarm.view.video import Video

COMPLETED = "completed"  # outcome of a run that came to its mission's end
FRAME = 0.5  # s, simulated, between two pictures of a film


class Film:
    """A film of the top view, or by a camera, ten times as fast as life."""

    def __init__(self, path: Path, stage: Stage, tick: float, camera: Camera | None = None) -> None:
        self._video, self._stage, self._camera = Video(path, fps=20), stage, camera
        self._every = max(1, round(FRAME / tick))

    def is_due(self, tick: int) -> bool:
        """Is it time for a picture?"""
        return tick % self._every == 0

    def add(self, snapshot: Snapshot, trail: np.ndarray) -> None:
        """Add a picture; `trail` (T, N, 2) is where the robots were."""
        if self._camera is None:
            self._video.write(picture.draw(self._stage, snapshot, trails=trail[-30:]))
            return
        kinds = picture.palette(self._stage)
        robots = [picture.COLOURS[robot.strategy] if robot.alive else picture.DEAD for robot in snapshot.robots]
        pixels = self._camera.take(robots, {site.site: kinds[site.kind] for site in snapshot.sites})
        self._video.write(picture.captioned(pixels, self._stage, snapshot))

    def close(self) -> None:
        """Complete the file."""
        self._video.close()


def manifest(mission: Mission) -> dict[str, Any]:
    """What a run was made with."""
    packages = ("jerne", "numpy", "pybullet", "numba", "pyzmq", "msgspec", "mcap", "networkx", "rich")
    return {
        "jerne": version("jerne"),
        "mission": mission.name,
        "seed": mission.seed,
        "python": platform.python_version(),
        "host": {"name": platform.node(), "system": platform.platform(), "machine": platform.machine()},
        "packages": {name: version(name) for name in packages[1:]},
    }


def row(
    world: World,
    signals: Sequence[int],
    reports: np.ndarray,
    alive: np.ndarray,
    neighbours: np.ndarray,
    driven: float,
) -> tuple[float, ...]:
    """One row of `swarm.metrics.COLUMNS`; `signals` are those said, heard and lost so far."""
    living = reports[alive]
    waiting = living["waiting"][living["task"] == WORK]
    return (
        world.time,
        world.sites.phase,
        world.sites.done,
        len(world.sites.open),
        len(world.sites.waiting),
        float((living["strategy"] == 0).mean()) if living.size else 0.0,
        float(waiting.mean()) if waiting.size else 0.0,
        int(alive.sum()),
        earshot.components(earshot.graph(neighbours, alive)),
        *signals,
        driven,
    )


def finish(
    out: Path,
    mission: Mission,
    world: World,
    stage: Stage,
    last: Snapshot,
    trail: np.ndarray,
    outcome: str,
    wall: float,
    dropped: int,
    link: dict[str, int],
) -> dict[str, Any]:
    """Write summary.json and arena.png; the summary.

    `dropped` counts bad messages, `link` what robots' own links counted, `wall` is in s.
    """
    summary = summarize(mission, world, outcome)
    summary["bad messages dropped"] = dropped
    summary["robots restarted"] = sum(robot.restarts for robot in last.robots)
    if link:
        summary["robots' own links"] = link
    summary["wall seconds"] = round(wall, 3)
    (out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    picture.save(out / "arena.png", stage, last, trails=trail if len(trail) else None)
    return summary


def summarize(mission: Mission, world: World, outcome: str) -> dict[str, Any]:
    """What was done, per phase."""
    ends = [*world.sites.starts[1:].tolist(), mission.duration]
    phases = []
    for i, (phase, start, end) in enumerate(zip(mission.phases, world.sites.starts.tolist(), ends, strict=True)):
        done = [s for s in world.sites.ended if s.outcome == "done" and start < s.ended <= end]
        lasted = min(world.time, end) - start
        if lasted <= 0:
            break
        phases.append(
            {
                "phase": phase.name or f"phase {i + 1}",
                "seconds": round(lasted, 3),
                "tasks done": len(done),
                "tasks per minute": round(60 * len(done) / lasted, 3),
                "median seconds from opening to done": _median(done),
            }
        )
    return {
        "mission": mission.name,
        "seed": mission.seed,
        "world": mission.world,
        "robots": mission.robots.count,
        "outcome": outcome,
        "simulated seconds": round(world.time, 3),
        "tasks done": world.sites.done,
        "tasks withdrawn": sum(s.outcome == "withdrawn" for s in world.sites.ended),
        "tasks open": len(world.sites.open) + len(world.sites.waiting),
        "phases": phases,
    }


def _median(done: Sequence[Site]) -> float | None:
    times = [s.ended - s.opened for s in done if not math.isnan(s.opened)]
    return round(statistics.median(times), 1) if times else None


def version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
