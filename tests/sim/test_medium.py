"""The radio medium: delay, loss, cap and the graph of who hears whom."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.earshot import components, graph
from sim.medium import Medium
from sim.spec import Radio

CLEAR = Radio(loss=0)


def everyone(robots):
    """Neighbours (N, N - 1): all others, lower numbers nearer."""
    return np.array([[j for j in range(robots) if j != i] for i in range(robots)], np.int32)


@pytest.mark.parametrize(
    ("delay", "tick", "lag"), [(0, 0.1, 1), (0.04, 0.1, 1), (0.06, 0.1, 2), (1.0, 0.1, 11), (1.0, 0.05, 21)]
)
def test_a_signal_is_heard_after_its_delay_and_only_then(delay, tick, lag):
    medium = Medium(Radio(loss=0, delay=delay), tick, 2, 1)
    medium.say(0, b"hello", 5)
    heard = {t: medium.deliver(t, everyone(2)) for t in range(5, 5 + lag + 3)}
    assert heard.pop(5 + lag) == [[], [(0, b"hello")]]
    assert all(h == [[], []] for h in heard.values())


def test_signals_under_way_overtake_nothing():
    medium = Medium(Radio(loss=0, delay=0.2), 0.1, 2, 1)
    heard = []
    for t in range(8):
        heard += medium.deliver(t, everyone(2))[1]
        medium.say(0, bytes([t]), t)
    assert heard == [(0, bytes([t])) for t in range(5)]


def test_only_neighbours_at_delivery_hear():
    medium = Medium(CLEAR, 0.1, 3, 1)
    medium.say(0, b"a", 0)
    medium.say(2, b"c", 0)
    heard = medium.deliver(1, np.array([[1, -1], [2, 0], [-1, -1]]))
    assert heard == [[], [(2, b"c"), (0, b"a")], []]


def test_the_nearest_speakers_are_heard_up_to_the_cap():
    medium = Medium(Radio(loss=0, most=2), 0.1, 6, 1)
    for robot in (5, 4, 3, 1):
        medium.say(robot, bytes([robot]), 0)
    heard = medium.deliver(1, everyone(6))
    assert [[sender for sender, _ in h] for h in heard] == [[1, 3], [3, 4], [1, 3], [1, 4], [1, 3], [1, 3]]
    assert medium.said.tolist() == [0, 1, 0, 1, 1, 1]
    assert medium.heard.tolist() == [2] * 6
    assert medium.lost.tolist() == [0] * 6


def test_loss_has_its_rate_per_receiver_and_signal():
    robots, ticks, p = 20, 100, 0.3
    medium = Medium(Radio(loss=p, most=64), 0.1, robots, 1)
    got = np.zeros((robots, robots))
    for t in range(ticks):
        for robot in range(robots):
            medium.say(robot, b"x", t)
        for receiver, heard in enumerate(medium.deliver(t + 1, everyone(robots))):
            for sender, _ in heard:
                got[receiver, sender] += 1
    trials = robots * (robots - 1) * ticks
    assert got.sum() == medium.heard.sum() == trials - medium.lost.sum()
    assert medium.lost.sum() == pytest.approx(p * trials, abs=4 * np.sqrt(p * (1 - p) * trials))
    share = got[~np.eye(robots, dtype=bool)] / ticks  # of every pair: 380 binomials, 5 deviations
    assert abs(share - (1 - p)).max() < 5 * np.sqrt(p * (1 - p) / ticks)
    assert share.std() == pytest.approx(np.sqrt(p * (1 - p) / ticks), rel=0.2)


@pytest.mark.parametrize("loss", [0, 1])
def test_no_loss_and_full_loss_are_exact(loss):
    medium = Medium(Radio(loss=loss), 0.1, 5, 1)
    for robot in range(5):
        medium.say(robot, b"x", 0)
    assert [len(h) for h in medium.deliver(1, everyone(5))] == [4 * (1 - loss)] * 5
    assert medium.lost.tolist() == [4 * loss] * 5


@given(st.integers(2, 9), st.integers(0, 8), st.permutations(range(9)), st.integers(0, 2**32))
def test_what_a_pair_loses_depends_on_nothing_else(robots, more, order, seed):
    """Neither on how many robots there are, nor on the order of speaking and of the neighbours."""
    radio = Radio(loss=0.5, most=64)
    small, large = Medium(radio, 0.1, robots, seed), Medium(radio, 0.1, robots + more, seed)
    for robot in range(robots):
        small.say(robot, bytes([robot]), 0)
    for robot in (r for r in order if r < robots):
        large.say(robot, bytes([robot]), 0)
    near, far = everyone(robots), everyone(robots + more)[:, ::-1]
    heard = small.deliver(1, near), large.deliver(1, far)
    assert [sorted(h) for h in heard[0]] == [sorted(h) for h in heard[1][:robots]]


def test_seeds_and_ticks_lose_differently():
    def heard(seed, tick):
        medium = Medium(Radio(loss=0.5, most=64), 0.1, 12, seed)
        return medium.arrive(tick, everyone(12), np.ones(12, bool))

    assert (heard(1, 1) == heard(1, 1)).all()
    assert (heard(1, 1) != heard(1, 2)).any()
    assert (heard(1, 1) != heard(2, 1)).any()


def test_the_later_of_two_signals_in_a_tick_counts():
    medium = Medium(CLEAR, 0.1, 2, 1)
    medium.say(0, b"first", 3)
    medium.say(0, b"second", 3)
    assert medium.deliver(4, everyone(2))[1] == [(0, b"second")]
    assert medium.said.tolist() == [1, 0]


def test_signals_that_nobody_fetches_are_forgotten():
    medium = Medium(Radio(loss=0, delay=0.5), 0.1, 2, 1)
    for t in range(1000):
        medium.say(0, b"x", t)
    assert len(medium._due) <= medium.lag + 1
    assert medium.deliver(900, everyone(2)) == [[], []]
    assert medium.deliver(1003, everyone(2)) == [[], [(0, b"x")]]


def test_graph_links_the_living_who_hear_each_other():
    neighbours = np.array([[1, -1], [0, 2], [-1, -1], [4, -1], [3, -1], [-1, -1]])
    whole = graph(neighbours, np.ones(6, bool))
    assert sorted(map(sorted, whole.edges)) == [[0, 1], [1, 2], [3, 4]]
    assert components(whole) == 3
    without = graph(neighbours, np.array([1, 0, 1, 1, 1, 1], bool))
    assert sorted(without.nodes) == [0, 2, 3, 4, 5]
    assert sorted(map(sorted, without.edges)) == [[3, 4]]
    assert components(without) == 4


def test_nobody_alive_is_no_component():
    assert components(graph(np.full((3, 2), -1), np.zeros(3, bool))) == 0
