"""One robot's loop without its clock: body, safety shell, mind and radio, moved on by `tick`."""

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

import numpy as np

from robots.blackbox import BlackBox
from robots.body import Body, BodyError, Colour, lacking
from robots.command import COMMAND
from robots.shell import Shell, State
from swarm import registry, wire
from swarm.mission import Mission
from swarm.report import REPORT, STRATEGIES, none_yet
from swarm.robot import Brain
from swarm.rules import Decision

#: of its strategy, as the dashboard has them
COLOURS: dict[str, Colour] = {
    "aggregate": (255, 110, 0),
    "disperse": (0, 60, 255),
    "search": (0, 200, 60),
    "home": (200, 0, 160),
}
DISARMED: Colour = (60, 60, 60)


class Radio(Protocol):
    """How a robot talks to the others, see `swarm.net.link`."""

    def say(self, signal: bytes) -> None:
        """Say a signal to all in reach."""

    def drain(self, now: float) -> list[tuple[int, bytes]]:
        """What was heard since the last call: sender and signal."""

    def close(self) -> None:
        """Give it up."""


def fitted(mission: Mission, body: Body) -> Mission:
    """`mission` for this body: as fast and as large as it is. Raises BodyError where it cannot sense what is needed."""
    registry.load(mission.mind.plugins)
    needed = ["proximity", "robots"]
    if any(phase.rate > 0 for phase in mission.phases):
        needed.append("sites")
    if STRATEGIES.index("home") < mission.mind.strategies:
        needed.append("odometry")
    missing = lacking(body.senses, needed)
    missing += [field[0] for sensor in registry.SENSORS.values() for field in sensor.fields]
    if missing:
        raise BodyError(f"mission {mission.name!r} needs what this body does not sense: {', '.join(missing)}")
    robots = replace(
        mission.robots,
        speed=min(mission.robots.speed, body.limits.speed),
        turn=min(mission.robots.turn, body.limits.turn),
        radius=max(0.02, body.radius),
    )
    return replace(mission, robots=robots)


class Pilot:
    """Robot `number` in `body`. `mission` is already fitted to it."""

    def __init__(self, mission: Mission, number: int, body: Body, shell: Shell, radio: Radio, boot: int) -> None:
        self.mission, self.body, self.shell, self.radio = mission, body, shell, radio
        self.brain = Brain(mission, number, boot)
        self.box = BlackBox()
        self.report = none_yet(1)
        self.sent = np.zeros(1, COMMAND)
        self.percept: np.ndarray | None = None
        self.age = float("inf")
        self._began: float | None = None
        self.ticks = -1  # number of the latest tick of the mind
        self.heard: list[tuple[int, bytes]] = []  # in that tick
        self.decided: tuple[int, Decision] | None = None  # tick and decision, the latest
        self._state = (shell.state, shell.why)

    def tick(self, now: float, clock: Callable[[], float]) -> None:
        """Sense, think, speak, act. `now` is monotonic, s; `clock` tells it again when all is thought.

        Whatever the mind wants, the shell decides what is sent, by how old that and the readings are by then.
        """
        body, shell = self.body, self.shell
        percept = body.sense(now)
        self.percept, self.age = percept, body.age(now)
        shell.readings(self.age, body.session)
        wanted = np.zeros(1, COMMAND)
        heard = self.radio.drain(now)  # always: that looks after its connections, too
        if np.isfinite(self.age):  # a mind that has nothing to go by says nothing
            self.heard = heard
            act = self.brain.tick(wire.Sense(self._next(now), percept.tobytes(), self.heard))
            if act.decision is not None:
                self.decided = self.ticks, act.decision
            wanted = np.frombuffer(act.command, COMMAND)
            self.report = np.frombuffer(act.report, REPORT)
            shell.command(wanted, now)
            if act.signal is not None:
                self.radio.say(act.signal)
        body.show(self._colour())
        later = clock()
        self.age = body.age(later)
        shell.readings(self.age, body.session)
        if shell.due(later):
            self.sent = body.act(shell.output(later), later)
        self.box.tick(now, percept, wanted, self.sent, shell.state.value, shell.why, self.age)
        if (shell.state, shell.why[:12]) != self._state:
            self._state = (shell.state, shell.why[:12])
            self.box.event(now, f"{shell.state.value}: {shell.why}" if shell.why else shell.state.value)

    def _next(self, now: float) -> int:
        """The tick that it is time for; a late loop leaves ticks out, so that the mind's seconds are seconds."""
        if self._began is None:
            self._began = now
        self.ticks = max(self.ticks + 1, round((now - self._began) / self.mission.tick))
        return self.ticks

    def _colour(self) -> Colour:
        if self.shell.state is not State.ARMED:
            return DISARMED
        return COLOURS[STRATEGIES[int(self.report["strategy"][0])]]
