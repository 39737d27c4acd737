"""Keys: who belongs to a swarm, in a folder of three kinds of files, all for their owner's eyes only (0600).

::

    swarm         name NAME, then secret HEX: which swarm it is, and what its beacons are signed with
    members       NAME PUBLIC-KEY a line: who is let in; `revoked` at the end of a line: who is not any more
    NAME.secret   PUBLIC-KEY SECRET-KEY of one member; on a robot there is its own and no other

A member whose name is a number is the robot of that number; others may watch, but not speak. Keys are CURVE
keys (Curve25519) in Z85, 40 characters each. Files are replaced whole, so that a reader always finds a whole one.
"""

import fcntl
import os
import re
import secrets
import struct
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import zmq
from zmq.utils import z85

from classifier.sealed import write

MOST = 1024  # members of a swarm, revoked ones included
LAST = 32767  # highest number of a robot
NAME = r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}"
_KEY = re.compile(rb"[0-9a-zA-Z.\-:+=^!/*?&<>()\[\]{}@%$#]{40}")


class KeysError(ValueError):
    """Keys that cannot be used, and what would mend it."""


class Member(NamedTuple):
    """One line of the file `members`."""

    name: str
    public: bytes  # Z85
    revoked: bool = False


@dataclass(frozen=True)
class Keyring:
    """What one member holds."""

    name: str
    public: bytes  # Z85
    secret: bytes = field(repr=False)  # Z85
    allowed: Mapping[bytes, str]  # public key -> name, of all members that are not revoked
    swarm: str = "swarm"  # name
    beacon: bytes = field(default=b"", repr=False)  # secret that beacons are signed with
    revoked: frozenset[bytes] = frozenset()  # public keys
    folder: Path | None = None  # where it was loaded from

    @property
    def robots(self) -> dict[int, bytes]:
        """Number -> public key of all robots that are let in."""
        return {n: public for public, name in self.allowed.items() if (n := number(name)) is not None}


@lru_cache(maxsize=1024)  # asked with every message
def number(name: str) -> int | None:
    """The robot's number in a member's name; None: it is no robot."""
    return int(name) if re.fullmatch(r"0|[1-9][0-9]{0,4}", name) and int(name) <= LAST else None


def generate(names: Iterable[str], swarm: str) -> dict[str, Keyring]:
    """New keys for all of a swarm, in memory only."""
    pairs = {name: _pair() for name in names}
    allowed = {public: name for name, (public, _) in pairs.items()}
    beacon = secrets.token_bytes(32)
    return {name: Keyring(name, *pair, allowed, swarm, beacon) for name, pair in pairs.items()}


def load(folder: Path | str, name: str | None = None) -> Keyring:
    """The keys in `folder`, of the member `name`, else of the only one whose secret is there.

    Raises KeysError for files that are missing, damaged, readable by others, or do not fit each other.
    """
    folder = Path(folder)
    swarm, beacon = _swarm(folder)
    listed = members(folder)
    path = folder / f"{_own(folder, name)}.secret"
    words = _read(path).split()
    if len(words) != 2 or not all(map(is_key, words)):
        raise KeysError(f"{path}: must hold a public and a secret key of 40 characters each")
    public, secret = words
    if zmq.curve_public(secret) != public:
        raise KeysError(f"{path}: damaged: the two keys do not belong together")
    ring = _with(Keyring(path.stem, public, secret, {}, swarm, beacon, folder=folder), listed)
    if public in ring.revoked:
        raise KeysError(f"{folder}: the key of {ring.name} was revoked")
    if ring.allowed.get(public) != ring.name:
        raise KeysError(f"{folder}: the key of {ring.name} is not on the list of members; jerne keys add")
    return ring


def renew(ring: Keyring) -> Keyring:
    """`ring` with the members as they are listed now in its folder, its owner among them or not. Raises KeysError."""
    return ring if ring.folder is None else _with(ring, members(ring.folder))


def new(folder: Path, names: Iterable[str], swarm: str | None = None) -> list[Member]:
    """Make keys for members of these names, and the swarm itself where there is none yet. Raises KeysError."""
    names = list(names)
    with _changing(folder):
        known = _found(folder, swarm)
        taken = {member.name for member in known if not member.revoked}
        gone = {member.name for member in known if member.revoked}
        for name in names:
            if name in taken:
                raise KeysError(f"{name}: is a member already; revoke it first, or choose another name")
            if (folder / f"{_proper(name)}.secret").exists() and name not in gone:
                raise KeysError(
                    f"{folder}/{name}.secret: exists already and is left as it is, though {name} is no member"
                )
            taken.add(name)
        _check_room(folder, len(known) + len(names))
        made = []
        for name in names:
            public, secret = _pair()
            write(folder / f"{name}.secret", public + b" " + secret + b"\n")
            made.append(Member(name, public))
        _list(folder, [*known, *made])
    return made


def add(folder: Path, name: str, public: bytes) -> Member:
    """Let in a member whose keys were made elsewhere. Raises KeysError."""
    if not is_key(public):
        raise KeysError(f"{_shown(public)}: is no public key: must be 40 characters of Z85")
    with _changing(folder):
        known = members(folder)
        for member in known:
            if member.public == public:
                what = "was revoked, of" if member.revoked else "is the key of"
                raise KeysError(f"{_shown(public)}: {what} {member.name}")
            if member.name == name and not member.revoked:
                raise KeysError(f"{name}: is a member already; revoke it first, or choose another name")
        _check_room(folder, len(known) + 1)
        _list(folder, [*known, member := Member(_proper(name), public)])
    return member


