"""Arbiters that compare a number with a threshold: strong opponents with the same inputs as the networks."""

from dataclasses import dataclass

import numpy as np

from classifier.draws import uniform
from robots import check
from swarm.arbiters.contract import Scene, Verdict, certain, certain_of
from swarm.memory import AGGREGATE, DISPERSE
from swarm.mission import Mission
from swarm.peers import STALE
from swarm.registry import arbiter, parameters

_PURPOSE = 1  # of its random draws


@dataclass(frozen=True)
class SchmittParameters:
    """Of the Schmitt trigger."""

    tau: float = 1.0  # s, time constant of the low pass
    up: float = 0.1  # antigen of aggregation less that of dispersion from which a robot aggregates
    down: float = -0.1  # down to which it goes on doing so

    def __post_init__(self) -> None:
        check.number("tau", self.tau, 0, 1e4)
        check.number("up", self.up, -1, 1)
        check.number("down", self.down, -1, self.up)


@arbiter("schmitt")
class Schmitt:
    """A low-pass filter and a Schmitt trigger on the difference of the two antigens."""

    Parameters = SchmittParameters

    def __init__(self, mission: Mission) -> None:
        self.given = parameters(mission, "schmitt", SchmittParameters)
        self.rate = min(1.0, mission.tick / max(self.given.tau, 1e-9))

    def start(self, lanes: int) -> np.ndarray:
        """(L,) the filtered difference."""
        return np.zeros(lanes)

    def step(self, state: np.ndarray, scene: Scene) -> tuple[np.ndarray, Verdict]:
        """Filter, and switch where a threshold is crossed."""
        state = state + self.rate * (scene.antigen[:, 0] - scene.antigen[:, 1] - state)
        strategy = scene.memory["strategy"].astype(int)
        strategy = np.where(state > self.given.up, AGGREGATE, np.where(state < self.given.down, DISPERSE, strategy))
        return state, certain(strategy, scene.antigen)


@dataclass(frozen=True)
class ThresholdParameters:
    """Of the threshold for each call."""

    loud: float = 0.15  # loudness from which a call is answered
    keep: float = 0.5  # of that loudness down to which it goes on being answered

    def __post_init__(self) -> None:
        check.number("loud", self.loud, 0, 100)
        check.number("keep", self.keep, 0, 1)


@arbiter("threshold")
class Threshold:
    """Answers the loudest call that is loud enough, and goes on with it while it is heard well."""

    Parameters = ThresholdParameters

    def __init__(self, mission: Mission) -> None:
        self.given = parameters(mission, "threshold", ThresholdParameters)

    def start(self, lanes: int) -> None:
        """The aim that it keeps is in the robot's memory."""

    def step(self, state: None, scene: Scene) -> tuple[None, Verdict]:
        """Compare each call with its threshold."""
        calls, given = scene.calls, self.given
        aimed = (calls["site"] >= 0) & (calls["site"] == scene.memory["aim"][:, None])
        fading = np.maximum(0, 1 - calls["age"] / STALE)
        loudness = np.where(calls["site"] >= 0, calls["loudness"] * fading, -1.0)
        eligible = loudness >= given.loud * np.where(aimed, given.keep, 1.0)
        rank = np.where(eligible, loudness + 100.0 * aimed, -1.0)
        call = np.where(eligible.any(-1), rank.argmax(-1), -1)
        return state, certain_of(call, scene.antigen)


@dataclass(frozen=True)
class ResponseParameters:
    """Of the adaptive response threshold."""

    start: float = 0.5  # theta of a new robot
    learn: float = 0.02  # xi: theta falls by so much a second while it aggregates
    forget: float = 0.02  # phi: theta rises by so much a second while it disperses
    tire: float = 0.1  # probability per second to leave off
    reward: float = 0.1  # theta falls by so much when work goes on, and rises when it comes to nothing

    def __post_init__(self) -> None:
        for name in ("start", "learn", "forget", "tire", "reward"):
            check.number(name, getattr(self, name), 0, 1)


@arbiter("response")
class Response:
    """Adaptive response threshold: a robot aggregates with probability ``g^2 / (g^2 + theta^2)`` per second.

    theta learns by doing [Theraulaz, Bonabeau & Deneubourg 1998] and from what the work brings, in the
    manner of Lee & Kim 2017 *(reconstructed)*.
    """

    Parameters = ResponseParameters

    def __init__(self, mission: Mission) -> None:
        self.given = parameters(mission, "response", ResponseParameters)
        self.seed, self.dt = mission.seed, mission.tick

    def start(self, lanes: int) -> np.ndarray:
        """(L,) thresholds."""
        return np.full(lanes, self.given.start)

    def step(self, state: np.ndarray, scene: Scene) -> tuple[np.ndarray, Verdict]:
        """Respond by chance, and move the threshold."""
        given, dt, g = self.given, self.dt, scene.antigen[:, 0]
        gathers = scene.memory["strategy"] == AGGREGATE
        drawn = uniform(self.seed, scene.ids, scene.tick, _PURPOSE, 0)
        chance = np.where(gathers, given.tire, g**2 / (g**2 + state**2)) * dt
        strategy = np.where((drawn < chance) == gathers, DISPERSE, AGGREGATE)
        moved = np.where(gathers, -given.learn, given.forget) * dt - given.reward * scene.reward
        return np.clip(state + moved, 0.01, 1.0), certain(strategy, scene.antigen)
