"""The driver's dead-man: a thread that stops the body when the process that drives it hangs.

The shell's rules run only as long as its loop runs. This does not depend on the loop.
"""

import math
import threading
import time
from collections import deque
from collections.abc import Callable

AGAIN = 0.1  # s between two stops while the loop hangs


class DeadMan:
    """Calls `stop` when `feed` was not called for `limit` s, and again until it is, whatever it raises."""

    def __init__(self, stop: Callable[[], None], limit: float) -> None:
        self._stop, self._limit = stop, limit
        self._fed = time.monotonic()
        self.failed = 0  # stops that raised something
        self.trouble = ""  # with the latest stop; empty: none
        self._over = threading.Event()
        self._hangs: deque[float] = deque([-math.inf], maxlen=100)  # what was last fed before each of the latest hangs
        self._thread = threading.Thread(target=self._watch, name="dead-man", daemon=True)
        self._thread.start()

    def feed(self) -> None:
        """The loop runs."""
        self._fed = time.monotonic()

    def hangs(self, seconds: float) -> int:
        """How often the loop hung of late."""
        since = time.monotonic() - seconds
        return sum(fed >= since for fed in list(self._hangs))

    def close(self) -> None:
        """Give the watch up; the caller stops the body."""
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(self._wait()):
            fed = self._fed
            if time.monotonic() - fed >= self._limit:
                if fed > self._hangs[-1]:
                    self._hangs.append(fed)
                try:
                    self._stop()
                    self.trouble = ""
                except Exception as error:
                    self.failed += 1
                    self.trouble = f"the dead-man failed to stop it, {self.failed} times so far: {error!r}"

    def _wait(self) -> float:
        left = self._fed + self._limit - time.monotonic()
        return left if left > 0 else AGAIN
