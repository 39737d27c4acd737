"""From search to work and back: the tasks of a robot, and what it tells its learner.

search: looks for sites · answer: goes to a robot that calls · approach: goes to a work face ·
work: acts there · leave: backs off. Which sites count depends on the strategy; when a decision at a
site is over depends on what came of it.
"""

import math
from typing import Any

import numpy as np

from robots.kernel import kernel
from swarm.features import is_avoided, place_of
from swarm.memory import AGGREGATE, ANSWER, APPROACH, HOMING, LEAVE, SEARCH, WORK
from swarm.needs import believed

QUIET, DECIDE, WENT_ON, CAME_TO_NOTHING, GONE = range(5)  # what `engage` tells about a robot

DWELL = 3.0  # s that a decision lasts without progress, from when others can have heard of it
STALL = 1.0  # s without progress after which work that went on counts as stuck
REACT = 0.6  # s after a decision before changes around a site count
LOST = 2.0  # s out of sight after which a site is given up
TIMEOUT = 25.0  # s on the way to a work face after which it counts as out of reach
RETREAT = 2.0  # s of backing off
AVOID = 25.0  # s that a site is avoided after leaving it
STEP = 0.05  # progress that is told from creeping, and from what a bump gains (at most 0.04 was seen)


@kernel
def engage(
    tick: int,
    dt: float,
    dwell: float,
    room: int,
    site_id: np.ndarray,
    site_rb: np.ndarray,
    site_kind: np.ndarray,
    touch: np.ndarray,
    progress: np.ndarray,
    memory: np.ndarray,
    heard: np.ndarray,
    avoid_site: np.ndarray,
    avoid_until: np.ndarray,
    beliefs: np.ndarray,
    calls: np.ndarray,
    picked: np.ndarray,
    news: np.ndarray,
) -> None:
    """Move all robots' tasks on by one tick; `news` (L,) says whose decision is due, and after what.

    A decision without progress lasts `dwell` s.
    `picked` (L,) is the slot in `calls` (L, C) of the call that a robot answers if it aggregates and is free, or waits
    in vain where more are missing, -1: none.
    """
    for i in range(memory.shape[0]):
        m = memory[i]
        news[i] = QUIET
        here = place_of(site_id[i], m.site) if m.site >= 0 else -1
        if here >= 0:
            m.seen = tick
            m.kind = site_kind[i, here]
            m.away = site_rb[i, here, 0]
        if m.task == WORK:
            news[i] = _work(m, tick, dt, dwell, touch[i], progress[i])
            if news[i] == QUIET and picked[i] >= 0 and _is_called_away(m, dwell, calls[i, picked[i]]):
                _give_up(m, tick)
                m.open = 0  # cut short, the decision says nothing
        elif m.task == APPROACH:
            if touch[i] == m.site and m.site >= 0:
                _begin(m, WORK, tick)
                m.waiting, m.progress, m.gained, m.tried = 0.0, progress[i], 0.0, 0
                m.known_mates, m.known_lead = -1, -1
                news[i] = DECIDE
            elif (tick - m.since) * dt > TIMEOUT or (
                committed(m.site, m.away, heard[i]) >= room and (tick - m.since) * dt > 3
            ):
                keep_away(m.site, tick + round(AVOID / dt), avoid_site[i], avoid_until[i])
                _give_up(m, tick)
            elif (tick - m.seen) * dt > LOST:
                _give_up(m, tick)
        elif m.task == LEAVE and (tick - m.since) * dt > RETREAT:
            _give_up(m, tick)
        if m.task == SEARCH or m.task == ANSWER:
            call = calls[i, max(0, picked[i])]
            called = call.site if m.strategy == AGGREGATE and picked[i] >= 0 else -1
            avoided = avoid_site[i], avoid_until[i]
            around = site_id[i], site_rb[i], site_kind[i]
            _look_around(tick, room, *around, m, heard[i], *avoided, beliefs[i], call, called)


