"""What a robot tells the recorder about its mind in a tick, as one NumPy record."""

import numpy as np

#: what a robot does as a whole; the last two only where the immune network has antibodies of them
STRATEGIES = ("aggregate", "disperse", "search", "home")
#: local actions: three that work at a site; what the robot does that has been there longest; give it up
ACTIONS = ("push", "pull", "hold", "follow", "leave")
#: what a robot is doing
TASKS = ("search", "answer", "approach", "work", "leave")

REPORT = np.dtype(
    [
        ("strategy", "i1"),  # index into STRATEGIES
        ("task", "i1"),  # index into TASKS
        ("action", "i1"),  # index into ACTIONS, -1 none
        ("site", "i4"),  # beacon number of the site it is at or makes for, -1 none
        ("waiting", "f4"),  # s at a site without progress
        ("antigen", "f4", (4,)),  # per strategy, 0 to 1; NaN, here and below, of those that the arbiter does not have
        ("stimulus", "f4", (4,)),  # S per strategy
        ("concentration", "f4", (4,)),  # s per strategy, 0 to 1
        ("rules", "i2"),  # macroclassifiers
        ("prediction", "f4"),  # of the action taken, NaN none
        ("heard", "i2"),  # signals heard in this tick
        ("bad", "i4"),  # bad messages dropped since the start
        ("age", "f4"),  # s since the latest signal of anyone, NaN none yet
    ]
)


def none_yet(count: int) -> np.ndarray:
    """Reports (count,) of robots that have not reported yet."""
    out = np.zeros(count, REPORT)
    for name in ("antigen", "stimulus", "concentration"):
        out[name][:, 2:] = np.nan
    return out
