"""Conditions in words: what they say is what they mean."""

from hypothesis import given
from hypothesis import strategies as st

from classifier.population import Rule
from swarm.rules import predictions, sentence, situation, strongest, words
from swarm.situation import BITS

KINDS = {"ash": "1##0####", "birch": "0####1##", "cedar": "0####01#"}
ANY = "#" * 12


def rule(condition: str, action: int = 0, payoff: float = 1000.0, **changes: float) -> Rule:
    values = {"error": 3.0, "fitness": 0.5, "experience": 31, "numerosity": 1} | changes
    return Rule(condition, action, payoff, **values)  # type: ignore[arg-type]


def test_a_rule_reads_as_a_sentence() -> None:
    said = sentence(rule("1##0########" + "0##" + "###" + "#" + "##"), KINDS)
    assert said == "At a kind-ash site, alone: push pays 1000 (experience 31, error 3)"


def test_each_part_of_a_condition_has_its_words() -> None:
    for part, said in (
        (ANY + "#########", "At any site"),
        ("0###########" + "#########", "At a kind-birch or kind-cedar site"),
        ("0####1######" + "#########", "At a kind-birch site"),
        ("1##0#1######" + "#########", "At a kind-ash site (with beacon bit 5 on)"),
        ("########1###" + "#########", "At a site of no known kind (beacon ########1###)"),
        (ANY + "1########", "At any site, with 1 or more mates"),
        (ANY + "10#######", "At any site, with 1 mate"),
        (ANY + "1#0######", "At any site, with 1 or 2 mates"),
        (ANY + "#10######", "At any site, with 2 mates"),
        (ANY + "##1######", "At any site, with 3 or more mates"),
        (ANY + "##0######", "At any site, with at most 2 mates"),
        (ANY + "01#######", "Never"),
        (ANY + "###1#####", "At any site, the first there pushes"),
        (ANY + "###11####", "Never"),
        (ANY + "###0#0###", "At any site, nobody pushes or holds first"),
        (ANY + "######1##", "At any site, there longest"),
        (ANY + "######0##", "At any site, not there longest"),
        (ANY + "#######0#", "At any site, waiting less than 10 s"),
        (ANY + "#######10", "At any site, waiting 10 to 30 s"),
        (ANY + "########1", "At any site, waiting 30 s or more"),
        (ANY + "#######01", "Never"),
    ):
        assert words(part, KINDS) == said, part


@given(st.text("01#", min_size=BITS, max_size=BITS))
def test_every_condition_has_words(condition: str) -> None:
    said = words(condition, KINDS)
    assert said.startswith(("At ", "Never"))
    assert "  " not in said


def test_a_situation_names_its_kind_alone() -> None:
    word = 0b1 | 1 << 5 | 1 << 18
    assert situation(word, KINDS, BITS) == "At a kind-ash site, alone, there longest, waiting less than 10 s"


def test_predictions_are_weighted_by_fitness() -> None:
    found = predictions([rule(ANY, 0, 1000.0, fitness=0.75), rule(ANY, 0, 0.0, fitness=0.25), rule(ANY, 2, 40.0)])
    assert found == {0: 750.0, 2: 40.0}


def test_the_strongest_promise_much_and_are_sure_of_it() -> None:
    sure = rule("0" * BITS, 0, 900.0, error=10.0, experience=100)
    rash = rule("1" * BITS, 0, 1000.0, error=0.0, experience=1)
    wrong = rule("#" * BITS, 0, 1000.0, error=600.0, experience=100)
    assert strongest([rash, wrong, sure]) == [sure, wrong, rash]
