"""Range checks for parameter classes: one sentence that says what, the value, and what is allowed."""

import difflib
import math
import re
from collections.abc import Iterable, Sequence


def number(name: str, value: float, low: float = -math.inf, high: float = math.inf) -> None:
    """Raise ValueError unless ``low <= value <= high`` (so NaN is refused)."""
    if not low <= value <= high:
        raise ValueError(f"{name} = {value}: must lie in [{low:g}, {high:g}]")


def choice(name: str, value: object, allowed: Sequence[object]) -> None:
    """Raise ValueError, with the nearest name, unless `value` is one of `allowed`."""
    if value not in allowed:
        known = (other for other in allowed if isinstance(other, str))
        raise ValueError(f"{name} = {value!r}: must be one of {', '.join(map(repr, allowed))}{nearest(value, known)}")


def nearest(value: object, names: Iterable[str]) -> str:
    """A hint at the nearest of `names`, if `value` is text and one is near."""
    return hint(near(value, names))


def near(value: object, names: Iterable[str]) -> list[str]:
    """The nearest of `names`, if `value` is text and one is near."""
    return difflib.get_close_matches(value, list(names), 1) if isinstance(value, str) else []


def hint(names: Sequence[str]) -> str:
    """A hint at all of `names`, if there are any."""
    return f" (did you mean {' or '.join(map(repr, names))}?)" if names else ""


def address(name: str, value: str | None, example: str) -> None:
    """Raise ValueError unless `value` is None or tcp://HOST:PORT."""
    if value is not None:
        _, _, port = value.rpartition(":")
        if not (re.fullmatch(r"tcp://[^/:]+:\d{1,5}", value) and 1 <= int(port) <= 65535):
            raise ValueError(f"{name} = {value!r}: must be tcp://HOST:PORT, with a port of 1 to 65535, as in {example}")
