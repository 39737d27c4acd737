"""Documents and figures."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sim.spec import Meaning, Phase
from swarm.mission import Mission
from swarm.study import figures
from swarm.study.document import Document
from swarm.study.measures import Study
from swarm.study.plan import GOES_ON
from swarm.study.stats import effect
from tests.swarm.study.test_measures import cell, run


def test_a_document_says_the_same_twice_and_nothing_is_markup(tmp_path: Path) -> None:
    (tmp_path / "figures").mkdir()
    picture = tmp_path / "figures" / "p.svg"
    picture.write_text("<svg></svg>")
    document = Document("a < b & c_d")
    document.heading("Results")
    document.paragraph("x * y < z")
    document.table("Of <b>.", ["n|m", "v"], [["1", "a_b"], ["x|y", "-0.5"]])
    document.table("Of nothing.", ["n"], [])
    document.figure(picture, tmp_path, "As it is.")
    document.code("```toml\na = 1\n```")
    path = document.write(tmp_path)
    text, page = (tmp_path / "report.md").read_text(), path.read_text()
    assert text.startswith("# a \\< b & c\\_d\n\n## Results\n\nx \\* y \\< z\n")
    assert "Table 1. Of \\<b>.\n\n| n\\|m | v |\n| --- | --- |\n| 1 | a\\_b |\n| x\\|y | -0.5 |\n" in text
    assert "![Figure 1. As it is.](figures/p.svg)" in text
    assert "````\n```toml" in text
    assert "Of nothing" not in text + page
    assert "<title>a &lt; b &amp; c_d</title>" in page
    assert '<td class="number">-0.5</td>' in page
    assert "data:image/svg+xml;base64,PHN2Zz48L3N2Zz4=" in page


def test_a_band_covers_the_mean_and_narrows_with_seeds() -> None:
    rng = np.random.default_rng(2)
    rates = rng.normal(5, 1, (40, 3))
    low, high = figures.band(rates)
    assert (low < rates.mean(0)).all()
    assert (high > rates.mean(0)).all()
    assert high - low == pytest.approx(2 * 1.96 / np.sqrt(40), rel=0.35)  # of a mean of 40 with standard deviation 1
    few = figures.band(rates[:5])
    assert (few[1] - few[0] > high - low).all()


def test_figures_are_the_same_for_the_same_data(tmp_path: Path) -> None:
    values = {(c, t): 0.5 + 0.3 * i for i, (c, t) in enumerate([(c, t) for c in ("a", "b") for t in (1, 2, 3)])}
    axes = [("who", ["a", "b"]), ("team", [1, 2, 3])]
    rows = {"immune": {"team": effect(np.linspace(-0.1, 0.5, 8)), "all changes": effect(np.array([0.2]))}}
    for name in ("x", "y"):
        with figures.style():
            figures.diagram(tmp_path / f"d{name}.svg", axes, values, "ratio", ratio=True)
            figures.forest(tmp_path / f"f{name}.svg", rows, "ratio")
    for kind in "df":
        assert (tmp_path / f"{kind}x.svg").read_bytes() == (tmp_path / f"{kind}y.svg").read_bytes()


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_diagrams_over_any_number_of_axes(tmp_path: Path, axes: int) -> None:
    """Also where some places have no value yet, or none at all."""
    named = [("hearing", [1.0, 2.0]), ("team", [1, 2, 3]), ("open", [4, 8])][-axes:]
    path = tmp_path / "d.svg"
    figures.diagram(path, named, {}, "tasks / min", ratio=False)
    (place,) = [tuple(values[0] for _, values in named)]
    figures.diagram(path, named, {place: 2.5}, "tasks / min", ratio=True)
    assert path.read_text().rstrip().endswith("</svg>")


@pytest.mark.parametrize("seeds", [0, 1, 2])
def test_a_study_of_which_little_is_there_has_figures(tmp_path: Path, mission: Mission, seeds: int) -> None:
    """Also one that was stopped after its first runs: some changes have none yet."""
    phase = Phase(100, 10, {"ash": Meaning("push")})
    two = replace(mission, phases=(phase, phase))
    cells = [cell(name, GOES_ON, two, change) for name in ("a", "b") for change in ("team", "lost")]
    study = Study(cells, [run(cells[1].key, seed, [50.0, 150.0]) for seed in range(seeds)], 20.0)
    with figures.style():
        figures.curves(tmp_path / "c.svg", study, "nominal", ["team", "lost"], "a")
        figures.boxes(tmp_path / "b.svg", study, "nominal", ["team", "lost"])
    assert len(list(tmp_path.glob("*.svg"))) == 2
