"""`@kernel`: compiled by numba where it is installed, plain Python elsewhere, with the same meaning.

Compiled code is kept in the user's cache, in a folder named after the sources: numba by itself would go
on using what it compiled before a constant or a function of another file changed.
"""

import contextlib
import functools
import hashlib
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np

F = TypeVar("F", bound=Callable[..., Any])
PACKAGES = ("robots", "sim", "swarm")  # whose kernels call each other
KEEP = 86_400.0  # s that what was compiled from other sources is kept

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

    def _digest() -> str:
        """Stands for the sources of all kernels."""
        home = Path(__file__).parent.parent
        files = sorted(file for package in PACKAGES for file in (home / package).glob("*.py"))
        stamps = [f"{file} {file.stat().st_mtime_ns} {file.stat().st_size}" for file in files]
        return hashlib.sha256("\n".join([numba.__version__, *stamps]).encode()).hexdigest()[:16]

    def _cache() -> Path:
        """The folder for these sources; folders of others that were not used lately are removed."""
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jerne"
        mine = home / f"kernels-{_digest()}"
        mine.mkdir(parents=True, exist_ok=True)
        os.utime(mine)
        for folder in home.glob("kernels-*"):
            if folder != mine and time.time() - folder.stat().st_mtime > KEEP:
                shutil.rmtree(folder, ignore_errors=True)
        return mine

    with contextlib.suppress(OSError):  # no home to write to: numba keeps its files beside the sources
        setattr(numba.config, "CACHE_DIR", str(_cache()))  # noqa: B010 - numba makes its settings at run time
