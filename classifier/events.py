"""Credit for learners without episodes: what was done lately learns when the reward changes.

After the event stacks of Lode, Richter & Schmeck 2010 *(reconstructed)*: a robot's life has no end at which
a problem is solved, but its sensors show a level of reward, such as a target in sight or a plate that moves.
"""

from typing import Any

from classifier import scs
from classifier.learner import Learner
from classifier.params import Params, check, check_whole


class EventLearner(Learner):
    """A learner that is told the level of reward after each action: `act`, `sense(level)`, `act`, ...

    Actions wait on a stack. When the level rises, each of them learns what it has brought: the newest all of the
    pay-off, older ones the less the older they are, in equal steps. When it falls, the newest learns that it
    has lost it: it is paid nothing, older ones the more the older they are. Where the stack is full and
    nothing happened, its older half is paid by the present level.
    """

    kept = "depth", "payoff", "level"

    def __init__(
        self,
        params: Params | scs.Params,
        bits: int,
        actions: int,
        reals: int = 0,
        seed: int = 0,
        depth: int = 8,
        payoff: float = 1000.0,
        level: float = 0.0,
    ) -> None:
        """`depth` actions wait at most; level 1 pays `payoff`, the level now is `level`.

        Raises ValueError for sizes that do not fit.
        """
        super().__init__(params, bits, actions, reals, seed)
        check_whole("depth", depth, 1, 10_000)
        check("level", level, 0, 1)
        self.depth, self.payoff, self.level = depth, payoff, level
        self._stack: list[tuple[Any, int]] = []  # the oldest first

    def sense(self, level: float) -> None:
        """The level of reward in [0, 1] after the last action. Raises ValueError before any action."""
        check("level", level, 0, 1)
        if self._taken is None:
            raise ValueError(f"level = {level}: no action waits for it; act first")
        self._stack.append(self._taken)
        self._taken = None
        if level != self.level:
            size, low, high = len(self._stack), min(level, self.level), max(level, self.level)
            for place, (seen, action) in enumerate(self._stack, 1):
                share = place / size if level > self.level else 1 - place / size
                self._learn(seen, action, self.payoff * (low + share * (high - low)))
            self._stack.clear()
        elif len(self._stack) >= self.depth:
            half = (self.depth + 1) // 2
            for seen, action in self._stack[:half]:
                self._learn(seen, action, self.payoff * level)
            del self._stack[:half]
        self.level = level
