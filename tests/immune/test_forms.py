"""Networks of other forms: golden vectors by hand, what they learn, independence of lanes."""

import numpy as np
import pytest

from immune import calls, farmer, ishiguro, network, stability
from immune.affinity import AffinityError
from immune.params import Params


def close(a: np.ndarray, b: object) -> None:
    np.testing.assert_allclose(a, b, atol=5e-9)


# Ishiguro


def test_ishiguro_by_hand() -> None:
    # alpha 2, beta 4, k 1, dt .1, nothing learnt: m_01 = m_10 = .5, A = a = .5, g = (.8, .2).
    # Stimulation and suppression are .5 * .5 each and cancel: dA = (4 g - 1) .5:
    #   A_0 = .5 + .1 (3.2 - 1) .5 = .61, A_1 = .5 + .1 (.8 - 1) .5 = .49.
    p = ishiguro.Params(alpha=2, beta=4, k=1)
    one = ishiguro.step(ishiguro.start((), 2), np.array([0.8, 0.2]), p, 0.1)
    close(one.A, [0.61, 0.49])
    close(one.a, 1 / (1 + np.exp(0.5 - np.array([0.61, 0.49]))))


def test_what_brought_penalties_yields_to_what_brought_rewards() -> None:
    # fade 0. Two penalties of antibody 0, one reward of 1, all three times both had answered:
    #   m_01 = (2 + 1) / 3 = 1, m_10 = (0 + 0) / 3 = 0.
    # alpha 1, beta 0, k 0, A = a = .5: sum_j m_ji a_j is 0 for 0 and .5 for 1; sum_k m_ik a_k is .5 for 0 and 0 for 1.
    #   A_0 = .5 - .5 * .5 = .25, A_1 = .5 + .5 * .5 = .75 after 1 s.
    p = ishiguro.Params(alpha=1, beta=0, k=0, fade=0)
    net = ishiguro.start((), 2)
    for elected, reward in ((0, -1.0), (0, -1.0), (1, 1.0), (1, 0.0)):
        net = ishiguro.learn(net, np.array(elected), np.array(reward), p, 1.0)
    close(ishiguro.affinity(net, p), [[0, 1], [0, 0]])
    close(ishiguro.step(net, np.zeros(2), p, 1.0).A, [0.25, 0.75])


def test_the_wheel_has_shares_in_proportion_to_the_concentrations() -> None:
    net = ishiguro.start((1000,), 2)
    net = net._replace(a=np.tile([0.2, 0.6], (1000, 1)))
    elected = ishiguro.roulette(net, (np.arange(1000) + 0.5) / 1000)
    assert elected.sum() == 750
    assert (np.diff(elected) >= 0).all()


# Farmer


def test_farmer_by_hand() -> None:
    # c 2, k1 1.5, k2 .5, dt .1, four antibodies: w = (1,0), (0,1), (1,0), (0,1), x = .5, y = (.6, .2).
    # m is 1 between the like and 0 between the others: the sum of m x is .5 for each.
    #   dx_0 = 2 * .5 (-.5 * .5 + .6) - .5 * .5 = .35 - .25 = .1;  dx_1 = 2 * .5 (-.25 + .2) - .25 = -.3
    p = farmer.Params(c=2, k1=1.5, k2=0.5, antibodies=4)
    net = farmer.step(farmer.start((), 2, p), np.array([0.6, 0.2]), p, 0.1)
    close(net.x, [0.51, 0.47, 0.51, 0.47])
    antibody, strategy = farmer.elect(net)
    assert (int(antibody), int(strategy)) == (0, 0)


def test_the_dead_come_back_as_mutants_of_the_strongest_of_their_strategy() -> None:
    p = farmer.Params(antibodies=4, mutation=0.2, death=0.05)
    net = farmer.start((), 2, p)._replace(x=np.array([0.8, 0.02, 0.02, 0.6]))
    draws = np.full((4, 2), 0.75)  # + .1
    new = farmer.replace(net, draws, p)
    close(new.x, [0.8, 0.3, 0.4, 0.6])
    close(new.w, [[1, 0], [0.1, 1], [1, 0.1], [0, 1]])
    alone = net._replace(x=np.array([0.02, 0.02, 0.02, 0.02]))
    assert not np.isin(farmer.replace(alone, draws, p).x, [0.0]).any()


def test_a_reward_raises_what_was_elected() -> None:
    p = farmer.Params(antibodies=2, gain=0.5)
    net = farmer.learn(farmer.start((2,), 2, p), np.array([0, 1]), np.array([1.0, -1.0]), p)
    close(net.x, [[0.75, 0.5], [0.5, 0.25]])


