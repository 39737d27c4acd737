"""Arbiters by what they do, and the table of calls that they decide on."""

import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sim.spec import Phase
from swarm import registry
from swarm.arbiters import AGGREGATE, DISPERSE, Scene, Verdict
from swarm.arbiters.auction import Central
from swarm.calls import CALL, MOST, silence
from swarm.features import survey
from swarm.memory import APPROACH, WORK, newborn
from swarm.mission import Mind, Mission
from swarm.peers import nobody
from swarm.registry import PluginError

MISSION = Mission(version=1, name="bare", seed=5, phases=(Phase(60, 0, {}),))


def given(**parameters: dict[str, float]) -> Mission:
    return replace(MISSION, mind=Mind(parameters=parameters))


class Judge:
    """One robot with an arbiter."""

    def __init__(self, name: str, mission: Mission = MISSION) -> None:
        self.arbiter = registry.ARBITERS[name](mission)
        self.state, self.memory, self.tick = self.arbiter.start(1), newborn(1), 0

    def step(self, *calls: dict[str, float], antigen: tuple[float, float] = (0.2, 0.4), reward: float = 0.0) -> Verdict:
        table = silence(1)
        for slot, call in enumerate(calls):
            table[0, slot]["need"] = 2
            for name, value in {"mates": 1, **call}.items():
                table[0, slot][name] = value
        none = np.full((1, 2), np.nan)
        scene = Scene(
            np.array([antigen]), none, none, table, self.memory, np.array([reward]), np.zeros(1, int), self.tick
        )
        self.state, verdict = self.arbiter.step(self.state, scene)
        self.tick += 1
        self.memory["strategy"] = verdict.strategy
        called = -1 if verdict.call is None else int(verdict.call[0])
        self.memory["aim"] = table[0, called]["site"] if called >= 0 else -1
        return verdict


NEAR = {"site": 5, "loudness": 0.6, "distance": 0.8}
FAR = {"site": 6, "loudness": 0.2, "distance": 1.6}


@pytest.mark.parametrize("name", ["calls", "auction", "threshold"])
def test_who_decides_by_call_answers_the_better_one_and_disperses_in_silence(name: str) -> None:
    judge = Judge(name)
    for _ in range(20):
        verdict = judge.step(FAR, NEAR)
    assert (verdict.strategy[0], verdict.call[0]) == (AGGREGATE, 1)
    for _ in range(30):
        verdict = judge.step()
    assert (verdict.strategy[0], verdict.call[0]) == (DISPERSE, -1)


@pytest.mark.parametrize("name", ["calls", "auction"])
def test_a_call_that_has_enough_closer_helpers_is_left_to_them(name: str) -> None:
    served = {**NEAR, "rivals": 1, "bids": 0.95}
    for need, answers in ((2, False), (4, True)):
        judge = Judge(name)
        for _ in range(30):
            verdict = judge.step({**served, "need": need})
        assert (verdict.strategy[0] == AGGREGATE) == answers, need


def test_the_auction_holds_what_it_has_won() -> None:
    judge = Judge("auction", given(auction={"hold": 1.0}))
    served = {**NEAR, "rivals": 1}
    assert judge.step(NEAR).call[0] == 0
    kept = [int(judge.step(served).call[0]) for _ in range(15)]
    assert kept == [0] * 9 + [-1] * 6


