"""The learner step by step, in files, and as people read it; bad input gets one clear error."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier import reading, store, xcs
from classifier.conditions import action_set
from classifier.draws import Draws
from classifier.environments import multiplexer, solve_multiplexer
from classifier.learner import Learner
from classifier.params import Params
from classifier.population import empty, keep, rules
from classifier.sealed import StoreError

PAPER = Params.standard()


def practise(learner: Learner, steps: int, seed: int = 1) -> list[int]:
    rng = np.random.default_rng(seed)
    out = []
    for x in rng.integers(64, size=steps).tolist():
        out.append(learner.act(x, explore=1.0))
        learner.reward(1000.0 * (out[-1] == multiplexer(x, 2)))
    return out


def test_a_learner_solves_the_6_multiplexer() -> None:
    learner = Learner(PAPER, bits=6, actions=2)
    practise(learner, 5000)
    assert [learner.best(x) for x in range(64)] == [multiplexer(x, 2) for x in range(64)]


def test_an_action_in_a_chain_learns_reward_and_discounted_best_of_what_came_next() -> None:
    learner = Learner(replace(PAPER, gamma=0.5), bits=2, actions=1)
    learner.act(0b11)
    learner.reward(8.0, done=True)  # situation 11 is worth 8
    ahead = learner.predictions(0b11)[0]
    pop = learner.population
    keep(pop, pop.numerosity < 0)  # so that 00 is covered by a rule of its own
    learner.act(0b00)
    before = action_set(pop, 0b00, 0)
    learner.reward(1.0, done=False)
    assert pop.experience[before].tolist() == [0]
    predictions = xcs.predict(pop, 0b11, learner.step, learner.params, Draws(9))
    learner.act(0b11)
    assert pop.experience[before].tolist() == [1]
    assert pop.prediction[before[0]] == pytest.approx(1.0 + 0.5 * predictions[0])
    assert ahead == pytest.approx(8.0)


def test_a_payoff_without_an_action_is_refused() -> None:
    learner = Learner(PAPER, bits=6, actions=2)
    with pytest.raises(ValueError, match=r"^payoff = 3.0: no action waits for it; act first$"):
        learner.reward(3.0)
    learner.act(5)
    with pytest.raises(ValueError, match=r"^payoff = nan: must lie in"):
        learner.reward(float("nan"))
    learner.reward(1.0)
    with pytest.raises(ValueError, match="act first"):
        learner.reward(1.0)


def test_a_taught_array_is_not_kept() -> None:
    learner = Learner(PAPER, bits=0, actions=2, reals=2)
    x = np.array([0.25, 0.75])
    action = learner.act(x)
    x[:] = 0.0
    learner.reward(500.0)
    assert learner.predictions([0.25, 0.75])[action] == 500.0


# bad input


@pytest.mark.parametrize(
    ("bits", "reals", "situation", "message"),
    [
        (6, 0, 64, r"situation = 64: must lie in \[0, 63\]"),
        (6, 0, 3.5, r"situation = 3.5: must be a whole number, bit b in bit b"),
        (6, 0, "3", r"situation = '3': must be a whole number"),
        (6, 0, None, r"situation = None: must be a whole number"),
        (6, 0, [1, 0, 1], r"situations of shape \(3,\): must be one whole number"),
        (6, 0, np.array([5]), r"situations of shape \(1,\): must be one whole number"),
        (0, 2, [[0.5, 0.5]], r"situation of shape \(1, 2\): must be \(2,\), one robot's"),
        (0, 2, [0.5, float("nan")], r"situation\[1\] = nan: must lie in \[0, 1\]"),
        (0, 2, [0.5, 1.5], r"situation\[1\] = 1.5: must lie in \[0, 1\]"),
        (0, 2, [0.5], r"situation of shape \(1,\): the last axis must be 2 real inputs"),
        (0, 2, 0.5, r"situation of shape \(\): the last axis must be 2 real inputs"),
        (0, 2, ["a", "b"], r"situation = \['a', 'b'\]: must be 2 numbers in \[0, 1\]"),
        (3, 2, 5, r"situation = 5: must be the pair \(bits as a whole number, real inputs\)"),
    ],
)
@pytest.mark.parametrize("ask", ["act", "predictions"])
def test_a_situation_that_rules_cannot_match_is_named(
    bits: int, reals: int, situation: Any, message: str, ask: str
) -> None:
    learner = Learner(PAPER, bits, 2, reals)
    with pytest.raises(ValueError, match=f"^{message}"):
        getattr(learner, ask)(situation)


@pytest.mark.parametrize("kind", ["f4", ">f8", "f8"])
def test_arrays_of_any_kind_of_float_and_layout_are_the_same_situation(kind: str) -> None:
    x = np.array([[0.25, 0.0], [0.75, 0.0]], kind)[:, 0]
    x.flags.writeable = False
    one, other = Learner(PAPER, 0, 2, 2), Learner(PAPER, 0, 2, 2)
    assert one.act(x) == other.act([0.25, 0.75])
    assert np.array_equal(one.population.numbers, other.population.numbers)


def test_parameters_of_another_population_are_refused() -> None:
    pop = empty(PAPER, 0, 2, reals=3)
    for other in (replace(PAPER, capacity=401), replace(PAPER, linear=True)):
        with pytest.raises(ValueError, match=r"^population of shape \(10, 401\): one robot's"):
            xcs.learn(pop, [0.1, 0.2, 0.3], 0, 1.0, 0, other, Draws(0))
    with pytest.raises(ValueError, match=r"^population of shape \(4, 10, 401\)"):
        xcs.predict(empty(PAPER, 0, 2, (4,), 3), [0.1, 0.2, 0.3], 0, PAPER, Draws(0))


def test_ten_thousand_real_inputs_work_and_as_many_bits_are_refused() -> None:
    learner = Learner(Params(capacity=4, spread=1.0), 0, 2, reals=10_000)
    x = np.linspace(0, 1, 10_000)
    action = learner.act(x)
    learner.reward(7.0)
    assert learner.predictions(x)[action] == 7.0
    with pytest.raises(ValueError, match=r"^bits = 10000: must lie in \[1, 63\]$"):
        Learner(PAPER, 10_000, 2)


def test_constant_inputs_are_learnt() -> None:
    learner = Learner(Params(capacity=50), 0, 2, reals=3)
    for _ in range(300):
        action = learner.act([0.0, 0.5, 1.0], explore=0.5)
        learner.reward(100.0 * action)
    assert learner.predictions([0.0, 0.5, 1.0]).tolist() == pytest.approx([0.0, 100.0], abs=1.0)


def test_a_pay_off_may_be_any_kind_of_number_and_an_action_any_kind_of_whole_number() -> None:
    pops = [empty(PAPER, 4, 2), empty(PAPER, 4, 2)]
    xcs.learn(pops[0], 3, 1, 7.0, 0, PAPER, Draws(1))
    xcs.learn(pops[1], np.uint8(3), np.int8(1), np.float32(7), 0, PAPER, Draws(1))
    assert pops[0].prediction[0] == pops[1].prediction[0] == 7.0
    assert np.array_equal(pops[0].words, pops[1].words)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"capacity": 10.0}, r"capacity = 10.0: must be of type int"),
        ({"capacity": "9"}, r"capacity = '9': must be a number"),
        ({"beta": None}, r"beta = None: must be a number"),
        ({"mu": float("nan")}, r"mu = nan: must lie in \[0, 1\]"),
    ],
)
def test_parameters_of_another_kind_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        Params(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bits": 6.5}, r"bits = 6.5: must be a whole number"),
        ({"actions": 2.0}, r"actions = 2.0: must be a whole number"),
        ({"seed": None}, r"seed = None: must be a number"),
        ({"seed": 1.5}, r"seed = 1.5: must be a whole number"),
    ],
)
def test_sizes_and_seeds_are_whole_numbers(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        Learner(PAPER, **{"bits": 6, "actions": 2, **changes})


@pytest.mark.parametrize("explore", ["x", 7, float("nan")])
def test_explore_is_a_probability_also_within_a_chain(explore: Any) -> None:
    learner = Learner(PAPER, 6, 2)
    for _ in range(2):
        with pytest.raises(ValueError, match=r"^explore = .*: must"):
            learner.act(3, explore)
        learner.act(3, 1)
        learner.reward(0.0, done=False)


def test_masked_and_complex_inputs_and_arrays_of_pay_offs_are_refused() -> None:
    learner = Learner(PAPER, 0, 2, reals=2)
    for x in (np.ma.masked_array([0.1, 0.2], [0, 1]), np.array([0.1, 0.2j])):
        with pytest.raises(ValueError, match=r"(?s)^situation = .*: must be 2 numbers in \[0, 1\]$"):
            learner.act(x)
    learner.act([0.1, 0.2])
    with pytest.raises(ValueError, match=r"^payoff = array\(.*: must be a number$"):
        learner.reward(np.ones(2))  # type: ignore[arg-type]


def test_a_population_of_one_and_an_empty_one() -> None:
    learner = Learner(Params(capacity=1), 4, 1)
    assert np.isnan(learner.predictions(3)).all()
    assert learner.best(3) == 0
    for x in range(16):
        assert learner.act(x) == 0
        learner.reward(5.0)
        assert learner.population.numerosity.sum() == 1
    assert reading.table(empty(PAPER, 4, 1)).splitlines() == [reading.table(empty(PAPER, 4, 1))]


def test_an_action_never_taken_keeps_the_first_prediction() -> None:
    learner = Learner(replace(PAPER, p_init=3.0, mu=0.0), 4, 2)
    learner.act(5)
    xcs.learn(learner.population, 5, 0, 900.0, 1, learner.params, Draws(1))
    assert learner.predictions(5)[1] == 3.0


# files


def learnt() -> Learner:
    learner = Learner(replace(PAPER, capacity=60), bits=6, actions=2, seed=5)
    practise(learner, 200)
    return learner


def test_a_learner_goes_on_from_a_file_as_if_never_stopped(tmp_path: Path) -> None:
    learner = learnt()
    learner.save(tmp_path / "it")
    again = Learner.load(tmp_path / "it")
    assert practise(again, 100, seed=2) == practise(learner, 100, seed=2)
    for name in ("words", "counts", "numbers"):
        assert getattr(again.population, name).tobytes() == getattr(learner.population, name).tobytes()
    assert (again.params, again.step, again.seed) == (learner.params, 300, 5)
    assert os.listdir(tmp_path) == ["it"]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_changed_or_missing_byte_is_noticed(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = tmp_path_factory.mktemp("store") / "it"
    Learner(Params(capacity=2), bits=3, actions=2).save(path)
    whole = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(whole) - 1))
    if data.draw(st.booleans()):
        whole[at] ^= data.draw(st.integers(1, 255))
    else:
        del whole[at:]
    path.write_bytes(whole)
    with pytest.raises(StoreError, match=f"^{path}: "):
        store.load(path)


def test_files_of_another_version_and_none_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "new").write_bytes(b"jerne-lcs 3 00\n")
    with pytest.raises(StoreError, match=r"new: version 3: must be 2$"):
        store.load(tmp_path / "new")
    with pytest.raises(StoreError, match="none: cannot be read: No such file"):
        store.load(tmp_path / "none")


def test_a_file_that_cannot_be_replaced_stays_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    learner = learnt()
    learner.save(tmp_path / "it")
    before = (tmp_path / "it").read_bytes()

    def fail(*_: Any) -> None:
        raise OSError("no space")

    monkeypatch.setattr(os, "replace", fail)
    practise(learner, 5)
    with pytest.raises(OSError, match="no space"):
        learner.save(tmp_path / "it")
    assert (tmp_path / "it").read_bytes() == before
    assert os.listdir(tmp_path) == ["it"]


# reading


def test_rules_read_as_sentences_and_as_a_table() -> None:
    pop = empty(PAPER, 2, 2, reals=1)
    pop.counts[:, :2] = [[1, 0], [30, 4], [0, 0], [2, 1]]
    pop.words[:, 0] = 0b10, 0b10
    pop.numbers[:, :2] = [[1.0, 1.0], [900.0, 10.0], [1.5, 0.0], [0.9, 0.1], [0.75, 0.0], [0.25, 1.0]]
    assert reading.sentences(pop, ["door", "lamp", "heat"], ["wait", "go"]) == [
        "If lamp is 1 and heat is between 0.25 and 0.75, then go pays 900, give or take 1.5 (seen 30 times).",
        "Always, wait pays 10, give or take 0 (seen 4 times).",
    ]
    assert [line.split() for line in reading.table(pop).splitlines()[1:]] == [
        ["#1", "[0.25,", "0.75]", "1", "900", "1.5", "0.9", "30", "2"],
        ["##", "[0,", "1]", "0", "10", "0", "0.1", "4", "1"],
    ]
    with pytest.raises(ValueError, match=r"^inputs: 1 names for 3$"):
        reading.sentences(pop, ["door"])


def test_condensation_leaves_the_16_rules_of_the_6_multiplexer() -> None:
    pop, _ = solve_multiplexer(2, 5000, 1, PAPER)
    less = reading.condense(pop, np.arange(64), PAPER)
    assert len(rules(less)) == 16
    assert {rule.condition.count("#") for rule in rules(less)} == {3}
    assert len(rules(pop)) > 16
    for x in range(64):
        predictions = xcs.predictions_known(less, x)
        assert predictions.argmax() == multiplexer(x, 2)
        assert not np.isnan(predictions).any()
