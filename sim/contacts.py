"""Contacts in the plane: discs that push discs, walls and plates on rails, solved by sequential impulses.

A tick is cut into steps of h s. In each, drives and springs give every body the velocity that it would have
alone; then impulses are passed through all contacts, again and again, until nobody moves into anybody: an
impulse only pushes, and one that was too large is taken back (Catto 2006). A contact that is not closed yet
leaves its gap to be closed in the step, so nothing bounces and nothing tunnels. What overlaps all the same is
moved apart afterwards, robots only, without a trace in their velocities: overlap never moves a plate.

A plate on its rail answers the impulses it got exactly: it stays where it is while they are within what the
brake holds, and it never goes back. Grippers are ropes: contacts that pull.

All orders are those of the robots' and plates' numbers, so a robot's way does not depend on how many others
there are elsewhere.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from robots.kernel import kernel
from sim.buckets import sort, span
from sim.walls import Grid, bucket_of

SWEEPS = 16  # through all contacts of a step, for velocities, at most
SLIGHT = 1e-6  # N s, an impulse that would change by less stays as it is: 2 um/s of a robot
TIDY = 2  # sweeps that move apart what overlaps

#: a plate on its rail; times and forces in SI units
PLATE = np.dtype(
    [
        ("number", "i4"),
        ("x", "f8"),  # m, middle of the work face at the start
        ("y", "f8"),
        ("nx", "f8"),  # its outward normal
        ("ny", "f8"),
        ("way", "f8"),  # 1: moves along the normal (pull), -1: against it
        ("mass", "f8"),  # kg
        ("brake", "f8"),  # N that it takes to move it; 0: it has a spring
        ("need", "f8"),  # N, a spring's, that count as held
        ("spring", "f8"),  # N/m
        ("damping", "f8"),  # N s/m
        ("reach", "f8"),  # m, end of the rail
        ("travel", "f8"),  # m, how far it has come
        ("speed", "f8"),  # m/s along the rail
    ]
)

#: what becomes of a plate's speed in one step
RAIL = np.dtype(
    [
        ("light", "f8"),  # 1/kg, damping and spring included
        ("alone", "f8"),  # m/s that it would have without its brake and the ends of its rail
        ("held_up", "f8"),  # m/s that the brake eats
        ("least", "f8"),  # m/s, the ends of the rail
        ("most", "f8"),
        ("speed", "f8"),  # m/s
        ("late", "i4"),  # the sweep in which it got its latest impulse
    ]
)

#: a robot's gripper
GRIP = np.dtype(
    [
        ("plate", "i4"),  # index of the plate it holds, -1 none
        ("across", "f8"),  # m, where on the face, from its middle
        ("length", "f8"),  # m, robot to hold when it closed
    ]
)


class Body(NamedTuple):
    """What all robots have in common, and plates."""

    radius: float  # m
    mass: float  # kg
    drag: float  # N s/m, stall force over free speed
    thick: float  # m, of a plate
    wide: float  # m, of a work face


class Contacts(NamedTuple):
    """Contacts of one step; the first `count` entries count."""

    robot: np.ndarray  # (C,) i4
    other: np.ndarray  # (C,) i4, a robot; -1 a wall; -2 - k plate k
    box: np.ndarray  # (C,) i4, of a wall
    rope: np.ndarray  # (C,) bool, a gripper: it pulls
    normal: np.ndarray  # (C, 2) from the other to the robot, the other way round for a rope
    along: np.ndarray  # (C,) of a plate's velocity along its rail, this part is along the normal
    stiff: np.ndarray  # (C,) kg, impulse for a change of the speed at which the gap opens
    slack: np.ndarray  # (C,) m/s at which the gap may close
    push: np.ndarray  # (C,) N s, impulse so far


@kernel
def advance_all(
    pose: np.ndarray,
    velocity: np.ndarray,
    wanted: np.ndarray,
    grips: np.ndarray,
    plates: np.ndarray,
    ends: np.ndarray,
    walls: Grid,
    body: Body,
    steps: int,
    fresh: int,
    h: float,
) -> None:
    """`advance` for K worlds: (K, N, ...) arrays; world k has the plates from ends[k] to ends[k + 1]."""
    for k in range(len(pose)):
        mine = plates[ends[k] : ends[k + 1]]
        advance(pose[k], velocity[k], wanted[k], grips[k], mine, walls, body, steps, fresh, h)


@kernel
def advance(
    pose: np.ndarray,
    velocity: np.ndarray,
    wanted: np.ndarray,
    grips: np.ndarray,
    plates: np.ndarray,
    walls: Grid,
    body: Body,
    steps: int,
    fresh: int,
    h: float,
) -> None:
    """Move all robots and plates on by `steps` steps of `h` s, in place.

    `pose` (N, 3) x, y, heading; `velocity` (N, 3) m/s, m/s, rad/s; `wanted` (N, 2) speed ahead and turn rate
    that the drives are told; `grips` (N,) GRIP; `plates` (S,) PLATE. Who is near whom is looked up anew every
    `fresh` steps; a robot moves less than half its radius in these, and less than an eighth of it in one step.
    """
    near = np.zeros((0, 3), np.int32)
    contacts = _room(0)
    rails, late = np.zeros(len(plates), RAIL), np.zeros(len(pose), np.int32)
    for step in range(steps):
        if step % fresh == 0:
            near = _near(pose, plates, walls, body)
            contacts = _room(len(near) + len(pose))
        _drive(pose, velocity, wanted, body, h)
        for k in range(len(plates)):
            p, rail = plates[k], rails[k]
            rail.light = 1 / (p.mass + h * p.damping + h * h * p.spring)
            rail.alone = (p.mass * p.speed - h * p.spring * p.travel) * rail.light
            rail.held_up = h * p.brake * rail.light
            rail.least = 0.0 if p.brake > 0 else -p.travel / h  # a rail with a brake moves one way
            rail.most = (p.reach - p.travel) / h
            rail.speed, rail.late = _answer(rail), 0
        weight = 1 / (body.mass + h * body.drag)
        count = _close(near, contacts, pose, grips, plates, rails, walls, body, weight, h)
        late[:] = 0
        for sweep in range(1, SWEEPS + 1):
            if not _sweep(contacts, count, velocity, rails, weight, sweep, late):
                break
        for i in range(len(pose)):
            for axis in range(3):
                pose[i, axis] += h * velocity[i, axis]
        for k in range(len(plates)):
            plates[k].speed = rails[k].speed
            plates[k].travel += h * plates[k].speed
        for _ in range(TIDY):
            _tidy(contacts, count, pose, grips, plates, walls, body)
    for i in range(len(pose)):
        pose[i, 2] = math.pi - (math.pi - pose[i, 2]) % (2 * math.pi)


@kernel
def hold_point(plate: Any, across: float) -> tuple[float, float]:
    """A point of a plate's work face, `across` m from its middle."""
    ahead = plate.way * plate.travel
    return plate.x + ahead * plate.nx - across * plate.ny, plate.y + ahead * plate.ny + across * plate.nx


