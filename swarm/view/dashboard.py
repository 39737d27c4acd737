"""The dashboard: frames made of panels, and `Dashboard`, which owns the terminal."""

import io
import math
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import FrameType, TracebackType

from rich.align import Align
from rich.console import Console, RenderableType
from rich.live import Live
from rich.segment import Segment, SegmentLines
from rich.text import Text

from swarm.view.alarms import Alarm, alarms
from swarm.view.controls import LIVE, Controls, press
from swarm.view.desk import Desk
from swarm.view.jobs import Jobs
from swarm.view.keys import Keyboard
from swarm.view.mapview import ASCII, BOLD, DIM, UNICODE, Glyphs, Line
from swarm.view.panels import (
    MANY,
    alarm_line,
    alarm_panel,
    arena_panel,
    beside,
    event_panel,
    header,
    legend,
    longest,
    panel,
    per_minute,
    phase_name,
    robot_panel,
    seconds,
    shape,
    site_panel,
    swarm_panel,
)
from swarm.view.picture import clock
from swarm.view.robotview import robot_page
from swarm.view.snapshot import Detail, RobotRow, Snapshot, Stage

RATE = 10.0  # frames per second at most
TABLE = 66  # cells, the least width of the robot table beside the map
STALE = 2.0  # s of wall time without news after which a view counts as old
SAID = 6.0  # s of wall time that the answer to an order is shown


def render(
    stage: Stage,
    snapshot: Snapshot,
    width: int,
    height: int,
    *,
    unicode: bool = True,
    controls: Controls | None = None,
    detail: Detail | None = None,
    note: str = "",
    keys: tuple[tuple[str, str], ...] = LIVE,
) -> SegmentLines:
    """One frame, `width` x `height` cells. Raises ValueError if a kind's colour does not exist.

    `detail` is of the robot that the controls have selected, `note` what must not be overlooked.
    """
    glyphs, controls = UNICODE if unicode else ASCII, controls or Controls()
    body = height - 1
    robot = next((row for row in snapshot.robots if row.robot == controls.detail), None)
    if controls.help:
        lines = help_panel(keys, width, body, glyphs)
    elif robot is not None:
        news = detail if detail is not None and detail.robot == robot.robot else None
        lines = robot_page(stage, snapshot, robot, news, width, body, glyphs)
    elif width >= 2 * TABLE - 20 and height >= 30:
        lines = _wide(stage, snapshot, width, body, glyphs, controls.selected)
    elif width >= 70 and height >= 18:
        lines = _narrow(stage, snapshot, width, body, glyphs, controls.selected)
    else:
        lines = [alarm_line(alarms(stage, snapshot), width, glyphs)] if height >= 12 else []
        lines += swarm_panel(stage, snapshot, width, 1, glyphs)
        lines += robot_panel(stage, snapshot, width, body - len(lines), glyphs, controls.selected)
    note = ", ".join(filter(None, ["paused" if controls.paused else "", note]))
    frame = shape([*header(stage, snapshot, width, glyphs, note), *lines], width, height)
    return SegmentLines(frame, new_lines=True)


def render_waiting(stage: Stage | None, *, unicode: bool = True, note: str = "") -> RenderableType:
    """What is shown before the first snapshot; `note` says what one waits for."""
    glyphs = UNICODE if unicode else ASCII
    text = Text(justify="center")
    if stage is None:
        text.append("waiting for the run", BOLD)
        text.append(f"\n{note}", DIM)
    else:
        text.append(f"{glyphs.text(stage.mission)}\n", BOLD)
        text.append(f"{glyphs.text(stage.about)}\n\n", DIM)
        text.append("waiting for the first snapshot")
    return Align.center(text, vertical="middle")


def plain_line(stage: Stage, snapshot: Snapshot) -> str:
    """One line of progress in ASCII, for output that is no terminal."""
    alive = [robot for robot in snapshot.robots if robot.alive]
    if stage.real:
        return ASCII.text("  ".join(_field_parts(snapshot, alive)))
    parts = [
        f"{clock(snapshot.time)}/{clock(stage.duration)}",
        f"phase {phase_name(stage, snapshot)}",
        f"done {snapshot.done}",
        f"{per_minute(snapshot):.1f}/min",
        f"open {len(snapshot.sites)}",
        f"backlog {snapshot.backlog}",
        f"alive {len(alive)}/{len(snapshot.robots)}",
        f"aggregate {sum(robot.strategy == 0 for robot in alive)}",
        f"longest wait {seconds(longest(snapshot))}",
        f"speed {snapshot.speed:.1f}x",
    ]
    return ASCII.text("  ".join(parts))


