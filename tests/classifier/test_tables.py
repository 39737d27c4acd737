"""Data sets: what a table must be, real-valued rules, and the adapters where their libraries are installed."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from classifier import discovery, tables, xcs
from classifier.conditions import is_more_general, match
from classifier.draws import Draws
from classifier.learner import Learner
from classifier.params import Params
from classifier.population import empty

PARAMS = replace(tables.params(), capacity=300)


def checker(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Points of the unit square; the class says whether both, or none, of the inputs are above a half."""
    X = np.random.default_rng(seed).random((n, 2))
    return X, ((X > 0.5).sum(1) == 1).astype(int)


def test_intervals_learn_a_checker_board() -> None:
    X, y = checker(2000, 1)
    pop, ruler = tables.fit(X, y, 2, 15_000, 1, PARAMS)
    X, y = checker(400, 2)
    assert np.mean(tables.payoffs(pop, ruler, X).argmax(1) == y) > 0.9


def test_linear_predictions_become_exact_where_constant_ones_cannot() -> None:
    rng = np.random.default_rng(1)
    errors = []
    for linear in (True, False):
        params = Params(capacity=50, linear=linear, epsilon0=0.01, spread=1.0)
        pop = empty(params, 0, 1, reals=2)
        for step in range(1500):
            x = rng.random(2)
            xcs.predict(pop, x, step, params, Draws(1, 0, step))
            xcs.learn(pop, x, 0, 3 + 2 * x[0] - x[1], step, params, Draws(2, 0, step))
        points = rng.random((50, 2))
        got = np.array([xcs.best(pop, x) for x in points])
        errors.append(float(np.nanmean(abs(got - (3 + 2 * points[:, 0] - points[:, 1])))))
    assert errors[0] < 0.02 < errors[1]


def test_a_table_is_read(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,kind,b\n1,x,0.5\n0,y,1.5\n1,x,2\n")
    data = tables.read(tmp_path / "t.csv", "kind")
    assert (data.names, data.classes) == (("a", "b"), ("x", "y"))
    assert data.X.tolist() == [[1, 0.5], [0, 1.5], [1, 2]]
    assert data.y.tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,k\n1,x\n", "2 lines: must be a line of names and at least two of values"),
        ("a,b\n1,x\n2,y\n", "target = 'k': must be one of a, b"),
        ("a,k\n1,x\n2\n", "line 3: 1 values for 2 columns"),
        ("\na,k\n\n1,x\n\n\n2\n", "line 7: 1 values for 2 columns"),
        ('k,a\n"x\nof two lines",1\ny,z\n', "line 4: a = 'z': must be a number"),
        (
            f'a,k\n1,x\n\n2,"y\n{"3,x" * 50_000}',
            r"line 4: field larger than field limit \(131072\); is a quote not closed\?",
        ),
        ("a,k\n1,x\nz,y\n", "line 3: a = 'z': must be a number"),
        ("a,k\n1,x\nnan,y\n", "line 3: a = nan: must be finite"),
        ("a,k\n1,x\n2,x\n", "k: all values are 'x'; nothing to tell apart"),
    ],
)
def test_a_table_that_cannot_be_learnt_from_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(tables.TableError, match=f"^{tmp_path}/t.csv: {message}$"):
        tables.read(tmp_path / "t.csv", "k")


