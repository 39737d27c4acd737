"""The panels of the dashboard: pure functions from a snapshot to lines of text.

Every panel returns lines of `rich` segments of exactly the width and height it was given, so a frame
always fits, whatever the size of the terminal and of the swarm.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from rich.segment import Segment
from rich.style import Style

from swarm.report import ACTIONS, STRATEGIES, TASKS
from swarm.view import mapview
from swarm.view.alarms import Alarm
from swarm.view.mapview import ALARM, BOLD, DIM, PLAIN, STRATEGY, WARN, Glyphs, Line, attention, ink, label, level
from swarm.view.picture import clock, palette
from swarm.view.snapshot import RobotRow, SiteRow, Snapshot, Stage, antibodies

TRACK = Style(color="grey35")
HEADER = Style(color="white", bgcolor="#2f4550", bold=True)
CHOSEN = Style(reverse=True)
LEVELS = {"info": DIM, "warning": WARN, "error": ALARM}
MANY = 100  # robots from which on they are shown as groups and outliers


def beside(left: list[Line], right: list[Line]) -> list[Line]:
    return [[*a, Segment(" "), *b] for a, b in zip(left, right, strict=True)]


def shape(lines: Sequence[Line], width: int, height: int) -> list[Line]:
    """Exactly `height` lines of exactly `width` cells: what is too much is cut, what is missing is blank."""
    cut = [Segment.adjust_line_length(line, width) for line in lines[:height]]
    return cut + [[Segment(" " * width)] for _ in range(height - len(cut))]


def panel(title: str, lines: Sequence[Line], width: int, height: int, glyphs: Glyphs) -> list[Line]:
    """`lines` below a rule that carries the title."""
    light = glyphs.line[-1]
    rule = [
        Segment(light * 2, DIM),
        Segment(f" {title} ", BOLD),
        Segment(light * (width - len(title) - 4), DIM),
    ]
    return shape([rule, *lines], width, height)


def header(stage: Stage, snapshot: Snapshot, width: int, glyphs: Glyphs, note: str = "") -> list[Line]:
    """Mission, phase and time, in one line; `note` is what must not be overlooked."""
    now = f"{clock(snapshot.time)} / {clock(stage.duration)}   {snapshot.speed:.1f}{glyphs.times} "
    now = f"{clock(snapshot.time)} " if stage.real else now
    name = glyphs.text(f" {stage.mission}   {stage.about}")
    note = f" {glyphs.text(note)} " if note else ""
    line = [Segment(glyphs.fit(name, max(0, width - len(now) - len(note) - 1)) + " ", HEADER)]
    return [[*line, Segment(note, HEADER + Style(reverse=True)), Segment(now, HEADER)]]


def alarm_line(found: Sequence[Alarm], width: int, glyphs: Glyphs) -> Line:
    """The worst alarm in one line, and how many more there are."""
    if not found:
        return [Segment(glyphs.fit(" nothing needs attention", width), DIM)]
    more = f" (+{len(found) - 1})" if len(found) > 1 else ""
    text = f"{glyphs.levels[found[0].level]} {found[0].text}"
    return [Segment(glyphs.fit(text, max(0, width - len(more))), LEVELS[found[0].level]), Segment(more, BOLD)]


def alarm_panel(found: Sequence[Alarm], width: int, height: int, glyphs: Glyphs) -> list[Line]:
    """What needs attention, the worst first."""
    lines: list[Line] = [
        [
            Segment(f" {glyphs.levels[alarm.level]} ", LEVELS[alarm.level]),
            Segment(glyphs.fit(alarm.text, max(0, width - 3)), LEVELS[alarm.level]),
        ]
        for alarm in found
    ]
    title = f"attention {len(found)}" if found else "nothing needs attention"
    return panel(title, lines, width, height, glyphs)


def arena_panel(
    stage: Stage, snapshot: Snapshot, width: int, height: int, glyphs: Glyphs, selected: int | None = None
) -> list[Line]:
    """The map in a frame, as large as it can be within `width` x `height`."""
    view = mapview.fit(stage.bounds, width - 2, height - 2)
    colours = palette(stage)
    top_left, top_right, bottom_right, bottom_left, flat, tall = tuple(glyphs.box)
    size = f" {stage.bounds[2] - stage.bounds[0]:g} {glyphs.times} {stage.bounds[3] - stage.bounds[1]:g} m "
    size = size if len(size) <= view.columns else ""
    side = Segment(tall, DIM)
    lines = [
        [Segment(top_left + size + flat * (view.columns - len(size)) + top_right, DIM)],
        *([side, *line, side] for line in mapview.lines(stage, snapshot, view, colours, glyphs, selected)),
        [Segment(bottom_left + flat * view.columns + bottom_right, DIM)],
    ]
    return shape(lines, view.columns + 2, len(lines))


def legend(stage: Stage, snapshot: Snapshot, width: int, glyphs: Glyphs) -> list[Line]:
    """What the glyphs and letters on the map mean, in one line."""
    line = []
    for i in range(antibodies(snapshot.robots)):
        line += [Segment(glyphs.headings[i][0], STRATEGY[i]), Segment(f" {STRATEGIES[i]} ", DIM)]
    line += [Segment(glyphs.dead, ALARM), Segment(" dead  ", DIM)]
    names = mapview.letters(list(stage.kinds))
    for kind, colour in palette(stage).items():
        line += [Segment(names[kind], label(colour, 1.0)), Segment(f" {glyphs.text(kind)} ", DIM)]
    return shape([line], width, 1)


def swarm_panel(stage: Stage, snapshot: Snapshot, width: int, chart: int, glyphs: Glyphs) -> list[Line]:
    """The swarm in figures; the charts of its history are `chart` lines high."""
    alive = [robot for robot in snapshot.robots if robot.alive]
    counts = Counter(robot.strategy for robot in alive)
    dead = len(snapshot.robots) - len(alive)
    aggregate = counts[0] / max(1, len(alive))
    top = max(snapshot.rate, default=0.0)
    space = width - 22
    tasks: list[Line] = [
        [
            name_cell("tasks"),
            Segment(f"{snapshot.done} done", BOLD),
            Segment(f", {len(snapshot.sites)} open, "),
            Segment(f"backlog {snapshot.backlog}", WARN if snapshot.backlog else PLAIN),
        ],
        *_chart(
            "rate",
            f"{per_minute(snapshot):.1f}/min",
            snapshot.rate,
            top,
            space,
            chart,
            ink((0, 158, 115)),
            glyphs,
        ),
    ]
    phase: list[Line] = [
        [name_cell("phase"), Segment(glyphs.fit(phase_name(stage, snapshot), width - 8))],
        timeline(stage, snapshot, width, glyphs),
    ]
    if stage.real:
        tasks, phase = _field(snapshot, alive), []
    lines = [
        *tasks,
        *_chart("split", f"{aggregate:.0%} aggr.", snapshot.split, 1.0, space, chart, _SPLIT, glyphs),
        [
            name_cell("robots"),
            Segment(f"{len(alive)} alive", BOLD),
            Segment(f", {dead} dead" if dead else "", ALARM),
            *_counts(snapshot.robots, counts, glyphs),
        ],
        [
            name_cell("radio"),
            Segment(f"{snapshot.components} component{'s' * (snapshot.components != 1)}, "),
            Segment(f"{len(snapshot.links)} links, {count(sum(r.said for r in snapshot.robots))} said"),
        ],
        *([_ties(snapshot.ties)] if snapshot.ties else []),
        *phase,
    ]
    return panel("swarm", lines, width, len(lines) + 1, glyphs)


def _ties(ties: Mapping[str, int]) -> Line:
    """Robots' own links: how many ears hear how many mouths, and what was refused."""
    alive, stale, lost, refused = (ties.get(name, 0) for name in ("alive", "stale", "lost", "refused"))
    return [
        name_cell("peers"),
        Segment(f"{alive} alive"),
        Segment(f", {stale} stale" if stale else "", WARN),
        Segment(f", {lost} lost" if lost else "", ALARM),
        Segment(f", {count(refused)} refused" if refused else "", WARN),
    ]


