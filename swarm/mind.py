"""The mind of a robot: one tick from what it senses and hears to what it does and says.

Written once for a stack of L robots, lanes leading; a robot process runs a stack of one, a planar
world thousands. `tick` depends on nothing but its arguments and the mind's state, which it moves on
in place: no clock, no socket, no generator. Lanes never mix.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

import swarm.arbiters
import swarm.learners
from classifier.draws import Draws
from robots.command import COMMAND
from swarm import needs, registry
from swarm.arbiters import Scene, per_strategy
from swarm.calls import loudest, silence
from swarm.credit import PAYOFF, lessons, moved
from swarm.engage import AVOID, CAME_TO_NOTHING, DECIDE, DWELL, GONE, WENT_ON, keep_away
from swarm.learners import Lesson, Moment
from swarm.memory import AVOIDED, LEAVE, SEARCH, newborn
from swarm.mission import Mission
from swarm.peers import LEAVING, STALE
from swarm.reflex import FOLLOW, SPEECH, perceive, proceed, respond
from swarm.report import ACTIONS, none_yet
from swarm.situation import SIGNATURE, behind, company, deed, explorer, question, situation
from swarm.wire import OUTCOMES, Outcome, Signal

FADE = 0.97  # discount of a pay-off, per second
DRIFT = 2.0  # s between two changes of the direction in which a robot wanders
GIVE_UP = ACTIONS.index("leave")
WINS = 10  # latest successes that a robot goes over again
_DECIDE, _LEARN, _REPLAY = range(3, 6)  # purposes of random draws; the last two count lessons, not ticks


class Speech(NamedTuple):
    """The part of a `swarm.wire.Signal` that comes from the mind."""

    stimulation: tuple[float, ...]
    waiting: float
    there: float
    site: int
    kind: int
    action: int
    mates: int
    need: int
    distance: float
    concentration: float
    told: int
    outcomes: tuple[Outcome, ...]


class Deeds(NamedTuple):
    """What a tick leads to, for L robots."""

    commands: np.ndarray  # (L,) robots.command.COMMAND
    reports: np.ndarray  # (L,) swarm.report.REPORT, the mind's own: its next tick writes into them
    speeches: list[Speech | None]  # None: nothing to say in this tick
    decided: list[int]  # who has just decided what to do at a site


@dataclass
class Mind:
    """Minds of L robots."""

    mission: Mission
    ids: np.ndarray  # (L,) the robots' numbers
    seeds: np.ndarray  # (L,) of their missions
    strategies: int  # B, the most of any of their missions
    share: np.ndarray  # (L,) bool: do they learn from others?
    replay: np.ndarray  # (L,) from how many of the latest successes they learn once more at each
    arbiter: swarm.arbiters.Arbiter
    arbiter_state: Any
    learner: swarm.learners.Learner
    learner_state: Any
    memory: np.ndarray  # (L,) swarm.memory.MEMORY
    avoid_site: np.ndarray  # (L, AVOIDED) beacon numbers
    avoid_until: np.ndarray  # (L, AVOIDED) ticks
    calls: np.ndarray  # (L, C) swarm.calls.CALL
    reward: np.ndarray  # (L,) what work brought in the tick before: 1 it went on, -1 it came to nothing, 0 neither
    needs: np.ndarray  # what it believes that kinds of sites take, see swarm.needs
    wins: np.ndarray  # (L, WINS, 2) situations and actions of the latest successes heard of, -1: none
    outcomes: list[list[tuple[int, Outcome]]]  # per robot: what it tells the others, each with its tick
    reports: np.ndarray  # (L,) the latest
    allowed: list[list[int]]  # per robot: the actions that its latest decision chose from

    @property
    def dwell(self) -> float:
        """Seconds that a decision at a site lasts without progress: others hear of it as late as their radio is."""
        return DWELL + self.mission.radio.delay


def start(mission: Mission, ids: Sequence[int]) -> Mind:
    """Minds for the robots `ids` that know nothing yet. Raises PluginError for unknown names."""
    return begin(mission, ids, *registry.build(mission))


def begin(
    mission: Mission, ids: Sequence[int], arbiter: swarm.arbiters.Arbiter, learner: swarm.learners.Learner
) -> Mind:
    """The same with this arbiter and this learner."""
    lanes = len(ids)
    rules = learner.start(lanes)
    reports = none_yet(lanes)
    reports["prediction"], reports["rules"] = np.nan, learner.rules(rules)
    return Mind(
        mission,
        np.array(ids, np.int64),
        np.full(lanes, mission.seed),
        mission.mind.strategies,
        np.full(lanes, mission.mind.share),
        np.full(lanes, mission.mind.replay),
        arbiter,
        arbiter.start(lanes),
        learner,
        rules,
        newborn(lanes),
        np.full((lanes, AVOIDED), -1, np.int32),
        np.zeros((lanes, AVOIDED), np.int32),
        silence(lanes),
        np.zeros(lanes),
        needs.start(lanes),
        np.full((lanes, WINS, 2), -1, np.int64),
        [[] for _ in ids],
        reports,
        [[] for _ in ids],
    )


def tick(mind: Mind, now: int, percepts: np.ndarray, heard: np.ndarray, lessons: Sequence[Sequence[Outcome]]) -> Deeds:
    """One tick of L robots.

    `now` counts ticks; `percepts` (L,) records of robots.percept; `heard` (L, K) records of
    swarm.peers.HEARD; `lessons` (L,) the outcomes that reached each robot since its last tick.
    """
    mission, memory, reports, lanes = mind.mission, mind.memory, mind.reports, len(mind.ids)
    radio, body, dt = mission.radio, mission.robots, mission.tick
    room, ticks = int(mission.work.face / (2.3 * body.radius)), (round(STALE / dt), round(LEAVING / dt))
    antigen, met, example = (np.empty((lanes, mind.strategies)) for _ in range(3))
    avoided = mind.avoid_site, mind.avoid_until
    felt = mind.calls, antigen, met, example
    perceive(now, dt, *ticks, radio.delay, radio.range, room, percepts, mind.ids, memory, heard, *avoided, *felt)
    scene = Scene(antigen, met, example, mind.calls, memory, mind.reward, mind.ids, now)
    stepped = mind.arbiter.step(mind.arbiter_state, scene)
    if mission.mind.plugins:
        swarm.arbiters.check(mission.mind.arbiter, stepped, lanes)
    mind.arbiter_state, verdict = stepped
    reports["stimulus"], reports["concentration"] = per_strategy(verdict)
    picked, news = _heed(mind, verdict), np.empty(lanes, np.int64)
    newsworthy = proceed(
        now, dt, mind.dwell, room, percepts, memory, heard, *avoided, mind.needs, mind.calls, picked, news, mind.reward
    )
    taught = any(lessons)
    if taught:
        for lane in (lane for lane, outcomes in enumerate(lessons) if outcomes and mind.share[lane]):
            _learn_from_others(mind, lane, now, lessons[lane])
    decided = []
    if newsworthy:
        done, due = percepts["progress"] >= 1, news.nonzero()[0].tolist()
        decided = [lane for lane in due if _settle(mind, lane, now, int(news[lane]), bool(done[lane]))]
    if newsworthy or taught:
        reports["rules"] = mind.learner.rules(mind.learner_state)

    commands, speeches = np.empty(lanes, COMMAND), np.empty(lanes, SPEECH)
    when = max(1, round(DRIFT / dt)), max(1, round(mission.radio.interval / dt))
    limits, out = (body.speed, body.turn, body.radius, mission.work.face), (reports, commands, speeches)
    speak = respond(now, dt, mind.seeds, *when, *limits, percepts, mind.ids, memory, antigen, *out)
    said: list[Speech | None] = _speak(mind, now, speeches) if speak else [None] * lanes
    return Deeds(commands, reports, said, decided)


def _heed(mind: Mind, verdict: swarm.arbiters.Verdict) -> np.ndarray:
    """Do as the arbiter says; the slots (L,) of the calls to answer, the loudest where it names none."""
    mind.memory["strategy"] = verdict.strategy
    if verdict.call is not None and verdict.bid is not None:
        mind.memory["bid"] = verdict.bid
        return np.asarray(verdict.call, np.int64)
    picked = np.empty(len(mind.ids), np.int64)
    loudest(mind.memory, mind.calls, STALE, picked)
    mind.memory["bid"] = verdict.concentration[:, swarm.arbiters.AGGREGATE]
    return picked


def _settle(mind: Mind, lane: int, now: int, news: int, done: bool) -> bool:
    """Pay for the decision that is over, and take the next one where the work is not `done`; whether it did."""
    m = mind.memory[lane]
    _believe(mind, lane, now, news)
    if m["open"] and news in (WENT_ON, GONE):
        _pay(mind, lane, now, PAYOFF if news == WENT_ON else 0.0, future=False)
    if news == GONE or done:
        m["task"], m["since"], m["site"], m["action"], m["waiting"], m["open"] = SEARCH, now, -1, -1, 0.0, 0
        return False
    joined = m["mates"] > m["known_mates"] >= 0
    if news == WENT_ON or m["mates"] != m["known_mates"] or m["lead"] != m["known_lead"]:
        m["tried"] = 0
    elif news != DECIDE:
        m["tried"] |= 1 << int(m["action"])
    lasted = (now - int(m["decided"])) * mind.mission.tick
    if m["open"] and (joined or lasted >= mind.dwell):  # cut short, it says nothing
        _pay(mind, lane, now, 0.0, future=bool(joined))
    _decide(mind, lane, now)
    return True


def _believe(mind: Mind, lane: int, now: int, news: int) -> None:
    """What came of it tells how many robots the site takes."""
    m, beliefs = mind.memory[lane], mind.needs[lane]
    kind, same = int(m["kind"]), int(m["same"])
    if news == WENT_ON:
        needs.learn(beliefs, kind, int(m["movers"]), needs.MOVED, 1.0)
    elif news == CAME_TO_NOTHING:
        lasted = (now - int(m["decided"])) * mind.mission.tick
        needs.learn(beliefs, kind, same, needs.STUCK, min(1.0, needs.VAIN * lasted / mind.dwell))
    need = needs.believed(beliefs, kind)
    in_vain = m["first"] and m["tried"] | 1 << max(0, int(m["action"])) == 2**FOLLOW - 1
    m["need"] = max(need, same + 1) if in_vain and news == CAME_TO_NOTHING else need


def _allowed(m: np.void, dwell: float) -> list[int]:
    """The actions to choose from: the first at a site explores, the others follow.

    The first tries what it has not tried yet before it may leave; the others may leave once it has had
    the time to try everything.
    """
    if m["first"]:
        return [action for action in range(FOLLOW) if not m["tried"] >> action & 1] or [*range(FOLLOW), GIVE_UP]
    return [FOLLOW] if m["waiting"] < FOLLOW * dwell else [FOLLOW, GIVE_UP]


def _decide(mind: Mind, lane: int, now: int) -> None:
    m = mind.memory[lane]
    word = situation(m)
    moment = Moment(now, int(m["lessons"]), _draws(mind, lane, now, _DECIDE))
    mind.allowed[lane] = _allowed(m, mind.dwell)
    choice = mind.learner.decide(mind.learner_state, lane, question(word), mind.allowed[lane], moment)
    if choice.action not in mind.allowed[lane]:
        known = ", ".join(str(action) for action in mind.allowed[lane])
        raise ValueError(f"learner {mind.mission.mind.learner!r}: action {choice.action!r}: must be one of {known}")
    mind.reports["prediction"][lane] = choice.prediction
    m["action"], m["decided"], m["situation"], m["gained"] = choice.action, now, word, 0.0
    m["known_mates"], m["known_lead"], m["open"] = m["mates"], m["lead"], 1
    if choice.action == GIVE_UP:
        _credit_leaving(mind, lane, now, 0.0)
        until = now + round(AVOID / mind.mission.tick)
        keep_away(int(m["site"]), until, mind.avoid_site[lane], mind.avoid_until[lane])
        m["left"], m["left_in"], m["open"] = now, question(word), 0
        m["task"], m["since"], m["site"], m["waiting"] = LEAVE, now, -1, 0.0


def _pay(mind: Mind, lane: int, now: int, payoff: float, *, future: bool) -> None:
    """Settle the open decision: `payoff` now, and with `future` what the present situation still promises."""
    m = mind.memory[lane]
    if future:
        ahead = mind.learner.best(mind.learner_state, lane, question(situation(m)))
        payoff += _discount(mind, now - int(m["decided"])) * ahead
    word = int(m["situation"])
    if payoff == PAYOFF and m["lead"] >= 0:
        word = behind(word, int(m["lead"]))
    outcome = Outcome(word, int(m["action"]), round(payoff, 1))
    _learn(mind, lane, now, _taught(mind, lane, outcome, 0, own=True))
    _credit_leaving(mind, lane, now, payoff)
    mind.outcomes[lane].append((now, outcome))
    m["told"] += 1
    m["open"] = 0


def _credit_leaving(mind: Mind, lane: int, now: int, payoff: float) -> None:
    """What leaving a site was worth shows at the next one."""
    m = mind.memory[lane]
    if m["left"] >= 0:
        worth = _discount(mind, now - int(m["left"])) * payoff
        _learn(mind, lane, now, [Lesson(int(m["left_in"]), GIVE_UP, worth)])
        m["left"] = -1


def _learn(mind: Mind, lane: int, now: int, lessons: Sequence[Lesson]) -> None:
    if not lessons:
        return
    m = mind.memory[lane]
    step = int(m["lessons"])
    mind.learner.learn(mind.learner_state, lane, lessons, Moment(now, step, _draws(mind, lane, step, _LEARN)))
    m["lessons"] += len(lessons)


def _learn_from_others(mind: Mind, lane: int, now: int, outcomes: Sequence[Outcome]) -> None:
    taught: list[Lesson] = []
    for outcome in outcomes:
        word, action, payoff = outcome.situation, outcome.action, min(PAYOFF, max(0.0, outcome.payoff))
        if payoff in (0, PAYOFF):
            what, weight = (needs.MOVED, 1.0) if payoff else (needs.STUCK, needs.VAIN)
            needs.learn(mind.needs[lane], word & SIGNATURE, company(word), what, weight)
        taught += _taught(mind, lane, Outcome(word, action, payoff), len(taught), own=False)
    _learn(mind, lane, now, taught)


def _taught(mind: Mind, lane: int, outcome: Outcome, before: int, *, own: bool) -> list[Lesson]:
    """What an outcome teaches and, where something moved, some of the latest successes once more.

    `before` lessons of the same tick are yet to be learnt.
    """
    word = outcome.situation
    taught = lessons(outcome, needs.believed(mind.needs[lane], word & SIGNATURE), own=own)
    if outcome.payoff == PAYOFF and (done := deed(word, outcome.action)) >= 0:
        wins = mind.wins[lane]
        wins[1:], wins[0] = wins[:-1].copy(), (explorer(word), done)
        lessons_so_far = int(mind.memory[lane]["lessons"]) + before
        draws, known = _draws(mind, lane, lessons_so_far, _REPLAY), int((wins[:, 1] >= 0).sum())
        for _ in range(mind.replay[lane]):
            taught += moved(*wins[draws.below(known)].tolist(), own=own)
    return taught


def _draws(mind: Mind, lane: int, when: int, purpose: int) -> Draws:
    return Draws(int(mind.seeds[lane]), int(mind.ids[lane]), when, purpose)


def _discount(mind: Mind, ticks: int) -> float:
    return float(FADE ** (ticks * mind.mission.tick))


def _speak(mind: Mind, now: int, words: np.ndarray) -> list[Speech | None]:
    """Each robot's signal, when it is its turn; `words` (L,) are records of swarm.reflex.SPEECH.

    Outcomes are told for as long as a hearer that misses signals still knows whom it hears, at least once.
    """
    since = now - round(max(STALE, mind.mission.radio.interval) / mind.mission.tick)
    speeches: list[Speech | None] = [None] * len(mind.ids)
    felt, told = words["concentrations"].tolist(), mind.memory["told"].tolist()
    antibodies = (~np.isnan(words["concentrations"])).sum(1).tolist()
    for lane in words["turn"].nonzero()[0].tolist():
        latest = mind.outcomes[lane]
        if latest:
            latest = mind.outcomes[lane] = [item for item in latest if item[0] > since][-OUTCOMES:]
        outcomes = tuple(outcome for _, outcome in latest)
        _, _, waiting, there, site, kind, action, mates, need, away, sure = words[lane].item()
        said = waiting, there, site, kind, action, mates, need, away, sure
        speeches[lane] = Speech(tuple(felt[lane][: antibodies[lane]]), *said, told[lane], outcomes)
    return speeches


def signal(speech: Speech, sender: int, boot: int, seq: int, time: float) -> Signal:
    """A whole radio message."""
    return Signal(sender, boot, seq, time, *speech)
