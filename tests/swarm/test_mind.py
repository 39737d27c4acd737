"""The mind of robots: lanes never mix, two robots find together, the same with and without a compiler."""

import pickle
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from robots.command import COMMAND
from robots.percept import blank
from sim.medium import Medium
from sim.spec import Arena, Kind, Meaning, Phase, Robots
from swarm import mind, needs, peers, registry, wire, worlds
from swarm.credit import PAYOFF
from swarm.learners import Choice, Lesson, Moment
from swarm.memory import AVOIDED
from swarm.mission import Mind, Mission
from swarm.report import ACTIONS, REPORT, STRATEGIES, TASKS
from swarm.robot import Brain
from swarm.situation import FOLLOW, explorer
from tests.swarm.test_wire import signals

ROOT = Path(__file__).parents[2]
SEARCH, ANSWER, APPROACH, WORK, LEAVE = (
    TASKS.index(name) for name in ("search", "answer", "approach", "work", "leave")
)
SIGNATURES = "1##0####", "0####1##", "0####01#"
MISSION = Mission(
    version=1,
    name="small",
    seed=3,
    arena=Arena((3.0, 3.0)),
    robots=Robots(count=6),
    kinds={name: Kind(bits) for name, bits in zip(("ash", "birch", "cedar"), SIGNATURES, strict=True)},
    phases=(Phase(60, 20, {"ash": Meaning("push"), "birch": Meaning("pull", 2), "cedar": Meaning("hold")}, open=4),),
)
TICKS = 400

Messages = list[tuple[int, bytes]]


@dataclass
class Recording:
    """What the robots of `MISSION` sensed, heard and did in a PyBullet world, tick by tick."""

    percepts: list[np.ndarray]  # (N,)
    heard: list[list[Messages]]  # per robot
    acts: list[list[wire.Act]]  # per robot


@pytest.fixture(scope="session")
def recording() -> Recording:
    world, radio = worlds.build(MISSION), Medium(MISSION.radio, MISSION.tick, 6, MISSION.seed)
    brains = [Brain(MISSION, robot, 1) for robot in range(6)]
    out = Recording([], [], [])
    for tick in range(TICKS):
        percepts = world.sense()
        neighbours = world.neighbours(MISSION.radio.range, MISSION.radio.occlusion, MISSION.radio.most)
        heard = radio.deliver(tick, neighbours)
        acts = [
            brain.tick(wire.Sense(tick, percept.tobytes(), messages))
            for brain, percept, messages in zip(brains, percepts, heard, strict=True)
        ]
        for robot, act in enumerate(acts):
            if act.signal is not None:
                radio.say(robot, act.signal, tick)
        world.act(np.concatenate([np.frombuffer(act.command, COMMAND) for act in acts]))
        out.percepts.append(percepts)
        out.heard.append(heard)
        out.acts.append(acts)
    world.close()
    return out


class Stack:
    """Minds of some of the recorded robots, with their tables of peers."""

    def __init__(self, ids: Sequence[int], mission: Mission = MISSION) -> None:
        self.ids = list(ids)
        self.mind = mind.start(mission, self.ids)
        self.tables = np.stack([peers.nobody(mission.radio.most) for _ in self.ids])

    def tick(self, now: int, percepts: np.ndarray, heard: Sequence[Messages]) -> mind.Deeds:
        """One tick on what all recorded robots sensed and heard."""
        lessons = []
        for table, robot in zip(self.tables, self.ids, strict=True):
            lessons.append(peers.listen(table, now, heard[robot])[0])
        return mind.tick(self.mind, now, percepts[self.ids], self.tables, lessons)


def lane(deeds: mind.Deeds, index: int) -> tuple[bytes, bytes, bytes]:
    """All that one robot does, to be compared bit for bit."""
    speech = wire.encode(deeds.speeches[index])
    return deeds.commands[index].tobytes(), deeds.reports[index].tobytes(), speech


def test_the_recording_has_it_all(recording: Recording) -> None:
    """What the tests below feed on: work, progress, signals, outcomes, several tasks."""
    reports = np.array([[np.frombuffer(act.report, REPORT)[0] for act in acts] for acts in recording.acts])
    assert {SEARCH, APPROACH, WORK} <= set(reports["task"].ravel().tolist())
    assert len(set(reports["action"][reports["task"] == WORK].tolist())) >= 3
    assert (reports["rules"][-1] > 0).all()
    assert np.nanmax([percepts["progress"] for percepts in recording.percepts]) == 1
    told = [wire.signal(data).outcomes for heard in recording.heard for messages in heard for _, data in messages]
    assert sum(map(len, told)) >= 6


