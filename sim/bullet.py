"""The PyBullet engine: robots that drive with limited force, plates that need a team to move.

The only file that imports PyBullet. What was measured of the engine, and why the scene is built as
it is, stands in docs/physics.md. In short: one force, one torque and one `stepSimulation` a robot
and tick (external forces persist through the substeps); the drive of a robot is a force, never a
velocity, so that k - 1 robots cannot move what needs k.
"""

import contextlib
import math
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from robots.command import HOLD, Limits, clamp
from sim.arrivals import PLATE
from sim.spec import Robots, Work
from sim.work import OVERSHOOT, SPARE, SPRING, robot_mass

SUBSTEPS = 240  # a second; below, boxes creep under their threshold
_HEIGHT = 0.1  # m, half of a wall's and all of a plate's height, at least; more for larger robots
_TRACTION = 0.4  # of a robot's weight: a stall force above that makes wheels slip when it starts


@dataclass
class _Grip:
    plate: int
    across: float  # m, along the face from its middle
    length: float  # m, robot to hold when the gripper closed


@dataclass
class _Plate:
    body: int
    spot: tuple[float, float, float]
    action: str
    need: float  # N, least force of a team
    ratchet: float = 0.0  # m, how far a slider has come; it never goes back
    moved: float = 0.0  # m along its rail, after the latest step
    speed: float = 0.0  # m/s


