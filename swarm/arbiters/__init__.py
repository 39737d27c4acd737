"""Arbiters: who decides a robot's global behaviour. The contract, and those that ship, registered by their import."""

from swarm.arbiters import auction, networks, plain, threshold
from swarm.arbiters.contract import Arbiter, Scene, Verdict, check, per_strategy
from swarm.memory import AGGREGATE, DISPERSE

__all__ = [
    "AGGREGATE",
    "DISPERSE",
    "Arbiter",
    "Scene",
    "Verdict",
    "auction",
    "check",
    "networks",
    "per_strategy",
    "plain",
    "threshold",
]