@pytest.mark.parametrize("ids", [range(6), [4, 1, 5]])
def test_a_stack_does_what_each_robot_does_alone(recording: Recording, ids: Sequence[int]) -> None:
    together, alone = Stack(ids), [Stack([robot]) for robot in ids]
    for now in range(TICKS):
        deeds = together.tick(now, recording.percepts[now], recording.heard[now])
        for index, one in enumerate(alone):
            single = one.tick(now, recording.percepts[now], recording.heard[now])
            assert lane(deeds, index) == lane(single, 0), (now, index)
    for index, one in enumerate(alone):
        assert together.mind.memory[index].tobytes() == one.mind.memory[0].tobytes()


def test_a_stack_does_what_the_recorded_robots_did(recording: Recording) -> None:
    stack = Stack(range(6))
    for now in range(TICKS):
        deeds = stack.tick(now, recording.percepts[now], recording.heard[now])
        assert deeds.commands.tobytes() == b"".join(act.command for act in recording.acts[now])


def garbage(array: np.ndarray, rng: np.random.Generator) -> None:
    """Fill a stack of records with anything: random bytes, NaN, infinities."""
    array[...] = np.frombuffer(rng.bytes(array.nbytes), array.dtype).reshape(array.shape)
    for name in array.dtype.names or ():
        if array[name].dtype.kind == "f":
            values = rng.choice([np.nan, np.inf, -np.inf, 0.0, 1e30], array[name].shape)
            array[name] = np.where(rng.random(array[name].shape) < 0.5, values, array[name])


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("sick", [0, 3])
def test_a_sick_lane_changes_no_other(recording: Recording, sick: int) -> None:
    clean, poisoned = Stack(range(6)), Stack(range(6))
    rng = np.random.default_rng(8)
    well = [robot for robot in range(6) if robot != sick]
    for now in range(TICKS):
        percepts = recording.percepts[now].copy()
        right = clean.tick(now, percepts, recording.heard[now])
        garbage(percepts[sick : sick + 1], rng)
        if now % 3 == 0:
            garbage(poisoned.tables[sick], rng)
        deeds = poisoned.tick(now, percepts, recording.heard[now])
        for robot in well:
            assert lane(deeds, robot) == lane(right, robot), (now, robot)
        assert np.isin(deeds.reports["task"], range(len(TASKS))).all()
        assert np.isin(deeds.reports["action"], range(-1, len(ACTIONS))).all()
        assert np.isin(deeds.reports["strategy"], range(len(STRATEGIES))).all()


Lessons = list[tuple[int, int, float]]


class Steady:
    """A learner that pushes, or whatever it is allowed, and remembers what it was taught."""

    def __init__(self, _mission: Mission) -> None:
        pass

    def start(self, lanes: int) -> list[Lessons]:
        return [[] for _ in range(lanes)]

    def decide(
        self, _state: list[Lessons], _lane: int, _situation: int, allowed: Sequence[int], _now: Moment
    ) -> Choice:
        return Choice(allowed[0], 0.0)

    def learn(self, state: list[Lessons], lane: int, lessons: Sequence[Lesson], _now: Moment) -> None:
        state[lane] += [lesson[:3] for lesson in lessons]

    def best(self, _state: list[Lessons], _lane: int, _situation: int) -> float:
        return 0.0

    def rules(self, state: list[Lessons]) -> np.ndarray:
        return np.array([len(lessons) for lessons in state])


@pytest.fixture
def steady(monkeypatch: pytest.MonkeyPatch) -> Mission:
    """The mission with robots that push whatever comes."""
    monkeypatch.setitem(registry.LEARNERS, "steady", Steady)
    return replace(MISSION, mind=Mind(learner="steady"))


@dataclass
class Ether:
    """A radio without loss, and one tick of delay."""

    said: dict[int, bytes]

    def messages(self, robot: int) -> Messages:
        return [(sender, data) for sender, data in self.said.items() if sender != robot]


def sense(brain: Brain, now: int, **fields: object) -> np.ndarray:
    """A percept with nothing around but what is given: the first slot of each array field."""
    percept = blank(brain.dtype)
    percept["proximity"] = brain.mission.sensors.proximity.range
    for name, value in fields.items():
        if name in ("robot_id", "robot_rb", "site_id", "site_rb", "site_face", "site_kind"):
            percept[name][0] = value
        else:
            percept[name] = value
    return percept


def report(act: wire.Act) -> np.ndarray:
    record: np.ndarray = np.frombuffer(act.report, REPORT)[0]
    return record


