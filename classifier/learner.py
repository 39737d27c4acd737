"""One learner for use step by step: situation in, action out, pay-off later."""

from dataclasses import replace
from math import isnan
from pathlib import Path
from typing import Any, Self

import numpy as np

from classifier import scs, store, xcs
from classifier.conditions import read
from classifier.draws import Draws
from classifier.params import Params, check, check_whole
from classifier.population import Population, empty
from classifier.sealed import StoreError


class Learner:
    """A population with its parameters, its clock and its draws: XCS, or SCS where given its parameters.

    Single step: `act`, then `reward(payoff)`. Several steps: `act`, `reward(payoff, done=False)`, `act`, ...,
    `reward(payoff)`: an action learns its reward and gamma times the best prediction of what came next
    [Butz & Wilson 2002].
    """

    kept: tuple[str, ...] = ()  # what else a file holds of it, and `__init__` takes

    def __init__(self, params: Params | scs.Params, bits: int, actions: int, reals: int = 0, seed: int = 0) -> None:
        """The parameters say which system it is. Raises ValueError for what does not fit, see `population.empty`."""
        self.params = params
        self.system: Any  # the functions of either
        if isinstance(params, scs.Params):
            check("reals", reals, 0, 0)
            self.system, self.population = scs, scs.empty(params, bits, actions)
        else:
            self.system, self.population = xcs, empty(params, bits, actions, reals=reals)
        check_whole("seed", seed, -(2**63), 2**64)
        self.seed = seed
        self.step = 0  # actions so far
        self.draws = Draws(seed)
        self._taken: tuple[Any, int] | None = None
        self._owed: tuple[Any, int, float] | None = None  # learns once the next situation is known

    def act(self, situation: Any, explore: float | None = None) -> int:
        """The action to take; `explore` is the probability of a random one, p_explore by default.

        Raises ValueError for a situation that the rules cannot match.
        """
        if type(situation) is not int:
            situation = read(self.population, situation)  # a copy: it may be overwritten before the pay-off comes
        if explore is None:
            explore = self.params.p_explore
        else:
            check("explore", explore, 0, 1)
        if self._owed is None:
            action, _ = self.system.decide(self.population, situation, self.step, self.params, self.draws, explore)
        else:
            predictions = self.system.predict(self.population, situation, self.step, self.params, self.draws)
            before, taken, payoff = self._owed
            self._learn(before, taken, payoff + self.params.gamma * float(np.nanmax(predictions)))
            action = self.system.choose(predictions, explore, self.draws)
        self._taken, self._owed = (situation, action), None
        self.step += 1
        return int(action)

    def reward(self, payoff: float, done: bool = True) -> None:
        """What the last action paid. Raises ValueError before any action, or for a second pay-off of one."""
        if self._taken is None:
            raise ValueError(f"payoff = {payoff}: no action waits for it; act first")
        check("payoff", payoff, -xcs.MOST_PAYOFF, xcs.MOST_PAYOFF)
        seen, action = self._taken
        self._taken = None
        if done:
            self._learn(seen, action, payoff)
        else:
            self._owed = seen, action, payoff

    def best(self, situation: Any) -> int:
        """The action predicted to pay most, learning and covering nothing; the lowest where none is known."""
        predictions = self.predictions(situation).tolist()
        known = [p for p in predictions if not isnan(p)]
        return predictions.index(max(known)) if known else 0

    def predictions(self, situation: Any) -> np.ndarray:
        """The prediction array (A,); NaN where no rule matches."""
        known: np.ndarray = self.system.predictions_known(self.population, situation)
        return known

    def condensing(self) -> None:
        """From now on evolve without new rules: no crossover, no mutation [Wilson 1995, condensation]."""
        self.params = replace(self.params, chi=0.0, mu=0.0)

    def save(self, path: Path | str) -> None:
        """Write all but actions that wait for their pay-off. Raises OSError."""
        drawn, more = int(self.draws.state[1]), {name: getattr(self, name) for name in self.kept}
        store.save(path, store.Saved(self.population, self.params, self.seed, self.step, drawn, more))

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """A learner that goes on exactly where the saved one was. Raises `classifier.sealed.StoreError`."""
        saved = store.load(path)
        if set(saved.more) != set(cls.kept):
            holds = ", ".join(saved.more) or "nothing"
            raise StoreError(f"{path}: is no {cls.__name__}'s: holds {holds} beside its rules")
        pop: Population = saved.population
        learner = cls(saved.params, pop.bits, pop.actions, pop.reals, saved.seed, **saved.more)
        learner.population, learner.step, learner.draws.state[1] = pop, saved.step, saved.drawn
        return learner

    def _learn(self, seen: Any, action: int, payoff: float) -> None:
        self.system.learn(self.population, seen, action, payoff, self.step, self.params, self.draws)