def _field(snapshot: Snapshot, alive: Sequence[RobotRow]) -> list[Line]:
    """Real robots know nothing of tasks that others did; what matters is who may move, and for how long yet."""
    held = sum(bool(robot.held) for robot in alive)
    charges = [robot.battery for robot in alive if not math.isnan(robot.battery)]
    return [
        [name_cell("sites"), Segment(f"{len(snapshot.sites)} in sight")],
        [name_cell("moving"), Segment(f"{len(alive) - held} may", BOLD), Segment(f", {held} stand", WARN)],
        [name_cell("battery"), Segment(f"{min(charges):.0%} at least" if charges else "no gauges")],
    ]


SHORT = ("agg", "disp", "srch", "home")  # strategies, in four cells
_SPLIT = Style(color="#e69f00", bgcolor="#2a5a78")  # aggregate from below, all others the rest


def name_cell(text: str) -> Segment:
    return Segment(f"{text:<8}", DIM)


def _chart(
    name: str,
    figure: str,
    values: Sequence[float],
    top: float,
    width: int,
    height: int,
    style: Style,
    glyphs: Glyphs,
) -> list[Line]:
    """The latest `values` as columns that rise to `top`, with the present figure beside them."""
    rows = columns(values[-width:] if width > 0 else [], top, height, glyphs.fill)
    lines: list[Line] = [[Segment(" " * 22), Segment(row, style)] for row in rows]
    lines[-1][:1] = [name_cell(name), Segment(f"{figure:<14}")]
    return lines


