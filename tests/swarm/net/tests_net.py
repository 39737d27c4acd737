"""What tests of links share."""

from collections.abc import Callable

from swarm.net.guard import State
from swarm.net.link import PeerLink, clock
from tests.conftest import wait


def talk(links: list[PeerLink], until: Callable[[], object], seconds: float = 20) -> list[tuple[int, int, bytes]]:
    """All say who they are, five times a second, until it is so; gives (receiver, sender, signal)."""
    heard: list[tuple[int, int, bytes]] = []
    said = [0.0] * len(links)

    def step() -> object:
        for i, link in enumerate(links):
            heard.extend((link.number, sender, signal) for sender, signal in link.drain(clock()))
            if clock() - said[i] >= 0.2:
                said[i] = clock()
                link.say(b"I am %d" % link.number)
        return until()

    wait(step, seconds)
    return heard


def hears(link: PeerLink, number: int) -> bool:
    return link.guard.state(number, clock()) is State.ALIVE


def all_hear(links: list[PeerLink]) -> bool:
    return all(hears(a, b.number) for a in links for b in links if a is not b)
