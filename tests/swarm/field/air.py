"""A radio without sockets: all hear all."""


class Air:
    """A radio without sockets, for robots in one process and for tests: all hear all."""

    def __init__(self) -> None:
        self.ears: dict[int, list[tuple[int, bytes]]] = {}

    def join(self, number: int) -> "AirLink":
        """The radio of one robot."""
        self.ears[number] = []
        return AirLink(self, number)


class AirLink:
    """A robot's end of `Air`."""

    def __init__(self, air: Air, number: int) -> None:
        self._air, self._number = air, number

    def say(self, signal: bytes) -> None:
        for number, ears in self._air.ears.items():
            if number != self._number:
                ears.append((self._number, signal))

    def drain(self, _: float) -> list[tuple[int, bytes]]:
        heard, self._air.ears[self._number] = self._air.ears[self._number], []
        return heard

    def close(self) -> None:
        del self._air.ears[self._number]