@kernel
def _drive(pose: np.ndarray, velocity: np.ndarray, wanted: np.ndarray, body: Body, h: float) -> None:
    """DC motors: a force in proportion to the command, drag in proportion to the velocity, implicit in time."""
    keep = body.mass / (body.mass + h * body.drag)
    for i in range(len(pose)):
        speed = (1 - keep) * wanted[i, 0]
        velocity[i, 0] = keep * velocity[i, 0] + speed * math.cos(pose[i, 2])
        velocity[i, 1] = keep * velocity[i, 1] + speed * math.sin(pose[i, 2])
        velocity[i, 2] = keep * velocity[i, 2] + (1 - keep) * wanted[i, 1]


@kernel
def _answer(rail: Any) -> float:
    """Speed of a plate: what its brake leaves, within the ends of its rail."""
    return float(min(max(rail.alone - rail.held_up, rail.least), rail.most))


@kernel
def _near(pose: np.ndarray, plates: np.ndarray, walls: Grid, body: Body) -> np.ndarray:
    """Whom a robot may come to touch before this is asked again: (C, 3) robot, other, box, see `Contacts`."""
    margin = body.radius  # two robots may come so much nearer
    out = np.empty((2 * len(pose) + 16, 3), np.int32)
    count = 0
    reach = 2 * body.radius + margin
    buckets = sort(pose, reach)
    for i in range(len(pose)):
        first = count
        left, right, low, high = span(buckets, pose[i, 0], pose[i, 1], reach)
        for row in range(low, high + 1):
            for place in range(
                buckets.start[row * buckets.columns + left], buckets.start[row * buckets.columns + right + 1]
            ):
                j = buckets.order[place]
                dx, dy = pose[j, 0] - pose[i, 0], pose[j, 1] - pose[i, 1]
                if j > i and dx * dx + dy * dy < reach * reach:
                    out, count = _insert(out, count, first, i, j, -1)
    reach = body.radius + margin
    for k in range(len(plates)):
        first, p = count, plates[k]
        ahead = p.way * p.travel - body.thick / 2
        x, y = p.x + ahead * p.nx, p.y + ahead * p.ny
        left, right, low, high = span(buckets, x, y, reach + (body.thick + body.wide) / 2)
        for row in range(low, high + 1):
            for place in range(
                buckets.start[row * buckets.columns + left], buckets.start[row * buckets.columns + right + 1]
            ):
                i = buckets.order[place]
                gap, _, _ = _plate_gap(p, pose[i, 0], pose[i, 1], body)
                if gap < margin:
                    out, count = _insert(out, count, first, i, -2 - k, -1)
    for i in range(len(pose)):
        x, y = pose[i, 0] - walls.left, pose[i, 1] - walls.bottom
        left, right = bucket_of(x - reach, walls.cell, walls.columns), bucket_of(x + reach, walls.cell, walls.columns)
        low, high = bucket_of(y - reach, walls.cell, walls.rows), bucket_of(y + reach, walls.cell, walls.rows)
        for row in range(low, high + 1):
            for column in range(left, right + 1):
                c = row * walls.columns + column
                for b in range(walls.start[c], walls.start[c + 1]):
                    wx, wy, wide, deep = walls.boxes[b]
                    gap, _, _ = _box_gap(x - wx, y - wy, wide / 2, deep / 2)
                    if gap < reach:
                        out, count = _insert(out, count, count, i, -1, b)
    return out[:count]