# an antibody for each call

BARE = calls.Params(a=1.0, beta=1.0, gamma=2.0, m=0.2, cross=0.5, kappa=1.0, rho=0.5, tau=1.0, eta=0.5, k=0.1, leak=0.1)


def one_call(
    state: calls.Antibodies, params: calls.Params, dt: float = 0.1, bids: float = 0.0, wanted: float = 1.0
) -> np.ndarray:
    loud, need, mates = np.array([[0.5, 0.0]]), np.array([[wanted, 1]]), np.zeros((1, 2))
    here, rivals = np.array([[7, -1]]), np.array([[bids, 0.0]])
    return calls.step(state, here, loud, need, mates, rivals, np.zeros(1), params, dt).call


def test_calls_by_hand() -> None:
    # A new call at a loudness of .5, 2 wanted, closer rivals bid .9 in all; no antigen of dispersion; dt .5 s.
    #   s(0) = .37754067, s_d = s(.5) = .5, g = 1 - e^-.5 = .39346934
    #   sup  = .5 max(0, .9 - .5 (2 - 1)) = .2
    #   S    = .5 {2 [.2 (.37754067 - .25) - .2 + .39346934 - .1] .37754067} = .37754067 * .11897747
    #   S_d  = .5 + .5 {2 [.2 (.5 - .5 * .37754067) + 0 - .1] .5 - .1 * .5} = .5 + .5 (-.03775407 - .05)
    #   c    = .5 (1 - g) S
    state = calls.start(1, 2)
    assert one_call(state, BARE, 0.5, bids=0.9, wanted=2.0).tolist() == [-1]
    close(state.sup, [[0.2, 0.0]])
    S = 0.37754067 * 0.11897747
    close(state.S, [[S, 0.0, 0.5 - 0.04387703]])
    close(state.c[0, 0], 0.5 * (1 - 0.39346934) * S)


def test_rivals_suppress_only_beyond_need() -> None:
    """Two closer rivals do not keep a third robot away from what wants three; where one is wanted, they do."""
    for wanted, answers in ((3.0, True), (1.0, False)):
        state = calls.start(1, 2)
        for _ in range(40):
            elected = one_call(state, calls.Params(), bids=1.4, wanted=wanted)
        assert (elected[0] == 0) == answers, wanted


def test_a_call_that_is_gone_is_not_answered_and_another_one_starts_afresh() -> None:
    state = calls.start(1, 2)
    for _ in range(20):
        assert one_call(state, calls.Params()) in (0, -1)
    zeros = np.zeros((1, 2))
    gone = calls.step(state, np.array([[-1, -1]]), zeros, zeros + 1, zeros, zeros, np.zeros(1), calls.Params(), 0.1)
    assert gone.call.tolist() == [-1]
    assert gone.S.tolist() == [[-calls.Params().bound, state.S[0, -1]]]
    close(gone.s, 1 / (1 + np.exp(0.5 - gone.S)))
    calls.step(state, np.array([[8, -1]]), zeros + 0.5, zeros + 1, zeros, zeros, np.zeros(1), calls.Params(), 0.1)
    fresh = calls.start(1, 2)
    calls.step(fresh, np.array([[8, -1]]), zeros + 0.5, zeros + 1, zeros, zeros, np.zeros(1), calls.Params(), 0.1)
    assert state.S[0, 0] == pytest.approx(fresh.S[0, 0], abs=0.05)


def test_lanes_of_calls_never_mix() -> None:
    rng = np.random.default_rng(3)
    together, alone = calls.start(5, 4), [calls.start(1, 4) for _ in range(5)]
    for t in range(60):
        here = np.where(rng.random((5, 4)) < 0.6, rng.integers(0, 3, (5, 4)) + 10 * np.arange(4), -1)
        loud, bids, disperse = rng.random((5, 4)), rng.random((5, 4)) * 2, rng.random(5)
        need, mates = rng.integers(1, 4, (5, 4)).astype(float), rng.integers(0, 4, (5, 4)).astype(float)
        if t % 7 == 0:
            loud[2], bids[2], disperse[2] = np.nan, np.inf, np.nan
        elected = calls.step(together, here, loud, need, mates, bids, disperse, calls.Params(), 0.1)
        for i, one in enumerate(alone):
            row = slice(i, i + 1)
            given = here[row], loud[row], need[row], mates[row], bids[row], disperse[row]
            own = calls.step(one, *given, calls.Params(), 0.1)
            for whole, part in zip((*together, *elected), (*one, *own), strict=True):
                assert np.array_equal(whole[row], part, equal_nan=True)


