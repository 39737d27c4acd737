"""Whole runs, from the mission to the folder: reproducible, in pace, as asked for; refused where they cannot be."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from robots.command import COMMAND
from swarm import cli, metrics, missionfile, record, run
from swarm.crew import Crew
from swarm.host import DEAD_MAN
from swarm.mission import Mission
from swarm.missionfile import dumps, parse
from swarm.options import Options
from swarm.view.picture import COLOURS
from swarm.view.snapshot import Snapshot
from tests.conftest import Play, Played, Terminal, wait


def tables(played: Played) -> list[str]:
    return [repr(metrics.load(played.out, table).tolist()) for table in ("metrics", "tasks", "events")]


# Reproducible


def test_the_same_mission_gives_the_same_run(mission: Mission, play: Play) -> None:
    first, again = play(mission), play(mission)
    assert first.status == again.status == 0
    assert first.log == again.log
    assert tables(first) == tables(again)
    other_order = play(mission, order=[2, 0, 1], speed=40)
    assert other_order.log == first.log
    assert tables(other_order) == tables(first)
    other_seed = play(replace(mission, seed=4))
    assert [tick.percepts.tobytes() for tick in other_seed.ticks] != [t.percepts.tobytes() for t in first.ticks]
    assert len(first.ticks) == 200
    assert any(tick.heard[0] for tick in first.ticks)
    assert any(tick.commands["speed"].any() for tick in first.ticks)
    assert not first.living()


def test_who_watches_changes_nothing(
    mission: Mission, mission_file: Path, play: Play, terminal: Callable[..., Terminal]
) -> None:
    out = mission_file.parent / "out"
    watched = terminal(str(mission_file), "--out", str(out))
    assert watched.ended(within=60) == 0
    wait(lambda: b"Results in" in watched.text, 2)
    assert b"\x1b[?1049h" in watched.text, "the dashboard was shown"
    assert (out / "ticks.mcap").read_bytes() == play(parse(dumps(mission))).log


@pytest.mark.slow
def test_a_long_run_is_reproducible(play: Play) -> None:
    mission = missionfile.load(missionfile.find("default"))
    first = play(mission)
    again = play(mission, order=list(reversed(range(mission.robots.count))))
    assert first.status == 0
    assert first.log == again.log
    assert tables(first) == tables(again)
    assert first.summary["tasks done"] == again.summary["tasks done"] > 20


# What a run leaves


def test_the_folder_tells_what_happened(mission: Mission, play: Play, capsys: pytest.CaptureFixture[str]) -> None:
    played = play(mission)
    assert (played.out / "mission.toml").read_text() == dumps(mission)
    summary = played.summary
    assert summary["outcome"] == "completed"
    assert summary["simulated seconds"] == 20
    assert (summary["robots"], summary["seed"], summary["bad messages dropped"]) == (3, 3, 0)
    assert [phase["seconds"] for phase in summary["phases"]] == [20]
    rows = metrics.load(played.out)
    assert rows.time.tolist() == [10, 20]
    assert rows.alive.tolist() == [3, 3]
    assert rows.done[-1] == summary["tasks done"]
    assert rows.heard[-1] == sum(len(heard) for tick in played.ticks for heard in tick.heard)
    moved = np.diff([tick.poses[:, :2] for tick in played.ticks], axis=0)
    assert rows.driven[-1] == pytest.approx(np.hypot(moved[..., 0], moved[..., 1]).sum(), rel=0.02)
    assert Image.open(played.out / "arena.png").size == (1280, 720)
    told = capsys.readouterr().out
    assert told.startswith("small, seed 3: completed after 20 simulated s (")
    assert str(played.out) in told


def test_a_tick_of_a_quarter_of_a_second(mission: Mission, play: Play) -> None:
    played = play(replace(mission, tick=0.25))
    assert played.status == 0
    assert [tick.tick for tick in played.ticks] == list(range(80))


def test_a_film(mission: Mission, play: Play, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    film = tmp_path / "film.gif"
    played = play(replace(mission, phases=(replace(mission.phases[0], duration=3),)), video=film)
    assert played.status == 0
    assert played.crew is not None
    assert played.crew.boots == [1, 1, 1], "nobody starts again while the film is completed"
    assert capsys.readouterr().out.splitlines()[-1].startswith(f"Film in {film}: 0.")
    with Image.open(film) as picture:
        assert picture.format == "GIF"
        assert getattr(picture, "n_frames", 1) == 6  # one each half second
        picture.seek(5)
        assert len(picture.convert("RGB").getcolors(1 << 20) or []) > 10


# Pace


def test_speed_caps_a_run(mission: Mission, play: Play) -> None:
    seen: list[tuple[float, float]] = []
    played = play(mission, lambda _, now: seen.append((time.monotonic(), now.time)), speed=8)
    moments, simulated = np.array([s for s in seen if s[1] > 0.5]).T
    assert played.status == 0
    assert (simulated[-1] - simulated[0]) / (moments[-1] - moments[0]) == pytest.approx(8, rel=0.1)


def test_real_time_is_kept_whoever_is_late(mission: Mission, play: Play) -> None:
    seen: list[tuple[float, float]] = []
    stopped: dict[str, float] = {}

    def during(crew: Crew, now: Snapshot) -> None:
        seen.append((time.monotonic(), now.time))
        if now.time > 1.5 and not stopped:
            stopped["from"] = now.time
            os.kill(crew.robots[1].pid or 0, signal.SIGSTOP)
        if now.time > 3.5 and "to" not in stopped:
            stopped["to"] = now.time
            os.kill(crew.robots[1].pid or 0, signal.SIGCONT)

    short = replace(mission, phases=(replace(mission.phases[0], duration=5.2),))
    played = play(short, during, pace="realtime")
    assert played.status == 0
    moments, simulated = np.array([s for s in seen if s[1] > 0.2]).T
    drift = (moments - moments[0]) - (simulated - simulated[0])
    assert round(simulated[-1] - simulated[0], 6) >= 4.8
    assert np.abs(drift).max() < 0.3

    ticks = played.ticks
    still = np.array([tick.commands == np.zeros((), COMMAND) for tick in ticks])
    held = slice(round(10 * (stopped["from"] + DEAD_MAN)) + 2, round(10 * stopped["to"]))
    assert still[held, 1].all()
    assert not still[held][:, [0, 2]].all(0).any()
    assert not still[held.stop + 5 :, 1].all(), "it goes on"
    assert np.array([tick.alive for tick in ticks]).all()
    heard = [len(tick.heard[0]) + len(tick.heard[2]) for tick in ticks[held]]
    assert sum(heard) > 5, "the others talk to each other"


# Arguments


def test_arguments_take_effect(tmp_path: Path, play: Play, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    office = missionfile.shipped()["office"].with_suffix(".yaml")
    arguments = f"run --robots 2 --duration 3 --seed 9 --set radio.range=1.25 --set phases.0.rate=21 --out {out}"
    assert cli.main([*arguments.split(), "--plain", "--map", str(office)]) == 0
    mission = parse((out / "mission.toml").read_text())
    assert (mission.seed, mission.robots.count, mission.duration) == (9, 2, 3)
    assert (mission.radio.range, mission.phases[0].rate, mission.arena.map) == (1.25, 21, str(office))
    summary = Played(out).summary
    assert (summary["seed"], summary["robots"], summary["simulated seconds"]) == (9, 2, 3)
    ticks = Played(out).ticks
    assert [len(tick.poses) for tick in ticks] == [2] * 30
    lines = re.findall(r"^0:0\d/0:03 .*", capsys.readouterr().out, re.MULTILINE)
    assert lines
    assert all(" alive 2/2 " in line for line in lines)


@pytest.mark.slow
def test_a_swarm_works_in_spite_of_a_poor_radio(tmp_path: Path) -> None:
    arguments = f"run --duration 180 --set radio.loss=0.3 --set radio.delay=0.3 --plain --out {tmp_path}/out"
    assert cli.main(arguments.split()) == 0
    played = Played(tmp_path / "out")
    assert played.summary["tasks done"] > 5
    rows = metrics.load(played.out)
    assert rows.lost[-1] / (rows.lost[-1] + rows.heard[-1]) == pytest.approx(0.3, abs=0.05)


# Folders


def test_folders_of_its_own(mission: Mission, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run.prepare(mission, Options()) == Path("runs/small-seed3-001")
    assert run.prepare(mission, Options()) == Path("runs/small-seed3-002")
    assert run.prepare(replace(mission, name="../../a b/c"), Options()).parent == Path("runs")
    assert run.prepare(replace(mission, name="n" * 400), Options()) == Path(f"runs/{'n' * 80}-seed3-001")
    assert run.prepare(replace(mission, name=""), Options()) == Path("runs/mission-seed3-001")
    assert len(list((tmp_path / "runs").iterdir())) == 5


def test_an_empty_folder_will_do(mission: Mission, tmp_path: Path) -> None:
    assert run.prepare(mission, Options(out=tmp_path)) == tmp_path
    assert {path.name for path in tmp_path.iterdir()} == {"mission.toml", "manifest.json"}


# What cannot be, is refused before anything starts


@pytest.fixture
def no_crew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing may start; the working directory is a folder with one file."""

    def start(*_: object) -> None:
        pytest.fail("processes are started")

    monkeypatch.setattr(Crew, "start", start)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("mine")