@kernel
def _insert(out: np.ndarray, count: int, first: int, robot: int, other: int, box: int) -> tuple[np.ndarray, int]:
    """`out` with one more entry, in order of (robot, other) among those from `first` on."""
    if count == len(out):
        more = np.empty((2 * len(out), 3), np.int32)
        more[:count] = out
        out = more
    place = count
    while place > first and (out[place - 1, 0], out[place - 1, 1]) > (robot, other):
        out[place] = out[place - 1]
        place -= 1
    out[place, 0], out[place, 1], out[place, 2] = robot, other, box
    return out, count + 1


@kernel
def _room(size: int) -> Contacts:
    return Contacts(
        np.empty(size, np.int32),
        np.empty(size, np.int32),
        np.empty(size, np.int32),
        np.empty(size, np.bool_),
        np.empty((size, 2)),
        np.empty(size),
        np.empty(size),
        np.empty(size),
        np.empty(size),
    )


@kernel
def _box_gap(x: float, y: float, wide: float, deep: float) -> tuple[float, float, float]:
    """Way from a box of half sides wide, deep about the origin to (x, y), and its direction; negative inside."""
    dx, dy = abs(x) - wide, abs(y) - deep
    sx, sy = 1.0 if x >= 0 else -1.0, 1.0 if y >= 0 else -1.0
    if dx > 0 and dy > 0:
        gap = math.sqrt(dx * dx + dy * dy)
        return gap, sx * dx / gap, sy * dy / gap
    if dx > dy:
        return dx, sx, 0.0
    return dy, 0.0, sy


@kernel
def _plate_gap(plate: Any, x: float, y: float, body: Body) -> tuple[float, float, float]:
    """Gap between a robot at (x, y) and a plate in m, and the direction from the plate to the robot."""
    nx, ny = plate.nx, plate.ny
    ahead = plate.way * plate.travel - body.thick / 2
    rx, ry = x - plate.x - ahead * nx, y - plate.y - ahead * ny
    gap, u, v = _box_gap(nx * rx + ny * ry, nx * ry - ny * rx, body.thick / 2, body.wide / 2)
    return gap - body.radius, u * nx - v * ny, u * ny + v * nx


@kernel
def _gap(
    robot: int, other: int, box: int, pose: np.ndarray, plates: np.ndarray, walls: Grid, body: Body
) -> tuple[float, float, float]:
    """Gap in m between a robot and what it is near, and the direction to the robot; negative: they overlap."""
    x, y = pose[robot, 0], pose[robot, 1]
    if other >= 0:
        dx, dy = x - pose[other, 0], y - pose[other, 1]
        apart = math.sqrt(dx * dx + dy * dy)
        if apart == 0:
            return -2 * body.radius, 1.0, 0.0
        return apart - 2 * body.radius, dx / apart, dy / apart
    if other == -1:
        wx, wy, wide, deep = walls.boxes[box]
        gap, nx, ny = _box_gap(x - walls.left - wx, y - walls.bottom - wy, wide / 2, deep / 2)
        return gap - body.radius, nx, ny
    return _plate_gap(plates[-2 - other], x, y, body)