@pytest.mark.parametrize("arbiter", ["aggregate", "immune"])
def test_one_calls_and_the_other_comes(steady: Mission, arbiter: str) -> None:
    mission = replace(steady, mind=replace(steady.mind, arbiter=arbiter))
    caller, helper = Brain(mission, 0, 1), Brain(mission, 1, 1)
    ether = Ether({})
    site = {
        "site_id": 5,
        "site_rb": (0.065, 0.0),
        "site_face": np.pi,
        "site_kind": 1,
        "touch": 5,
        "progress": 0.0,
    }
    tasks: list[int] = []
    said = None
    for now in range(600):
        stuck = sense(caller, now, **site, robot_id=1, robot_rb=(1.4, 3.1))
        # the helper sees the caller all the time, and its site once it has set out to it
        near = {"site_id": 5, "site_rb": (1.2, 0.1), "site_face": 2.0, "site_kind": 1} if ANSWER in tasks else {}
        sees = sense(helper, now, robot_id=0, robot_rb=(1.4, 0.2), **near)
        acts = [
            brain.tick(wire.Sense(now, percept.tobytes(), ether.messages(brain.robot)))
            for brain, percept in ((caller, stuck), (helper, sees))
        ]
        ether.said = {robot: act.signal for robot, act in enumerate(acts) if act.signal is not None}
        said = wire.signal(ether.said[0]) if 0 in ether.said else said
        tasks.append(int(report(acts[1])["task"]))
        if tasks[-1] == APPROACH:
            break
    assert said is not None
    assert (said.site, said.kind, ACTIONS[said.action]) == (5, 1, "push")
    assert said.waiting > 0
    assert list(dict.fromkeys(tasks)) == [SEARCH, ANSWER, APPROACH]
    assert report(acts[1])["site"] == 5
    assert report(acts[1])["heard"] in (0, 1)


def test_nobody_answers_a_call_that_is_not_heard(steady: Mission) -> None:
    helper = Brain(replace(steady, mind=replace(steady.mind, arbiter="aggregate")), 1, 1)
    for now in range(100):
        act = helper.tick(wire.Sense(now, sense(helper, now, robot_id=0, robot_rb=(1.4, 0.2)).tobytes(), []))
        assert report(act)["task"] == SEARCH


def call_for_help(site: int, time: float) -> wire.Signal:
    return wire.Signal(0, 1, 0, time, (0.7, 0.4), 6.0, 6.0, site, 1, 0, 0, 2, 0.0, 0.7)


def test_a_robot_goes_to_the_one_that_calls(steady: Mission) -> None:
    """It drives towards the caller, wherever it is."""
    for bearing in (-2.0, -0.4, 0.4, 2.0):
        helper = Brain(replace(steady, mind=replace(steady.mind, arbiter="aggregate")), 1, 1)
        for now in range(20):
            message = wire.encode(call_for_help(5, now / 10))
            percept = sense(helper, now, robot_id=0, robot_rb=(1.4, bearing))
            act = helper.tick(wire.Sense(now, percept.tobytes(), [(0, message)]))
        command = np.frombuffer(act.command, COMMAND)[0]
        assert report(act)["task"] == ANSWER
        assert np.sign(command["turn"]) == np.sign(bearing)
        assert (command["speed"] > 0.1) == (abs(bearing) < 1)


def test_a_site_in_sight_is_approached_and_worked_at(steady: Mission) -> None:
    brain = Brain(steady, 2, 1)
    tasks = []
    for now in range(60):
        way = max(0.065, 0.8 - 0.02 * now)
        touch = {"touch": 9, "progress": 0.0} if way < 0.08 else {}
        percept = sense(brain, now, site_id=9, site_rb=(way, 0.0), site_face=np.pi, site_kind=4, **touch)
        act = brain.tick(wire.Sense(now, percept.tobytes(), []))
        tasks.append(int(report(act)["task"]))
    assert list(dict.fromkeys(tasks)) == [APPROACH, WORK]
    assert report(act)["site"] == 9
    assert ACTIONS[report(act)["action"]] == "push"
    assert report(act)["waiting"] == pytest.approx((tasks.count(WORK) - 1) / 10, abs=0.01)


