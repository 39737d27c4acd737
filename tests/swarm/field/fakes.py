"""A pilot without a mind, for what is around it."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from robots.blackbox import BlackBox
from robots.body import Body, command, still
from robots.command import Limits
from robots.shell import Rules, Shell
from swarm.field.config import Body as BodyConfig
from swarm.field.config import Config
from swarm.field.loop import Loop


class Simple:
    """Drives ahead from the second tick on; fails in the tenth if it is told to."""

    def __init__(self, body: Body, *, fails: bool) -> None:
        self.body, self.box, self.fails, self.count = body, BlackBox(), fails, 0
        self.shell = Shell(body.limits, Rules(), guarded=False, unguarded=True)
        self.mission = type("M", (), {"tick": 0.02})()
        self.shown: Any = lambda: None

    def tick(self, now: float, _: Callable[[], float]) -> None:
        self.count += 1
        self.shell.readings(self.body.age(now), self.body.session)
        self.shell.command(command(0.2, 0.3), now)
        if self.count == 2:
            self.shell.arm(now)
        self.body.act(self.shell.output(now), now)
        if self.count == 5:
            self.shown()
        if self.fails and self.count == 10:
            raise ValueError("on purpose")


class Wheels:
    """A body that turns its wheels as it was told last, whatever becomes of who told it; how fast is in a file."""

    limits, radius, guarded, label, trouble, senses = Limits(0.3, 1.5), 0.08, False, "", "", frozenset[str]()
    session = 1

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)

    def age(self, _: float) -> float:
        return 0.0

    def act(self, command: np.ndarray, _: float) -> np.ndarray:
        os.pwrite(self._file, b"%.3f" % float(command["speed"][0]), 0)
        return command

    def stop(self) -> None:
        self.act(still(), 0.0)


class Deaf:
    """No orders, and nobody hangs."""

    trouble = ""

    def hangs(self, _: float) -> int:
        return 0

    def serve(self, *_: object) -> None:
        pass

    def feed(self) -> None:
        pass

    def expire(self) -> None:
        pass


def loop_of(body: Body, *, fails: bool) -> Loop:
    config = Config(0, BodyConfig("thymio", "tcp:localhost:1"), box=str(Path("/dev/null")))
    pilot: Any = Simple(body, fails=fails)
    deaf: Any = Deaf()
    return Loop(config, pilot, deaf, deaf, None, arm=False)
