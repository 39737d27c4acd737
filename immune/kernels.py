"""The networks' arithmetic in loops over lanes: compiled by numba where it is installed, plain Python elsewhere.

The same scalar steps either way, so the values are the same. Each function is the one of the same name in
`immune.network` or `immune.calls`, which explain them. This file imports nothing of the package: numba's cache
on disk notices changes of the file that a kernel stands in, and of no other.
"""

import functools
import math
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np

F = TypeVar("F", bound=Callable[..., Any])

try:
    import numba
except ImportError:

    def kernel(function: F) -> F:
        """Run it as Python, with records whose fields are attributes, as in compiled code."""

        @functools.wraps(function)
        def plain(*args: Any) -> Any:
            return function(*(a.view(np.recarray) if isinstance(a, np.ndarray) and a.dtype.names else a for a in args))

        return cast(F, plain)

else:

    def kernel(function: F) -> F:
        """Compile it."""
        return cast(F, numba.njit(cache=True)(function))


@kernel
def clip(x: float, bound: float) -> float:
    """`x` within [-bound, bound]; NaN stays."""
    if x > bound:
        return bound
    if x < -bound:
        return -bound
    return x


@kernel
def squash(S: float) -> float:
    """s = 1 / (1 + exp(0.5 - S)), written with tanh, which cannot overflow."""
    return 0.5 + 0.5 * math.tanh((S - 0.5) / 2)


@kernel
def network_step(
    S: np.ndarray,
    s: np.ndarray,
    c: np.ndarray,
    antigen: np.ndarray,
    heard: np.ndarray,
    affinity: np.ndarray,
    p: Any,
    new_S: np.ndarray,
    new_s: np.ndarray,
    new_c: np.ndarray,
) -> None:
    """All arrays (L, B) but `affinity` (B, B) and `p`, one record of `immune.params.Params`.

    Fills the last three, which may be the first three.
    """
    q = p[0]
    B = S.shape[1]
    coupling = np.empty(B)
    for lane in range(S.shape[0]):
        for i in range(B):
            coupling[i] = 0.0
            for j in range(B):
                own, other = s[lane, j], heard[lane, j]
                coupling[i] += affinity[i, j] * (own if math.isnan(other) else (own + other) / 2)
        for i in range(B):
            g, before = antigen[lane, i], S[lane, i]
            x = before + (q.alpha * coupling[i] + q.beta * g - c[lane, i] - q.k) * s[lane, i] - q.leak * before
            x = clip(x, q.bound)
            new_S[lane, i], new_s[lane, i] = x, squash(x)
            new_c[lane, i] = q.eta * (1 - g) * x


@kernel
def network_elect(S: np.ndarray, present: np.ndarray, out: np.ndarray) -> None:
    """`S` (L, B), `present` (L,); fills `out` (L,)."""
    for lane in range(S.shape[0]):
        best = present[lane]
        for i in range(S.shape[1]):
            if math.isnan(S[lane, i]):
                best = present[lane]
                break
            if S[lane, i] > S[lane, best]:
                best = i
        out[lane] = best


@kernel
def network_lag(
    affinity: np.ndarray, p: Any, high: float, low: float, before: int, patience: int, first: int, then: int
) -> int:
    """See `immune.stability.lag`; -1: never."""
    B = affinity.shape[0]
    S, s, c = np.full((1, B), 0.5), np.full((1, B), 0.5), np.zeros((1, B))
    heard, antigen, present, elected = (
        np.full((1, B), np.nan),
        np.full((1, B), low),
        np.full(1, first, np.int64),
        np.zeros(1, np.int64),
    )
    antigen[0, first] = high
    for _ in range(before):
        network_step(S, s, c, antigen, heard, affinity, p, S, s, c)
    antigen[0, first], antigen[0, then] = low, high
    for steps in range(1, patience + 1):
        network_step(S, s, c, antigen, heard, affinity, p, S, s, c)
        network_elect(S, present, elected)
        if elected[0] == then:
            return steps
    return -1


@kernel
def calls_step(
    site: np.ndarray,
    S: np.ndarray,
    c: np.ndarray,
    sup: np.ndarray,
    here: np.ndarray,
    loudness: np.ndarray,
    need: np.ndarray,
    mates: np.ndarray,
    bids: np.ndarray,
    g_disperse: np.ndarray,
    p: Any,
    dt: float,
    elected: np.ndarray,
    stimulus: np.ndarray,
    concentration: np.ndarray,
) -> None:
    """Moves the first four, (L, C) but S and c (L, C + 1), on in place; fills the last three, an `Election`.

    `here`, `loudness`, `need`, `mates`, `bids` (L, C), `g_disperse` (L,), `p` one record of `immune.calls.Params`.
    """
    last = S.shape[1] - 1  # the antibody of dispersion
    q = p[0]
    for lane in range(S.shape[0]):
        disperse, sure = squash(S[lane, last]), 0.0
        for j in range(last):
            if here[lane, j] != site[lane, j]:
                site[lane, j], S[lane, j], c[lane, j], sup[lane, j] = here[lane, j], 0.0, 0.0, 0.0
            if site[lane, j] < 0:
                continue
            s = squash(S[lane, j])
            sure = max(sure, s)
            g = 1 - math.exp(-q.a * loudness[lane, j])
            beyond = max(0, int(need[lane, j]) - int(mates[lane, j]) - 1)  # robots wanted after the first
            crowd = max(0.0, bids[lane, j] - q.rho * beyond)
            sup[lane, j] += min(1.0, dt / q.tau) * (crowd - sup[lane, j])
            drive = q.m * (s - q.cross * disperse) - q.kappa * sup[lane, j] + q.beta * g - c[lane, j] - q.k
            S[lane, j] = clip(S[lane, j] + dt * (q.gamma * drive * s - q.leak * S[lane, j]), q.bound)
            c[lane, j] = q.eta * (1 - g) * S[lane, j]
        g = g_disperse[lane]
        drive = q.m * (disperse - q.cross * sure) + q.beta * g - c[lane, last] - q.k
        S[lane, last] = clip(S[lane, last] + dt * (q.gamma * drive * disperse - q.leak * S[lane, last]), q.bound)
        c[lane, last] = q.eta * (1 - g) * S[lane, last]
        best, most = -1, -q.bound
        for j in range(last):
            if site[lane, j] >= 0 and S[lane, j] > most:
                best, most = j, S[lane, j]
        elected[lane] = best if most > S[lane, last] else -1
        stimulus[lane, 0], stimulus[lane, 1] = most, S[lane, last]
        concentration[lane, 0], concentration[lane, 1] = squash(most), squash(S[lane, last])
