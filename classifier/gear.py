"""Which gear does the mathematics: compiled loops where numba is installed, NumPy everywhere."""

from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

_loaded: list[ModuleType | None] = []  # at most one; numba takes its time to import, so only when first used


def kernels() -> ModuleType | None:
    """`classifier.kernels`, or None where numba is missing or NumPy was asked for."""
    if not _loaded:
        use("numba" if available() else "numpy")
    return _loaded[0]


def available() -> bool:
    """Whether numba is installed."""
    return find_spec("numba") is not None


def use(gear: str) -> None:
    """Take "numba" or "numpy" from now on. Raises ValueError for another name, ImportError without numba."""
    if gear not in ("numba", "numpy"):
        raise ValueError(f"gear = {gear!r}: must be 'numba' or 'numpy'")
    _loaded[:] = [import_module("classifier.kernels") if gear == "numba" else None]
