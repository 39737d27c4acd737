"""`@kernel`: compiled by numba where it is installed, plain Python elsewhere, with the same meaning."""

import contextlib
import functools
import hashlib
import warnings
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np

from robots import cache

F = TypeVar("F", bound=Callable[..., Any])

try:
    import numba
except ImportError:

    def kernel(function: F) -> F:
        """Run `function` as Python, with records whose fields are attributes, as in compiled code."""

        @functools.wraps(function)
        def plain(*args: Any) -> Any:
            return function(*(a.view(np.recarray) if isinstance(a, np.ndarray) and a.dtype.names else a for a in args))

        return cast(F, plain)

else:

    def kernel(function: F) -> F:
        """Compile `function`, once for all processes of this machine."""
        return cast(F, numba.njit(cache=True)(function))

    def _name(record: "numba.types.Record") -> tuple[str, tuple[str]]:
        return "Record", (hashlib.sha256(str(record).encode()).hexdigest(),)

    # records with more fields than those it was compiled for do as well, and that is what it warns of
    warnings.filterwarnings("ignore", ".*has been considered a subtype", numba.NumbaExperimentalFeatureWarning)

    # numba names the code for a record by a number that the record has in this process: of what two processes left
    # on disk for two kinds of records, a third would link one to both
    setattr(numba.types.Record, "mangling_args", property(_name))  # noqa: B010 - mypy sees a property

    with contextlib.suppress(OSError):  # no home to write to: numba keeps its files beside the sources
        setattr(numba.config, "CACHE_DIR", str(cache.claim()))  # noqa: B010 - numba makes its settings at run time
