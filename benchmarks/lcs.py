"""Multiplexers against xcsf and scikit-XCS: CPU time, pairs to solve and rules, all in one run; single calls.

    uv run --group benchmark python benchmarks/lcs.py [--bits 6 11 20] [--seeds 1 2 3] [--calls]

CPU seconds of one thread. The step API: decide and learn, one call each, explore and exploit in turn.
xcsf counts its rules as it ships, with ternary conditions and constant predictions and the parameters of
`Params.standard`. A system has solved a problem when 100 exploit answers in a row were right. `--calls` measures
instead one predict and one learn call, a thousand robots' step, and what importing costs.
"""

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import peers

from classifier import gear, stack, xcs
from classifier.draws import Draws
from classifier.environments import PAYOFF, multiplexer, problems_until, solve_multiplexer
from classifier.params import Params
from classifier.population import empty

ADDRESS = {6: 2, 11: 3, 20: 4}
PARAMS = {6: Params.standard(400), 11: Params.standard(800), 20: Params.standard(2000, p_wild=0.5)}
PAIRS = {6: 5_000, 11: 12_000, 20: 40_000}
SLOW_PAIRS = {6: 5_000, 11: 6_000, 20: 4_000}  # for scikit-XCS, which takes minutes otherwise
REPEATS = {6: 3, 11: 3, 20: 1}  # of which the fastest counts


class Result(NamedTuple):
    """One run."""

    cpu: float  # s
    pairs: int  # explore and exploit problems
    right: np.ndarray  # (pairs,) bool, exploit answers
    rules: int

    @property
    def per_pair(self) -> float:
        """Microseconds of CPU time."""
        return 1e6 * self.cpu / self.pairs


def problems(bits: int, seed: int, pairs: int) -> tuple[np.ndarray, np.ndarray]:
    """Situations to learn from and to be tested on."""
    rng = np.random.default_rng(seed)
    taught, tested = rng.integers(2**bits, size=(2, pairs))
    return taught, tested


def as_floats(situations: np.ndarray, bits: int) -> np.ndarray:
    """Situations as the peers take them, (T, bits)."""
    return (situations[:, None] >> np.arange(bits) & 1).astype(float)


def step_api(bits: int, seed: int, pairs: int) -> Result:
    """This package, one call for each thing."""
    params, draws = PARAMS[bits], Draws(seed)
    pop = empty(params, bits, actions=2)
    taught, tested = problems(bits, seed, pairs)
    answers = multiplexer(np.stack([taught, tested]), ADDRESS[bits])
    right = np.zeros(pairs, bool)
    start = time.process_time()
    for t, (x, y, answer, other) in enumerate(zip(taught.tolist(), tested.tolist(), *answers.tolist(), strict=True)):
        action, _ = xcs.decide(pop, x, t, params, draws, explore=1.0)
        xcs.learn(pop, x, action, PAYOFF * (action == answer), t, params, draws)
        right[t] = xcs.decide(pop, y, t, params, draws, explore=0.0)[0] == other
    return Result(time.process_time() - start, pairs, right, int(np.count_nonzero(pop.numerosity)))


def whole_loop(bits: int, seed: int, pairs: int) -> Result:
    """This package, the loop inside."""
    start = time.process_time()
    pop, right = solve_multiplexer(ADDRESS[bits], pairs, seed, PARAMS[bits])
    return Result(time.process_time() - start, pairs, right, int(np.count_nonzero(pop.numerosity)))


def numpy_only(bits: int, seed: int, pairs: int) -> Result:
    """This package without numba, as the step API."""
    gear.use("numpy")
    try:
        return step_api(bits, seed, pairs)
    finally:
        gear.use("numba")


def xcsf(bits: int, seed: int, pairs: int) -> Result:
    """xcsf, ternary conditions and constant predictions."""
    p = PARAMS[bits]
    condition = {"type": "ternary", "args": {"bits": 1, "p_dontcare": p.p_wild}}
    ea = {
        "select_type": "roulette",
        "theta_ea": p.theta_ga,
        "err_reduc": p.error_factor,
        "fit_reduc": p.fitness_factor,
    }
    system = peers.xcsf(p, bits, 2, seed, condition, ea)
    taught, tested = problems(bits, seed, pairs)
    answers = multiplexer(np.stack([taught, tested]), ADDRESS[bits])
    x, y = as_floats(taught, bits), as_floats(tested, bits)
    right = np.zeros(pairs, bool)
    start = time.process_time()
    system.init_trial()
    for t in range(pairs):
        system.init_step()
        action = system.decision(x[t], True)
        system.update(PAYOFF * (action == answers[0, t]), True)
        system.end_step()
        system.init_step()
        right[t] = system.decision(y[t], False) == answers[1, t]
        system.end_step()
    system.end_trial()
    return Result(time.process_time() - start, pairs, right, system.pset_size())


