"""A scikit-learn classifier (extra `sklearn`): XCS on a data set, one lesson a sample, pay-off 1000 if right."""

from dataclasses import replace
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from classifier import reading, tables


class XcsClassifier(ClassifierMixin, BaseEstimator):
    """XCS with a bit for each column of zeros and ones, an interval for each other one.

    Real columns are scaled by their least and greatest value in `fit`; what lies outside of them later
    counts as the nearest of both. A sample that no rule matches gets the most frequent class.
    """

    def __init__(
        self,
        trials: int = 20_000,
        capacity: int = 2000,
        p_wild: float = 0.5,
        mu: float = 0.08,
        theta_ga: float = 12.0,
        epsilon0: float = 10.0,
        beta: float = 0.2,
        nu: float = 5.0,
        spread: float = 1.0,
        shift: float = 0.1,
        tournament: float = 0.4,
        random_state: Any = 0,
    ) -> None:
        """`trials` lessons; the others as in `classifier.params.Params`; a seed, or as scikit-learn has it."""
        self.trials = trials
        self.capacity = capacity
        self.p_wild = p_wild
        self.mu = mu
        self.theta_ga = theta_ga
        self.epsilon0 = epsilon0
        self.beta = beta
        self.nu = nu
        self.spread = spread
        self.shift = shift
        self.tournament = tournament
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> "XcsClassifier":
        """Learn from samples (n, d) and their classes (n,). Raises ValueError for NaN and wrong shapes."""
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        self.classes_, answers = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"Classifier can't train when only one class is present: {self.classes_[0]!r}")
        changes = {name: value for name, value in self.get_params().items() if name not in ("trials", "random_state")}
        self.params_ = replace(tables.params(), **changes)
        seed = self.random_state
        if not isinstance(seed, Integral):
            seed = check_random_state(seed).randint(2**31)
        self.default_ = int(np.bincount(answers).argmax())
        self.population_, self.scale_ = tables.fit(X, answers, len(self.classes_), self.trials, int(seed), self.params_)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The classes (n,) predicted to pay most."""
        check_is_fitted(self)
        return np.asarray(self.classes_[np.argmax(self.predict_payoff(X), axis=1)])

    def predict_payoff(self, X: Any) -> np.ndarray:
        """The pay-off (n, classes) that each class is predicted to bring."""
        check_is_fitted(self)
        known = tables.payoffs(self.population_, self.scale_, validate_data(self, X, dtype=np.float64, reset=False))
        known[np.isneginf(known).all(1), self.default_] = 0.0
        return known

    def rules(self, inputs: list[str] | None = None, most: int | None = None) -> list[str]:
        """The rules as sentences, the fittest first; `inputs` names the columns."""
        check_is_fitted(self)
        names = np.array(inputs if inputs is not None else [f"x{i}" for i in range(self.n_features_in_)])
        ordered = [*names[self.scale_.binary], *names[~self.scale_.binary]]
        return reading.sentences(self.population_, ordered, [str(c) for c in self.classes_], most)
