"""Parameters of the classifier system XCS, in the symbols of Butz & Wilson 2002."""

from dataclasses import dataclass, fields
from functools import cached_property
from numbers import Integral
from typing import Any

import numpy as np

RANGES: dict[str, tuple[float, float]] = {
    "capacity": (1, 100_000),
    "alpha": (0, 1),
    "beta": (1e-6, 1),
    "gamma": (0, 1),
    "epsilon0": (1e-6, 1e6),
    "nu": (0, 10),
    "theta_ga": (0, 1e9),
    "chi": (0, 1),
    "mu": (0, 1),
    "theta_del": (0, 1e9),
    "delta": (0, 1),
    "theta_sub": (0, 1e9),
    "p_wild": (0, 1),
    "p_init": (-1e9, 1e9),
    "epsilon_init": (0, 1e9),
    "f_init": (1e-9, 1),
    "error_factor": (0, 1),
    "fitness_factor": (1e-9, 1),
    "p_explore": (0, 1),
    "tournament": (0, 1),
    "spread": (0, 1),
    "shift": (0, 1),
    "eta": (1e-6, 1),
    "p_specify": (0, 1),
    "theta_mna": (0, 127),
}
LEAST_TAU = 0.01  # below, hardly anybody would ever take part


def check(name: str, value: float, low: float, high: float) -> None:
    """Raise ValueError unless ``low <= value <= high`` (so NaN is refused, and what is no number)."""
    try:
        within = low <= value <= high
    except (TypeError, ValueError):  # text, arrays
        raise ValueError(f"{name} = {value!r}: must be a number") from None
    if not within:
        raise ValueError(f"{name} = {value}: must lie in [{low:.15g}, {high:.15g}]")


def check_whole(name: str, value: Any, low: float, high: float) -> None:
    """Raise ValueError unless it is a whole number, of a type of whole numbers, and ``low <= value <= high``."""
    check(name, value, low, high)
    if not isinstance(value, Integral):
        raise ValueError(f"{name} = {value!r}: must be a whole number")


@dataclass(frozen=True)
class Params:
    """XCS [Butz & Wilson 2002] with additions, each of which can be switched off.

    The defaults suit a swarm: little exploration, because the pay-off needs others, general rules and a
    busy genetic algorithm, because there are few lessons, and the gradient and the tournament.
    `Params.standard()` is the paper's system.
    """

    capacity: int = 400  # N: rules at most, each counted as often as its numerosity
    alpha: float = 0.1  # accuracy of a rule whose error has just reached epsilon0
    beta: float = 0.2  # learning rate
    gamma: float = 0.71  # discount, per step of the pay-off's semi-Markov sum
    epsilon0: float = 10.0  # error below which a rule counts as accurate: 1% of a largest pay-off of 1000
    nu: float = 5.0  # how steeply the accuracy falls beyond epsilon0; a whole number
    theta_ga: float = 12.0  # steps between two runs of the genetic algorithm in an action set, on average
    chi: float = 0.8  # probability of crossover
    mu: float = 0.02  # probability of mutation, per bit, per real input and for the action
    theta_del: int = 20  # experience beyond which a low fitness makes deletion likelier
    delta: float = 0.1  # share of the mean fitness below which a fitness counts as low
    theta_sub: int = 20  # experience beyond which a rule may subsume others
    p_wild: float = 0.8  # P#: probability that a covering rule leaves a bit, or a real input, out
    p_init: float = 0.01  # p_I: prediction of a new rule
    epsilon_init: float = 0.0  # epsilon_I: error of a new rule
    f_init: float = 0.01  # F_I: fitness of a new rule
    error_factor: float = 0.25  # of an offspring's error, relative to its parents'
    fitness_factor: float = 0.1  # of an offspring's fitness, relative to its parents'
    p_explore: float = 0.05  # probability of a random action
    tournament: float = 0.4  # tau: tournament selection [Butz, Sastry & Goldberg 2003]; 0 = roulette wheel
    error_first: bool = True  # the error is updated before the prediction, see `classifier.xcs.update`
    gradient: bool = True  # a rule's step is scaled by its share of the fitness [Butz, Goldberg & Lanzi 2005]
    copy_fitness: bool = False  # an offspring's fitness derives from one copy of a parent, see `xcs.evolve`
    do_ga_subsumption: bool = True  # parents absorb offspring that they make superfluous
    do_as_subsumption: bool = False  # the most general accurate rule absorbs its action set; for single steps
    spread: float = 0.5  # r_0: a covering rule's bound is at most this far from the input [Stone & Bull 2003]
    shift: float = 0.1  # m_0: a mutated bound moves at most this far [Stone & Bull 2003]
    linear: bool = False  # predictions are linear in the real inputs: XCSF [Wilson 2002]
    eta: float = 0.2  # learning rate of linear predictions, normalized least mean squares [Wilson 2002]
    theta_mna: int = 0  # actions that must have a rule in [M], others are covered; 0 = all there are
    p_specify: float = 0.0  # P_sp: probability that specify fixes a don't-care bit [Lanzi 1997]; 0 = no specify

    def __post_init__(self) -> None:
        for name, (low, high) in RANGES.items():
            check(name, getattr(self, name), low, high)
            if _type(name) is int and type(getattr(self, name)) is not int:
                raise ValueError(f"{name} = {getattr(self, name)}: must be of type int")
        if self.nu != int(self.nu):
            raise ValueError(f"nu = {self.nu}: must be a whole number")
        if 0 < self.tournament < LEAST_TAU:
            raise ValueError(f"tournament = {self.tournament}: must be 0 (roulette wheel) or lie in [{LEAST_TAU}, 1]")

    @cached_property
    def record(self) -> np.ndarray:
        """The same numbers by the same names as one record, (1,): what compiled code reads."""
        return np.array([tuple(getattr(self, field.name) for field in fields(self))], RECORD)

    @classmethod
    def standard(cls, capacity: int = 400, p_wild: float = 0.33, do_as_subsumption: bool = True) -> "Params":
        """The settings of Butz & Wilson 2002; action-set subsumption is for single-step problems only.

        But for `error_first` and `copy_fitness`, which are as in Butz's XCSJava (2000): see
        `classifier.xcs.update` and `evolve`.
        """
        return cls(
            capacity=capacity,
            p_wild=p_wild,
            do_as_subsumption=do_as_subsumption,
            theta_ga=25.0,
            mu=0.04,
            p_explore=0.5,
            tournament=0.0,
            gradient=False,
            copy_fitness=True,
        )


def _type(name: str) -> type:
    """The type of a parameter's default."""
    return type(getattr(Params, name))


# One object for all: numba compares two that are merely equal field by field, at each call.
RECORD = np.dtype([(field.name, {int: "i8", float: "f8", bool: "?"}[_type(field.name)]) for field in fields(Params)])
