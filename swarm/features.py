"""From what a robot senses and hears to what its models need: antigens, calls, company at a site."""

import math
from typing import Any

import numpy as np

from robots.kernel import kernel
from swarm.calls import slot_for
from swarm.homing import demand, idle
from swarm.memory import APPROACH, HOMING, WORK
from swarm.situation import FOLLOW

CALL = 2.0  # how strongly calls for help excite the antigen of aggregation
LONELY = 0.9  # how strongly being alone does
CROWD = 0.7  # m within which idle robots are a crowd
CALLING = 1.0  # s without progress from which a robot at a site is heard as a call, whatever it takes
SAME = 0.501  # s within which two robots have been at a site for equally long; many differ by five ticks


@kernel
def place_of(ids: np.ndarray, wanted: int) -> int:
    """Index of `wanted` in `ids`, -1 if it is not there."""
    for j in range(ids.shape[0]):
        if ids[j] == wanted:
            return j
    return -1


@kernel
def is_avoided(site: int, tick: int, avoid_site: np.ndarray, avoid_until: np.ndarray) -> bool:
    """Does the robot keep away from `site`?"""
    for j in range(avoid_site.shape[0]):
        if avoid_site[j] == site and avoid_until[j] > tick:
            return True
    return False


@kernel
def is_call(heard: Any) -> bool:
    """Does a robot ask for help: on its way to a site that takes more, at one that does not move, or in vain there?"""
    if heard.site < 0:
        return False
    if heard.action < 0:
        return bool(heard.need > 1)
    return bool(heard.waiting >= CALLING or (heard.waiting > 0 and heard.need > heard.mates + 1))


@kernel
def call(heard: Any, distance: float, age: float, hearing: float, stale: float) -> float:
    """How loud a robot's call for help is, 0 to 1: fades with distance (m, of `hearing`) and age (of `stale`)."""
    if not is_call(heard):
        return 0.0
    return max(0.0, 1 - distance / hearing) * max(0.0, 1 - age / stale)


@kernel
def survey(
    tick: int,
    dt: float,
    stale: int,
    late: float,
    hearing: float,
    room: int,
    robot_id: np.ndarray,
    robot_rb: np.ndarray,
    site_id: np.ndarray,
    site_rb: np.ndarray,
    battery: np.ndarray,
    own: np.ndarray,
    memory: np.ndarray,
    heard: np.ndarray,
    avoid_site: np.ndarray,
    avoid_until: np.ndarray,
    calls: np.ndarray,
    antigen: np.ndarray,
    met: np.ndarray,
    example: np.ndarray,
) -> None:
    """Read the room: antigens (L, B), concentrations met (L, B), their mean and those of the surest robot, calls.

    B is 2 or 4, the strategies that there are antigens for.
    `battery` (L,) is the charge, `own` (L,) are the robots' numbers, `heard` (L, K) their tables, `room` the robots
    that a site has place for. What robots feel counts for `stale` ticks after they were heard. How long they have
    been at a site, which says who leads, was true `late` s before that. Writes mates, lead, first, idle and rest into
    `memory` and moves `calls` (L, C) on. A call counts if its caller is within hearing, its
    site is not avoided and has room left; it has a place in `calls` if the robot sees the caller, so that it knows
    where to go.
    """
    antibodies = antigen.shape[1]
    known = np.empty(antibodies, np.int64)  # robots heard that have them
    for i in range(memory.shape[0]):
        m = memory[i]
        mates, lead, longest, lead_id = 0, -1, -1.0, -1
        first = True
        loudness = 0.0
        count, crowd, surest = 0, 0.0, -1.0
        for k in range(antibodies):
            known[k], met[i, k], example[i, k] = 0, 0.0, math.nan
        for c in range(calls.shape[1]):
            calls[i, c].loudness, calls[i, c].distance, calls[i, c].peer = 0.0, math.inf, -1
        for j in range(heard.shape[1]):
            h = heard[i, j]
            if h.id < 0:
                continue
            age = tick - h.tick
            seen = place_of(robot_id[i], h.id)
            distance = robot_rb[i, seen, 0] if seen >= 0 else 0.9 * hearing
            if age <= stale:
                count += 1
                surest = _feel(h, known, met[i], example[i], surest)
                if h.site < 0 and distance < CROWD:
                    crowd += 1 - distance / CROWD
            if m.task == WORK and h.site == m.site:
                if h.action >= 0:
                    mates += 1
                    there = float(h.there) + (age + 1) * dt + late  # by now: it was said a tick before it is heard
                    if there > longest + SAME or (abs(there - longest) <= SAME and h.id < lead_id):
                        lead, longest, lead_id = h.action, there, h.id
                continue
            if h.mates + 1 < room and not is_avoided(h.site, tick, avoid_site[i], avoid_until[i]):
                loudness += call(h, distance, age, hearing, stale)
                if seen >= 0 and is_call(h) and distance < hearing:
                    _enter(calls[i], h, distance, age * dt, hearing)
        here = (tick - m.since) * dt
        if lead >= 0 and (longest > here + SAME or (abs(longest - here) <= SAME and lead_id < own[i])):
            first = False
        _weigh(own[i], site_id[i], site_rb[i], heard[i], calls[i])
        m.mates = min(mates, 100)
        m.lead = -1 if first else lead
        m.first = 1 if first else 0
        m.same = _same(m, heard[i])
        if antibodies > 2:
            idle(m, dt, _in_sight(tick, site_id[i], avoid_site[i], avoid_until[i]), m.strategy == HOMING)
            antigen[i, 2], antigen[i, 3] = demand(m, CALL * loudness, battery[i])
        if m.task == WORK:
            loudness = m.waiting / 10  # who waits for help asks for company
        elif m.task == APPROACH:
            loudness *= 0.5
        antigen[i, 0] = 1 - math.exp(-(CALL * loudness + LONELY * math.exp(-count)))
        antigen[i, 1] = 1 - math.exp(-(0.5 + crowd))
        for k in range(antibodies):
            met[i, k] = met[i, k] / known[k] if known[k] else math.nan