def test_a_site_that_is_approached_is_called_from_with_what_its_kind_takes(steady: Mission) -> None:
    """Two at first; one, once others have told that one moved such a site; nothing of who only answers a call."""
    brain = Brain(steady, 2, 1)
    site = {"site_id": 9, "site_rb": (0.8, 0.0), "site_face": np.pi, "site_kind": 4}
    said = call_for_help(5, 0.0)
    for start, told, need in ((0, (), 2), (60, (wire.Outcome(4, 0, PAYOFF),), 1)):
        message = wire.encode(replace_outcomes(call_for_help(5, 0.0), told))
        for now in range(start, start + 60):  # the site is lost sight of, and found again
            seen = site if now >= start + 40 else {}
            act = brain.tick(
                wire.Sense(now, sense(brain, now, **seen).tobytes(), [(0, message)] if now == start else [])
            )
            said = wire.signal(act.signal) if act.signal is not None else said
        assert report(act)["task"] == APPROACH
        assert (said.site, said.action, said.need, said.concentration) == (9, -1, need, 1.0)
    helper = Brain(replace(steady, mind=replace(steady.mind, arbiter="aggregate")), 1, 1)
    for now in range(20):
        message = wire.encode(call_for_help(5, now / 10))
        act = helper.tick(
            wire.Sense(now, sense(helper, now, robot_id=0, robot_rb=(1.4, 0.0)).tobytes(), [(0, message)])
        )
        said = wire.signal(act.signal) if act.signal is not None else said
    assert (report(act)["task"], said.site, said.need) == (ANSWER, 5, 1)


def test_progress_pays_and_is_told(steady: Mission) -> None:
    """A robot whose push moves a site up to the end learns that pushing there pays, and tells the others."""
    brain = Brain(steady, 2, 1)
    table, told = peers.nobody(1), list[wire.Outcome]()
    for now in range(80):
        at_work = 5 <= now < 60
        site = {"site_id": 9, "site_rb": (0.065, 0.0), "site_face": np.pi, "site_kind": 4} if now < 60 else {}
        touch = {"touch": 9, "progress": min(1.0, (now - 5) / 50)} if at_work else {}
        act = brain.tick(wire.Sense(now, sense(brain, now, **site, **touch).tobytes(), []))
        told += peers.listen(table, now, [(2, act.signal)])[0] if act.signal is not None else []
    lessons, moved = brain.mind.learner_state[0], right(4, "push")
    assert lessons[:3] == moved
    assert lessons[3:] == moved * MISSION.mind.replay
    assert [(outcome.action, outcome.payoff) for outcome in told][-1] == (ACTIONS.index("push"), PAYOFF)
    assert report(act)["task"] == SEARCH


def right(kind: int, action: str) -> Lessons:
    """The lessons that this action, and no other, moves a kind of site."""
    done = ACTIONS.index(action)
    order = [done, *(other for other in range(3) if other != done)]
    return [(explorer(kind), other, PAYOFF * (other == done)) for other in order]


@pytest.mark.parametrize("moves", [True, False])
def test_the_right_action_of_one_robot_at_a_site_for_two_is_paid_when_the_other_has_come(
    steady: Mission, moves: bool
) -> None:
    """Until then that nothing moves teaches nothing; if nothing moves for two either, it was wrong."""
    ether, taught = Ether({}), []
    robots = [Brain(replace(steady, mind=replace(steady.mind, replay=0)), robot, 1) for robot in range(2)]
    for now in range(90):
        arrives, goes_on = (0, 30), moves and now > 40
        acts = []
        for robot, brain in enumerate(robots):
            there = now >= arrives[robot]
            place = {"site_id": 5, "site_rb": (0.065, 0.0), "site_face": np.pi, "site_kind": 7} if there else {}
            touch = {"touch": 5, "progress": min(1.0, (now - 40) / 30) if goes_on else 0.0} if there else {}
            percept = sense(brain, now, robot_id=1 - robot, robot_rb=(0.3, 1.5), **place, **touch)
            acts.append(brain.tick(wire.Sense(now, percept.tobytes(), ether.messages(robot))))
        ether.said = {robot: act.signal for robot, act in enumerate(acts) if act.signal is not None}
        taught.append([len(brain.mind.learner_state[0]) for brain in robots])
    assert taught[30] == [0, 0]
    for brain in robots:
        alone = [lesson for lesson in brain.mind.learner_state[0] if lesson[0] == explorer(7)]
        push = {payoff for _, action, payoff in alone if action == ACTIONS.index("push")}
        assert push == ({PAYOFF} if moves else {0.0})


