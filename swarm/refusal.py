"""How a command refuses what it was given."""

import os
import sys
from pathlib import Path

WRONG = 2  # the exit status


def refuse(*errors: object) -> int:
    """Say on stderr what is wrong with what the user gave, each line of it as an error; gives the exit status."""
    for error in errors:
        for line in str(error).splitlines():
            print(f"jerne: error: {line}", file=sys.stderr)
    return WRONG


def denied(path: Path | str) -> str:
    """Why it cannot even be seen whether something is at `path`, as in a closed folder; "" where it can."""
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: no path at all
        return ""
    except OSError as error:
        return error.strerror or str(error)
    return ""


def unused(flag: str, path: Path | None, *suffixes: str) -> None:
    """Refuse what would overwrite something, cannot be written, or has another ending than these. Raises ValueError."""
    if path is None:
        return
    if why := denied(path):
        raise ValueError(f"{flag} {path}: {why}")
    if path.exists():
        raise ValueError(f"{flag} {path}: exists already and is left as it is")
    if not path.parent.is_dir():
        raise ValueError(f"{flag} {path}: there is no folder {path.parent}")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise ValueError(f"{flag} {path}: nothing can be written into the folder {path.parent}")
    if suffixes and path.suffix.lower() not in suffixes:
        raise ValueError(f"{flag} {path}: must end in {' or '.join(suffixes)}")


def apart(*given: tuple[str, Path | None]) -> None:
    """Refuse flags of which two name one file. Raises ValueError."""
    taken: dict[Path, str] = {}
    for flag, path in given:
        if path is not None and (other := taken.setdefault(path.resolve(), flag)) != flag:
            raise ValueError(f"{flag} {path}: is the file of {other} too")
