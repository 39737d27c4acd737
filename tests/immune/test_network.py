"""The network: steps worked out by hand, the checked facts about wind-up, and independence of lanes."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from immune import network
from immune.affinity import AffinityError, difference, mutual_suppression
from immune.network import Network, step
from immune.params import RANGES, Params

MUTUAL = mutual_suppression(2)
AGGREGATE, DISPERSE = 0, 1


def same(a: Network, b: Network) -> bool:
    return all(np.array_equal(x, y, equal_nan=True) for x, y in zip(a, b, strict=True))


def stack(lanes: int, antibodies: int, seed: int) -> tuple[Network, np.ndarray, np.ndarray]:
    """Networks (lanes, antibodies) in different states, an antigen each, what two thirds of them heard."""
    rng = np.random.default_rng(seed)
    S, c = rng.uniform(-4, 4, (2, lanes, antibodies))
    heard = rng.uniform(0, 1, (lanes, antibodies))
    heard[::3] = np.nan
    return Network(S, network.concentration(S), c), rng.uniform(0, 1, (lanes, antibodies)), heard


def affinity(antibodies: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-2, 2, (antibodies, antibodies))


# golden vectors


def test_at_the_start_nothing_has_stimulated_anything() -> None:
    net = network.start((3,), 2)
    assert np.array_equal(net.S, np.full((3, 2), 0.5))
    assert np.array_equal(net.s, network.concentration(net.S))
    assert np.array_equal(net.c, np.zeros((3, 2)))


def test_two_steps_by_hand() -> None:
    # alpha .2, beta .5, eta .4, k .1, m = mutual suppression, g = (.8, .2), nobody heard.
    # Step 1: S = s = .5, c = 0; coupling = -.5 each.
    #   S_0 = .5 + (.2 * -.5 + .5 * .8 - 0 - .1) .5 = .5 + .2 * .5 = .6
    #   S_1 = .5 + (-.1 + .1 - .1) .5 = .45
    #   s_0 = 1 / (1 + e^-.1) = .52497919, s_1 = 1 / (1 + e^.05) = .48750260
    #   c_0 = .4 * .2 * .6 = .048, c_1 = .4 * .8 * .45 = .144
    # Step 2: S_0 = .6 + (.2 * -.48750260 + .4 - .048 - .1) * .52497919 = .6 + .15449948 * .52497919
    #         S_1 = .45 + (.2 * -.52497919 + .1 - .144 - .1) * .48750260 = .45 - .24899584 * .48750260
    params = Params(alpha=0.2, beta=0.5, eta=0.4, k=0.1)
    antigen = np.array([0.8, 0.2])
    one = step(network.start((), 2), antigen, None, MUTUAL, params)
    np.testing.assert_allclose(one.S, [0.6, 0.45], atol=1e-15)
    np.testing.assert_allclose(one.s, [0.52497919, 0.48750260], atol=5e-9)
    np.testing.assert_allclose(one.c, [0.048, 0.144], atol=1e-15)
    two = step(one, antigen, None, MUTUAL, params)
    np.testing.assert_allclose(two.S, [0.68110901, 0.32861388], atol=5e-9)


def test_two_steps_of_four_antibodies_by_hand() -> None:
    # alpha .2, beta .5, eta .4, k .1; aggregate, disperse, search, home; g = (.1, .4, .9, .2), nobody heard.
    # Step 1: S = s = .5, c = 0; coupling = .5 (-1 + .5 - 1, 0, 0, -1 + .5 - 1) = (-.75, 0, 0, -.75)
    #   S_0 = .5 + (.2 * -.75 + .05 - .1) .5 = .5 - .2 * .5 = .4       s_0 = 1 / (1 + e^.1)    = .47502081
    #   S_1 = .5 + (.20 - .1) .5 = .55                                 s_1 = 1 / (1 + e^-.05)  = .51249740
    #   S_2 = .5 + (.45 - .1) .5 = .675                                s_2 = 1 / (1 + e^-.175) = .54363869
    #   S_3 = .5 + (-.15 + .1 - .1) .5 = .425                          s_3 = 1 / (1 + e^.075)  = .48125878
    #   c = .4 (.9 * .4, .6 * .55, .1 * .675, .8 * .425) = (.144, .132, .027, .136)
    # Step 2: coupling_0 = -s_1 + .5 s_2 - s_3 = -.72193684      coupling_1 = -s_0 + .5 s_2 + .5 s_3 = .03742792
    #         coupling_2 = .5 s_0 + .5 s_1 - s_3 = .01250032     coupling_3 = -s_0 + .5 s_1 - s_2    = -.76241080
    #   S_0 = .400 + (.2 * -.72193684 + .05 - .144 - .1) * .47502081 = .400 - .33838737 * .47502081 = .23925896
    #   S_1 = .550 + (.2 *  .03742792 + .20 - .132 - .1) * .51249740 = .550 - .02451442 * .51249740 = .53743643
    #   S_2 = .675 + (.2 *  .01250032 + .45 - .027 - .1) * .54363869 = .675 + .32550006 * .54363869 = .85195443
    #   S_3 = .425 + (.2 * -.76241080 + .10 - .136 - .1) * .48125878 = .425 - .28848216 * .48125878 = .28616543
    params, antigen = Params(alpha=0.2, beta=0.5, eta=0.4, k=0.1, antibodies=4), np.array([0.1, 0.4, 0.9, 0.2])
    one = step(network.start((), 4), antigen, None, params.coupling(), params)
    np.testing.assert_allclose(one.S, [0.4, 0.55, 0.675, 0.425], atol=1e-15)
    np.testing.assert_allclose(one.c, [0.144, 0.132, 0.027, 0.136], atol=1e-15)
    two = step(one, antigen, None, params.coupling(), params)
    np.testing.assert_allclose(two.S, [0.23925896, 0.53743643, 0.85195443, 0.28616543], atol=1e-8)
    assert int(network.elect(two, 1)) == 2


def test_what_is_heard_counts_as_much_as_what_one_finds_oneself() -> None:
    # One step from the start, g = 0, alpha 1, beta 1, k 0; heard s = (.9, .3): sbar = (.7, .4).
    # Row i of m holds what acts on i: S_0 = .5 + (2 * .4) .5 = .9, S_1 = .5 + (-1 * .7) .5 = .15.
    params = Params(alpha=1, beta=1, eta=0, k=0)
    m = np.array([[0.0, 2.0], [-1.0, 0.0]])
    heard = np.array([[0.9, 0.3], [np.nan, np.nan]])
    net = step(network.start((2,), 2), np.zeros((2, 2)), heard, m, params)
    np.testing.assert_allclose(net.S[0], [0.9, 0.15], atol=1e-15)
    np.testing.assert_allclose(net.S[1], [1.0, 0.25], atol=1e-15)  # heard nobody: sbar = (.5, .5)


def test_hearing_nobody_and_no_one_hearing_anybody_are_the_same() -> None:
    net, antigen, _ = stack(5, 3, seed=1)
    silent = np.full((5, 3), np.nan)
    m, params = affinity(3, 2), Params()
    assert same(step(net, antigen, silent, m, params), step(net, antigen, None, m, params))


def test_hearing_ones_own_state_changes_nothing() -> None:
    net, antigen, _ = stack(5, 3, seed=1)
    m, params = affinity(3, 2), Params()
    assert same(step(net, antigen, net.s, m, params), step(net, antigen, None, m, params))


def test_a_step_leaves_its_arguments_alone() -> None:
    net, antigen, heard = stack(4, 2, seed=3)
    before = [a.copy() for a in (*net, antigen, heard)]
    step(net, antigen, heard, MUTUAL, Params())
    assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip((*net, antigen, heard), before, strict=True))


# fact 1: the thresholds stand on S


def test_the_thresholds_of_the_concentration_are_those_of_the_stimulus() -> None:
    np.testing.assert_allclose(network.concentration(np.array([1.0, 0.0])), [0.622459, 0.377541], atol=5e-7)
    S = np.array([1.5, 1.0, 0.999, 0.001, 0.0, -2.0, np.nan])
    assert network.excellent(S).tolist() == [True, True, False, False, False, False, False]
    assert network.inferior(S).tolist() == [False, False, False, False, True, True, False]


@given(st.floats(-1e6, 1e6))
def test_the_concentration_is_the_logistic_function_and_never_overflows(S: float) -> None:
    s = float(network.concentration(np.array(S)))
    assert 0 <= s <= 1
    if abs(S) < 30:
        assert s == pytest.approx(1 / (1 + np.exp(0.5 - S)), abs=1e-15)


# fact 2: a symmetric matrix has no difference form


def test_the_difference_form_of_a_symmetric_matrix_is_refused() -> None:
    with pytest.raises(AffinityError, match=r"affinity = \[\[0.0, -1.0\], \[-1.0, 0.0\]\]: symmetric"):
        difference(MUTUAL)
    assert difference(np.array([[0.0, 2.0], [-1.0, 0.0]])).tolist() == [[0.0, 3.0], [-3.0, 0.0]]


# fact 3: wind-up, and what holds it


def lag(before: int, eta: float, bound: float) -> int:
    """Steps from the antigen's flip to the switch of the strategy, after `before` steps the other way."""
    params = Params(alpha=0, beta=0.5, eta=eta, k=0.1, bound=bound)
    net, strategy = network.start((), 2), AGGREGATE
    for _ in range(before):
        net = step(net, np.array([1.0, 0.0]), None, MUTUAL, params)
    for steps in itertools.count(1):
        net = step(net, np.array([0.0, 1.0]), None, MUTUAL, params)
        if network.elect(net, strategy) == DISPERSE:
            return steps
    raise AssertionError