@pytest.mark.parametrize("rate", [0.2, 0.06, 0.03])
def test_what_moves_a_site_is_gone_on_with_under_the_one_who_leads_however_slowly_it_moves(
    steady: Mission, rate: float
) -> None:
    """`rate` (1/s) of a site for three; the last in number is the first to come."""
    robots, arrives = [Brain(steady, robot, 1) for robot in range(3)], (10, 20, 0)
    ether, progress, pushed, led, did = Ether({}), 0.0, 0, list[list[int]](), list[list[int]]()
    for now in range(500):
        acts = []
        for robot, brain in enumerate(robots):
            there = now >= arrives[robot]
            place = {"site_id": 5, "site_rb": (0.065, 0.0), "site_face": np.pi, "site_kind": 7} if there else {}
            touch = {"touch": 5, "progress": progress} if there else {}
            percept = sense(brain, now, robot_id=(robot + 1) % 3, robot_rb=(0.3, 1.5), **place, **touch)
            acts.append(brain.tick(wire.Sense(now, percept.tobytes(), ether.messages(robot))))
        ether.said = {robot: act.signal for robot, act in enumerate(acts) if act.signal is not None}
        memories = [brain.mind.memory[0] for brain in robots]
        led.append([robot for robot, m in enumerate(memories) if m["first"]])
        did.append([int(m["lead"] if ACTIONS[m["action"]] == "follow" else m["action"]) for m in memories])
        pushed += led[-1] == [2] and did[-1] == [ACTIONS.index("push")] * 3 and now > max(arrives) + 10
        progress = rate / 10 * pushed
        if progress >= 0.9:
            break
    assert progress >= 0.9
    assert (led[-pushed:], did[-pushed:]) == ([[2]] * pushed, [[ACTIONS.index("push")] * 3] * pushed)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize("apart", [0, 3, 4, 5, 9, 14, 25])
@pytest.mark.parametrize(("delay", "loss"), [(0.0, 0.0), (1.0, 0.0), (0.0, 0.6), (1.0, 0.6)])
def test_one_leads_however_late_they_hear_each_other(
    steady: Mission, order: tuple[int, int], apart: int, delay: float, loss: float
) -> None:
    """Who came first, by more than half a second; by what is heard late two who came soon after each other did both."""
    mission = replace(steady, radio=replace(steady.radio, delay=delay))
    robots, arrives = [Brain(mission, robot, 1) for robot in range(2)], {order[0]: 0, order[1]: apart}
    ether: dict[int, dict[int, bytes]] = {}  # tick of hearing -> signals
    rng, led, began = np.random.default_rng(apart), [], dict[int, int]()
    for now in range(100):
        acts = []
        for robot, brain in enumerate(robots):
            there = now >= arrives[robot]
            place = {"site_id": 5, "site_rb": (0.065, 0.0), "site_face": np.pi, "site_kind": 7} if there else {}
            percept = sense(brain, now, robot_id=1 - robot, robot_rb=(0.3, 1.5), **place, touch=5 if there else -1)
            heard = [(sender, data) for sender, data in ether.get(now, {}).items() if sender != robot]
            heard = [message for message in heard if rng.random() >= loss]
            acts.append(brain.tick(wire.Sense(now, percept.tobytes(), heard)))
        said = {robot: act.signal for robot, act in enumerate(acts) if act.signal is not None}
        ether[now + 1 + round(delay / mission.tick)] = said
        led.append([robot for robot, brain in enumerate(robots) if brain.mind.memory["first"][0]])
        began = {robot: now for robot, act in enumerate(acts) if report(act)["task"] == WORK} | began
    assert led[apart + 40 :] == [[0 if abs(began[0] - began[1]) <= 5 else order[0]]] * (60 - apart)


@pytest.mark.parametrize("delay", [0.0, 1.0])
def test_what_comes_to_nothing_is_given_up_when_others_have_had_time_to_follow(steady: Mission, delay: float) -> None:
    brain, decided = Brain(replace(steady, radio=replace(steady.radio, delay=delay)), 2, 1), []
    for now in range(int(10 * 3 * (3 + delay))):
        site = {"site_id": 5, "site_rb": (0.065, 0.0), "site_face": np.pi, "site_kind": 7, "touch": 5}
        act = brain.tick(wire.Sense(now, sense(brain, now, **site).tobytes(), []))
        decided += [now] if act.decision is not None and act.decision.action < 3 else []
    assert np.diff(decided).tolist() == [round(10 * (3 + delay))] * 2


