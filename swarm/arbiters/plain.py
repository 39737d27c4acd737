"""Arbiters without a model: the floor for comparisons."""

from dataclasses import dataclass

import numpy as np

from classifier.draws import uniform
from robots import check
from swarm.arbiters.contract import Scene, Verdict, certain
from swarm.memory import AGGREGATE, DISPERSE
from swarm.mission import Mission
from swarm.registry import arbiter, parameters

_PURPOSE = 1  # of its random draws


class _Always:
    strategy = 0

    def __init__(self, mission: Mission) -> None:
        pass

    def start(self, lanes: int) -> np.ndarray:
        return np.full(lanes, self.strategy)

    def step(self, state: np.ndarray, scene: Scene) -> tuple[np.ndarray, Verdict]:
        return state, certain(state, scene.antigen)


@arbiter("aggregate")
class AlwaysAggregate(_Always):
    """All robots aggregate, whatever happens."""

    strategy = AGGREGATE


@arbiter("disperse")
class AlwaysDisperse(_Always):
    """All robots disperse, whatever happens."""

    strategy = DISPERSE


@dataclass(frozen=True)
class RandomParameters:
    """Of the coin."""

    hold: float = 10.0  # s between two throws
    share: float = 0.5  # probability of aggregation

    def __post_init__(self) -> None:
        check.number("hold", self.hold, 0.01, 1e6)
        check.number("share", self.share, 0, 1)


@arbiter("random")
class RandomSwitch:
    """A coin, thrown anew every `hold` seconds by each robot for itself."""

    Parameters = RandomParameters

    def __init__(self, mission: Mission) -> None:
        self.seed = mission.seed
        given = parameters(mission, "random", RandomParameters)
        self.ticks, self.share = max(1, round(given.hold / mission.tick)), given.share

    def start(self, lanes: int) -> np.ndarray:
        """Nothing to remember but the strategy."""
        return np.full(lanes, DISPERSE)

    def step(self, state: np.ndarray, scene: Scene) -> tuple[np.ndarray, Verdict]:
        """Throw the coin where it is due."""
        if scene.tick % self.ticks == 0:
            drawn = uniform(self.seed, scene.ids, scene.tick, _PURPOSE, 0)
            state = np.where(drawn < self.share, AGGREGATE, DISPERSE)
        return state, certain(state, scene.antigen)


@dataclass(frozen=True)
class LevyParameters:
    """Of the Levy walk."""

    mu: float = 2.0  # exponent of the bouts' power law, 1 < mu <= 3
    least: float = 2.0  # s, the shortest bout
    most: float = 60.0  # s, the longest bout

    def __post_init__(self) -> None:
        check.number("mu", self.mu, 1.01, 3)
        check.number("least", self.least, 0.1, 1e4)
        check.number("most", self.most, self.least, 1e6)


@arbiter("levy")
class Levy:
    """Bouts of dispersion as long as a Levy walk's flights, a short bout of aggregation after each.

    Lengths follow ``P(l) ~ l^-mu`` between `least` and `most` [Viswanathan et al. 1999].
    """

    Parameters = LevyParameters

    def __init__(self, mission: Mission) -> None:
        self.seed, self.dt = mission.seed, mission.tick
        self.given = parameters(mission, "levy", LevyParameters)

    def start(self, lanes: int) -> np.ndarray:
        """(L, 2): the strategy, and the tick at which its bout ends."""
        return np.full((lanes, 2), (AGGREGATE, 0))

    def resumed(self, state: np.ndarray) -> np.ndarray:
        """The bout is over."""
        return np.stack([state[:, 0], np.zeros(len(state), state.dtype)], -1)

    def step(self, state: np.ndarray, scene: Scene) -> tuple[np.ndarray, Verdict]:
        """The other strategy where a bout is over."""
        given = self.given
        over = scene.tick >= state[:, 1]
        drawn = uniform(self.seed, scene.ids, scene.tick, _PURPOSE, 0)
        tail = 1 - given.mu
        length = (given.least**tail + drawn * (given.most**tail - given.least**tail)) ** (1 / tail)
        strategy = np.where(over, 1 - state[:, 0], state[:, 0])
        length = np.where(strategy == DISPERSE, length, given.least)
        until = np.where(over, scene.tick + np.maximum(1, np.rint(length / self.dt)), state[:, 1]).astype(int)
        return np.stack([strategy, until], -1), certain(strategy, scene.antigen)
