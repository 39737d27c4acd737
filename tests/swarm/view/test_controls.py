"""Keys, what they do, and what needs attention."""

import math
import os
import pty
import termios

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm.view.alarms import alarms
from swarm.view.controls import Controls, press
from swarm.view.keys import NAMES, Keyboard, split
from swarm.view.snapshot import SiteRow
from swarm.watch import Watch
from tests.swarm.view.test_dashboard import robot, stage, swarm


def after(keys: list[str], robots: int = 5, worst: tuple[int, ...] = ()) -> Controls:
    now = Controls()
    for key in keys:
        now = press(now, key, range(robots), worst)
    return now


def test_robots_are_selected_and_shown() -> None:
    assert after(["down"]).selected == 0
    assert after(["down", "down", "up"]).selected == 0
    assert after(["up"]).selected == 4
    assert after(["k", "j"]).selected == 0
    assert after(["enter"]).detail == 0
    assert after(["down", "down", "enter"]).detail == 1
    assert after(["down", "down", "enter", "esc"]) == Controls(selected=1)
    assert after(["down", "esc"]) == Controls()
    assert after(["enter", "down"]).detail == 1
    assert after(["enter", "down"], robots=0) == Controls()


def test_attention_goes_round() -> None:
    assert [after(["a"] * n, worst=(3, 1)).selected for n in (1, 2, 3)] == [3, 1, 3]
    assert after(["a"]).selected is None


def test_pause_help_and_leaving() -> None:
    assert after(["p"]).paused
    assert not after(["p", " "]).paused
    assert after(["?"]).help
    assert after(["?", "p"]) == Controls(), "any key closes the help, and does nothing else"
    assert after(["q"]).over
    assert after(["?", "q"]).over


@given(st.lists(st.sampled_from([*NAMES.values(), *"qjk?hpao rx1"])), st.integers(0, 3))
def test_whatever_is_pressed_a_robot_that_is_shown_exists(keys: list[str], robots: int) -> None:
    now = after(keys, robots)
    assert now.selected is None or 0 <= now.selected < robots


@given(st.lists(st.sampled_from([*NAMES.items(), (b"x", "x"), (b"?", "?"), (b"~", "~")])))
def test_keys_come_out_as_they_were_pressed(pressed: list[tuple[bytes, str]]) -> None:
    sent, names = b"", []
    for data, name in pressed:
        if not sent.endswith(b"\x1b"):  # what follows it at once belongs to it
            sent, names = sent + data, [*names, name]
    assert split(sent) == names


@given(st.binary(max_size=40))
def test_any_bytes_give_keys(data: bytes) -> None:
    assert all(key in NAMES.values() or (len(key) == 1 and key.isprintable()) for key in split(data))


def test_what_has_no_name_is_left_out() -> None:
    assert split(b"\x1b[200~a\x1b[15~b\x00\xc3\xa4") == ["a", "b"]


def test_a_terminal_is_left_as_it_was() -> None:
    user, terminal = pty.openpty()
    before = termios.tcgetattr(terminal)
    with Keyboard(terminal) as keyboard:
        assert not termios.tcgetattr(terminal)[3] & termios.ICANON
        assert termios.tcgetattr(terminal)[3] & termios.ISIG, "Ctrl-C interrupts"
        os.write(user, b"j\x1b[A")
        keys: list[str] = []
        while len(keys) < 2:
            keys += keyboard.pressed()
        assert keys == ["j", "up"]
    assert termios.tcgetattr(terminal) == before
    os.close(user)
    os.close(terminal)


def test_no_terminal_no_keys() -> None:
    reader, writer = os.pipe()
    with Keyboard(reader) as keyboard:
        os.write(writer, b"q")
        assert keyboard.pressed() == []


def test_alarms_come_by_the_missions_thresholds() -> None:
    fine = [robot(i) for i in range(3)]
    assert alarms(stage(), swarm(1, robots=fine, sites=[], backlog=0)) == []
    site = SiteRow(7, "amber", "push", 2, 0.0, 0.0, 0.0, 0.0, 400.0)
    bad = [
        robot(0, alive=False),
        robot(1, battery=0.15),
        robot(2, waiting=75.0, site=140),
        robot(3, waiting=80.0, site=141),
        robot(4, age=math.nan),
        robot(5, battery=0.05, age=12.0),
    ]
    found = alarms(stage(), swarm(1, robots=bad, sites=[site], backlog=12))
    assert [(alarm.level, alarm.text, alarm.robots) for alarm in found] == [
        ("error", "robot 0 lost", (0,)),
        ("error", "robots 5, 1: battery low, 5% left", (5, 1)),
        ("warning", "robots 3, 2 stuck at sites 140, 141, 80 s", (3, 2)),
        ("warning", "robots 4, 5: nobody heard for ever", (4, 5)),
        ("warning", "behind schedule: 12 sites find no room", ()),
        ("warning", "behind schedule: site 7 open for 7 min, 1 like it", ()),
    ]
    easy = Watch(stuck=100, battery=0.01, silent=1e6, backlog=20, open=1e6)
    found = alarms(stage(watch=easy), swarm(1, robots=bad, sites=[site], backlog=12))
    assert [alarm.text for alarm in found] == ["robot 0 lost"]


def test_faults_of_bodies_and_links_and_what_holds_robots() -> None:
    bad = [
        robot(0, still=6.0),
        robot(1, frozen=3.0),
        robot(2, fault="wheels do not answer"),
        robot(3, held="stopped by desk", still=99.0, waiting=99.0),
        robot(4, loss=0.625),
    ]
    found = alarms(stage(), swarm(1, robots=bad, sites=[], backlog=0))
    assert [(alarm.level, alarm.text, alarm.robots) for alarm in found] == [
        ("error", "robot 2: wheels do not answer", (2,)),
        ("error", "robot 0: motor fault? told to move, stands for 6 s", (0,)),
        ("error", "robot 1: sensor fault? readings dead for 3 s", (1,)),
        ("warning", "robot 3: stopped by desk", (3,)),
        ("warning", "robot 4: link weak, 62% of signals lost", (4,)),
    ]
    easy = Watch(motor=10, sensor=10, loss=0.7)
    found = alarms(stage(watch=easy), swarm(1, robots=bad, sites=[], backlog=0))
    assert [alarm.robots for alarm in found] == [(2,), (3,)]


def test_many_are_named_in_one_line() -> None:
    lost = [robot(i, alive=i % 2 == 0) for i in range(100)]
    (alarm,) = [a for a in alarms(stage(), swarm(1, robots=lost, sites=[], backlog=0)) if a.level == "error"]
    assert alarm.text == "robots 1, 3, 5, 7, 9, 11, 13, 15 and 42 more lost"


def test_a_job_in_the_background_leaves_the_terminal_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    user, terminal = pty.openpty()
    before = termios.tcgetattr(terminal)
    monkeypatch.setattr(os, "tcgetpgrp", lambda _: os.getpgrp() + 1)
    with Keyboard(terminal) as keyboard:
        assert termios.tcgetattr(terminal) == before
        os.write(user, b"q\n")
        assert keyboard.pressed() == []
    os.close(user)
    os.close(terminal)
