"""Parameters of the immune network."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np

from immune import affinity

RANGES: dict[str, tuple[float, float]] = {
    "alpha": (-10, 10),
    "beta": (0, 10),
    "eta": (0, 10),
    "k": (0, 10),
    "leak": (0, 1),
    "bound": (0.1, 1e6),
}


@dataclass(frozen=True)
class Params:
    """Sun/Lee/Sim form [Jun, Lee & Sim 1999; Sun, Lee & Sim 2001] *(reconstructed)*. Rates are per step."""

    alpha: float = 0.05  # weight of the antibodies' concentrations (idiotypic coupling)
    beta: float = 0.5  # weight of the antigen
    eta: float = 0.2  # T-cell gain; 0 switches the T-cell off
    k: float = 0.1  # natural death of antibodies
    leak: float = 0.0  # share of S that is forgotten; 0 as published
    bound: float = 4.0  # S stays within [-bound, bound], else it winds up
    antibodies: int = 2  # 2: aggregate, disperse; 4: search and home too
    affinity: tuple[tuple[float, ...], ...] = ()  # row i: what acts on antibody i; (): see `immune.affinity.usual`
    difference: bool = False  # couple by m_ij - m_ji instead of m_ij
    exchange: bool = False  # an inferior robot that meets an excellent one takes over its concentrations

    def __post_init__(self) -> None:
        check(self, RANGES)
        if self.antibodies not in affinity.SIZES:
            raise ValueError(f"antibodies = {self.antibodies}: must be {' or '.join(map(str, affinity.SIZES))}")
        self.coupling()

    def matrix(self) -> np.ndarray:
        """The affinities (B, B). Raises AffinityError (a ValueError) for those of another number of antibodies."""
        if not self.affinity:
            return affinity.usual(self.antibodies)
        m, B = affinity.square(self.affinity), self.antibodies
        if len(m) != B:
            raise affinity.AffinityError(
                f"affinity = {m.tolist()}: has {len(m)} x {len(m)} weights, antibodies = {B} takes {B} x {B}"
            )
        return m

    def coupling(self) -> np.ndarray:
        """The matrix (B, B) that couples the antibodies. Raises AffinityError as `matrix` does."""
        return affinity.difference(self.matrix()) if self.difference else self.matrix()

    @cached_property
    def record(self) -> np.ndarray:
        """The same numbers by the same names as one record, (1,): what the kernel reads."""
        return as_record(self)


def check(params: Any, ranges: Mapping[str, tuple[float, float]]) -> None:
    """Raise ValueError unless each parameter lies within its range."""
    for name, (low, high) in ranges.items():
        value = getattr(params, name)
        if not low <= value <= high:
            raise ValueError(f"{name} = {value}: must lie in [{low:g}, {high:g}]")


def as_record(params: Any) -> np.ndarray:
    """Parameters that are numbers as one record, (1,)."""
    names = [field.name for field in fields(params) if isinstance(getattr(params, field.name), int | float)]
    return np.array([tuple(getattr(params, name) for name in names)], [(name, "f8") for name in names])
