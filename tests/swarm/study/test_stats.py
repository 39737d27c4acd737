"""Statistics against values by hand and in closed form, and whether intervals cover what they should."""

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from swarm.study import stats

HORIZON = 10.0


def test_an_effect_by_hand() -> None:
    effect = stats.effect(np.log([2.0, 2.0, 0.5, 2.0]))
    assert effect.ratio == pytest.approx(2**0.5)  # logs 1, 1, -1, 1 times ln 2: mean a half
    assert effect.superior == 0.75
    assert effect.d == pytest.approx(0.5)  # their standard deviation is 1 times ln 2
    assert effect.low < effect.ratio < effect.high
    # all ranks are 2.5, the one against has W- = 2.5; ten of the sixteen ways to give signs are at least as uneven
    assert effect.p == pytest.approx(10 / 16)


def test_wilcoxon_is_exact_without_ties() -> None:
    assert stats.signed_rank(np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])) == pytest.approx(2 / 2**6)
    assert stats.signed_rank(np.array([-1.0, 2.0, 3.0])) == pytest.approx(4 / 2**3)
    assert stats.signed_rank(np.zeros(3)) == 1


@pytest.mark.parametrize(
    ("logs", "verdict"),
    [
        ([0.1, 0.2, 0.3, 0.2, 0.1, 0.3], "higher"),
        ([-0.1, -0.2, -0.3, -0.1, -0.2, -0.3], "lower"),
        ([-0.1, 0.2, -0.3, 0.2, -0.2, 0.1], "no difference shown"),
        ([0.0] * 6, "no difference shown"),
        ([0.1, 0.2, 0.3, 0.2, 0.1], "too few seeds"),
        ([0.5], "too few seeds"),
        ([], "too few seeds"),
    ],
)
def test_verdicts_come_from_the_interval(logs: list[float], verdict: str) -> None:
    assert stats.effect(np.array(logs)).verdict == verdict


def test_the_same_data_give_the_same_interval_and_a_wider_level_a_wider_one() -> None:
    values = np.random.default_rng(1).normal(size=20)
    assert stats.interval(values) == stats.interval(values.copy())
    low, high = stats.interval(values, 0.99)
    narrow = stats.interval(values, 0.8)
    assert low < narrow[0] < values.mean() < narrow[1] < high
    assert stats.interval(np.full(5, 0.3)) == (0.3, 0.3)


@pytest.mark.parametrize("draw", ["normal", "gumbel"])
def test_intervals_cover(monkeypatch: pytest.MonkeyPatch, draw: str) -> None:
    """95% intervals of a mean of 20 cover it in 0.89 to 0.98 of 300 samples, skewed ones included."""
    monkeypatch.setattr(stats, "RESAMPLES", 600)
    rng = np.random.default_rng(7)
    mean = {"normal": 0.2, "gumbel": 0.2 + np.euler_gamma * 0.5}[draw]
    hits = 0
    for _ in range(300):
        low, high = stats.interval(getattr(rng, draw)(0.2, 0.5, 20))
        hits += low <= mean <= high
    assert 0.89 <= hits / 300 <= 0.98


def test_holm_by_hand() -> None:
    # sorted .01 .02 .03 .04 times 4, 3, 2, 1: .04 .06 .06 .04, and never less than the one before
    assert stats.holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert stats.holm([0.5, 0.9]) == pytest.approx([1, 1])
    assert stats.holm([]) == []
    one, nan = stats.holm([0.03, float("nan")])
    assert (one, math.isnan(nan)) == (0.03, True)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_lies_between_the_plain_p_and_bonferroni(ps: list[float]) -> None:
    for plain, corrected in zip(ps, stats.holm(ps), strict=True):
        assert plain <= corrected <= min(1, len(ps) * plain) + 1e-12 or corrected <= 1
        assert corrected >= plain
    order = np.argsort(ps)
    assert (np.diff(np.array(stats.holm(ps))[order]) >= 0).all()


def test_holm_keeps_the_family_error() -> None:
    """Of 2,000 families of ten true nulls at most about 5% have a rejection."""
    ps = np.random.default_rng(3).random((2000, 10))
    rejected = np.mean([min(stats.holm(row)) < 0.05 for row in ps])
    assert 0.035 < rejected < 0.065


