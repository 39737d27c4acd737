"""From a robot's task to its command: which motion behaviours act together."""

import math

import numpy as np

from robots.command import HOLD
from robots.kernel import kernel
from swarm import homing, motion
from swarm.features import place_of
from swarm.memory import AGGREGATE, ANSWER, APPROACH, HOMING, LEAVE, SEARCHING, WORK

PUSH, PULL, PRESS, FOLLOW = 0, 1, 2, 3  # actions at a site; PRESS holds it
DOCK = 0.4  # m before a work face within which the plate is no obstacle any more
ALIGNED = 0.25  # rad, heading error below which a robot pushes or pulls


@kernel
def steer(
    speed: float,
    turn: float,
    radius: float,
    width: float,
    proximity: np.ndarray,
    robot_id: np.ndarray,
    robot_rb: np.ndarray,
    site_id: np.ndarray,
    site_rb: np.ndarray,
    site_face: np.ndarray,
    touch: np.ndarray,
    memory: np.ndarray,
    commands: np.ndarray,
) -> None:
    """Fill `commands` (L,) for robots of free `speed` (m/s) and `turn` (rad/s), for faces `width` m wide."""
    site = np.empty(3)
    for i in range(memory.shape[0]):
        m, command = memory[i], commands[i]
        command.grip = 0
        here = place_of(site_id[i], m.site) if m.site >= 0 else -1
        if here >= 0:
            site[0], site[1], site[2] = site_rb[i, here, 0], site_rb[i, here, 1], site_face[i, here]
        if m.task == WORK and here >= 0 and touch[i] == m.site:
            action = m.lead if m.action == FOLLOW else m.action
            command.speed, command.turn, command.grip = _act(action, site[2], speed, turn)
            continue
        if m.task == LEAVE:
            command.speed, command.turn = -speed, 0.0
            continue
        ax, ay = motion.avoid(proximity[i])
        if (m.task == WORK or m.task == APPROACH) and here >= 0:
            x, y, docking = _to_face(site, robot_id[i], robot_rb[i], width, radius)
            if docking:
                ax, ay = 0.0, 0.0
        elif m.task == ANSWER and place_of(robot_id[i], m.peer) >= 0:
            j = place_of(robot_id[i], m.peer)
            x, y = motion.go_to(robot_rb[i, j, 0], robot_rb[i, j, 1], 0.2)
        elif m.strategy == AGGREGATE:
            x, y = motion.gather(robot_id[i], robot_rb[i])
            wx, wy = motion.wander(m.drift)
            x, y = x + 0.3 * wx, y + 0.3 * wy
        elif m.strategy == SEARCHING:
            x, y = motion.straight()
        elif m.strategy == HOMING:
            distance, bearing = homing.way(m)
            x, y = motion.home(distance, bearing, homing.NEAR)
        else:
            x, y = motion.wander(m.drift)
            sx, sy = motion.spread(robot_id[i], robot_rb[i])
            x, y = x + sx, y + sy
        command.speed, command.turn = motion.drive(x + ax, y + ay, speed, turn)


@kernel
def _act(action: int, facing: float, speed: float, turn: float) -> tuple[float, float, int]:
    """Speed, turn rate and grip at a work face that looks to `facing`."""
    error = motion.wrap(facing + math.pi)  # the robot turns to the plate
    rate = max(-turn, min(turn, motion.GAIN * error))
    if abs(error) > ALIGNED:
        return 0.0, rate, 0
    if action == PUSH:
        return speed, rate, 0
    if action == PULL:
        return -speed, rate, 1
    if action == PRESS:
        return HOLD * speed, rate, 0
    return 0.0, rate, 0


@kernel
def _to_face(
    site: np.ndarray, robot_id: np.ndarray, robot_rb: np.ndarray, width: float, radius: float
) -> tuple[float, float, bool]:
    """Where to go to reach a free place at a work face, and whether it is only straight on to the plate."""
    ahead, across = motion.face_frame(site[0], site[1], site[2])
    if (ahead < 1.2 * radius and abs(across) > width / 2) or ahead < 0:
        x, y = motion.circle(ahead, across, site[2], width, radius)
        return x, y, False
    place = motion.free_slot(across, robot_id, robot_rb, site, width, radius)
    if math.isnan(place):
        x, y = motion.from_face(5 * radius - ahead, 0.0, site[2])
        x, y = motion.go_to(math.hypot(x, y), math.atan2(y, x), radius)
        return x, y, False
    off = place - across
    docking = ahead < DOCK and abs(off) < 0.6 * radius
    if docking:
        x, y = motion.from_face(-ahead, 1.5 * off, site[2])
    else:
        x, y = motion.from_face(4 * radius - ahead, off, site[2])
    x, y = motion.go_to(math.hypot(x, y), math.atan2(y, x), 0.5 * radius)
    return x, y, docking
