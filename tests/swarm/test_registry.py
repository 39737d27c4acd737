"""Names that missions use, plugins that bring their own, and the contract that all of them keep."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import swarm.learners
from classifier.draws import Draws
from robots.percept import blank, percept_dtype
from sim.spec import Phase
from swarm import mind, missionfile, peers, registry
from swarm.arbiters import Scene, Verdict, check
from swarm.arbiters.networks import Immune
from swarm.calls import silence
from swarm.learners import Lesson, Moment
from swarm.memory import newborn
from swarm.mission import Mind, Mission
from swarm.registry import PluginError, arbiter, find, learner, load, sensor
from swarm.report import ACTIONS, STRATEGIES
from swarm.situation import BITS

MISSION = Mission(version=1, name="bare", seed=5, phases=(Phase(60, 0, {}),))
LANES, TICKS = 5, 120

PLUGIN = '''
"""Aggregates when it hears that the others do."""

import numpy as np

from swarm.arbiters import Verdict
from swarm.registry import arbiter


@arbiter("sheep")
class Sheep:
    def __init__(self, mission):
        self.threshold = 0.5

    def start(self, lanes):
        return np.zeros((lanes, 2))

    def step(self, state, scene):
        state = 0.9 * state + 0.1 * np.where(np.isnan(scene.met), scene.antigen, scene.met)
        strategy = np.where(state[:, 0] > self.threshold, 0, 1)
        return state, Verdict(strategy, state, np.clip(state, 0, 1))
'''


@pytest.fixture(autouse=True)
def own_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test registers is gone when it is over."""
    for name in ("ARBITERS", "LEARNERS", "SENSORS"):
        monkeypatch.setattr(registry, name, dict(getattr(registry, name)))


def test_find() -> None:
    assert find(registry.ARBITERS, "mind.arbiter", "immune") is Immune
    assert find(registry.LEARNERS, "mind.learner", "xcs") is swarm.learners.Xcs


def test_unknown_name() -> None:
    with pytest.raises(PluginError) as caught:
        find({"immune": 1, "random": 2}, "mind.arbiter", "imune")
    assert str(caught.value) == "mind.arbiter = 'imune': must be one of immune, random (did you mean 'immune'?)"


def test_unknown_name_like_no_other() -> None:
    with pytest.raises(PluginError, match=r"^mind\.learner = 'zzz': must be one of random, xcs$"):
        find({"xcs": 1, "random": 2}, "mind.learner", "zzz")


@pytest.mark.parametrize(("register", "what"), [(arbiter, "arbiter"), (learner, "learner"), (sensor, "sensor")])
def test_a_name_is_given_once(register: type, what: str) -> None:
    class One:
        pass

    assert register("one")(One) is One
    with pytest.raises(PluginError, match=f"^{what} 'one' is registered twice$"):
        register("one")(One)


def test_plugin(tmp_path: Path) -> None:
    path = tmp_path / "sheep.py"
    path.write_text(PLUGIN)
    load([str(path)])
    assert registry.ARBITERS["sheep"].__name__ == "Sheep"
    load([str(path)])  # once a process


def test_plugins_of_the_same_name_in_two_folders(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "mine.py").write_text(PLUGIN.replace("sheep", f"sheep-{name}"))
        load([str(tmp_path / name / "mine.py")])
    assert {"sheep-a", "sheep-b"} <= set(registry.ARBITERS)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("bad.py", "1 / 0", "ZeroDivisionError: division by zero"),
        ("bad.py", "def f(:", "SyntaxError"),
        (
            "bad.py",
            "import nowhere_to_be_found",
            "ModuleNotFoundError: No module named 'nowhere_to_be_found'",
        ),
        (
            "bad.py",
            "from swarm.registry import arbiter\n@arbiter('immune')\nclass A: pass",
            "'immune' is registered twice",
        ),
        ("bad.py", "raise SystemExit(7)", "SystemExit: 7"),
        ("bad.toml", "x = 1", "must be a Python file"),
        ("missing.py", None, "must be a Python file"),
        ("folder", None, "must be a Python file"),
    ],
)
def test_plugin_that_cannot_be_used(tmp_path: Path, name: str, text: str | None, says: str) -> None:
    path = tmp_path / name
    (tmp_path / "folder").mkdir()
    if text is not None:
        path.write_text(text)
    for _ in range(2):  # a second attempt gets the same error
        with pytest.raises(PluginError) as caught:
            load([str(path)])
        assert str(caught.value).startswith(f"mind.plugins = {str(path)!r}: ")
        assert says in str(caught.value)