def test_central_assignment_fills_what_lacks_fewest_first_and_then_the_nearest() -> None:
    central = Central(MISSION)
    central.numbers, central.team = np.array([5, 9]), np.array([2, 3])
    central.way = np.array([[1.0, 2.0], [0.5, 1.0], [2.0, 0.3], [9.0, 0.0]])
    memory, hears = newborn(4), np.ones((4, 2), bool)
    memory["task"][3], memory["site"][3] = WORK, 9
    assert central.assign(np.arange(4), memory, hears).tolist() == [5, 5, 9, 9]
    hears[1, 0] = False
    assert central.assign(np.arange(4), memory, hears).tolist() == [5, 9, 9, 9]
    central.team = np.array([3, 2])
    assert central.assign(np.arange(4), memory, np.ones((4, 2), bool)).tolist() == [5, 5, 9, 9]
    memory["task"][0], memory["site"][0] = APPROACH, 9
    assert central.assign(np.arange(4), memory, np.ones((4, 2), bool)).tolist() == [9, 5, 5, 9], (
        "who is bound for a site counts"
    )
    central.alive = np.array([False, True, True, True])
    assert central.assign(np.arange(4), memory, np.ones((4, 2), bool)).tolist() == [-1, 5, 9, 9], (
        "who fell out counts no more"
    )
    memory["task"][0] = newborn(1)["task"][0]
    assert central.assign(np.arange(4), memory, np.ones((4, 2), bool)).tolist() == [-1, 5, 9, 9]
    central.alive[:] = True
    central.numbers, central.team, central.way = np.zeros(0, int), np.zeros(0, int), np.zeros((4, 0))
    assert central.assign(np.arange(4), newborn(4), np.zeros((4, 0), bool)).tolist() == [-1] * 4


def test_central_assignment_sees_the_world() -> None:
    central = Central(MISSION)
    sites = [SimpleNamespace(number=n, arrival=SimpleNamespace(team=n - 3), face=(1.0, n, 0.0)) for n in (5, 6)]
    world: Any = SimpleNamespace(sites=SimpleNamespace(open=sites), poses=np.array([[1.0, 1.0, 0.0], [4.0, 1.0, 2.0]]))
    central.behold(world, np.ones(2, bool))
    assert (central.numbers.tolist(), central.team.tolist()) == ([5, 6], [2, 3])
    assert central.way == pytest.approx(np.array([[4, 5], [5, math.hypot(3, 5)]]))
    world.sites.open = []
    central.behold(world, np.ones(2, bool))
    assert central.way.shape == (2, 0)


def test_the_threshold_has_hysteresis() -> None:
    judge = Judge("threshold", given(threshold={"loud": 0.5, "keep": 0.5}))
    soft = {**NEAR, "loudness": 0.3}
    assert [int(judge.step(call).call[0]) for call in (soft, NEAR, soft, {**NEAR, "loudness": 0.2}, soft)] == [
        -1,
        0,
        0,
        -1,
        -1,
    ]


def test_the_trigger_filters_and_has_hysteresis() -> None:
    judge = Judge("schmitt", given(schmitt={"tau": 1.0, "up": 0.3, "down": -0.3}))
    strategies = [int(judge.step(antigen=(1.0, 0.0)).strategy[0]) for _ in range(10)]
    assert strategies == [DISPERSE] * 3 + [AGGREGATE] * 7  # 1 - .9^t passes .3 at t = 4
    assert int(judge.step(antigen=(0.5, 0.5)).strategy[0]) == AGGREGATE
    for _ in range(30):
        verdict = judge.step(antigen=(0.0, 1.0))
    assert verdict.strategy[0] == DISPERSE


def test_a_threshold_of_response_falls_with_what_pays() -> None:
    shares = []
    for reward in (1.0, -1.0):
        judge = Judge("response")
        shares.append(np.mean([judge.step(antigen=(0.3, 0.4), reward=reward).strategy[0] for _ in range(600)]))
    assert shares[0] < shares[1] - 0.1  # 0 is to aggregate


def test_what_was_due_by_the_clock_of_an_old_run_is_not_waited_for() -> None:
    """Taken up again at tick 0: a site that was won, the end of a bout."""
    auction, levy = Judge("auction"), Judge("levy")
    for judge in (auction, levy):
        judge.tick = 6000
        judge.step(NEAR)
        judge.state, judge.tick = judge.arbiter.resumed(judge.state), 0
    assert auction.step({**NEAR, "rivals": 1}).call[0] == -1
    assert len({int(levy.step().strategy[0]) for _ in range(1200)}) == 2


def test_levy_bouts_are_of_many_lengths() -> None:
    judge = Judge("levy")
    strategies = [int(judge.step().strategy[0]) for _ in range(6000)]
    ends = np.flatnonzero(np.diff(strategies))
    bouts = np.diff(ends)[1::2] if strategies[ends[0] + 1] == AGGREGATE else np.diff(ends)[::2]
    assert bouts.min() >= 20
    assert bouts.max() > 4 * np.median(bouts)