class Bullet:
    """Robots and plates in a PyBullet world of their own.

    Parameters: `walls` (M, 4) [x, y of the middle, width, depth] in m; `starts` (N, 3) [x, y, heading].
    Raises ValueError where a body's description cannot be used.
    """

    def __init__(
        self, robots: Robots, work: Work, walls: np.ndarray, starts: np.ndarray, tick: float, *, gui: bool = False
    ) -> None:
        self._p = self.bullet = _pybullet()
        self._client = self._p.connect(self._p.GUI if gui else self._p.DIRECT)
        if self._client < 0:
            raise ValueError("PyBullet's window does not open: is there a display?")
        self._id = self.client = {"physicsClientId": self._client}
        self._robots, self._work = robots, work
        self._height = max(_HEIGHT, robots.radius)  # no robot climbs what it drives against
        self.limits = Limits(robots.speed, robots.turn)
        self._substeps = max(1, round(SUBSTEPS * tick))
        self._dt = tick / self._substeps
        self._tick = tick
        self._plates: dict[int, _Plate] = {}
        self._grips: dict[int, _Grip] = {}
        p = self._p
        p.resetSimulation(**self._id)
        p.setGravity(0, 0, -9.81, **self._id)
        p.setPhysicsEngineParameter(
            fixedTimeStep=tick, numSubSteps=self._substeps, deterministicOverlappingPairs=1, **self._id
        )
        floor = p.createMultiBody(0, p.createCollisionShape(p.GEOM_PLANE, **self._id), **self._id)
        p.changeDynamics(floor, -1, lateralFriction=1, **self._id)
        for x, y, width, depth in walls:
            self._box(x, y, 0.0, width, depth)
        if robots.body == "capsule":
            self._drive: _Drive = _Capsules(p, self._id, robots, self._dt, starts)
        else:
            self._drive = _Wheels(p, self._id, robots, self._substeps, starts)
        self.bodies = self._drive.bodies
        self._gripped = np.full(len(self.bodies), -1, np.int32)
        self._stiffness = self._drive.mass / (2 * tick**2)  # N/m, of a gripper: as stiff as one force a tick can be

    def poses(self) -> np.ndarray:
        """(N, 3) true x, y in m and heading in rad."""
        pose, client, atan2 = self._p.getBasePositionAndOrientation, self._id["physicsClientId"], math.atan2
        flat: list[float] = []
        for body in self.bodies:
            (x, y, _), (a, b, c, d) = pose(body, client)
            flat += (x, y, atan2(2 * (d * c + a * b), 1 - 2 * (b * b + c * c)))
        return np.array(flat).reshape(-1, 3)

    def step(self, commands: np.ndarray, touching: np.ndarray) -> None:
        """Drive all robots by `commands` (N,) for one tick; `touching` (N,) is the plate that each touches, or -1."""
        commands = clamp(commands, self.limits)
        self._grip(commands["grip"], touching)
        for plate in self._plates.values():
            if plate.action == "hold":
                self._spring(plate)
        self._tension()
        self._drive.apply(commands["speed"].tolist(), commands["turn"].tolist())
        self._p.stepSimulation(**self._id)
        state, client = self._p.getJointState, self._id["physicsClientId"]
        for plate in self._plates.values():
            plate.moved, plate.speed, _, _ = state(plate.body, 0, client)
            if plate.action != "hold":
                self._advance(plate)

    def gripping(self) -> np.ndarray:
        """(N,) number of the plate that each robot's gripper holds, -1 none."""
        return self._gripped

    def add_plate(self, number: int, spot: tuple[float, float, float], action: str, team: int) -> None:
        """Put a plate whose work face is at `spot` (x, y, facing); `team` robots can work it by `action`."""
        p, force = self._p, self._robots.force
        x, y, facing = spot
        reach = 2 * self._work.travel if action != "hold" else 1.5 * OVERSHOOT / SPRING
        pull = action == "pull"
        shape = p.createCollisionShape(
            p.GEOM_BOX, halfExtents=[PLATE / 2, self._work.face / 2, self._height / 2], **self._id
        )
        body = p.createMultiBody(
            0,
            basePosition=[x - PLATE / 2 * math.cos(facing), y - PLATE / 2 * math.sin(facing), self._height / 2 + 0.01],
            baseOrientation=p.getQuaternionFromEuler([0, 0, facing]),
            linkMasses=[force],
            linkCollisionShapeIndices=[shape],
            linkVisualShapeIndices=[-1],
            linkPositions=[[0, 0, 0]],
            linkOrientations=[[0, 0, 0, 1]],
            linkInertialFramePositions=[[0, 0, 0]],
            linkInertialFrameOrientations=[[0, 0, 0, 1]],
            linkParentIndices=[0],
            linkJointTypes=[p.JOINT_PRISMATIC],
            linkJointAxis=[[1 if pull else -1, 0, 0]],
            **self._id,
        )
        p.changeDynamics(body, 0, lateralFriction=0, linearDamping=0, angularDamping=0, **self._id)
        # PyBullet ignores limits that come together with damping
        p.changeDynamics(body, 0, jointLowerLimit=0, jointUpperLimit=reach, **self._id)
        need = (team - SPARE) * force * (HOLD if action == "hold" else 1.0)
        # with substeps a joint motor is as many times too strong
        friction = 0.0 if action == "hold" else need / self._substeps
        p.setJointMotorControl2(body, 0, p.VELOCITY_CONTROL, targetVelocity=0, force=friction, **self._id)
        self._plates[number] = _Plate(body, spot, action, need)

    def remove_plate(self, number: int) -> None:
        """Take a plate away; whoever grips it lets go."""
        for robot in [robot for robot, grip in self._grips.items() if grip.plate == number]:
            self._let_go(robot)
        self._p.removeBody(self._plates.pop(number).body, **self._id)

    def travel(self, number: int) -> float:
        """How far a plate has moved, m: along its rail, or into its spring."""
        return self._plates[number].moved

    def measure(self, numbers: Sequence[int]) -> tuple[list[float], list[bool]]:
        """How far each of these has moved, and whether it is held."""
        plates, stall = [self._plates[number] for number in numbers], self._robots.force
        held = [plate.need <= plate.moved * SPRING * stall <= OVERSHOOT * stall for plate in plates]
        return [plate.moved for plate in plates], held

    def held(self, number: int) -> bool:
        """Is a plate pressed by its team: hard enough, and not pushed?"""
        return self.measure([number])[1][0]

    @property
    def plates(self) -> dict[int, int]:
        """Number of a plate -> its body."""
        return {number: plate.body for number, plate in self._plates.items()}

    def close(self) -> None:
        """Give the world up."""
        self._p.disconnect(**self._id)

    def _box(self, x: float, y: float, heading: float, width: float, depth: float) -> int:
        p = self._p
        half = [width / 2, depth / 2, self._height]
        shape = p.createCollisionShape(p.GEOM_BOX, halfExtents=half, **self._id)
        turn = p.getQuaternionFromEuler([0, 0, heading])
        body = p.createMultiBody(0, shape, basePosition=[x, y, self._height], baseOrientation=turn, **self._id)
        p.changeDynamics(body, -1, lateralFriction=0, **self._id)
        return int(body)

    def _spring(self, plate: _Plate) -> None:
        force = self._robots.force * (SPRING * plate.moved + 4.0 * plate.speed)
        self._p.applyExternalForce(plate.body, 0, [force, 0, 0], [0, 0, 0], self._p.LINK_FRAME, **self._id)

    def _advance(self, plate: _Plate) -> None:
        """The rail moves one way: what was gained is kept (in steps of 1 cm, so that limits change rarely)."""
        if plate.moved > plate.ratchet + 0.01:
            plate.ratchet, most = plate.moved, 2 * self._work.travel + PLATE
            self._p.changeDynamics(plate.body, 0, jointLowerLimit=plate.moved, jointUpperLimit=most, **self._id)

    def _grip(self, wanted: np.ndarray, touching: np.ndarray) -> None:
        """Open and close grippers; closed ones hold the face at the point next to the robot."""
        for robot in [robot for robot in self._grips if not wanted[robot]]:
            self._let_go(robot)
        for robot in wanted.nonzero()[0].tolist():
            if robot not in self._grips and touching[robot] >= 0:
                grip = _Grip(int(touching[robot]), 0.0, 0.0)
                facing = self._plates[grip.plate].spot[2]
                (x, y, _), _ = self._p.getBasePositionAndOrientation(self.bodies[robot], **self._id)
                face_x, face_y = self._hold(grip)
                grip.across = (y - face_y) * math.cos(facing) - (x - face_x) * math.sin(facing)
                hold_x, hold_y = self._hold(grip)
                grip.length = math.hypot(x - hold_x, y - hold_y)
                self._grips[robot], self._gripped[robot] = grip, grip.plate

    def _let_go(self, robot: int) -> None:
        del self._grips[robot]
        self._gripped[robot] = -1

    def _tension(self) -> None:
        """A gripper is elastic: it pulls as soon as the robot is farther from its hold than when it closed."""
        p = self._p
        for robot, grip in self._grips.items():
            body, plate = self.bodies[robot], self._plates[grip.plate]
            (x, y, z), _ = p.getBasePositionAndOrientation(body, **self._id)
            (hold_x, hold_y), middle = self._hold(grip), p.getLinkState(plate.body, 0, **self._id)[0]
            distance = math.hypot(x - hold_x, y - hold_y)
            pull = self._stiffness * max(0.0, distance - grip.length) / distance
            force = [pull * (x - hold_x), pull * (y - hold_y), 0]
            p.applyExternalForce(body, -1, [-force[0], -force[1], 0], [x, y, z], p.WORLD_FRAME, **self._id)
            p.applyExternalForce(plate.body, 0, force, middle, p.WORLD_FRAME, **self._id)

    def _hold(self, grip: "_Grip") -> tuple[float, float]:
        """Where on the face a gripper holds, in the world."""
        (x, y, facing), moved = self._plates[grip.plate].spot, self.travel(grip.plate)
        if self._plates[grip.plate].action != "pull":
            moved = -moved
        return (
            x + moved * math.cos(facing) - grip.across * math.sin(facing),
            y + moved * math.sin(facing) + grip.across * math.cos(facing),
        )


