"""Rules that people can read: what a robot tells of a decision, and conditions in the mission's words."""

from collections.abc import Mapping, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from classifier.population import Rule
from swarm.report import ACTIONS
from swarm.situation import IMPATIENT

DOING = ("pushes", "pulls", "holds")  # what the one does that has been at a site longest


class Decision(msgspec.Struct, frozen=True):
    """What a robot decided at a site, and the rules that it had for it, the fittest first.

    They are those for `swarm.situation.question` of the situation: whoever comes first asks as if it were alone.
    """

    situation: Annotated[int, Meta(ge=0, le=2**63 - 1)]
    action: Annotated[int, Meta(ge=0, lt=len(ACTIONS))]
    prediction: float | None  # None: the learner makes none
    allowed: list[int]  # the actions that it chose from
    rules: list[Rule]


def predictions(rules: Sequence[Rule]) -> dict[int, float]:
    """Pay-off by action that rules predict together: their mean, weighted by fitness."""
    out = {}
    for action in sorted({rule.action for rule in rules}):
        acting = [rule for rule in rules if rule.action == action]
        weight = sum(rule.fitness for rule in acting)
        out[action] = sum(rule.prediction * rule.fitness for rule in acting) / weight if weight > 0 else 0.0
    return out


def strongest(rules: Sequence[Rule]) -> list[Rule]:
    """The rules one can rely on first: those that promise most by what they have seen and how exact they are."""

    def strength(rule: Rule) -> float:
        sure = rule.experience / (rule.experience + 5)
        return sure * max(0.0, rule.prediction - rule.error)

    return sorted(rules, key=lambda rule: (-strength(rule), -rule.experience, rule.condition, rule.action))


def name_of(action: int) -> str:
    """An action in words, also one that there is not."""
    return ACTIONS[action] if 0 <= action < len(ACTIONS) else f"action {action}"


def sentence(rule: Rule, signatures: Mapping[str, str]) -> str:
    """A rule in the mission's words; `signatures` maps the kinds to their patterns."""
    action = name_of(rule.action)
    figures = f"experience {rule.experience}, error {rule.error:.0f}"
    return f"{words(rule.condition, signatures)}: {action} pays {rule.prediction:.0f} ({figures})"


def situation(word: int, signatures: Mapping[str, str], bits: int) -> str:
    """A situation in the mission's words, without the bits of the beacon that say nothing."""
    return words("".join(str(word >> b & 1) for b in range(bits)), signatures, brief=True)


def words(condition: str, signatures: Mapping[str, str], *, brief: bool = False) -> str:
    """When a condition over the bits of `swarm.situation` holds, in words; `brief` names kinds only."""
    mates = _mates(condition[12:15])
    waiting = _waiting(condition[19:21])
    if mates is None or waiting is None or condition[15:18].count("1") > 1:
        return "Never"
    parts = [
        _place(condition[:12], signatures, brief=brief),
        mates,
        *_company(condition[15:18], condition[18:19]),
        waiting,
    ]
    return ", ".join(part for part in parts if part)


def _place(signature: str, signatures: Mapping[str, str], *, brief: bool) -> str:
    """The kinds of sites whose beacons a condition fits, and what it asks of them beyond that."""
    if not signature.strip("#"):
        return "At any site"
    padded = {kind: pattern.ljust(12, "0") for kind, pattern in signatures.items()}
    fits = [kind for kind, pattern in padded.items() if _agree(signature, pattern)]
    if not fits:
        return f"At a site of no known kind (beacon {signature})"
    some = len(fits) < len(signatures) or len(fits) == 1
    place = f"At a {' or '.join(f'kind-{kind}' for kind in fits)} site" if some else "At any site"
    extra = [b for b, c in enumerate(signature) if c != "#" and any(padded[kind][b] == "#" for kind in fits)]
    if extra and not brief:
        bits = ", ".join(f"bit {b} {('off', 'on')[int(signature[b])]}" for b in extra)
        place += f" (with beacon {bits})"
    return place


def _agree(condition: str, pattern: str) -> bool:
    return all("#" in (a, b) or a == b for a, b in zip(condition, pattern, strict=True))


def _mates(bits: str) -> str | None:
    """Bits: at least 1, 2, 3 mates. None: no number of mates fits."""
    least = max((b + 1 for b, c in enumerate(bits) if c == "1"), default=0)
    most = min((b for b, c in enumerate(bits) if c == "0"), default=3)
    if least > most:
        return None
    if most == 0:
        return "alone"
    if (least, most) == (0, 3):
        return ""
    if most == 3:
        return f"with {least} or more mates"
    if least == most:
        return f"with {least} mate{'s' * (least > 1)}"
    return f"with at most {most} mate{'s' * (most > 1)}" if least == 0 else f"with {least} or {most} mates"


def _company(lead: str, first: str) -> list[str]:
    parts = {"1": ["there longest"], "0": ["not there longest"]}.get(first, [])
    does = [DOING[b] for b, c in enumerate(lead) if c == "1"]
    not_doing = [DOING[b] for b, c in enumerate(lead) if c == "0"]
    if does:
        return [*parts, f"the first there {does[0]}"]
    if len(not_doing) == len(DOING):  # true of the first itself
        return [*parts, *([] if first == "1" else ["nobody leads"])]
    return [*parts, *([f"nobody {' or '.join(not_doing)} first"] if not_doing and first != "1" else [])]


def _waiting(bits: str) -> str | None:
    """Bits: waiting for at least 10 s, 30 s. None: no time fits."""
    low = max((IMPATIENT[b] for b, c in enumerate(bits) if c == "1"), default=0.0)
    high = min((IMPATIENT[b] for b, c in enumerate(bits) if c == "0"), default=float("inf"))
    if low >= high:
        return None
    if low == 0:
        return "" if high == float("inf") else f"waiting less than {high:g} s"
    return f"waiting {low:g} s or more" if high == float("inf") else f"waiting {low:g} to {high:g} s"