KEEN = """
from dataclasses import dataclass

from swarm.registry import arbiter, parameters


@dataclass(frozen=True)
class Parameters:
    keen: bool = False
    reach: float = 1.5
    most: int = 3


@arbiter("keen")
class Keen:
    def __init__(self, mission):
        self.given = parameters(mission, "keen", Parameters)

    def start(self, lanes): ...

    def step(self, state, scene): ...
"""


def keen(folder: Path, line: str) -> Any:
    """The parameters of a plugin's arbiter that a mission's file sets by a line."""
    (folder / "keen.py").write_text(KEEN)
    text = missionfile.dumps(replace(MISSION, mind=Mind(arbiter="keen", plugins=("keen.py",))))
    (folder / "mine.toml").write_text(f"{text}[mind.parameters.keen]\n{line}\n")
    mission = missionfile.load(folder / "mine.toml")
    assert missionfile.parse(missionfile.dumps(mission)) == mission
    return registry.build(mission)[0].given


@pytest.mark.parametrize(
    ("line", "key", "value"),
    [
        ("keen = true", "keen", True),
        ("keen = false", "keen", False),
        ("reach = 2", "reach", 2.0),
        ("most = 1", "most", 1),
    ],
)
def test_parameters_of_every_kind(tmp_path: Path, line: str, key: str, value: float | bool) -> None:
    given = getattr(keen(tmp_path, line), key)
    assert (given, type(given)) == (value, type(value))


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("keen = 1", "keen = 1: must be true or false"),
        ("keen = 0.5", "keen = 0.5: must be true or false"),
        ("keen = 'true'", "keen = 'true': must be a number, or true or false"),
        ("reach = true", "reach = true: must be a number"),
        ("most = true", "most = true: must be a whole number"),
        ("most = 1.5", "most = 1.5: must be a whole number"),
    ],
)
def test_parameters_of_another_kind(tmp_path: Path, line: str, says: str) -> None:
    with pytest.raises(ValueError, match=rf"mind\.parameters\.keen\.{re.escape(says)}$"):
        keen(tmp_path, line)


CLASS = """
from swarm.registry import arbiter, learner, sensor
@arbiter("{name}")
class Mine:
    def __init__(self, mission): {init}
    def start(self, lanes): return None
    {step}
"""


@pytest.mark.parametrize(
    ("init", "step", "says"),
    [
        ("pass", "", "mind.arbiter = 'mine0': Mine lacks step"),
        ("{}['no']", "def step(self, state, scene): pass", "mind.arbiter = 'mine1': KeyError: 'no' (mine1.py, line 5)"),
        ("raise ValueError('so: must be 1')", "def step(self, state, scene): pass", "so: must be 1"),
    ],
)
def test_a_class_that_cannot_be_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, init: str, step: str, says: str
) -> None:
    monkeypatch.setattr(registry, "ARBITERS", dict(registry.ARBITERS))
    name = "mine1" if "{}" in init else "mine2" if init != "pass" else "mine0"
    plugin = tmp_path / f"{name}.py"
    plugin.write_text(CLASS.format(name=name, init=init, step=step))
    with pytest.raises(ValueError, match=f"^{re.escape(says)}$"):
        registry.build(replace(MISSION, mind=Mind(arbiter=name, plugins=(str(plugin),))))


