"""Affinities: matrix to graph and back, and what is refused."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from immune.affinity import AffinityError, from_graph, matrix, mutual_suppression, names_of, to_graph, usual

NAMES = ("aggregate", "disperse", "search")


def test_the_default_is_mutual_suppression() -> None:
    assert mutual_suppression(2).tolist() == [[0.0, -1.0], [-1.0, 0.0]]
    assert mutual_suppression(3).tolist() == [[0.0, -1.0, -1.0], [-1.0, 0.0, -1.0], [-1.0, -1.0, 0.0]]


def test_four_support_their_neighbour_in_the_order_of_demand_and_suppress_the_others() -> None:
    names = names_of(4)
    assert names == ("aggregate", "disperse", "search", "home")
    order = ["aggregate", "search", "disperse", "home"]
    for i, one in enumerate(names):
        for j, other in enumerate(names):
            apart = abs(order.index(one) - order.index(other))
            assert usual(4)[i, j] == (0.0, 0.5, -1.0, -1.0)[apart]
    assert np.array_equal(usual(4)[:2, :2], usual(2))
    assert names_of(3) == ("antibody 0", "antibody 1", "antibody 2")


def test_an_edge_goes_from_the_acting_antibody_to_the_one_acted_on() -> None:
    m = matrix(NAMES, {("search", "aggregate"): 0.5, ("aggregate", "disperse"): -2})
    assert m.tolist() == [[0, 0, 0.5], [-2, 0, 0], [0, 0, 0]]


def test_a_graph_says_the_same_in_any_order_of_its_nodes() -> None:
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_edge("search", "aggregate", weight=0.5)
    graph.add_edge("aggregate", "disperse", weight=-2.0)
    assert from_graph(graph, NAMES).tolist() == [[0, 0, 0.5], [-2, 0, 0], [0, 0, 0]]


@given(hnp.arrays(float, (3, 3), elements=st.floats(-10, 10)))
def test_a_matrix_survives_being_a_graph(m: np.ndarray) -> None:
    graph = to_graph(m, NAMES)
    assert list(graph) == list(NAMES)
    assert graph.number_of_edges() == np.count_nonzero(m)
    assert np.array_equal(from_graph(graph, NAMES), m)


@pytest.mark.parametrize(
    ("edges", "message"),
    [
        (
            {("agregate", "disperse"): 1.0},
            "edge agregate -> disperse: no antibody 'agregate'; did you mean 'aggregate'?",
        ),
        ({("search", "x"): 1.0}, "edge search -> x: no antibody 'x'; there are aggregate, disperse, search"),
        ({("search", "disperse"): 11}, "edge search -> disperse: weight = 11: must lie in [-10, 10]"),
        (
            {("search", "disperse"): float("nan")},
            "edge search -> disperse: weight = nan: must lie in [-10, 10]",
        ),
    ],
)
def test_affinities_that_make_no_network_are_refused(edges: dict[tuple[str, str], float], message: str) -> None:
    with pytest.raises(AffinityError) as error:
        matrix(NAMES, edges)
    assert str(error.value) == message


def test_an_antibody_named_twice_is_refused() -> None:
    with pytest.raises(AffinityError, match=r"names = \['search', 'search'\]: each antibody may be named once"):
        matrix(("search", "search"), {})


def test_an_edge_without_weight_is_refused() -> None:
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_edge("search", "disperse")
    with pytest.raises(AffinityError, match="edge search -> disperse: has no weight"):
        from_graph(graph, NAMES)


def test_a_node_without_an_antibody_is_refused() -> None:
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_edge("search", "dispers", weight=1.0)
    with pytest.raises(AffinityError, match="no antibody 'dispers'; did you mean 'disperse'"):
        from_graph(graph, NAMES)
