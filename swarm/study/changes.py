"""The kinds of change: schedules of phases, made from the first phase of a base mission.

The change that is measured is the one that begins the last phase. What comes before it is the first
regime; in a recurrence it is the first regime, another one, and the first regime again.
"""

from dataclasses import replace

from sim.spec import ACTIONS, Phase
from swarm.mission import Mission
from swarm.study.spec import Change


def schedule(base: Mission, change: Change, before: float, after: float) -> Mission:
    """`base` with the phases of `change`, which last `before` and `after` s. Raises ValueError where it cannot be."""
    if change.type == "mission":
        return base
    first = replace(base.phases[0], duration=before, name="before")
    if change.type == "none":
        return replace(base, phases=(replace(first, duration=before + after, name="steady"),))
    if change.type == "new":
        first, then = _new(first, after)
    else:
        then = replace(_changed(first, change, base.robots.count), duration=after, name=change.type)
    if replace(then, duration=before, name="before") == first:
        raise ValueError(f"{change.type}: nothing would change, the mission is like that already")
    if not change.back:
        return replace(base, phases=(first, then))
    if change.type == "lost":
        raise ValueError("back: robots that are lost do not come back")
    return replace(base, phases=(first, then, replace(first, duration=after, name="back")))


def _changed(phase: Phase, change: Change, robots: int) -> Phase:
    kinds = phase.kinds.items()
    if change.type == "density":
        return replace(phase, rate=phase.rate * change.factor, open=max(1, round(phase.open * change.factor)))
    if change.type == "team":
        return replace(phase, kinds={name: replace(meaning, team=change.team) for name, meaning in kinds})
    if change.type == "meaning":
        other = {action: ACTIONS[(i + 1) % len(ACTIONS)] for i, action in enumerate(ACTIONS)}
        return replace(phase, kinds={name: replace(meaning, action=other[meaning.action]) for name, meaning in kinds})
    if change.type == "place":
        return replace(phase, place="clustered", clusters=change.clusters)
    return replace(phase, lost=max(1, round(change.share * robots)))


def _new(phase: Phase, after: float) -> tuple[Phase, Phase]:
    """The last kind of the phase is what is new; it takes over half of the arrivals."""
    *old, new = phase.kinds
    if not old:
        raise ValueError("new: the first phase needs two kinds, of which the last one is new after the change")
    share = sum(phase.kinds[name].weight for name in old)
    kinds = {**phase.kinds, new: replace(phase.kinds[new], weight=share or 1.0)}
    first = replace(phase, kinds={name: phase.kinds[name] for name in old})
    return first, replace(phase, kinds=kinds, duration=after, name="new")
