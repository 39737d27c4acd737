"""The simulated radio: who hears which signal, and when, and who hears whom.

A signal said in tick t is heard in tick t + 1 + round(delay / tick) by the robots that are in range
then. Every receiver misses it with the same probability, each for itself. The medium carries bytes
and never looks into them.
"""

from typing import TYPE_CHECKING

import numpy as np

from sim.spec import Radio

if TYPE_CHECKING:
    import networkx

_STREAM = 0x726164696F  # keeps the radio's random stream apart from the others

#: what a robot hears in a tick: sender and signal, nearest sender first
Heard = list[tuple[int, bytes]]


class Medium:
    """Signals on their way between robots, and counts of what became of them."""

    def __init__(self, radio: Radio, tick: float, robots: int) -> None:
        """`tick` is the length of a tick in s."""
        self.radio = radio
        self.lag = 1 + round(radio.delay / tick)  # ticks from saying to hearing
        self.said = np.zeros(robots, np.int64)  # signals, by sender
        self.heard = np.zeros(robots, np.int64)  # signals, by receiver
        self.lost = np.zeros(robots, np.int64)  # signals missed, by receiver
        self._due: dict[int, dict[int, bytes]] = {}  # tick of hearing -> sender -> signal

    def say(self, robot: int, signal: bytes, tick: int) -> None:
        """Send `signal` in `tick`; of two in one tick the later one counts."""
        due = tick + self.lag
        if due not in self._due:
            # what nobody fetched in time is forgotten: at most lag + 1 ticks of signals are under way
            self._due = {then: signals for then, signals in self._due.items() if then >= tick}
            self._due[due] = {}
        self.said[robot] += robot not in self._due[due]
        self._due[due][robot] = signal

    @staticmethod
    def draws(seed: int, tick: int) -> np.random.Generator:
        """What decides in `tick` of a mission with this `seed` who misses which signal."""
        return np.random.Generator(np.random.Philox(key=[seed, _STREAM + tick]))

    def deliver(self, tick: int, neighbours: np.ndarray, rng: np.random.Generator) -> list[Heard]:
        """What each robot hears in `tick`: the nearest `radio.most` signals that it does not miss.

        `neighbours` (N, any) holds for each robot those in radio range, nearest first, filled with -1.
        """
        signals = self._due.pop(tick, {})
        if not signals:
            return [[] for _ in neighbours]
        missed = (_pair_draws(neighbours, rng) < self.radio.loss).tolist()
        heard: list[Heard] = []
        for receiver, senders in enumerate(neighbours.tolist()):
            speaking = [(s, gone) for s, gone in zip(senders, missed[receiver], strict=True) if s in signals]
            arrived = [(s, signals[s]) for s, gone in speaking if not gone]
            heard.append(arrived[: self.radio.most])
            self.lost[receiver] += len(speaking) - len(arrived)
            self.heard[receiver] += len(heard[-1])
        return heard


def graph(neighbours: np.ndarray, alive: np.ndarray) -> "networkx.Graph[int]":
    """Who hears whom: the robots that are `alive` (N,), linked where one is the other's neighbour."""
    import networkx

    receiver, slot = np.nonzero(neighbours >= 0)
    sender = neighbours[receiver, slot]
    both = alive[receiver] & alive[sender]
    links: networkx.Graph[int] = networkx.Graph()
    links.add_nodes_from(np.flatnonzero(alive).tolist())
    links.add_edges_from(zip(receiver[both].tolist(), sender[both].tolist(), strict=True))
    return links


def components(links: "networkx.Graph[int]") -> int:
    """How many groups of robots there are that cannot hear each other."""
    import networkx

    return networkx.number_connected_components(links)


def _pair_draws(neighbours: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A uniform draw for each receiver (row) and sender (entry), the same however many robots there are.

    Pairs are numbered in shells of max(receiver, sender) (Szudzik 2006), so more robots only add draws.
    """
    receiver = np.arange(len(neighbours))[:, None]
    outer = np.maximum(receiver, neighbours)
    pair = outer**2 + np.where(receiver >= neighbours, outer + neighbours, receiver)
    draws: np.ndarray = rng.random(len(neighbours) ** 2)[pair]
    return draws
