"""`classifier.conditions`, and rules coming and going as in `classifier.population`."""

# mypy: disable-error-code="no-untyped-def, no-untyped-call"

import numpy as np

from classifier.kernels.compiled import kernel
from classifier.kernels.draws import ONE
from classifier.population import ACTION, BOUNDS, CARE, EXPERIENCE, NUMEROSITY, STAMP, VALUE

ANY = -1  # action
DENSE = 8  # inputs compared for all rules


@kernel
def count_rules(counts):
    low, high = 0, counts.shape[1]  # a rule in each row before low, none from high on
    while low < high:
        middle = (low + high) >> 1
        if counts[NUMEROSITY, middle] > 0:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def match(words, counts, numbers, word, x, action, rows):
    """Write the rows of [M] to `rows` (R,), of [A] unless `action` is ANY; returns how many they are.

    The first inputs are compared for all rules, many at once, the others for those that are left.
    """
    count = count_rules(counts)
    fits = np.empty(count + 7 & ~7, np.uint8)
    value, care, does = words[VALUE], words[CARE], counts[ACTION]
    if action == ANY:
        for row in range(count):
            fits[row] = word & care[row] == value[row]
    else:
        for row in range(count):
            fits[row] = (does[row] == action) & (word & care[row] == value[row])
    for d in range(min(x.size, DENSE)):
        a, b, at = numbers[BOUNDS + 2 * d], numbers[BOUNDS + 2 * d + 1], x[d]
        for row in range(count):
            fits[row] = fits[row] & (min(a[row], b[row]) <= at) & (at <= max(a[row], b[row]))
    size = gather(fits, count, rows)
    for d in range(DENSE, x.size):
        a, b, at, left = numbers[BOUNDS + 2 * d], numbers[BOUNDS + 2 * d + 1], x[d], 0
        for i in range(size):
            row = rows[i]
            rows[left] = row
            left += int((min(a[row], b[row]) <= at) & (at <= max(a[row], b[row])))
        size = left
    return size


@kernel
def gather(fits, count, rows):
    """Write the first `count` rows that are marked in `fits` (whole words) to `rows`; returns how many they are."""
    size, eights = 0, fits.view(np.uint64)
    for i in range(count >> 3):
        if eights[i] != 0:
            for row in range(8 * i, 8 * i + 8):
                rows[size] = row
                size += fits[row]
    for row in range(count & ~7, count):
        rows[size] = row
        size += fits[row]
    return size


@kernel
def all_ones(bits):
    return (ONE << np.uint64(bits)) - ONE


@kernel
def count_ones(word):
    """[Warren, Hacker's Delight, 5-1]"""
    word = word - ((word >> ONE) & np.uint64(0x5555555555555555))
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((word * np.uint64(0x0101010101010101)) >> np.uint64(56))


@kernel
def specificity(words, numbers, row, reals):
    special = float(count_ones(words[CARE, row]))
    for d in range(reals):
        a, b = numbers[BOUNDS + 2 * d, row], numbers[BOUNDS + 2 * d + 1, row]
        special += 1 - (max(a, b) - min(a, b))
    return special


@kernel
def is_more_general(words, numbers, row, value, care, column, reals):
    wide = words[CARE, row]
    if wide & care != wide or words[VALUE, row] != value & wide:
        return False
    wider = wide != care
    for b in range(BOUNDS, BOUNDS + 2 * reals, 2):
        low, high = min(numbers[b, row], numbers[b + 1, row]), max(numbers[b, row], numbers[b + 1, row])
        inner_low, inner_high = min(column[b], column[b + 1]), max(column[b], column[b + 1])
        if low > inner_low or inner_high > high:
            return False
        wider = wider or low < inner_low or inner_high < high
    return wider


@kernel
def insert(words, counts, numbers, value, care, action, column, reals, stamp):
    count = count_rules(counts)
    for row in range(count):
        if words[CARE, row] == care and words[VALUE, row] == value and counts[ACTION, row] == action:
            b = BOUNDS
            while b < BOUNDS + 2 * reals and numbers[b, row] == column[b]:
                b += 1
            if b == BOUNDS + 2 * reals:
                counts[NUMEROSITY, row] += 1
                return
    words[VALUE, count], words[CARE, count] = value, care
    counts[ACTION, count], counts[EXPERIENCE, count] = action, 0
    counts[STAMP, count], counts[NUMEROSITY, count] = stamp, 1
    for i in range(column.size):
        numbers[i, count] = column[i]


@kernel
def remove(words, counts, numbers, row, last):
    for i in range(words.shape[0]):
        words[i, row], words[i, last] = words[i, last], np.uint64(0)
    for i in range(counts.shape[0]):
        counts[i, row], counts[i, last] = counts[i, last], 0
    for i in range(numbers.shape[0]):
        numbers[i, row], numbers[i, last] = numbers[i, last], 0.0


@kernel
def follow(rows, gone, last):
    """What `rows` (some of them perhaps -1) are after a removal; moves those left to the front, returns how many."""
    left = 0
    for i in range(rows.size):
        if rows[i] != gone:
            rows[left] = gone if rows[i] == last else rows[i]
            left += 1
    return left
