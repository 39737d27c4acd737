"""Who hears whom, as a graph."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import networkx


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
