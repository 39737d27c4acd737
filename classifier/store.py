"""Learners in files: exact to the bit, versioned, whole or not at all.

A file is three parts: the line `jerne-lcs VERSION SHA256`, a line of JSON (sizes, parameters, seed, step), and
the arrays words, counts and numbers, little-endian. The digest is that of all after the first line.
"""

import contextlib
import hashlib
import json
import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from classifier.params import Params
from classifier.population import Population, empty

MAGIC, VERSION = "jerne-lcs", 1
ARRAYS = {"words": "<u8", "counts": "<i8", "numbers": "<f8"}


class StoreError(ValueError):
    """A file that holds no learner, or not a whole one."""


@dataclass(frozen=True)
class Saved:
    """What a file holds."""

    population: Population
    params: Params
    seed: int
    step: int


def save(path: Path | str, saved: Saved) -> None:
    """Write a file; one of the same name stays as it was until the new one is whole. Raises OSError."""
    pop, target = saved.population, Path(path)
    head = {
        "bits": pop.bits,
        "reals": pop.reals,
        "actions": pop.actions,
        "params": asdict(saved.params),
        "seed": saved.seed,
        "step": saved.step,
    }
    arrays = b"".join(getattr(pop, name).astype(kind).tobytes() for name, kind in ARRAYS.items())
    body = json.dumps(head).encode() + b"\n" + arrays
    first = f"{MAGIC} {VERSION} {hashlib.sha256(body).hexdigest()}\n".encode()
    handle, scratch = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(first + body)
            file.flush()
            os.fsync(file.fileno())
        os.replace(scratch, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(scratch)
        raise


def load(path: Path | str) -> Saved:
    """Read a file. Raises StoreError for one that is damaged, cut short, of another version or no learner."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise StoreError(f"{path}: cannot be read: {error.strerror}") from None
    first, _, body = data.partition(b"\n")
    words = first.split(b" ")
    if words[0] != MAGIC.encode() or len(words) != 3:
        raise StoreError(f"{path}: holds no learner: must begin with {MAGIC!r}")
    if words[1] != str(VERSION).encode():
        raise StoreError(f"{path}: version {words[1].decode('ascii', 'replace')}: must be {VERSION}")
    if words[2] != hashlib.sha256(body).hexdigest().encode():
        raise StoreError(f"{path}: damaged: its digest does not fit its content")
    head, _, arrays = body.partition(b"\n")
    values = json.loads(head)
    params = Params(**values["params"])
    pop = empty(params, values["bits"], values["actions"], reals=values["reals"])
    for name, kind in ARRAYS.items():
        array = getattr(pop, name)
        array[:] = np.frombuffer(arrays[: array.nbytes], kind).reshape(array.shape)
        arrays = arrays[array.nbytes :]
    return Saved(pop, params, values["seed"], values["step"])
