"""What every process of a run does first."""

import os
import signal
from pathlib import Path


def settle(log: Path) -> None:
    """Make a child process quiet: what it prints goes to `log`, and keys pressed in the terminal do not reach it."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.close(file)


def is_alive(pid: int) -> bool:
    """Does process `pid` exist?"""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
