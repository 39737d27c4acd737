"""What every process of a run does first, and how it knows that the run's first process is gone."""

import multiprocessing
import os
import signal
from pathlib import Path

#: what asks for the end of a run; only the process that the user started listens to it
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def settle(log: Path) -> int:
    """Make a child process quiet: what it prints goes to `log`, and signals that end a run do not reach it.

    Gives a file descriptor that becomes readable when the process that the user started is gone.
    """
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.close(file)
    parent = multiprocessing.parent_process()
    assert parent is not None
    return parent.sentinel
