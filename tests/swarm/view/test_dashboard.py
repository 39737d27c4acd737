import io
import math
import os
import random
import re
import signal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from rich.segment import Segment, SegmentLines

from swarm.view import mapview
from swarm.view.dashboard import Dashboard, plain_line, render, render_waiting, svg
from swarm.view.mapview import ASCII, PLAIN, UNICODE
from swarm.view.panels import columns, gauge, per_minute
from swarm.view.picture import palette
from swarm.view.snapshot import RobotRow, SiteRow, Snapshot, Stage
from swarm.watch import Watch

SIZES = [(80, 24), (120, 40), (200, 60)]


def stage(side: float = 8.0, **changes: object) -> Stage:
    values: dict[str, object] = {
        "mission": "swap",
        "about": "two kinds trade their meaning",
        "seed": 7,
        "duration": 3600.0,
        "bounds": (-side / 2, -side / 2, side / 2, side / 2),
        "walls": [(0.0, side / 10, side / 3, 0.1), (0.0, side / 2 + 0.05, side + 0.2, 0.1)],
        "radius": 0.06,
        "face": 0.56,
        "kinds": {"amber": "gold", "cyan": "turquoise", "rose": "hotpink"},
        "phases": [(0.0, "learn"), (1200.0, "swapped"), (2400.0, "few hands")],
        "signatures": {"amber": "1##0####", "cyan": "0####1##", "rose": "0####01#"},
        "watch": Watch(),
    }
    return Stage(**(values | changes))


def robot(number: int, **changes: object) -> RobotRow:
    values: dict[str, object] = {
        "robot": number,
        "x": 0.0,
        "y": 0.0,
        "heading": 0.0,
        "alive": True,
        "strategy": 1,
        "task": 0,
        "action": -1,
        "site": -1,
        "waiting": 0.0,
        "concentration": (0.4, 0.6),
        "heard": 12,
        "said": 5,
        "bad": 0,
        "age": 0.1,
        "rules": 40,
        "restarts": 0,
        "battery": math.nan,
        "held": "",
        "fault": "",
        "still": 0.0,
        "frozen": 0.0,
        "loss": math.nan,
    }
    return RobotRow(**(values | changes))


