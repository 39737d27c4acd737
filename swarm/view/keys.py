"""Keys from a terminal, one at a time, as they are pressed."""

import os
import select
import sys
import termios
import tty
from contextlib import suppress
from types import TracebackType
from typing import Any

#: what terminals send for the keys that have names
NAMES = {
    b"\x1b[A": "up",
    b"\x1b[B": "down",
    b"\x1b[C": "right",
    b"\x1b[D": "left",
    b"\x1bOA": "up",
    b"\x1bOB": "down",
    b"\x1bOC": "right",
    b"\x1bOD": "left",
    b"\x1b[H": "home",
    b"\x1b[F": "end",
    b"\x1b[1~": "home",
    b"\x1b[4~": "end",
    b"\x1b[5~": "pgup",
    b"\x1b[6~": "pgdn",
    b"\x1b": "esc",
    b"\r": "enter",
    b"\n": "enter",
}
_LONGEST = max(map(len, NAMES))


class Keyboard:
    """While entered, gives keys without waiting for a line; the terminal is as before afterwards.

    Where the input is no terminal, or that of another job, there are no keys. Ctrl-C stays an interrupt. With `every`
    all others are keys: also those that stop or end a process (Ctrl-Z, Ctrl-\\) or its output (Ctrl-S).
    """

    def __init__(self, file: int | None = None, *, every: bool = False) -> None:
        self._file, self._every = file, every
        self._before: list[Any] | None = None

    def __enter__(self) -> "Keyboard":
        self.take()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.give()

    def take(self) -> None:
        """Take the terminal, if it is ours and not taken yet."""
        if self._before is not None:
            return
        try:
            self._file = sys.stdin.fileno() if self._file is None else self._file
            if _is_ours(self._file):
                self._before = termios.tcgetattr(self._file)
                tty.setcbreak(self._file)
                if self._every:
                    _let_through(self._file)
        except (OSError, ValueError, termios.error):  # no input, or no terminal
            self.give()

    def give(self) -> None:
        """Give the terminal back as it was."""
        if self._before is not None and self._file is not None:
            with suppress(OSError, termios.error):  # the terminal is gone
                if _is_ours(self._file):
                    termios.tcsetattr(self._file, termios.TCSADRAIN, self._before)
        self._before = None

    def pressed(self) -> list[str]:
        """The keys that were pressed since the last call."""
        return split(self.read())

    def read(self) -> bytes:
        """What the terminal has sent since the last call."""
        data = b""
        try:
            while self._before is not None and self._file is not None and self._has_sent(self._file):
                part = os.read(self._file, 1024)
                data += part
                if not part:  # the terminal is gone
                    self._before = None
        except OSError:
            self._before = None
        return data

    @staticmethod
    def _has_sent(file: int) -> bool:
        return _is_ours(file) and bool(select.select([file], [], [], 0)[0])


def _let_through(file: int) -> None:
    """Have a terminal pass on the keys that it would act upon, but for Ctrl-C."""
    modes = termios.tcgetattr(file)
    modes[0] &= ~termios.IXON
    modes[3] &= ~termios.IEXTEN
    for key in (termios.VSUSP, termios.VQUIT):
        modes[6][key] = bytes([os.fpathconf(file, "PC_VDISABLE")])
    termios.tcsetattr(file, termios.TCSANOW, modes)


def _is_ours(file: int) -> bool:
    """Are we in the foreground? Who is not and touches the terminal is stopped."""
    try:
        return os.tcgetpgrp(file) == os.getpgrp()
    except OSError:
        return os.isatty(file)  # a terminal, but not the one that we were started from


def split(data: bytes) -> list[str]:
    """The keys in what a terminal sent; what it means by other sequences is left out."""
    keys: list[str] = []
    at = 0
    while at < len(data):
        length = next((n for n in range(_LONGEST, 0, -1) if data[at : at + n] in NAMES), 0)
        if length and not (length == 1 and data[at : at + 1] == b"\x1b" and data[at + 1 : at + 2] in (b"[", b"O")):
            keys.append(NAMES[data[at : at + length]])
            at += length
        elif data[at : at + 1] == b"\x1b":  # a sequence that has no name here ends with a letter or ~
            at += 2
            while at < len(data) and not (64 <= data[at] <= 126):
                at += 1
            at += 1
        else:
            if 32 <= data[at] < 127:
                keys.append(chr(data[at]))
            at += 1
    return keys
