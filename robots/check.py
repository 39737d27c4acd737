"""Range checks for parameter classes: one sentence that says what, the value, and what is allowed."""

import math
from collections.abc import Sequence


def number(name: str, value: float, low: float = -math.inf, high: float = math.inf) -> None:
    """Raise ValueError unless ``low <= value <= high`` (so NaN is refused)."""
    if not low <= value <= high:
        raise ValueError(f"{name} = {value}: must lie in [{low:g}, {high:g}]")


def choice(name: str, value: object, allowed: Sequence[object]) -> None:
    """Raise ValueError unless `value` is one of `allowed`."""
    if value not in allowed:
        raise ValueError(f"{name} = {value!r}: must be one of {', '.join(map(repr, allowed))}")
