"""`@kernel`: compiled by numba where it is installed, plain Python elsewhere, with the same meaning."""

from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

try:
    import numba

    def kernel(function: F) -> F:
        """Compile `function`, once for all processes of this machine."""
        return numba.njit(cache=True)(function)  # type: ignore[no-any-return]

except ImportError:

    def kernel(function: F) -> F:
        """Leave `function` as it is: numba is not installed."""
        return function