class _Drive:
    """How commands become forces."""

    bodies: list[int]
    mass: float  # kg, of one body

    def apply(self, speeds: list[float], turns: list[float]) -> None:
        raise NotImplementedError


class _Capsules(_Drive):
    """Upright capsules without floor friction, driven like a DC motor: constant force, viscous damping.

    Bullet multiplies a velocity by ``q = (1 - damping)^dt`` in each substep, after the force has acted,
    so the free speed is ``F / m dt / (1 - q)``; the damping is solved for it, and holds for turning too.
    """

    def __init__(self, p: Any, client: dict[str, int], robots: Robots, dt: float, starts: np.ndarray) -> None:
        self._p, self._id = p, client
        radius = robots.radius
        self.mass = mass = robot_mass(robots)
        inertia = mass * radius**2 / 2
        keep = 1 - robots.force * dt / (mass * robots.speed)  # q
        damping = 1 - keep ** (1 / dt)
        self._push = robots.force / robots.speed  # N s/m
        self._twist = inertia * (1 - keep) / dt  # N m s
        shape = p.createCollisionShape(p.GEOM_CAPSULE, radius=radius, height=radius, **client)
        self.bodies = []
        for x, y, heading in starts:
            turn = p.getQuaternionFromEuler([0, 0, heading])
            body = p.createMultiBody(
                mass,
                shape,
                basePosition=[x, y, 1.5 * radius],
                baseOrientation=turn,
                useMaximalCoordinates=True,
                **client,
            )
            p.changeDynamics(
                body,
                -1,
                mass=mass,
                lateralFriction=0,
                rollingFriction=0,
                spinningFriction=0,
                linearDamping=damping,
                angularDamping=damping,
                localInertiaDiagonal=[100, 100, inertia],  # neither rolls nor pitches
                **client,
            )
            self.bodies.append(int(body))

    def apply(self, speeds: list[float], turns: list[float]) -> None:
        force, torque, frame = self._p.applyExternalForce, self._p.applyExternalTorque, self._p.LINK_FRAME
        push, twist, client = self._push, self._twist, self._id["physicsClientId"]
        here = (0.0, 0.0, 0.0)
        for body, speed, turn in zip(self.bodies, speeds, turns, strict=True):
            force(body, -1, (push * speed, 0.0, 0.0), here, frame, client)
            torque(body, -1, (0.0, 0.0, twist * turn), frame, client)


