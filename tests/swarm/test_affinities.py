"""Affinities as GraphML: there and back, what is refused, what is drawn, and `jerne immune` with all of it."""

from pathlib import Path

import networkx as nx
import numpy as np
import PIL.Image
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from immune.affinity import AffinityError, to_graph
from swarm import affinities, immunity

NET = np.array([[0.0, -1.5], [0.25, 0.5]])  # disperse suppresses aggregate, which stimulates it; it likes itself
HEAD = '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">'
KEY = '<key id="w" for="edge" attr.name="weight" attr.type="{}"/>'


def write(path: Path, nodes: str = "", edges: str = "", *, kind: str = "double", way: str = "directed") -> Path:
    named = "".join(f'<node id="{name}"/>' for name in nodes.split())
    path.write_text(f'{HEAD}{KEY.format(kind)}<graph edgedefault="{way}">{named}{edges}</graph></graphml>')
    return path


def edge(source: str, target: str, weight: str | None) -> str:
    data = "" if weight is None else f'<data key="w">{weight}</data>'
    return f'<edge source="{source}" target="{target}">{data}</edge>'


@given(hnp.arrays(np.float64, (2, 2), elements=st.floats(-10, 10)))
def test_a_matrix_comes_back_to_the_bit(tmp_path_factory: pytest.TempPathFactory, affinity: np.ndarray) -> None:
    path = tmp_path_factory.getbasetemp() / "net.graphml"
    affinities.write(path, affinity)
    assert np.array_equal(affinities.read(path, 2), affinity)


def test_other_programs_read_it(tmp_path: Path) -> None:
    affinities.write(tmp_path / "net", NET)
    edges = {(a, b): w for a, b, w in nx.read_graphml(tmp_path / "net").edges(data="weight")}
    assert edges == {("disperse", "aggregate"): -1.5, ("aggregate", "disperse"): 0.25, ("disperse", "disperse"): 0.5}


def test_a_file_by_hand(tmp_path: Path) -> None:
    path = write(tmp_path / "net", "disperse aggregate", edge("aggregate", "disperse", "-2"), kind="int")
    assert affinities.read(path, 2).tolist() == [[0, 0], [-2, 0]]


BOTH = "aggregate disperse"


@pytest.mark.parametrize(
    ("nodes", "edges", "how", "says"),
    [
        ("aggregate search", "", {}, "node 'search': must be one of aggregate, disperse"),
        (BOTH, edge("aggregate", "disperse", None), {}, "edge aggregate -> disperse: has no weight"),
        (BOTH, edge("aggregate", "disperse", "11"), {}, r"weight = 11\.0: must lie in \[-10, 10\]"),
        (BOTH, edge("aggregate", "disperse", "nan"), {}, r"weight = nan: must lie in \[-10, 10\]"),
        (BOTH, edge("aggregate", "disperse", "no"), {"kind": "string"}, "weight = 'no': must be a number"),
        (BOTH, edge("aggregate", "disperse", "true"), {"kind": "boolean"}, "weight = True: must be a number"),
        (BOTH, edge("aggregate", "disperse", "much"), {}, "no GraphML: .*much"),
        (BOTH, edge("aggregate", "disperse", "1") * 2, {}, "one edge at most from each antibody to each"),
        (BOTH, edge("aggregate", "disperse", "1"), {"way": "undirected"}, "must be a directed graph"),
    ],
)
def test_what_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], nodes: str, edges: str, how: dict[str, str], says: str
) -> None:
    path = write(tmp_path / "net.graphml", nodes, edges, **how)  # type: ignore[arg-type]
    with pytest.raises(AffinityError, match=says) as error:
        affinities.read(path, 2)
    assert immunity.main(["--read", str(path)]) == 2
    assert capsys.readouterr().err == f"jerne: error: {error.value}\n"
    assert str(error.value).startswith(f"{path}: ")


@pytest.mark.parametrize("content", [b"", b"<graphml", b"\xff\xfe\x00garbage", b"<html/>", HEAD.encode()])
def test_files_that_are_no_graphml(tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes) -> None:
    path = tmp_path / "net"
    path.write_bytes(content)
    assert immunity.main(["--read", str(path)]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"jerne: error: {path}: no GraphML: ")
    assert said.count("\n") == 1
    assert immunity.main(["--read", str(tmp_path / "none")]) == 2
    assert "No such file" in capsys.readouterr().err


def test_a_packed_file_that_is_cut_off_or_damaged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "net.graphml.gz"
    affinities.write(path, NET)
    whole = path.read_bytes()
    for data, says in (
        (whole[:-20], "Compressed file ended before the end-of-stream marker was reached"),
        (whole[:-8] + bytes(8), "CRC check failed"),
        (whole[:20] + bytes(20) + whole[40:], "Error -3 while decompressing data"),
        (b"no gzip", "Not a gzipped file"),
    ):
        path.write_bytes(data)
        assert immunity.main(["--read", str(path)]) == 2
        said = capsys.readouterr().err
        assert said.startswith(f"jerne: error: {path}: cannot be read: {says}")
        assert said.count("\n") == 1


def test_the_picture_shows_who_acts_on_whom() -> None:
    """Orange only where an antibody is suppressed, green only where it is stimulated, nothing where neither is."""
    for affinity, colours in ((NET, {affinities.SUPPRESSES, affinities.STIMULATES}), (np.zeros((2, 2)), set())):
        image = affinities.draw(affinity)
        assert image.size == (affinities.SIZE, affinities.SIZE)
        drawn = {"#{:02x}{:02x}{:02x}".format(*colour) for _, colour in image.getcolors(1 << 20) or ()}  # type: ignore[misc]
        assert drawn & {affinities.SUPPRESSES, affinities.STIMULATES} == colours


def test_the_command_reads_reports_writes_and_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given, out, picture = tmp_path / "given.graphml", tmp_path / "out.graphml", tmp_path / "net.png"
    nx.write_graphml(to_graph(NET, ("aggregate", "disperse")), given)
    assert immunity.main(["--read", str(given), "--write", str(out), "--graph", str(picture)]) == 0
    said = capsys.readouterr().out
    assert f"mind.immune.affinity = {NET.tolist()}" in said
    assert "acts on aggregate  +0.00  -1.50" in said
    assert np.array_equal(affinities.read(out, 2), NET)
    with PIL.Image.open(picture) as image:
        assert image.format == "PNG"
    assert immunity.main(["--write", str(tmp_path / "no" / "net.graphml")]) == 2
    assert "no/net.graphml" in capsys.readouterr().err


def test_the_command_knows_four_antibodies(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, picture = tmp_path / "out.graphml", tmp_path / "net.png"
    four = ["--set", "mind.immune.antibodies=4"]
    assert immunity.main([*four, "--write", str(out), "--graph", str(picture)]) == 0
    said = capsys.readouterr().out
    assert "acts on home       -1.00  +0.50  -1.00  +0.00" in said
    assert "from home to aggregate" in said
    graph = nx.read_graphml(out)
    assert set(graph.nodes) == {"aggregate", "disperse", "search", "home"}
    assert graph.edges["disperse", "home"]["weight"] == 0.5
    graph.edges["disperse", "home"]["weight"] = -2.0
    nx.write_graphml(graph, out)
    assert immunity.main([*four, "--read", str(out)]) == 0
    assert "acts on home       -1.00  -2.00  -1.00  +0.00" in capsys.readouterr().out
    assert immunity.main(["--read", str(out)]) == 2  # of a mission with two
    assert "node 'home': must be one of aggregate, disperse" in capsys.readouterr().err
