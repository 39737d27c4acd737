"""What a robot remembers of the others: their latest signals, in a table of fixed size."""

from collections.abc import Sequence

import numpy as np

from swarm import wire

STALE = 1.0  # s after which a silent robot is forgotten; until then its call fades

#: one heard robot; id -1 marks a free slot
HEARD = np.dtype(
    [
        ("id", "i2"),
        ("tick", "i4"),  # when its latest signal was heard
        ("aggregate", "f4"),  # its concentrations
        ("disperse", "f4"),
        ("waiting", "f4"),  # s at a site without progress
        ("site", "i4"),
        ("kind", "i4"),
        ("action", "i1"),  # -1: makes for the site, but is not there yet
        ("mates", "i1"),
    ]
)


def nobody(most: int) -> np.ndarray:
    """A table (most,) in which nobody was heard yet."""
    table = np.zeros(most, HEARD)
    table["id"] = -1
    return table


def hear(table: np.ndarray, tick: int, sender: int, signal: wire.Signal) -> None:
    """Enter `signal` into `table`, in place: in the sender's slot, or over the one heard longest ago."""
    ids = table["id"].tolist()
    if sender in ids:
        slot = ids.index(sender)
    elif -1 in ids:
        slot = ids.index(-1)
    else:
        slot = int(table["tick"].argmin())
    aggregate, disperse = signal.stimulation
    table[slot] = (
        sender,
        tick,
        aggregate,
        disperse,
        signal.waiting,
        signal.site,
        signal.kind,
        signal.action,
        signal.mates,
    )


def listen(table: np.ndarray, tick: int, messages: Sequence[tuple[int, bytes]]) -> tuple[list[wire.Outcome], int]:
    """Enter signals into `table`; gives the outcomes in them, and how many were no signal of their sender."""
    outcomes: list[wire.Outcome] = []
    bad = 0
    for sender, data in messages:
        try:
            signal = wire.signal(data)
        except wire.WireError:
            bad += 1
            continue
        if signal.sender != sender:
            bad += 1
            continue
        hear(table, tick, sender, signal)
        outcomes += signal.outcomes
    return outcomes, bad


def forget(table: np.ndarray, tick: int, stale: int) -> None:
    """Free the slots of robots not heard for more than `stale` ticks, in place."""
    table["id"][tick - table["tick"] > stale] = -1