def swarm(count: int, side: float = 8.0, **changes: object) -> Snapshot:
    """A busy swarm: some robots search, others work, some are dead, one has never heard anyone."""
    draw = random.Random(count)
    half = side / 2 - 0.1
    sites = [
        SiteRow(
            site=140 + i,
            kind=draw.choice(["amber", "cyan", "rose"]),
            action="push",
            team=1 + i % 4,
            x=draw.uniform(-half, half),
            y=draw.uniform(-half, half),
            facing=draw.uniform(-math.pi, math.pi),
            progress=draw.random(),
            age=draw.uniform(0, 2e5),
        )
        for i in range(min(12, 1 + count // 3))
    ]
    robots = [
        robot(
            i,
            x=draw.uniform(-half, half),
            y=draw.uniform(-half, half),
            heading=draw.uniform(-math.pi, math.pi),
            alive=i % 17 != 9,
            strategy=i % 2,
            task=3 if i % 2 == 0 else 0,
            action=i % 3 if i % 2 == 0 else -1,
            site=140 if i % 2 == 0 else -1,
            waiting=draw.uniform(0, 90) if i % 2 == 0 else 0.0,
            heard=draw.randrange(10**7),
            age=math.nan if i == 0 else draw.random(),
        )
        for i in range(count)
    ]
    values: dict[str, object] = {
        "tick": 12340,
        "time": 1234.0,
        "speed": 8.25,
        "phase": 1,
        "robots": robots,
        "sites": sites,
        "done": 143,
        "backlog": 3,
        "rate": [draw.uniform(0, 12) for _ in range(120)],
        "split": [draw.random() for _ in range(120)],
        "components": 2,
        "links": [(i, i + 1) for i in range(count - 1)],
        "events": [(1230.0 + i, draw.choice(["info", "warning", "error"]), f"event {i}") for i in range(40)],
    }
    return Snapshot(**(values | changes))


def texts(frame: SegmentLines) -> list[str]:
    return ["".join(segment.text for segment in line) for line in frame.lines]


def printed(renderable: object, width: int = 120, height: int = 40, **options: object) -> str:
    out = io.StringIO()
    Console(file=out, width=width, height=height, **options).print(renderable, end="")
    return out.getvalue()


@pytest.mark.parametrize("count", [1, 12, 100, 1000])
@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("unicode", [True, False])
def test_a_frame_fills_the_terminal_exactly(count: int, width: int, height: int, unicode: bool) -> None:
    lines = texts(render(stage(), swarm(count), width, height, unicode=unicode))
    assert [cell_len(line) for line in lines] == [width] * height
    assert unicode or all(line.isascii() for line in lines)


@settings(deadline=None, max_examples=60)
@given(
    count=st.integers(0, 40),
    width=st.integers(1, 220),
    height=st.integers(1, 70),
    depth=st.floats(0.3, 60),
    unicode=st.booleans(),
)
def test_any_size_and_any_shape_of_arena_fits(count: int, width: int, height: int, depth: float, unicode: bool) -> None:
    scene = stage(bounds=(-3.0, 0.0, 3.0, depth))
    lines = texts(render(scene, swarm(count), width, height, unicode=unicode))
    assert [cell_len(line) for line in lines] == [width] * height


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_figures_that_matter_are_visible(width: int, height: int) -> None:
    text = "\n".join(texts(render(stage(), swarm(12), width, height)))
    for figure in (
        "swap",
        "143 done",
        "backlog 3",
        "2/3 swapped",
        "20:34 / 1:00:00",
        "8.2\N{MULTIPLICATION SIGN}",
        "11 alive, 1 dead",
    ):
        assert figure in text
    assert "2 components, 11 links" in text
    assert "event 39" in text


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_robots_that_need_attention_come_first_and_the_rest_is_summed_up(width: int, height: int) -> None:
    robots = [robot(i) for i in range(90)]
    robots[87] = robot(87, alive=False)
    robots[88] = robot(88, waiting=75.0)
    robots[89] = robot(89, waiting=76.0)
    lines = texts(render(stage(), swarm(1, robots=robots), width, height))
    start = next(i for i, line in enumerate(lines) if " id strat." in line)
    assert "87 ✗ dead" in lines[start + 1]
    assert "89 → disp" in lines[start + 2]
    assert " 76s " in lines[start + 2]
    assert "88 → disp" in lines[start + 3]
    more = next(i for i, line in enumerate(lines) if " more  ► 0  → " in line)
    shown = more - start - 1
    assert f"… {90 - shown} more  ► 0  → {90 - shown}" in lines[more]


def test_all_robots_are_listed_where_they_fit() -> None:
    text = "\n".join(texts(render(stage(), swarm(12), 120, 40)))
    assert all(re.search(rf" {i} . (agg|disp|dead) ", text) for i in range(12))
    assert "more" not in text


def test_the_table_says_what_a_robot_does() -> None:
    busy = robot(3, strategy=0, task=3, action=1, site=141, waiting=12.4, heard=12345, said=999, age=math.nan, rules=77)
    line = next(line for line in texts(render(stage(), swarm(1, robots=[busy]), 80, 24)) if " 3 ► agg" in line)
    assert line.split()[-8:] == ["work", "pull", "141", "12s", "12k", "999", "-", "77"]


def test_four_strategies_are_told_apart_and_two_look_as_ever() -> None:
    four = [robot(i, strategy=i, concentration=(0.1, 0.2, 0.3, 0.4), x=0.5 * i) for i in range(4)]
    lines = texts(render(stage(), swarm(1, robots=[*four, robot(4)]), 120, 40))
    for i, (name, glyph) in enumerate(zip(("agg", "disp", "srch", "home"), "►→⇒▷", strict=True)):
        assert any(f"{i} {glyph} {name}" in line for line in lines)
    assert any("► aggregate → disperse ⇒ search ▷ home" in line for line in lines)
    assert any("► 1  → 2  ⇒ 1  ▷ 1" in line for line in lines)
    plain = "".join(texts(render(stage(), swarm(1, robots=[robot(0)]), 120, 40)))
    assert not any(word in plain for word in ("search ▷", "srch", "⇒", "▷"))


def test_a_robot_stands_in_its_cell() -> None:
    scene = stage(bounds=(0.0, 0.0, 4.0, 4.0), walls=[])
    view = mapview.fit(scene.bounds, 40, 100)
    assert (view.columns, view.rows) == (40, 20)  # a cell is 0.1 m wide and 0.2 m high
    shot = swarm(1, sites=[], robots=[robot(0, x=1.05, y=3.5, heading=math.pi / 2), robot(1, x=4.0, y=0.0, strategy=0)])
    lines = texts(SegmentLines(mapview.lines(scene, shot, view, palette(scene), UNICODE)))
    assert lines[2] == " " * 10 + "↑" + " " * 29
    assert lines[19] == " " * 39 + "►"
    assert "".join(lines).split() == ["↑", "►"]


def test_what_is_nowhere_is_not_drawn() -> None:
    view = mapview.fit((0.0, 0.0, 4.0, 4.0), 40, 100)
    assert view.cell(math.nan, 1.0) is None
    assert view.cell(-0.01, 1.0) is None
    assert view.cell(1.0, 4.01) is None


def test_the_dead_and_the_stuck_stay_on_top() -> None:
    scene = stage(bounds=(0.0, 0.0, 4.0, 4.0), walls=[])
    view = mapview.fit(scene.bounds, 40, 20)
    crowd = [
        robot(0, x=1.0, y=1.0, alive=False),
        robot(1, x=1.0, y=1.0, waiting=90.0),
        robot(2, x=1.0, y=1.0),
    ]

    def mark(robots: list[RobotRow]) -> Segment:
        lines = mapview.lines(scene, swarm(1, sites=[], robots=robots), view, palette(scene), UNICODE)
        return next(segment for line in lines for segment in line if segment.text.strip())

    assert mark(crowd).text == "✗"
    assert mark(crowd[1:]).style.reverse
    assert not mark(crowd[2:]).style.reverse


def test_walls_and_sites_lie_where_they_are() -> None:
    scene = stage(bounds=(0.0, 0.0, 4.0, 4.0), walls=[(2.0, 3.9, 4.0, 0.2)], face=0.6)
    site = SiteRow(140, "rose", "push", 2, x=1.98, y=0.95, facing=0.0, progress=1.0, age=3.0)
    view = mapview.fit(scene.bounds, 40, 20)
    lines = texts(SegmentLines(mapview.lines(scene, swarm(1, sites=[site], robots=[]), view, palette(scene), ASCII)))
    assert lines[0] == "#" * 40
    # it looks east: the face is the right edge, from 0.65 to 1.25 m; letter and gauge stand in the middle
    assert [line[16:22] for line in lines[13:17]] == [" --=  ", " --=  ", " -R@  ", " --=  "]
    assert not "".join(lines[1:13] + lines[17:]).strip()


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [(["amber", "cyan"], "AC"), (["red", "rose"], "AB"), (["1", "2", "3"], "ABC"), ([], "")],
)
def test_kinds_have_letters(kinds: list[str], expected: str) -> None:
    assert "".join(mapview.letters(kinds).values()) == expected


def test_text_from_outside_cannot_move_the_cursor() -> None:
    events = [(1.0, "error", "broken\x1b[2J\nsecond line 日本語" * 9)]
    frame = render(stage(mission="a\tb"), swarm(3, events=events), 80, 24)
    assert all(c.isprintable() for line in texts(frame) for c in line)
    assert [cell_len(line) for line in texts(frame)] == [80] * 24


def test_no_colour_codes_where_none_are_wanted() -> None:
    frame = render(stage(), swarm(12), 120, 40)
    assert "\x1b" not in printed(frame)
    colour = re.compile(r"\x1b\[[\d;]*\b(3[0-8]|4[0-8]|9\d|10\d)[\d;]*m")
    assert colour.search(printed(frame, force_terminal=True, color_system="truecolor", no_color=False))
    assert not colour.search(printed(frame, force_terminal=True, color_system="truecolor", no_color=True))


def test_waiting_names_the_mission() -> None:
    assert "waiting for the run" in printed(render_waiting(None))
    assert "swap" in printed(render_waiting(stage()))
    assert printed(render_waiting(stage(mission="größe"), unicode=False)).isascii()


def test_plain_line_says_it_all_in_ascii() -> None:
    robots = [robot(0, strategy=0, waiting=12.0), robot(1), robot(2, alive=False, waiting=99.0)]
    line = plain_line(stage(), swarm(1, robots=robots, sites=[], rate=[0.0] * 9 + [6.0, 0.0, 12.0]))
    assert line == (
        "20:34/1:00:00  phase 2/3 swapped  done 143  3.0/min  open 0  backlog 3  "
        "alive 2/3  aggregate 1  longest wait 12s  speed 8.2x"
    )


def test_rate_is_that_of_the_latest_minute() -> None:
    assert per_minute(swarm(1, rate=[60.0] * 10 + [6.0, 0.0, 12.0, 0.0, 0.0, 0.0])) == 3.0
    assert per_minute(swarm(1, rate=[])) == 0.0


def test_charts_and_gauges_show_their_values() -> None:
    assert columns([0, 1, 2, 3, 4], 4.0, 2, UNICODE.fill) == ["   ▄█", " ▄███"]
    assert columns([0.0, 0.0], 0.0, 1, UNICODE.fill) == ["  "]
    for share, text in (
        (0.0, "────"),
        (0.5, "━━──"),
        (0.625, "━━╾─"),
        (1.0, "━━━━"),
        (2.0, "━━━━"),
        (math.nan, "────"),
    ):
        assert "".join(segment.text for segment in gauge(share, 4, PLAIN, UNICODE)) == text


def test_a_colour_that_does_not_exist_is_named() -> None:
    with pytest.raises(ValueError, match=r"kinds\.amber\.colour = 'orrange'.*did you mean 'orange'"):
        render(stage(kinds={"amber": "orrange"}), swarm(1, sites=[]), 80, 24)


def test_svg_is_a_picture_of_the_frame() -> None:
    picture = svg(stage(), swarm(12), 120, 40)
    assert picture.startswith("<svg")
    assert "143&#160;done" in picture
    assert picture == svg(stage(), swarm(12), 120, 40)


ENTER, LEAVE = "\x1b[?1049h", "\x1b[?1049l"


def terminal(clock: object = None) -> tuple[io.StringIO, Dashboard]:
    out = io.StringIO()
    console = Console(file=out, width=80, height=24, force_terminal=True)
    return out, Dashboard(stage(), console, clock or iter(range(1000)).__next__)


def test_the_terminal_is_restored_after_an_error() -> None:
    out, dashboard = terminal()
    with pytest.raises(KeyError), dashboard:
        raise KeyError
    assert out.getvalue().index(ENTER) < out.getvalue().index("waiting for the first") < out.getvalue().index(LEAVE)


def test_what_cannot_be_drawn_does_not_end_it() -> None:
    out, dashboard = terminal()
    with dashboard:
        dashboard.show(swarm(3, sites=[SiteRow(1, "unknown", "push", 1, 0.0, 0.0, 0.0, 0.0, 0.0)]))
        assert "cannot be drawn: KeyError: 'unknown'" in out.getvalue()
        assert dashboard.pressed() == []
        dashboard.show(swarm(3))
    assert "143 done" in out.getvalue()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_the_terminal_is_restored_after_a_signal(number: signal.Signals) -> None:
    out, dashboard = terminal()
    with pytest.raises(SystemExit) as stop, dashboard:
        os.kill(os.getpid(), number)
    assert stop.value.code == 128 + number
    assert LEAVE in out.getvalue()
    assert signal.getsignal(number) is signal.SIG_DFL


def test_frames_are_drawn_at_most_ten_times_a_second() -> None:
    times = iter([0.0, 0.05, 0.09, 0.11, 0.2, 0.22])
    out, dashboard = terminal(times.__next__)
    with dashboard:
        for done in range(6):
            dashboard.show(swarm(1, done=1000 + done))
    shown = [done for done in range(6) if f"{1000 + done} done" in out.getvalue()]
    assert shown == [0, 3, 5]
