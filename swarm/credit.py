"""Credit: what came of a decision at a site, as lessons.

What advances a site is the same with and without company, but only with enough company does it show. So whoever
comes first is asked, and taught, about a site as if nobody else were there (`explorer`), by all that happens later:
what moved it, whoever did it and however many followed, is right there, and that it did not move says nothing of the
action while fewer robots took it than the site is believed to take.
"""

from swarm.features import FIRST, FOLLOW, LEAD, MATES, SIGNATURE, WAITS
from swarm.learners import Lesson
from swarm.wire import Outcome

PAYOFF = 1000.0  # for work that goes on


def explorer(word: int) -> int:
    """The situation of whoever comes to that site first and alone."""
    return word & SIGNATURE | FIRST


def question(word: int) -> int:
    """What a learner is asked in a situation: the first at a site, until it has waited for long, as an explorer."""
    return explorer(word) if word & FIRST and not word >> WAITS else word


def company(word: int) -> int:
    """How many robots are at work in a situation, 1 to 4."""
    return 1 + (word >> MATES & 7).bit_count()


def behind(word: int, lead: int) -> int:
    """The situation `word` with another action of the one who has been there longest."""
    return word & ~(0b111 << LEAD) | 1 << LEAD + lead


def deed(word: int, action: int) -> int:
    """What is done by who takes `action` in a situation, or by whom that one follows; -1: nothing."""
    return (word >> LEAD & 7).bit_length() - 1 if action == FOLLOW else action if action < FOLLOW else -1


def lessons(outcome: Outcome, need: float, *, own: bool) -> list[Lesson]:
    """What an outcome teaches where a site of that kind is believed to take `need` robots."""
    word, action, payoff = outcome.situation, outcome.action, outcome.payoff
    first, done = explorer(word), deed(word, action)
    out = [] if action < FOLLOW and question(word) == first else [Lesson(word, action, payoff, own)]
    if done >= 0 and payoff == PAYOFF:
        out += moved(first, done, own=own)
    elif done >= 0 and payoff == 0 and company(word) >= need:
        out.append(Lesson(first, done, 0.0, own))
    return out


def moved(first: int, done: int, *, own: bool) -> list[Lesson]:
    """That one action moved a site says also that the others would not have: a kind of site has but one."""
    order = [done, *(other for other in range(FOLLOW) if other != done)]
    return [Lesson(first, action, PAYOFF if action == done else 0.0, own) for action in order]
