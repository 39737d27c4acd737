"""Random numbers without a generator: a hash of who draws, when, what for, and the how manieth draw it is.

The words (seed, robot, tick, purpose, index) are absorbed one after the other by SplitMix64's
finaliser [Steele, Lea & Flood 2014]; along `index` the numbers are exactly a SplitMix64 stream. So
what robot 7 draws depends neither on how many robots there are nor on what was drawn before.
"""

from typing import TypeVar

import numpy as np

SITUATION, EXPLORE, EXPLOIT, LEARN, START, ORDER, FOLD, BORN, BID = range(9)  # purposes within this package
MASK = 2**64 - 1
GOLDEN = 0x9E3779B97F4A7C15  # 2^64 / golden ratio, odd
WORDS = (30, 0xBF58476D1CE4E5B9, 27, 0x94D049BB133111EB, 31, 11)
SHIFT_1, MIX_1, SHIFT_2, MIX_2, SHIFT_3, SHIFT_53 = (np.array(w, np.uint64) for w in WORDS)  # quicker than scalars
STEPS = GOLDEN * np.arange(1, 257, dtype=np.uint64)

Words = TypeVar("Words", int, np.ndarray)


def mix(z: Words) -> Words:
    """SplitMix64's finaliser, a bijection of 64-bit words: of a whole number or of an array of uint64."""
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    mixed: Words = z ^ (z >> 31)
    return mixed


def uniform(
    seed: int | np.ndarray,
    robot: int | np.ndarray,
    tick: int | np.ndarray,
    purpose: int | np.ndarray,
    index: int | np.ndarray,
) -> np.ndarray:
    """Numbers in [0, 1), float64, in the shape that the five whole numbers or arrays broadcast to."""
    key = np.zeros((), np.uint64)
    with np.errstate(over="ignore"):  # arithmetic modulo 2^64
        for word in (seed, robot, tick, purpose, index):
            key = mix(key + GOLDEN * (np.asarray(word).astype(np.uint64) + np.uint64(1)))
    return np.asarray((key >> np.uint64(11)) * 2.0**-53)


class Draws:
    """The draws of one (seed, robot, tick, purpose), handed out in the order of their index.

    The i-th number handed out is `uniform(seed, robot, tick, purpose, i)`, one by one or many at a time.
    """

    def __init__(self, seed: int, robot: int = 0, tick: int = 0, purpose: int = 0) -> None:
        key = 0
        for word in (seed, robot, tick, purpose):
            key = mix((key + GOLDEN * (int(word) + 1)) & MASK)
        self._key = key
        self.state = np.array([key, 0], np.uint64)  # the key and how many were drawn: compiled code draws as well

    def one(self) -> float:
        """The next number in [0, 1)."""
        drawn = self.state.item(1) + 1
        self.state[1] = drawn
        return (mix((self._key + GOLDEN * drawn) & MASK) >> 11) * 2.0**-53

    def many(self, count: int) -> np.ndarray:
        """The next `count` numbers in [0, 1), (count,) float64."""
        drawn = int(self.state[1])
        self.state[1] = drawn + count
        z = GOLDEN * np.arange(1, count + 1, dtype=np.uint64) if count > STEPS.size else STEPS[:count]
        z = z + np.uint64((self._key + GOLDEN * drawn) & MASK)
        z ^= z >> SHIFT_1  # `mix`, in place
        z *= MIX_1
        z ^= z >> SHIFT_2
        z *= MIX_2
        z ^= z >> SHIFT_3
        z >>= SHIFT_53
        return z * 2.0**-53

    def below(self, count: int) -> int:
        """The next whole number in 0 .. count - 1."""
        return int(self.one() * count)
