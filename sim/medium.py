"""The simulated radio: who hears which signal, and when.

A signal said in tick t is heard in tick t + 1 + round(delay / tick) by the robots that are in range
then. Every receiver misses it with the same probability, each for itself. The medium carries bytes
and never looks into them. Where all robots live in one process, `Medium.arrive` says who hears whom
and nothing is carried at all.
"""

from collections.abc import Sequence

import numpy as np

from robots.chance import NOTHING, absorb, uniform
from robots.kernel import kernel
from sim.spec import Radio

_STREAM = 0x726164696F  # keeps the radio's random stream apart from the others

#: what a robot hears in a tick: sender and signal, nearest sender first
Heard = list[tuple[int, bytes]]


class Medium:
    """Signals on their way between robots, and counts of what became of them."""

    def __init__(self, radio: Radio, tick: float, robots: int, seed: int | Sequence[int]) -> None:
        """`tick` is the length of a tick in s; `seed`, the mission's, decides who misses which signal.

        With several seeds it is that of as many swarms of `robots`, which do not hear each other: lanes, those
        of one swarm after those of the other.
        """
        self.radio, self._seeds = radio, np.atleast_1d(np.array(seed, np.int64))
        robots *= len(self._seeds)
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

    def deliver(self, tick: int, neighbours: np.ndarray) -> list[Heard]:
        """What each robot hears in `tick`, see `arrive`."""
        signals = self._due.pop(tick, {})
        if not signals:
            return [[] for _ in neighbours]
        speaking = np.zeros(len(self.said), np.bool_)
        speaking[list(signals)] = True
        arrived = self.arrive(tick, neighbours, speaking).tolist()
        return [[(sender, signals[sender]) for sender in senders if sender >= 0] for senders in arrived]

    def arrive(self, tick: int, neighbours: np.ndarray, speaking: np.ndarray) -> np.ndarray:
        """Whose signals each robot hears in `tick`: of the nearest `radio.most` speakers that it does not miss.

        `neighbours` (N, any) holds for each robot those of its swarm in radio range, nearest first, filled with -1;
        `speaking` (N,) bool whose signal is due. Gives the lanes (N, most) i4 of the senders, nearest first, filled
        with -1; the lane of a robot is its number where there is one swarm.
        """
        out = np.full((len(neighbours), self.radio.most), -1, np.int32)
        _arrive(neighbours, speaking, self.radio.loss, self._seeds, tick, out, self.heard, self.lost)
        return out


@kernel
def _arrive(
    neighbours: np.ndarray,
    speaking: np.ndarray,
    loss: float,
    seeds: np.ndarray,
    tick: int,
    out: np.ndarray,
    heard: np.ndarray,
    lost: np.ndarray,
) -> None:
    """`Medium.arrive`; what a pair of robots misses depends on nobody else."""
    robots = neighbours.shape[0] // len(seeds)
    for lane in range(neighbours.shape[0]):
        receiver, count = lane % robots, 0
        first = lane - receiver
        key = absorb(absorb(absorb(absorb(NOTHING, seeds[lane // robots]), _STREAM), tick), receiver)
        for slot in range(neighbours.shape[1]):
            sender = neighbours[lane, slot]
            if sender < 0 or not speaking[first + sender]:
                continue
            if uniform(key, sender) < loss:
                lost[lane] += 1
            elif count < out.shape[1]:
                out[lane, count] = first + sender
                count += 1
        heard[lane] += count
