"""SCS: the auction, who pays whom, generations, and that it learns."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from classifier import scs
from classifier.conditions import match
from classifier.draws import Draws
from classifier.environments import multiplexer
from classifier.learner import Learner
from classifier.population import Population, count_rules
from tests.classifier.by_hand import situation

QUIET = scs.Params(sigma=0.0)


def auction(*rules: tuple[str, int, float], params: scs.Params = QUIET) -> Population:
    """A population of the rules (condition, action, strength)."""
    pop = scs.empty(params, len(rules[0][0]), actions=2)
    for row, (text, action, strength) in enumerate(rules):
        pop.care[row] = sum(1 << b for b, c in enumerate(text) if c != "#")
        pop.value[row] = sum(1 << b for b, c in enumerate(text) if c == "1")
        pop.action[row], pop.numerosity[row], pop.fitness[row] = action, 1, strength
        share = 1 - text.count("#") / len(text)
        pop.prediction[row] = params.bid * (params.bid1 + params.bid2 * share) * strength
    return pop


def test_the_highest_bid_for_each_action_stands_and_special_rules_bid_more() -> None:
    pop = auction(("1#", 0, 1000.0), ("11", 0, 1000.0), ("##", 1, 2000.0), ("0#", 1, 9000.0))
    bids = scs.predict(pop, situation("11"), 0, QUIET, Draws(1))
    assert bids.tolist() == pytest.approx([0.1 * (0.25 + 0.125) * 1000, 0.1 * 0.25 * 2000])
    assert scs.predictions_known(pop, situation("11")).tolist() == bids.tolist()
    assert scs.best(pop, situation("11")) == bids[1]


@pytest.mark.parametrize("capacity", [5, 20, 200])
def test_who_covers_in_a_full_population_of_equals_comes_to_an_end(capacity: int) -> None:
    """And what is there for the situation stays."""
    learner = Learner(scs.Params(capacity=capacity), bits=12, actions=5)
    for word in range(3 * capacity):
        learner.act(word)
        assert set(learner.population.action[match(learner.population, word)].tolist()) == set(range(5))


def test_the_winner_pays_its_bid_and_gets_the_pay_off_and_bidders_pay_tax() -> None:
    params = replace(QUIET, bid_tax=0.1, life_tax=0.5)
    pop = auction(("1#", 0, 1000.0), ("11", 0, 1000.0), ("##", 1, 2000.0), ("0#", 1, 9000.0))
    scs.learn(pop, situation("11"), 0, 300.0, 0, params, Draws(1))
    assert pop.fitness[:4].tolist() == pytest.approx([450.0, 450.0 + 300 - 37.5, 900.0, 4500.0])
    assert pop.experience[:4].tolist() == [0, 1, 0, 0]
    assert pop.prediction[1] == pytest.approx(0.0375 * 712.5)


def test_noise_lets_lower_bids_win_now_and_then() -> None:
    params = replace(QUIET, sigma=0.075)
    wins = np.zeros(2, int)
    for seed in range(400):
        pop = auction(("1#", 0, 4000.0), ("#1", 0, 5000.0))
        scs.learn(pop, situation("11"), 0, 0.0, 0, params, Draws(seed))
        wins += pop.experience[:2]
    # The bids 125 and 156.25 differ by .295 standard deviations of the difference of two noises: Phi = .384.
    assert wins.sum() == 400
    assert abs(wins[0] / 400 - 0.384) < 5 * np.sqrt(0.384 * 0.616 / 400)


def test_an_action_without_a_bidder_is_covered_and_the_weakest_gives_way() -> None:
    params = replace(QUIET, capacity=2)
    pop = auction(("1#", 0, 1000.0), ("##", 0, 500.0), params=params)
    scs.predict(pop, situation("11"), 3, params, Draws(1))
    assert pop.action[:2].tolist() == [0, 1]
    assert pop.fitness[:2].tolist() == [1000.0, 750.0]
    assert match(pop, situation("11")).tolist() == [0, 1]


def test_strength_is_handed_back_along_a_chain() -> None:
    # 0 -> 1 -> 2 -> pay-off: each bid comes to be the pay-off, less taxes.
    learner = Learner(scs.Params(sigma=0.0, bid_tax=0.0, p_wild=0.0, bid=0.5, period=10**6), 2, actions=1)
    for _ in range(400):
        for state in range(3):
            learner.act(state)
            learner.reward(100.0 * (state == 2), done=state == 2)
    assert [learner.predictions(state)[0] for state in range(3)] == pytest.approx([100.0] * 3, rel=0.02)


def test_generations_keep_the_size_and_breed_from_the_strong() -> None:
    params = scs.Params(capacity=100, period=1, replaced=0.5)
    pop = scs.empty(params, 8, actions=2)
    draws = Draws(3)
    for x in range(60):
        scs.predict(pop, x, 0, params, draws)
    before = count_rules(pop)
    pop.fitness[:before] = np.where(pop.action[:before] == 1, 5000.0, 1.0)
    for step in range(20):
        scs.learn(pop, 5, 1, 1000.0, step, params, draws)
    assert count_rules(pop) == before
    assert (pop.action[:before] == 1).mean() > 0.7
    assert not (pop.value & ~pop.care).any()
    assert (pop.care < 256).all()


def test_scs_learns_much_of_the_6_multiplexer_and_goes_on_from_a_file(tmp_path: Path) -> None:
    learner, rng = Learner(scs.Params(), bits=6, actions=2, seed=2), np.random.default_rng(2)
    right = []
    for x in rng.integers(64, size=6000).tolist():
        right.append(learner.act(x, explore=0.1) == multiplexer(x, 2))
        learner.reward(1000.0 * right[-1])
    assert np.mean(right[:500]) < 0.7 < np.mean(right[-1000:])
    learner.save(tmp_path / "it")
    again = Learner.load(tmp_path / "it")
    assert again.params == learner.params
    assert [again.act(x) for x in range(20)] == [learner.act(x) for x in range(20)]


def test_scs_takes_bits_only_and_names_what_it_refuses() -> None:
    with pytest.raises(ValueError, match=r"^reals = 2: must lie in \[0, 0\]$"):
        Learner(scs.Params(), 2, 2, reals=2)
    with pytest.raises(ValueError, match=r"^bid_tax = 2: must lie in \[0, 1\]$"):
        scs.Params(bid_tax=2)