@kernel
def committed(site: int, away: float, heard: np.ndarray) -> int:
    """Robots heard at a site, or on their way to it and closer than `away` m."""
    count = 0
    for j in range(heard.shape[0]):
        if heard[j].id >= 0 and heard[j].site == site and (heard[j].action >= 0 or heard[j].distance < away):
            count += 1
    return count


@kernel
def keep_away(site: int, until: int, avoid_site: np.ndarray, avoid_until: np.ndarray) -> None:
    """Avoid `site` until a tick, in the place of what would be avoided for the shortest time."""
    slot = 0
    for j in range(avoid_site.shape[0]):
        if avoid_site[j] == site:
            slot = j
            break
        if avoid_until[j] < avoid_until[slot]:
            slot = j
    avoid_site[slot], avoid_until[slot] = site, until


@kernel
def _begin(m: Any, task: int, tick: int) -> None:
    m.task = task
    m.since = tick


@kernel
def _give_up(m: Any, tick: int) -> None:
    _begin(m, SEARCH, tick)
    m.site, m.aim, m.action, m.peer, m.waiting = -1, -1, -1, -1, 0.0


@kernel
def _work(m: Any, tick: int, dt: float, dwell: float, touch: int, progress: float) -> int:
    """One tick at a work face: news for the learner."""
    if touch == m.site:
        gain = progress - m.progress
        if gain > STEP or gain < 0:
            m.progress = progress
        if progress >= 1:
            if m.gained <= 0:  # came as the others finished it
                m.movers = m.same
            return WENT_ON
        if gain > STEP:
            m.gained += gain
            m.movers = m.same
            m.waiting = 0.0
        else:
            m.waiting += dt
    else:
        m.waiting += dt
        if (tick - m.seen) * dt > LOST:
            return GONE
    elapsed = (tick - m.decided) * dt
    if m.gained > 0:
        return WENT_ON if m.waiting >= STALL else QUIET
    changed = m.mates != m.known_mates or m.lead != m.known_lead
    if elapsed >= dwell or (changed and elapsed >= REACT):
        return CAME_TO_NOTHING
    return QUIET


@kernel
def _is_called_away(m: Any, patience: float, call: Any) -> bool:
    """Has a robot waited in vain for `patience` s, and does it aggregate, called to where fewer are missing?

    So those that wait at several sites, too few at each, come together at one.
    """
    if m.strategy != AGGREGATE or m.waiting < patience:
        return False
    missing = max(1, call.need - call.mates)
    return bool(call.rivals < missing < m.need - 1 - m.mates)


@kernel
def _look_around(
    tick: int,
    room: int,
    site_id: np.ndarray,
    site_rb: np.ndarray,
    site_kind: np.ndarray,
    m: Any,
    heard: np.ndarray,
    avoid_site: np.ndarray,
    avoid_until: np.ndarray,
    beliefs: np.ndarray,
    call: Any,
    called: int,
) -> None:
    """A free robot takes a site in sight, or answers `call` from the site `called`, or goes on searching.

    Robots that aggregate take the site they are called to, or any where nobody calls; those that disperse
    leave sites to whoever is there or closer, and so do those that search; those that go home take none.
    """
    best, found = math.inf, -1
    for j in range(site_id.shape[0]):
        if m.strategy == HOMING:
            break
        site = site_id[j]
        if site < 0 or is_avoided(site, tick, avoid_site, avoid_until) or (called >= 0 and site != called):
            continue
        if committed(site, site_rb[j, 0], heard) >= (room if m.strategy == AGGREGATE else 1):
            continue
        if site_rb[j, 0] < best:
            best, found = site_rb[j, 0], j
    if found >= 0:
        _begin(m, APPROACH, tick)
        m.site, m.kind, m.seen, m.away = site_id[found], site_kind[found], tick, site_rb[found, 0]
        m.aim, m.peer = -1, -1
        m.need = believed(beliefs, site_kind[found])
    elif called >= 0:
        if m.task != ANSWER:
            _begin(m, ANSWER, tick)
        m.aim, m.kind, m.away, m.peer = call.site, call.kind, call.distance, call.peer
    elif m.task != SEARCH:
        _begin(m, SEARCH, tick)
        m.aim, m.peer = -1, -1
