"""One robot in detail: what it senses, how its immune network stands, why it does what it does."""

import math
from collections.abc import Sequence
from typing import Any

from rich.segment import Segment

from swarm.net.ties import Ties
from swarm.report import ACTIONS, STRATEGIES, TASKS
from swarm.rules import name_of, predictions, sentence, situation
from swarm.situation import BITS, question
from swarm.view import mapview
from swarm.view.mapview import ALARM, BOLD, DIM, PLAIN, STRATEGY, WARN, Glyphs, Line, level
from swarm.view.panels import beside, columns, count, gauge, name_cell, panel, seconds, shape
from swarm.view.snapshot import Detail, RobotRow, Snapshot, Stage

NAMED = {
    "proximity",
    "robot_id",
    "robot_rb",
    "site_id",
    "site_rb",
    "site_face",
    "site_kind",
    "progress",
    "touch",
    "grip",
    "odometry",
    "battery",
    "imu",
    "pose",
}


def robot_page(
    stage: Stage, snapshot: Snapshot, robot: RobotRow, detail: Detail | None, width: int, height: int, glyphs: Glyphs
) -> list[Line]:
    """The page of `robot`; `detail` is None until it has come."""
    head = summary_panel(stage, robot, width, 3, glyphs)
    rest = height - len(head)
    if detail is None:
        return head + shape([[Segment(" waiting for news of this robot", DIM)]], width, rest)
    if width >= 110:
        left = width // 2 - 1
        right = width - left - 1
        network = network_panel(detail, left, min(11, max(7, rest // 3)), glyphs)
        one = network + sense_panel(detail, left, rest - len(network), glyphs)
        return head + beside(one, why_panel(stage, snapshot, detail, right, rest, glyphs))
    network = network_panel(detail, width, 7 if rest >= 26 else 5, glyphs)
    senses = max(3, min(9, (rest - len(network)) // 2))
    why = why_panel(stage, snapshot, detail, width, rest - len(network) - senses, glyphs)
    return shape(head + network + why + sense_panel(detail, width, senses, glyphs), width, height)


def summary_panel(stage: Stage, robot: RobotRow, width: int, height: int, glyphs: Glyphs) -> list[Line]:
    """What it does, in words, and how it fares."""
    mark, colour = mapview.robot_mark(robot, stage.watch.stuck, glyphs)
    if not robot.alive:
        doing = [Segment("its process is gone", ALARM)]
    else:
        place = f" site {robot.site}" if robot.site >= 0 else ""
        action = f", {ACTIONS[robot.action]}" if robot.action >= 0 else ""
        doing = [Segment(f"{robot.held}; ", WARN)] if robot.held else []
        doing += [Segment(f"{robot.fault}; ", ALARM)] if robot.fault else []
        doing.append(Segment(f"{TASKS[robot.task]}{place}{action}"))
        if robot.waiting > 0:
            style = ALARM if robot.waiting >= stage.watch.stuck else WARN
            doing.append(Segment(f", waiting for {seconds(robot.waiting)}", style))
    strategy = Segment(STRATEGIES[robot.strategy], STRATEGY[robot.strategy])
    charge = "" if math.isnan(robot.battery) else f", battery {robot.battery:.0%}"
    figures = (
        f" at {robot.x:.2f}, {robot.y:.2f} m   {robot.rules} rules{charge}, started again {robot.restarts} times   "
        f"signals: {count(robot.said)} said, {count(robot.heard)} heard ({seconds(robot.age)} ago), {robot.bad} refused"
    )
    lines = [[Segment(" "), Segment(mark, colour), Segment(" "), strategy, Segment("  "), *doing]]
    lines.append([Segment(glyphs.fit(figures, width), DIM)])
    return panel(f"robot {robot.robot}", lines, width, height, glyphs)


def network_panel(detail: Detail, width: int, height: int, glyphs: Glyphs) -> list[Line]:
    """Antigen, stimulus and concentration of each strategy, with the concentrations of the last minute."""
    if not detail.history:
        return panel("immune network", [], width, height, glyphs)
    latest = detail.history[-1]
    most = len(latest.concentration)
    charts = max(0, (height - 1) // most - 1)
    lines: list[Line] = []
    for i, name in enumerate(STRATEGIES[:most]):
        lines.append(
            [
                Segment(f" {name:<10}", STRATEGY[i]),
                Segment(f"antigen {latest.antigen[i]:.2f} "),
                *gauge(latest.antigen[i], 8, STRATEGY[i], glyphs),
                Segment(f" stimulus {latest.stimulus[i]:+.2f} conc. "),
                Segment(f"{latest.concentration[i]:.2f}", BOLD),
            ]
        )
        past = [moment.concentration[i] for moment in detail.history if i < len(moment.concentration)]
        past = past[-max(1, width - 12) :]
        lines += [[Segment(" " * 11), Segment(row, STRATEGY[i])] for row in columns(past, 1.0, charts, glyphs.fill)]
    span = detail.history[-1].time - detail.history[0].time
    return panel(f"immune network, concentrations over {span:.0f} s", lines, width, height, glyphs)


def why_panel(stage: Stage, snapshot: Snapshot, detail: Detail, width: int, height: int, glyphs: Glyphs) -> list[Line]:
    """The latest decision: situation, what the actions promised, the rules that said so."""
    decision = detail.decision
    if decision is None:
        lines: list[Line] = [[Segment(" it has not decided anything at a site yet", DIM)]]
        return panel("why", lines, width, height, glyphs)
    where = situation(decision.situation, stage.signatures, BITS)
    lines = [[Segment(line)] for line in _wrapped(where, width - 1)]
    promised = predictions(decision.rules)
    top = max([1.0, *promised.values()])
    for action, payoff in promised.items():
        chosen = action == decision.action
        remark = "  taken" if chosen else "" if action in decision.allowed else "  not allowed now"
        lines.append(
            [
                Segment(f" {name_of(action):<7}", BOLD if chosen else PLAIN),
                Segment(f"{payoff:>6.0f} "),
                *gauge(payoff / top, max(4, min(24, width - 36)), STRATEGY[0 if chosen else 1], glyphs),
                Segment(remark, BOLD if chosen else DIM),
            ]
        )
    if decision.action not in promised:
        lines.append([Segment(f" {ACTIONS[decision.action]:<7}    taken, no rule of it among the fittest", BOLD)])
    alone = " as if alone" if question(decision.situation) != decision.situation else ""
    lines.append([Segment(f" rules that matched{alone}, the fittest first", DIM)])
    for rule in decision.rules:
        style = PLAIN if rule.action == decision.action else DIM
        lines += [[Segment(line, style)] for line in _wrapped(sentence(rule, stage.signatures), width - 1)]
    ago = seconds(max(0.0, snapshot.time - detail.decided))
    return panel(f"why: {ACTIONS[decision.action]}, decided {ago} ago", lines, width, height, glyphs)


def sense_panel(detail: Detail, width: int, height: int, glyphs: Glyphs) -> list[Line]:
    """The percept, field by field."""
    p = detail.percept
    lines: list[Line] = [
        [name_cell("free"), *_proximity(p.get("proximity", []), glyphs)],
        [name_cell("robots"), Segment(_seen(p, "robot", ""))],
        [name_cell("sites"), Segment(_seen(p, "site", "site "))],
        [name_cell("work"), Segment(_work(p))],
        *_peers(detail.ties),
        [name_cell("hears"), Segment(", ".join(f"robot {sender}" for sender in detail.heard) or "nobody in this tick")],
        [name_cell("moved"), Segment(_moved(p))],
    ]
    others = ("battery", "imu", "pose", *(name for name in p if name not in NAMED))
    lines += [[name_cell(name[:7]), Segment(text)] for name in others if name in p and (text := _values(p[name]))]
    cut = [[line[0], *(Segment(glyphs.text(s.text), s.style) for s in line[1:])] for line in lines]
    return panel("senses", cut, width, height, glyphs)


def _peers(ties: Ties | None) -> list[Line]:
    """Whom its own link hears, and what it has counted."""
    if ties is None:
        return []
    who = Segment(f"{len(ties.alive)} alive")
    gone = [
        Segment(f", {state}: {', '.join(map(str, robots))}", style)
        for state, robots, style in (("stale", ties.stale, WARN), ("lost", ties.lost, ALARM))
        if robots
    ]
    c, refused = ties.counters, ", ".join(f"{count(number)} {why}" for why, number in ties.refused.items())
    taken = f"; {count(c.get('received', 0))} taken, {count(c.get('late', 0))} late"
    return [
        [name_cell("peers"), who, *gone],
        [name_cell("refused"), Segment(refused or "none", WARN if refused else PLAIN), Segment(taken, DIM)],
    ]


def _proximity(free: Sequence[float], glyphs: Glyphs) -> Line:
    if not free:
        return [Segment("no proximity sensor", DIM)]
    near = min(range(len(free)), key=lambda ray: free[ray])
    bearing = math.degrees(math.remainder(2 * math.pi * near / len(free), 2 * math.pi))
    far = max(free) or 1.0
    bars = "".join(level(value / far, glyphs.fill) for value in free)
    return [Segment(bars, STRATEGY[1]), Segment(f"  nearest {free[near]:.2f} m at {bearing:+.0f} deg")]


def _seen(percept: dict[str, Any], what: str, prefix: str) -> str:
    numbers, places = percept.get(f"{what}_id", []), percept.get(f"{what}_rb", [])
    seen = [
        f"{prefix}{number} {distance:.2f} m {math.degrees(bearing):+.0f} deg"
        for number, (distance, bearing) in zip(numbers, places, strict=False)
        if number >= 0
    ]
    return ", ".join(seen) or "none in sight"


def _work(percept: dict[str, Any]) -> str:
    touch, progress = percept.get("touch", -1), percept.get("progress", math.nan)
    if touch < 0:
        return "touches no site"
    grip = ", gripper closed" if percept.get("grip") else ""
    done = "" if math.isnan(progress) else f", {progress:.0%} done"
    return f"touches site {touch}{done}{grip}"


def _moved(percept: dict[str, Any]) -> str:
    ahead, turned = percept.get("odometry", (math.nan, math.nan))
    return f"{1000 * ahead:+.0f} mm, {math.degrees(turned):+.1f} deg in this tick"


def _values(value: Any) -> str:
    """Numbers of any field; nothing where nothing measures."""
    numbers = value if isinstance(value, list) else [value]
    flat = [x for part in numbers for x in (part if isinstance(part, list) else [part])]
    if all(isinstance(x, float) and math.isnan(x) for x in flat):
        return ""
    return " ".join(f"{x:.3g}" if isinstance(x, (int, float)) else str(x) for x in flat)


def _wrapped(text: str, width: int) -> list[str]:
    """Lines of at most `width` cells, the later ones indented."""
    lines, line = [], ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > width - 1:
            lines.append(line)
            line = "   " + word
        else:
            line = f"{line} {word}" if line else f" {word}"
    return [*lines, line] if line else lines
