"""Rules to be read by people: as a table, as sentences, and few of them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from classifier.conditions import Situation, interval, match, read, specificity
from classifier.discovery import may_subsume
from classifier.params import Params
from classifier.population import Population, count_rules, keep, rules

HEADS = ("condition", "action", "prediction", "error", "fitness", "experience", "copies")


def table(pop: Population, most: int | None = None) -> str:
    """The rules of one robot as lines of text, the fittest first, `most` of them."""
    cells = [
        (r.condition, str(r.action), *(f"{v:.4g}" for v in r[2:5]), str(r.experience), str(r.numerosity))
        for r in rules(pop)[:most]
    ]
    widths = [max(map(len, column)) for column in zip(HEADS, *cells, strict=True)]
    return "\n".join(
        "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))])
        for row in [HEADS, *cells]
    )


def sentences(
    pop: Population,
    inputs: Sequence[str] | None = None,
    actions: Sequence[str] | None = None,
    most: int | None = None,
) -> list[str]:
    """The rules of one robot in words, the fittest first, `most` of them.

    `inputs` names the bits and then the real inputs, `actions` the actions. Raises ValueError for too few names.
    """
    inputs = _names("inputs", inputs, pop.bits + pop.reals, "x")
    actions = _names("actions", actions, pop.actions, "action ")
    rows = np.flatnonzero(pop.numerosity)
    rows = rows[np.argsort(-pop.fitness[rows], kind="stable")][:most]
    low, high = interval(pop.bounds)
    out = []
    for row in rows.tolist():
        value, care = int(pop.value[row]), int(pop.care[row])
        parts = [f"{inputs[b]} is {value >> b & 1}" for b in range(pop.bits) if care >> b & 1]
        for name, lower, upper in zip(inputs[pop.bits :], low[:, row], high[:, row], strict=True):
            if lower > 0 or upper < 1:
                parts.append(f"{name} is between {lower:.3g} and {upper:.3g}")
        when = f"If {' and '.join(parts)}, then" if parts else "Always,"
        out.append(
            f"{when} {actions[int(pop.action[row])]} pays {pop.prediction[row]:.4g}, "
            f"give or take {pop.error[row]:.2g} (seen {int(pop.experience[row])} times)."
        )
    return out


def _names(what: str, given: Sequence[str] | None, count: int, stem: str) -> Sequence[str]:
    names = [f"{stem}{i}" for i in range(count)] if given is None else given
    if len(names) != count:
        raise ValueError(f"{what}: {len(names)} names for {count}")
    return names


def condense(pop: Population, situations: Any, params: Params) -> Population:
    """A population with only those rules that some action set cannot do without, one each.

    After Dixon, Corne & Oates 2003, who keep the strongest: here the most general of those that may
    subsume, the fittest of equals or where none may; then those go that others which may subsume
    stand for in all their action sets. `situations` (T,), (T, D) or both are those that matter: all of
    them, or the data learnt from. The rules keep what they learnt; `pop` stays as it is.
    """
    everybody = np.arange(count_rules(pop))
    rank = np.lexsort((-pop.fitness[everybody], specificity(pop, everybody), ~may_subsume(pop, everybody, params)))
    rank = np.argsort(rank)  # the lower the better
    kept = np.zeros(pop.numerosity.shape, bool)
    seen = read(pop, situations)
    words, x = np.atleast_1d(seen.word), np.atleast_2d(seen.x)
    count = len(x) if pop.reals else len(words)
    everything = [Situation(words[t] if pop.bits else 0, x[t] if pop.reals else seen.x) for t in range(count)]
    for one in everything:
        matched = match(pop, one)
        for action in np.unique(pop.action[matched]):
            acting = matched[pop.action[matched] == action]
            kept[acting[np.argmin(rank[acting])]] = True
    less = Population(pop.bits, pop.reals, pop.actions, pop.words.copy(), pop.counts.copy(), pop.numbers.copy())
    keep(less, kept)
    keep(less, _needed(less, everything, rank[kept[: rank.size]], params))
    return less


def _needed(pop: Population, situations: Sequence[Situation], rank: np.ndarray, params: Params) -> np.ndarray:
    """Which rules (R,) are left when one after the other goes, the worst first, for which able ones stand."""
    able = may_subsume(pop, np.arange(rank.size), params)
    within = np.zeros((rank.size, len(situations)), bool)
    for t, one in enumerate(situations):
        within[match(pop, one), t] = True
    actions = pop.action[: rank.size]
    cover = np.stack([(within & (able & (actions == action))[:, None]).sum(0) for action in range(pop.actions)])
    needed = pop.numerosity > 0
    for row in np.argsort(-rank).tolist():
        mine = cover[actions[row], within[row]]
        if (mine > able[row]).all():
            needed[row] = False
            cover[actions[row], within[row]] -= int(able[row])
    return needed
