"""Affinities: how antibodies act on each other, as a matrix for the arithmetic and as a graph to draw.

Row i, column j of the matrix is the weight m_ij with which antibody j acts on antibody i: an edge
from j to i in the graph, above 0 stimulating, below 0 suppressing, no edge = 0.
"""

import difflib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import networkx as nx

MOST = 10.0  # of a weight, either sign
NAMES = ("aggregate", "disperse", "search", "home")
SIZES = 2, 4  # antibodies that a robot's network can have: so many of these names


class AffinityError(ValueError):
    """Affinities that make no network."""


def mutual_suppression(antibodies: int) -> np.ndarray:
    """Each antibody suppresses each other with weight 1, (B, B): the default for (aggregate, disperse)."""
    return np.eye(antibodies) - 1.0


def order_of_demand() -> np.ndarray:
    """Affinities (4, 4) of aggregation, dispersion, search and homing *(reconstructed)*.

    The less there is to do the more a robot should, in this order, aggregate, search, disperse, go home [Jun, Lee &
    Sim 1999; Sun, Lee & Sim 2001]. Ours are the weights: neighbours in that order support each other with 0.5, all
    others suppress each other with 1. Of aggregation and dispersion it is the matrix of two.
    """
    place = np.array([0, 2, 1, 3])
    apart = np.abs(place[:, None] - place)
    return np.select([apart == 0, apart == 1], [0.0, 0.5], -1.0)


def usual(antibodies: int) -> np.ndarray:
    """The default (B, B) of networks of so many antibodies, one of `SIZES`."""
    return order_of_demand() if antibodies == len(NAMES) else mutual_suppression(antibodies)


def names_of(antibodies: int) -> tuple[str, ...]:
    """What so many antibodies are called."""
    return NAMES[:antibodies] if antibodies in SIZES else tuple(f"antibody {i}" for i in range(antibodies))


def square(rows: Sequence[Sequence[float]]) -> np.ndarray:
    """The matrix (B, B) of these rows. Raises AffinityError unless it is square and its weights are in range."""
    if len({len(rows), *map(len, rows)}) != 1:
        raise AffinityError(f"affinity = {[list(row) for row in rows]}: must have as many rows as columns")
    out = np.array(rows, float)
    if not (np.abs(out) <= MOST).all():
        raise AffinityError(f"affinity = {out.tolist()}: weights must lie in [{-MOST:g}, {MOST:g}]")
    return out


def matrix(names: Sequence[str], edges: Mapping[tuple[str, str], float]) -> np.ndarray:
    """The matrix (B, B) in the order of `names`; `edges` maps (who acts, who is acted on) to weights.

    Raises AffinityError for a name that is repeated or unknown and for a weight out of range.
    """
    if len(set(names)) < len(names):
        raise AffinityError(f"names = {list(names)}: each antibody may be named once")
    out = np.zeros((len(names), len(names)))
    for (source, target), weight in edges.items():
        edge = f"edge {source} -> {target}"
        for name in (source, target):
            if name not in names:
                raise AffinityError(f"{edge}: no antibody {name!r}; {_nearest(name, names)}")
        if not -MOST <= weight <= MOST:
            raise AffinityError(f"{edge}: weight = {weight}: must lie in [{-MOST:g}, {MOST:g}]")
        out[names.index(target), names.index(source)] = weight
    return out


def from_graph(graph: "nx.DiGraph[str]", names: Sequence[str]) -> np.ndarray:
    """The matrix (B, B) of a graph whose edges carry `weight`. Raises AffinityError as `matrix` does."""
    edges: dict[tuple[str, str], float] = {}
    weight: float | None
    for source, target, weight in graph.edges(data="weight"):
        if weight is None:
            raise AffinityError(f"edge {source} -> {target}: has no weight")
        edges[source, target] = weight
    return matrix(names, edges)


def to_graph(affinity: np.ndarray, names: Sequence[str]) -> "nx.DiGraph[str]":
    """The graph of a matrix (B, B): a node for each name, an edge with its `weight` for each entry but 0."""
    import networkx as nx

    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(names)
    for i, j in np.argwhere(affinity).tolist():
        graph.add_edge(names[j], names[i], weight=float(affinity[i, j]))
    return graph


def difference(affinity: np.ndarray) -> np.ndarray:
    """The matrix m_ij - m_ji of the difference form: what stimulates me less what I stimulate.

    Raises AffinityError for a symmetric matrix, whose difference form has no coupling at all.
    """
    out: np.ndarray = affinity - affinity.T
    if not out.any():
        raise AffinityError(
            f"affinity = {affinity.tolist()}: symmetric, so the difference form m_ij - m_ji is 0 everywhere; "
            "use the signed form or an asymmetric matrix"
        )
    return out


def _nearest(name: str, names: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, names, 1)
    return f"did you mean {close[0]!r}?" if close else f"there are {', '.join(names)}"