class _Wheels(_Drive):
    """Differential drive from a URDF: wheels are the continuous joints, left where y > 0.

    With one wheel a side, each is a DC motor: torque in proportion to the command, viscous damping in the
    joint. With more (skid steering) each is a speed servo of limited torque. All wheels together reach the
    stall force.
    """

    def __init__(self, p: Any, client: dict[str, int], robots: Robots, substeps: int, starts: np.ndarray) -> None:
        self._p, self._id = p, client
        self.bodies = []
        path = Path(__file__).parent / "bodies/twowheel.urdf" if robots.body == "wheels" else Path(robots.body)
        for x, y, heading in starts:
            body = self._load(path, x, y, heading, robots.radius)
            self.bodies.append(body)
        self._left, self._right, self._radius, self._track = self._find_wheels(self.bodies[0], path)
        links = range(-1, p.getNumJoints(self.bodies[0], **client))
        self.mass = sum(p.getDynamicsInfo(self.bodies[0], link, **client)[0] for link in links)
        for body in self.bodies:
            for link in links:
                rolls = link in self._left or link in self._right  # all else slides: castors carry, but do not brake
                p.changeDynamics(body, link, lateralFriction=float(rolls), **client)
        stall = robots.force * self._radius / len(self._left + self._right)  # N m, of each wheel
        self._servo = stall / substeps  # with substeps a joint motor is as many times too strong
        self._skid = len(self._left) > 1  # such a robot turns by forcing its wheels sideways: it needs full torque
        self._damping = stall / (robots.speed / self._radius)  # N m s: at free speed damping eats the torque
        if not self._skid:
            if robots.force > (most := _TRACTION * self.mass * 9.81):
                raise ValueError(
                    f"robots.force = {robots.force:g}: the wheels of {path.name} ({self.mass:.3g} kg) "
                    f"slip above {most:.3g}"
                )
            for body in self.bodies:
                for joint in self._left + self._right:
                    p.changeDynamics(
                        body, joint, jointDamping=self._damping, linearDamping=0, angularDamping=0, **client
                    )
                    p.setJointMotorControl2(body, joint, p.VELOCITY_CONTROL, force=0, **client)

    def _load(self, path: Path, x: float, y: float, heading: float, radius: float) -> int:
        p = self._p
        with _quiet():
            try:
                body = p.loadURDF(str(path), basePosition=[x, y, 0.0], **self._id)
            except p.error:
                raise ValueError(f"robots.body = {str(path)!r}: PyBullet cannot load this URDF") from None
        links = range(-1, p.getNumJoints(body, **self._id))
        corners = np.array([p.getAABB(body, link, **self._id) for link in links])  # (links, 2, 3)
        wide, lowest = np.abs(corners[..., :2] - [x, y]).max(), corners[..., 2].min()
        if wide > 1.1 * radius:  # boxes of the engine have a margin
            raise ValueError(
                f"robots.body = {str(path)!r}: reaches {wide:.2g} m from its middle; robots.radius = {radius:g}"
            )
        turn = p.getQuaternionFromEuler([0, 0, heading])
        position, _ = p.getBasePositionAndOrientation(body, **self._id)
        p.resetBasePositionAndOrientation(
            body, [position[0], position[1], position[2] - lowest + 0.001], turn, **self._id
        )
        return int(body)

    def _find_wheels(self, body: int, path: Path) -> tuple[list[int], list[int], float, float]:
        p = self._p
        left: list[int] = []
        right: list[int] = []
        radii, sides = [], []
        base, turn = p.getBasePositionAndOrientation(body, **self._id)
        back = p.invertTransform(base, turn)
        for joint in range(p.getNumJoints(body, **self._id)):
            info = p.getJointInfo(body, joint, **self._id)
            if info[2] != p.JOINT_REVOLUTE or info[8] <= info[9]:  # limits low <= high: no wheel
                continue
            link = p.getLinkState(body, joint, **self._id)
            (_, y, _), _ = p.multiplyTransforms(*back, link[4], link[5])
            (left if y > 0 else right).append(joint)
            low, high = p.getAABB(body, joint, **self._id)
            radii.append((high[2] - low[2]) / 2)
            sides.append(abs(y))
        if not left or not right:
            raise ValueError(
                f"robots.body = {str(path)!r}: a differential drive needs continuous joints (wheels) on both sides, "
                f"found {len(left)} left and {len(right)} right"
            )
        return left, right, float(np.mean(radii)), 2 * float(np.mean(sides))

    def apply(self, speeds: list[float], turns: list[float]) -> None:
        p = self._p
        for body, speed, turn in zip(self.bodies, speeds, turns, strict=True):
            for joints, sign in ((self._left, -1), (self._right, 1)):
                target = (speed + sign * turn * self._track / 2) / self._radius
                for joint in joints:
                    if self._skid:
                        p.setJointMotorControl2(
                            body, joint, p.VELOCITY_CONTROL, targetVelocity=target, force=self._servo, **self._id
                        )
                    else:
                        torque = self._damping * target
                        p.setJointMotorControl2(body, joint, p.TORQUE_CONTROL, force=torque, **self._id)


def _pybullet() -> Any:
    try:
        with _quiet():
            import pybullet
    except ImportError:
        raise ValueError(
            "PyBullet is not installed. It has wheels for CPython 3.11 on Linux x86-64; elsewhere: "
            "pip install pybullet (builds from source)"
        ) from None
    return pybullet


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep what C code prints off the terminal."""
    sys.stdout.flush()
    sys.stderr.flush()
    saved, null = {stream: os.dup(stream) for stream in (1, 2)}, os.open(os.devnull, os.O_WRONLY)
    try:
        for stream in saved:
            os.dup2(null, stream)
        yield
    finally:
        for stream, copy in saved.items():
            os.dup2(copy, stream)
            os.close(copy)
        os.close(null)
