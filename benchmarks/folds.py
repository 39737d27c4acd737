"""Data sets against xcsf and scikit-XCS: ten folds, the same for all, differences fold by fold.

    uv run --group benchmark --extra sklearn python benchmarks/folds.py [--data iris] [--systems this] [--lessons 2000]

Each system gets the same samples, scaled to [0, 1], the same number of lessons and the same room for rules; otherwise
its own customary settings. This package's were chosen with `--choosing`: ten folds of one half of the samples, those
of the other half unseen. The folds reported are of the other half, each learnt from all samples but its own. The
interval of a difference (this less the peer) is that of Student's t over the ten folds, 95%. Data sets: the
real-valued 6-multiplexer (drawn here; another draw for choosing) and those that scikit-learn brings.
"""

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import peers

from classifier import tables

FOLDS = 10
T_95 = 2.262  # Student's t, 9 degrees of freedom, two-sided
CAPACITY = 1000
Data = tuple[np.ndarray, np.ndarray]


def multiplexer() -> Data:
    """The real-valued 6-multiplexer [Wilson 2000]: a bit is an input of at least a half."""
    X = np.random.default_rng(3).random((1000, 6))
    bits = (X >= 0.5).astype(int)
    return X, bits[np.arange(len(X)), 2 + bits[:, 0] + 2 * bits[:, 1]]


def shipped(name: str) -> Data:
    """A data set that comes with scikit-learn, scaled to [0, 1]."""
    from sklearn import datasets

    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    width = np.where(np.ptp(X, axis=0) > 0, np.ptp(X, axis=0), 1.0)
    return (X - X.min(0)) / width, y


def this(X: np.ndarray, y: np.ndarray, seed: int, asked: np.ndarray, lessons: int) -> np.ndarray:
    """This package, as `jerne lcs csv` and the estimator use it."""
    pop, ruler = tables.fit(X, y, int(y.max()) + 1, lessons, seed, tables.params(CAPACITY))
    return tables.payoffs(pop, ruler, asked).argmax(1)


def xcsf(X: np.ndarray, y: np.ndarray, seed: int, asked: np.ndarray, lessons: int) -> np.ndarray:
    """xcsf 1.5.0 with unordered-bound hyperrectangles and constant predictions, random actions while it learns."""
    p = tables.params(CAPACITY)
    condition = {"type": "hyperrectangle_ubr", "args": {"min": 0, "max": 1, "spread_min": 0.1, "eta": 0}}
    ea = {"select_type": "tournament", "select_size": p.tournament, "theta_ea": 25}
    system = peers.xcsf(p, X.shape[1], int(y.max()) + 1, seed, condition, ea)
    order = np.random.default_rng(seed).integers(len(X), size=lessons)
    system.init_trial()
    for i in order:
        system.init_step()
        system.update(tables.PAYOFF * (system.decision(X[i].copy(), True) == y[i]), True)
        system.end_step()
    answers = []
    for x in asked:
        system.init_step()
        answers.append(system.decision(x.copy(), False))
        system.end_step()
    system.end_trial()
    return np.array(answers)


def scikit_xcs(X: np.ndarray, y: np.ndarray, seed: int, asked: np.ndarray, lessons: int) -> np.ndarray:
    """scikit-XCS 1.0.8; each of its iterations learns, the half that explores evolves as well."""
    from skXCS import XCS

    system = XCS(learning_iterations=lessons, N=CAPACITY, random_state=seed, max_payoff=tables.PAYOFF)
    system.fit(X, y)
    return np.asarray(system.predict(asked))


DATA: dict[str, Callable[[], Data]] = {
    "multiplexer": multiplexer,
    **{name: (lambda name=name: shipped(name)) for name in ("iris", "wine", "breast_cancer")},
}
SYSTEMS: dict[str, Callable[..., np.ndarray]] = {"this": this, "xcsf": xcsf, "scikit-XCS": scikit_xcs}


def half(y: np.ndarray) -> np.ndarray:
    """The samples (n,) bool that settings are chosen on: half of each class."""
    chosen = np.zeros(len(y), bool)
    chosen[np.lexsort((np.random.default_rng(11).random(len(y)), y))[::2]] = True
    return chosen


def accuracies(
    system: Callable[..., np.ndarray], X: np.ndarray, y: np.ndarray, lessons: int, choosing: bool
) -> np.ndarray:
    """The share of right answers in each fold."""
    chosen = half(y)
    if choosing:
        X, y, chosen = X[chosen], y[chosen], np.zeros(chosen.sum(), bool)
    fold = np.full(len(y), -1)
    fold[~chosen] = tables.assign(y[~chosen], 7, FOLDS)
    return np.array(
        [
            np.mean(system(X[fold != k], y[fold != k], k + 1, X[fold == k], lessons) == y[fold == k])
            for k in range(FOLDS)
        ]
    )


def main() -> None:
    """Read the command line and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", choices=DATA, default=list(DATA))
    parser.add_argument("--systems", nargs="+", choices=SYSTEMS, default=list(SYSTEMS))
    parser.add_argument("--lessons", type=int, default=10_000, help="of each system (default: 10000)")
    parser.add_argument("--choosing", action="store_true", help="only the half that settings are chosen on")
    args = parser.parse_args()
    print(f"{FOLDS} folds, {args.lessons} lessons, {CAPACITY} rules at most")
    print("accuracy, by how much this is better with its 95% interval, CPU seconds a fold")
    for name in args.data:
        X, y = DATA[name]()
        mine: Any = None
        for system in args.systems:
            start = time.process_time()
            got = accuracies(SYSTEMS[system], X, y, args.lessons, args.choosing)
            cpu = (time.process_time() - start) / FOLDS
            line = f"{name:14} {system:12} {got.mean():.4f}"
            if mine is not None:
                better = mine - got
                mean, half = better.mean(), T_95 * better.std(ddof=1) / np.sqrt(FOLDS)
                line += f"  {mean:+.4f} [{mean - half:+.4f}, {mean + half:+.4f}]"
            mine = got if system == "this" else mine
            print(f"{line}  {cpu:.2f} s", flush=True)


if __name__ == "__main__":
    main()
