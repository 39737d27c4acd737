"""Which robots fall out when a phase begins, drawn before the mission starts."""

import numpy as np

from swarm.mission import Mission

_STREAM = 2  # keeps the draw apart from the environment's


def draw(mission: Mission) -> list[list[int]]:
    """For each phase the numbers of the robots that fall out at its start, a function of mission and seed."""
    order = np.random.default_rng([mission.seed, _STREAM]).permutation(mission.robots.count).tolist()
    ends = np.cumsum([phase.lost for phase in mission.phases]).tolist()
    return [sorted(order[end - phase.lost : end]) for end, phase in zip(ends, mission.phases, strict=True)]
