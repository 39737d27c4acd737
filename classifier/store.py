"""Learners in files: exact to the bit, versioned, whole or not at all.

A file is three parts: the line `jerne-lcs VERSION SHA256`, a line of JSON (sizes, parameters, seed, step, ...), and
the arrays words, counts and numbers, little-endian. The digest is that of all after the first line.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from classifier import scs
from classifier.params import Params
from classifier.population import Population, empty
from classifier.sealed import seal, unseal, write

MAGIC, VERSION = "jerne-lcs", 2
SYSTEMS: dict[str, type[Params] | type[scs.Params]] = {"xcs": Params, "scs": scs.Params}
ARRAYS = {"words": "<u8", "counts": "<i8", "numbers": "<f8"}


@dataclass(frozen=True)
class Saved:
    """What a file holds."""

    population: Population
    params: Params | scs.Params
    seed: int
    step: int
    drawn: int  # random numbers so far
    more: dict[str, Any]  # what else its kind of learner keeps


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
        "more": saved.more,
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
    return Saved(pop, params, values["seed"], values["step"], values["drawn"], values["more"])
