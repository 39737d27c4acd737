"""How a command refuses what it was given."""

import sys
from pathlib import Path

WRONG = 2  # the exit status


def refuse(*errors: object) -> int:
    """Say on stderr what is wrong with what the user gave, each line of it as an error; gives the exit status."""
    for error in errors:
        for line in str(error).splitlines():
            print(f"jerne: error: {line}", file=sys.stderr)
    return WRONG


def unused(flag: str, path: Path | None, *suffixes: str) -> None:
    """Refuse what would overwrite something, has no folder, or another ending than these. Raises ValueError."""
    if path is None:
        return
    if path.exists():
        raise ValueError(f"{flag} {path}: exists already and is left as it is")
    if not path.parent.is_dir():
        raise ValueError(f"{flag} {path}: there is no folder {path.parent}")
    if suffixes and path.suffix.lower() not in suffixes:
        raise ValueError(f"{flag} {path}: must end in {' or '.join(suffixes)}")
