"""`classifier.draws`: `draws` is the array `Draws.state`."""

# mypy: disable-error-code="no-untyped-def, no-untyped-call"

import numpy as np

from classifier.kernels.compiled import kernel

KEY, DRAWN = range(2)
ONE = np.uint64(1)
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
MIX_1, MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
SHIFT_1, SHIFT_2, SHIFT_3, SHIFT_53 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)


@kernel
def mix(z):
    z = (z ^ (z >> SHIFT_1)) * MIX_1
    z = (z ^ (z >> SHIFT_2)) * MIX_2
    return z ^ (z >> SHIFT_3)


@kernel
def draw_for(draws, seed, robot, tick, purpose):
    """Start the draws of (seed, robot, tick, purpose)."""
    key = mix(GOLDEN * (np.uint64(seed) + ONE))
    key = mix(key + GOLDEN * (np.uint64(robot) + ONE))
    key = mix(key + GOLDEN * (np.uint64(tick) + ONE))
    draws[KEY] = mix(key + GOLDEN * (np.uint64(purpose) + ONE))
    draws[DRAWN] = np.uint64(0)


@kernel
def one(draws):
    draws[DRAWN] += ONE
    return (mix(draws[KEY] + GOLDEN * draws[DRAWN]) >> SHIFT_53) * 2.0**-53


@kernel
def below(draws, count):
    return int(one(draws) * count)


@kernel
def flags(draws, bits, probability):
    """A word whose bits are 1 with this probability."""
    word = np.uint64(0)
    for b in range(bits):
        if one(draws) < probability:
            word |= ONE << np.uint64(b)
    return word