def _field_parts(snapshot: Snapshot, alive: Sequence[RobotRow]) -> list[str]:
    """Of real robots: who is there, who stands and why."""
    held = [f"robot {robot.robot} {robot.held or robot.fault}" for robot in alive if robot.held or robot.fault]
    return [
        clock(snapshot.time),
        f"alive {len(alive)}/{len(snapshot.robots)}",
        f"aggregate {sum(robot.strategy == 0 for robot in alive)}",
        f"sites {len(snapshot.sites)}",
        f"longest wait {seconds(longest(snapshot))}",
        *held,
    ]


def svg(
    stage: Stage,
    snapshot: Snapshot,
    width: int,
    height: int,
    controls: Controls | None = None,
    detail: Detail | None = None,
) -> str:
    """One frame as an SVG picture of a terminal, see `render`."""
    console = Console(record=True, width=width, height=height, file=io.StringIO(), color_system="truecolor")
    console.print(render(stage, snapshot, width, height, controls=controls, detail=detail), end="")
    return console.export_svg(title=f"jerne: {stage.mission}")


def help_panel(keys: tuple[tuple[str, str], ...], width: int, height: int, glyphs: Glyphs) -> list[Line]:
    """What the keys do."""
    lines: list[Line] = [[Segment(f"  {name:<14}", BOLD), Segment(what)] for name, what in keys]
    lines += [[Segment("")], [Segment("  any key closes this help", DIM)]]
    return panel("keys", lines, width, height, glyphs)


# --- layouts ---------------------------------------------------------------------------------------------


