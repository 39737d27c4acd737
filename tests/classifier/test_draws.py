"""The counter hash: known values, agreement of its two forms, and what makes it random."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.draws import GOLDEN, MASK, Draws, mix, uniform

words = st.integers(0, 2**63 - 1)


def test_mix_gives_the_published_splitmix64_stream() -> None:
    # The reference implementation's outputs for seed 1234567.
    expected = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431]
    assert [mix((1234567 + i * GOLDEN) & MASK) for i in range(1, 5)] == expected


@given(words, words, words, words)
def test_draws_hand_out_the_hash_in_order(seed: int, robot: int, tick: int, purpose: int) -> None:
    draws = Draws(seed, robot, tick, purpose)
    handed = [draws.one(), *draws.many(3), draws.one()]
    assert handed == uniform(seed, robot, tick, purpose, np.arange(5)).tolist()


def test_below_is_a_whole_number_from_the_next_draw() -> None:
    draws, same = Draws(1, 2, 3, 4), Draws(1, 2, 3, 4)
    assert [draws.below(10) for _ in range(50)] == [int(10 * same.one()) for _ in range(50)]


def test_arguments_broadcast_and_a_robot_draws_the_same_in_any_company() -> None:
    stack = uniform(5, np.arange(100)[:, None], 77, 3, np.arange(8))
    assert stack.shape == (100, 8)
    for robot in (0, 7, 99):
        assert np.array_equal(stack[robot], uniform(5, robot, 77, 3, np.arange(8)))


def test_each_argument_counts_and_order_counts() -> None:
    base = (11, 12, 13, 14, 15)
    others = [tuple(w + (i == at) for i, w in enumerate(base)) for at in range(5)] + [base[::-1]]
    assert len({float(uniform(*w)) for w in (base, *others)}) == 7


@pytest.mark.parametrize("axis", range(5))
def test_counting_along_any_argument_gives_independent_uniform_numbers(axis: int) -> None:
    n = 1 << 16
    u = uniform(*(np.arange(n) if i == axis else 40 + i for i in range(5)))
    assert u.min() >= 0
    assert u.max() < 1
    # Five standard deviations of each statistic: 1 in 1.7 million by chance, and the numbers are fixed.
    assert abs(u.mean() - 1 / 2) < 5 * np.sqrt(1 / 12 / n)
    assert abs(u.var() - 1 / 12) < 5 * np.sqrt(1 / 180 / n)
    cells = np.bincount((u * 256).astype(int), minlength=256)
    assert abs(((cells - n / 256) ** 2 / (n / 256)).sum() - 255) < 5 * np.sqrt(2 * 255)
    bits = (u * 2**53).astype(np.uint64)[:, None] >> np.arange(53, dtype=np.uint64) & np.uint64(1)
    assert np.abs(bits.mean(0) - 1 / 2).max() < 5 * np.sqrt(1 / 4 / n)
    for lag in (1, 2, 3, 64):
        assert abs(np.corrcoef(u[:-lag], u[lag:])[0, 1]) < 5 / np.sqrt(n)


def test_changing_one_bit_of_a_counter_changes_half_of_the_bits() -> None:
    at = np.arange(4096)
    for bit in (0, 1, 20, 40, 62):
        changed = bits_of(uniform(1, at, 2, 3, 4)) ^ bits_of(uniform(1, at ^ (1 << bit), 2, 3, 4))
        assert abs(np.bitwise_count(changed).mean() / 53 - 1 / 2) < 5 / 2 / np.sqrt(53 * at.size)


def bits_of(u: np.ndarray) -> np.ndarray:
    return (u * 2**53).astype(np.uint64)
