"""Arbiters that assign robots to calls: nearest first among those that hear it, or by the world's truth."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from robots import check
from swarm.arbiters.contract import Scene, Verdict, certain_of
from swarm.memory import APPROACH, WORK
from swarm.mission import Mission
from swarm.registry import arbiter, parameters

if TYPE_CHECKING:
    from sim.world import World

FAR = 1e4  # m, farther than any robot is from any site


@dataclass(frozen=True)
class AuctionParameters:
    """Of the auction."""

    hold: float = 2.0  # s that a robot sticks to a call it has won, whoever comes closer meanwhile
    spare: float = 0.0  # robots more than are believed to be needed that may come

    def __post_init__(self) -> None:
        check.number("hold", self.hold, 0, 1e4)
        check.number("spare", self.spare, 0, 10)


@arbiter("auction")
class Auction:
    """Nearest first: a robot answers the nearest call that fewer closer robots make for than it wants.

    A call wants ``max(1, Khat - mates)``, Khat as believed at the site, see `swarm.needs`.
    """

    Parameters = AuctionParameters

    def __init__(self, mission: Mission) -> None:
        self.given = parameters(mission, "auction", AuctionParameters)
        self.ticks = round(self.given.hold / mission.tick)

    def start(self, lanes: int) -> np.ndarray:
        """(L, 2) the site won, -1 none, and the tick until which that holds."""
        return np.full((lanes, 2), (-1, 0))

    def resumed(self, state: np.ndarray) -> np.ndarray:
        """No site is won."""
        return self.start(len(state))

    def step(self, state: np.ndarray, scene: Scene) -> tuple[np.ndarray, Verdict]:
        """Bid for the nearest call that has room, or hold on to the one that was won."""
        calls = scene.calls
        wanted = np.maximum(1, calls["need"] - calls["mates"].astype(int)) + self.given.spare
        heard = calls["site"] >= 0
        held = heard & (calls["site"] == state[:, :1]) & (scene.tick < state[:, 1:])
        eligible = held | (heard & (calls["rivals"] < wanted))
        cost = np.where(eligible, np.where(held, -1.0, calls["distance"]), np.inf)
        call = np.where(eligible.any(-1), cost.argmin(-1), -1)
        site = np.where(call >= 0, calls["site"][np.arange(len(call)), call], -1)
        until = np.where(site == state[:, 0], state[:, 1], scene.tick + self.ticks)
        return np.stack([site, until], -1), certain_of(call, scene.antigen)


@arbiter("central")
class Central:
    """Central assignment with full knowledge of who had best answer which call.

    It knows where all robots are, how many each site takes, and what all robots are about. Who is at a site or
    makes for its work face stays; of the others those that hear a call are for what is missing there: first where
    fewest are, then the nearest pairs of robot and site. Only a swarm in one process can show it the world, see
    `swarm.fleet`.
    """

    def __init__(self, mission: Mission) -> None:
        self.numbers = np.zeros(0, np.int64)  # of open sites
        self.team, self.way = self.numbers, np.zeros((mission.robots.count, 0))  # robots that each takes; m to each
        self.alive = np.ones(mission.robots.count, bool)

    def behold(self, world: "World", alive: np.ndarray) -> None:
        """See the world as it is, and which robots (N,) bool have not fallen out."""
        self.alive = alive
        sites = world.sites.open
        self.numbers = np.array([site.number for site in sites], np.int64)
        self.team = np.array([site.arrival.team for site in sites], np.int64)
        faces = np.array([site.face[:2] for site in sites]).reshape(-1, 2)
        self.way = np.hypot(*(world.poses[:, None, :2] - faces).transpose(2, 0, 1))  # (N, sites)

    def assign(self, ids: np.ndarray, memory: np.ndarray, hears: np.ndarray) -> np.ndarray:
        """The number of the site (L,) for the robots `ids`, -1: none; `hears` (L, sites) the calls each can answer."""
        bound = np.isin(memory["task"], (APPROACH, WORK)) & self.alive[ids]
        at = bound[:, None] & (memory["site"][:, None] == self.numbers)  # (L, sites)
        missing = self.team - at.sum(0)
        free = self.alive[ids] & ~bound
        way = np.where(free[:, None] & hears, self.way[ids], np.inf)
        site_of = np.where(bound, memory["site"], -1)
        for pair in np.argsort(way + FAR * missing, axis=None, kind="stable").tolist():
            robot, site = divmod(pair, len(self.numbers))
            if missing[site] > 0 and np.isfinite(way[robot, site]) and site_of[robot] < 0:
                site_of[robot] = self.numbers[site]
                missing[site] -= 1
        return site_of

    def start(self, lanes: int) -> None:
        """It remembers nothing."""

    def step(self, state: None, scene: Scene) -> tuple[None, Verdict]:
        """Answer the call from the assigned site, and disperse where it is not heard."""
        asks = scene.calls["site"]
        site_of = self.assign(scene.ids, scene.memory, (asks[:, :, None] == self.numbers).any(1))
        mine = (asks >= 0) & (asks == site_of[:, None])
        return state, certain_of(np.where(mine.any(-1), mine.argmax(-1), -1), scene.antigen)
