"""The dashboard: pure functions from a snapshot to lines of text, and `Dashboard`, which owns the terminal.

Every panel returns lines of `rich` segments of exactly the width and height it was given, so a frame
always fits, whatever the size of the terminal and of the swarm.
"""

import io
import math
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from types import FrameType, TracebackType

from rich.align import Align
from rich.console import Console, RenderableType
from rich.live import Live
from rich.segment import Segment, SegmentLines
from rich.style import Style
from rich.text import Text

from swarm.report import ACTIONS, STRATEGIES, TASKS
from swarm.view import mapview
from swarm.view.mapview import (
    ALARM,
    ASCII,
    BOLD,
    DIM,
    PLAIN,
    STRATEGY,
    UNICODE,
    WARN,
    Glyphs,
    Line,
    attention,
    ink,
    label,
    level,
)
from swarm.view.picture import STUCK, clock, palette
from swarm.view.snapshot import RobotRow, SiteRow, Snapshot, Stage

RATE = 10.0  # frames per second at most
TABLE = 66  # cells, the least width of the robot table beside the map
TRACK = Style(color="grey35")
HEADER = Style(color="white", bgcolor="#2f4550", bold=True)
LEVELS = {"info": DIM, "warning": WARN, "error": ALARM}


def render(stage: Stage, snapshot: Snapshot, width: int, height: int, *, unicode: bool = True) -> SegmentLines:
    """One frame, `width` x `height` cells. Raises ValueError if a kind's colour does not exist."""
    glyphs = UNICODE if unicode else ASCII
    body = height - 1
    if width >= 2 * TABLE - 20 and height >= 30:
        lines = _wide(stage, snapshot, width, body, glyphs)
    elif width >= 70 and height >= 18:
        lines = _narrow(stage, snapshot, width, body, glyphs)
    else:
        lines = swarm_panel(stage, snapshot, width, 1, glyphs)
        lines += robot_panel(snapshot, width, body - len(lines), glyphs)
    frame = _shape([*header(stage, snapshot, width, glyphs), *lines], width, height)
    return SegmentLines(frame, new_lines=True)


def render_waiting(stage: Stage | None, *, unicode: bool = True) -> RenderableType:
    """What is shown before the first snapshot."""
    glyphs = UNICODE if unicode else ASCII
    text = Text(justify="center")
    if stage is None:
        text.append("waiting for the run", BOLD)
    else:
        text.append(f"{glyphs.text(stage.mission)}\n", BOLD)
        text.append(f"{glyphs.text(stage.about)}\n\n", DIM)
        text.append("waiting for the first snapshot")
    return Align.center(text, vertical="middle")


def plain_line(stage: Stage, snapshot: Snapshot) -> str:
    """One line of progress in ASCII, for output that is no terminal."""
    alive = [robot for robot in snapshot.robots if robot.alive]
    parts = [
        f"{clock(snapshot.time)}/{clock(stage.duration)}",
        f"phase {_phase(stage, snapshot)}",
        f"done {snapshot.done}",
        f"{per_minute(snapshot):.1f}/min",
        f"open {len(snapshot.sites)}",
        f"backlog {snapshot.backlog}",
        f"alive {len(alive)}/{len(snapshot.robots)}",
        f"aggregate {sum(robot.strategy == 0 for robot in alive)}",
        f"longest wait {_seconds(_longest(snapshot))}",
        f"speed {snapshot.speed:.1f}x",
    ]
    return ASCII.text("  ".join(parts))


def svg(stage: Stage, snapshot: Snapshot, width: int, height: int) -> str:
    """One frame as an SVG picture of a terminal."""
    console = Console(record=True, width=width, height=height, file=io.StringIO(), color_system="truecolor")
    console.print(render(stage, snapshot, width, height), end="")
    return console.export_svg(title=f"jerne: {stage.mission}")


def per_minute(snapshot: Snapshot) -> float:
    """Tasks per minute over the last simulated minute."""
    latest = snapshot.rate[-6:]
    return sum(latest) / len(latest) if latest else 0.0


# --- layouts ---------------------------------------------------------------------------------------------


