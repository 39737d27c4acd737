"""What a robot's mind keeps from tick to tick, as one NumPy record per robot."""

import numpy as np

SEARCH, ANSWER, APPROACH, WORK, LEAVE = range(5)  # tasks, see swarm.report.TASKS
AGGREGATE, DISPERSE, SEARCHING, HOMING = range(4)  # strategies, see swarm.report.STRATEGIES
AVOIDED = 6  # sites that a robot can keep away from at once

MEMORY = np.dtype(
    [
        ("task", "i1"),
        ("strategy", "i1"),  # index into swarm.report.STRATEGIES
        ("site", "i4"),  # beacon number of the site it works at or makes for, -1 none
        ("kind", "i4"),  # signature of that site
        ("seen", "i4"),  # tick at which that site was last seen
        ("since", "i4"),  # tick at which the present task began
        ("peer", "i2"),  # whose call it answers, -1 nobody's
        ("aim", "i4"),  # beacon number of the site from which that call comes, -1 none
        ("away", "f4"),  # m to the site it works at, makes for or aims at
        ("bid", "f4"),  # concentration with which it aims there, 0 to 1
        ("need", "i1"),  # robots that its site takes, as it believes
        ("drift", "f4"),  # rad, where it wanders to
        ("x", "f8"),  # m, where it is by its own odometry, seen from where it started
        ("y", "f8"),
        ("heading", "f8"),  # rad, likewise
        ("idle", "f8"),  # s since a site was in sight, or since it has rested
        ("rest", "f8"),  # s at home
        # at work
        ("action", "i1"),  # index into swarm.report.ACTIONS, -1 none
        ("decided", "i4"),  # tick of the latest decision
        ("waiting", "f4"),  # s without progress
        ("progress", "f4"),  # as of the latest gain, 0 to 1
        ("gained", "f4"),  # progress since the latest decision
        ("mates", "i1"),  # robots at work at the same site
        ("same", "i1"),  # robots there that do what it does, itself included
        ("movers", "i1"),  # as many when the work last went on
        ("lead", "i1"),  # what the one who has been there longest does, -1: nobody else is there
        ("first", "u1"),  # 1 if that is the robot itself
        ("tried", "u1"),  # bit a: action a was tried since the mates changed or something moved
        ("known_mates", "i1"),  # mates and lead at the latest decision
        ("known_lead", "i1"),
        # what it learns from
        ("open", "u1"),  # 1 while a decision waits for its pay-off
        ("situation", "u8"),  # in which it was taken
        ("left", "i4"),  # tick at which it left a site, -1: credit for that is settled
        ("left_in", "u8"),  # the situation in which it left
        ("lessons", "i4"),  # learning steps so far
        ("told", "i4"),  # outcomes that it has told the others, or is about to
    ]
)


def newborn(lanes: int) -> np.ndarray:
    """Memory (lanes,) of robots that have just started: searching, dispersed."""
    out = np.zeros(lanes, MEMORY)
    out["strategy"] = DISPERSE
    out["need"] = 1
    for name in ("site", "peer", "aim", "action", "lead", "left", "known_lead"):
        out[name] = -1
    return out
