"""From what a robot senses and hears to what its models need: antigens, and the situation at a site."""

import math
from typing import Any

import numpy as np

from robots.kernel import kernel
from swarm.memory import APPROACH, WORK

BITS = 21  # of a situation, see `situation`
CALL = 2.0  # how strongly calls for help excite the antigen of aggregation
LONELY = 0.9  # how strongly being alone does
CROWD = 0.7  # m within which idle robots are a crowd
CALLING = 1.0  # s without progress from which a robot at a site is heard as a call
IMPATIENT = (10.0, 30.0)  # s of waiting that the situation tells apart
SAME = 0.5  # s within which two robots have waited for equally long


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
def call(heard: Any, distance: float, age: float, hearing: float, stale: float) -> float:
    """How loud a robot's call for help is, 0 to 1: fades with distance (m, of `hearing`) and age (of `stale`)."""
    if heard.site < 0 or heard.action < 0 or heard.waiting < CALLING:
        return 0.0
    return max(0.0, 1 - distance / hearing) * max(0.0, 1 - age / stale)


@kernel
def survey(
    tick: int,
    stale: int,
    hearing: float,
    room: int,
    robot_id: np.ndarray,
    robot_rb: np.ndarray,
    own: np.ndarray,
    memory: np.ndarray,
    heard: np.ndarray,
    avoid_site: np.ndarray,
    avoid_until: np.ndarray,
    antigen: np.ndarray,
    met: np.ndarray,
    loudest: np.ndarray,
) -> None:
    """Read the room: antigens (L, 2), mean concentrations met (L, 2), the loudest call (L,) as a heard slot.

    `own` (L,) are the robots' numbers, `heard` (L, K) their tables, `room` the robots that a site has
    place for. Writes mates, lead and first into `memory`. A call counts if its caller can be seen or is
    within hearing, its site is not avoided and has room left.
    """
    for i in range(memory.shape[0]):
        m = memory[i]
        mates, lead, lead_wait, lead_id = 0, -1, -1.0, -1
        first = True
        calls, best, best_slot = 0.0, 0.0, -1
        aggregate, disperse, count, crowd = 0.0, 0.0, 0, 0.0
        for j in range(heard.shape[1]):
            h = heard[i, j]
            if h.id < 0:
                continue
            age = tick - h.tick
            seen = place_of(robot_id[i], h.id)
            distance = robot_rb[i, seen, 0] if seen >= 0 else 0.9 * hearing
            aggregate += h.aggregate
            disperse += h.disperse
            count += 1
            if h.site < 0 and distance < CROWD:
                crowd += 1 - distance / CROWD
            if m.task == WORK and h.site == m.site:
                if h.action >= 0:
                    mates += 1
                    if h.waiting > lead_wait + SAME or (abs(h.waiting - lead_wait) <= SAME and h.id < lead_id):
                        lead, lead_wait, lead_id = h.action, h.waiting, h.id
                continue
            if h.mates + 1 < room and not is_avoided(h.site, tick, avoid_site[i], avoid_until[i]):
                loudness = call(h, distance, age, hearing, stale)
                calls += loudness
                if h.id == m.peer:
                    loudness *= 1.3  # a robot that is on its way does not turn round for little
                if seen >= 0 and loudness > best:
                    best, best_slot = loudness, j
        if lead >= 0 and (lead_wait > m.waiting + SAME or (abs(lead_wait - m.waiting) <= SAME and lead_id < own[i])):
            first = False
        m.mates = min(mates, 100)
        m.lead = -1 if first else lead
        m.first = 1 if first else 0
        if m.task == WORK:
            calls = m.waiting / 10  # who waits for help asks for company
        elif m.task == APPROACH:
            calls *= 0.5
        antigen[i, 0] = 1 - math.exp(-(CALL * calls + LONELY * math.exp(-count)))
        antigen[i, 1] = 1 - math.exp(-(0.5 + crowd))
        met[i, 0] = aggregate / count if count else math.nan
        met[i, 1] = disperse / count if count else math.nan
        loudest[i] = best_slot


def situation(m: np.void) -> int:
    """What a robot at a site decides on, as `BITS` bits.

    ===== =================================================
    bits  meaning
    ===== =================================================
    0-11  signature of the site's beacon
    12-14 at least 1, 2, 3 mates
    15-17 the one who has been there longest does action 0, 1, 2
    18    that one is the robot itself
    19-20 waiting for at least 10 s, 30 s
    ===== =================================================
    """
    word = int(m["kind"]) & 0xFFF
    word |= ((1 << min(3, int(m["mates"]))) - 1) << 12
    if 0 <= m["lead"] < 3:
        word |= 1 << (15 + int(m["lead"]))
    word |= int(m["first"]) << 18
    for b, limit in enumerate(IMPATIENT):
        word |= int(m["waiting"] >= limit) << (19 + b)
    return word