def wait_in_vain(
    mission: Mission, calls: range, there: int = 2, *, mate: bool = False, moves: bool = False, rival: bool = False
) -> tuple[list[int], list[int]]:
    """A robot, alone or with a mate, at a site for three; `there` call from another one in the ticks `calls`.

    Gives for each of 140 ticks its task, and how many outcomes it has told. It is at the other site 4 s after it left.
    """
    brain, tasks, told, said = Brain(mission, 2, 1), list[int](), list[int](), 0
    threes = wire.Outcome(7 | 0b11 << 12, 0, PAYOFF)
    for now in range(140):
        heard = []
        if now < 5:  # what such sites take
            heard = [wire.Signal(0, 1, now, 0.0, (0.5, 0.5), 0.0, 0.0, -1, 0, -1, 0, 1, 0.0, 0.0, 2, (threes, threes))]
        elif now in calls:
            heard = [wire.Signal(0, 1, now, 0.1 * now, (0.5, 0.5), 9.0, 9.0, 6, 7, 2, there - 1, 3, 0.0, 1.0, 2)]
        if rival:
            heard.append(wire.Signal(1, 1, now, 0.1 * now, (0.5, 0.5), 0.0, 0.0, 6, 7, -1, 0, 1, 0.1, 1.0))
        if mate:
            heard.append(wire.Signal(3, 1, now, 0.1 * now, (0.5, 0.5), 0.1 * now, 0.1 * now, 5, 7, 0, 1, 3, 0.0, 1.0))
        left = tasks.index(ANSWER) if ANSWER in tasks else now
        at = 6 if now > left + 40 else 5 if 2 <= now <= left else -1
        site = {"site_id": at, "site_rb": (0.065, 0.0), "site_face": np.pi, "site_kind": 7} if at >= 0 else {}
        touch = {"touch": at, "progress": 0.005 * now if moves else 0.0} if at >= 0 and now >= 3 else {}
        percept = sense(brain, now, robot_id=0, robot_rb=(1.0, 2.0), **site, **touch)
        act = brain.tick(wire.Sense(now, percept.tobytes(), [(it.sender, wire.encode(it)) for it in heard]))
        tasks.append(int(report(act)["task"]))
        said = wire.signal(act.signal).told if act.signal is not None else said
        told.append(said)
    return tasks, told


@pytest.mark.parametrize("delay", [0.0, 1.0])
def test_who_waits_in_vain_goes_to_where_fewer_are_missing(steady: Mission, delay: float) -> None:
    """After one decision, which says that one robot is too few; the next one is cut short and says nothing."""
    mission = replace(steady, radio=replace(steady.radio, delay=delay), mind=replace(steady.mind, arbiter="aggregate"))
    tasks, told = wait_in_vain(mission, range(5, 140))
    dwell = round(10 * (3 + delay))
    leaves = 3 + dwell + 1
    assert tasks[3:leaves] == [WORK] * (leaves - 3)
    assert set(tasks[leaves : leaves + 40]) == {ANSWER}
    assert tasks[leaves + 42 :] == [WORK] * (140 - leaves - 42)
    assert told[leaves + 46] == 1  # it is at work there for 0.4 s


@pytest.mark.parametrize("since", range(60, 66))
def test_what_came_to_nothing_is_told_before_a_robot_is_called_away(steady: Mission, since: int) -> None:
    """Its second decision ends in tick 63."""
    mission = replace(steady, mind=replace(steady.mind, arbiter="aggregate"))
    tasks, told = wait_in_vain(mission, range(since, 140))
    leaves = tasks.index(ANSWER)
    assert leaves == (64 if since == 63 else since)
    assert told[leaves + 20] == (1 if since < 63 else 2)


@pytest.mark.parametrize(
    ("arbiter", "calls", "around"),
    [
        ("aggregate", range(5, 140), {"there": 1}),  # as many are missing there
        ("aggregate", range(5, 140), {"mate": True}),
        ("aggregate", range(5, 140), {"rival": True}),  # somebody closer is on its way already
        ("aggregate", range(5, 140), {"moves": True}),
        ("aggregate", range(5, 15), {}),  # nobody calls any more
        ("disperse", range(5, 140), {}),
    ],
)
def test_a_robot_stays_where_it_is_needed_as_much(
    steady: Mission, arbiter: str, calls: range, around: dict[str, Any]
) -> None:
    tasks, _ = wait_in_vain(replace(steady, mind=replace(steady.mind, arbiter=arbiter)), calls, **around)
    assert tasks[3:] == [WORK] * 137


@pytest.mark.parametrize("mates", [0, 1, 2])
def test_who_comes_as_a_site_is_finished_learns_how_many_finished_it(steady: Mission, mates: int) -> None:
    """Not how many were at the site where it saw something move last."""
    brain = Brain(replace(steady, mind=replace(steady.mind, arbiter="aggregate")), 2, 1)
    brain.mind.memory["movers"] = 3
    for now in range(4):
        heard = [
            wire.Signal(robot, 1, now, 0.1 * now, (0.5, 0.5), 9.0, 9.0, 5, 7, 0, mates - 1, 1, 0.0, 1.0)
            for robot in range(mates)
        ]
        site = {"site_id": 5, "site_rb": (0.065, 0.0), "site_face": np.pi, "site_kind": 7}
        touch = {"touch": 5, "progress": 1.0 if now == 3 else 0.98} if now > 1 else {}
        percept = sense(brain, now, **site, **touch)
        brain.tick(wire.Sense(now, percept.tobytes(), [(it.sender, wire.encode(it)) for it in heard]))
    moved = brain.mind.needs[0, 0, :, :, needs.MOVED].sum(0)
    assert moved.tolist() == [float(k == mates) for k in range(needs.MOST)]


