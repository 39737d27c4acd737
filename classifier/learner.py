"""One learner for use step by step: situation in, action out, pay-off later."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from classifier import store, xcs
from classifier.draws import Draws
from classifier.params import Params
from classifier.population import Population, empty

DECIDE, LEARN = 1, 3  # purposes of draws


class Learner:
    """A population with its parameters, its clock and its draws.

    Single step: `act`, then `reward(payoff)`. Several steps: `act`, `reward(payoff, done=False)`, `act`, ...,
    `reward(payoff)`: an action learns its reward and gamma times the best prediction of what came next
    [Butz & Wilson 2002].
    """

    def __init__(self, params: Params, bits: int, actions: int, reals: int = 0, seed: int = 0) -> None:
        """Raises ValueError for sizes that do not fit, see `classifier.population.empty`."""
        self.params = params
        self.population = empty(params, bits, actions, reals=reals)
        self.seed = seed
        self.step = 0  # actions so far
        self._taken: tuple[xcs.Situation, int] | None = None
        self._owed: tuple[xcs.Situation, int, float] | None = None  # learns once the next situation is known

    def act(self, situation: Any, explore: float | None = None) -> int:
        """The action to take; `explore` is the probability of a random one, p_explore by default.

        Raises ValueError for a situation that the rules cannot match.
        """
        seen = xcs.read(self.population, situation)
        draws = Draws(self.seed, 0, self.step, DECIDE)
        predictions = xcs.predict(self.population, seen, self.step, self.params, draws)
        if self._owed is not None:
            before, action, payoff = self._owed
            self._learn(before, action, payoff + self.params.gamma * float(predictions.max()))
        chosen = xcs.choose(predictions, self.params.p_explore if explore is None else explore, draws)
        self._taken, self._owed = (seen, chosen), None
        self.step += 1
        return chosen

    def reward(self, payoff: float, done: bool = True) -> None:
        """What the last action paid. Raises ValueError before any action, or for a second pay-off of one."""
        if self._taken is None:
            raise ValueError(f"payoff = {payoff}: no action waits for it; act first")
        if not abs(payoff) <= xcs.MOST_PAYOFF:
            raise ValueError(f"payoff = {payoff}: must lie in [{-xcs.MOST_PAYOFF:.15g}, {xcs.MOST_PAYOFF:.15g}]")
        seen, action = self._taken
        self._taken = None
        if done:
            self._learn(seen, action, payoff)
        else:
            self._owed = seen, action, payoff

    def best(self, situation: Any) -> int:
        """The action predicted to pay most, learning and covering nothing; the lowest where none is known."""
        predictions = self.predictions(situation)
        return 0 if np.isnan(predictions).all() else int(np.nanargmax(predictions))

    def predictions(self, situation: Any) -> np.ndarray:
        """The prediction array (A,); NaN where no rule matches."""
        return xcs.predictions_known(self.population, situation)

    def condensing(self) -> None:
        """From now on evolve without new rules: no crossover, no mutation [Wilson 1995, condensation]."""
        self.params = replace(self.params, chi=0.0, mu=0.0)

    def save(self, path: Path | str) -> None:
        """Write all but an action that waits for its pay-off. Raises OSError."""
        store.save(path, store.Saved(self.population, self.params, self.seed, self.step))

    @classmethod
    def load(cls, path: Path | str) -> "Learner":
        """A learner that goes on exactly where the saved one was. Raises `classifier.store.StoreError`."""
        saved = store.load(path)
        pop: Population = saved.population
        learner = cls(saved.params, pop.bits, pop.actions, pop.reals, saved.seed)
        learner.population, learner.step = pop, saved.step
        return learner

    def _learn(self, seen: xcs.Situation, action: int, payoff: float) -> None:
        draws = Draws(self.seed, 0, self.step, LEARN)
        xcs.learn(self.population, seen, action, payoff, self.step, self.params, draws)
