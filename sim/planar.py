"""The planar engine: robots are discs, walls and plates are boxes, all in the plane, all robots as arrays.

The second world, beside PyBullet's: the same drives with limited force, the same plates, brakes and springs,
so that a site for k robots does not move for k - 1. It is made for thousands of robots; the contacts are in
`sim.contacts`. What the two worlds have in common and where they differ stands in docs/physics.md.
"""

import math
from collections.abc import Sequence

import numpy as np

from robots.command import HOLD, Limits, clamp
from sim import contacts
from sim.arrivals import PLATE
from sim.contacts import GRIP, Body
from sim.sensing import joined
from sim.site import Spot
from sim.spec import Robots, Work
from sim.walls import grid
from sim.work import OVERSHOOT, SPARE, SPRING, robot_mass

STEP = 1 / 40  # s, at most


class Planar:
    """Robots and plates in the plane.

    Parameters: `walls` (M, 4) [x, y of the middle, width, depth] in m; `starts` (N, 3) [x, y, heading].
    """

    def __init__(self, robots: Robots, work: Work, walls: np.ndarray, starts: np.ndarray, tick: float) -> None:
        self._robots, self._work = robots, work
        self.limits = Limits(robots.speed, robots.turn)
        self._body = Body(robots.radius, robot_mass(robots), robots.force / robots.speed, PLATE, work.face)
        self._walls = grid(walls)
        self._steps = max(math.ceil(tick / STEP), math.ceil(10 * robots.speed * tick / robots.radius))
        self._h = tick / self._steps
        self._fresh = max(1, int(0.4 * robots.radius / (robots.speed * self._h)))
        self._pose = np.array(starts, float).reshape(-1, 3)
        self._velocity = np.zeros_like(self._pose)
        self._grips = np.zeros(len(self._pose), GRIP)
        self._grips["plate"] = -1
        self._plates = np.zeros(0, contacts.PLATE)

    def poses(self) -> np.ndarray:
        """(N, 3) true x, y in m and heading in rad."""
        return self._pose.copy()

    def gripping(self) -> np.ndarray:
        """(N,) number of the plate that each robot's gripper holds, -1 none."""
        return np.asarray(gripping([self])[0])

    def step(self, commands: np.ndarray, touching: np.ndarray) -> None:
        """Drive all robots by `commands` (N,) for one tick; `touching` (N,) is the plate that each touches, or -1."""
        step([self], commands, touching)

    def add_plate(self, number: int, spot: Spot, action: str, team: int) -> None:
        """Put a plate whose work face is at `spot` (x, y, facing); `team` robots can work it by `action`."""
        force, (x, y, facing) = self._robots.force, spot
        holds = action == "hold"
        plate = np.zeros(1, contacts.PLATE)
        plate["number"], plate["x"], plate["y"] = number, x, y
        plate["nx"], plate["ny"] = math.cos(facing), math.sin(facing)
        plate["way"] = 1.0 if action == "pull" else -1.0
        plate["mass"] = force
        plate["brake"] = 0.0 if holds else (team - SPARE) * force
        plate["spring"], plate["damping"] = (SPRING * force, 4.0 * force) if holds else (0.0, 0.0)
        plate["reach"] = 1.5 * OVERSHOOT / SPRING if holds else 2 * self._work.travel
        plate["need"] = (team - SPARE) * force * HOLD
        index = int(np.searchsorted(self._plates["number"], number))
        self._plates = np.insert(self._plates, index, plate)
        self._grips["plate"][self._grips["plate"] >= index] += 1

    def remove_plate(self, number: int) -> None:
        """Take a plate away; whoever grips it lets go."""
        index, held = self._index(number), self._grips["plate"]
        held[held == index] = -1
        held[held > index] -= 1
        self._plates = np.delete(self._plates, index)

    def travel(self, number: int) -> float:
        """How far a plate has moved, m: along its rail, or into its spring."""
        return float(self._plates["travel"][self._index(number)])

    def held(self, number: int) -> bool:
        """Is a plate pressed by its team: hard enough, and not pushed?"""
        return self.measure([number])[1][0]

    def measure(self, numbers: Sequence[int]) -> tuple[list[float], list[bool]]:
        """How far each of these has moved, and whether it is held."""
        plates = self._plates
        if plates["number"].tolist() != list(numbers):
            plates = plates[np.searchsorted(plates["number"], np.array(numbers, np.int32))]
        pressed = plates["spring"] * plates["travel"]
        held = (plates["need"] <= pressed) & (pressed <= OVERSHOOT * self._robots.force)
        return plates["travel"].tolist(), held.tolist()

    def close(self) -> None:
        """Nothing to give up."""

    def _index(self, number: int) -> int:
        """Where a plate is among the plates, which are in the order of their numbers."""
        index = int(np.searchsorted(self._plates["number"], number))
        if index == len(self._plates) or self._plates["number"][index] != number:
            raise KeyError(number)
        return index

    def grip(self, robot: int, number: int) -> tuple[int, float, float]:
        """A robot's gripper closes about the face of a plate, at the point next to the robot: its GRIP."""
        index = self._index(number)
        plate, (x, y, _) = self._plates[index], self._pose[robot]
        rx, ry = x - plate["x"], y - plate["y"]
        ahead = rx * plate["nx"] + ry * plate["ny"] - plate["way"] * plate["travel"]
        return index, ry * plate["nx"] - rx * plate["ny"], abs(ahead)


def step(worlds: Sequence[Planar], commands: np.ndarray, touching: np.ndarray) -> np.ndarray:
    """`Planar.step` for K worlds of one make, with the same walls; the poses (K, N, 3) afterwards.

    `commands` and `touching` (K * N,) are those of one world's robots after those of the other.
    """
    one, shape = worlds[0], (len(worlds), -1)
    commands = clamp(commands, one.limits)
    closed, touching = (commands["grip"] != 0).reshape(shape), touching.reshape(shape)
    grips = joined([world._grips for world in worlds]).reshape(shape)
    grips["plate"][~closed] = -1
    for k, robot in np.argwhere(closed & (touching >= 0) & (grips["plate"] < 0)).tolist():
        grips[k, robot] = worlds[k].grip(robot, int(touching[k, robot]))
    pose, velocity = (np.stack([getattr(world, name) for world in worlds]) for name in ("_pose", "_velocity"))
    plates, ends = _plates(worlds)
    wanted = np.stack([commands["speed"], commands["turn"]], -1).astype(float).reshape(*shape, 2)
    contacts.advance_all(
        pose, velocity, wanted, grips, plates, ends, one._walls, one._body, one._steps, one._fresh, one._h
    )
    for k, world in enumerate(worlds):
        world._pose, world._velocity, world._grips = pose[k], velocity[k], grips[k]
        world._plates = plates[ends[k] : ends[k + 1]]
    return pose


def gripping(worlds: Sequence[Planar]) -> np.ndarray:
    """(K, N) number of the plate that each robot's gripper holds, -1 none."""
    plates, ends = _plates(worlds)
    held = np.stack([world._grips["plate"] for world in worlds])
    numbers: np.ndarray = np.append(plates["number"], np.int32(-1))  # index -1 takes the last
    return numbers[np.where(held < 0, -1, held + ends[:-1, None])]


def _plates(worlds: Sequence[Planar]) -> tuple[np.ndarray, np.ndarray]:
    """The plates of all worlds, and where those of each begin (K + 1,)."""
    ends = np.cumsum([0, *(len(world._plates) for world in worlds)])
    return joined([world._plates for world in worlds]), ends
