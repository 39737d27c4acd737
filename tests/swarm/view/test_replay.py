"""Runs seen again: the same at whatever place one comes to it, whole or damaged."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from PIL import Image, ImageSequence

from swarm import record
from swarm.record import Tick
from swarm.view import replay
from swarm.view.replay import Player
from swarm.view.snapshot import Snapshot
from tests.conftest import Terminal, wait


def same(*shots: Snapshot) -> bool:
    """Are they equal, NaN and all?"""
    return len({msgspec.json.encode(shot) for shot in shots}) == 1


def seen(player: Player) -> Snapshot:
    """What is shown, without the speed, and of the events those of the last minute."""
    shot = player.snapshot()
    assert shot is not None
    events = [event for event in shot.events if event[0] > shot.time - 59]
    return msgspec.structs.replace(shot, speed=0.0, events=events)


def test_a_place_looks_the_same_from_wherever_one_comes(finished: Path) -> None:
    log = record.open_run(finished)
    steady = Player(log)
    for tick in range(0, 651):
        steady.seek(tick)
    jumped, back = Player(log), Player(log)
    jumped.seek(650)
    back.seek(699)
    back.seek(650)
    assert same(seen(steady), seen(jumped), seen(back))
    shot = seen(steady)
    assert (shot.tick, shot.time, shot.phase) == (650, 65.0, 1)
    assert len(shot.rate) == 6
    assert steady.moment is not None
    assert steady.telemetry.detail(steady.moment, 1).history == jumped.telemetry.detail(steady.moment, 1).history


def test_what_is_shown_is_what_is_in_the_log(finished: Path) -> None:
    log = record.open_run(finished)
    player = Player(log)
    ticks = [item for item in log.walk() if isinstance(item, Tick)]
    for tick in (0, 1, 333, 699):
        player.seek(tick)
        shot = seen(player)
        assert [(r.x, r.y, r.heading) for r in shot.robots] == [tuple(pose) for pose in ticks[tick].poses.tolist()]
        assert [r.said for r in shot.robots] == ticks[tick].radio[:, 0].tolist()
        assert shot.done == ticks[tick].done
    player.seek(10**6)
    assert seen(player).tick == 699


def test_decisions_come_with_their_rules(finished: Path) -> None:
    player = Player(record.open_run(finished))
    player.seek(699)
    assert player.moment is not None
    details = [player.telemetry.detail(player.moment, robot) for robot in range(3)]
    decided = [detail for detail in details if detail.decision is not None]
    assert decided
    assert all(detail.decision.rules and 0 <= detail.decided < 70 for detail in decided if detail.decision)
    assert all(len(detail.history) == 120 and detail.percept["proximity"] for detail in details)


def test_lines(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert replay.main([str(finished), "--plain", "--from", "30"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("/")[0] for line in lines] == ["0:30", "0:35", "0:40", "0:45", "0:50", "0:55", "1:00", "1:05"]
    assert "alive 3/3" in lines[0]


def test_verified(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert replay.main([str(finished), "--verify"]) == 0
    out = capsys.readouterr().out
    assert out == f"{finished}/ticks.mcap: verified, no difference in 700 ticks, 2100 answers of robots, 0 restarts\n"


def test_a_film_from_a_log(finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    film = tmp_path / "film.gif"
    assert replay.main([str(finished), "--from", "65", "--video", str(film)]) == 0
    assert capsys.readouterr().out.startswith(f"{film}: ")
    with Image.open(film) as picture:
        frames = [frame.info["duration"] for frame in ImageSequence.Iterator(picture)]
        assert sum(frames) == 10 * min(frames)  # one each half second; two that are alike become one
        assert len(frames) >= 8
        assert picture.size == (1280, 720)


def test_a_log_that_was_cut_off_is_shown_up_to_there(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = (finished / "ticks.mcap").read_bytes()
    cut = tmp_path / "cut.mcap"
    cut.write_bytes(data[: len(data) // 2])
    assert replay.main([str(cut), "--plain"]) == 0
    shown = capsys.readouterr()
    assert 2 <= len(shown.out.splitlines()) < 13
    assert re.fullmatch(rf"jerne: {cut}: cut off or damaged: it has no end; it was read up to 0:\d\d\n", shown.err)
    log = record.open_run(cut)
    assert len(list(record.read(cut))) == round(10 * log.end) + 1


def test_a_second_that_is_damaged_is_left_out(finished: Path, tmp_path: Path) -> None:
    whole = record.open_run(finished)
    data = bytearray((finished / "ticks.mcap").read_bytes())
    second = whole.seconds[20]
    data[second.offset + second.length // 2] ^= 4
    path = tmp_path / "damaged.mcap"
    path.write_bytes(data)
    log = record.open_run(path)
    ticks = [item.tick for item in log.walk() if isinstance(item, Tick)]
    assert len(ticks) == 690
    assert log.lack.startswith("damaged at 20 s")
    assert [tick.tick for tick in record.read(path)] == list(range(200))
    player = Player(log)
    player.seek(205)
    assert seen(player).tick == 199
    player.seek(300)
    assert seen(player).tick == 300


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["none"], "none/ticks.mcap: cannot be read|none: cannot be read: No such file"),
        (["empty"], "empty: no run folder \\(ticks.mcap is missing\\)"),
        (["text"], "text: not a tick log \\(no MCAP file\\)"),
        (["run", "--from", "71"], r"--from 71: must lie in \[0, 69.9\], which is what the log holds"),
        (["run", "--video", "film.avi"], r"--video film.avi: a video's name must end in .mp4 or .gif"),
        (["run", "--video", "no/film.gif"], r"--video no/film.gif: there is no folder no"),
        (["run", "--speed", "1000"], r"--speed 1000: must lie in \[0.1, 100\]"),
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
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").write_text("no log")
    shutil.copytree(finished, tmp_path / "run")
    assert replay.main(arguments) == 2
    assert re.search(f"^jerne: error: ({said})", capsys.readouterr().err)


def test_driven_by_keys_in_a_terminal(finished: Path, terminal: Callable[..., Terminal]) -> None:
    shown = terminal("replay", str(finished), "--speed", "0.1", command=())
    shown.wait_for_screen("replay 0.1")
    shown.wait_for_screen("1/2 easy")
    shown.type(b"]")
    shown.wait_for_screen("2/2 other")
    shown.wait_for_screen("0:40 / 1:10")
    shown.type(b"\x1b[D")  # left
    shown.wait_for_screen("0:30 / 1:10")
    shown.type(b" ")
    shown.wait_for_screen("paused")
    shown.type(b"jj\r")
    shown.wait_for_screen("robot 1")
    shown.wait_for_screen("immune network")
    shown.resize(40, 120)
    wait(lambda: max(map(len, map(str.rstrip, shown.screen()))) > 100, 20)
    shown.type(b"?")
    shown.wait_for_screen("the next phase")
    shown.type(b"x\x1b")
    shown.wait_for_screen("robots 3")
    shown.type(b"+++")
    shown.wait_for_screen("replay 1x")
    shown.type(b"\x1b[F")  # end
    shown.wait_for_screen("the end")
    shown.type(b"q")
    assert shown.ended(within=20) == 0
    assert shown.text.count(b"\x1b[?1049h") == shown.text.count(b"\x1b[?1049l") == 1


def test_interrupted_in_a_terminal(finished: Path, terminal: Callable[..., Terminal]) -> None:
    shown = terminal("replay", str(finished), command=())
    shown.wait_for_screen("replay 1x")
    shown.type(b"\x03")
    assert shown.ended(within=20) == 130
    assert b"\x1b[?1049l" in shown.text
    assert b"Traceback" not in shown.text
