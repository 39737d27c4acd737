"""The statistics of a study, pure: arrays in, numbers out. A seed is the unit; everything is paired by seed.

Ratios are compared on the logarithmic scale, where twice as many and half as many are equally far from 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

LEVEL = 0.95  # of intervals
FEW = 6  # seeds below which nothing is said: with five even a sign test cannot reach 5%
RESAMPLES = 4000
_SEED = 20240601  # of the bootstrap's draws: the same data give the same report


@dataclass(frozen=True)
class Effect:
    """A ratio of two paired measures: geometric mean over n seeds, with its interval."""

    n: int
    ratio: float
    low: float
    high: float
    p: float  # Wilcoxon's signed-rank test of "no difference", two-sided
    superior: float  # share of the seeds with the higher measure, ties count half: 0.5 is no effect
    d: float  # mean of the log ratios over their standard deviation (d_z); NaN where that is 0

    @property
    def verdict(self) -> str:
        """In words, from the interval alone."""
        if self.n < FEW:
            return "too few seeds"
        if self.low > 1:
            return "higher"
        return "lower" if self.high < 1 else "no difference shown"


def effect(logs: np.ndarray) -> Effect:
    """The effect in paired log ratios (n,), one a seed."""
    logs = np.asarray(logs, float)
    n = len(logs)
    if n == 0:
        return Effect(0, *[float("nan")] * 6)
    low, high = interval(logs)
    spread = float(logs.std(ddof=1)) if n > 1 else 0.0
    return Effect(
        n,
        float(np.exp(logs.mean())),
        float(np.exp(low)),
        float(np.exp(high)),
        signed_rank(logs),
        float(np.mean((logs > 0) + 0.5 * (logs == 0))),
        float(logs.mean()) / spread if spread > 0 else float("nan"),
    )


def interval(values: np.ndarray, level: float = LEVEL) -> tuple[float, float]:
    """Bootstrap interval of the mean of `values` (n,), bias-corrected and accelerated (BCa; Efron 1987).

    NaN for fewer than two; a point where all are equal.
    """
    values = np.asarray(values, float)
    if len(values) < 2:
        return float("nan"), float("nan")
    if np.ptp(values) == 0:
        return float(values[0]), float(values[0])
    rng = np.random.default_rng(_SEED)
    found = stats.bootstrap(
        (values,), np.mean, n_resamples=RESAMPLES, confidence_level=level, method="BCa", axis=-1, rng=rng
    ).confidence_interval
    return float(found.low), float(found.high)


def signed_rank(differences: np.ndarray) -> float:
    """P-value of Wilcoxon's signed-rank test; 1 where nothing differs, NaN for nothing."""
    differences = np.asarray(differences, float)
    if not len(differences):
        return float("nan")
    if not differences.any():
        return 1.0
    return float(stats.wilcoxon(differences).pvalue)


def holm(ps: Sequence[float]) -> list[float]:
    """P-values corrected for their number (Holm 1979); NaN stays and does not count."""
    order = [i for i in np.argsort(ps).tolist() if not np.isnan(ps[i])]
    out, floor = [float("nan")] * len(ps), 0.0
    for rank, i in enumerate(order):
        floor = max(floor, min(1.0, (len(order) - rank) * ps[i]))
        out[i] = floor
    return out


@dataclass(frozen=True)
class Equivalence:
    """Two one-sided tests (Schuirmann 1987) on paired log ratios."""

    n: int
    ratio: float
    low: float  # of the 90% interval that goes with a 5% test
    high: float
    p: float  # the larger of the two; below 0.05: equivalent
    margin: float

    @property
    def verdict(self) -> str:
        """In words, from the interval alone."""
        if self.n < FEW:
            return "too few seeds"
        if 1 / (1 + self.margin) < self.low and self.high < 1 + self.margin:
            return "equivalent"
        if self.high < 1 / (1 + self.margin) or self.low > 1 + self.margin:
            return "different"
        return "not shown"


def equivalence(logs: np.ndarray, margin: float) -> Equivalence:
    """Do paired measures agree within `margin`, that is, does their ratio lie within 1 / (1 + margin), 1 + margin?"""
    logs = np.asarray(logs, float)
    n, nan = len(logs), float("nan")
    if n < 2:
        return Equivalence(n, float(np.exp(logs.mean())) if n else nan, nan, nan, nan, margin)
    mean, error, bound = float(logs.mean()), float(stats.sem(logs)), float(np.log1p(margin))
    if error == 0:
        p = 0.0 if abs(mean) < bound else 1.0
        return Equivalence(n, float(np.exp(mean)), float(np.exp(mean)), float(np.exp(mean)), p, margin)
    above = stats.t.sf((mean + bound) / error, n - 1)
    below = stats.t.cdf((mean - bound) / error, n - 1)
    half = float(stats.t.ppf(0.95, n - 1)) * error
    return Equivalence(
        n, float(np.exp(mean)), float(np.exp(mean - half)), float(np.exp(mean + half)), float(max(above, below)), margin
    )


def survival(times: np.ndarray, seen: np.ndarray, weights: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Kaplan & Meier's (1958) share of cases that still run: (J,) times in s, and (..., J) shares from then on.

    `times` (n,) in s, of which those not `seen` (n,) were still running when observation ended. A case counts
    `weights` (..., n) times.
    """
    times, seen = np.asarray(times, float), np.asarray(seen, bool)
    counts = np.ones(len(times)) if weights is None else weights
    steps, at = np.unique(times, return_inverse=True)
    here = (at[:, None] == np.arange(len(steps))).astype(float)
    ended = (counts * seen) @ here
    running = np.cumsum((counts @ here)[..., ::-1], -1)[..., ::-1]
    return steps, np.cumprod(1 - ended / np.maximum(running, 1e-12), -1)


def restricted_mean(times: np.ndarray, seen: np.ndarray, horizon: float) -> tuple[float, float, float]:
    """Mean time up to `horizon` s, that of who takes longer counted as `horizon`, and its interval.

    The interval is a percentile bootstrap over the n cases; NaN for fewer than two.
    """
    n, nan = len(times), float("nan")
    if not n:
        return nan, nan, nan
    rng = np.random.default_rng(_SEED)
    drawn = rng.multinomial(n, np.full(n, 1 / n), RESAMPLES)
    steps, shares = survival(times, seen, np.concatenate([np.ones((1, n)), drawn]))
    edges = np.concatenate([[0.0], np.clip(steps, 0, horizon), [horizon]])
    means = np.concatenate([np.ones((len(shares), 1)), shares], -1) @ np.diff(edges)
    if n < 2:
        return float(means[0]), nan, nan
    low, high = np.quantile(means[1:], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(means[0]), float(low), float(high)


def median(times: np.ndarray, seen: np.ndarray) -> float:
    """The time at which half of the cases have ended (Kaplan & Meier); infinity if that was not seen."""
    if not len(times):
        return float("nan")
    steps, shares = survival(times, seen)
    below = np.flatnonzero(shares <= 0.5 + 1e-9)  # shares are rounded products
    return float(steps[below[0]]) if len(below) else float("inf")