# affinities in the parameters, exchange, findings


def test_affinities_are_checked_when_the_parameters_are_made() -> None:
    with pytest.raises(AffinityError, match=r"affinity = \[\[0.0, 1.0\]\]: must have as many rows as columns"):
        Params(affinity=((0.0, 1.0),))
    with pytest.raises(AffinityError, match=r"weights must lie in \[-10, 10\]"):
        Params(affinity=((0.0, 11.0), (0.0, 0.0)))
    with pytest.raises(AffinityError, match="symmetric"):
        Params(difference=True)
    asymmetric = Params(affinity=((0.0, 2.0), (-1.0, 0.0)), difference=True)
    assert asymmetric.coupling().tolist() == [[0, 3], [-3, 0]]


def test_an_inferior_robot_takes_over_what_an_excellent_one_has() -> None:
    S = np.array([[-1.0, -2.0], [-1.0, -2.0], [0.5, -2.0], [-1.0, -2.0]])
    net = network.Network(S, network.concentration(S), np.ones_like(S))
    excellent, fair = network.concentration(np.array([[-1.0, 2.0], [0.0, 0.9]]))
    example = np.array([excellent, fair, excellent, [np.nan, np.nan]])
    got = network.exchange(net, example)
    close(got.S, [[-1.0, 2.0], *S[1:]])
    close(got.c, [[0, 0], [1, 1], [1, 1], [1, 1]])
    close(got.s[0], excellent)


def test_findings() -> None:
    assert stability.findings(Params(leak=0.2, alpha=0.0)) == [
        "no idiotypic coupling: the antibodies do not act on each other"
    ]
    (wound_up,) = stability.findings(Params(eta=0.0))
    assert wound_up.startswith("winds up: for ")
    dead = stability.findings(Params(leak=0.2, alpha=1.0, affinity=((0.0, -10.0), (0.0, 0.0))))
    assert dead == ["aggregate is dead: no antigen ever elects it"]


def test_the_lag_is_that_of_the_steps() -> None:
    """The compiled lag against the network stepped by hand; and what never turns round."""
    params = Params(alpha=0.0)
    net, matrix = network.start((), 2), params.coupling()
    for _ in range(100):
        net = network.step(net, np.array([1.0, 0.0]), None, matrix, params)
    steps = 0
    while int(network.elect(net, 0)) == 0:
        net = network.step(net, np.array([0.0, 1.0]), None, matrix, params)
        steps += 1
    assert stability.lag(params, 1.0, 0.0, 100) == steps == 9
    assert stability.lag(Params(beta=0.0, eta=0.0), 1.0, 0.0, 100) is None
    S = stability.response(params, 1.0, 0.0, 100, steps)
    assert S[99, 0] > S[99, 1]
    assert S[-1, 1] > S[-1, 0]


@pytest.mark.parametrize("leak", [0.0, 0.05])
def test_a_leak_bounds_the_lag_whatever_the_t_cell_does(leak: float) -> None:
    """The T-cell's ablation by itself is confounded: with a leak the lag stays short without one."""
    lags = [stability.lag(Params(alpha=0.0, eta=0.0, leak=leak, bound=1e6), 1.0, 0.0, before) for before in (100, 1000)]
    assert (max(lag or 0 for lag in lags) < 20) == (leak > 0)


def test_four_antibodies_follow_whoever_is_asked_for() -> None:
    params = Params(antibodies=4)
    for turn in [(0, 1), (1, 2), (2, 3), (3, 0)]:
        S = stability.response(params, 0.9, 0.4, 100, 60, turn)
        assert S.shape == (160, 4)
        assert (S[99].argmax(), S[-1].argmax()) == turn
        steps = stability.lag(params, 0.9, 0.4, 100, turn)
        assert steps == 1 + int(np.flatnonzero(S[100:].argmax(-1) == turn[1])[0])
    assert not [said for said in stability.findings(params) if "dead" in said]


def test_affinities_are_of_as_many_antibodies() -> None:
    assert Params(antibodies=4).coupling().shape == (4, 4)
    with pytest.raises(ValueError, match="antibodies = 3: must be 2 or 4"):
        Params(antibodies=3)
    with pytest.raises(AffinityError, match=r"has 2 x 2 weights, antibodies = 4 takes 4 x 4"):
        Params(antibodies=4, affinity=((0.0, -1.0), (-1.0, 0.0)))
    with pytest.raises(AffinityError, match=r"has 4 x 4 weights, antibodies = 2 takes 2 x 2"):
        Params(affinity=((0.0,) * 4,) * 4)
