"""What a robot believes about how many robots the sites of a kind take: Khat, learnt from what moved and what did not.

Nobody tells a robot how many are missing. Where k robots that did the same moved a site, k are enough and so are
more; where k did the same in vain, k are too few and so are less, or they did the wrong thing: so a failure counts less
than a success. A robot reads signatures whose bits mostly mean nothing, so it counts both for each pair of bits and
values, and trusts of those that fit a signature the one whose counts contradict each other least.
"""

import numpy as np

from robots.kernel import kernel

MOST = 4  # robots that a site may take
FIRST = 2  # Khat of who knows nothing
VAIN = 1 / 3  # weight of an action tried in vain: all three weigh as much as a success
PRIOR = 0.5  # weight of what is believed at first
FORGET = 0.1  # share of its counts that a pair of values loses with each new one
LATE = 0.5  # what moved with k did not move before the k-th came: weight of that
WIDTH = 12  # bits of a signature
_PAIRS = WIDTH * (WIDTH - 1) // 2
MOVED, STUCK = 0, 1


def start(lanes: int) -> np.ndarray:
    """Counts (lanes, pairs of bits, their 4 values, robots - 1, moved or stuck) of robots that know nothing."""
    return np.zeros((lanes, _PAIRS, 4, MOST, 2), np.float32)


@kernel
def believed(beliefs: np.ndarray, kind: int) -> int:
    """Khat of the signature `kind`, from the counts (pairs, 4, robots, 2) of one robot."""
    least, khat, pair = np.inf, FIRST, 0
    for a in range(WIDTH):
        for b in range(a):
            need, doubt = _read(beliefs[pair, (kind >> a & 1) * 2 + (kind >> b & 1)])
            if doubt < least:
                least, khat = doubt, need
            pair += 1
    return khat


@kernel
def _read(counts: np.ndarray) -> tuple[int, float]:
    """The smallest number of robots that rather moves a site than not, by counts (robots, 2); what share denies it."""
    stuck, weight = 0.0, 2 * PRIOR
    for k in range(MOST):
        stuck += counts[k, STUCK]
        weight += counts[k, STUCK] + counts[k, MOVED]
    need, moved, denied = MOST, 0.0, stuck
    for k in range(MOST):
        before = moved
        moved += counts[k, MOVED]
        if k == MOST - 1 or moved + (PRIOR if k + 1 >= FIRST else 0.0) > stuck + (PRIOR if k + 1 < FIRST else 0.0):
            need, denied = k + 1, before + stuck
            break
        stuck -= counts[k, STUCK]
    return need, (denied + PRIOR) / weight


@kernel
def learn(beliefs: np.ndarray, kind: int, same: int, what: int, weight: float) -> None:
    """`same` robots did the same, and it MOVED or was STUCK."""
    k, pair = min(max(same, 1), MOST) - 1, 0
    for a in range(WIDTH):
        for b in range(a):
            counts = beliefs[pair, (kind >> a & 1) * 2 + (kind >> b & 1)]
            for other in range(MOST):
                counts[other, MOVED] *= 1 - FORGET * weight
                counts[other, STUCK] *= 1 - FORGET * weight
            counts[k, what] += weight
            if what == MOVED and k > 0:
                counts[k - 1, STUCK] += LATE * weight
            pair += 1
