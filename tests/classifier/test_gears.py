"""Both gears decide the same from the same draws, bit for bit; alone, in a stack, in whole lives."""

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from classifier import discovery, environments, gear, maze, stack, xcs
from classifier.conditions import read
from classifier.draws import Draws, mix, uniform
from classifier.params import Params
from classifier.population import Population, empty

pytest.importorskip("numba")
from classifier.kernels import compiled
from classifier.kernels import conditions as kconditions
from classifier.kernels import discovery as kdiscovery
from classifier.kernels import draws as kdraws

PAPER = Params.standard(capacity=200)
ROOT = Path(__file__).parents[2]
Life = tuple[Params, int, int, int]  # and bits, reals, actions
LIVES: dict[str, Life] = {
    "paper": (PAPER, 6, 0, 2),
    "swarm": (Params(capacity=100), 8, 0, 3),
    "specify, prediction first": (replace(PAPER, tournament=0.4, p_specify=0.5, error_first=False), 11, 0, 2),
    "63 bits, two of four actions": (replace(PAPER, p_wild=0.97, theta_mna=2), 63, 0, 4),
    "intervals": (replace(PAPER, mu=0.1, spread=1.0), 0, 10, 2),
    "mixed, linear": (replace(PAPER, linear=True, gradient=True, tournament=0.4), 5, 2, 3),
}


@pytest.fixture(autouse=True)
def any_gear() -> Iterator[None]:
    """Whatever a test takes, the next one starts with the default."""
    yield
    gear.use("numba")


def situation(life: Life, seed: int, step: int) -> Any:
    """A situation that depends on nothing but the numbers given."""
    _, bits, reals, _ = life
    word, x = int(uniform(seed, 0, step, 0, 0) * 2**bits), uniform(seed, 0, step, 1, np.arange(reals))
    return word if not reals else x if not bits else (word, x)


def live(life: Life, seed: int, steps: int) -> tuple[Population, list[tuple[int, bytes]]]:
    """A life of so many steps: the population at the end, all actions and predictions on the way."""
    params, bits, reals, actions = life
    pop, log = empty(params, bits, actions, reals=reals), []
    for step in range(steps):
        seen, draws = situation(life, seed, step), Draws(seed, 0, step, 2)
        action, predictions = xcs.decide(pop, seen, step, params, draws, 0.5)
        word, x = read(pop, seen)
        right = (word ^ word >> 1) & 1 if bits else int(x[0] > 0.5)
        payoff = 1000.0 * (right == action % 2) * (1 if step % 7 else draws.one())
        xcs.learn(pop, seen, action, payoff, step, params, draws)
        log.append((action, predictions.tobytes()))
    return pop, log


def both(*args: Any) -> tuple[Any, Any]:
    """What `live` makes of it in either gear."""
    out = []
    for name in ("numba", "numpy"):
        gear.use(name)
        out.append(live(*args))
    return out[0], out[1]


def assert_same(one: Population, other: Population) -> None:
    for name in ("words", "counts", "numbers"):
        assert np.array_equal(getattr(one, name), getattr(other, name)), name


@pytest.mark.parametrize("life", LIVES.values(), ids=LIVES)
def test_both_gears_live_the_same_life(life: Life) -> None:
    (pop, log), (other, other_log) = both(life, 3, 400)
    assert log == other_log
    assert_same(pop, other)
    assert (pop.experience > 4).any()


def test_a_population_without_two_rules_alike_fills_up_in_both_gears() -> None:
    (pop, log), (other, other_log) = both((Params(capacity=3, p_wild=0.0, spread=0.2), 0, 2, 2), 1, 150)
    assert log == other_log
    assert_same(pop, other)
    assert pop.numerosity.tolist() == [1, 1, 1, 0]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("life", LIVES.values(), ids=LIVES)
def test_both_gears_live_the_same_long_life(life: Life, seed: int) -> None:
    (pop, log), (other, other_log) = both(life, seed, 10_000)
    assert log == other_log
    assert_same(pop, other)


def test_both_gears_train_and_walk_the_same() -> None:
    out = []
    for name in ("numba", "numpy"):
        gear.use(name)
        pop, right = environments.solve_multiplexer(2, 150, 4, PAPER)
        walker, steps = maze.practise(maze.load("woods1"), 6, 4, maze.params(200))
        out.append((pop, right.tolist(), walker, steps.tolist()))
    (pop, right, walker, steps), (other, other_right, other_walker, other_steps) = out
    assert (right, steps) == (other_right, other_steps)
    assert_same(pop, other)
    assert_same(walker, other_walker)


@pytest.mark.parametrize("name", ["numba", "numpy"])
def test_a_stack_is_its_robots_each_alone(name: str) -> None:
    gear.use(name)
    life = LIVES["mixed, linear"]
    params, bits, reals, actions = life
    robots = np.array([3, 9, 4])
    together = empty(params, bits, actions, (3,), reals)
    alone = [empty(params, bits, actions, (1,), reals) for _ in robots]
    for step in range(40):
        words = np.array([situation(life, int(robot), step)[0] for robot in robots])
        x = np.stack([situation(life, int(robot), step)[1] for robot in robots])
        steps = np.full(3, step)
        chosen, predictions = stack.decide(together, (words, x), steps, params, 7, robots, step, 0.5)
        payoffs = np.where(robots == 9, np.nan if step % 2 else 500.0, 1000.0 * (chosen == words % 3))
        stack.learn(together, (words, x), chosen, payoffs, steps, params, 7, robots, step)
        for i, pop in enumerate(alone):
            one = slice(i, i + 1)
            seen = words[one], x[one]
            action, predicted = stack.decide(pop, seen, steps[one], params, 7, robots[one], step, 0.5)
            assert action == chosen[i]
            assert np.array_equal(predicted[0], predictions[i])
            stack.learn(pop, seen, action, payoffs[one], steps[one], params, 7, robots[one], step)
    for i, pop in enumerate(alone):
        assert_same(together.lane(i), pop.lane(0))
    assert together.experience[1].sum() > 0