BEFORE = (20, 100, 500, 2000, 5000)


@pytest.mark.parametrize(
    ("eta", "bound", "lags"),
    [
        (0.0, 1e6, [21, 101, 502, 2003, 5003]),
        (0.2, 1e6, [9, 14, 19, 23, 27]),
        (0.5, 1e6, [5, 7, 9, 10, 11]),
        (0.0, 4.0, [14, 30, 110, 197, 197]),
        (0.2, 4.0, [8, 9, 9, 9, 9]),
    ],
)
def test_the_t_cell_shortens_the_lag_after_a_change_and_the_bound_ends_its_growth(
    eta: float, bound: float, lags: list[int]
) -> None:
    assert [lag(before, eta, bound) for before in BEFORE] == lags


# fact 4: elect by S, keep the present strategy in a tie


def test_the_highest_stimulus_is_elected_even_where_concentrations_round_to_1() -> None:
    S = np.array([50.0, 60.0])
    net = Network(S, network.concentration(S), np.zeros(2))
    assert net.s[0] == net.s[1] == 1
    assert network.elect(net, AGGREGATE) == DISPERSE


def test_a_tie_keeps_the_present_strategy() -> None:
    S = np.array([[2.0, 2.0, 1.0], [2.0, 2.0, 1.0], [2.0, 2.0, 1.0], [0.0, 1.0, 1.0]])
    net = Network(S, network.concentration(S), np.zeros_like(S))
    assert network.elect(net, np.array([0, 1, 2, 0])).tolist() == [0, 1, 0, 1]
    assert network.elect(net, 1).tolist() == [1, 1, 1, 1]


