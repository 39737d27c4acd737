"""The situation of a robot at a site, on which it decides: `BITS` bits, and how to read them.

===== =================================================
bits  meaning
===== =================================================
0-11  signature of the site's beacon
12-14 at least 1, 2, 3 mates
15-17 the one who has been there longest does action 0, 1, 2
18    that one is the robot itself
19-20 waiting for at least 10 s, 30 s
===== =================================================
"""

import numpy as np

BITS = 21
SIGNATURE, MATES, LEAD, FIRST, WAITS = 0xFFF, 12, 15, 1 << 18, 19  # masks and places
IMPATIENT = (10.0, 30.0)  # s of waiting that are told apart
FOLLOW = 3  # the action, see swarm.report.ACTIONS


def situation(m: np.void) -> int:
    """That of a robot, from its memory (swarm.memory.MEMORY)."""
    word = int(m["kind"]) & SIGNATURE
    word |= ((1 << min(3, int(m["mates"]))) - 1) << MATES
    if 0 <= m["lead"] < FOLLOW:
        word |= 1 << (LEAD + int(m["lead"]))
    word |= int(m["first"]) * FIRST
    for b, limit in enumerate(IMPATIENT):
        word |= int(m["waiting"] >= limit) << (WAITS + b)
    return word


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