@pytest.mark.parametrize("name", ["numba", "numpy"])
@pytest.mark.parametrize("life", LIVES.values(), ids=LIVES)
def test_lessons_in_turn_are_lessons_one_by_one(life: Life, name: str) -> None:
    gear.use(name)
    params, bits, reals, actions = life
    pops = [empty(params, bits, actions, reals=reals) for _ in range(2)]
    draws = Draws(8), Draws(8)
    taken = [step % actions for step in range(90)]
    payoffs = [1000.0 * (step % 3 == 0) for step in range(90)]
    seen = [read(pops[0], situation(life, 8, step % 4)) for step in range(90)]
    words, x = np.array([one.word for one in seen]), np.stack([one.x for one in seen])
    together = words if not reals else x if not bits else (words, x)
    for part in (slice(0, 1), slice(1, 90)):
        some = together[part] if not isinstance(together, tuple) else (words[part], x[part])
        stack.learn_in_turn(pops[0], some, taken[part], payoffs[part], part.start, params, draws[0])
    for step, one in enumerate(seen):
        xcs.learn(pops[1], one, taken[step], payoffs[step], step, params, draws[1])
    assert_same(*pops)
    assert draws[0].one() == draws[1].one()
    assert pops[0].experience.max() > 4


@pytest.mark.parametrize(
    ("seen", "actions", "payoffs", "message"),
    [
        ([3, 16], [0, 1], [0.0, 1.0], "situations: must be whole numbers in [0, 15]"),
        ([3, 5], [0, 2], [0.0, 1.0], "actions = [0 2]: must lie in [0, 1]"),
        ([3, 5], [0, 1], [0.0, np.nan], "payoffs = [ 0. nan]: must be 2 numbers"),
        ([3, 5], [0, 1], [0.0, 2e9], "payoffs = [0.e+00 2.e+09]: must lie in [-1000000000, 1000000000]"),
        ([3, 5], [0, 1], [0.0], "payoffs of shape (1,): must be 2 numbers, NaN where none has come"),
        ([3], [0, 1], [0.0, 1.0], "words of shape (1,): must be (2,), a situation for each"),
    ],
)
def test_of_lessons_in_turn_all_are_refused_or_none(
    seen: list[int], actions: list[int], payoffs: list[float], message: str
) -> None:
    pop = empty(PAPER, 4, 2)
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        stack.learn_in_turn(pop, seen, actions, payoffs, 0, PAPER, Draws(1))
    assert not pop.numerosity.any()
    with pytest.raises(ValueError, match=r"^population of shape"):
        stack.learn_in_turn(pop, [3], [0], [1.0], 0, replace(PAPER, capacity=7), Draws(1))


def test_what_kernels_are_compiled_from_is_what_their_cache_is_named_after() -> None:
    names = [file.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".") for file in compiled.SOURCES]
    sources = {name.removesuffix(".__init__") for name in names}
    for file in (ROOT / "classifier" / "kernels").glob("*.py"):
        imported = set(re.findall(r"^from (classifier[\w.]*) import", file.read_text(), re.MULTILINE))
        assert imported <= sources, file


def test_the_kernels_draw_what_python_draws() -> None:
    state = Draws(0).state
    kdraws.draw_for(state, 2**62 + 1, 2, 3, 4)
    assert [kdraws.one(state) for _ in range(3)] == uniform(2**62 + 1, 2, 3, 4, np.arange(3)).tolist()
    assert int(kdraws.mix(np.uint64(2**64 - 5))) == mix(2**64 - 5)


def test_records_of_parameters_share_one_type_so_that_calls_stay_cheap() -> None:
    one, other = PAPER.record, replace(PAPER, mu=0.1).record
    assert one.dtype is other.dtype
    assert (float(one["mu"][0]), float(other["mu"][0]), int(other["capacity"][0])) == (PAPER.mu, 0.1, 200)


def test_ones_are_counted() -> None:
    words = [0, 1, 2**63, 2**64 - 1, 0x123456789ABCDEF0]
    assert [kconditions.count_ones(np.uint64(word)) for word in words] == [word.bit_count() for word in words]


def test_a_gear_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^gear = 'cuda': must be 'numba' or 'numpy'$"):
        gear.use("cuda")


def test_without_numba_numpy_does_it_and_importing_takes_no_numba() -> None:
    code = (
        "import sys; from classifier import xcs, gear, population, params;"
        "assert 'numba' not in sys.modules; sys.modules['numba'] = None;"
        "import importlib.util; importlib.util.find_spec = lambda name: None;"
        "gear.find_spec = lambda name: None; assert gear.kernels() is None"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_tournaments_rank_ties_by_row_in_both_gears() -> None:
    params = replace(PAPER, tournament=0.3)
    pop = empty(params, 4, 2)
    pop.numerosity[:6] = 1, 2, 3, 1, 1, 2
    pop.fitness[:6] = 0.1, 0.2, 0.3, 0.2, 0.1, 0.2
    acting = np.arange(6)
    for seed in range(300):
        u = Draws(seed).one()
        (chosen,) = discovery.select(pop, acting, params, [u])
        assert chosen == kdiscovery.select(pop.counts, pop.numbers, params.record[0], u, acting)
