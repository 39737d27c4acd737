"""A task that several learners solve together or not at all, and whose meaning changes.

A site has one of four signatures, each of which wants one of four actions. All of a team of robots are paid if
all of them do what it wants, none otherwise. The first to come acts first; the others see what the one before did, so
that they can follow. Halfway every signature comes to mean something else, which nobody is told.
"""

from dataclasses import dataclass

import numpy as np

from classifier.draws import SITUATION, uniform
from classifier.learner import Learner
from classifier.params import Params, check_whole

KINDS = ACTIONS = 4
BITS = 4  # two of the signature, two of what the one before did
PAYOFF = 1000.0
CHECK = 1000  # steps between two looks at what the team would do without exploring


@dataclass(frozen=True)
class Course:
    """How a team fared."""

    solved: np.ndarray  # (steps,) bool, while exploring
    known: np.ndarray  # (steps / CHECK,) share of the signatures that the team solves without exploring

    def mastered(self, first: int = 0) -> int | None:
        """Steps, from step `first` on, until it knew all signatures; None if it never did."""
        whole = np.flatnonzero(self.known[first // CHECK :] == 1)
        return int(whole[0] + 1) * CHECK if whole.size else None


def params() -> Params:
    """Settings for teams: explored a little only, because all must be right at the same time.

    The genetic algorithm runs in an action set where theta_GA steps have passed on average, so at each visit of one
    that is visited rarely: offspring there come faster than they are tried, and promise what their parents earn
    elsewhere: theta_GA is 25, not 12.

    The first to act is paid only if the others follow, which do explore: none of its rules becomes accurate, and one
    that is too general, right for another signature, promises as much here as the right one. A mutation of .04
    brings forth the special rules that tell them apart. Both are the values of Butz & Wilson 2002.
    """
    return Params(capacity=200, p_explore=0.08, p_wild=0.3, epsilon0=10.0, beta=0.2, theta_ga=25.0, mu=0.04)


def wanted(kind: int, changed: bool) -> int:
    """The action that a signature wants."""
    return (kind + 1 if changed else kind ^ 2) % ACTIONS


def practise(agents: int, steps: int, seed: int, params: Params, change: int | None = None) -> Course:
    """A team learns for so many steps; before step `change`, by default half of them, signatures mean one thing.

    Raises ValueError for fewer than one agent, fewer steps than between two looks, or a change that is not among them.
    """
    check_whole("agents", agents, 1, 100)
    check_whole("steps", steps, CHECK, 10**9)
    change = steps // 2 if change is None else change
    check_whole("change", change, 0, steps)
    team = [Learner(params, BITS, ACTIONS, seed=seed * 100 + i) for i in range(agents)]
    kinds = (uniform(seed, 0, np.arange(steps), SITUATION, 0) * KINDS).astype(int).tolist()
    solved, known = np.zeros(steps, bool), []
    for step, kind in enumerate(kinds):
        right, before, done = wanted(kind, step >= change), 0, True
        for learner in team:
            before = learner.act(kind | before << 2)
            done &= before == right
        for learner in team:
            learner.reward(PAYOFF * done)
        solved[step] = done
        if step % CHECK == CHECK - 1:
            known.append(float(np.mean([_solves(team, k, wanted(k, step >= change)) for k in range(KINDS)])))
    return Course(solved, np.array(known))


def _solves(team: list[Learner], kind: int, right: int) -> bool:
    before = 0
    for learner in team:
        before = learner.best(kind | before << 2)
        if before != right:
            return False
    return True
