"""The safety shell: between every mind and every body, below the learner and out of its reach.

A pure core: commands, ages and times in, what may be sent out. Its rules:

1. A command counts for `deadman` s. Then the robot stands still. Bodies stop by themselves as well
   (`guarded`); one that does not is refused unless `unguarded` says that this is wanted.
2. A robot starts disarmed and moves only once armed, which needs fresh commands and fresh readings. A new
   connection to the robot, a fault and an emergency stop disarm. An emergency stop latches: it has to be
   released before anything can be armed again.
3. Commands are kept within the body's limits, come at most so often, and change at most so fast. One that is not
   a number is no command.
4. Readings older than `degrade` slow the robot down, older than `stop` stop it.

A stop by rule 1 or 4 heals by itself once commands and readings are fresh again.
"""

import enum
import math
from dataclasses import dataclass

import numpy as np

from robots import check
from robots.body import still
from robots.command import Limits, clamp

LONGEST = 0.2  # s for which a change of speed may make up


class State(enum.Enum):
    """Whether a robot may move."""

    DISARMED = "disarmed"
    ARMED = "armed"
    EMERGENCY = "emergency stop"


class RefusedError(Exception):
    """What was asked for is not safe now, and why."""


@dataclass(frozen=True)
class Rules:
    """The numbers of the rules, as lax as they can be."""

    deadman: float = 0.3  # s that a command counts
    degrade: float = 0.3  # s, age of readings from which a robot is slow
    stop: float = 0.5  # s, age of readings from which it stands
    slow: float = 0.3  # share of the limits that is left to it while it is slow
    interval: float = 0.02  # s between two commands to the robot, at least
    speed_up: float = 1.0  # m/s^2, fastest change of speed; to stop at once is always allowed
    turn_up: float = 20.0  # rad/s^2, fastest change of turn rate

    def __post_init__(self) -> None:
        check.number("deadman", self.deadman, 0.05, 0.3)
        check.number("degrade", self.degrade, 0.05, 0.3)
        check.number("stop", self.stop, self.degrade, 0.5)
        check.number("slow", self.slow, 0, 0.3)
        check.number("interval", self.interval, 0.02, 0.1)
        check.number("speed_up", self.speed_up, 0.01, 1)
        check.number("turn_up", self.turn_up, 0.1, 20)


class Shell:
    """The rules around one body, see the module. `now` is monotonic everywhere, s."""

    def __init__(self, limits: Limits, rules: Rules, *, guarded: bool, unguarded: bool = False) -> None:
        if not guarded and not unguarded:
            raise RefusedError(
                "this robot does not stop by itself when its computer fails; allow that explicitly (unguarded = true)"
            )
        self.limits, self.rules = limits, rules
        self.state = State.DISARMED
        self.why = "not armed yet"  # why the robot is not armed, or stands though it is; empty: it may move
        self.refused = 0  # commands that were none
        self._wanted = still()
        self._wanted_at = -math.inf
        self._sent = still()
        self._sent_at = -math.inf
        self._age = math.inf
        self._session: int | None = None

    def command(self, command: np.ndarray, now: float) -> bool:
        """Take what a mind wants, (1,) COMMAND; False where that is no command: then the robot stands."""
        good = bool(np.isfinite(command["speed"]).all() and np.isfinite(command["turn"]).all())
        if good:
            self._wanted, self._wanted_at = clamp(command, self.limits), now
        else:
            self.refused += 1
            self._wanted_at = -math.inf
        return good

    def readings(self, age: float, session: int) -> None:
        """How old the body's readings are (s), and which connection they came by."""
        self._age = age if age >= 0 else math.inf  # from the future, or not a number
        if self._session != session:
            if self._session is not None and self.state is State.ARMED:
                self._disarm("the robot came back after it was lost")
            self._session = session

    def arm(self, now: float) -> None:
        """Allow the robot to move. Raises RefusedError."""
        if self.state is State.EMERGENCY:
            raise RefusedError(f"emergency stop ({self.why}): release it first")
        if self._age > self.rules.degrade:
            raise RefusedError(f"readings are {_seconds(self._age)} old, at most {self.rules.degrade:g} s is allowed")
        if now - self._wanted_at > self.rules.deadman:
            raise RefusedError("no fresh commands: the mind does not run")
        self.state, self.why = State.ARMED, ""

    def disarm(self, why: str) -> None:
        """Stand still until armed again. An emergency stop stays one."""
        if self.state is State.ARMED:
            self._disarm(why)

    def emergency(self, why: str) -> None:
        """Stand still until released and armed again."""
        self.state, self.why = State.EMERGENCY, why
        self._sent = still()

    def release(self) -> None:
        """End an emergency stop; the robot stays disarmed."""
        if self.state is State.EMERGENCY:
            self._disarm("emergency stop released")

    def due(self, now: float) -> bool:
        """May a command be sent to the robot now?"""
        return now - self._sent_at >= self.rules.interval

    def output(self, now: float) -> np.ndarray:
        """(1,) the command to send now."""
        elapsed = min(max(now - self._sent_at, 0.0), LONGEST) if math.isfinite(self._sent_at) else 0.0
        self._sent_at = now
        self._sent = self._slewed(elapsed) if self._moves(now) else still()
        return self._sent.copy()

    def _moves(self, now: float) -> bool:
        if self.state is not State.ARMED:
            return False
        self.why = ""
        if not now - self._wanted_at <= self.rules.deadman:
            self.why = "no fresh commands"
        elif not self._age <= self.rules.stop:
            self.why = f"readings are {_seconds(self._age)} old"
        return not self.why

    def _slewed(self, elapsed: float) -> np.ndarray:
        wanted = self._wanted.copy()
        if self._age > self.rules.degrade:
            share = self.rules.slow
            wanted = clamp(wanted, Limits(max(0.001, share * self.limits.speed), max(0.001, share * self.limits.turn)))
            self.why = f"slow: readings are {_seconds(self._age)} old"
        for name, rate in (("speed", self.rules.speed_up), ("turn", self.rules.turn_up)):
            before, step = self._sent[name], rate * elapsed
            if (wanted[name] != 0).any():
                wanted[name] = np.clip(wanted[name], before - step, before + step)
        return clamp(wanted, self.limits)

    def _disarm(self, why: str) -> None:
        self.state, self.why = State.DISARMED, why
        self._sent = still()


def _seconds(age: float) -> str:
    return f"{age:.2f} s" if math.isfinite(age) else "infinitely"