def revoke(folder: Path, name: str) -> Member:
    """Let a member in no longer, named by its name or its public key. Raises KeysError."""
    with _changing(folder):
        known = members(folder)
        for i, member in enumerate(known):
            if name in (member.name, member.public.decode()) and not member.revoked:
                known[i] = member._replace(revoked=True)
                _list(folder, known)
                (folder / f"{member.name}.secret").unlink(missing_ok=True)
                return known[i]
    there = ", ".join(member.name for member in known if not member.revoked) or "none"
    raise KeysError(f"{name}: no such member; there are {there}")


def members(folder: Path) -> list[Member]:
    """All members, revoked ones too. Raises KeysError."""
    path = folder / "members"
    found: list[Member] = []
    for i, line in enumerate(_read(path).splitlines(), 1):
        words = line.split()
        sound = len(words) in (2, 3) and re.fullmatch(NAME.encode(), words[0]) and is_key(words[1])
        if not sound or words[2:] not in ([], [b"revoked"]):
            raise KeysError(f"{path}, line {i}: must be NAME PUBLIC-KEY, and `revoked` or nothing")
        found.append(Member(words[0].decode(), words[1], len(words) == 3))
    _check_room(folder, len(found))
    valid = [member for member in found if not member.revoked]
    for what in ({member.name for member in valid}, {member.public for member in valid}):
        if len(what) < len(valid):
            raise KeysError(f"{path}: a name or a key is there twice")
    return found


def describe(folder: Path) -> tuple[str, set[str]]:
    """The swarm's name, and the names of the members whose secrets are here. Raises KeysError."""
    return _swarm(folder)[0], {path.stem for path in folder.glob("*.secret")}


def _with(ring: Keyring, listed: list[Member]) -> Keyring:
    allowed = {member.public: member.name for member in listed if not member.revoked}
    revoked = frozenset(member.public for member in listed if member.revoked)
    return replace(ring, allowed=allowed, revoked=revoked)


def _own(folder: Path, name: str | None) -> str:
    there = sorted(path.stem for path in folder.glob("*.secret"))
    if name is None and len(there) == 1:
        return there[0]
    if name in there:
        return name
    wanted = "a secret key" if name is None else f"{name}.secret"
    if not there:
        raise KeysError(f"{folder}: {wanted} is not there; jerne keys new makes one")
    what = "several secret keys, a name is needed" if name is None else f"{wanted} is not there"
    raise KeysError(f"{folder}: {what}; there are those of {', '.join(there)}")


def _swarm(folder: Path) -> tuple[str, bytes]:
    path = folder / "swarm"
    words = _read(path).decode("ascii", "replace").split()
    if not (len(words) == 4 and words[::2] == ["name", "secret"] and re.fullmatch("[0-9a-f]{64}", words[3])):
        raise KeysError(f"{path}: must be two lines, name NAME and secret HEX (64 digits)")
    return words[1], bytes.fromhex(words[3])


def _found(folder: Path, swarm: str | None) -> list[Member]:
    """The members of the swarm of this folder, which is founded where it does not exist."""
    if not (folder / "swarm").exists():
        name = _proper(swarm or "swarm")
        write(folder / "swarm", f"name {name}\nsecret {secrets.token_hex(32)}\n".encode())
        _list(folder, [])
    elif swarm not in (None, there := _swarm(folder)[0]):
        raise KeysError(f"{folder}: holds the keys of the swarm {there!r}, not of {swarm!r}; choose another folder")
    return members(folder)


def _check_room(folder: Path, members: int) -> None:
    if members > MOST:
        raise KeysError(f"{folder / 'members'}: {members} members, at most {MOST} are possible, revoked ones included")


def _list(folder: Path, listed: list[Member]) -> None:
    lines = (f"{m.name} {m.public.decode()}{' revoked' if m.revoked else ''}\n" for m in listed)
    write(folder / "members", "".join(lines).encode())


@contextmanager
def _changing(folder: Path) -> Iterator[None]:
    """One change at a time; the folder is made where it is missing. Raises KeysError where it cannot be written."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)
    except OSError as error:
        raise KeysError(f"{folder}: cannot be written: {error.strerror}") from None


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode & 0o777
            data = file.read(1 << 20)
    except OSError as error:
        raise KeysError(f"{path}: cannot be read: {error.strerror}") from None
    if mode & 0o077:
        raise KeysError(f"{path}: others can read or write it (mode {mode:04o}): chmod 600 {path}")
    return data


def _pair() -> tuple[bytes, bytes]:
    """A public and a secret key; none that a command line would take for an option."""
    while (pair := zmq.curve_keypair())[0].startswith(b"-"):
        pass
    return pair


def _proper(name: str) -> str:
    if not re.fullmatch(NAME, name):
        raise KeysError(f"{name!r}: is no name: must be up to 32 letters, digits, _ and -")
    return name


def is_key(text: bytes) -> bool:
    """Is it 32 bytes in Z85? Five of its characters can also say more than four bytes hold."""
    try:
        return bool(_KEY.fullmatch(text)) and len(z85.decode(text)) == 32
    except struct.error:
        return False


def _shown(text: bytes) -> str:
    return text.decode("ascii", "replace")