def test_a_sensor_whose_fields_fit_no_percept(monkeypatch: pytest.MonkeyPatch) -> None:
    for fields in ([("light", "banana", ())], [("touch", "f4", ())]):
        monkeypatch.setattr(registry, "SENSORS", {"light": type("Light", (), {"fields": fields})})
        with pytest.raises(PluginError, match="sensor 'light': its fields fit no percept: "):
            registry.build(MISSION)


@pytest.mark.parametrize(
    ("stepped", "says"),
    [
        ("banana", "step gave 'banana', must give its state and a Verdict"),
        ((None, None), r"step gave \(None, None\), must give"),
        ({"strategy": np.array([0])}, r"strategy has the shape \(1,\), must have \(2,\)"),
        ({"strategy": np.array([0, 4])}, r"strategy = 4: must lie in \[0, 3\]"),
        ({"stimulus": np.zeros((2, 3))}, r"stimulus has the shape \(2, 3\), must have \(2, 2\)"),
        ({"concentration": np.full((2, 2), np.nan)}, r"concentration = nan: must lie in \[0, 1\]"),
        ({"concentration": np.ones(2), "stimulus": np.ones(2)}, r"stimulus has the shape \(2,\), must have \(2, 2\)"),
        ({"concentration": np.array([[0.5, np.nan], [0.5, 0.5]])}, r"concentration = nan: must lie in \[0, 1\]"),
        ({"call": np.array([0, 1])}, "call and bid go together: give both, or none"),
        ({"bid": np.ones(2)}, "call and bid go together: give both, or none"),
        ({"call": np.array([0, 6]), "bid": np.ones(2)}, r"call = 6: must lie in \[-1, 5\]"),
        ({"call": np.array([0, 1]), "bid": np.full(2, 1.5)}, r"bid = 1\.5: must lie in \[0, 1\]"),
    ],
)
def test_what_is_no_verdict_is_told(stepped: object, says: str) -> None:
    good = Verdict(np.zeros(2, int), np.zeros((2, 2)), np.ones((2, 2)))
    check("mine", (None, good), 2)
    check("mine", (None, good._replace(call=np.array([-1, 5]), bid=np.zeros(2))), 2)
    padded = np.array(
        [[0.5, 0.5, np.nan, np.nan], [0.1, 0.2, 0.3, 0.4]]
    )  # of arbiters with two and with four strategies
    check("mine", (None, good._replace(stimulus=padded, concentration=padded)), 2)
    with pytest.raises(ValueError, match=f"^arbiter 'mine': {says}"):
        check("mine", (None, good._replace(**stepped)) if isinstance(stepped, dict) else stepped, 2)


