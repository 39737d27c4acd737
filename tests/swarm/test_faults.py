"""Runs in which processes die, hang, lose their disk or are told to stop: what is left, and what is said."""

import os
import resource
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import mcap.reader
import numpy as np
import pytest
import zmq

from robots.command import COMMAND
from sim.spec import Robots
from swarm import host, metrics, record, registry, wire
from swarm.crew import RESTARTS, Crew
from swarm.mission import Mind, Mission
from swarm.options import Options
from swarm.report import REPORT
from swarm.run import Endings, _next, _tell, prepare
from swarm.view.snapshot import Snapshot
from tests.conftest import Play, Terminal, wait

COMPLETE = {
    "arena.png",
    "manifest.json",
    "metrics.sqlite",
    "minds",
    "mission.toml",
    "processes.log",
    "summary.json",
    "ticks.mcap",
}


def events(out: Path) -> list[str]:
    return [str(text) for text in metrics.load(out, "events").text]


def is_complete(out: Path) -> bool:
    """Has the run folder all its files, the log its footer?"""
    with (out / "ticks.mcap").open("rb") as file:
        indexed = mcap.reader.SeekingReader(file).get_summary()
    there = {path.name for path in out.iterdir()}
    return there | {"minds"} == COMPLETE and indexed is not None  # who dies young leaves no mind


def killing(victims: dict[int, float], noticed: dict[int, float], number: int = signal.SIGKILL):
    """During a run: kill robots, each when its time has come; how long it took until that was known, in s."""
    killed: dict[int, float] = {}

    def during(crew: Crew, now: Snapshot) -> None:
        for robot, when in victims.items():
            if now.time >= when and robot not in killed and now.robots[robot].alive:
                killed[robot] = time.monotonic()
                os.kill(crew.robots[robot].pid or 0, number)
            told = any(f"robot {robot} was killed" in text for _, _, text in now.events)
            if told and robot not in noticed:
                noticed[robot] = time.monotonic() - killed[robot]

    return during


# Robots that die


def test_each_robot_in_turn_dies_and_starts_again(mission: Mission, play: Play) -> None:
    noticed: dict[int, float] = {}
    played = play(mission, killing({0: 2.0, 1: 4.3, 2: 7.1}, noticed), speed=6)
    assert played.status == 0
    assert played.summary["outcome"] == "completed"
    assert played.summary["robots restarted"] == 3
    assert is_complete(played.out)
    assert noticed.keys() == {0, 1, 2}
    assert max(noticed.values()) < 1.0
    ticks = played.ticks
    alive = np.array([tick.alive for tick in ticks])
    commands = np.array([tick.commands for tick in ticks])
    assert len(ticks) == 200
    for robot in range(3):
        said = f"robot {robot} was killed (SIGKILL): it starts again"
        assert events(played.out).count(said) == 1
        gone = np.flatnonzero(~alive[:, robot])
        assert gone.size
        assert np.array_equal(gone, np.arange(gone[0], gone[-1] + 1)), "it went and came once"
        assert (commands[gone, robot] == np.zeros((), COMMAND)).all()
        assert commands["speed"][gone[-1] + 1 :, robot].any(), "its body moves again"
    assert not played.living()


def test_a_robot_that_must_not_start_again_stays_away(mission: Mission, play: Play) -> None:
    noticed: dict[int, float] = {}
    played = play(replace(mission, robots=Robots(count=3, restart=False)), killing({1: 3.0}, noticed), speed=15)
    assert played.status == 0
    assert "robot 1 was killed (SIGKILL): it stays away" in events(played.out)
    assert noticed[1] < 1.0
    alive = np.array([tick.alive for tick in played.ticks])
    first = int(np.flatnonzero(~alive[:, 1])[0])
    assert not alive[first:, 1].any()
    assert alive[:, [0, 2]].all()
    assert played.summary["robots restarted"] == 0


@pytest.mark.parametrize("pace", ["lockstep", "realtime"])
def test_a_run_without_robots_ends(mission: Mission, play: Play, pace: str, capsys: pytest.CaptureFixture[str]) -> None:
    alone = replace(mission, robots=Robots(count=3, restart=False))
    dying = killing({0: 0.5, 1: 0.5, 2: 0.8}, {})
    played = play(alone, dying, pace=pace, speed=10 if pace == "lockstep" else None)
    assert played.status == 1
    assert played.summary["outcome"] == "no robot is left"
    assert played.summary["simulated seconds"] < 20
    assert "no robot is left after" in capsys.readouterr().out
    assert is_complete(played.out)


