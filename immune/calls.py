"""An antibody for each call for help that is heard, and one of dispersion; closer rivals suppress beyond need.

For a robot i, a call j, the hearing range R and distances r::

    g_j    = 1 - exp(-a sum_callers (1 - r / R))          antigen of the call
    n_j    = max(1, Khat_j - mates there)                 robots that it wants
    sup_j += dt / tau [max(0, sum_{closer rivals} s_i'j - rho (n_j - 1)) - sup_j]
    S_j   += dt {gamma [m (s_j - cross s_d) - kappa sup_j + beta g_j - c_j - k] s_j - leak S_j}
    s_j    = 1 / (1 + exp(0.5 - S_j)),   c_j = eta (1 - g_j) S_j

and for the antibody of dispersion, d, the same without suppression, with the antigen of dispersion and the
surest of the calls in place of s_d. The antibody of highest S is elected: its call is answered.

The form is ours. The idiotypic coupling is between robots: the antibodies of a call for which closer rivals
are already surest suppress one's own, but only beyond what the call needs.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from immune import kernels
from immune.params import as_record, check

RANGES: dict[str, tuple[float, float]] = {
    "a": (0, 100),
    "beta": (0, 10),
    "gamma": (0, 100),
    "m": (-10, 10),
    "cross": (-10, 10),
    "kappa": (0, 10),
    "rho": (0, 10),
    "tau": (1e-3, 1e3),
    "eta": (0, 10),
    "k": (0, 10),
    "leak": (0, 10),
    "bound": (0.1, 1e6),
}


@dataclass(frozen=True)
class Params:
    """Rates are per second."""

    a: float = 7.1  # how steeply the antigen rises with the loudness of a call
    beta: float = 0.9  # weight of the antigen
    gamma: float = 33.0  # 1/s, how fast the stimulus follows
    m: float = 0.06  # coupling of the robot's own antibodies
    cross: float = 0.4  # share of it that suppresses
    kappa: float = 1.06  # suppression by closer rivals; 0 switches the coupling between robots off
    rho: float = 0.94  # rivals' concentration that each robot wanted beyond the first makes up for
    tau: float = 0.3  # s, low pass of the suppression
    eta: float = 0.0  # T-cell gain; off: 0.4 is not shown to be worth anything, see docs/study.md
    k: float = 0.25  # natural death
    leak: float = 4.2  # 1/s, decay of the stimulus
    bound: float = 4.0  # S stays within [-bound, bound]

    def __post_init__(self) -> None:
        check(self, RANGES)

    @cached_property
    def record(self) -> np.ndarray:
        """The same numbers by the same names as one record, (1,): what the kernel reads."""
        return as_record(self)


class Antibodies(NamedTuple):
    """State of a stack of robots; `step` moves it on in place."""

    site: np.ndarray  # (L, C) the calls that the antibodies are for, -1: none
    S: np.ndarray  # (L, C + 1) stimulus; the last is that of dispersion
    c: np.ndarray  # (L, C + 1) T-cell term
    sup: np.ndarray  # (L, C) suppression by rivals, low-pass filtered


class Election(NamedTuple):
    """What a stack of robots does next; the second column is dispersion."""

    call: np.ndarray  # (L,) the slot of the call to answer, -1: none, disperse
    S: np.ndarray  # (L, 2) stimulus, that of the strongest call first: -bound where there is none
    s: np.ndarray  # (L, 2) concentrations


def start(lanes: int, calls: int) -> Antibodies:
    """Robots that have heard nothing yet."""
    S = np.zeros((lanes, calls + 1))
    S[:, -1] = 0.5
    return Antibodies(np.full((lanes, calls), -1, np.int64), S, np.zeros_like(S), np.zeros((lanes, calls)))


def step(
    state: Antibodies,
    site: np.ndarray,
    loudness: np.ndarray,
    need: np.ndarray,
    mates: np.ndarray,
    bids: np.ndarray,
    disperse: np.ndarray,
    params: Params,
    dt: float,
) -> Election:
    """One step of `dt` s, in place; what was elected.

    `site` (L, C) integers say which call each slot holds now, -1 none; `loudness`, `need` (Khat), `mates` and `bids`
    (L, C) its inputs; `disperse` (L,) the antigen of dispersion. A slot that holds another call starts afresh.
    """
    lanes = len(site)
    elected = Election(np.empty(lanes, np.int64), np.empty((lanes, 2)), np.empty((lanes, 2)))
    kernels.calls_step(*state, site, loudness, need, mates, bids, disperse, params.record, dt, *elected)
    return elected
