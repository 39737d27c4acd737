"""What the README and docs/extending.md show works as it stands there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from swarm import metrics, missionfile, record
from swarm.cli import main

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
EXTENDING = (ROOT / "docs" / "extending.md").read_text()


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks of a page."""
    found: list[str] = re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)
    return found


def test_the_mission_in_ten_lines(tmp_path: Path) -> None:
    (text,) = blocks(README, "toml")
    assert len(text.splitlines()) <= 10
    file = tmp_path / "pairs.toml"
    file.write_text(text)
    out = tmp_path / "out"
    assert main(["run", str(file), "--plain", "--duration", "60", "--out", str(out)]) == 0
    tasks = metrics.load(out, "tasks")
    assert len(tasks) > 0
    assert set(tasks.action) == {"pull"}
    assert set(tasks.team) == {2}


def test_the_script(tmp_path: Path) -> None:
    (script,) = blocks(README, "python")
    short = script.replace('"robots.count=8"', '"robots.count=3", "phases.0.duration=5", "phases.1.duration=5"')
    assert short != script
    file = tmp_path / "script.py"
    file.write_text(short + 'print("rows", len(table), "alive", table.alive[-1])\n')
    done = subprocess.run([sys.executable, file], cwd=tmp_path, capture_output=True, text=True, timeout=100, check=True)
    assert "rows 1 alive 3.0" in done.stdout


def test_plugins(tmp_path: Path) -> None:
    sources = blocks(EXTENDING, "python")
    for source in sources:
        name = re.match(r"# (\w+\.py)", source)
        assert name is not None
        (tmp_path / name[1]).write_text(source)
    settings = next(text for text in blocks(EXTENDING, "toml") if "plugins" in text)
    settings = settings.replace('["nearest.py"]', '["nearest.py", "tally.py", "light.py"]\nlearner = "tally"')
    mission = blocks(README, "toml")[0] + settings
    file = tmp_path / "mine.toml"
    file.write_text(mission)
    out = tmp_path / "out"
    # in a process of its own: what a plugin registers stays registered
    command = [sys.executable, "-m", "swarm", "run", file, "--plain", "--duration", "5", "--out", out]
    subprocess.run(command, cwd=ROOT, check=True, timeout=100)
    last = list(record.read(out / "ticks.mcap"))[-1]
    distance = (last.poses[:, :2] ** 2).sum(1)
    assert last.percepts["light"] == pytest.approx(1 / (1 + distance), rel=1e-6)
    aggregate, disperse = last.reports["concentration"][:, :2].T
    assert (last.reports["strategy"] == disperse).all()
    assert (aggregate + disperse == 1).all()


@pytest.mark.parametrize("name", [*missionfile.shipped()])
def test_shipped_missions_are_listed_and_valid(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", name]) == 0
    assert main(["missions"]) == 0
    assert name in capsys.readouterr().out
