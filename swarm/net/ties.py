"""What a robot's own link knows, as it is told to others: who is there, and what was counted."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

QUIET = ("said", "received", "late", "unfinished", "renewed", "again", "early")  # counters that are no refusals

Numbers = Annotated[list[Annotated[int, Meta(ge=0, le=32767)]], Meta(max_length=1024)]
Counts = Annotated[dict[str, Annotated[int, Meta(ge=0, le=2**63 - 1)]], Meta(max_length=64)]


class Ties(msgspec.Struct, frozen=True):
    """A robot's own link, now. See `swarm.net.guard` for the states of peers and the reasons of refusals."""

    counters: Counts  # messages said, received, late, and refused by reason, since the robot's latest start
    alive: Numbers = []  # robots
    stale: Numbers = []
    lost: Numbers = []

    @property
    def refused(self) -> dict[str, int]:
        """How many messages were refused, by reason, most first."""
        refused = {why: number for why, number in self.counters.items() if why not in QUIET}
        return dict(sorted(refused.items(), key=lambda item: (-item[1], item[0])))


def total(ties: Sequence[Ties]) -> dict[str, int]:
    """How many are alive, stale and lost to others, and how many messages were refused; empty without links."""
    if not ties:
        return {}
    pairs = {state: sum(len(getattr(one, state)) for one in ties) for state in ("alive", "stale", "lost")}
    return {**pairs, "refused": sum(sum(one.refused.values()) for one in ties)}
