"""What an operator has chosen to see, and how keys change it: no terminal, no clock.

Keys are single characters, or names such as ``up`` for those that send several.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

SPEEDS = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)  # of a replay

#: (keys, what they do), for the help
LIVE = (
    ("up down, k j", "select a robot"),
    ("enter, r", "the selected robot in detail: what it senses, why it does what it does"),
    ("a", "select the robot that needs attention most; again: the next one"),
    ("esc, o", "back to the swarm"),
    ("space, p", "pause the view; the run goes on"),
    ("s", "stop the selected robot, at once; needs the operator's key"),
    ("S", "stop all robots, at once"),
    ("g G", "let the selected robot, or all, go on; then y to confirm"),
    ("?, h", "this help"),
    ("q", "leave; in jerne run that ends the run"),
)
REPLAY = (
    *LIVE[:4],
    ("space, p", "stop and go on"),
    ("left right", "10 s back, on"),
    ("pgup pgdn", "a minute back, on"),
    ("home end", "start, end"),
    ("[ ]", "the phase before, the next phase"),
    (", .", "a tick back, on"),
    ("- +", "slower, faster"),
    ("?, h", "this help"),
    ("q", "leave"),
)


#: stop or resume, and the robots; None: all
Order = tuple[str, tuple[int, ...] | None]


@dataclass(frozen=True)
class Controls:
    """The state of a dashboard."""

    page: str = "swarm"  # swarm | robot
    selected: int | None = None  # robot
    paused: bool = False
    help: bool = False
    over: bool = False  # the operator wants to leave
    orders: tuple[Order, ...] = ()  # that are to be given
    asked: Order | None = None  # an order that waits for its confirmation
    hint: str = ""  # what was missing for the latest key

    @property
    def detail(self) -> int | None:
        """The robot that is shown in detail."""
        return self.selected if self.page == "robot" else None


def press(
    now: Controls, key: str, robots: Sequence[int], worst: Sequence[int] = (), *, orders: bool = True
) -> Controls:
    """After a key; `robots` are their numbers, `worst` are those that need attention, the worst first.

    orders: can any be given? To stop is done at once, to let go on has to be confirmed.
    """
    now = replace(now, hint="")
    if orders and key in ("s", "S"):  # whatever is open
        now = replace(now, asked=None, help=False)
    elif now.asked is not None:
        given = (*now.orders, now.asked) if key == "y" else now.orders
        return replace(now, asked=None, orders=given, hint="" if key == "y" else "nobody was let go on")
    elif now.help:
        return replace(now, help=False, over=key == "q")
    at = robots.index(now.selected) if now.selected in robots else -1
    match key:
        case "q":
            return replace(now, over=True)
        case "?" | "h":
            return replace(now, help=True)
        case " " | "p":
            return replace(now, paused=not now.paused)
        case "down" | "j" if robots:
            return replace(now, selected=robots[(at + 1) % len(robots)])
        case "up" | "k" if robots:
            return replace(now, selected=robots[(max(at, 0) - 1) % len(robots)])
        case "a" if worst:
            place = worst.index(now.selected) + 1 if now.selected in worst else 0
            return replace(now, selected=worst[place % len(worst)])
        case "enter" | "r" if robots:
            return replace(now, page="robot", selected=robots[max(at, 0)])
        case "s" | "g" if orders and now.selected is None:
            return replace(now, hint="select a robot first")
        case "s" | "S" if orders:
            return replace(now, orders=(*now.orders, ("stop", _whom(now, key))))
        case "g" | "G" if orders:
            return replace(now, asked=("resume", _whom(now, key)))
        case "esc" | "o":
            return replace(now, page="swarm", selected=None if now.page == "swarm" else now.selected)
        case _:
            return now


def _whom(now: Controls, key: str) -> tuple[int, ...] | None:
    """The selected robot, or all for a capital letter."""
    return None if key.isupper() or now.selected is None else (now.selected,)