def names(table: str) -> str:
    return ", ".join(sorted(getattr(run.registry, table)))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--out .", "--out .: exists and is not an empty folder; choose another name"),
        ("--out file", "--out file: exists and is not an empty folder; choose another name"),
        ("--out file/out", "--out file/out: Not a directory"),
        (f"--out {'x' * 300}", f"--out {'x' * 300}: File name too long"),
        ("--video film.avi", "--video film.avi: a video's name must end in .mp4 or .gif"),
        ("--video none/film.gif", "--video none/film.gif: there is no folder none"),
        ("--gui", "--gui: there is no display (the variable DISPLAY is not set)"),
        (
            "--set mind.arbiter=imune",
            f"default: mind.arbiter = 'imune': must be one of {names('ARBITERS')} (did you mean 'immune'?)",
        ),
        ("--set mind.learner=qqq", f"default: mind.learner = 'qqq': must be one of {names('LEARNERS')}"),
    ],
)
@pytest.mark.usefixtures("no_crew")
def test_refused(
    arguments: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    assert cli.main(["run", "default", "--plain", *arguments.split()]) == 2
    assert capsys.readouterr() == ("", f"jerne: error: {said}\n")
    assert [path.name for path in Path().iterdir()] == ["file"]
    assert Path("file").read_text() == "mine"


@pytest.mark.usefixtures("no_crew")
def test_display_that_is_not_there(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("DISPLAY", ":9999")
    assert cli.main(["run", "--gui", "--plain"]) == 2
    said = capsys.readouterr().err
    assert "--gui: the display ':9999' does not open" in said or "needs libX11" in said


@pytest.mark.usefixtures("no_crew")
def test_mp4_without_pyav(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    assert cli.main(["run", "--video", "film.mp4"]) == 2
    said = "jerne: error: --video film.mp4: MP4 needs PyAV: uv sync --extra video; or write a .gif\n"
    assert capsys.readouterr() == ("", said)
    assert [path.name for path in Path().iterdir()] == ["file"]


@pytest.mark.parametrize("exists", [False, True])
def test_what_only_the_world_can_refuse_leaves_no_folder(
    mission: Mission, play: Play, tmp_path: Path, exists: bool
) -> None:
    odd = replace(mission, kinds={**mission.kinds, "ash": replace(mission.kinds["ash"], colour="blurple")})
    if exists:
        (tmp_path / "run0").mkdir()
    with pytest.raises(ValueError, match="blurple"):
        play(odd)
    assert [list(path.iterdir()) for path in tmp_path.iterdir()] == [[]] * exists


# Readers that leave


def test_a_reader_that_leaves_ends_the_run(mission_file: Path) -> None:
    out = mission_file.parent / "out"
    command = [sys.executable, "-m", "swarm.cli", "run", str(mission_file), "--duration", "9000", "--out", str(out)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        while not (line := process.stdout.readline()).startswith(b"0:0"):
            assert line == f"{run.COMPILING}\n".encode()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 128 + signal.SIGPIPE
    assert Played(out).summary["outcome"] == "stopped by SIGPIPE"
    assert len(list(record.read(out / "ticks.mcap"))) == 10 * Played(out).summary["simulated seconds"]


@pytest.mark.slow
def test_a_film_by_pybullets_camera(mission: Mission, play: Play, tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    film, short = tmp_path / "film.mp4", replace(mission, phases=(replace(mission.phases[0], duration=4),))
    played = play(short, video=film, camera="bullet")
    assert played.status == 0
    with av.open(str(film)) as container:
        frames = [frame.to_ndarray(format="rgb24").astype(int) for frame in container.decode(video=0)]
    assert len(frames) == 8
    assert frames[0].shape == (720, 1280, 3)
    area = frames[-1][64:, :1024]
    hues = area / area.max(-1, keepdims=True).clip(1)  # robots are lit: darker here and there
    near = [np.abs(hues - np.array(colour) / max(colour)).max(-1) < 0.12 for colour in COLOURS[:2]]
    assert ((near[0] | near[1]) & (area.max(-1) > 60)).sum() > 300, "three robots in the colours of their strategies"
    assert np.abs(frames[-1][64:, :1024] - frames[0][64:, :1024]).max() > 60, "something moves"
    assert played.log == play(short).log, "who is filmed does the same"


def test_pybullets_camera_needs_pybullets_world(mission: Mission, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="--camera bullet: the camera is PyBullet's, and this mission has world"):
        run.check(replace(mission, world="planar"), Options(video=tmp_path / "film.mp4", camera="bullet"))
    with pytest.raises(ValueError, match="says nothing without --video"):
        Options(camera="bullet")
    with pytest.raises(ValueError, match="command: needs --listen and --keys"):
        Options(command="tcp://*:5601")
