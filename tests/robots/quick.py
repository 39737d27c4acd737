"""A shell that lets speeds change as fast as they are told to, for tests of everything else."""

from robots.shell import Rules


class Quick(Rules):
    """Laxer than any file can make them."""

    def __post_init__(self) -> None:
        pass


QUICK = Quick(speed_up=100, turn_up=1000)
