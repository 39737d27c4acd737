"""What needs an operator's attention: a pure function of what a watcher sees."""

import math
from collections.abc import Iterator, Sequence
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
    lost = [robot for robot in snapshot.robots if not robot.alive and snapshot.tick > 0]
    out = [Alarm("error", f"{_robots(lost)} lost", _numbers(lost))] if lost else []
    alive = [robot for robot in snapshot.robots if robot.alive]
    return [*out, *_bodies(stage, alive), *_links(stage, snapshot, alive), *_schedule(stage, snapshot)]


def _bodies(stage: Stage, alive: Sequence[RobotRow]) -> Iterator[Alarm]:
    """What is wrong with robots that are there."""
    watch = stage.watch
    if faulty := [r for r in alive if r.fault]:
        yield Alarm("error", f"{_robots(faulty)}: {faulty[0].fault}", _numbers(faulty))
    if still := sorted((r for r in alive if r.still >= watch.motor and not r.held), key=lambda r: -r.still):
        text = f"{_robots(still)}: motor fault? told to move, stands for {_span(still[0].still)}"
        yield Alarm("error", text, _numbers(still))
    if frozen := sorted((r for r in alive if r.frozen >= watch.sensor), key=lambda r: -r.frozen):
        text = f"{_robots(frozen)}: sensor fault? readings dead for {_span(frozen[0].frozen)}"
        yield Alarm("error", text, _numbers(frozen))
    if low := sorted((r for r in alive if r.battery < watch.battery), key=lambda r: r.battery):
        yield Alarm("error", f"{_robots(low)}: battery low, {low[0].battery:.0%} left", _numbers(low))
    if held := [r for r in alive if r.held]:
        yield Alarm("warning", f"{_robots(held)}: {held[0].held}", _numbers(held))
    if stuck := sorted((r for r in alive if r.waiting >= watch.stuck and not r.held), key=lambda r: -r.waiting):
        yield Alarm("warning", f"{_robots(stuck)} stuck at {_sites(stuck)}, {_span(stuck[0].waiting)}", _numbers(stuck))


def _links(stage: Stage, snapshot: Snapshot, alive: Sequence[RobotRow]) -> Iterator[Alarm]:
    """Who hears badly."""
    if silent := sorted((r for r in alive if is_silent(stage, snapshot, r)), key=_age, reverse=True):
        yield Alarm("warning", f"{_robots(silent)}: nobody heard for {_span(_age(silent[0]))}", _numbers(silent))
    if weak := sorted((r for r in alive if r.loss > stage.watch.loss), key=lambda r: -r.loss):
        yield Alarm("warning", f"{_robots(weak)}: link weak, {weak[0].loss:.0%} of signals lost", _numbers(weak))


def _schedule(stage: Stage, snapshot: Snapshot) -> Iterator[Alarm]:
    """What takes too long."""
    watch = stage.watch
    if snapshot.backlog >= watch.backlog:
        yield Alarm("warning", f"behind schedule: {snapshot.backlog} sites find no room")
    if old := sorted((site for site in snapshot.sites if site.age >= watch.open), key=lambda site: -site.age):
        yield Alarm("warning", f"behind schedule: site {old[0].site} open for {_span(old[0].age)}, {len(old)} like it")


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
