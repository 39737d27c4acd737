"""A DotBot as a body, through its host controller.

The controller knows where all robots are, and says by its wall clock when it heard of each. That clock may be set, so
it is believed only as far as it agrees with ours: what a list tells anew was heard of after the list before was asked
for, and before now. A DotBot senses nothing around itself, so neighbours and proximity are
derived from those poses, and from the walls of the arena: see `LABEL`.
"""

import math
import re
import threading
import tomllib
from collections import deque
from dataclasses import dataclass
from importlib import resources

import numpy as np

from robots import wheels
from robots.body import Colour, command, still
from robots.clock import Foreign
from robots.command import Limits, clamp
from robots.dotbot import api
from robots.fence import Fence
from robots.percept import Sensors, blank, percept_dtype
from robots.port import Port
from robots.tracker.message import Seen, View
from robots.tracker.view import fill

LABEL = "with poses from the host controller"
PATIENCE = 1.0  # s without any answer after which the connection is given up
LOOK = 0.2  # s that count of the time since the last look for answers: whoever was held up longer did not look
BACKLOG = 8  # requests without an answer with which nothing more is asked: the controller does not keep up
FRESH = 1.0  # s, age of a pose up to which another robot is a neighbour; an older one is an obstacle only
ACTIVE, LOST = 0, 2  # the controller's word for how a robot is
_LIST, _COMMAND = "list", "command"


@dataclass(frozen=True)
class Dotbots:
    """Which robots there are, and where the arena is."""

    robots: tuple[str, ...]  # addresses of robots number 0, 1, ..., 16 hexadecimal digits each
    origin: tuple[float, float]  # m, the middle of the arena in the controller's frame: x to the right, y down

    def __post_init__(self) -> None:
        for address in self.robots:
            if not re.fullmatch(r"[0-9A-F]{16}", address):
                raise ValueError(f"robots: {address!r} must be 16 hexadecimal digits, capitals")
        twice = sorted({address for address in self.robots if self.robots.count(address) > 1})
        if twice:
            raise ValueError(f"robots: {twice[0]!r} is given twice")


