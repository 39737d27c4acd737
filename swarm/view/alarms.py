"""What needs an operator's attention: a pure function of what a watcher sees."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from swarm.view.snapshot import RobotRow, Snapshot, Stage

NAMED = 8  # robots that one alarm names


class Alarm(NamedTuple):
    """Something that is wrong, and with whom."""

    level: str  # error | warning
    text: str
    robots: tuple[int, ...] = ()  # the worst first


def alarms(stage: Stage, snapshot: Snapshot) -> list[Alarm]:
    """All that is wrong now, the worst first, by the thresholds of the mission's [watch]."""
    watch, alive = stage.watch, [robot for robot in snapshot.robots if robot.alive]
    lost = [robot for robot in snapshot.robots if not robot.alive and snapshot.tick > 0]
    low = sorted((r for r in alive if r.battery < watch.battery), key=lambda r: r.battery)
    stuck = sorted((r for r in alive if r.waiting >= watch.stuck), key=lambda r: -r.waiting)
    silent = sorted((r for r in alive if is_silent(stage, snapshot, r)), key=_age, reverse=True)
    old = sorted((site for site in snapshot.sites if site.age >= watch.open), key=lambda site: -site.age)
    out = [
        Alarm("error", f"{_robots(lost)} lost", _numbers(lost)) if lost else None,
        Alarm("error", f"{_robots(low)}: battery low, {low[0].battery:.0%} left", _numbers(low)) if low else None,
        Alarm("warning", f"{_robots(stuck)} stuck at {_sites(stuck)}, {_span(stuck[0].waiting)}", _numbers(stuck))
        if stuck
        else None,
        Alarm("warning", f"{_robots(silent)}: nobody heard for {_span(_age(silent[0]))}", _numbers(silent))
        if silent
        else None,
        Alarm("warning", f"behind schedule: {snapshot.backlog} sites find no room")
        if snapshot.backlog >= watch.backlog
        else None,
        Alarm("warning", f"behind schedule: site {old[0].site} open for {_span(old[0].age)}, {len(old)} like it")
        if old
        else None,
    ]
    return [alarm for alarm in out if alarm is not None]


def is_silent(stage: Stage, snapshot: Snapshot, robot: RobotRow) -> bool:
    """Has a robot heard nobody for too long? Where there is nobody else, no."""
    if len(snapshot.robots) < 2 or not robot.alive:
        return False
    return _age(robot) >= stage.watch.silent and snapshot.time >= stage.watch.silent


def _age(robot: RobotRow) -> float:
    return math.inf if math.isnan(robot.age) else robot.age


def _numbers(robots: Sequence[RobotRow]) -> tuple[int, ...]:
    return tuple(robot.robot for robot in robots)


def _robots(robots: Sequence[RobotRow]) -> str:
    names = [str(robot.robot) for robot in robots[:NAMED]]
    more = f" and {len(robots) - NAMED} more" if len(robots) > NAMED else ""
    return f"robot{'s' * (len(robots) > 1)} {', '.join(names)}{more}"


def _sites(robots: Sequence[RobotRow]) -> str:
    sites = sorted({robot.site for robot in robots if robot.site >= 0})
    if not sites:
        return "a site"
    more = f" and {len(sites) - 3} more" if len(sites) > 3 else ""
    return f"site{'s' * (len(sites) > 1)} {', '.join(map(str, sites[:3]))}{more}"


def _span(seconds: float) -> str:
    if seconds == math.inf:
        return "ever"
    if seconds >= 7200:
        return f"{seconds / 3600:.0f} h"
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
