"""A robot's own terminal: every key but three stops it, whatever else comes. With a real shell in a pseudo-terminal."""

import os
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Terminal, wait

#: a loop whose pilot arms by itself and drives; its body tells in a file how fast the wheels turn
PROGRAM = """
import os, sys
from swarm.view.keys import Keyboard
from tests.swarm.field.fakes import Wheels, loop_of
loop = loop_of(Wheels("wheels"), fails=False)
print("process", os.getpid(), flush=True)
with loop.signals(), Keyboard(every=True) as keyboard:
    status = loop.run(60, keyboard)
print("status", status, flush=True)
"""
STANDS = b"robot 0: emergency stop: told to"


class Desk:
    """A shell in a terminal, in which the robot's process runs."""

    def __init__(self, terminal: Callable[..., Terminal], folder: Path) -> None:
        (folder / "program.py").write_text(PROGRAM)
        self.folder, self.mark = folder, 0
        self.one = terminal(program=("bash", "--norc", "--noprofile", "-i"))
        root = Path(__file__).parents[3]
        self.one.type(f"export PYTHONPATH={root} PYTHONIOENCODING=utf-8:strict PS1='here> '\n".encode())
        wait(lambda: self.one.text.rstrip().endswith(b"here>"), 20)

    def start(self, how: str = "") -> None:
        self.type(f"{sys.executable} program.py {how}\n".encode())
        self.said(rb"robot 0: armed")
        self.pid = int(re.findall(rb"process (\d+)", self.one.text)[-1])
        wait(lambda: self.speed() > 0, 10)

    def type(self, keys: bytes) -> None:
        self.mark = len(self.one.text)
        self.one.type(keys)

    def said(self, text: bytes) -> None:
        """Wait until it was said after what was typed last."""
        wait(lambda: re.search(text, self.one.text[self.mark :]), 30)

    def speed(self) -> float:
        return float((self.folder / "wheels").read_text() or 0)

    def state(self) -> str:
        """R, S: it goes on; T: it is suspended."""
        return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0]


@pytest.fixture
def desk(terminal: Callable[..., Terminal], tmp_path: Path) -> Desk:
    return Desk(terminal, tmp_path)


@pytest.mark.parametrize(
    "keys",
    [b"x", b" ", b"ax", b"rxa", b"xra", b"a\x1b[A", b"\xff", b"a\xff\xfe", "ä".encode(), b"\x1a", b"\x1c", b"\x13\x11"],
)
def test_any_key_stops_even_beside_others(desk: Desk, keys: bytes) -> None:
    desk.start()
    desk.type(keys)
    desk.said(STANDS)
    wait(lambda: desk.speed() == 0, 5)
    assert desk.state() in "RS"
    desk.type(b"r")
    desk.said(b"release: done")
    desk.type(b"a")
    desk.said(b"arm: done")
    desk.type(b"q")
    desk.said(b"status 0")
    assert desk.speed() == 0


def test_before_it_is_suspended_the_robot_is_stopped(desk: Desk) -> None:
    desk.start()
    os.kill(desk.pid, signal.SIGTSTP)
    wait(lambda: desk.state() == "T", 10)
    assert desk.speed() == 0
    desk.said(b"Stopped")
    desk.type(b"stty -a > modes; echo ty'ped'\n")
    desk.said(b"typed\r\n")
    assert re.search(r"(?<!-)\bicanon", (desk.folder / "modes").read_text())
    desk.type(b"fg\n")
    desk.said(STANDS)
    desk.type(b"r")
    desk.said(b"release: done")
    assert desk.speed() == 0


def test_sigquit_stops_the_robot_and_ends_in_good_order(desk: Desk) -> None:
    desk.start()
    os.kill(desk.pid, signal.SIGQUIT)
    desk.said(b"ends: signal SIGQUIT")
    desk.said(b"status 0")
    assert desk.speed() == 0


def test_in_the_background_it_leaves_the_terminal_alone(desk: Desk) -> None:
    desk.start("&")
    desk.type(b"echo ty'ped'\n")
    desk.said(b"typed\r\n")
    assert desk.speed() > 0
    assert desk.state() in "RS"
    desk.type(b"fg\n")
    desk.said(b"program.py")
    wait(lambda: desk.one.type(b"x") or STANDS in desk.one.text[desk.mark :], 20)
    wait(lambda: desk.speed() == 0, 5)