def scikit_xcs(bits: int, seed: int, pairs: int) -> Result:
    """scikit-XCS: it has no step API; its `fit` explores and exploits in turn as well."""
    from skXCS import XCS

    p = PARAMS[bits]
    taught, tested = problems(bits, seed, pairs)
    answers = multiplexer(np.stack([taught, tested]), ADDRESS[bits])
    system = XCS(
        learning_iterations=2 * pairs,
        N=p.capacity,
        p_general=p.p_wild,
        theta_GA=p.theta_ga,
        p_mutation=p.mu,
        random_state=seed,
        e_0=p.epsilon0,
        do_action_set_subsumption=True,
        max_payoff=PAYOFF,
    )
    start = time.process_time()
    system.fit(as_floats(taught, bits).astype(int), answers[0])
    cpu = time.process_time() - start
    right = system.predict(as_floats(tested[:200], bits).astype(int)) == answers[1][:200]
    rules = getattr(system, "population", None) or system.env.population
    return Result(cpu, pairs, right, len(rules.popSet))


SYSTEMS: dict[str, Callable[[int, int, int], Result]] = {
    "xcsf": xcsf,
    "step API": step_api,
    "whole loop": whole_loop,
    "NumPy only": numpy_only,
    "scikit-XCS": scikit_xcs,
}


def measure(bits: int, seeds: list[int], names: list[str]) -> None:
    """Print a line for each system; ratios are to xcsf's time per pair."""
    base = float("nan")
    print(f"\n{bits}-multiplexer, {PAIRS[bits]} pairs, seeds {seeds}; ratio: CPU time of xcsf / CPU time, per pair")
    print(f"{'':12} {'us a pair':>10} {'ratio':>7} {'CPU s':>8} {'pairs to 100 right':>20} {'rules':>20}")
    for name in names:
        pairs = SLOW_PAIRS[bits] if name == "scikit-XCS" else PAIRS[bits]
        try:
            SYSTEMS[name](bits, 1, 5)
            runs = [
                min((SYSTEMS[name](bits, s, pairs) for _ in range(REPEATS[bits])), key=lambda r: r.cpu) for s in seeds
            ]
        except ImportError as error:
            print(f"{name:12} not installed: {error}")
            continue
        mine = statistics.median(run.per_pair for run in runs)
        base = mine if name == "xcsf" else base
        solved = [problems_until(run.right, 100) for run in runs] if name != "scikit-XCS" else ["-"]
        cpu = statistics.median(run.cpu for run in runs)
        rules = " ".join(str(run.rules) for run in runs)
        print(f"{name:12} {mine:10.1f} {base / mine:7.1f} {cpu:8.2f} {' '.join(map(str, solved)):>20} {rules:>20}")


def calls() -> None:
    """One predict and one learn call on a population that knows the 20-multiplexer, the median of 5,000."""
    params, draws = PARAMS[20], Draws(3)
    pop, _ = solve_multiplexer(4, 40_000, 1, params)
    took = np.zeros((5000, 2))
    for t, x in enumerate(np.random.default_rng(1).integers(2**20, size=len(took)).tolist()):
        start = time.perf_counter()
        action, _ = xcs.decide(pop, x, 40_000 + t, params, draws, explore=1.0)
        decided = time.perf_counter()
        xcs.learn(pop, x, action, PAYOFF * (action == multiplexer(x, 4)), 40_000 + t, params, draws)
        took[t] = decided - start, time.perf_counter() - decided
    predict, learn = 1e6 * np.median(took, axis=0)
    print(f"one call, {np.count_nonzero(pop.numerosity)} rules: predict {predict:.1f} us, learn {learn:.1f} us")


def robots(count: int = 1000, steps: int = 300) -> None:
    """A stack's step: all decide and learn, 8 real inputs, room for 400 rules; the median of the last 50 steps."""
    params, lanes = Params(capacity=400, spread=1.0, p_wild=0.0), np.arange(count)
    pop, rng = empty(params, 0, 4, (count,), reals=8), np.random.default_rng(1)
    took = []
    for t in range(steps):
        x, now = rng.random((count, 8)), np.full(count, t)
        start = time.process_time()
        actions, _ = stack.decide(pop, x, now, params, 1, lanes, t, explore=0.1)
        stack.learn(pop, x, actions, PAYOFF * (actions == (4 * x[:, 0]).astype(int)), now, params, 1, lanes, t)
        took.append(time.process_time() - start)
    rules = np.count_nonzero(pop.numerosity) / count
    print(f"{count} robots' step, {rules:.0f} rules each: {1e3 * statistics.median(took[-50:]):.1f} ms")


def imports() -> None:
    """What importing the package costs beyond NumPy: the best of five fresh processes each."""
    best = {}
    for modules in ("numpy", "numpy, classifier.learner"):
        code = f"import time; start = time.process_time(); import {modules}; print(time.process_time() - start)"
        runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, check=True) for _ in range(5)]
        best[modules] = min(float(run.stdout) for run in runs)
    alone, both = best.values()
    print(f"import beyond NumPy: {1e3 * (both - alone):.0f} ms")


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bits", type=int, nargs="+", choices=ADDRESS, default=list(ADDRESS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--systems", nargs="+", choices=SYSTEMS, default=list(SYSTEMS))
    parser.add_argument("--calls", action="store_true")
    args = parser.parse_args()
    if args.calls:
        calls()
        robots()
        imports()
        return
    for bits in args.bits:
        measure(bits, args.seeds, args.systems)


if __name__ == "__main__":
    main()
