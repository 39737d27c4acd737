"""The idiotypic network that elects a robot's strategy, in the form of Sun, Lee & Sim *(reconstructed)*.

Each antibody i stands for a strategy and has a stimulus S_i, a concentration s_i in (0, 1) and a
T-cell term c_i; the antigen g_i in [0, 1] says how much the robot's situation asks for it::

    S_i(t) = (1 - leak) S_i(t-1) + [alpha sum_j m_ij sbar_j(t-1) + beta g_i(t) - c_i(t-1) - k] s_i(t-1)
    s_i(t) = 1 / (1 + exp(0.5 - S_i(t)))
    c_i(t) = eta (1 - g_i(t)) S_i(t)

m_ij is the affinity: how antibody j acts on antibody i, above 0 stimulating, below 0 suppressing.

Sources: Jun, Lee & Sim 1999; Sun, Lee & Sim 2001. Choices of ours: S is kept within
[-bound, bound], because it is an integral that no antigen would ever turn round otherwise; it may
leak, which makes it forget without a T-cell (0 as published); c starts at 0; sbar is the mean of a
robot's own concentrations and the mean of those it heard, so that a crowd does not outvote what the
robot itself has seen, and its own where it heard none.
"""

from typing import NamedTuple

import numpy as np

from immune.params import Params

EXCELLENT = 1.0  # S from which a robot is excellent: s = 0.622
INFERIOR = 0.0  # S down to which a robot is inferior: s = 0.378


class Network(NamedTuple):
    """State of one network or of a stack of them: arrays (..., B) for B antibodies."""

    S: np.ndarray  # stimulus
    s: np.ndarray  # concentration, 0 to 1
    c: np.ndarray  # T-cell term


def start(shape: tuple[int, ...], antibodies: int) -> Network:
    """Networks that nothing has stimulated yet: S = s = 0.5, c = 0, each (*shape, antibodies)."""
    half = np.full((*shape, antibodies), 0.5)
    return Network(half, half.copy(), np.zeros_like(half))


def step(
    network: Network, antigen: np.ndarray, heard: np.ndarray | None, affinity: np.ndarray, params: Params
) -> Network:
    """The networks one step later; no network sees another but through `heard`.

    `antigen` (..., B) in [0, 1]; `heard` (..., B) mean concentration of the robots met, NaN where none
    was met, None if nobody met anyone; `affinity` (B, B), row i holds what acts on antibody i.
    """
    from immune import kernels  # numba takes its time to import: only when a network runs

    shape, B = network.S.shape, network.S.shape[-1]
    if antigen.shape != shape:
        antigen = np.broadcast_to(antigen, shape)
    heard = np.full(shape, np.nan) if heard is None else heard
    S, s, c, antigen, heard = (x.reshape(-1, B) for x in (*network, antigen, heard))
    new = Network(np.empty(shape), np.empty(shape), np.empty(shape))
    kernels.network_step(S, s, c, antigen, heard, affinity, params.record, *(x.reshape(-1, B) for x in new))
    return new


def concentration(S: np.ndarray) -> np.ndarray:
    """s = 1 / (1 + exp(0.5 - S)), written with tanh, which cannot overflow."""
    return 0.5 + 0.5 * np.tanh((S - 0.5) / 2)


def elect(network: Network, present: int | np.ndarray) -> np.ndarray:
    """The strategy (...,) of highest stimulus; in a tie, or where S is NaN, the `present` one stays.

    By S, not by s: s rounds to 1 for large S, and then ties would decide.
    """
    from immune import kernels

    shape, B = network.S.shape[:-1], network.S.shape[-1]
    S = network.S.reshape(-1, B)
    kept = np.broadcast_to(np.asarray(present, np.int64), shape).reshape(-1)
    out = np.empty(len(S), np.int64)
    kernels.network_elect(S, kept, out)
    return out.reshape(shape)


def exchange(network: Network, example: np.ndarray) -> Network:
    """Robots that do badly take over the concentrations of one that does well, where they met it.

    `example` (..., B) concentrations of the surest robot met, NaN where none was. A robot is inferior, or
    excellent, if the stimulus of its strongest antibody says so [Sun, Lee & Sim 2001].
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        theirs = 0.5 + np.log(example / (1 - example))  # the stimulus that has this concentration
    copies = inferior(network.S.max(-1)) & excellent(theirs.max(-1)) & np.isfinite(theirs).all(-1)
    S = np.where(copies[..., None], theirs, network.S)
    return Network(S, concentration(S), np.where(copies[..., None], 0.0, network.c))


def excellent(S: np.ndarray) -> np.ndarray:
    """Whether robots whose elected strategy has stimulus S do so well that others may copy them."""
    return np.asarray(S >= EXCELLENT)


def inferior(S: np.ndarray) -> np.ndarray:
    """Whether robots whose elected strategy has stimulus S do so badly that they should copy others."""
    return np.asarray(S <= INFERIOR)
