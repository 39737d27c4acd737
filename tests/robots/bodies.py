"""Every body with its hardware's end, for what all of them have to do alike.

The hardware is the tests' own: nodes that speak Aseba, mock pins, a controller of numbers, a tracker that is told
where robots are, and worlds. Makers' simulators are elsewhere.
"""

import contextlib
import math
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import pytest

from robots import wheels
from robots.body import Body, Colour, still
from robots.command import Limits, clamp
from robots.dotbot.body import DotBot, Dotbots
from robots.fence import Fence, FencedBody
from robots.gpio.body import GpioBody
from robots.gpio.wiring import Range, Wheel, Wiring
from robots.percept import Sensors
from robots.thymio.body import AsebaBody, Model
from robots.tracker.body import TrackedBody
from robots.tracker.message import Deed, Seen, View
from swarm import missionfile, worlds
from swarm.mission import Mission
from tests.robots.dotbot.controller import NAMES, Controller
from tests.robots.thymio.node import FakeNode


class Rig(NamedTuple):
    """A body and the other end of its line."""

    body: Body
    told: Callable[[], tuple[float, float]]  # speed (m/s) and turn rate (rad/s) that its wheels are told to run at
    freeze: Callable[[], None]  # from now on its sensors measure nothing new


EPUCK = [("prox", 8), ("speed.left", 1), ("speed.right", 1), ("color.red", 1), ("color.green", 1), ("color.blue", 1)]


@contextlib.contextmanager
def aseba(kind: str) -> Iterator[Rig]:
    """A node that speaks Aseba behind a real socket."""
    node = FakeNode(1) if kind == "thymio" else FakeNode(1, EPUCK, ["ir_sensors"])
    model, frozen = Model.of(kind), threading.Event()

    def serve(ears: socket.socket) -> None:
        with contextlib.suppress(OSError):
            line = ears.accept()[0]
            while data := line.recv(4096):
                if not frozen.is_set():  # its program stops together with its sensors
                    node.beat()
                line.sendall(node.feed(data))

    def told() -> tuple[float, float]:
        left, right = (node.memory[node.free + i] * model.metres for i in (2, 3))
        return wheels.join(left, right, model.track)

    with socket.create_server(("127.0.0.1", 0)) as ears:
        threading.Thread(target=serve, args=(ears,), daemon=True).start()
        body = AsebaBody(kind, f"tcp:127.0.0.1:{ears.getsockname()[1]}", None, Sensors())
        with contextlib.closing(body):
            yield Rig(body, told, frozen.set)


@contextlib.contextmanager
def gpio() -> Iterator[Rig]:
    """Mock pins, with a range sensor."""
    gpiozero = pytest.importorskip("gpiozero")
    from gpiozero.pins.mock import MockFactory, MockPWMPin, MockTriggerPin

    class Pin(MockTriggerPin, MockPWMPin):  # type: ignore[misc] - the mock factory wants all pins to be of one kind
        pass

    before = gpiozero.Device.pin_factory
    pins = gpiozero.Device.pin_factory = MockFactory(pin_class=MockPWMPin)
    trigger = pins.pin(4, pin_class=Pin, echo_pin=pins.pin(17), echo_time=0.0035)
    wiring = Wiring(Wheel(5, 6, 12), Wheel(16, 19, 13), ranges=(Range(17, 4, math.pi / 2),))

    def wheel(w: Wheel) -> float:
        ahead = float(pins.pin(w.forward).state) - float(pins.pin(w.backward).state)
        return ahead * float(pins.pin(w.enable).state) * wiring.fastest

    def freeze() -> None:
        trigger.echo_time = 5.0  # its echo stays away

    body = GpioBody(wiring, Sensors())
    with contextlib.closing(body):
        yield Rig(body, lambda: wheels.join(wheel(wiring.left), wheel(wiring.right), wiring.track), freeze)
    pins.reset()
    gpiozero.Device.pin_factory = before


