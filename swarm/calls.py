"""Calls for help: the sites at which robots are heard waiting, one record for each, in a table of fixed size."""

import numpy as np

from robots.kernel import kernel

MOST = 6  # calls that a robot keeps in mind
KEEP = 1.3  # how much louder the call sounds that a robot is on its way to: it does not turn round for little

#: one call; site -1 marks a free slot. A site keeps its slot for as long as it is heard.
CALL = np.dtype(
    [
        ("site", "i4"),  # beacon number
        ("kind", "i4"),  # signature of that site
        ("peer", "i2"),  # the nearest robot in sight that calls from there
        ("loudness", "f4"),  # sum over the callers of 1 - distance / hearing range
        ("age", "f4"),  # s since the latest signal from there
        ("waiting", "f4"),  # s that the most patient caller has been without progress
        ("distance", "f4"),  # m from the robot to the site
        ("mates", "i1"),  # robots at work there
        ("need", "i1"),  # robots that it takes, as those there believe
        ("rivals", "i1"),  # robots on their way there that are closer
        ("bids", "f4"),  # sum of the concentrations with which they are
    ]
)


def silence(lanes: int) -> np.ndarray:
    """Tables (lanes, MOST) without calls."""
    table = np.zeros((lanes, MOST), CALL)
    table["site"] = -1
    return table


@kernel
def slot_for(calls: np.ndarray, site: int, loudness: float) -> int:
    """The slot of `site`: the one it has, a free one, or that of a call quieter than `loudness`; -1 for none."""
    slot, quietest = -1, loudness
    for c in range(calls.shape[0]):
        if calls[c].site == site:
            return c
        if calls[c].site < 0:
            slot, quietest = c, -1.0
        elif calls[c].loudness < quietest:
            slot, quietest = c, calls[c].loudness
    return slot


@kernel
def loudest(memory: np.ndarray, calls: np.ndarray, stale: float, out: np.ndarray) -> None:
    """For each robot the slot of the call that sounds loudest, fading over `stale` s; -1 where there is none."""
    for i in range(calls.shape[0]):
        best, out[i] = 0.0, -1
        for c in range(calls.shape[1]):
            call = calls[i, c]
            if call.site < 0:
                continue
            sounds = call.loudness * max(0.0, 1 - call.age / stale) * (KEEP if call.site == memory[i].aim else 1.0)
            if sounds > best:
                best, out[i] = sounds, c