def test_a_mate_whose_signals_are_lost_for_two_seconds_is_still_there(steady: Mission) -> None:
    """And its leaving is noticed after three; who is heard from elsewhere is forgotten after one."""
    brain = Brain(steady, 2, 1)
    mates, known = [], []
    for now in range(60):
        heard = []
        if 5 <= now <= 10:  # it is at work by then
            heard = [
                (
                    robot,
                    wire.encode(
                        wire.Signal(robot, 1, now, 0.1 * now, (0.5, 0.5), 0.0, 0.0, site, 7, 2, 0, 1, 0.0, 1.0)
                    ),
                )
                for robot, site in ((0, 5), (1, 6))
            ]
        site = {"site_id": 5, "site_rb": (0.065, 0.0), "site_face": np.pi, "site_kind": 7, "touch": 5}
        brain.tick(wire.Sense(now, sense(brain, now, **site).tobytes(), heard))
        mates.append(int(brain.mind.memory["mates"][0]))
        known.append(sorted(brain.heard[0]["id"][brain.heard[0]["id"] >= 0].tolist()))
    assert mates[10:40] == [1] * 30
    assert mates[41:] == [0] * 19
    assert known[20] == [0, 1]
    assert known[21] == known[40] == [0]
    assert known[41] == []


def test_each_success_goes_over_some_of_the_latest_once_more(steady: Mission) -> None:
    brain = Brain(replace(steady, mind=replace(steady.mind, replay=40)), 2, 1)
    told = [wire.Outcome(explorer(kind), 1, PAYOFF) for kind in range(1, mind.WINS + 3)]
    for now, outcome in enumerate(told):
        message = wire.encode(replace_outcomes(call_for_help(5, now / 10), (outcome,), now + 1))
        brain.tick(wire.Sense(now, sense(brain, now).tobytes(), [(0, message)]))
    lessons = brain.mind.learner_state[0]
    assert len(lessons) == len(told) * 3 * 41
    again = {lesson[0] & 0xFFF for lesson in lessons[-3 * 40 :]}
    assert len(again) > mind.WINS / 2
    assert again <= set(range(3, mind.WINS + 3))


@pytest.mark.parametrize("share", [True, False])
def test_robots_learn_from_what_others_tell(steady: Mission, share: bool) -> None:
    brain = Brain(replace(steady, mind=replace(steady.mind, share=share)), 2, 1)
    follows = 1 << 12 | 1 << 16  # one mate, who pulls
    outcomes = (wire.Outcome(7 | follows, 3, 900.0), wire.Outcome(8, 0, 1e12))
    message = wire.encode(replace_outcomes(call_for_help(5, 0.0), outcomes))
    brain.tick(wire.Sense(0, sense(brain, 0).tobytes(), [(0, message)]))
    paid = [(7 | follows, 3, 900.0), (8, 0, PAYOFF)]
    assert brain.mind.learner_state[0][:5] == ([*paid, *right(8, "push")] if share else [])


@pytest.mark.parametrize("learner", ["xcs", "tcell", "q"])
def test_whatever_a_member_says_a_robot_at_work_goes_on(learner: str) -> None:
    """From one that claims to have led at this site for long, and to do what no robot does."""
    mission = replace(MISSION, mind=replace(MISSION.mind, learner=learner))

    @given(st.lists(st.tuples(signals, st.integers(-1, 15)), min_size=1, max_size=8))
    @settings(max_examples=30, deadline=None)
    def check(said: list[tuple[wire.Signal, int]]) -> None:
        brain = Brain(mission, 2, 1)
        for now, (one, action) in enumerate(said * 4):
            there = structs.replace(one, sender=0, site=5, there=1e5, action=action)
            site = {"site_id": 5, "site_rb": (0.065, 0.0), "site_face": np.pi, "site_kind": 1, "touch": 5}
            at_work = sense(brain, now, **site, robot_id=0, robot_rb=(0.2, 1.0), progress=now / 32)
            act = brain.tick(wire.Sense(now, at_work.tobytes(), [(0, wire.encode(there))]))
            assert act.signal is None or wire.signal(act.signal)
        assert brain.bad == 4 * sum(action >= FOLLOW for _, action in said)

    check()


