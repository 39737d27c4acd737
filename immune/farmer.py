"""The network of Farmer, Packard & Perelson 1986: more antibodies than strategies, and metadynamics.

Antibody i of a robot has a paratope w_i (..., G), what it binds of the G antigens y, and a concentration x_i::

    dx_i/dt = c [sum_j m_ji x_i x_j - k1 sum_j m_ij x_i x_j + n_i x_i] - k2 x_i
    n_i     = w_i . y                  what the antigens bind
    m_ij    = 1 - |w_i - w_j|          how alike they are, for i != j

Antibodies of the lowest concentration die out and are replaced by mutants of the strongest. Choices of ours:
m is symmetric, so that k1 alone says whether the like help (k1 < 1) or compete (k1 > 1); x is kept within
[`least`, 1]; antibody i stands for strategy i mod G, binds that strategy's antigen at first, and its mutants
keep the strategy; a reward multiplies the concentration of the antibody that was elected.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from immune.params import check

RANGES: dict[str, tuple[float, float]] = {
    "c": (0, 100),
    "k1": (0, 10),
    "k2": (0, 100),
    "least": (1e-6, 0.5),
    "death": (0, 1),
    "mutation": (0, 1),
    "gain": (0, 1),
    "antibodies": (2, 64),
}


@dataclass(frozen=True)
class Params:
    """Rates are per second."""

    c: float = 4.0  # rate of all stimulation
    k1: float = 1.5  # suppression relative to stimulation
    k2: float = 1.0  # natural death
    least: float = 0.01  # concentration below which none falls
    death: float = 0.02  # concentration down to which an antibody is replaced
    mutation: float = 0.1  # how far a mutant's paratope lies from its parent's, at most
    gain: float = 0.1  # share by which a reward raises, and a penalty lowers, what was elected
    antibodies: int = 6  # of a robot

    def __post_init__(self) -> None:
        check(self, RANGES)


class Network(NamedTuple):
    """State of a stack of networks of B antibodies for G antigens."""

    x: np.ndarray  # (..., B) concentration
    w: np.ndarray  # (..., B, G) paratopes


def start(shape: tuple[int, ...], antigens: int, params: Params) -> Network:
    """All antibodies alike but for their strategy."""
    w = np.eye(antigens)[np.arange(params.antibodies) % antigens]
    return Network(
        np.full((*shape, params.antibodies), 0.5), np.broadcast_to(w, (*shape, params.antibodies, antigens)).copy()
    )


def step(network: Network, antigen: np.ndarray, params: Params, dt: float) -> Network:
    """The networks `dt` s later, with `antigen` (..., G) in [0, 1]."""
    x, w = network
    apart = np.abs(w[..., :, None, :] - w[..., None, :, :]).mean(-1)
    m = (1 - apart) * (1 - np.eye(x.shape[-1]))
    binds = (w * antigen[..., None, :]).sum(-1)
    rate = params.c * x * ((1 - params.k1) * (m * x[..., None, :]).sum(-1) + binds) - params.k2 * x
    return Network(np.clip(x + dt * rate, params.least, 1.0), w)


def elect(network: Network) -> tuple[np.ndarray, np.ndarray]:
    """The strongest antibodies (...,) and their strategies (...,)."""
    antibody = network.x.argmax(-1)
    return antibody, np.asarray(antibody % network.w.shape[-1])


def learn(network: Network, elected: np.ndarray, reward: np.ndarray, params: Params) -> Network:
    """Raise or lower the antibodies `elected` (...,) by `reward` (...,) in [-1, 1]."""
    chosen = elected[..., None] == np.arange(network.x.shape[-1])
    x = np.where(chosen, network.x * (1 + params.gain * reward[..., None]), network.x)
    return network._replace(x=np.clip(x, params.least, 1.0))


def replace(network: Network, draws: np.ndarray, params: Params) -> Network:
    """Metadynamics: who has died out comes back as a mutant of the strongest of its strategy.

    `draws` (..., B, G) in [0, 1).
    """
    x, w = network
    B, G = w.shape[-2:]
    strategy = np.arange(B) % G
    kin = np.where(strategy[:, None] == strategy, x[..., None, :], -1.0)
    parent = kin.argmax(-1)  # (..., B)
    mutant = np.take_along_axis(w, parent[..., None], -2) + params.mutation * (2 * draws - 1)
    dead = (x <= params.death) & (parent != np.arange(B))
    born = np.take_along_axis(x, parent, -1) / 2
    return Network(
        np.where(dead, np.maximum(params.least, born), x), np.where(dead[..., None], np.clip(mutant, 0, 1), w)
    )
