"""Whole lives of one learner: lessons from a data set, and walks through a world of finitely many states."""

from dataclasses import dataclass

import numpy as np

from classifier import xcs
from classifier.conditions import Situation, read
from classifier.draws import EXPLOIT, EXPLORE, LEARN, Draws
from classifier.gear import kernels
from classifier.params import Params, check
from classifier.population import Population


def lessons(
    pop: Population,
    taught: Situation,
    payoffs: np.ndarray,
    params: Params,
    seed: int,
    explore: float = 1.0,
    tested: Situation | None = None,
    first: int = 0,
) -> np.ndarray:
    """Act and learn in the situations `taught`, one after the other; the actions for `tested`, (T,) or (0,).

    `payoffs` (T, A) holds what each action pays. After lesson t the best action in the t-th situation of
    `tested` is taken, without learning from it [Wilson 1995]. Steps are counted from `first` on. Both
    are as `situations` returns them. Raises ValueError for pay-offs that are no numbers or too few.
    """
    check("explore", explore, 0, 1)
    shape = len(taught.word), pop.actions
    if payoffs.shape != shape or not (abs(payoffs) <= xcs.MOST_PAYOFF).all():
        raise ValueError(f"payoffs of shape {payoffs.shape}: must be {shape} numbers of at most {xcs.MOST_PAYOFF:.15g}")
    if tested is not None and len(tested.word) != len(taught.word):
        raise ValueError(f"tested: {len(tested.word)} situations: must be as many as are taught, {len(taught.word)}")
    trials, probed = len(payoffs), tested is not None
    asked = tested if tested is not None else Situation(np.zeros(0, np.int64), np.zeros((0, pop.reals)))
    chosen = np.zeros(len(asked.word), np.int64)
    if (fast := kernels()) is not None:
        fast.lessons(
            *(pop.words, pop.counts, pop.numbers, params.record, Draws(0).state, pop.bits),
            *(taught.word, taught.x, np.ascontiguousarray(payoffs, np.float64), asked.word, asked.x),
            *(explore, seed, first, chosen),
        )
        return chosen
    for t in range(trials):
        step, seen = first + t, Situation(int(taught.word[t]), taught.x[t])
        action, _ = xcs.decide(pop, seen, step, params, Draws(seed, 0, step, EXPLORE), explore)
        xcs.learn(pop, seen, action, float(payoffs[t, action]), step, params, Draws(seed, 0, step, LEARN))
        if probed:
            seen = Situation(int(asked.word[t]), asked.x[t])
            chosen[t], _ = xcs.decide(pop, seen, step, params, Draws(seed, 0, step, EXPLOIT), 0.0)
    return chosen


def situations(pop: Population, words: np.ndarray | None, x: np.ndarray | None, count: int) -> Situation:
    """`count` situations, checked and copied: words (T,) int64 and real inputs (T, D), zeros where absent.

    Raises ValueError for others than `count`, or out of range.
    """
    given = [part for part in (words, x) if part is not None]
    seen = read(pop, tuple(given) if len(given) > 1 else given[0])
    word = np.zeros(count, np.int64) if not pop.bits else np.asarray(seen.word).astype(np.int64)
    x = np.zeros((count, 0)) if not pop.reals else seen.x
    if word.shape != (count,) or x.shape != (count, pop.reals):
        raise ValueError(f"situations of shapes {word.shape} and {x.shape}: must be {count} of {pop.reals} real inputs")
    return Situation(word, x)


def predictions(pop: Population, asked: Situation) -> np.ndarray:
    """The prediction arrays (T, A) for situations as `situations` returns them, NaN where no rule matches."""
    out = np.empty((len(asked.word), pop.actions))
    if (fast := kernels()) is not None:
        fast.predictions_all(pop.words, pop.counts, pop.numbers, *asked, out)
        return out
    for row, word, x in zip(out, asked.word.tolist(), asked.x, strict=True):
        row[:] = xcs.predictions_known(pop, Situation(word, x))
    return out


@dataclass(frozen=True)
class World:
    """Finitely many states, each with its binary situation, and what the actions do there."""

    bits: int
    seen: np.ndarray  # (S,) i8, the situation in each state
    following: np.ndarray  # (S, A) i8, the next state
    reward: np.ndarray  # (S, A) f8
    final: np.ndarray  # (S, A) bool, whether the action ends the problem
    starts: np.ndarray  # (S',) i8


def episode(
    pop: Population,
    world: World,
    start: int,
    params: Params,
    seed: int,
    tick: int,
    explore: float,
    learning: bool = True,
    most: int = 50,
) -> int:
    """One problem of multi-step XCS [Butz & Wilson 2002] from a state on; the steps it took, `most` if it failed.

    The action set before last learns the reward and gamma times the best prediction of what came next;
    the last one the reward alone. Given up after `most` steps, which is what teletransportation amounts to.
    """
    if (fast := kernels()) is not None:
        steps: int = fast.episode(
            *(pop.words, pop.counts, pop.numbers, params.record, Draws(0).state, pop.bits),
            *(world.seen, world.following, world.reward, world.final),
            *(start, explore, most, learning, seed, tick),
        )
        return steps
    state, before, action, paid = start, -1, -1, 0.0
    for t in range(most):
        draws = Draws(seed, 0, tick + t, EXPLORE)
        predictions = xcs.predict(pop, int(world.seen[state]), tick + t, params, draws)
        if learning and t > 0:
            payoff = paid + params.gamma * float(np.nanmax(predictions))
            xcs.learn(pop, int(world.seen[before]), action, payoff, tick + t, params, draws)
        action = xcs.choose(predictions, explore, draws)
        paid = float(world.reward[state, action])
        if world.final[state, action]:
            if learning:
                xcs.learn(pop, int(world.seen[state]), action, paid, tick + t, params, draws)
            return t + 1
        before, state = state, int(world.following[state, action])
    return most
