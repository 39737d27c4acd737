"""What fits what, by hand."""

from classifier import conditions
from tests.classifier.by_hand import population, situation


def test_match_compares_only_the_bits_that_a_rule_cares_for() -> None:
    pop = population(("1##0", 0), ("####", 1), ("1010", 0), ("0##0", 1))
    assert conditions.match(pop, situation("1010")).tolist() == [0, 1, 2]
    assert conditions.match(pop, situation("0000")).tolist() == [1, 3]


def test_match_uses_all_63_bits() -> None:
    pop = population(("#" * 62 + "1", 0), ("#" * 62 + "0", 1))
    assert conditions.match(pop, 2**63 - 1).tolist() == [0]
    assert conditions.match(pop, 2**62 - 1).tolist() == [1]


def test_more_general_means_matching_all_that_the_other_matches_and_more() -> None:
    pop = population(("1###", 0), ("11##", 0), ("0###", 0), ("##1#", 0))
    more = [
        [bool(conditions.is_more_general(pop, i, int(pop.value[j]), int(pop.care[j]))) for j in range(4)]
        for i in range(4)
    ]
    assert [(i, j) for i in range(4) for j in range(4) if more[i][j]] == [(0, 1)]