def test_equivalence_by_hand() -> None:
    found = stats.equivalence(np.array([-0.02, 0.0, 0.02]), 0.15)
    error = 0.02 / math.sqrt(3)
    t = math.log(1.15) / error  # both tests have the same statistic, as the mean is 0
    assert found.p == pytest.approx(0.5 - t / (2 * math.sqrt(2 + t * t)))  # Student's t with 2 degrees, closed form
    half = 2.919986 * error
    assert (found.low, found.high) == pytest.approx((math.exp(-half), math.exp(half)), rel=1e-6)
    assert found.verdict == "too few seeds"


@pytest.mark.parametrize(
    ("logs", "verdict"),
    [
        (np.full(6, 0.05), "equivalent"),
        (np.full(6, 0.3), "different"),
        (np.tile([0.3, 0.31, 0.29], 2), "different"),
        (np.tile([0.05, 0.06, 0.02], 2), "equivalent"),
        (np.tile([-0.3, 0.3, 0.1], 2), "not shown"),
    ],
)
def test_equivalence_in_words(logs: np.ndarray, verdict: str) -> None:
    found = stats.equivalence(logs, 0.15)
    assert found.verdict == verdict
    assert (found.p < 0.05) == (verdict == "equivalent")


def test_equivalence_errs_in_one_of_twenty_at_the_bound() -> None:
    rng = np.random.default_rng(5)
    samples = rng.normal(math.log(1.15), 0.1, (800, 20))
    assert 0.025 < np.mean([stats.equivalence(row, 0.15).p < 0.05 for row in samples]) < 0.08


def test_kaplan_meier_by_hand() -> None:
    """Times 1, 2+, 3, 4+, 5: the curve falls to 4/5, then by 2/3, then to 0."""
    times, seen = np.array([1.0, 2, 3, 4, 5]), np.array([True, False, True, False, True])
    steps, shares = stats.survival(times, seen)
    assert dict(zip(steps, shares, strict=True)) == pytest.approx({1: 4 / 5, 2: 4 / 5, 3: 8 / 15, 4: 8 / 15, 5: 0})
    assert stats.median(times, seen) == 5
    assert stats.restricted_mean(times, seen, 6)[0] == pytest.approx(1 + 2 * 4 / 5 + 2 * 8 / 15)
    assert stats.restricted_mean(times, seen, 2)[0] == pytest.approx(1 + 4 / 5)


@given(st.lists(st.tuples(st.integers(0, 8), st.booleans()), min_size=1, max_size=12))
def test_kaplan_meier_agrees_with_scipy(cases: list[tuple[int, bool]]) -> None:
    times, seen = np.array([t for t, _ in cases], float), np.array([s for _, s in cases])
    known = scipy.stats.ecdf(scipy.stats.CensoredData(uncensored=times[seen], right=times[~seen])).sf
    steps, shares = stats.survival(times, seen)
    np.testing.assert_array_equal(steps, known.quantiles)
    np.testing.assert_allclose(shares, known.probabilities, atol=1e-12)


@pytest.mark.parametrize("n", range(2, 101, 2))
def test_half_of_the_cases_are_half_whatever_their_number(n: int) -> None:
    """The share of those still running is a product of many fractions, and rounded."""
    times = np.arange(n, dtype=float)
    assert stats.median(times, np.ones(n, bool)) == n // 2 - 1
    assert stats.median(times, times < n // 2) == n // 2 - 1
    assert stats.median(times, times < n // 2 - 1) == math.inf


def test_nobody_recovers_and_everybody_at_once() -> None:
    never = np.full(4, HORIZON), np.zeros(4, bool)
    assert stats.restricted_mean(*never, HORIZON) == (HORIZON,) * 3
    assert stats.median(*never) == math.inf
    at_once = np.zeros(4), np.ones(4, bool)
    assert stats.restricted_mean(*at_once, HORIZON) == (0, 0, 0)
    assert stats.median(*at_once) == 0
    assert all(map(math.isnan, stats.restricted_mean(np.empty(0), np.empty(0, bool), HORIZON)))


def test_restricted_mean_of_censored_exponentials() -> None:
    """Times with mean 5 s, observed for up to 10 s or for a random time: close to 5 (1 - exp(-2)), covered by 95%."""
    rng, true, hits, means = np.random.default_rng(11), 5 * (1 - math.exp(-2)), 0, []
    for _ in range(60):
        times, ends = rng.exponential(5, 60), np.minimum(HORIZON, rng.uniform(2, 40, 60))
        mean, low, high = stats.restricted_mean(np.minimum(times, ends), times <= ends, HORIZON)
        hits += low <= true <= high
        means.append(mean)
    assert np.mean(means) == pytest.approx(true, rel=0.03)
    assert hits >= 52