def _wide(stage: Stage, snapshot: Snapshot, width: int, height: int, glyphs: Glyphs) -> list[Line]:
    """Map and events on the left, figures and tables on the right."""
    arena = arena_panel(stage, snapshot, width - TABLE - 1, height - 7, glyphs)
    left = max(40, Segment.get_line_length(arena[0]))
    right = width - left - 1
    arena = _shape(arena, left, len(arena))
    key = legend(stage, left, glyphs)
    events = event_panel(snapshot, left, height - len(arena) - 1, glyphs)
    swarm = swarm_panel(stage, snapshot, right, 3 if height >= 45 else 2, glyphs)
    rest = height - len(swarm)
    sites = min(len(snapshot.sites) + 2, max(rest // 4, rest - len(snapshot.robots) - 3))
    tables = robot_panel(snapshot, right, rest - sites, glyphs) + site_panel(stage, snapshot, right, sites, glyphs)
    return _beside(arena + key + events, swarm + tables)


def _narrow(stage: Stage, snapshot: Snapshot, width: int, height: int, glyphs: Glyphs) -> list[Line]:
    """Map and figures side by side, the robots and the events below."""
    top = height * 12 // 23
    arena = arena_panel(stage, snapshot, width - 37, top, glyphs)
    left = Segment.get_line_length(arena[0])
    right = width - left - 1
    swarm = swarm_panel(stage, snapshot, right, 1, glyphs)
    sites = site_panel(stage, snapshot, right, top - len(swarm), glyphs)
    events = max(3, height // 6)
    return [
        *_beside(_shape(arena, left, top), swarm + sites),
        *legend(stage, width, glyphs),
        *robot_panel(snapshot, width, height - top - 1 - events, glyphs),
        *event_panel(snapshot, width, events, glyphs),
    ]


def _beside(left: list[Line], right: list[Line]) -> list[Line]:
    return [[*a, Segment(" "), *b] for a, b in zip(left, right, strict=True)]


def _shape(lines: Sequence[Line], width: int, height: int) -> list[Line]:
    """Exactly `height` lines of exactly `width` cells: what is too much is cut, what is missing is blank."""
    cut = [Segment.adjust_line_length(line, width) for line in lines[:height]]
    return cut + [[Segment(" " * width)] for _ in range(height - len(cut))]


def _panel(title: str, lines: Sequence[Line], width: int, height: int, glyphs: Glyphs) -> list[Line]:
    """`lines` below a rule that carries the title."""
    light = glyphs.line[-1]
    rule = [
        Segment(light * 2, DIM),
        Segment(f" {title} ", BOLD),
        Segment(light * (width - len(title) - 4), DIM),
    ]
    return _shape([rule, *lines], width, height)


# --- panels ----------------------------------------------------------------------------------------------


def header(stage: Stage, snapshot: Snapshot, width: int, glyphs: Glyphs) -> list[Line]:
    """Mission, phase and time, in one line."""
    now = f"{clock(snapshot.time)} / {clock(stage.duration)}   {snapshot.speed:.1f}{glyphs.times} "
    name = glyphs.text(f" {stage.mission}   {stage.about}")
    return [[Segment(glyphs.fit(name, max(0, width - len(now) - 1)) + " ", HEADER), Segment(now, HEADER)]]


def arena_panel(stage: Stage, snapshot: Snapshot, width: int, height: int, glyphs: Glyphs) -> list[Line]:
    """The map in a frame, as large as it can be within `width` x `height`."""
    view = mapview.fit(stage.bounds, width - 2, height - 2)
    colours = palette(stage)
    top_left, top_right, bottom_right, bottom_left, flat, tall = tuple(glyphs.box)
    size = f" {stage.bounds[2] - stage.bounds[0]:g} {glyphs.times} {stage.bounds[3] - stage.bounds[1]:g} m "
    size = size if len(size) <= view.columns else ""
    side = Segment(tall, DIM)
    lines = [
        [Segment(top_left + size + flat * (view.columns - len(size)) + top_right, DIM)],
        *([side, *line, side] for line in mapview.lines(stage, snapshot, view, colours, glyphs)),
        [Segment(bottom_left + flat * view.columns + bottom_right, DIM)],
    ]
    return _shape(lines, view.columns + 2, len(lines))


def legend(stage: Stage, width: int, glyphs: Glyphs) -> list[Line]:
    """What the glyphs and letters on the map mean, in one line."""
    line = []
    for name, style, headings in zip(STRATEGIES, STRATEGY, glyphs.headings, strict=True):
        line += [Segment(headings[0], style), Segment(f" {name} ", DIM)]
    line += [Segment(glyphs.dead, ALARM), Segment(" dead  ", DIM)]
    names = mapview.letters(list(stage.kinds))
    for kind, colour in palette(stage).items():
        line += [Segment(names[kind], label(colour, 1.0)), Segment(f" {glyphs.text(kind)} ", DIM)]
    return _shape([line], width, 1)


def swarm_panel(stage: Stage, snapshot: Snapshot, width: int, chart: int, glyphs: Glyphs) -> list[Line]:
    """The swarm in figures; the charts of its history are `chart` lines high."""
    alive = [robot for robot in snapshot.robots if robot.alive]
    counts = Counter(robot.strategy for robot in alive)
    dead = len(snapshot.robots) - len(alive)
    aggregate = counts[0] / max(1, len(alive))
    top = max(snapshot.rate, default=0.0)
    space = width - 22
    lines = [
        [
            _name("tasks"),
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
        *_chart("split", f"{aggregate:.0%} aggr.", snapshot.split, 1.0, space, chart, _SPLIT, glyphs),
        [
            _name("robots"),
            Segment(f"{len(alive)} alive", BOLD),
            Segment(f", {dead} dead" if dead else "", ALARM),
            *_counts(counts, glyphs),
        ],
        [
            _name("radio"),
            Segment(f"{snapshot.components} component{'s' * (snapshot.components != 1)}, "),
            Segment(f"{len(snapshot.links)} links, {_count(sum(r.said for r in snapshot.robots))} said"),
        ],
        [_name("phase"), Segment(glyphs.fit(_phase(stage, snapshot), width - 8))],
        timeline(stage, snapshot, width, glyphs),
    ]
    return _panel("swarm", lines, width, len(lines) + 1, glyphs)


_SPLIT = Style(color="#e69f00", bgcolor="#2a5a78")  # aggregate from below, disperse the rest


def _name(text: str) -> Segment:
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
    lines[-1][:1] = [_name(name), Segment(f"{figure:<14}")]
    return lines


def columns(values: Sequence[float], top: float, height: int, ramp: str) -> list[str]:
    """A column chart: `height` strings, uppermost first; a value of `top` fills all of them."""
    heights = [height * value / top if top > 0 else 0.0 for value in values]
    return ["".join(level(h - row, ramp) for h in heights) for row in reversed(range(height))]


def _counts(counts: Counter[int], glyphs: Glyphs) -> Line:
    """How many robots follow each strategy."""
    return [Segment(f"  {glyphs.headings[i][0]} {counts[i]}", style) for i, style in enumerate(STRATEGY)]


def _phase(stage: Stage, snapshot: Snapshot) -> str:
    return f"{snapshot.phase + 1}/{len(stage.phases)} {stage.phases[snapshot.phase][1]}".rstrip()


def timeline(stage: Stage, snapshot: Snapshot, width: int, glyphs: Glyphs) -> Line:
    """The mission from start to end: what is over, what is to come, a gap where a phase begins."""
    heavy, _, light = glyphs.line
    over = round(width * min(1.0, snapshot.time / stage.duration))
    cells = [heavy] * over + [light] * (width - over)
    for start, _ in stage.phases[1:]:
        cells[min(width - 1, int(width * start / stage.duration))] = " "
    return [Segment("".join(cells[:over]), STRATEGY[1]), Segment("".join(cells[over:]), DIM)]


def robot_panel(snapshot: Snapshot, width: int, height: int, glyphs: Glyphs) -> list[Line]:
    """The robots that need attention first; those that do not fit are summed up in the last line."""
    robots = sorted(snapshot.robots, key=attention)
    room = height - 2
    if len(robots) > room:
        room = max(0, room - 1)
    bar = min(10, max(2, (width - 59) // 2))
    lines = [[Segment(_titles(bar), DIM)], *(_robot(robot, bar, glyphs) for robot in robots[:room])]
    if rest := robots[room:]:
        lines.append(_summary(rest, glyphs))
    return _panel(f"robots {len(robots)}", lines, width, height, glyphs)


def _titles(bar: int) -> str:
    bars = f"{'agg':<{bar}} {'disp':<{bar}}"[: 2 * bar + 1]
    return f"  id strat. {bars} task     act.  site  wait   in  out  age rules bad rst"


def _robot(robot: RobotRow, bar: int, glyphs: Glyphs) -> Line:
    """One line of the table."""
    style = PLAIN if robot.alive else ALARM
    mark, colour = mapview.robot_mark(robot, glyphs)
    name = ("agg", "disp")[robot.strategy] if robot.alive else "dead"
    action = ACTIONS[robot.action] if robot.action >= 0 else ""
    site = str(robot.site) if robot.site >= 0 else ""
    wait = ALARM if robot.waiting >= STUCK else WARN if robot.alive and robot.waiting >= STUCK / 4 else style
    return [
        Segment(f"{robot.robot:>4} ", style),
        Segment(mark, colour),
        Segment(f" {name:<4} ", STRATEGY[robot.strategy] if robot.alive else ALARM),
        *gauge(robot.concentration[0], bar, STRATEGY[0], glyphs),
        Segment(" "),
        *gauge(robot.concentration[1], bar, STRATEGY[1], glyphs),
        Segment(f" {TASKS[robot.task]:<8} {action:<5} {site:>4} ", style),
        Segment(f"{_seconds(robot.waiting) if robot.waiting > 0 else '':>5}", wait),
        Segment(f" {_count(robot.heard):>4} {_count(robot.said):>4} {_seconds(robot.age):>4}", style),
        Segment(f" {robot.rules:>5} {_count(robot.bad):>3} {_count(robot.restarts):>3}", style),
    ]


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
        *_counts(Counter(robot.strategy for robot in robots), glyphs),
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
    return _panel(f"sites {len(sites)}", lines, width, height, glyphs)


def _site(site: SiteRow, there: int, letter: Segment, colour: Style, width: int, glyphs: Glyphs) -> Line:
    """Number, kind, robots at work of those needed, progress, age."""
    kind = min(10, max(0, width - 33))
    bar = min(20, max(2, width - kind - 33))
    return [
        Segment(f"{site.site:>4} "),
        letter,
        Segment(f" {glyphs.fit(site.kind, kind)} " if kind else " "),
        Segment(f"{site.action:<4} {there}/{site.team} "),
        *gauge(site.progress, bar, colour, glyphs),
        Segment(f" {site.progress:>4.0%} {_seconds(site.age):>5}"),
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
    return _panel("events", lines, width, height, glyphs)


# --- figures ---------------------------------------------------------------------------------------------


def _longest(snapshot: Snapshot) -> float:
    return max((robot.waiting for robot in snapshot.robots if robot.alive), default=0.0)


def _seconds(value: float) -> str:
    """A time in at most four cells."""
    if math.isnan(value):
        return "-"
    if value < 9.95:
        return f"{value:.1f}s"
    if value < 999.5:
        return f"{value:.0f}s"
    return f"{value / 60:.0f}m" if value < 59970 else f"{min(value / 3600, 999):.0f}h"


def _count(value: int) -> str:
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


# --- the terminal ----------------------------------------------------------------------------------------


class Dashboard:
    """Owns the terminal while it is entered: draws on the alternate screen, and restores it on the way out.

    An exception or an interrupt leaves through `__exit__`; SIGTERM and SIGHUP are made to (as
    SystemExit), unless the process handles them itself.

    clock: s, paces the drawing
    """

    def __init__(
        self,
        stage: Stage | None = None,
        console: Console | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.stage = stage
        self._console = console or Console()
        self._clock = clock
        self._next = -math.inf  # s, when the next frame may be drawn
        self._unicode = not self._console.options.ascii_only
        self._live = Live(
            render_waiting(stage, unicode=self._unicode),
            console=self._console,
            screen=True,
            auto_refresh=False,
        )
        self._signals: list[signal.Signals] = []

    def show(self, snapshot: Snapshot | None) -> None:
        """Draw `snapshot` in the terminal's present size, unless the latest frame is younger than 0.1 s."""
        now = self._clock()
        if now < self._next:
            return
        self._next = now + 1 / RATE
        if self.stage is None or snapshot is None:
            frame = render_waiting(self.stage, unicode=self._unicode)
        else:
            frame = render(self.stage, snapshot, *self._console.size, unicode=self._unicode)
        self._live.update(frame, refresh=True)

    def __enter__(self) -> "Dashboard":
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, _leave)
                self._signals.append(number)
        self._live.start(refresh=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()
        for number in self._signals:
            signal.signal(number, signal.SIG_DFL)
        self._signals.clear()


def _leave(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