def scene(tick: int, lanes: list[int], memory: np.ndarray) -> Scene:
    """What some robots find, different in each: some meet nobody, calls come, stay for a while, and go."""
    rng = np.random.default_rng([7, tick // 20])
    met = np.where(rng.random((LANES, 1)) < 0.3, np.nan, rng.random((LANES, 2)))
    antigen, reward = rng.random((LANES, 2)), rng.integers(-1, 2, LANES).astype(float)
    calls = silence(LANES)
    for name in ("loudness", "age", "waiting", "distance", "bids"):
        calls[name] = rng.random(calls.shape)
    for name, most in (("mates", 3), ("need", 4), ("rivals", 3)):
        calls[name] = rng.integers(1, 1 + most, calls.shape)
    calls["rivals"] -= 1
    there = rng.random(calls.shape) < 0.4
    calls["site"] = np.where(there, 10 * np.arange(calls.shape[1]) + rng.integers(0, 9, calls.shape), -1)
    return Scene(antigen[lanes], met[lanes], met[lanes], calls[lanes], memory, reward[lanes], np.array(lanes), tick)


def judge(name: str, lanes: list[int]) -> list[Verdict]:
    """What an arbiter makes of what some robots find, tick by tick."""
    judge_ = registry.ARBITERS[name](MISSION)
    state, memory, rows = judge_.start(len(lanes)), newborn(len(lanes)), np.arange(len(lanes))
    out = []
    for tick in range(TICKS):
        given = scene(tick, lanes, memory)
        kept = [np.copy(part) for part in given]
        state, verdict = judge_.step(state, given)
        assert all(np.asarray(a).tobytes() == b.tobytes() for a, b in zip(given, kept, strict=True))
        out.append(Verdict(*(None if part is None else np.copy(part) for part in verdict)))
        memory["strategy"] = verdict.strategy
        if verdict.call is not None:
            memory["aim"] = np.where(verdict.call >= 0, given.calls["site"][rows, verdict.call], -1)
    return out


def check_arbiter(name: str) -> None:
    """The contract of an arbiter: values in range, inputs left alone, the same again, lanes that never mix."""
    together = judge(name, list(range(LANES)))
    for tick, verdict in enumerate(together):
        assert np.shape(verdict.strategy) == (LANES,)
        assert np.shape(verdict.stimulus) == np.shape(verdict.concentration) == (LANES, 2)
        assert np.isin(verdict.strategy, range(len(STRATEGIES))).all()
        assert np.isfinite(verdict.stimulus).all()
        assert ((verdict.concentration >= 0) & (verdict.concentration <= 1)).all()
        assert (verdict.call is None) == (verdict.bid is None)
        if verdict.call is not None and verdict.bid is not None:
            assert np.shape(verdict.call) == np.shape(verdict.bid) == (LANES,)
            assert ((verdict.bid >= 0) & (verdict.bid <= 1)).all()
            sites = scene(tick, list(range(LANES)), newborn(LANES)).calls["site"]
            assert ((verdict.call == -1) | (sites[np.arange(LANES), verdict.call] >= 0)).all()
    again = judge(name, list(range(LANES)))
    some = judge(name, [3, 1])
    for here, there, few in zip(together, again, some, strict=True):
        for a, b, c in zip(here, there, few, strict=True):
            assert np.array_equal(a, b)
            assert a is None or c is None or np.array_equal(a[[3, 1]], c)


@pytest.mark.parametrize("name", sorted(registry.ARBITERS))
def test_arbiters_keep_the_contract(name: str) -> None:
    check_arbiter(name)


def test_a_users_arbiter_keeps_the_contract_and_runs(tmp_path: Path) -> None:
    path = tmp_path / "sheep.py"
    path.write_text(PLUGIN)
    mission = replace(MISSION, mind=Mind(arbiter="sheep", plugins=(str(path),)))
    minds = mind.start(mission, [0, 1])
    check_arbiter("sheep")
    percepts = blank(percept_dtype(mission.sensors), 2)
    percepts["proximity"] = mission.sensors.proximity.range
    tables = np.stack([peers.nobody(mission.radio.most)] * 2)
    for now in range(30):
        deeds = mind.tick(minds, now, percepts, tables, [[], []])
    assert STRATEGIES[deeds.reports["strategy"][0]] == "aggregate"  # alone, it wants company


def test_a_contract_that_is_broken_shows() -> None:
    """The check above can fail: lanes that mix, and draws that are not a function of robot and tick."""

    @arbiter("mixing")
    class Mixing(Immune):
        def step(self, state, scene):  # type: ignore[no-untyped-def]
            return super().step(state, scene._replace(antigen=scene.antigen * scene.antigen.mean()))

    @arbiter("moody")
    class Moody(Immune):
        rng = np.random.default_rng(1)

        def step(self, state, scene):  # type: ignore[no-untyped-def]
            return super().step(state, scene._replace(antigen=scene.antigen * self.rng.random()))

    for name in ("mixing", "moody"):
        with pytest.raises(AssertionError):
            check_arbiter(name)


def school(name: str, lanes: list[int]) -> list[list[tuple[int, float, float, int]]]:
    """The life of some robots with a learner: choices, predictions, best values and rules of each lane."""
    teacher = registry.LEARNERS[name](MISSION)
    state = teacher.start(len(lanes))
    out: list[list[tuple[int, float, float, int]]] = [[] for _ in lanes]
    for step in range(TICKS):
        for lane, robot in enumerate(lanes):
            rng = np.random.default_rng([robot, step])
            situation = int(rng.integers(8)) | int(rng.integers(2)) << (BITS - 1)
            allowed = sorted(rng.choice(len(ACTIONS), rng.integers(1, len(ACTIONS) + 1), replace=False).tolist())
            choice = teacher.decide(state, lane, situation, allowed, Moment(step, step, Draws(5, robot, step, 1)))
            assert choice.action in allowed
            assert np.isnan(choice.prediction) or -1e-6 <= choice.prediction <= 1000 + 1e-6
            payoff = 1000.0 * (choice.action == situation % len(ACTIONS))
            lesson = Lesson(situation, choice.action, payoff, own=step % 3 > 0)
            teacher.learn(state, lane, [lesson], Moment(step, step, Draws(5, robot, step, 2)))
            best, rules = teacher.best(state, lane, situation), int(teacher.rules(state)[lane])
            assert 0 <= best <= 1000 + 1e-6
            assert 0 <= rules <= MISSION.mind.xcs.capacity
            out[lane].append((choice.action, choice.prediction, best, rules))
    assert np.shape(teacher.rules(state)) == (len(lanes),)
    return out


@pytest.mark.parametrize("name", sorted(registry.LEARNERS))
def test_learners_keep_the_contract(name: str) -> None:
    """Allowed actions, values in range, the same again, and lanes that never mix."""
    together = school(name, [2, 7, 4])
    assert np.array_equal(together, school(name, [2, 7, 4]), equal_nan=True)
    assert np.array_equal([together[2], together[1]], school(name, [4, 7]), equal_nan=True)
    assert name in ("known", "rules") or together[0] != together[1]  # these do the same without kinds to know


@pytest.mark.parametrize("name", sorted(registry.LEARNERS))
def test_learners_know_nothing_at_first(name: str) -> None:
    teacher = registry.LEARNERS[name](MISSION)
    state = teacher.start(2)
    assert teacher.best(state, 1, 3) == 0
    assert teacher.rules(state).tolist() == [0, 0]


@pytest.mark.parametrize("name", ["stay", "q", "hysteretic"])
def test_tables_count_the_signatures_that_they_know(name: str) -> None:
    teacher, rng = registry.LEARNERS[name](MISSION), np.random.default_rng(2)
    state, met = teacher.start(2), [set[int](), set[int]()]
    for step in range(400):
        lane, signature, action = int(rng.integers(2)), int(rng.integers(60)), int(rng.integers(3))
        payoff = float(rng.choice([0.0, 1000.0]))
        teacher.learn(state, lane, [Lesson(signature, action, payoff)], Moment(step, step, Draws(5, 0, step, 2)))
        if name == "stay" or payoff:
            met[lane].add(signature)
        assert teacher.rules(state).tolist() == [len(known) for known in met]


@pytest.mark.parametrize(("name", "worth"), [("xcs", 700), ("scs", 500)])  # bids rise slowly to what is paid
def test_classifier_systems_learn_what_pays(name: str, worth: float) -> None:
    """Of two situations each wants another action; guessing gets one in five right."""
    teacher = registry.LEARNERS[name](MISSION)
    state = teacher.start(1)
    right = []
    for step in range(300):
        situation = step % 2
        choice = teacher.decide(state, 0, situation, range(len(ACTIONS)), Moment(step, step, Draws(5, 0, step, 1)))
        right.append(choice.action == situation + 1)
        payoff = 1000.0 * right[-1]
        lesson = Lesson(situation, choice.action, payoff)
        teacher.learn(state, 0, [lesson], Moment(step, step, Draws(5, 0, step, 2)))
    assert np.mean(right[-100:]) > 0.7
    assert teacher.best(state, 0, 1) > worth
    strengths = [rule.fitness for rule in teacher.readable(state, 0, 1)]
    assert strengths == sorted(strengths, reverse=True)
    assert len(strengths) < len(teacher.readable(state, 0)) == teacher.rules(state)[0]