def test_a_table_that_a_spreadsheet_saved_has_its_first_column(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("kind,a\r\nx,1\r\ny,2\r\n", encoding="utf-8-sig", newline="")
    data = tables.read(tmp_path / "t.csv", "kind")
    assert (data.names, data.classes, data.X.tolist()) == (("a",), ("x", "y"), [[1], [2]])


def test_constant_and_binary_columns_are_no_trouble() -> None:
    X = np.array([[3.0, 0, 0.1], [3.0, 1, 0.9]] * 20)
    ruler = tables.scale(X)
    assert ruler.binary.tolist() == [False, True, False]
    pop, ruler = tables.fit(X, X[:, 1].astype(int), 2, 2000, 1, PARAMS)
    assert (pop.bits, pop.reals) == (1, 2)
    assert tables.payoffs(pop, ruler, X[:2]).argmax(1).tolist() == [0, 1]


def test_covering_mutation_and_matching_of_intervals() -> None:
    params = Params(capacity=100, spread=0.2, p_wild=0.2)
    pop = empty(params, 0, 1, reals=1)
    for seed in range(50):
        discovery.cover(pop, np.array([0.9]), 0, 0, params, Draws(seed))
    rows = np.flatnonzero(pop.numerosity)
    low, high = pop.bounds[0, rows], pop.bounds[1, rows]
    out = (low == 0) & (high == 1)
    assert 0 < pop.numerosity[rows][out].sum() < 25  # 10 of 50 are expected, and are one rule
    assert ((low >= 0.7) & (low <= 0.9) & (high >= 0.9) & (high <= 1.0))[~out].all()
    assert match(pop, [0.9]).tolist() == rows.tolist()


@pytest.mark.parametrize(
    ("bounds", "u", "mutated"),
    [
        ((0.5, 0.02), (0.9, 0.0, 0.0, 0.0), (0.5, 0.02)),  # not this time
        ((0.5, 0.02), (0.0, 0.4, 0.0, 0.0), (0.0, 1.0)),  # goes out
        ((1.0, 0.0), (0.0, 0.4, 0.5, 0.25), (0.6, 0.75)),  # comes in round x, as in covering
        ((0.5, 0.02), (0.0, 0.6, 0.4, 1.0), (0.6, 0.02)),  # one bound moves
        ((0.5, 0.02), (0.0, 0.6, 0.6, 0.0), (0.5, 0.0)),  # the other one moves, as far as it can
    ],
)
def test_mutation_leaves_an_input_out_lets_it_in_or_moves_a_bound(
    bounds: tuple[float, float], u: tuple[float, ...], mutated: tuple[float, float]
) -> None:
    child = [1.0, 0.0, 0.0, 0.1, 0.3, 0.4, *bounds]  # bounds come last, here of two inputs
    params = Params(mu=0.5, shift=0.1, spread=0.2)
    discovery.mutate_intervals(child, [0.5, 0.0, 0.0, 0.0, *u], np.array([0.35, 0.7]), params)
    assert child == pytest.approx([1.0, 0.0, 0.0, 0.1, 0.3, 0.4, *mutated])


def test_an_interval_that_holds_another_is_more_general() -> None:
    pop = empty(PARAMS, 0, 2, reals=2)
    pop.bounds[:, 0] = 0.8, 0.2, 0.0, 1.0  # unordered
    inside, same, outside = [0.3, 0.7, 1.0, 0.0], [0.2, 0.8, 0.0, 1.0], [0.1, 0.5, 0.0, 1.0]
    general = [bool(is_more_general(pop, 0, 0, 0, np.array(b))) for b in (inside, same, outside)]
    assert general == [True, False, False]


def test_the_estimator_learns_and_says_what_it_learnt() -> None:
    pytest.importorskip("sklearn")
    from classifier.estimator import XcsClassifier

    X, y = checker(1000, 1)
    model = XcsClassifier(trials=15_000, capacity=300).fit(X, np.where(y, "mixed", "even"))
    assert set(model.predict(X)) == {"mixed", "even"}
    assert model.score(X, np.where(y, "mixed", "even")) > 0.9
    assert model.rules(["a", "b"], most=1)[0].startswith("If ")


def test_the_estimator_takes_what_scikit_learn_calls_a_random_state() -> None:
    pytest.importorskip("sklearn")
    from classifier.estimator import XcsClassifier

    X, y = checker(200, 1)
    states = [np.random.RandomState(3), np.random.RandomState(3), np.random.RandomState(4), None]
    first, same, other, _ = (XcsClassifier(200, 100, random_state=s).fit(X, y).predict_payoff(X) for s in states)
    assert np.array_equal(first, same)
    assert not np.array_equal(first, other)
    for trials in (0, 1.5):
        with pytest.raises(ValueError, match=rf"^trials = {trials}: must"):
            XcsClassifier(trials).fit(X, y)


def test_the_estimator_passes_scikit_learns_own_checks() -> None:
    checks = pytest.importorskip("sklearn.utils.estimator_checks")
    from classifier.estimator import XcsClassifier

    results = checks.check_estimator(XcsClassifier(trials=3000, capacity=400), on_fail=None)
    assert [r["check_name"] for r in results if r["status"] == "failed"] == []


def test_a_gymnasium_environment_is_learnt() -> None:
    gymnasium = pytest.importorskip("gymnasium")
    from classifier.gymnasium import encoder, learner, train

    env = gymnasium.make("FrozenLake-v1", is_slippery=False)
    pupil = learner(env, Params(capacity=300, gamma=0.9, epsilon0=0.01, p_wild=0.2))
    train(env, pupil, 1500, explore=0.4)
    assert train(env, pupil, 5, explore=0.0).tolist() == [1.0] * 5
    with pytest.raises(ValueError, match=r"^learner: made for \(4, 0, 9\) bits.*; the environment has \(4, 0, 4\)$"):
        train(env, Learner(Params(), 4, 9), 1)
    with pytest.raises(ValueError, match="must be Discrete, MultiBinary or a Box with finite bounds"):
        encoder(gymnasium.spaces.Text(3))
    bits, reals, encode = encoder(gymnasium.spaces.Box(-1.0, 3.0, (2,)))
    assert (bits, reals, encode([0.0, 3.0]).tolist()) == (0, 2, [0.25, 1.0])
