"""A full-screen program under a shell's job control: Ctrl-Z, fg, bg."""

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType


class Jobs:
    """While entered, Ctrl-Z stops this process only once it has given the terminal back.

    Handlers only take note; `look` does what is due, from where the program draws: `leave` gives the terminal back,
    `enter` takes it. Who goes on in the background has no terminal until it is in the foreground again.
    """

    def __init__(self, enter: Callable[[], None], leave: Callable[[], None]) -> None:
        self._enter, self._leave = enter, leave
        self._asked = self._woken = False
        self._handled: list[signal.Signals] = []
        self.hidden = False  # has the terminal been given back?

    def look(self) -> bool:
        """Do what is due; may the program draw? Comes back after a stop when the shell lets it go on."""
        if self._asked:
            self._asked = False
            self._hide()
            signal.signal(signal.SIGTSTP, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGTSTP)
            signal.signal(signal.SIGTSTP, self._ask)
        if self._woken:  # maybe stopped by force: who knows what the terminal looks like
            self._woken = False
            self._hide()
        if self.hidden and is_in_front():
            self._enter()
            self.hidden = False
        return not self.hidden

    def _hide(self) -> None:
        if not self.hidden:
            self._leave()
            self.hidden = True

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        self._asked = True

    def _wake(self, _number: int, _frame: FrameType | None) -> None:
        self._woken = True

    def __enter__(self) -> "Jobs":
        for number, handler in ((signal.SIGTSTP, self._ask), (signal.SIGCONT, self._wake)):
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, handler)
                self._handled.append(number)
        return self

    def __exit__(self, *_: object) -> None:
        for number in self._handled:
            signal.signal(number, signal.SIG_DFL)
        self._handled.clear()


def is_in_front() -> bool:
    """Is this process in the foreground of its terminal? Without a terminal, yes."""
    try:
        return os.tcgetpgrp(sys.stdout.fileno()) == os.getpgrp()
    except (OSError, ValueError):
        return True
