"""How a command refuses what it was given."""

import sys

WRONG = 2  # the exit status


def refuse(*errors: object) -> int:
    """Say on stderr what is wrong with what the user gave, each line of it as an error; gives the exit status."""
    for error in errors:
        for line in str(error).splitlines():
            print(f"jerne: error: {line}", file=sys.stderr)
    return WRONG
