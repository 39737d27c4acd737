"""The report and the rules: figures that are right, text that is safe, a page that needs nothing but itself."""

import csv
import json
import re
import subprocess
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from swarm import metrics, record
from swarm.record import Log, Told
from swarm.recorder import Recorder
from swarm.view import charts, report, rulebook
from swarm.view.charts import Line, Phase
from swarm.view.history import gather
from swarm.view.rulebook import Known, gathered


class Page(HTMLParser):
    """Tags that are open, and addresses that are fetched."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "br"):
            self.open.append(tag)
        self.fetched += [
            v or "" for k, v in attrs if k in ("src", "href") and not (v or "").startswith("data:image/png")
        ]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_history_agrees_with_the_metrics(finished: Path) -> None:
    history = gather(record.open_run(finished))
    summary = json.loads((finished / "summary.json").read_text())
    tasks = metrics.load(finished, "tasks")
    done = tasks[tasks.outcome == "done"]
    assert len(history.done) == len(done) == summary["tasks done"] > 3
    assert [one.kind for one in history.done] == done.kind.tolist()
    assert np.allclose([one.took for one in history.done], done.ended - done.opened, atol=0.15)
    rows = metrics.load(finished)
    assert history.radio[-1, 0] == pytest.approx(rows.said[-1], rel=0.05)
    assert history.split()[59] == pytest.approx(rows.aggregate[5], abs=0.34)
    middles, rates = history.rate()
    assert middles[0] == 5
    assert rates.sum() / 6 == pytest.approx(len([one for one in history.done if one.time < 70]), abs=1)


def test_a_page_of_two_runs(finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "both.html"
    assert report.main([str(finished), str(finished), "--out", str(out)]) == 0
    assert capsys.readouterr().out.startswith(f"{out}: ")
    text = out.read_text()
    page = Page()
    page.feed(text)
    assert page.open == []
    assert page.fetched == []
    assert "url(" not in text.replace("url(#tip)", "")
    assert "small &lt;b&gt;" in text
    assert "two phases &amp; three robots" in text
    done = json.loads((finished / "summary.json").read_text())["tasks done"]
    assert text.count(f"<b>{done} tasks done</b>") == 2
    assert text.count(">other</text>") >= 10, "the change is marked in the figures of both runs"
    for head in ("Strategy split", "What each robot did", "Trajectories", "Immune network", "Messages", "Learnt rules"):
        assert f"<h3>{head}</h3>" in text
    assert len(re.findall(r"<li>At .*? pays \d+ \(experience \d+, error \d+\)", text)) >= 6
    for figure in re.findall(r"<svg.*?</svg>", text):
        ET.fromstring(figure)


def test_by_itself_it_lies_in_the_runs_folder(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report.main([str(finished), "--figures", str(tmp_path / "figures")]) == 0
    assert capsys.readouterr().out.startswith(f"{finished}/report.html: ")
    files = sorted(path.name for path in (tmp_path / "figures").iterdir())
    assert {"run1-trajectories-1.svg", "run1-trajectories-2.svg", "run1-tasks-done-per-minute-1.svg"} <= set(files)
    for name in files:
        assert ET.parse(tmp_path / "figures" / name).getroot().tag == "{http://www.w3.org/2000/svg}svg"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["a", "b"], "--out FILE is needed for several runs"),
        (["none"], "none: cannot be read: No such file or directory"),
        (["run", "--out", "no/page.html"], "--out no/page.html: there is no folder no"),
    ],
)
def test_refused(
    arguments: list[str],
    said: str,
    finished: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run").symlink_to(finished)
    assert report.main(arguments) == 2
    assert capsys.readouterr().err == f"jerne: error: {said}\n"


def test_a_log_without_a_tick(finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = record.open_run(finished)
    dtype = next(record.read(finished / "ticks.mcap")).percepts.dtype
    Recorder(tmp_path / "ticks.mcap", log.metadata["mission"], dtype, 0.1, log.stage).close()
    assert report.main([str(tmp_path)]) == 2
    assert "holds no tick that can be read; the run ended before it began" in capsys.readouterr().err


def test_curves_lie_where_their_values_are() -> None:
    figure = ET.fromstring(
        charts.lines([Line("x", "#123456", [0, 50, 100], [0, 5, 10])], 100, [Phase(0, "a")], 10, 150)
    )
    curve = next(element for element in figure.iter() if element.tag.endswith("polyline"))
    points = [tuple(map(float, point.split(","))) for point in curve.attrib["points"].split()]
    left, right = charts.LEFT, charts.WIDTH - charts.RIGHT
    low, high = 150 - charts.BOTTOM, charts.TOP
    assert points == [(left, low), ((left + right) / 2, (low + high) / 2), (right, high)]


@pytest.mark.parametrize(("value", "top"), [(0, 1), (1, 1), (7, 8), (12, 20), (30.1, 40), (0.07, 0.08), (np.nan, 1)])
def test_axes_end_with_round_numbers(value: float, top: float) -> None:
    assert charts.nice(value) == pytest.approx(top)


# Rules


def last_rules(log: Log) -> dict[int, Told]:
    return {item.robot: item for item in log.walk() if isinstance(item, Told) and item.rules is not None}


def test_rules_are_printed(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert rulebook.main([str(finished), "--most", "3"]) == 0
    head, *lines = capsys.readouterr().out.splitlines()
    told = last_rules(record.open_run(finished))
    assert {one.tick for one in told.values()} == {699}
    entries = gathered([Known(one.robot, one.tick, one.rules or []) for one in told.values()])
    assert head == f"{len(entries)} different rules of 3 robots, as told at 70 s:"
    assert len(lines) == 3
    assert all(
        re.fullmatch(r"  At .*: \w+ pays \d+ \(experience \d+, error \d+\) \[\d robots?\]", line) for line in lines
    )


def test_rules_of_one_robot_as_they_were(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert rulebook.main([str(finished), "--robot", "1", "--at", "65"]) == 0
    assert re.match(r"\d+ different rules of robot 1, as told at 59 s:", capsys.readouterr().out)
    assert rulebook.main([str(finished), "--at", "5"]) == 0
    assert "no rules had been told by then" in capsys.readouterr().out


def test_rules_are_exported_whole(finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a, b = tmp_path / "rules.json", tmp_path / "rules.csv"
    assert rulebook.main([str(finished), "--json", str(a), "--csv", str(b)]) == 0
    told = last_rules(record.open_run(finished))
    rows = json.loads(a.read_text())
    with b.open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert len(rows) == len(lines) == sum(len(one.rules or []) for one in told.values())
    assert [row["sentence"] for row in rows] == [line["sentence"] for line in lines]
    assert {row["robot"] for row in rows} == {0, 1, 2}
    assert {row["action"] for row in rows} <= {"push", "pull", "hold", "follow", "leave"}
    wanted = {(r.condition, r.prediction, r.experience) for one in told.values() for r in one.rules or []}
    assert {(row["condition"], row["prediction"], row["experience"]) for row in rows} == wanted


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--robot 3", "--robot 3: the run has robots 0 to 2"),
        ("--most 0", "--most 0: must be at least 1"),
        ("--at nan", "--at nan: must lie in [0, 69.9], which is what the log holds"),
        ("--at 71", "--at 71: must lie in [0, 69.9], which is what the log holds"),
    ],
)
def test_there_are_no_such_rules(finished: Path, capsys: pytest.CaptureFixture[str], arguments: str, said: str) -> None:
    assert rulebook.main([str(finished), *arguments.split()]) == 2
    assert capsys.readouterr().err == f"jerne: error: {said}\n"


def test_a_format_without_figures_is_refused(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert report.main([str(finished), "--format", "svg"]) == 2
    assert capsys.readouterr().err == "jerne: error: --format: is of --figures, which is not there\n"


def test_figures_as_png_say_what_the_svg_says(finished: Path, tmp_path: Path) -> None:
    pytest.importorskip("resvg_py")
    assert report.main([str(finished), "--figures", str(tmp_path / "f"), "--format", "both"]) == 0
    names = sorted(path.name for path in (tmp_path / "f").iterdir())
    assert len(names) == 2 * len([name for name in names if name.endswith(".svg")]) > 10
    image = Image.open(tmp_path / "f" / "run1-strategy-split-1.png").convert("RGB")
    assert image.width >= 1200
    colours = {colour for _, colour in image.getcolors(1 << 20) or []}
    assert len(colours) > 10
    dark = np.asarray(image.convert("L")) < 150
    assert dark[:, : image.width // 14].sum() > 50, "figures on the axis are drawn, in a font of our own"
    network = Image.open(tmp_path / "f" / "run1-immune-network-1.png").convert("RGB")
    inks = {colour for _, colour in network.getcolors(1 << 20) or []}
    assert {(230, 159, 0), (0, 114, 178)} <= inks


def chromium(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--log-level=0"]
    command += ["--virtual-time-budget=5000", "--window-size=1500,4200", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)


@pytest.mark.slow
def test_a_browser_draws_the_page_without_a_complaint(finished: Path, tmp_path: Path) -> None:
    page, shot, profile = tmp_path / "page.html", tmp_path / "page.png", f"--user-data-dir={tmp_path / 'profile'}"
    assert report.main([str(finished), str(finished), "--out", str(page)]) == 0
    drawn = chromium(profile, f"--screenshot={shot}", page.as_uri())
    assert "CONSOLE" not in drawn.stderr
    image = np.asarray(Image.open(shot).convert("RGB"))
    assert image.shape == (4200, 1500, 3)
    for colour in ((230, 159, 0), (0, 114, 178), (0, 158, 115), (204, 51, 17)):
        assert (np.abs(image.astype(int) - colour).max(-1) <= 2).sum() > 100, f"something is drawn in {colour}"
    text = page.read_text()
    dom = chromium(profile, "--dump-dom", page.as_uri()).stdout
    assert dom.count("<svg") == text.count("<svg") >= 20
    probe = tmp_path / "probe.html"
    script = (
        "<script>addEventListener('load',()=>{const s=[...document.querySelectorAll('svg')].map(e=>"
        "e.getBoundingClientRect());document.title=JSON.stringify([s.length,Math.min(...s.map(b=>b.width)),"
        "Math.min(...s.map(b=>b.height)),document.documentElement.scrollWidth])})</script>"
    )
    probe.write_text(text.replace("</body>", f"{script}</body>"))
    found = re.search(r"<title>(\[.*?\])</title>", chromium(profile, "--dump-dom", probe.as_uri()).stdout)
    assert found is not None
    count, width, height, wide = json.loads(found[1])
    assert count == text.count("<svg")
    assert width > 200
    assert height > 60
    assert wide <= 1500, "nothing reaches out of the page"


@pytest.mark.slow
def test_the_test_with_the_browser_would_notice_a_complaint(tmp_path: Path) -> None:
    page = tmp_path / "bad.html"
    page.write_text("<!doctype html><script>console.error('oh no')</script>")
    assert "CONSOLE" in chromium(f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", page.as_uri()).stderr
