"""Training in Gymnasium environments with discrete actions (extra `gym`)."""

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from classifier.learner import Learner
from classifier.params import Params
from classifier.population import MOST_BITS

Encoder = Callable[[Any], Any]


def encoder(space: "spaces.Space[Any]") -> tuple[int, int, Encoder]:
    """How many bits and real inputs observations have, and the function that makes situations of them.

    Raises ValueError for a space that is neither Discrete, MultiBinary nor a bounded Box.
    """
    if isinstance(space, spaces.Discrete):
        start, bits = int(space.start), max(1, int(space.n - 1).bit_length())
        return bits, 0, lambda seen: int(seen) - start
    if isinstance(space, spaces.MultiBinary):
        bits = int(np.prod(space.shape))
        if bits > MOST_BITS:
            raise ValueError(f"observation_space = {space}: has {bits} bits, must have at most {MOST_BITS}")
        return bits, 0, lambda seen: sum(int(bit) << b for b, bit in enumerate(np.ravel(seen)))
    if isinstance(space, spaces.Box) and space.is_bounded():
        low, high = (np.asarray(edge, np.float64).ravel() for edge in (space.low, space.high))
        width = np.where(high > low, high - low, 1.0)
        return 0, low.size, lambda seen: np.clip((np.asarray(seen, np.float64).ravel() - low) / width, 0, 1)
    raise ValueError(f"observation_space = {space}: must be Discrete, MultiBinary or a Box with finite bounds")


def learner(env: "gymnasium.Env[Any, Any]", params: Params, seed: int = 0) -> Learner:
    """A learner that fits an environment. Raises ValueError for spaces that none fits."""
    if not isinstance(env.action_space, spaces.Discrete):
        raise ValueError(f"action_space = {env.action_space}: must be Discrete")
    bits, reals, _ = encoder(env.observation_space)
    return Learner(params, bits, int(env.action_space.n), reals, seed)


def train(env: "gymnasium.Env[Any, Any]", learner: Learner, episodes: int, explore: float | None = None) -> np.ndarray:
    """Learn for so many episodes; the reward of each, (episodes,). The n-th is seeded with learner.seed + n.

    Raises ValueError for a learner of other sizes than `learner` makes.
    """
    bits, reals, encode = encoder(env.observation_space)
    pop, sizes = learner.population, (bits, reals, int(getattr(env.action_space, "n", 0)))
    if (made := (pop.bits, pop.reals, pop.actions)) != sizes:
        raise ValueError(f"learner: made for {made} bits, real inputs and actions; the environment has {sizes}")
    start = int(getattr(env.action_space, "start", 0))
    rewards = np.zeros(episodes)
    for episode in range(episodes):
        seen, _ = env.reset(seed=learner.seed + episode)
        ended = False
        while not ended:
            seen, reward, terminated, truncated, _ = env.step(learner.act(encode(seen), explore) + start)
            ended = terminated or truncated
            learner.reward(float(reward), done=ended)
            rewards[episode] += float(reward)
    return rewards