def broken(mission: Mission, folder: Path, when: str) -> Mission:
    """The same for one robot with an arbiter that fails `when`."""
    plugin = folder / "broken.py"
    plugin.write_text(
        "from swarm.registry import arbiter\n"
        "from swarm.arbiters.contract import certain\n"
        "@arbiter('broken')\n"
        "class Broken:\n"
        "    def __init__(self, mission): pass\n"
        "    def start(self, lanes): return None\n"
        "    def step(self, state, scene):\n"
        f"        if {when}: raise RuntimeError('no idea')\n"
        "        return state, certain(scene.memory['strategy'], scene.antigen)\n"
    )
    return replace(mission, robots=Robots(count=1), mind=Mind(arbiter="broken", plugins=(str(plugin),)))


def test_a_mind_that_always_fails_is_not_started_for_ever(
    mission: Mission, play: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(registry, "ARBITERS", dict(registry.ARBITERS))
    played = play(broken(mission, tmp_path, "True"))
    assert played.status == 1
    assert played.summary["outcome"] == "no robot is left"
    assert events(played.out).count("robot 0 ended with status 1: it starts again") == RESTARTS
    assert events(played.out).count("robot 0 ended with status 1: it stays away") == 1
    assert "RuntimeError: no idea" in (played.out / "processes.log").read_text()
    said = f"robots' processes failed ({RESTARTS} restarts): RuntimeError: no idea; see {played.out}/processes.log"
    assert capsys.readouterr().err == f"jerne: error: {said}\n"


def test_a_run_in_which_a_mind_failed_is_complete_and_says_so(
    mission: Mission, play: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(registry, "ARBITERS", dict(registry.ARBITERS))
    played = play(broken(mission, tmp_path, "scene.tick == 30"))
    assert played.status == 1
    assert (played.summary["outcome"], played.summary["robots restarted"]) == ("completed", 1)
    assert "robots' processes failed (1 restarts): RuntimeError: no idea; see " in capsys.readouterr().err


def test_minds_of_one_process_that_fail_end_the_run_with_their_words(
    mission: Mission, play: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(registry, "ARBITERS", dict(registry.ARBITERS))
    played = play(broken(mission, tmp_path, "scene.tick == 30"), minds="stack")
    assert played.status == 1
    said = "the world's process ended with status 1 (RuntimeError: no idea); see "
    assert said in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("pace", ["lockstep", "realtime"])
def test_a_robot_that_hangs_is_replaced(mission: Mission, play: Play, pace: str) -> None:
    noticed: dict[int, float] = {}
    hanging = killing({1: 1.0}, noticed, signal.SIGSTOP)
    played = play(mission, hanging, pace=pace, speed=5 if pace == "lockstep" else None)
    assert played.status == 0
    assert 9 < noticed[1] < 12
    assert "robot 1 does not answer" in events(played.out)
    assert "robot 1 was killed (SIGKILL): it starts again" in events(played.out)
    assert played.ticks[-1].alive.all()
    assert played.summary["robots restarted"] == 1


# Being told to stop


def begun(terminal: Callable[..., Terminal], mission_file: Path, *arguments: str) -> Terminal:
    """A run that has come some way, and has far to go."""
    one = terminal(str(mission_file), "--duration", "9000", "--out", "out", *arguments)
    wait(lambda: ticks_of(mission_file.parent / "out") >= 30, 60)
    return one


def ticks_of(out: Path) -> int:
    """How many ticks are in the log of a run that may not have begun."""
    with suppress(record.LogError):
        return len(list(record.read(out / "ticks.mcap")))
    return 0


def leaves_nothing(one: Terminal, within: float) -> None:
    """All its processes are gone in so many seconds, and nothing of theirs is left outside the run folder."""
    wait(lambda: not one.left(), within)
    assert f"jerne-{one.pid}-" not in Path("/proc/net/unix").read_text()
    assert not [path for place in ("/dev/shm", "/tmp") for path in Path(place).glob(f"*jerne-{one.pid}*")]


@pytest.mark.parametrize(
    ("how", "status"),
    [
        ("Ctrl-C twice", 130),
        pytest.param("SIGTERM", 143, marks=pytest.mark.slow),
        ("SIGTERM to all", 143),
        ("window closed", 129),
    ],
)
def test_a_run_that_is_stopped_completes_its_folder(
    terminal: Callable[..., Terminal], mission_file: Path, how: str, status: int
) -> None:
    one = begun(terminal, mission_file, "--speed", "10")
    start = time.monotonic()
    match how:
        case "Ctrl-C twice":
            one.type(b"\x03")
            one.type(b"\x03")
        case "SIGTERM":
            os.kill(one.pid, signal.SIGTERM)
        case "SIGTERM to all":
            os.killpg(one.pid, signal.SIGTERM)
        case "window closed":
            one.hang_up()
    assert one.ended(within=2) == status
    leaves_nothing(one, within=2 - (time.monotonic() - start))
    out = mission_file.parent / "out"
    assert is_complete(out)
    ticks = list(record.read(out / "ticks.mcap"))
    summary = (out / "summary.json").read_text()
    name = {130: "SIGINT", 143: "SIGTERM", 129: "SIGHUP"}[status]
    assert f'"outcome": "stopped by {name}"' in summary
    assert f'"simulated seconds": {len(ticks) / 10:.1f}' in summary
    assert "Traceback" not in (out / "processes.log").read_text()
    assert not [text for text in events(out) if "robot" in text]
    if how != "window closed":
        assert b"stopped by " + name.encode() in one.text
        assert b"Traceback" not in one.text


def test_a_run_that_is_stopped_before_it_begins_leaves_nothing(
    terminal: Callable[..., Terminal], mission_file: Path
) -> None:
    one = terminal(str(mission_file), "--out", "out")
    wait(lambda: len(one.left()) > 2, 60)  # the server that forks the others is there
    one.type(b"\x03")
    assert one.ended(within=2) == 130
    leaves_nothing(one, within=2)
    assert b"Traceback" not in one.text
    assert b"jerne: stopped by SIGINT before the run began" in one.text
    assert [path.name for path in mission_file.parent.iterdir()] == ["small.toml"]


def test_processes_end_with_the_one_that_the_user_started(
    terminal: Callable[..., Terminal], mission_file: Path
) -> None:
    one = begun(terminal, mission_file)
    assert len(one.left()) >= 5
    os.kill(one.pid, signal.SIGKILL)
    wait(lambda: len(one.left()) <= 1, 3)  # itself, as nobody has asked for its status: it still has its number
    assert one.ended(within=1) == -signal.SIGKILL
    leaves_nothing(one, within=1)
    out = mission_file.parent / "out"
    assert '"outcome": "the process that started the run is gone"' in (out / "summary.json").read_text()
    assert is_complete(out)


@pytest.mark.slow
def test_a_run_that_is_suspended_goes_on(terminal: Callable[..., Terminal], mission_file: Path) -> None:
    one = begun(terminal, mission_file, "--speed", "5")
    out = mission_file.parent / "out"
    os.killpg(one.pid, signal.SIGSTOP)
    until = time.monotonic() + host.PATIENCE + 2
    wait(lambda: time.monotonic() > until, 2 * host.PATIENCE)
    before = ticks_of(out)
    os.killpg(one.pid, signal.SIGCONT)
    wait(lambda: ticks_of(out) >= before + 50, 10)
    one.type(b"\x03")
    assert one.ended(within=2) == 130
    assert not [text for text in events(out) if "robot" in text]


def test_signals_that_are_ignored_stay_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        with Endings():
            os.kill(os.getpid(), signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
            assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGHUP, before)


# The world


def test_the_run_ends_with_the_world(mission: Mission, play: Play, capsys: pytest.CaptureFixture[str]) -> None:
    seen = [0.0]

    def during(crew: Crew, now: Snapshot) -> None:
        seen.append(now.time)
        if now.time > 5 and seen[-2] < 5 and crew.world is not None:
            os.kill(crew.world.pid or 0, signal.SIGKILL)
            os.kill(crew.robots[1].pid or 0, signal.SIGKILL)  # nobody can be told of that

    start = time.monotonic()
    played = play(mission, during, speed=10)
    assert time.monotonic() - start < 10
    assert played.status == 1
    said = f"jerne: error: the world's process was killed (SIGKILL); see {played.out}/processes.log\n"
    assert capsys.readouterr().err == said
    assert not played.living()
    ticks = played.ticks
    assert [tick.tick for tick in ticks] == list(range(len(ticks)))
    assert len(ticks) * 0.1 > seen[-1] - 1.0, "what is older than a second is in the log"


def test_an_address_that_is_taken_is_told(mission: Mission, play: Play, capsys: pytest.CaptureFixture[str]) -> None:
    with zmq.Context() as context, context.socket(zmq.ROUTER) as socket:
        addresses = []

        def before(crew: Crew) -> None:
            socket.bind(crew.link)
            addresses.append(crew.link)

        played = play(mission, before=before)
    assert played.status == 1
    assert capsys.readouterr().err == f"jerne: error: {addresses[0]}: Address already in use\n"
    assert not played.living()


def test_the_last_words_of_the_world_are_heard(mission: Mission, tmp_path: Path) -> None:
    ended, other = os.pipe()
    os.close(other)  # readable, as the sentinel of a process that has ended
    with zmq.Context() as context, context.socket(zmq.PAIR) as control, context.socket(zmq.PAIR) as world:
        control.bind("inproc://control")
        world.connect("inproc://control")
        crew = Crew(mission, Options(), tmp_path)
        crew.sentinels = lambda: {ended: None}  # type: ignore[method-assign]
        words = wire.Failed("no space", input=False)
        delayed = threading.Timer(0.05, world.send, [wire.encode(words)])
        delayed.start()
        assert _next(control, crew, begun=True) == words
        delayed.join()
    os.close(ended)


def test_nothing_is_told_to_a_world_that_has_gone() -> None:
    with zmq.Context() as context, context.socket(zmq.PAIR) as control:
        control.bind("inproc://control")
        control.setsockopt(zmq.SNDTIMEO, 3000)
        start = time.monotonic()
        _tell(control, wire.Gone(1, "was killed", back=False))
        assert time.monotonic() - start < 2


def test_a_mistake_in_what_is_shown_costs_no_results(mission: Mission, play: Play, tmp_path: Path) -> None:
    def during(_: Crew, now: Snapshot) -> None:
        if now.time > 3:
            raise ValueError("cannot be shown")

    with pytest.raises(ValueError, match="cannot be shown"):
        play(mission, during, speed=10)
    assert ticks_of(tmp_path / "run0") >= 20


# The disk


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """No file can grow beyond `size` bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("size", [0, 18_000])
def test_a_disk_that_fills_up_ends_the_run(
    mission: Mission, play: Play, capsys: pytest.CaptureFixture[str], size: int
) -> None:
    limited = []

    def during(crew: Crew, now: Snapshot) -> None:
        if now.time > 3 and not limited and crew.world is not None:
            resource.prlimit(crew.world.pid or 0, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
            limited.append(now.time)

    played = play(mission, during, speed=10)
    assert played.status == 1
    error, end = capsys.readouterr().err.rsplit(": ", 1)
    assert error == f"jerne: error: {played.out}: the results cannot be written"
    assert end in {"File too large\n", "disk I/O error\n", "database or disk is full\n"}
    assert not played.living()
    ticks = played.ticks
    assert [tick.tick for tick in ticks] == list(range(len(ticks)))
    assert len(ticks) >= 20


def test_a_disk_without_room_for_the_mission_refuses_the_run(mission: Mission, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with room_for(100), pytest.raises(ValueError, match=f"^--out {out}: File too large$"):
        prepare(mission, Options(out=out))
    assert not out.exists()


# Strangers on the host link

ACT = wire.Act(1, bytes(COMMAND.itemsize), bytes(REPORT.itemsize), None)
GARBAGE = (b"", b"\xc1", b"\xff" * 1000, wire.encode(wire.Bye()), wire.encode(wire.Hello(1, 1)), wire.encode(ACT))


def test_strangers_neither_stop_nor_change_a_run(mission: Mission, play: Play) -> None:
    names = (b"stranger", b"-1", b"3", b"99", b" 1", b"01", b"1_0", b"\xff\xfe", b"9" * 200)
    with zmq.Context() as context:
        strangers: list[zmq.Socket[bytes]] = []

        def during(crew: Crew, now: Snapshot) -> None:
            if strangers or now.time < 1:
                return
            for name in names:
                strangers.append(context.socket(zmq.DEALER))
                strangers[-1].setsockopt(zmq.IDENTITY, name)
                strangers[-1].setsockopt(zmq.LINGER, 0)
                strangers[-1].connect(crew.link)
                for data in GARBAGE:
                    strangers[-1].send(data)

        disturbed = play(mission, during, speed=20)
        for stranger in strangers:
            stranger.close()
    quiet = play(mission)
    assert disturbed.status == 0
    assert disturbed.summary["bad messages dropped"] == len(names) * len(GARBAGE)
    assert f"{len(names) * len(GARBAGE)} bad messages from robots' processes: dropped" in events(disturbed.out)
    assert quiet.summary["bad messages dropped"] == 0
    for one, other in zip(disturbed.ticks, quiet.ticks, strict=True):
        assert one.commands.tobytes() == other.commands.tobytes()
        assert one.percepts.tobytes() == other.percepts.tobytes()
        assert one.alive.all()
