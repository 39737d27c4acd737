"""The network in the form of Ishiguro et al., with roulette election and affinities learnt from what follows.

Each antibody i has a stimulus A_i, a concentration a_i in (0, 1) and an idiotope: m_ij is how much it yields
to antibody j. The antigen that it binds, m_i in [0, 1], is called g_i here::

    dA_i/dt = (alpha sum_j m_ji a_j - alpha sum_k m_ik a_k + beta g_i - k) a_i
    a_i     = 1 / (1 + exp(0.5 - A_i))

An antibody is elected with a probability in proportion to a_i. m is learnt: where i brought penalties and j
rewards while both answered the antigen, i comes to yield to j::

    m_ij = (penalties of i + rewards of j) / (times that both answered)

Sources: Ishiguro, Kondo, Watanabe & Uchikawa 1995, 1996; Watanabe, Ishiguro & Uchikawa 1998. Choices of ours:
A is kept within [-bound, bound]; counts fade, so that what is learnt can be unlearnt; at first m is `first`.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from immune.network import concentration
from immune.params import check

RANGES: dict[str, tuple[float, float]] = {
    "alpha": (0, 100),
    "beta": (0, 100),
    "k": (0, 100),
    "bound": (0.1, 1e6),
    "first": (0, 1),
    "fade": (0, 1),
    "hold": (0, 1e4),
}


@dataclass(frozen=True)
class Params:
    """Rates are per second."""

    alpha: float = 1.0  # weight of the other antibodies
    beta: float = 5.0  # weight of the antigen
    k: float = 2.0  # natural death
    bound: float = 4.0  # A stays within [-bound, bound]
    first: float = 0.5  # m_ij of antibodies that nothing has come of yet
    fade: float = 0.005  # share of the counts that is forgotten a second
    hold: float = 2.0  # s between two elections

    def __post_init__(self) -> None:
        check(self, RANGES)


class Network(NamedTuple):
    """State of a stack of networks of B antibodies."""

    A: np.ndarray  # (..., B) stimulus
    a: np.ndarray  # (..., B) concentration
    rewards: np.ndarray  # (..., B) of each antibody, fading
    penalties: np.ndarray  # (..., B)
    both: np.ndarray  # (..., B, B) times that both antibodies answered, fading


def start(shape: tuple[int, ...], antibodies: int) -> Network:
    """Networks that nothing has stimulated yet and that have learnt nothing."""
    half = np.full((*shape, antibodies), 0.5)
    none = np.zeros_like(half)
    return Network(half, half.copy(), none, none.copy(), np.zeros((*shape, antibodies, antibodies)))


def affinity(network: Network, params: Params) -> np.ndarray:
    """m (..., B, B): row i says to whom antibody i yields; 0 on the diagonal."""
    blame = network.penalties[..., :, None] + network.rewards[..., None, :]
    with np.errstate(invalid="ignore", divide="ignore"):
        m = np.where(network.both > 0, np.minimum(1.0, blame / network.both), params.first)
    return np.asarray(m * (1 - np.eye(m.shape[-1])))


def step(network: Network, antigen: np.ndarray, params: Params, dt: float) -> Network:
    """The networks `dt` s later, with `antigen` (..., B) in [0, 1]."""
    A, a, *learnt = network
    m = affinity(network, params)
    stimulation = (m * a[..., :, None]).sum(-2)  # sum_j m_ji a_j
    suppression = (m * a[..., None, :]).sum(-1)  # sum_k m_ik a_k
    rate = (params.alpha * (stimulation - suppression) + params.beta * antigen - params.k) * a
    A = np.clip(A + dt * rate, -params.bound, params.bound)
    return Network(A, concentration(A), *learnt)


def learn(network: Network, elected: np.ndarray, reward: np.ndarray, params: Params, dt: float) -> Network:
    """After `reward` (...,): above 0 a reward, below 0 a penalty of the antibodies `elected` (...,)."""
    chosen = elected[..., None] == np.arange(network.A.shape[-1])
    kept = 1 - params.fade * dt
    r = reward[..., None]
    happened = (reward != 0)[..., None, None]
    return network._replace(
        rewards=kept * network.rewards + chosen * np.maximum(r, 0),
        penalties=kept * network.penalties + chosen * np.maximum(-r, 0),
        both=kept * network.both + happened * np.ones_like(network.both),
    )


def roulette(network: Network, draw: np.ndarray) -> np.ndarray:
    """The antibodies (...,) elected by `draw` (...,) in [0, 1), with probabilities in proportion to a."""
    wheel = np.cumsum(network.a, -1)
    return np.asarray((draw[..., None] * wheel[..., -1:] >= wheel[..., :-1]).sum(-1))
