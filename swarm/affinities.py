"""Affinities of immune networks as files and pictures of a graph (GraphML, as networkx and other programs have it)."""

import math
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast
from xml.etree.ElementTree import ParseError

import numpy as np

from immune.affinity import AffinityError, from_graph, names_of, to_graph

if TYPE_CHECKING:
    import networkx as nx
    from PIL.Image import Image

SIZE = 420  # pixels
_NODE = 52  # radius
SUPPRESSES, STIMULATES = "#d55e00", "#009e73"


def read(path: Path, antibodies: int) -> np.ndarray:
    """The matrix (B, B) of a GraphML file whose edges carry `weight`; nodes are named as `names_of` says.

    Raises AffinityError for a file that cannot be read or is no such graph, with its name.
    """
    import networkx as nx

    names = names_of(antibodies)
    try:
        graph = nx.read_graphml(path)
        _check(graph, names)
        return from_graph(cast("nx.DiGraph[str]", graph), names)
    except AffinityError as error:
        raise AffinityError(f"{path}: {error}") from None
    except OSError as error:  # of a damaged .gz or .bz2 without the words of the system
        raise AffinityError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (EOFError, zlib.error) as error:
        raise AffinityError(f"{path}: cannot be read: {error}") from None
    except (ParseError, UnicodeDecodeError, nx.NetworkXError, KeyError, ValueError) as error:
        raise AffinityError(f"{path}: no GraphML: {error}") from None


def _check(graph: "nx.Graph[str]", names: Sequence[str]) -> None:
    """Raise AffinityError unless nodes, edges and weights are what a network of these antibodies can have."""
    if unknown := sorted(set(graph.nodes) - set(names)):
        raise AffinityError(f"node {unknown[0]!r}: must be one of {', '.join(names)}")
    if not graph.is_directed() or graph.is_multigraph():
        raise AffinityError("must be a directed graph, with one edge at most from each antibody to each")
    weight: object
    for source, target, weight in graph.edges(data="weight"):
        if weight is not None and type(weight) not in (int, float):
            raise AffinityError(f"edge {source} -> {target}: weight = {weight!r}: must be a number (attr.type double)")


def write(path: Path, affinity: np.ndarray) -> None:
    """Write a matrix (B, B) as GraphML. Raises OSError."""
    import networkx as nx

    nx.write_graphml(to_graph(affinity, names_of(len(affinity))), path)


def draw(affinity: np.ndarray) -> "Image":
    """The graph of a matrix (B, B): an arrow from who acts to who is acted on; orange suppresses, green stimulates."""
    import networkx as nx
    import PIL.Image
    import PIL.ImageDraw

    graph = to_graph(affinity, names_of(len(affinity)))
    image = PIL.Image.new("RGB", (SIZE, SIZE), "white")
    pen = PIL.ImageDraw.Draw(image)
    places = {name: SIZE / 2 + 0.32 * SIZE * np.array(xy) for name, xy in nx.circular_layout(graph).items()}
    most = max(1e-9, float(np.abs(affinity).max()))
    weight: float
    for source, target, weight in graph.edges(data="weight"):
        colour, width = SUPPRESSES if weight < 0 else STIMULATES, max(1, round(6 * abs(weight) / most))
        if source == target:
            x, y = places[source]
            pen.arc([x - 20, y - _NODE - 30, x + 20, y - _NODE + 10], 120, 60, colour, width)
            pen.text((x - 12, y - _NODE - 42), f"{weight:+g}", "black")
            continue
        way = places[target] - places[source]
        along = way / math.hypot(*way)
        side = 14 * np.array([-along[1], along[0]])  # the two directions lie beside each other
        start, end = places[source] + _NODE * along + side, places[target] - _NODE * along + side
        pen.line([*start, *(end - 10 * along)], colour, width)
        wing = 0.5 * side
        pen.polygon([tuple(p) for p in (end, end - 16 * along + wing, end - 16 * along - wing)], colour)
        pen.text(tuple((start + end) / 2 + 0.8 * side), f"{weight:+g}", "black", anchor="mm")
    for name, (x, y) in places.items():
        pen.ellipse([x - _NODE, y - _NODE, x + _NODE, y + _NODE], "white", "black", 2)
        pen.text((x, y), name, "black", anchor="mm")
    return image
