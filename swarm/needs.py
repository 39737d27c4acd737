"""What a robot believes about how many robots the sites of a kind take: Khat, learnt from what moved and what did not.

Nobody tells a robot how many are missing. It believes 2 at first; where k robots that did the same moved a
site, k are enough; while at least Khat do the same in vain, Khat rises by `RISE` a second, for the site may
want more. A robot reads signatures whose bits mostly mean nothing, so it keeps one belief for each pair of bits
and values, and trusts of those that fit a signature the one that was contradicted least.
"""

import numpy as np

from robots.kernel import kernel

FIRST = 2.0  # Khat of who knows nothing
MOST = 4.0
RISE = 0.05  # robots per second
TRUST = 0.3  # rate at which contradictions are averaged
WIDTH = 12  # bits of a signature
_PAIRS = WIDTH * (WIDTH - 1) // 2
BELIEF, DOUBT, TIMES = range(3)


def start(lanes: int) -> np.ndarray:
    """Beliefs (lanes, pairs of bits, their 4 values, 3) of robots that know nothing: Khat, doubt, how often used."""
    out = np.zeros((lanes, _PAIRS, 4, 3), np.float32)
    out[..., BELIEF] = FIRST
    return out


@kernel
def believed(beliefs: np.ndarray, kind: int) -> float:
    """Khat of the signature `kind`, from the beliefs (pairs, 4, 3) of one robot."""
    least, khat, pair = np.inf, 0.0, 0
    for a in range(WIDTH):
        for b in range(a):
            belief = beliefs[pair, (kind >> a & 1) * 2 + (kind >> b & 1)]
            doubt = belief[DOUBT] + 1 / (1 + belief[TIMES])
            if doubt < least:
                least, khat = doubt, belief[BELIEF]
            pair += 1
    return khat


@kernel
def moved(beliefs: np.ndarray, kind: int, same: int) -> None:
    """`same` robots did the same, and it moved: they are enough."""
    pair = 0
    for a in range(WIDTH):
        for b in range(a):
            belief = beliefs[pair, (kind >> a & 1) * 2 + (kind >> b & 1)]
            excess = max(0.0, belief[BELIEF] - same)
            belief[DOUBT] += TRUST * (excess - belief[DOUBT])
            belief[BELIEF] -= excess
            belief[TIMES] += 1
            pair += 1


@kernel
def stuck(beliefs: np.ndarray, kind: int, same: int, seconds: float) -> None:
    """`same` robots did the same in vain: where they should have been enough, more may be needed."""
    pair = 0
    for a in range(WIDTH):
        for b in range(a):
            belief = beliefs[pair, (kind >> a & 1) * 2 + (kind >> b & 1)]
            if same >= belief[BELIEF] - 0.5:
                belief[BELIEF] = min(MOST, belief[BELIEF] + RISE * seconds)
            pair += 1