@kernel
def _rope(i: int, pose: np.ndarray, grips: np.ndarray, plates: np.ndarray) -> tuple[float, float, float]:
    """How much a closed gripper's rope could still lengthen in m, and the direction from hold to robot."""
    x, y = hold_point(plates[grips[i].plate], grips[i].across)
    dx, dy = pose[i, 0] - x, pose[i, 1] - y
    apart = max(math.sqrt(dx * dx + dy * dy), 1e-9)
    return grips[i].length - apart, dx / apart, dy / apart


@kernel
def _close(
    near: np.ndarray,
    contacts: Contacts,
    pose: np.ndarray,
    grips: np.ndarray,
    plates: np.ndarray,
    rails: np.ndarray,
    walls: Grid,
    body: Body,
    weight: float,
    h: float,
) -> int:
    """Enter the contacts that may close in this step: their number. `weight` is 1 / kg of a robot, drag included."""
    soon = body.radius / 4  # m; nobody moves as far in a step
    count = 0
    for c in range(-len(pose), len(near)):
        rope = c < 0
        if rope:
            robot, box = c + len(pose), -1
            if grips[robot].plate < 0:
                continue
            other = -2 - grips[robot].plate
            gap, nx, ny = _rope(robot, pose, grips, plates)
        else:
            robot, other, box = near[c]
            gap, nx, ny = _gap(robot, other, box, pose, plates, walls, body)
        if gap < soon:
            contacts.robot[count], contacts.other[count], contacts.box[count] = robot, other, box
            contacts.rope[count] = rope
            if rope:
                nx, ny = -nx, -ny
            along, easy, k = 0.0, weight, -2 - other
            if other >= 0:
                easy += weight
            elif k >= 0:
                along = plates[k].way * (plates[k].nx * nx + plates[k].ny * ny)
                easy += along * along * rails[k].light
            contacts.normal[count, 0], contacts.normal[count, 1] = nx, ny
            contacts.along[count], contacts.stiff[count] = along, 1 / easy
            contacts.slack[count] = max(gap, 0.0) / h
            contacts.push[count] = 0.0
            count += 1
    return count


@kernel
def _sweep(
    contacts: Contacts,
    count: int,
    velocity: np.ndarray,
    rails: np.ndarray,
    weight: float,
    sweep: int,
    late: np.ndarray,
) -> bool:
    """Pass impulses through all contacts once; has anything changed? `weight` is 1 / kg of a robot, drag included.

    `late` (N,) and `RAIL` have the number of the sweep, from 1, in which a robot or a plate got its latest
    impulse: a contact none of whose two got one since it was looked at itself is left alone.
    """
    changed, settled = False, sweep - 2
    for c in range(count):
        i, other = contacts.robot[c], contacts.other[c]
        if late[i] <= settled and (other == -1 or (late[other] if other >= 0 else rails[-2 - other].late) <= settled):
            continue
        nx, ny, before = contacts.normal[c, 0], contacts.normal[c, 1], contacts.push[c]
        opening = nx * velocity[i, 0] + ny * velocity[i, 1]
        if other >= 0:
            opening -= nx * velocity[other, 0] + ny * velocity[other, 1]
        elif other < -1:
            opening -= contacts.along[c] * rails[-2 - other].speed
        push = max(0.0, before - (opening + contacts.slack[c]) * contacts.stiff[c])
        more = push - before
        if abs(more) < SLIGHT:
            continue
        changed, contacts.push[c], late[i] = True, push, sweep
        change = weight * more
        velocity[i, 0] += change * nx
        velocity[i, 1] += change * ny
        if other >= 0:
            late[other] = sweep
            velocity[other, 0] -= change * nx
            velocity[other, 1] -= change * ny
        elif other < -1:
            rail = rails[-2 - other]
            rail.alone -= contacts.along[c] * more * rail.light
            rail.speed, rail.late = _answer(rail), sweep
    return changed


@kernel
def _tidy(
    contacts: Contacts,
    count: int,
    pose: np.ndarray,
    grips: np.ndarray,
    plates: np.ndarray,
    walls: Grid,
    body: Body,
) -> None:
    """Move robots out of what they overlap; walls come last and have the last word."""
    for c in range(count):
        i, other = contacts.robot[c], contacts.other[c]
        if contacts.rope[c]:
            gap, nx, ny = _rope(i, pose, grips, plates)
            nx, ny = -nx, -ny
        else:
            gap, nx, ny = _gap(i, other, contacts.box[c], pose, plates, walls, body)
        if gap >= 0:
            continue
        share = 0.5 if other >= 0 else 1.0
        pose[i, 0] -= share * gap * nx
        pose[i, 1] -= share * gap * ny
        if other >= 0:
            pose[other, 0] += share * gap * nx
            pose[other, 1] += share * gap * ny