@contextlib.contextmanager
def dotbot() -> Iterator[Rig]:
    """A controller of numbers that hears of the robot ten times a second."""
    controller, frozen, over = Controller(), threading.Event(), threading.Event()

    def hear() -> None:
        while not over.wait(0.1):
            if not frozen.is_set():
                controller.see(0, 2500, 2500, 180, time.time())

    def told() -> tuple[float, float]:
        left, right = (controller.wheels(0) or [(0, 0)])[-1]
        return wheels.join(left / 1000, right / 1000, 0.078)

    threading.Thread(target=hear, daemon=True).start()
    body = DotBot(controller.address, Dotbots(NAMES, (2.5, 2.5)), 0, (2.0, 2.0), Sensors())
    with contextlib.closing(controller), contextlib.closing(body):
        yield Rig(body, told, frozen.set)
    over.set()


class Eyes:
    """A tracker that sees the robot in the middle, and two others."""

    def __init__(self) -> None:
        self.frozen: float | None = None

    def look(self, _: float) -> View:
        return View(1, 1, 0.0, 0.0, (Seen(0, 0.0, 0.0, 0.0), Seen(1, 0.5, 0.0, 0.0), Seen(2, 0.0, -0.4, 1.0)))

    def age(self, now: float) -> float:
        return 0.05 if self.frozen is None else now - self.frozen

    def tell(self, _: Deed) -> None:
        pass

    def close(self) -> None:
        pass


@contextlib.contextmanager
def tracked() -> Iterator[Rig]:
    """A Thymio that a tracker sees; the tracker goes blind."""
    eyes = Eyes()
    with aseba("thymio") as inner:

        def freeze() -> None:
            eyes.frozen = time.monotonic()

        yield Rig(TrackedBody(inner.body, eyes, 0, Sensors()), inner.told, freeze)


@contextlib.contextmanager
def fenced() -> Iterator[Rig]:
    """The same, with a fence far away."""
    with tracked() as inner:
        yield Rig(FencedBody(inner.body, Fence(-9, -9, 9, 9)), inner.told, inner.freeze)


class Simulated:
    """A robot alone in a world, as a body. Its readings are as old as the latest tick."""

    guarded, label, trouble, session = True, "", "", 1  # swarm.host stops a robot whose process is late
    senses = frozenset({"proximity", "robots", "sites", "odometry"})

    def __init__(self, mission: Mission) -> None:
        self.world = worlds.build(mission)
        self.limits, self.radius = Limits(mission.robots.speed, mission.robots.turn), mission.robots.radius
        self.frozen, self.at, self.tick = False, -math.inf, mission.tick
        self.percept, self.twist = self.world.sense(), (0.0, 0.0)

    def sense(self, now: float) -> np.ndarray:
        if not self.frozen:
            self.percept, self.at = self.world.sense(), now
        return self.percept

    def age(self, now: float) -> float:
        return now - self.at

    def act(self, command: np.ndarray, _: float) -> np.ndarray:
        told = clamp(command, self.limits)
        for _ in range(10):  # physics takes up speed
            before = self.world.poses[0].copy()
            self.world.act(command)  # as it is: a world has limits of its own
        x, y, turned = self.world.poses[0] - before
        turned = math.remainder(turned, 2 * math.pi)
        speed = (x * math.cos(before[2] + turned / 2) + y * math.sin(before[2] + turned / 2)) / self.tick
        self.twist = speed, turned / self.tick
        return told

    def stop(self) -> None:
        self.act(still(), 0.0)

    def show(self, colour: Colour) -> None:
        pass

    def close(self) -> None:
        self.stop()

        def dead(_: np.ndarray) -> None:
            pass

        self.world.act = dead  # type: ignore[method-assign,assignment]


@contextlib.contextmanager
def simulated(world: str) -> Iterator[Rig]:
    """A robot in one of the worlds."""
    if world == "bullet":
        pytest.importorskip("pybullet")
    mission = missionfile.load(missionfile.find("aggregate"), [f"world={world}", "robots.count=1"])
    body = Simulated(mission)

    def freeze() -> None:
        body.frozen = True

    yield Rig(body, lambda: body.twist, freeze)
    body.world.close()


RIGS: dict[str, Callable[[], contextlib.AbstractContextManager[Rig]]] = {
    "thymio": lambda: aseba("thymio"),
    "epuck": lambda: aseba("epuck"),
    "gpio": gpio,
    "dotbot": dotbot,
    "tracked": tracked,
    "fenced": fenced,
    "bullet": lambda: simulated("bullet"),
    "planar": lambda: simulated("planar"),
}
