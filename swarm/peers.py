"""What a robot remembers of the others: their latest signals, in a table of fixed size."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from robots.kernel import kernel
from swarm import wire
from swarm.report import STRATEGIES

STALE = 1.0  # s after which a silent robot is forgotten; until then its call fades
#: s of silence after which a robot at the same site is taken to have left: where 60% of signals are lost, 1 s is silent
#: one time in 13, and each time the others would take their work for changed
LEAVING = 3.0
NONE = -wire.OUTCOMES  # outcomes heard of a sender that is new

#: one heard robot; id -1 marks a free slot
HEARD = np.dtype(
    [
        ("id", "i2"),
        ("tick", "i4"),  # when its latest signal was heard
        ("concentrations", "f4", (4,)),  # per strategy, NaN of those that it does not have
        ("waiting", "f4"),  # s at a site without progress
        ("there", "f4"),  # s at work at it
        ("site", "i4"),
        ("kind", "i4"),
        ("action", "i1"),  # -1: aims at the site, but is not there yet
        ("mates", "i1"),
        ("need", "i1"),  # 1 of who only answers a call
        ("distance", "f4"),  # m
        ("concentration", "f4"),  # with which it aims at the site
        ("told", "i8"),  # outcomes that it has told so far
    ]
)


def nobody(most: int) -> np.ndarray:
    """A table (most,) in which nobody was heard yet."""
    table = np.zeros(most, HEARD)
    table["id"] = -1
    return table


def listen(table: np.ndarray, tick: int, messages: Sequence[tuple[int, bytes]]) -> tuple[list[wire.Outcome], int]:
    """Enter signals into `table`, in place, each in its sender's slot, else a free one, else the one heard longest ago.

    Gives the outcomes in them that are new, and how many were no signal of their sender.
    """
    outcomes: list[wire.Outcome] = []
    bad = 0
    ids = table["id"].tolist()
    for sender, data in messages:
        try:
            signal = wire.signal(data)
        except wire.WireError:
            bad += 1
            continue
        if signal.sender != sender:
            bad += 1
            continue
        slot = ids.index(sender) if sender in ids else ids.index(-1) if -1 in ids else int(table["tick"].argmin())
        outcomes += new(signal.outcomes, signal.told, int(table[slot]["told"]) if ids[slot] == sender else NONE)
        ids[slot] = sender
        table[slot] = row(sender, tick, signal)
    return outcomes, bad


def new(outcomes: tuple[wire.Outcome, ...], told: int, before: int) -> tuple[wire.Outcome, ...]:
    """Those outcomes of a signal, the `told`-th of its sender the last of them, that came after the first `before`.

    All of them of a sender that has `told` fewer than before: it has started again.
    """
    return outcomes[max(0, len(outcomes) - (told - before)) :] if before <= told else outcomes


def row(sender: int, tick: int, signal: wire.Signal) -> tuple[Any, ...]:
    """A signal as a record of HEARD."""
    return (
        sender,
        tick,
        signal.stimulation + (math.nan,) * (len(STRATEGIES) - len(signal.stimulation)),
        signal.waiting,
        signal.there,
        signal.site,
        signal.kind,
        signal.action,
        signal.mates,
        signal.need,
        signal.distance,
        signal.concentration,
        signal.told,
    )


def enter(
    tables: np.ndarray, tick: int, arrived: np.ndarray, good: np.ndarray, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Enter signals into all `tables` (N, K), in place, as `listen` does: those of the senders `arrived` (N, K), lanes.

    `rows` (N,) HEARD are the senders' signals, `good` (N,) those that are signals at all. Gives what was
    entered, (N, K) bool, and how many outcomes each sender had told that hearer before, (N, K), NONE: it is new.
    """
    entered, before = np.zeros(arrived.shape, np.bool_), np.full(arrived.shape, NONE)
    told = rows.copy()
    told["tick"] = tick
    raw, data = tables.view(np.uint8).reshape(*tables.shape, -1), told.view(np.uint8).reshape(len(rows), -1)
    _enter(tables, arrived, good, told["id"], raw, data, entered, before)
    return entered, before


@kernel
def _enter(
    tables: Any,
    arrived: np.ndarray,
    good: np.ndarray,
    ids: np.ndarray,
    raw: np.ndarray,
    data: np.ndarray,
    entered: np.ndarray,
    before: np.ndarray,
) -> None:
    """`enter`; `raw` (N, K, B) are the bytes of the tables, `data` (N, B) those of the signals, whatever is in them."""
    for i in range(arrived.shape[0]):
        table = tables[i]
        for k in range(arrived.shape[1]):
            sender = arrived[i, k]
            if sender < 0 or not good[sender]:
                continue
            slot, free, oldest = -1, -1, 0
            for s in range(table.shape[0]):
                if table[s].id == ids[sender]:
                    slot = s
                    break
                if free < 0 and table[s].id == -1:
                    free = s
                if table[s].tick < table[oldest].tick:
                    oldest = s
            if slot < 0:
                slot = free if free >= 0 else oldest
            else:
                before[i, k] = table[slot].told
            for b in range(data.shape[1]):
                raw[i, slot, b] = data[sender, b]
            entered[i, k] = True


@kernel
def forget(table: np.ndarray, tick: int, stale: int, site: int, leaving: int) -> None:
    """Free the slots of robots not heard for more than `stale` ticks, `leaving` for those at `site`, in place."""
    for slot in range(table.shape[0]):
        mate = site >= 0 and table[slot].site == site and table[slot].action >= 0
        if tick - table[slot].tick > (leaving if mate else stale):
            table[slot].id = -1
