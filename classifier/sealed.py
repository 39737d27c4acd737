"""Files that are whole or not at all: replaced in one go, and sealed with a digest that tells damage."""

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path


class StoreError(ValueError):
    """A file that does not hold what it should, or not all of it."""


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