def columns(values: Sequence[float], top: float, height: int, ramp: str) -> list[str]:
    """A column chart: `height` strings, uppermost first; a value of `top` fills all of them."""
    heights = [height * value / top if top > 0 else 0.0 for value in values]
    return ["".join(level(h - row, ramp) for h in heights) for row in reversed(range(height))]


def _counts(robots: Sequence[RobotRow], counts: Counter[int], glyphs: Glyphs) -> Line:
    """How many of these robots follow each strategy."""
    return [Segment(f"  {glyphs.headings[i][0]} {counts[i]}", STRATEGY[i]) for i in range(antibodies(robots))]


def phase_name(stage: Stage, snapshot: Snapshot) -> str:
    name = stage.phases[snapshot.phase][1] if snapshot.phase < len(stage.phases) else "?"
    return f"{snapshot.phase + 1}/{len(stage.phases)} {name}".rstrip()


def timeline(stage: Stage, snapshot: Snapshot, width: int, glyphs: Glyphs) -> Line:
    """The mission from start to end: what is over, what is to come, a gap where a phase begins."""
    heavy, _, light = glyphs.line
    over = round(width * min(1.0, snapshot.time / stage.duration))
    cells = [heavy] * over + [light] * (width - over)
    for start, _ in stage.phases[1:]:
        cells[min(width - 1, int(width * start / stage.duration))] = " "
    return [Segment("".join(cells[:over]), STRATEGY[1]), Segment("".join(cells[over:]), DIM)]


