"""Arbiters: who decides a robot's global behaviour, as a rule aggregate or disperse, and which call it answers.

All get the same inputs, a `Scene`. They choose from the first B strategies of swarm.report.STRATEGIES: two, but the
immune network from four where its mission says so. They work on stacks of robots, lanes leading, and never mix lanes.
What an arbiter can be tuned by are the fields of its `Parameters`, see `swarm.registry.parameters`.
"""

from typing import Any, NamedTuple, Protocol

import numpy as np

from swarm.calls import MOST
from swarm.memory import AGGREGATE, DISPERSE
from swarm.mission import Mission
from swarm.report import STRATEGIES


class Scene(NamedTuple):
    """What an arbiter decides on, for L robots."""

    antigen: np.ndarray  # (L, B) in [0, 1]: how much the situation asks for each strategy
    met: np.ndarray  # (L, B) mean concentrations heard, NaN where nobody was
    example: np.ndarray  # (L, B) concentrations of the surest robot heard, NaN where nobody was
    calls: np.ndarray  # (L, C) swarm.calls.CALL: the calls for help it hears
    memory: np.ndarray  # (L,) swarm.memory.MEMORY: strategy, task, aim ... now; to be read only
    reward: np.ndarray  # (L,) 1: work went on in the tick before, -1: it came to nothing, 0: neither
    ids: np.ndarray  # (L,) the robots' numbers, for random draws
    tick: int


class Verdict(NamedTuple):
    """What an arbiter decided, for L robots."""

    strategy: np.ndarray  # (L,) index into swarm.report.STRATEGIES
    stimulus: np.ndarray  # (L, B) per strategy, any scale
    concentration: np.ndarray  # (L, B) per strategy, 0 to 1: what the others hear
    call: np.ndarray | None = None  # (L,) slot of the call to answer, -1: none; None: the loudest, and no bid
    bid: np.ndarray | None = None  # (L,) concentration with which it is answered, 0 to 1: what rivals hear


class Arbiter(Protocol):
    """Contract of an arbiter; it is built from the mission."""

    def __init__(self, mission: Mission) -> None: ...

    def start(self, lanes: int) -> Any:
        """State of `lanes` robots that have just started."""

    def step(self, state: Any, scene: Scene) -> tuple[Any, Verdict]:
        """The state one tick later, and the verdict."""


def check(name: str, stepped: object, lanes: int) -> None:
    """Is it a state and a verdict for `lanes` robots? Raises ValueError: a plugin may have given anything.

    In a stack of several arbiters NaN stands for the strategies that one does not have.
    """
    if not (isinstance(stepped, tuple) and len(stepped) == 2 and isinstance(stepped[1], Verdict)):
        raise ValueError(f"arbiter {name!r}: step gave {stepped!r:.60}, must give its state and a Verdict")
    verdict = stepped[1]
    if (verdict.call is None) != (verdict.bid is None):
        raise ValueError(f"arbiter {name!r}: call and bid go together: give both, or none")
    strategies = np.shape(verdict.concentration)[1:] or (2,)
    for key, shape, least, most in (
        ("strategy", (lanes,), 0, len(STRATEGIES) - 1),
        ("stimulus", (lanes, *strategies), None, None),
        ("concentration", (lanes, *strategies), 0, 1),
        ("call", (lanes,), -1, MOST - 1),
        ("bid", (lanes,), 0, 1),
    ):
        values = getattr(verdict, key)
        if values is None and key in ("call", "bid"):
            continue
        values = np.asarray(values)
        if values.shape != shape:
            raise ValueError(f"arbiter {name!r}: {key} has the shape {values.shape}, must have {shape}")
        if least is None or most is None:
            continue
        spared = np.isnan(values) & (np.isfinite(values).sum(-1, keepdims=True) >= 2) & (key == "concentration")
        bad = values[~(spared | (values >= least) & (values <= most))]
        if len(bad):
            raise ValueError(f"arbiter {name!r}: {key} = {bad[0]:g}: must lie in [{least:g}, {most:g}]")


def per_strategy(verdict: Verdict) -> tuple[np.ndarray, np.ndarray]:
    """Stimulus and concentration of all strategies, each (L, 4), NaN for those that the arbiter does not have."""
    lanes, antibodies = verdict.concentration.shape
    stimulus, concentration = np.full((2, lanes, len(STRATEGIES)), np.nan)
    stimulus[:, :antibodies] = verdict.stimulus
    concentration[:, :antibodies] = verdict.concentration
    return stimulus, concentration


def certain(strategy: np.ndarray, antigen: np.ndarray) -> Verdict:
    """The verdict of who has no doubts."""
    return Verdict(strategy, antigen, (strategy[:, None] == np.arange(2)).astype(float))


def certain_of(call: np.ndarray, antigen: np.ndarray) -> Verdict:
    """Answer these calls (L,), disperse where there is none."""
    verdict = certain(np.where(call >= 0, AGGREGATE, DISPERSE), antigen)
    return verdict._replace(call=call, bid=(call >= 0).astype(float))