def test_without_a_stimulus_that_is_a_number_the_present_strategy_stays() -> None:
    net = Network(np.array([[np.nan, 1.0], [0.0, 1.0]]), np.zeros((2, 2)), np.zeros((2, 2)))
    assert network.elect(net, 0).tolist() == [0, 1]


# lanes


@given(st.integers(1, 20), st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_each_lane_steps_as_if_it_were_alone_bit_for_bit(lanes: int, antibodies: int, seed: int) -> None:
    net, antigen, heard = stack(lanes, antibodies, seed)
    m, params = affinity(antibodies, seed), Params(alpha=0.7, eta=0.3)
    whole = step(net, antigen, heard, m, params)
    elected = network.elect(whole, 0)
    for i in range(lanes):
        alone = step(Network(*(a[i] for a in net)), antigen[i], heard[i], m, params)
        assert same(Network(*(a[i] for a in whole)), alone)
        assert elected[i] == network.elect(alone, 0)


def test_any_stacking_of_robots_gives_the_same_values() -> None:
    net, antigen, heard = stack(24, 2, seed=7)
    flat = step(net, antigen, heard, MUTUAL, Params())
    folded = step(
        Network(*(a.reshape(2, 3, 4, 2) for a in net)),
        antigen.reshape(2, 3, 4, 2),
        heard.reshape(2, 3, 4, 2),
        MUTUAL,
        Params(),
    )
    assert same(Network(*(a.reshape(24, 2) for a in folded)), flat)


def test_one_antigen_for_all_is_the_same_antigen_for_each() -> None:
    net, _, heard = stack(6, 2, seed=8)
    antigen = np.array([0.9, 0.1])
    each = np.tile(antigen, (6, 1))
    assert same(step(net, antigen, heard, MUTUAL, Params()), step(net, each, heard, MUTUAL, Params()))


@pytest.mark.parametrize("poisoned", ["S", "s", "c", "antigen", "heard"])
def test_a_poisoned_lane_changes_no_other(poisoned: str) -> None:
    net, antigen, heard = stack(6, 2, seed=9)
    clean = step(net, antigen, heard, MUTUAL, Params())
    bad = {name: a.copy() for name, a in (*net._asdict().items(), ("antigen", antigen), ("heard", heard))}
    bad[poisoned][4] = np.nan
    got = step(Network(bad["S"], bad["s"], bad["c"]), bad["antigen"], bad["heard"], MUTUAL, Params())
    others = [0, 1, 2, 3, 5]
    assert same(Network(*(a[others] for a in got)), Network(*(a[others] for a in clean)))
    assert not same(got, clean)
    assert np.array_equal(network.elect(got, 0)[others], network.elect(clean, 0)[others])


# what holds for all inputs

unit = st.floats(0, 1)
antigens = hnp.arrays(float, (60, 2), elements=unit)


@given(antigens, st.floats(-10, 10), st.floats(0, 10), st.floats(0, 10), st.floats(0, 10), st.floats(0.1, 50))
def test_the_stimulus_stays_within_its_bound_and_the_concentration_within_0_and_1(
    antigen: np.ndarray, alpha: float, beta: float, eta: float, k: float, bound: float
) -> None:
    params = Params(alpha=alpha, beta=beta, eta=eta, k=k, bound=bound)
    net = network.start((), 2)
    for g in antigen:
        net = step(net, g, None, MUTUAL, params)
        assert np.isfinite(net.c).all()
        assert (np.abs(net.S) <= bound).all()
        assert ((net.s >= 0) & (net.s <= 1)).all()


@given(antigens)
def test_the_order_of_the_antibodies_does_not_matter(antigen: np.ndarray) -> None:
    net, mirrored = network.start((), 2), network.start((), 2)
    for g in antigen:
        net = step(net, g, None, MUTUAL, Params())
        mirrored = step(mirrored, g[::-1], None, MUTUAL, Params())
    assert same(net, Network(*(a[::-1] for a in mirrored)))


@given(unit, unit, st.floats(0.01, 1))
def test_hearing_more_of_a_strategy_suppresses_the_other_one(g: float, other: float, more: float) -> None:
    net, antigen = network.start((), 2), np.array([g, g])
    less = step(net, antigen, np.array([0.0, other]), MUTUAL, Params())
    got = step(net, antigen, np.array([more, other]), MUTUAL, Params())
    assert got.S[DISPERSE] < less.S[DISPERSE]
    assert got.S[AGGREGATE] == less.S[AGGREGATE]


@pytest.mark.parametrize("name", RANGES)
def test_a_parameter_out_of_range_is_named_with_its_value_and_range(name: str) -> None:
    low, high = RANGES[name]
    for value in (low - 1, high + 1, float("nan")):
        with pytest.raises(ValueError, match=rf"^{name} = {value}: must lie in \[") as error:
            Params(**{name: value})
        assert str(error.value).endswith(f"[{low:g}, {high:g}]")
    assert getattr(Params(**{name: high}), name) == high


def test_every_parameter_has_a_range() -> None:
    assert set(RANGES) == set(Params.__dataclass_fields__) - {"antibodies", "affinity", "difference", "exchange"}
