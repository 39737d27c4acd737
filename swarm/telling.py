"""What a robot tells of its mind, for the log and for watchers: its decisions, and now and then its rules."""

import math

from classifier.population import Rule
from swarm.learners import Readable
from swarm.mind import Mind
from swarm.rules import Decision
from swarm.situation import question

TELL = 60.0  # s, simulated, between two times that a robot tells its rules
MATCHING = 12  # rules that come with a decision
MOST_RULES = 2000  # rules that are told


def decision(mind: Mind, lane: int, now: int) -> Decision | None:
    """The decision of robot `lane` of a stack in this tick, where there is one."""
    m = mind.memory[lane]
    if m["decided"] != now or not (m["open"] or m["left"] == now):
        return None
    word, prediction = int(m["situation"]), float(mind.reports["prediction"][lane])
    known = None if math.isnan(prediction) else round(prediction, 2)
    return Decision(word, int(m["action"]), known, mind.allowed[lane], _read(mind, lane, question(word))[:MATCHING])


def rules(mind: Mind, lane: int, now: int) -> list[Rule] | None:
    """All its rules, when it is time to tell them: once in a while, not all robots at once, and in the last tick."""
    period = max(1, round(TELL / mind.mission.tick))
    last = round(mind.mission.duration / mind.mission.tick) - 1
    if now != last and (now + 1 + 7 * int(mind.ids[lane])) % period:
        return None
    return _read(mind, lane)[:MOST_RULES]


def _read(mind: Mind, lane: int, situation: int | None = None) -> list[Rule]:
    if not isinstance(mind.learner, Readable):
        return []
    found = mind.learner.readable(mind.learner_state, lane, situation)
    return [
        r._replace(prediction=round(r.prediction, 2), error=round(r.error, 2), fitness=round(r.fitness, 5))
        for r in found
    ]
