"""What every tick of a mind takes, compiled: before the arbiter decides, and after all else is decided."""

import math
from typing import Any

import numpy as np

from robots.chance import NOTHING, absorb, uniform
from robots.kernel import kernel
from swarm.engage import CAME_TO_NOTHING, QUIET, WENT_ON, engage
from swarm.features import survey
from swarm.homing import reckon
from swarm.memory import APPROACH, WORK
from swarm.peers import forget
from swarm.report import ACTIONS
from swarm.steer import steer

FOLLOW = ACTIONS.index("follow")
_DRIFT = 2  # purpose of its random draws
_TURN = 3.0  # rad between the outermost directions in which a robot wanders off

#: what a mind has to say in a tick, but for the outcomes
SPEECH = np.dtype(
    [
        ("turn", "u1"),  # 1 where it is the robot's turn to say it
        ("concentrations", "f4", (4,)),  # per strategy, NaN of those that it does not have
        ("waiting", "f4"),
        ("there", "f4"),
        ("site", "i4"),
        ("kind", "i4"),
        ("action", "i1"),
        ("mates", "i1"),
        ("need", "i1"),
        ("distance", "f4"),
        ("concentration", "f4"),
    ]
)


@kernel
def perceive(
    tick: int,
    dt: float,
    stale: int,
    leaving: int,
    late: float,
    hearing: float,
    room: int,
    percepts: Any,
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
    """`swarm.peers.forget`, `swarm.homing.reckon`, `swarm.features.survey`: what they say of their arguments holds."""
    for i in range(heard.shape[0]):
        m = memory[i]
        forget(heard[i], tick, stale, m.site if m.task == WORK else -1, leaving)
        reckon(memory[i], percepts.odometry[i])
    p, avoided, felt = percepts, (avoid_site, avoid_until), (calls, antigen, met, example)
    seen = p.robot_id, p.robot_rb, p.site_id, p.site_rb, p.battery
    survey(tick, dt, stale, late, hearing, room, *seen, own, memory, heard, *avoided, *felt)


@kernel
def proceed(
    tick: int,
    dt: float,
    dwell: float,
    room: int,
    percepts: Any,
    memory: np.ndarray,
    heard: np.ndarray,
    avoid_site: np.ndarray,
    avoid_until: np.ndarray,
    beliefs: np.ndarray,
    calls: np.ndarray,
    picked: np.ndarray,
    news: np.ndarray,
    reward: np.ndarray,
) -> bool:
    """`swarm.engage.engage`, and the `reward` (L,) of its news; whether there are any."""
    p, avoided = percepts, (avoid_site, avoid_until)
    seen = p.site_id, p.site_rb, p.site_kind, p.touch, p.progress
    engage(tick, dt, dwell, room, *seen, memory, heard, *avoided, beliefs, calls, picked, news)
    any_news = False
    for i in range(news.shape[0]):
        any_news = any_news or news[i] != QUIET
        reward[i] = 1.0 if news[i] == WENT_ON else -1.0 if news[i] == CAME_TO_NOTHING else 0.0
    return any_news


@kernel
def respond(
    tick: int,
    dt: float,
    seeds: np.ndarray,
    period: int,
    interval: int,
    speed: float,
    turn: float,
    radius: float,
    width: float,
    percepts: Any,
    own: np.ndarray,
    memory: np.ndarray,
    antigen: np.ndarray,
    reports: np.ndarray,
    commands: np.ndarray,
    speeches: np.ndarray,
) -> bool:
    """Wander, `swarm.steer.steer`, and fill in what each robot reports and what it has to say.

    Now and then, in a quarter of each `period` ticks, a robot wanders off in another direction, otherwise
    straight on; `seeds` (L,) are those of their missions. `reports` (L,) hold this tick's concentrations already.
    Each robot speaks every `interval` ticks; whether it is anyone's turn.
    """
    for i in range(memory.shape[0]):
        turns = tick + 7 * own[i]  # not all at once
        memory[i].drift = 0.0
        if turns % period < period // 4:
            key = absorb(absorb(absorb(absorb(NOTHING, seeds[i]), own[i]), turns // period), _DRIFT)
            memory[i].drift = (uniform(key, 0) - 0.5) * _TURN
    p = percepts
    ring, seen, where, touch = p.proximity, p.robot_id, p.robot_rb, p.touch
    steer(speed, turn, radius, width, ring, seen, where, p.site_id, p.site_rb, p.site_face, touch, memory, commands)
    anyone = False
    for i in range(memory.shape[0]):
        m, report, speech = memory[i], reports[i], speeches[i]
        report.strategy, report.task, report.action = m.strategy, m.task, m.action
        report.site, report.waiting = m.site, m.waiting
        for k in range(report.concentration.shape[0]):
            speech.concentrations[k] = report.concentration[k]
            has = not math.isnan(report.concentration[k])
            report.antigen[k] = antigen[i, k] if has and k < antigen.shape[1] else math.nan
        site = m.site if m.site >= 0 else m.aim
        speech.waiting, speech.site, speech.kind = m.waiting, site, m.kind if site >= 0 else 0
        speech.need, speech.distance, speech.concentration = 1, m.away if site >= 0 else 0.0, m.bid
        speech.turn = 1 if (tick + own[i]) % interval == 0 else 0
        anyone = anyone or speech.turn == 1
        speech.action, speech.mates, speech.there = -1, 0, 0.0
        if m.task == WORK or m.task == APPROACH:
            speech.need, speech.concentration = m.need, 1.0
        if m.task == WORK:
            speech.distance, speech.there = 0.0, (tick - m.since) * dt
            speech.action, speech.mates = doing(m.action, m.lead), min(64, m.mates)
    return anyone


@kernel
def doing(action: int, lead: int) -> int:
    """What a robot at work does, as the others see it; `lead` is what the one does that it may follow."""
    return lead if action == FOLLOW else action
