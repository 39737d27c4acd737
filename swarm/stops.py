"""Robots of a simulated run that an operator has stopped: their bodies stand still until they are let go on.

Their minds go on sensing, hearing and saying; what they want to do is not done. A run to which nobody gives an order
is what it would be without this.
"""

from collections.abc import Sequence
from contextlib import ExitStack

import numpy as np

from sim.site import Event
from swarm.view.desk import Commands, Place


class Stops:
    """Takes orders at `places` for N robots; `mask` (N,) are those that stand. Raises OSError."""

    def __init__(self, robots: int, places: Sequence[Place]) -> None:
        self.mask = np.zeros(robots, bool)
        self._events: list[Event] = []
        self._time = 0.0
        self._ends: list[Commands] = []
        with ExitStack() as stack:
            for place in places:
                self._ends.append(Commands(place))
                stack.callback(self._ends[-1].close)
            self._stack = stack.pop_all()

    def serve(self, time: float) -> list[Event]:
        """Take the orders that have come; what happened, at `time` (simulated, s)."""
        self._time, self._events = time, []
        for end in self._ends:
            end.serve(self.obey)
        return self._events

    def obey(self, word: str, robots: Sequence[int] | None, who: str) -> tuple[bool, str]:
        """Carry out an order: was it done, and what came of it."""
        count = len(self.mask)
        if robots is not None and any(robot >= count for robot in robots):
            return False, f"robot {max(robots)}: there are robots 0 to {count - 1}"
        chosen = np.arange(count) if robots is None else np.unique(np.array(robots, int))
        changed = chosen[self.mask[chosen] != (word == "stop")]
        self.mask[chosen] = word == "stop"
        what = "stopped" if word == "stop" else "let go on"
        text = f"{named(changed, count)} {what} by {who}" if len(changed) else f"nobody is to be {what}"
        if len(changed):
            self._events.append(Event(self._time, "warning" if word == "stop" else "info", text))
        return True, text

    def close(self) -> None:
        """Take no more orders."""
        self._stack.close()


def named(robots: np.ndarray, count: int) -> str:
    """Robots in words."""
    if len(robots) == count > 1:
        return f"all {count} robots"
    shown = ", ".join(map(str, robots[:8].tolist()))
    more = f" and {len(robots) - 8} more" if len(robots) > 8 else ""
    return f"robot{'s' * (len(robots) > 1)} {shown}{more}"
