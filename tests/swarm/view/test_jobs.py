"""The dashboard under a real shell, in a real pseudo-terminal: Ctrl-Z, fg, bg, a stop by force, resizing, a crash."""

import os
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from tests.conftest import Terminal, wait

ENTER, LEAVE = b"\x1b[?1049h", b"\x1b[?1049l"
#: a dashboard that counts, q leaves it, x crashes it
PROGRAM = """
import sys, time
from swarm.view.dashboard import Dashboard
from tests.swarm.view.test_dashboard import stage, swarm
count = 1000
with Dashboard(stage()) as dashboard:
    while not dashboard.controls.over:
        count += 1
        if "x" in dashboard.pressed():
            raise KeyError("on purpose")
        dashboard.show(swarm(3, done=count))
        time.sleep(0.02)
print("left in order")
"""


def shell(terminal: Callable[..., Terminal], tmp_path: Path) -> Terminal:
    (tmp_path / "program.py").write_text(PROGRAM)
    one = terminal(program=("bash", "--norc", "--noprofile", "-i"))
    root = Path(__file__).parents[3]
    one.type(f"PYTHONPATH={root} PS1='here> '; export PYTHONPATH\n".encode())
    wait(lambda: one.text.rstrip().endswith(b"here>"), 20)
    one.type(f"{sys.executable} program.py; echo status $?\n".encode())
    one.wait_for_screen("swap")
    return one


def counted(one: Terminal) -> int:
    found = re.search(r"(\d{4}) done", "\n".join(one.screen()))
    return int(found[1]) if found else 0


def goes_on(one: Terminal) -> bool:
    wait(lambda: counted(one) > 0, 20)
    before = counted(one)
    wait(lambda: counted(one) > before, 20)
    return True


def left(one: Terminal, times: int) -> bool:
    wait(lambda: one.text.count(LEAVE) == times == one.text.count(ENTER), 20)
    return True


def test_ctrl_z_gives_the_terminal_back_and_fg_takes_it_again(
    terminal: Callable[..., Terminal], tmp_path: Path
) -> None:
    one = shell(terminal, tmp_path)
    assert goes_on(one)
    one.type(b"\x1a")
    assert left(one, 1)
    wait(lambda: b"Stopped" in one.text, 10)
    size = len(one.text)
    one.type(b"stty -a > modes; echo ty'ped'\n")
    wait(lambda: b"typed\r\n" in one.text[size:], 10)
    modes = (tmp_path / "modes").read_text()
    assert re.search(r"(?<!-)\bicanon", modes)
    assert re.search(r"(?<!-)\becho\b", modes)
    assert not re.search(rb"\d{4} done", one.text[size:]), "nothing is drawn while it is stopped"
    one.type(b"fg\n")
    wait(lambda: one.text.count(ENTER) == 2, 10)
    assert goes_on(one)
    one.resize(40, 120)
    one.wait_for_screen("attention")
    assert goes_on(one)
    one.type(b"q")
    assert left(one, 2)
    wait(lambda: b"left in order" in one.text, 10)
    one.type(b"echo status $?\n")
    wait(lambda: b"status 0" in one.text, 10)


def test_in_the_background_it_draws_nothing(terminal: Callable[..., Terminal], tmp_path: Path) -> None:
    one = shell(terminal, tmp_path)
    one.type(b"\x1a")
    assert left(one, 1)
    one.type(b"bg; sleep 1; echo aw'ake'\n")
    wait(lambda: b"awake\r\n" in one.text, 20)
    assert one.text.count(ENTER) == 1
    one.type(b"fg\n")
    wait(lambda: one.text.count(ENTER) == 2, 10)
    assert goes_on(one)
    one.type(b"q")
    assert left(one, 2)


def test_stopped_by_force_it_draws_anew(terminal: Callable[..., Terminal], tmp_path: Path) -> None:
    one = shell(terminal, tmp_path)
    (pid,) = [
        int(path.parent.name)
        for path in Path("/proc").glob("[0-9]*/cmdline")
        if b"program.py" in path.read_bytes() and str(os.readlink(path.parent / "cwd")) == str(tmp_path)
    ]
    os.kill(pid, signal.SIGSTOP)
    wait(lambda: b"Stopped" in one.text, 10)
    one.type(b"fg\n")
    wait(lambda: one.text.count(ENTER) == 2, 10)
    assert goes_on(one)
    one.type(b"q")
    assert left(one, 2)


def test_a_crash_leaves_the_terminal_as_it_was_and_says_why(terminal: Callable[..., Terminal], tmp_path: Path) -> None:
    one = shell(terminal, tmp_path)
    one.type(b"x")
    assert left(one, 1)
    wait(lambda: b"KeyError: 'on purpose'" in one.text.rpartition(LEAVE)[2], 10)
    one.type(b"stty -a > modes; echo ty'ped'\n")
    wait(lambda: b"typed\r\n" in one.text, 10)
    assert re.search(r"(?<!-)\bicanon", (tmp_path / "modes").read_text())
