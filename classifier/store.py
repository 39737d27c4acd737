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

from classifier import scs
from classifier.params import Params
from classifier.population import Population, empty

MAGIC, VERSION = "jerne-lcs", 1
SYSTEMS: dict[str, type[Params] | type[scs.Params]] = {"xcs": Params, "scs": scs.Params}
ARRAYS = {"words": "<u8", "counts": "<i8", "numbers": "<f8"}


class StoreError(ValueError):
    """A file that holds no learner, or not a whole one."""


@dataclass(frozen=True)
class Saved:
    """What a file holds."""

    population: Population
    params: Params | scs.Params
    seed: int
    step: int
    drawn: int  # random numbers so far


def save(path: Path | str, saved: Saved) -> None:
    """Write a file; one of the same name stays as it was until the new one is whole. Raises OSError."""
    pop, target = saved.population, Path(path)
    head = {
        "system": "scs" if isinstance(saved.params, scs.Params) else "xcs",
        "bits": pop.bits,
        "reals": pop.reals,
        "actions": pop.actions,
        "params": asdict(saved.params),
        "seed": saved.seed,
        "step": saved.step,
        "drawn": saved.drawn,
    }
    arrays = b"".join(getattr(pop, name).astype(kind).tobytes() for name, kind in ARRAYS.items())
    body = json.dumps(head).encode() + b"\n" + arrays
    write(target, seal(MAGIC, VERSION, body))


def load(path: Path | str) -> Saved:
    """Read a file. Raises StoreError for one that is damaged, cut short, of another version or no learner."""
    body = unseal(path, MAGIC, VERSION, "learner")
    head, _, arrays = body.partition(b"\n")
    values = json.loads(head)
    params = SYSTEMS[values["system"]](**values["params"])
    pop = empty(
        Params(capacity=params.capacity, linear=getattr(params, "linear", False)),
        values["bits"],
        values["actions"],
        reals=values["reals"],
    )
    for name, kind in ARRAYS.items():
        array = getattr(pop, name)
        array[:] = np.frombuffer(arrays[: array.nbytes], kind).reshape(array.shape)
        arrays = arrays[array.nbytes :]
    return Saved(pop, params, values["seed"], values["step"], values["drawn"])


def seal(magic: str, version: int, body: bytes) -> bytes:
    """The bytes of a file: a first line that tells what it is and the digest of the rest, `body`."""
    return f"{magic} {version} {hashlib.sha256(body).hexdigest()}\n".encode() + body


def unseal(path: Path | str, magic: str, version: int, what: str) -> bytes:
    """The body of a file that `seal` made. Raises StoreError for one that is damaged, or that holds no `what`."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise StoreError(f"{path}: cannot be read: {error.strerror}") from None
    first, _, body = data.partition(b"\n")
    words = first.split(b" ")
    if words[0] != magic.encode() or len(words) != 3:
        raise StoreError(f"{path}: holds no {what}: must begin with {magic!r}")
    if words[1] != str(version).encode():
        raise StoreError(f"{path}: version {words[1].decode('ascii', 'replace')}: must be {version}")
    if words[2] != hashlib.sha256(body).hexdigest().encode():
        raise StoreError(f"{path}: damaged: its digest does not fit its content")
    return body


def write(target: Path, data: bytes, *, durable: bool = True) -> None:
    """Replace a file, whole or not at all; `durable`: also against a loss of power. Raises OSError.

    The new file is the user's alone (mode 0600).
    """
    handle, scratch = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        os.replace(scratch, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(scratch)
        raise
