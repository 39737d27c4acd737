"""Data sets from tables of numbers: read them, learn them, score by cross-validation. NumPy only."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from classifier.conditions import Situation
from classifier.draws import FOLD, ORDER, uniform
from classifier.params import Params, check_whole
from classifier.population import MOST_BITS, Population, empty
from classifier.training import lessons, predictions, situations

PAYOFF = 1000.0


class TableError(ValueError):
    """A table that cannot be learnt from; says where."""


@dataclass(frozen=True)
class Scale:
    """How columns become situations: a bit for each of zeros and ones, an interval for each other one."""

    binary: np.ndarray  # (d,) bool
    low: np.ndarray  # (d,)
    high: np.ndarray  # (d,)

    def situations(self, pop: Population, X: np.ndarray) -> Situation:
        """Rows (n, d); real inputs beyond what the scale knows count as its nearest end."""
        width = np.where(self.high > self.low, self.high - self.low, 1.0)
        scaled = np.clip((X - self.low) / width, 0, 1)[:, ~self.binary]
        words = ((X[:, self.binary] >= 0.5) << np.arange(self.binary.sum())).sum(1)
        return situations(pop, words if pop.bits else None, scaled if pop.reals else None, len(X))


@dataclass(frozen=True)
class Data:
    """Samples and their classes."""

    names: tuple[str, ...]  # (d,) of the columns
    classes: tuple[str, ...]
    X: np.ndarray  # (n, d) f8
    y: np.ndarray  # (n,) i8, index into `classes`


def scale(X: np.ndarray) -> Scale:
    """The scale of a data set (n, d)."""
    binary = np.asarray(np.isin(X, (0, 1)).all(0))
    binary[np.flatnonzero(binary)[MOST_BITS:]] = False
    return Scale(binary, X.min(0), X.max(0))


def params(capacity: int = 2000) -> Params:
    """Settings for data sets: mutation and evolution are busy, as bounds have to be found exactly."""
    return Params(
        capacity=capacity,
        p_wild=0.5,
        mu=0.08,
        theta_ga=12.0,
        spread=1.0,
        gradient=False,
        copy_fitness=True,
    )


def read(path: Path | str, target: str) -> Data:
    """A table with a line of names; all columns but `target` must be numbers. Raises TableError."""
    rows, begin = [], 1  # each row with the line that it begins in
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            for row in (reader := csv.reader(file)):
                if row:
                    rows.append((begin, row))
                begin = reader.line_num + 1
    except (OSError, UnicodeDecodeError) as error:
        raise TableError(f"{path}: cannot be read: {error}") from None
    except csv.Error as error:
        raise TableError(f"{path}: line {begin}: {error}; is a quote not closed?") from None
    if len(rows) < 3:
        raise TableError(f"{path}: {len(rows)} lines: must be a line of names and at least two of values")
    (_, names), *lines = rows
    if target not in names:
        raise TableError(f"{path}: target = {target!r}: must be one of {', '.join(names)}")
    if len(names) < 2:
        raise TableError(f"{path}: has no column but {target!r}: nothing to learn from")
    at = names.index(target)
    X = np.zeros((len(lines), len(names) - 1))
    for i, (number, line) in enumerate(lines):
        if len(line) != len(names):
            raise TableError(f"{path}: line {number}: {len(line)} values for {len(names)} columns")
        for column, text in enumerate(line[:at] + line[at + 1 :]):
            name = names[column + (column >= at)]
            try:
                X[i, column] = float(text)
            except ValueError:
                raise TableError(f"{path}: line {number}: {name} = {text!r}: must be a number") from None
            if not np.isfinite(X[i, column]):
                raise TableError(f"{path}: line {number}: {name} = {text}: must be finite")
    classes, y = np.unique([line[at] for _, line in lines], return_inverse=True)
    if len(classes) < 2:
        raise TableError(f"{path}: {target}: all values are {str(classes[0])!r}; nothing to tell apart")
    return Data(tuple(names[:at] + names[at + 1 :]), tuple(classes.tolist()), X, y)


def fit(X: np.ndarray, y: np.ndarray, classes: int, trials: int, seed: int, params: Params) -> tuple[Population, Scale]:
    """Learn from randomly drawn samples (n, d) of classes (n,): what was learnt, and the scale it belongs to.

    Raises ValueError for samples that are no finite numbers, and for classes that are not 0 .. classes - 1.
    """
    check_whole("trials", trials, 1, 1e9)
    X, y = np.asarray(X, np.float64), np.asarray(y)
    if X.ndim != 2 or not len(X) or y.shape != X.shape[:1]:
        raise ValueError(f"samples of shape {X.shape} and classes of shape {y.shape}: must be (n, d) and (n,)")
    if not np.isfinite(X).all():
        raise ValueError("samples: must be finite numbers")
    if y.dtype.kind not in "iu" or y.min() < 0 or y.max() >= classes:
        raise ValueError(f"classes: must be whole numbers in [0, {classes - 1}]")
    ruler = scale(X)
    bits = int(ruler.binary.sum())
    pop = empty(params, bits, classes, reals=X.shape[1] - bits)
    chosen = (uniform(seed, 0, np.arange(trials), ORDER, 0) * len(X)).astype(int)
    payoffs = PAYOFF * (y[chosen][:, None] == np.arange(classes))
    lessons(pop, ruler.situations(pop, X[chosen]), payoffs, params, seed)
    return pop, ruler


def payoffs(pop: Population, ruler: Scale, X: np.ndarray) -> np.ndarray:
    """What each class is predicted to pay (n, classes); -inf where no rule matches."""
    table = predictions(pop, ruler.situations(pop, X))
    table[np.isnan(table)] = -np.inf
    return table


def assign(y: np.ndarray, seed: int, folds: int) -> np.ndarray:
    """The fold of each sample, (n,): at random, the classes (n,) in equal shares."""
    fold = np.empty(len(y), int)
    fold[np.lexsort((uniform(seed, 0, np.arange(len(y)), FOLD, 0), y))] = np.arange(len(y)) % folds
    return fold


def crossvalidate(data: Data, trials: int, seed: int, params: Params, folds: int = 10) -> np.ndarray:
    """The share of right answers in each fold, (folds,); folds hold the classes in equal shares."""
    fold = assign(data.y, seed, folds)
    scores = []
    for k in range(min(folds, len(data.y))):
        train, test = fold != k, fold == k
        pop, ruler = fit(data.X[train], data.y[train], len(data.classes), trials, seed, params)
        scores.append(np.mean(payoffs(pop, ruler, data.X[test]).argmax(1) == data.y[test]))
    return np.array(scores)