def test_ishiguro_learns_which_strategy_pays() -> None:
    """Dispersion brings penalties, aggregation rewards: though the antigens are equal it comes to aggregate."""
    judge = Judge("ishiguro")
    strategies = []
    for _ in range(1500):
        reward = 1.0 if judge.memory["strategy"][0] == AGGREGATE else -1.0
        strategies.append(int(judge.step(antigen=(0.5, 0.5), reward=reward).strategy[0]))
    assert np.mean(np.array(strategies[-800:]) == AGGREGATE) > 0.6


def test_unknown_parameters_are_refused_with_the_nearest_name() -> None:
    with pytest.raises(PluginError, match=r"mind\.parameters\.auction\.hod = 3: unknown key \(did you mean 'hold'\?\)"):
        registry.build(replace(MISSION, mind=Mind(arbiter="auction", parameters={"auction": {"hod": 3.0}})))
    with pytest.raises(PluginError, match=r"mind\.parameters\.auction\.hold = -1\.0: must lie in \[0, 10000\]"):
        registry.build(replace(MISSION, mind=Mind(arbiter="auction", parameters={"auction": {"hold": -1.0}})))
    with pytest.raises(PluginError, match=r"mind\.parameters\.auctoin: no .* has this name \(did you mean 'auction'"):
        registry.build(given(auctoin={"hold": 1.0}))
    with pytest.raises(PluginError, match=r"mind\.parameters\.farmer\.antibodies = 3\.5: must be a whole number"):
        registry.build(replace(MISSION, mind=Mind(arbiter="farmer", parameters={"farmer": {"antibodies": 3.5}})))


# the table of calls


class Ear:
    """One robot, number 3, and whom it hears and sees."""

    def __init__(self) -> None:
        self.calls, self.memory = silence(1), newborn(1)
        self.battery = math.nan
        self.heard = nobody(8)[None, :]
        self.seen = np.full((1, 8), -1, np.int16)
        self.where = np.full((1, 8, 2), np.nan, np.float32)

    def meet(self, robot: int, away: float, **said: float) -> None:
        slot = int(np.flatnonzero(self.heard[0]["id"] < 0)[0])
        row = self.heard[0, slot]
        row["id"], row["site"], row["action"], row["need"] = robot, -1, -1, 1
        for name, value in said.items():
            row[name] = value
        self.seen[0, slot], self.where[0, slot] = robot, (away, 0.0)

    def survey(self, sites: dict[int, float] | None = None) -> np.ndarray:
        site_id, site_rb = np.full((1, 4), -1, np.int32), np.full((1, 4, 2), np.nan, np.float32)
        for slot, (site, distance) in enumerate((sites or {}).items()):
            site_id[0, slot], site_rb[0, slot] = site, (distance, 0.0)
        avoid = np.full((1, 6), -1, np.int32)
        self.antigen, self.met, example = np.empty((1, 4)), np.empty((1, 4)), np.empty((1, 4))
        seen = self.seen, self.where, site_id, site_rb, np.array([self.battery])
        avoided = avoid, avoid * 0
        felt = self.calls, self.antigen, self.met, example
        survey(0, 0.1, 10, 0.0, 2.0, 4, *seen, np.array([3]), self.memory, self.heard, *avoided, *felt)
        return self.calls[0]


def test_callers_of_a_site_are_one_call() -> None:
    ear = Ear()
    ear.meet(1, 1.5, site=9, kind=7, action=0, waiting=4.0, mates=1, need=2)
    ear.meet(2, 1.0, site=9, kind=7, action=0, waiting=6.0, mates=1, need=3)
    ear.meet(5, 0.4, site=8, action=0, waiting=0.5)  # has hardly begun, and wants nobody: no call
    table = ear.survey()
    (call,) = table[table["site"] >= 0]
    assert (call["site"], call["kind"], call["peer"], call["mates"], call["need"]) == (9, 7, 2, 2, 3)
    assert call["loudness"] == pytest.approx(0.25 + 0.5)
    assert call["waiting"] == 6
    assert call["distance"] == 1.0
    assert ear.survey({9: 0.7})[table["site"] == 9]["distance"] == pytest.approx(0.7)