def robot_panel(
    stage: Stage, snapshot: Snapshot, width: int, height: int, glyphs: Glyphs, selected: int | None = None
) -> list[Line]:
    """The robots that need attention first; those that do not fit are summed up in the last line.

    Of `MANY` robots there are groups, and below them those that need attention. The `selected` one is always there.
    """
    robots = sorted(snapshot.robots, key=attention)
    title, room = f"robots {len(robots)}", height - 2
    bar = min(10, max(2, (width - 59) // 2))
    groups = _groups(robots, width, glyphs) if len(robots) >= MANY else []
    room -= len(groups)
    if groups:
        robots = [
            r for r in robots if not r.alive or r.held or r.waiting >= stage.watch.stuck / 4 or r.robot == selected
        ]
    if len(robots) > room:
        room = max(0, room - 1)
    shown, rest = robots[:room], robots[room:]
    if selected is not None and shown and selected in (r.robot for r in rest):
        chosen = next(r for r in rest if r.robot == selected)
        shown, rest = [*shown[:-1], chosen], [shown[-1], *(r for r in rest if r is not chosen)]
    bars = _bars(bar, antibodies(snapshot.robots))
    lines = [*groups, [Segment(_titles(bars, real=stage.real), DIM)]]
    lines += [_robot(stage, robot, bars, glyphs, chosen=robot.robot == selected) for robot in shown]
    if rest:
        lines.append(_summary(rest, glyphs))
    return panel(title, lines, width, height, glyphs)


def _groups(robots: Sequence[RobotRow], width: int, glyphs: Glyphs) -> list[Line]:
    """Robots that do the same, in one line each: how many, of which strategy, how long they wait, what they know."""
    alive = [robot for robot in robots if robot.alive]
    most = antibodies(robots)
    room = 8 * most
    lines: list[Line] = [
        [Segment(f"{'doing':<9}{'':>5}  {'strategies':<{room}} {'waits':>6} {'most':>6} {'rules':>6}", DIM)]
    ]
    for task, name in enumerate(TASKS):
        group = [robot for robot in alive if robot.task == task]
        if not group:
            continue
        waits, known = [r.waiting for r in group], sum(r.rules for r in group) / len(group)
        bar = max(0, width - 40 - room)
        counts = Counter(robot.strategy for robot in group)
        strategies = " ".join(f"{glyphs.headings[i][0]} {counts[i]:<5}" for i in range(most))
        lines.append(
            [
                Segment(f"{name:<9}{len(group):>5}  {strategies:<{room}} "),
                Segment(f"{seconds(sum(waits) / len(waits)):>6} {seconds(max(waits)):>6} {known:>6.0f}  "),
                *gauge(len(group) / len(robots), bar, STRATEGY[1], glyphs),
            ]
        )
    return lines


def _bars(bar: int, most: int) -> list[int]:
    """Widths of the bars of `most` concentrations, where two of them have `bar` cells each."""
    room = 2 * bar + 2
    return [room * (i + 1) // most - room * i // most - 1 for i in range(most)]


def _titles(bars: Sequence[int], *, real: bool) -> str:
    names = " ".join(f"{name[:bar]:<{bar}}" for name, bar in zip(SHORT, bars, strict=False))
    last = " batt los rst" if real else "rules bad rst"
    return f"  id strat. {names} task     act.  site  wait   in  out  age {last}"


def _robot(stage: Stage, robot: RobotRow, bars: Sequence[int], glyphs: Glyphs, *, chosen: bool = False) -> Line:
    """One line of the table."""
    stuck = stage.watch.stuck
    style = PLAIN if robot.alive else ALARM
    mark, colour = mapview.robot_mark(robot, stuck, glyphs)
    name = SHORT[robot.strategy] if robot.alive else "dead"
    action = ACTIONS[robot.action] if robot.action >= 0 else ""
    site = str(robot.site) if robot.site >= 0 else ""
    task = ("stopped" if "stop" in robot.held else "stands") if robot.held else TASKS[robot.task]
    known = f"{robot.rules:>5} {count(robot.bad):>3}"
    if stage.real:
        known = f"{_percent(robot.battery):>5} {_percent(robot.loss):>3}"
    wait = ALARM if robot.waiting >= stuck else WARN if robot.alive and robot.waiting >= stuck / 4 else style
    return [
        Segment(f"{robot.robot:>4} ", style + CHOSEN if chosen else style),
        Segment(mark, colour),
        Segment(f" {name:<4} ", STRATEGY[robot.strategy] if robot.alive else ALARM),
        *_levels(robot.concentration, bars, glyphs),
        Segment(f"{task:<8} ", WARN if robot.alive and robot.held else style),
        Segment(f"{action:<6}{site:>4} ", style),
        Segment(f"{seconds(robot.waiting) if robot.waiting > 0 else '':>5}", wait),
        Segment(f" {count(robot.heard):>4} {count(robot.said):>4} {seconds(robot.age):>4}", style),
        Segment(f" {known} {count(robot.restarts):>3}", style),
    ]


def _levels(concentration: Sequence[float], bars: Sequence[int], glyphs: Glyphs) -> Line:
    """A bar for each concentration, each with a gap behind it."""
    line: Line = []
    for i, bar in enumerate(bars):
        line += gauge(concentration[i], bar, STRATEGY[i], glyphs) if i < len(concentration) else [Segment(" " * bar)]
        line.append(Segment(" "))
    return line


def _percent(share: float) -> str:
    """In at most four cells."""
    return "-" if math.isnan(share) else f"{share:.0%}"


def gauge(share: float, width: int, style: Style, glyphs: Glyphs) -> Line:
    """A bar of `width` cells, filled from the left by a share of 0 to 1, to half a cell."""
    heavy, half, light = glyphs.line
    halves = round(2 * width * min(1.0, share)) if share > 0 else 0
    over = heavy * (halves // 2) + half * (halves % 2)
    return [Segment(over, style), Segment(light * (width - len(over)), TRACK)]


def _summary(robots: Sequence[RobotRow], glyphs: Glyphs) -> Line:
    tasks = Counter(robot.task for robot in robots)
    doing = ", ".join(f"{tasks[i]} {task}" for i, task in enumerate(TASKS) if tasks[i])
    return [
        Segment(f" {glyphs.more} {len(robots)} more", BOLD),
        *_counts(robots, Counter(robot.strategy for robot in robots), glyphs),
        Segment(f"   {doing}", DIM),
    ]


def site_panel(stage: Stage, snapshot: Snapshot, width: int, height: int, glyphs: Glyphs) -> list[Line]:
    """The open sites, oldest first."""
    sites = sorted(snapshot.sites, key=lambda site: -site.age)
    room = height - 1
    if len(sites) > room:
        room = max(0, room - 1)
    there = Counter(robot.site for robot in snapshot.robots if robot.alive and TASKS[robot.task] == "work")
    colours, names = palette(stage), mapview.letters(list(stage.kinds))
    lines = [
        _site(
            site,
            there[site.site],
            Segment(names[site.kind], label(colours[site.kind], 1.0)),
            ink(colours[site.kind]),
            width,
            glyphs,
        )
        for site in sites[:room]
    ]
    if rest := sites[room:]:
        lines.append([Segment(f" {glyphs.more} {len(rest)} more", BOLD)])
    return panel(f"sites {len(sites)}", lines, width, height, glyphs)


def _site(site: SiteRow, there: int, letter: Segment, colour: Style, width: int, glyphs: Glyphs) -> Line:
    """Number, kind, robots at work of those needed, progress, age."""
    kind = min(10, max(0, width - 33))
    bar = min(20, max(2, width - kind - 33))
    return [
        Segment(f"{site.site:>4} "),
        letter,
        Segment(f" {glyphs.fit(site.kind, kind)} " if kind else " "),
        Segment(f"{site.action:<4} {there}/{site.team or '?'} "),
        *gauge(site.progress, bar, colour, glyphs),
        Segment(f" {site.progress:>4.0%} {seconds(site.age):>5}"),
    ]


def event_panel(snapshot: Snapshot, width: int, height: int, glyphs: Glyphs) -> list[Line]:
    """The latest events, the newest last."""
    room = height - 1
    lines = [
        [
            Segment(f"{clock(when):>7} ", DIM),
            Segment(f"{glyphs.levels[kind]} ", LEVELS[kind]),
            Segment(glyphs.fit(text, max(0, width - 10)), PLAIN if kind == "info" else LEVELS[kind]),
        ]
        for when, kind, text in (snapshot.events[-room:] if room > 0 else [])
    ]
    return panel("events", lines, width, height, glyphs)


# --- figures ---------------------------------------------------------------------------------------------


def per_minute(snapshot: Snapshot) -> float:
    """Tasks per minute over the last simulated minute."""
    latest = snapshot.rate[-6:]
    return sum(latest) / len(latest) if latest else 0.0


def longest(snapshot: Snapshot) -> float:
    return max((robot.waiting for robot in snapshot.robots if robot.alive), default=0.0)


def seconds(value: float) -> str:
    """A time in at most four cells."""
    if math.isnan(value):
        return "-"
    if value < 9.95:
        return f"{value:.1f}s"
    if value < 999.5:
        return f"{value:.0f}s"
    return f"{value / 60:.0f}m" if value < 59970 else f"{min(value / 3600, 999):.0f}h"


def count(value: int) -> str:
    """A count in at most four cells."""
    if value < 1000:
        return str(value)
    for unit in ("k", "M", "G"):
        value_in = value / 1000
        if value_in < 9.95:
            return f"{value_in:.1f}{unit}"
        if value_in < 999.5:
            return f"{value_in:.0f}{unit}"
        value //= 1000
    return "many"
