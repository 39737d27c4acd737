"""Credit: what came of a decision at a site, as lessons.

What advances a site is the same with and without company, but only with enough company does it show. So whoever
comes first is asked, and taught, about a site as if nobody else were there (`explorer`, of `swarm.situation`), by all
that happens later: what moved it, whoever did it and however many followed, is right there, and that it did not move
says nothing of the action while fewer robots took it than the site is believed to take.
"""

from swarm.learners import Lesson
from swarm.situation import FOLLOW, company, deed, explorer, question
from swarm.wire import Outcome

PAYOFF = 1000.0  # for work that goes on


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
