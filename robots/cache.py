"""Where compiled kernels are kept: a folder of the user's cache that is named after the sources.

numba by itself would go on using what it compiled before a constant or a function of another file changed.
This module does not import numba, so that whoever starts can tell at once what is to come.
"""

import hashlib
import os
import shutil
import time
from importlib import metadata
from pathlib import Path

PACKAGES = ("robots", "sim", "swarm")  # whose kernels call each other
KEEP = 86_400.0  # s that what was compiled from other sources is kept


def folder() -> Path:
    """The folder for these sources, which may not be there yet. Raises PackageNotFoundError without numba."""
    home = Path(__file__).parent.parent
    files = sorted(file for package in PACKAGES for file in (home / package).glob("*.py"))
    stamps = [f"{file} {file.stat().st_mtime_ns} {file.stat().st_size}" for file in files]
    digest = hashlib.sha256("\n".join([metadata.version("numba"), *stamps]).encode()).hexdigest()[:16]
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jerne" / f"kernels-{digest}"


def is_cold() -> bool:
    """Are the sensors still to be compiled, which every run needs?"""
    try:
        return not any(folder().glob("sim_*/sensing.*.nbi"))
    except metadata.PackageNotFoundError:
        return False


def claim() -> Path:
    """Make the folder; folders of other sources that were not used lately are removed. Raises OSError."""
    mine = folder()
    mine.mkdir(parents=True, exist_ok=True)
    os.utime(mine)
    for other in mine.parent.glob("kernels-*"):
        if other != mine and time.time() - other.stat().st_mtime > KEEP:
            shutil.rmtree(other, ignore_errors=True)
    return mine