def test_a_mate_that_has_been_silent_for_a_while_is_one_still_but_what_it_feels_counts_no_more() -> None:
    ear = Ear()
    ear.memory["task"], ear.memory["site"] = WORK, 9
    ear.meet(1, 0.2, site=9, action=0, tick=-11)
    ear.heard["concentrations"] = 0.5
    ear.survey()
    assert (ear.memory["mates"][0], np.isnan(ear.met).all()) == (1, True)
    ear.heard["tick"] = -10
    ear.survey()
    assert (ear.memory["mates"][0], ear.met[0, 0]) == (1, 0.5)


def test_rivals_are_those_on_their_way_that_are_closer() -> None:
    ear = Ear()
    ear.meet(1, 1.0, site=9, action=0, waiting=4.0)
    for robot, distance, sure in ((2, 0.5, 0.75), (4, 1.5, 0.9), (6, 1.0, 0.5), (0, 1.0, 0.25)):
        ear.meet(robot, 1.0, site=9, action=-1, distance=distance, concentration=sure)
    table = ear.survey()
    (call,) = table[table["site"] >= 0]
    assert call["rivals"] == 2  # 2 is closer, 0 as close with a lower number
    assert call["bids"] == 1.0


def test_who_sets_out_for_a_site_that_takes_more_calls_at_once_and_goes_on_calling() -> None:
    ear = Ear()
    ear.meet(1, 1.0, site=9, action=-1, need=3, distance=0.8, concentration=1.0)
    for robot, said in ((2, {"action": -1, "need": 1}), (4, {"action": 0, "mates": 1, "need": 2, "waiting": 0.5})):
        ear.meet(robot, 0.5, site=10 + robot, **said)  # it only answers a call; it has all that it takes
    table = ear.survey()
    (call,) = table[table["site"] >= 0]
    assert (call["site"], call["mates"], call["need"], call["rivals"], call["bids"]) == (9, 0, 3, 1, 1.0)
    ear.heard[0, 0]["action"], ear.heard[0, 0]["waiting"] = 0, 0.1  # it has arrived
    (call,) = ear.survey()[table["site"] == 9]
    assert (call["mates"], call["need"], call["rivals"]) == (1, 3, 0)
    ear.heard[0, 0]["waiting"] = 0.0  # it moves
    assert (ear.survey()["site"] == -1).all()


def test_a_call_keeps_its_slot_and_a_full_table_gives_up_the_quietest() -> None:
    ear = Ear()
    for robot in range(4, 4 + MOST):
        ear.meet(robot, 0.2 * (robot - 3), site=100 + robot, action=0, waiting=4.0)
    before = ear.survey()["site"].tolist()
    assert len(set(before)) == MOST
    assert ear.survey()["site"].tolist() == before
    ear.heard[0, 0]["id"] = -1
    after = ear.survey()["site"].tolist()
    assert [b if b != 104 else -1 for b in before] == after
    ear.heard[0, 0]["id"] = 4
    ear.meet(20, 0.1, site=200, action=0, waiting=4.0)
    sites = ear.survey()["site"].tolist()
    assert 200 in sites
    assert len(set(sites)) == MOST


def test_no_call_is_heard_from_the_site_where_one_works_or_is_not_seen() -> None:
    ear = Ear()
    ear.meet(1, 1.0, site=9, action=0, waiting=4.0)
    ear.seen[0, 0] = -1
    assert (ear.survey()["site"] == -1).all()
    ear.seen[0, 0] = 1
    ear.memory["task"], ear.memory["site"] = APPROACH, 9
    assert 9 in ear.survey()["site"]


def test_records_of_calls_are_small() -> None:
    assert CALL.itemsize * MOST <= 256
    assert math.isclose(silence(1)["loudness"].sum(), 0)
