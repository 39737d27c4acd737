"""A dashboard's orders to real robots: emergency stop; release and arm again. Never waits."""

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from swarm.field import control
from swarm.field.control import Reply
from swarm.net.keys import Keyring

AT_ONCE = 8  # stops on their way, and as many other orders; a robot that does not answer takes `control.WAIT` s of one


class FleetDesk:
    """Gives orders to robots (number -> control address), with the desk's keys.

    A stop calls off what was given before it and is not done yet.
    """

    def __init__(self, robots: Mapping[int, str], ring: Keyring | None) -> None:
        self._robots, self._ring = dict(robots), ring
        self._pools = {word: ThreadPoolExecutor(AT_ONCE, word) for word in ("stop", "resume")}
        self._stops: Counter[int] = Counter()  # given so far, by robot
        self._given: list[tuple[str, Future[dict[int, Reply | None]]]] = []

    def order(self, word: str, robots: Sequence[int] | None) -> None:
        """stop: emergency stop. resume: release, then arm. None: all robots."""
        chosen = {n: a for n, a in self._robots.items() if robots is None or n in robots}
        if word == "stop":
            self._stops.update(chosen.keys())
        before = {n: self._stops[n] for n in chosen}
        self._given.append((word, self._pools[word].submit(self._send, word, chosen, before)))

    def take(self) -> list[str]:
        """What has come of orders since the last call: a line each."""
        over = [(word, future) for word, future in self._given if future.done()]
        self._given = [given for given in self._given if given not in over]
        return [told(word, future.result()) for word, future in over]

    def close(self) -> None:
        """Leave, once what is on its way has been told."""
        for pool in self._pools.values():
            pool.shutdown()

    def _send(self, word: str, robots: Mapping[int, str], before: Mapping[int, int]) -> dict[int, Reply | None]:
        if word == "stop":
            return control.send("stop", robots, self._ring)
        return control.give(("release", "arm"), robots, self._ring, holds=lambda n: self._stops[n] == before[n])


def told(word: str, replies: Mapping[int, Reply | None]) -> str:
    """What came of an order in one line, what went wrong first."""
    wrong = [
        f"robot {n}: {'NO ANSWER' if reply is None else reply.text}"
        for n, reply in replies.items()
        if reply is None or not reply.done
    ]
    done = len(replies) - len(wrong)
    return "; ".join([*wrong, *([f"{word}: done by {done}"] if done else [])])
