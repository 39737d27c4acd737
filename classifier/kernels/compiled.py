"""`@kernel`: compiled by numba, kept in the user's cache for all processes of this machine.

The cache is a folder named after the sources: numba by itself would go on using what it compiled
before a constant or a function of another file changed.
"""

import hashlib
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])
KEEP = 86_400.0  # s that what was compiled from other sources is kept
HERE = Path(__file__).parent
SOURCES = (
    *sorted(HERE.glob("*.py")),
    *(HERE.parent / f"{name}.py" for name in ("discovery", "draws", "params", "population")),
)


def folder() -> str:
    """Where what is compiled from these sources is kept; "" (beside the sources) with no home to write to."""
    stamps = [f"{file} {file.stat().st_mtime_ns} {file.stat().st_size}" for file in SOURCES]
    digest = hashlib.sha256("\n".join([numba.__version__, *stamps]).encode()).hexdigest()[:16]
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jerne"
    mine = home / f"classifier-{digest}"
    try:
        mine.mkdir(parents=True, exist_ok=True)
        os.utime(mine)
    except OSError:
        return ""
    for other in home.glob("classifier-*"):
        if other != mine and time.time() - other.stat().st_mtime > KEEP:
            shutil.rmtree(other, ignore_errors=True)
    return str(mine)


FOLDER = folder()


def kernel(function: F) -> F:
    """Compile `function`. numba looks where to keep it when it is decorated; other packages keep theirs elsewhere."""
    config: dict[str, Any] = vars(numba.config)
    others = config["CACHE_DIR"]
    config["CACHE_DIR"] = FOLDER or others
    try:
        return cast(F, numba.njit(cache=True, error_model="numpy")(function))
    finally:
        config["CACHE_DIR"] = others
