"""Arbiters: who decides a robot's global behaviour, aggregate or disperse.

All get the same inputs. They work on stacks of robots, lanes leading, and never mix lanes.
"""

from typing import Any, NamedTuple, Protocol

import numpy as np

import immune.affinity
import immune.network
from classifier.draws import uniform
from swarm.mission import Mission
from swarm.registry import arbiter

AGGREGATE, DISPERSE = 0, 1
_PURPOSE = 1  # of its random draws


class Verdict(NamedTuple):
    """What an arbiter decided, for L robots."""

    strategy: np.ndarray  # (L,) index into swarm.report.STRATEGIES
    stimulus: np.ndarray  # (L, 2) per strategy, any scale
    concentration: np.ndarray  # (L, 2) per strategy, 0 to 1: what the others hear


class Arbiter(Protocol):
    """Contract of an arbiter; it is built from the mission."""

    def __init__(self, mission: Mission) -> None: ...

    def start(self, lanes: int) -> Any:
        """State of `lanes` robots that have just started."""

    def step(
        self, state: Any, antigen: np.ndarray, met: np.ndarray, present: np.ndarray, ids: np.ndarray, tick: int
    ) -> tuple[Any, Verdict]:
        """The state one tick later, and the verdict.

        `antigen` (L, 2) in [0, 1], `met` (L, 2) mean concentrations heard, NaN where nobody was;
        `present` (L,) strategies now; `ids` (L,) robots' numbers, for random draws.
        """


@arbiter("immune")
class Immune:
    """The immune network of `immune.network`, its antibodies suppressing each other."""

    def __init__(self, mission: Mission) -> None:
        self.params = mission.mind.immune
        self.affinity = immune.affinity.mutual_suppression(2)

    def start(self, lanes: int) -> immune.network.Network:
        """Networks that nothing has stimulated yet."""
        return immune.network.start((lanes,), 2)

    def step(
        self,
        state: immune.network.Network,
        antigen: np.ndarray,
        met: np.ndarray,
        present: np.ndarray,
        ids: np.ndarray,  # noqa: ARG002 - part of the contract
        tick: int,  # noqa: ARG002
    ) -> tuple[immune.network.Network, Verdict]:
        """One step of the network; the antibody of highest stimulus wins."""
        state = immune.network.step(state, antigen, met, self.affinity, self.params)
        return state, Verdict(immune.network.elect(state, present), state.S, state.s)


class _Always:
    strategy = 0

    def __init__(self, mission: Mission) -> None:
        pass

    def start(self, lanes: int) -> np.ndarray:
        return np.full(lanes, self.strategy)

    def step(
        self,
        state: np.ndarray,
        antigen: np.ndarray,
        met: np.ndarray,  # noqa: ARG002 - part of the contract
        present: np.ndarray,  # noqa: ARG002
        ids: np.ndarray,  # noqa: ARG002
        tick: int,  # noqa: ARG002
    ) -> tuple[np.ndarray, Verdict]:
        return state, _certain(state, antigen)


@arbiter("aggregate")
class AlwaysAggregate(_Always):
    """All robots aggregate, whatever happens."""

    strategy = AGGREGATE


@arbiter("disperse")
class AlwaysDisperse(_Always):
    """All robots disperse, whatever happens."""

    strategy = DISPERSE


@arbiter("random")
class RandomSwitch:
    """A coin, thrown anew every `hold` seconds by each robot for itself."""

    hold = 10.0  # s

    def __init__(self, mission: Mission) -> None:
        self.seed = mission.seed
        self.ticks = max(1, round(self.hold / mission.tick))

    def start(self, lanes: int) -> np.ndarray:
        """Nothing to remember but the strategy."""
        return np.full(lanes, DISPERSE)

    def step(
        self,
        state: np.ndarray,
        antigen: np.ndarray,
        met: np.ndarray,  # noqa: ARG002 - part of the contract
        present: np.ndarray,  # noqa: ARG002
        ids: np.ndarray,
        tick: int,
    ) -> tuple[np.ndarray, Verdict]:
        """Throw the coin where it is due."""
        if tick % self.ticks == 0:
            state = (uniform(self.seed, ids, tick, _PURPOSE, 0) < 0.5).astype(np.int64)
        return state, _certain(state, antigen)


def _certain(strategy: np.ndarray, antigen: np.ndarray) -> Verdict:
    return Verdict(strategy, antigen, (strategy[:, None] == np.arange(2)).astype(float))