@kernel
def _feel(h: Any, known: np.ndarray, met: np.ndarray, example: np.ndarray, surest: float) -> float:
    """Add what a robot feels to what was `met` (B,); of the surest so far it is the `example`. How sure that one is."""
    sure = -1.0
    for k in range(met.shape[0]):
        if not math.isnan(h.concentrations[k]):
            known[k] += 1
            met[k] += h.concentrations[k]
            sure = max(sure, h.concentrations[k])
    if sure <= surest:
        return surest
    for k in range(met.shape[0]):
        example[k] = h.concentrations[k]
    return sure


@kernel
def _in_sight(tick: int, site_id: np.ndarray, avoid_site: np.ndarray, avoid_until: np.ndarray) -> bool:
    """Does a robot see a site that it does not keep away from?"""
    for j in range(site_id.shape[0]):
        if site_id[j] >= 0 and not is_avoided(site_id[j], tick, avoid_site, avoid_until):
            return True
    return False


@kernel
def _same(m: Any, heard: np.ndarray) -> int:
    """Robots at work at the same site that do the same, itself included."""
    action, count = m.lead if m.action == FOLLOW else m.action, 1
    for j in range(heard.shape[0]):
        if heard[j].id >= 0 and heard[j].site == m.site and heard[j].action == action:
            count += 1
    return min(count, 100)


@kernel
def _enter(calls: np.ndarray, h: Any, distance: float, age: float, hearing: float) -> None:
    """Enter a caller `h` (m, s) into a robot's table (C,)."""
    loudness = 1 - distance / hearing
    slot = slot_for(calls, h.site, loudness)
    if slot < 0:
        return
    c = calls[slot]
    if c.site != h.site or c.peer < 0:  # the first caller from there in this tick
        c.site, c.kind, c.loudness, c.distance = h.site, h.kind, 0.0, math.inf
        c.age, c.waiting, c.mates, c.need = age, 0.0, 0, 1
    c.loudness += loudness
    if distance < c.distance:
        c.distance, c.peer = distance, h.id
    c.age = min(c.age, age)
    c.waiting = max(c.waiting, h.waiting)
    if h.action >= 0:
        c.mates = max(c.mates, min(h.mates, 64) + 1)
    c.need = max(c.need, h.need)


@kernel
def _weigh(own: int, site_id: np.ndarray, site_rb: np.ndarray, heard: np.ndarray, calls: np.ndarray) -> None:
    """Free the slots of a robot's calls (C,) that are heard no more; how far the others are, and who is closer."""
    for slot in range(calls.shape[0]):
        c = calls[slot]
        c.rivals, c.bids = 0, 0.0
        if c.peer < 0:
            c.site = -1
        if c.site < 0:
            continue
        here = place_of(site_id, c.site)
        if here >= 0:
            c.distance = site_rb[here, 0]
        for j in range(heard.shape[0]):
            h = heard[j]
            closer = h.distance < c.distance or (h.distance == c.distance and h.id < own)
            if h.id >= 0 and h.site == c.site and h.action < 0 and closer:
                c.rivals += 1
                c.bids += h.concentration