class DotBot:
    """Robot `number` of `dotbots` in an arena of `size` (m), at the controller at `address` (see robots.port)."""

    guarded = True  # the firmware stops the wheels 0.5 s after the last command
    senses = frozenset({"proximity", "robots", "pose", "battery"})
    label = LABEL

    def __init__(
        self, address: str, dotbots: Dotbots, number: int, size: tuple[float, float], sensors: Sensors
    ) -> None:
        p = tomllib.loads(resources.files("robots.dotbot").joinpath("params.toml").read_text("utf-8"))
        self.limits, self.radius = Limits(p["fastest"], p["turn"]), float(p["radius"])
        self._track, self._full = float(p["track"]), float(p["full"])
        self._dotbots, self._number, self._half = dotbots, number, np.array(size) / 2
        self._sensors, self._dtype = sensors, percept_dtype(sensors)
        self._port, self._host = Port(address), address.removeprefix("tcp:")
        self._address = dotbots.robots[number]
        self._lock = threading.Lock()  # requests and what is known of them go together
        self._asked: deque[str] = deque()  # requests without an answer
        self._opened, self._begun = 0, 0
        self._looked, self._silent = -math.inf, 0.0  # when answers were looked for; s for which there was none
        self._colour: Colour = (0, 0, 0)
        self._trouble = ""
        self._shown: Colour | None = None  # by its light
        self._restart()

    @property
    def session(self) -> int:
        """Counts how often the controller told of this robot after it had not."""
        return self._begun

    @property
    def trouble(self) -> str:
        """What is wrong, for people; empty: nothing."""
        return self._port.trouble or self._trouble

    def sense(self, now: float) -> np.ndarray:
        """The latest poses, as a percept."""
        data = self._port.read(now)
        if self._port.opened != self._opened:
            self._opened = self._port.opened
            self._restart()
        try:
            for answer in self._parser.feed(data):
                self._take(answer, now)
        except api.ApiError as error:
            self._port.drop(str(error))
            self._restart()
        self._silent += min(now - self._looked, LOOK)
        self._looked = now
        if not self._asked:
            self._silent = 0.0
        if self._silent > PATIENCE:
            self._port.drop("no answer")
            self._restart()
        if _LIST not in list(self._asked) and self._ask(_LIST, api.list_robots(self._host)):
            self._listed = now
        return self._percept(now)

    def age(self, now: float) -> float:
        """Seconds since the controller last heard of the robot; inf while it is not there."""
        return now - self._true if self._there else math.inf

    def act(self, command: np.ndarray, now: float) -> np.ndarray:  # noqa: ARG002 - part of the contract
        """Drive; gives the twist that whole mm/s make."""
        told = clamp(command, self.limits)[0]
        speeds = wheels.split(float(told["speed"]), float(told["turn"]), self._track, self.limits.speed)
        left, right = (round(1000 * speed) for speed in speeds)
        if not self._there or not self._ask(_COMMAND, api.wheels(self._host, self._address, left, right)):
            return still()
        if self._colour != self._shown and self._ask(_COMMAND, api.light(self._host, self._address, *self._colour)):
            self._shown = self._colour
        return _twist(left, right, self._track)

    def stop(self) -> None:
        """Wheels to zero."""
        if self._there:
            self._ask(_COMMAND, api.wheels(self._host, self._address, 0, 0), urgent=True)

    def show(self, colour: Colour) -> None:
        """The light on top."""
        self._colour = colour

    def close(self) -> None:
        """Stop and hang up."""
        self.stop()
        self._port.close()

    def _restart(self) -> None:
        """Forget the connection."""
        with self._lock:
            self._asked.clear()
        self._silent = 0.0
        self._parser, self._clock = api.Parser(), Foreign()
        self._robots: dict[int, tuple[api.Robot, float]] = {}  # by number, with when it was heard of; -inf: unknown
        self._listed = self._before = -math.inf  # when the list was asked for, and when the one before
        self._there = False
        self._true = -math.inf
        self._shown = None

    def _ask(self, what: str, request: bytes, *, urgent: bool = False) -> bool:
        """Send a request; False where the connection is broken or, unless it is urgent, the controller lags."""
        with self._lock:
            if (len(self._asked) >= BACKLOG and not urgent) or not self._port.write(request):
                return False
            self._asked.append(what)
            return True

    def _take(self, answer: api.Answer, now: float) -> None:
        with self._lock:
            if not self._asked:
                raise api.ApiError("an answer that nobody asked for")
            what = self._asked.popleft()
            self._silent = 0.0
        if answer.status != 200:
            self._trouble = f"{self._host}: status {answer.status}: {answer.body[:100].decode(errors='replace')}"
        elif what == _LIST:
            self._learn(api.robots(answer.body), now)
            self._before = self._listed

    def _learn(self, robots: list[api.Robot], now: float) -> None:
        """What the controller says of all robots."""
        numbers = {address: number for number, address in enumerate(self._dotbots.robots)}
        earlier, self._robots = self._robots, {}
        for robot in sorted(robots, key=lambda robot: robot.last_seen):
            if (number := numbers.get(robot.address)) is not None:
                known, true = earlier.get(number, (robot, -math.inf))
                anew = robot.last_seen != known.last_seen
                self._robots[number] = robot, self._when(robot.last_seen, now) if anew else true
        me = self._robots.get(self._number)
        if me is None or me[0].status != ACTIVE or me[0].pose is None:
            how = {None: "does not know of it", 1: "has not heard of it for 3 s", LOST: "has lost it"}
            self._trouble = f"robot {self._address}: the controller {how.get(me and me[0].status, 'cannot locate it')}"
            self._there = False
            return
        _, self._true = me
        if self._true > -math.inf and not self._there:
            self._there, self._begun, self._trouble = True, self._begun + 1, ""

    def _when(self, heard: float, now: float) -> float:
        """When it was, by our clock, that the controller heard of a robot of which it had not told so before."""
        true = self._clock.ours(heard, now)
        if true < self._before:  # its clock was set back
            self._clock = Foreign()
            true = self._clock.ours(heard, now)
        return max(true, self._before)

    def _percept(self, now: float) -> np.ndarray:
        out = blank(self._dtype, 1)
        out["proximity"] = self._sensors.proximity.range
        if not self._there:
            return out
        places = {
            number: (Seen(number, *api.pose(robot.pose, self._dotbots.origin)), true)
            for number, (robot, true) in self._robots.items()
            if robot.pose is not None and robot.status != LOST
        }
        seen = tuple(place for place, true in places.values() if now - true <= FRESH or place.number == self._number)
        fill(out, View(0, 0, 0.0, 0.0, seen), self._number, self._sensors, None)
        others = np.array([(p.x, p.y) for p, _ in places.values() if p.number != self._number]).reshape(-1, 2)
        out["proximity"] = free(out["pose"][0], others, self.radius, self._half, self._sensors)
        battery = self._robots[self._number][0].battery
        out["battery"] = math.nan if battery is None else min(1.0, battery / self._full)
        return out


def free(pose: np.ndarray, others: np.ndarray, radius: float, half: np.ndarray, sensors: Sensors) -> np.ndarray:
    """Free ranges (P,) around a robot at `pose` (3,), m, from its edge: to `others` (N, 2), discs of the same `radius`,
    and to the walls of an arena that reaches `half` (2,) from the origin."""
    rays, far = sensors.proximity.rays, sensors.proximity.range
    angle = pose[2] + 2 * np.pi * np.arange(rays) / rays
    ray = np.stack([np.cos(angle), np.sin(angle)], -1)  # (P, 2)
    walls = Fence(*(-half).tolist(), *half.tolist()).ahead(pose, rays)
    delta = others - pose[:2]  # (N, 2)
    ahead = ray @ delta.T  # (P, N)
    across2 = (delta**2).sum(-1) - ahead**2
    width = np.maximum(radius, np.abs(ahead) * np.sin(np.pi / rays))  # rays have gaps: a robot between two shows
    hits = (ahead > 0) & (across2 < width**2)
    discs = np.where(hits, np.hypot(*delta.T) - radius, np.inf).min(-1, initial=np.inf)
    out: np.ndarray = np.clip(np.minimum(walls, discs) - radius, 0.0, far)
    return out


def _twist(left: int, right: int, track: float) -> np.ndarray:
    return command(*wheels.join(left / 1000, right / 1000, track))
