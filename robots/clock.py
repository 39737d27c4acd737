"""Times by another machine's clock, in ours."""

import math

DRIFT = 1e-3  # s per s that two clocks may drift apart


class Foreign:
    """Another machine's clock, as known by the times in its messages.

    The least difference between ours and theirs that was ever seen belongs to the message that was fastest on its
    way; what comes later than that was held up, and is older by as much.
    """

    def __init__(self) -> None:
        self._least = math.inf  # our clock minus theirs
        self._at = -math.inf

    def ours(self, theirs: float, now: float) -> float:
        """When it was `theirs` there, by our clock, never after `now`, when a message came that was said then. s."""
        self._least = min(self._least + DRIFT * (now - self._at), now - theirs)
        self._at = now
        return min(theirs + self._least, now)  # the sum is rounded