def _wide(
    stage: Stage, snapshot: Snapshot, width: int, height: int, glyphs: Glyphs, selected: int | None
) -> list[Line]:
    """Map and events on the left, figures, alarms and tables on the right."""
    arena = arena_panel(stage, snapshot, width - TABLE - 1, height - 7, glyphs, selected)
    left = max(40, Segment.get_line_length(arena[0]))
    right = width - left - 1
    arena = shape(arena, left, len(arena))
    key = legend(stage, snapshot, left, glyphs)
    events = event_panel(snapshot, left, height - len(arena) - 1, glyphs)
    swarm = swarm_panel(stage, snapshot, right, 3 if height >= 45 else 2, glyphs)
    found = alarms(stage, snapshot)
    swarm += alarm_panel(found, right, 1 + min(len(found), 4), glyphs)
    rest = height - len(swarm)
    sites = min(len(snapshot.sites) + 2, max(rest // 4, rest - len(snapshot.robots) - 3))
    tables = robot_panel(stage, snapshot, right, rest - sites, glyphs, selected)
    return beside(arena + key + events, swarm + tables + site_panel(stage, snapshot, right, sites, glyphs))


def _narrow(
    stage: Stage, snapshot: Snapshot, width: int, height: int, glyphs: Glyphs, selected: int | None
) -> list[Line]:
    """The worst alarm; map and figures side by side; the robots and the events below."""
    many = len(snapshot.robots) >= MANY  # their groups need the room
    top = height * 12 // 23 - many
    arena = arena_panel(stage, snapshot, width - 37, top, glyphs, selected)
    left = Segment.get_line_length(arena[0])
    right = width - left - 1
    swarm = swarm_panel(stage, snapshot, right, 1, glyphs)
    sites = site_panel(stage, snapshot, right, top - len(swarm), glyphs)
    events = max(3 - many, height // 6 - many)
    return [
        alarm_line(alarms(stage, snapshot), width, glyphs),
        *beside(shape(arena, left, top), swarm + sites),
        *legend(stage, snapshot, width, glyphs),
        *robot_panel(stage, snapshot, width, height - top - 2 - events, glyphs, selected),
        *event_panel(snapshot, width, events, glyphs),
    ]


# --- the terminal ----------------------------------------------------------------------------------------


class Dashboard:
    """Owns the terminal while it is entered: draws on the alternate screen, and restores it on the way out.

    An exception or an interrupt leaves through `__exit__`; SIGTERM and SIGHUP are made to (as
    SystemExit), unless the process handles them itself. `controls` is what the operator has chosen. What others
    show and nobody can draw does not end it: it has the key that stops them.

    clock: s, paces the drawing
    """

    def __init__(
        self,
        stage: Stage | None = None,
        console: Console | None = None,
        clock: Callable[[], float] = time.monotonic,
        keys: tuple[tuple[str, str], ...] = LIVE,
        note: str = "",
    ) -> None:
        self.stage, self.keys = stage, keys
        self.controls = Controls()
        self.note = note  # what must not be overlooked
        self._said, self._said_at = "", -math.inf  # what came of an order, and when, s of wall time
        self._console = console or Console()
        self._clock = clock
        self._next = -math.inf  # s, when the next frame may be drawn
        self._unicode = not self._console.options.ascii_only
        self._keyboard = Keyboard()
        self._is_live = keys is LIVE  # a replay stops and goes on by itself, and is never old
        self._frozen: Snapshot | None = None  # what is shown while the view is paused
        self._latest: Snapshot | None = None
        self._news = -math.inf  # s, when the latest snapshot came
        self._live = Live(
            render_waiting(stage, unicode=self._unicode, note=note),
            console=self._console,
            screen=True,
            auto_refresh=False,
        )
        self._signals: list[signal.Signals] = []
        self._jobs = Jobs(self._take_terminal, self._give_terminal)

    def pressed(self) -> list[str]:
        """The keys pressed since the last call; what they choose has been noted in `controls`."""
        keys = self._keyboard.pressed()
        for key in keys:
            worst = _worst(alarms(self.stage, self._latest)) if self.stage and self._latest else []
            robots = [row.robot for row in self._latest.robots] if self._latest else []
            self.controls = press(self.controls, key, robots, worst, orders=self._is_live)
            self._next = -math.inf  # shown at once
        return keys

    def relay(self, desk: Desk | None) -> None:
        """Give the orders of keys to a desk, and show what comes of them."""
        orders, self.controls = self.controls.orders, replace(self.controls, orders=())
        for word, robots in orders:
            if desk is not None:
                desk.order(word, robots)
            else:
                self._say("no operator's key: watching only")
        for line in desk.take() if desk is not None else ():
            self._say(line)

    def _say(self, text: str) -> None:
        self._said, self._said_at, self._next = text, time.monotonic(), -math.inf

    def _note(self, now: float) -> str:
        """What must not be overlooked: a question, what came of an order, old news."""
        if self.controls.asked is not None:
            robots = self.controls.asked[1]
            return f"let {'all robots' if robots is None else f'robot {robots[0]}'} go on? y"
        said = self._said if time.monotonic() - self._said_at < SAID else ""
        stale = f"no news for {now - self._news:.0f} s" if self._is_live and now - self._news > STALE else ""
        return self.controls.hint or self.note or ", ".join(filter(None, (said, stale)))

    def show(self, snapshot: Snapshot | None, detail: Detail | None = None) -> None:
        """Draw `snapshot` in the terminal's present size, unless the latest frame is younger than 0.1 s."""
        now, may = self._clock(), self._jobs.look()
        if snapshot is not self._latest:
            self._latest, self._news = snapshot, now
        if now < self._next or not may:
            return
        self._next = now + 1 / RATE
        self._frozen = (self._frozen or snapshot) if self.controls.paused and self._is_live else None
        shown = self._frozen or snapshot
        if self.stage is None or shown is None:
            frame = render_waiting(self.stage, unicode=self._unicode, note=self.note)
        else:
            frame = self._frame(self.stage, shown, detail, self._note(now))
        self._live.update(frame, refresh=True)

    def _frame(self, stage: Stage, shown: Snapshot, detail: Detail | None, note: str) -> RenderableType:
        try:
            return render(
                stage,
                shown,
                *self._console.size,
                unicode=self._unicode,
                controls=self.controls,
                detail=detail,
                note=note,
                keys=self.keys,
            )
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            if not self._is_live:
                raise
            why = f"what is shown cannot be drawn: {type(error).__name__}: {error}\nkeys work as ever\n{note}"
            return Align.center(Text(why, justify="center"), vertical="middle")

    def __enter__(self) -> "Dashboard":
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, _leave)
                self._signals.append(number)
        self._jobs.__enter__()
        self._take_terminal()
        return self

    def _take_terminal(self) -> None:
        self._keyboard.__enter__()
        self._live.start(refresh=True)
        self._next = -math.inf

    def _give_terminal(self) -> None:
        try:
            self._live.stop()
        finally:
            self._keyboard.__exit__(None, None, None)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if not self._jobs.hidden:
                self._give_terminal()
        finally:
            self._jobs.__exit__()
            for number in self._signals:
                signal.signal(number, signal.SIG_DFL)
            self._signals.clear()


def _worst(found: list[Alarm]) -> list[int]:
    """Robots that need attention, each once, the worst first."""
    return list(dict.fromkeys(robot for alarm in found for robot in alarm.robots))


def _leave(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