def replace_outcomes(signal: wire.Signal, outcomes: tuple[wire.Outcome, ...], told: int | None = None) -> wire.Signal:
    return structs.replace(signal, told=len(outcomes) if told is None else told, outcomes=outcomes)


def test_an_outcome_is_told_for_a_second(steady: Mission) -> None:
    """In each signal of that time, since signals get lost; and at least once, however seldom a robot speaks."""
    for interval, times in ((0.2, 5), (0.5, 2), (3.0, 1)):
        mission = replace(steady, radio=replace(steady.radio, interval=interval))
        brain, said = Brain(mission, 2, 1), list[wire.Signal]()
        for now in range(120):
            progress = min(1.0, (now - 5) / 50)  # done at 55
            here = {"site_id": 9, "site_rb": (0.065, 0.0), "site_face": np.pi, "site_kind": 4} if now < 60 else {}
            touch = {"touch": 9, "progress": progress} if 5 <= now < 60 else {}
            act = brain.tick(wire.Sense(now, sense(brain, now, **here, **touch).tobytes(), []))
            said += [wire.signal(act.signal)] if act.signal is not None else []
        last = max(signal.told for signal in said)
        assert last > 0
        assert [signal.told for signal in said] == sorted(signal.told for signal in said)
        assert sum(signal.told == last and len(signal.outcomes) > 0 for signal in said) == times
        assert said[-1].outcomes == ()


def test_signals_fit_the_radio(recording: Recording) -> None:
    signals = [act.signal for acts in recording.acts for act in acts if act.signal is not None]
    assert max(map(len, signals)) <= wire.MOST
    interval = round(MISSION.radio.interval / MISSION.tick)
    assert len(signals) == 6 * TICKS // interval
    assert all(0 <= s <= 1 for data in signals for s in wire.signal(data).stimulation)


def test_a_mind_of_a_name_that_nobody_registered() -> None:
    with pytest.raises(registry.PluginError, match=r"mind\.arbiter = 'imune': .* \(did you mean 'immune'\?\)"):
        mind.start(replace(MISSION, mind=Mind(arbiter="imune")), [0])
    with pytest.raises(registry.PluginError, match=r"mind\.learner = 'xsc'"):
        mind.start(replace(MISSION, mind=Mind(learner="xsc")), [0])


def test_newborn_minds_keep_away_from_nothing() -> None:
    newborn = mind.start(MISSION, range(4))
    assert newborn.avoid_site.shape == (4, AVOIDED)
    assert (newborn.avoid_site == -1).all()
    assert (newborn.memory["task"] == SEARCH).all()


REPLAY = """
import pickle, sys
from pathlib import Path
sys.modules["numba"] = None  # importing it fails
from swarm.robot import Brain
from swarm.wire import Sense
mission, percepts, heard = pickle.loads(Path(sys.argv[1]).read_bytes())
brains = [Brain(mission, robot, 1) for robot in range(mission.robots.count)]
acts = [brain.tick(Sense(now, percepts[now][robot].tobytes(), heard[now][robot]))
        for now in range(len(percepts)) for robot, brain in enumerate(brains)]
commands, reports = (b"".join(getattr(act, name) for act in acts) for name in ("command", "report"))
Path(sys.argv[2]).write_bytes(pickle.dumps((commands, reports)))
"""


def test_the_same_without_numba(recording: Recording, tmp_path: Path) -> None:
    """The recorded robots decide the same, from the start until they work at sites."""
    works = next(now for now, acts in enumerate(recording.acts) if any(report(act)["task"] == WORK for act in acts))
    until = max(50, works + 20)
    given, out = tmp_path / "given", tmp_path / "out"
    given.write_bytes(pickle.dumps((MISSION, recording.percepts[:until], recording.heard[:until])))
    subprocess.run([sys.executable, "-c", REPLAY, given, out], cwd=ROOT, check=True)
    plain_commands, plain_reports = map(np.frombuffer, pickle.loads(out.read_bytes()), (COMMAND, REPORT))
    acts = [act for acts in recording.acts[:until] for act in acts]
    commands = np.frombuffer(b"".join(act.command for act in acts), COMMAND)
    reports = np.frombuffer(b"".join(act.report for act in acts), REPORT)
    for name in ("strategy", "action", "task", "site", "rules"):
        assert plain_reports[name].tolist() == reports[name].tolist(), name
    for name in ("speed", "turn", "grip"):
        assert plain_commands[name] == pytest.approx(commands[name], abs=1e-6), name
