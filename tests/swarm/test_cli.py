"""The command line: what it hands on, what it prints, its exit status."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from swarm import cli, missionfile
from swarm.cli import main
from swarm.mission import Mission
from swarm.net import keys
from swarm.options import Options

KNOWN = "aggregate, default, many, office"


def jerne(*args: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    command = [sys.executable, "-m", "swarm.cli", *args]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Mission, Options]]:
    """What `jerne run` hands on, instead of running it; the exit status is 0."""
    handed: list[tuple[Mission, Options]] = []

    def run(mission: Mission, options: Options) -> int:
        handed.append((mission, options))
        return 0

    module = ModuleType("swarm.run")
    module.run = run  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "swarm.run", module)
    return handed


def default() -> Mission:
    return missionfile.load(missionfile.shipped()["default"])


@pytest.mark.parametrize(
    "arguments",
    [
        "report nowhere --out",
        "rules nowhere --json",
        "rules nowhere --csv",
        "immune --write",
        "immune --picture",
        "immune --graph",
        "replay nowhere --video",
        "run --video",
        "lcs mux --picture",
    ],
)
@pytest.mark.parametrize("there", [True, False])
def test_what_exists_is_not_written_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: str, there: bool
) -> None:
    """And a folder that is not there is told at once, whatever the suffix."""
    file = tmp_path / ("mine" if there else "no") / "own.gif"
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "own.gif").write_text("all I have")
    assert main([*arguments.split(), str(file)]) == 2
    flag = arguments.rsplit(maxsplit=1)[-1]
    said = "exists already and is left as it is" if there else f"there is no folder {tmp_path / 'no'}"
    assert capsys.readouterr().err == f"jerne: error: {flag} {file}: {said}\n"
    assert (tmp_path / "mine" / "own.gif").read_text() == "all I have"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("replay nowhere --verify --video f.gif", "--video f.gif: says nothing with --verify"),
        ("replay nowhere --verify --from 3", "--from 3.0: says nothing with --verify"),
        ("replay nowhere --verify --speed 1", "--speed 1.0: says nothing with --verify"),
        ("tracker --poses tcp://127.0.0.1:9 --set seed=3", "--set seed=3: says nothing without --mission"),
        ("run --key desk", "--key = 'desk': says nothing without --keys FOLDER"),
        ("run --operator anna", "--operator = 'anna': says nothing without --command tcp://HOST:PORT"),
        ("rules nowhere --json f --csv ./f", "--csv f: is the file of --json too"),
        ("immune --picture f.png --graph f.png", "--graph f.png: is the file of --picture too"),
        ("immune --graph f.png --write f.png", "--graph f.png: is the file of --write too"),
    ],
)
def test_flags_that_do_not_go_together(capsys: pytest.CaptureFixture[str], arguments: str, said: str) -> None:
    assert main(arguments.split()) == 2
    assert capsys.readouterr().err == f"jerne: error: {said}\n"


def test_orders_are_taken_from_a_member(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Else nobody could give any."""
    keys.new(tmp_path / "keys", ["desk", "anna"])
    listening = "--listen tcp://127.0.0.1:5600 --command tcp://127.0.0.1:5601 --key desk"
    for named, name in ((["--operator", "ana"], "ana"), ([], "operator")):
        assert main(["run", *listening.split(), "--keys", str(tmp_path / "keys"), *named]) == 2
        said = f"jerne: error: --operator {name}: is no member; there are desk, anna\n"
        assert capsys.readouterr().err == said


LONG = "x" * 300


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (f"report {LONG}", f"{LONG}: cannot be read: "),
        (f"replay {LONG}", f"{LONG}: cannot be read: "),
        (f"rules {LONG}", f"{LONG}: cannot be read: "),
        (f"replay nowhere --video {LONG}.gif", f"--video {LONG}.gif: "),
        (f"run --video {LONG}.gif", f"--video {LONG}.gif: "),
        (f"lcs mux --picture {LONG}.png", f"--picture {LONG}.png: "),
        (f"lcs maze {LONG}", f"{LONG}: cannot be read: "),
        (f"validate {LONG}", f"{LONG}: cannot be read: "),
        (f"run --map {LONG}", f"default: arena.map = '{LONG}': cannot be read: "),
    ],
)
def test_a_name_that_is_too_long_is_one_line(capsys: pytest.CaptureFixture[str], arguments: str, said: str) -> None:
    assert main(arguments.split()) == 2
    assert capsys.readouterr().err == f"jerne: error: {said}File name too long\n"


def unprivileged(*lines: str, cwd: Path) -> list[str]:
    """What these commands say on stderr to one who is kept out of closed folders, as root is not."""
    drop = ["setpriv", *(f"--{which}=-dac_override,-dac_read_search" for which in ("bounding-set", "inh-caps"))]
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("root without setpriv is let in everywhere")
    script = "import sys; from swarm.cli import main\nassert {main(line.split()) for line in sys.argv[1:]} == {2}"
    command = [*(drop if os.geteuid() == 0 else ()), sys.executable, "-c", script, *lines]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)
    return done.stderr.splitlines()


def test_what_may_not_be_read_or_written_is_one_line_before_anything_runs(tmp_path: Path) -> None:
    closed, learnt, full = (tmp_path / name for name in ("closed", "learnt", "full"))
    for folder in (closed, learnt / "minds", full):
        folder.mkdir(parents=True)
    (learnt / "mission.toml").write_text(missionfile.template("mine"))
    closed.chmod(0)
    (learnt / "minds").chmod(0)
    full.chmod(0o555)
    said = {
        "report closed/run": "closed/run: cannot be read: Permission denied",
        "replay closed/run": "closed/run: cannot be read: Permission denied",
        "replay closed": "closed/ticks.mcap: cannot be read: Permission denied",
        "replay nowhere --video closed/f.gif": "--video closed/f.gif: Permission denied",
        "lcs mux --picture closed/x.png": "--picture closed/x.png: Permission denied",
        "lcs maze closed/m.txt": "closed/m.txt: cannot be read: Permission denied",
        "validate closed/m": "closed/m: cannot be read: Permission denied",
        "run --map closed/m.yaml": "default: arena.map = 'closed/m.yaml': cannot be read: Permission denied",
        "run --resume closed/run": "--resume closed/run: Permission denied",
        "run --resume learnt": "--resume learnt: its minds cannot be read: Permission denied",
        "run --video full/f.gif": "--video full/f.gif: nothing can be written into the folder full",
        "replay nowhere --video full/f.gif": "--video full/f.gif: nothing can be written into the folder full",
    }
    assert unprivileged(*said, cwd=tmp_path) == [f"jerne: error: {line}" for line in said.values()]
    for folder in (closed, learnt / "minds"):
        folder.chmod(0o700)


# run


def test_run_without_arguments_runs_the_default_mission(runs: list[tuple[Mission, Options]]) -> None:
    assert main(["run"]) == 0
    assert runs == [(default(), Options())]


def test_run_hands_options_on(runs: list[tuple[Mission, Options]]) -> None:
    arguments = ["--out", "there", "--speed", "2", "--plain", "--gui", "--video", "film.mp4"]
    assert main(["run", "many", *arguments]) == 0
    mission, options = runs[0]
    assert mission.name == "many"
    assert options == Options(Path("there"), "lockstep", 2.0, plain=True, gui=True, video=Path("film.mp4"))
    assert main(["run", "--pace", "realtime"]) == 0
    assert runs[1][1] == Options(pace="realtime")


def test_run_changes_the_mission(runs: list[tuple[Mission, Options]]) -> None:
    office = missionfile.shipped()["office"].with_suffix(".yaml")
    arguments = ["run", "--seed", "9", "--robots", "4", "--duration", "30", "--map", str(office), "--world", "planar"]
    assert main([*arguments, "--set", "radio.range=1.5", "--set", "phases.0.rate=20"]) == 0
    mission = runs[0][0]
    assert mission.world == "planar"
    assert (mission.seed, mission.robots.count, mission.duration) == (9, 4, 30)
    assert (mission.arena.map, mission.radio.range, mission.phases[0].rate) == (str(office), 1.5, 20)


def test_run_takes_a_file(runs: list[tuple[Mission, Options]], tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(missionfile.template("mine"))
    assert main(["run", str(tmp_path / "mine.toml")]) == 0
    assert runs[0][0].name == "mine"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("defalt", f"defalt: no such file, and the shipped missions are {KNOWN} (did you mean 'default'?)"),
        ("--robots 0", "default: robots.count = 0: must lie in [1, 20000]"),
        (
            "--robots 900 --set arena.size=[2,2]",
            "default: 900 robots of radius 0.06 m: the floor has room for ",
        ),
        ("--set robots.cuont=3", "--set: robots.cuont = 3: unknown key (did you mean 'robots.count'?)"),
        ("--set arena.walls=[[9,0,1,1]]", "default: walls: [9, 0, 1, 1] reaches out of the arena"),
        ("--world flat", "default: world = 'flat': must be one of 'bullet', 'planar'"),
        ("--world planar --set robots.body=wheels", "default: robots.body = 'wheels': the planar world has discs only"),
        ("--map none.yaml", "default: arena.map = 'none.yaml': no such file: "),
        ("--set kinds.push.signature=10##", "--set: kinds.push.signature = '10##': must be 8 to 12 characters"),
        ("--seed 99999999999999999999", "--seed 99999999999999999999: must lie in [0, 2^63 - 1]"),
        ("--seed -1", "--seed -1: must lie in [0, 2^63 - 1]"),
        ("--duration 0", "--duration 0: must lie in [1, 1e6] s"),
        ("--duration nan", "--duration nan: must lie in [1, 1e6] s"),
        ("--resume nowhere", "--resume nowhere: must be the folder of a run"),
        (f"--resume {LONG}", f"--resume {LONG}: File name too long"),
        (".", ".: is a folder, must be a mission's file or name"),
        (
            "--listen tcp://*:99999 --insecure",
            "--listen = 'tcp://*:99999': must be tcp://HOST:PORT, with a port of 1 to",
        ),
        ("--listen tcp://*:0 --insecure", "--listen = 'tcp://*:0': must be tcp://HOST:PORT, with a port of 1 to 65535"),
        ("--speed 0", "--speed = 0.0: must lie in [0.01, 1000]"),
        ("--speed nan", "--speed = nan: must lie in [0.01, 1000]"),
        ("--speed 2 --pace realtime", "--speed = 2: caps a lock-step run; real time has a speed of 1"),
    ],
)
def test_run_refuses_bad_input(
    runs: list[tuple[Mission, Options]], capsys: pytest.CaptureFixture[str], arguments: str, said: str
) -> None:
    assert main(["run", *arguments.split()]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"jerne: error: {said}")
    assert err.count("\n") == 1
    assert runs == []


@pytest.mark.parametrize("error", [missionfile.MissionError(["one", "two"]), ValueError("one\ntwo")])
def test_run_tells_what_the_run_itself_refuses(
    runs: list[tuple[Mission, Options]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: ValueError,
) -> None:
    def refuse(mission: Mission, options: Options) -> int:
        raise error

    monkeypatch.setattr(sys.modules["swarm.run"], "run", refuse)
    assert main(["run"]) == 2
    assert capsys.readouterr().err == "jerne: error: one\njerne: error: two\n"


def test_ctrl_c_is_status_130(runs: list[tuple[Mission, Options]], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(mission: Mission, options: Options) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(sys.modules["swarm.run"], "run", interrupt)
    assert main(["run"]) == 130


def test_the_status_of_a_run_is_handed_back(
    runs: list[tuple[Mission, Options]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["swarm.run"], "run", lambda *_: 5)
    assert main(["run"]) == 5


@pytest.mark.parametrize("arguments", [["run", "--robots", "ten"], ["run", "--pace", "slow"], ["rnu"], []])
def test_what_is_no_command_line_is_status_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert "error: " in capsys.readouterr().err


# new, validate, missions


def test_new_writes_a_mission_that_validates(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.toml"
    assert main(["new", str(path)]) == 0
    assert missionfile.load(path) == missionfile.parse(missionfile.template("mine"))
    assert main(["validate", str(path)]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0] == f"{path}: written; next: jerne validate {path}, jerne run {path}"
    assert out[1] == f"{path}: ok: 12 robots, 2 phases, 780 s, kinds ash, birch, cedar, 5 x 5 m"


def test_new_overwrites_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("mine")
    assert main(["new", str(path)]) == 2
    assert capsys.readouterr().err == f"jerne: error: {path}: exists already and is left as it is\n"
    assert path.read_text() == "mine"


def test_new_makes_no_folders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "none" / "mine.toml"
    assert main(["new", str(path)]) == 2
    assert capsys.readouterr().err == f"jerne: error: {path}: there is no folder {path.parent}\n"
    assert not path.parent.exists()


def test_validate_tells_all_mistakes_of_all_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text(missionfile.template("bad").replace("count = 12", "count = 0\ncuont = 3"))
    assert main(["validate", str(bad), "office", "nothing"]) == 2
    out, err = capsys.readouterr()
    assert out.startswith("office: ok: 12 robots, 2 phases, 720 s, kinds ash, birch, ")
    assert out.count("\n") == 1
    assert err.splitlines() == [
        f"jerne: error: {bad}: robots.cuont = 3: unknown key (did you mean 'robots.count'?)",
        f"jerne: error: {bad}: robots.count = 0: must lie in [1, 20000]",
        f"jerne: error: nothing: no such file, and the shipped missions are {KNOWN}",
    ]


def test_validate_reads_the_map(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(missionfile.template("mine").replace("# map =", "map ="))
    (tmp_path / "floor.yaml").write_text("resolution: 0.05")
    assert main(["validate", str(path)]) == 2
    assert capsys.readouterr().err.startswith(f"jerne: error: {path}: {tmp_path}/floor.yaml: ")


def test_validate_looks_for_what_the_mission_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = missionfile.shipped()["default"].read_text("utf-8")
    for mind, said in (
        ('arbiter = "imune"', "mind.arbiter = 'imune': must be one of"),
        ("parameters.auction.hod = 3", "mind.parameters.auction.hod = 3: unknown key (did you mean 'hold'?)"),
        ('plugins = ["broken.py"]', f"mind.plugins = '{tmp_path}/broken.py': SyntaxError"),
    ):
        (tmp_path / "broken.py").write_text("def f(:")
        (tmp_path / "mine.toml").write_text(text.replace("[mind]", f"[mind]\n{mind}"))
        arbiter = 'arbiter = "auction"\n' if "auction" in mind else ""
        (tmp_path / "mine.toml").write_text(text.replace("[mind]", f"[mind]\n{arbiter}{mind}"))
        assert main(["validate", str(tmp_path / "mine.toml")]) == 2
        error = capsys.readouterr().err
        assert error.startswith(f"jerne: error: {tmp_path / 'mine.toml'}: {said}")
        assert error.count("\n") == 1


GARBAGE = "garbage.urdf"


@pytest.mark.parametrize(
    ("sets", "said"),
    [
        (["kinds.ash.colour=nosuch"], "kinds.ash.colour = 'nosuch': must be a CSS colour name or #rrggbb"),
        (["robots.body=wheels", "robots.force=10"], "robots.force = 10: the wheels of twowheel.urdf (0.5 kg) slip"),
        ([f"robots.body={GARBAGE}"], f"robots.body = '{{folder}}/{GARBAGE}': PyBullet cannot load this URDF"),
        (["work.face=5.0", "arena.size=[1.5, 1.5]"], "work.face = 5, work.travel = 0.3: a site to "),
        (["mind.xcs.capacity=3"], "mind.xcs.capacity = 3: must be at least the number of actions, 5"),
        (
            ["mind.learner=scs", "mind.parameters.scs.capacity=4"],
            "mind.parameters.scs.capacity = 4: must be at least the number of actions, 5",
        ),
        (
            ["mind.parameters.auction.hodl=5.0"],
            "mind.parameters.auction.hodl = 5: unknown key (did you mean 'hold'?)",
        ),
        (["mind.parameters.q.explore=7"], "mind.parameters.q.explore = 7.0: must lie in [0, 1]"),
    ],
)
def test_what_validate_accepts_can_be_run(
    sets: list[str],
    said: str,
    runs: list[tuple[Mission, Options]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Both refuse the same, in the same line, and nothing is started."""
    monkeypatch.chdir(tmp_path)
    Path(GARBAGE).write_text("<robot")
    mission = missionfile.assign(default(), ["robots.count=2", *sets])
    Path("mine.toml").write_text(missionfile.dumps(mission))
    for command in ("validate", "run"):
        assert main([command, "mine.toml"]) == 2
        out, error = capfd.readouterr()
        assert error.startswith(f"jerne: error: mine.toml: {said.format(folder=tmp_path)}")
        assert (out, error.count("\n")) == ("", 1)
    assert runs == []


def test_a_body_is_not_tried_where_it_plays_no_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where PyBullet is not installed a mission for it may be written all the same."""
    path = tmp_path / "mine.toml"
    path.write_text(missionfile.dumps(missionfile.assign(default(), ["robots.body=wheels", "robots.force=10"])))
    monkeypatch.setattr("swarm.worlds.find_spec", lambda _: None)
    assert main(["validate", str(path)]) == 0
    assert capsys.readouterr().err == ""


def test_missions_are_listed_with_what_they_are_about(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["missions"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == KNOWN.split(", ")
    assert lines[1] == f"default    {default().about}"


# The process


def test_help_names_every_command_and_loads_nothing_heavy() -> None:
    script = (
        "import sys; from swarm.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: print(sorted({'numpy', 'numba', 'pybullet', 'networkx'} & sys.modules.keys()))"
    )
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    *text, heavy = out.splitlines()
    for command in ("run", "new", "validate", "missions"):
        assert any(line.startswith(f"    {command} ") for line in text)
    assert heavy == "[]"


def test_version() -> None:
    done = jerne("--version")
    assert (done.returncode, done.stdout) == (0, "jerne 0.1.0\n")


def test_bad_input_ends_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "t.toml").write_text("version = 1\nname = 'a'\nphases = 3")
    done = jerne("run", "t.toml", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == "jerne: error: t.toml: phases = 3: must be an array of tables, written [[phases]]\n"


def test_a_reader_that_goes_away_is_no_error() -> None:
    command = [sys.executable, "-m", "swarm.cli", "missions"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


@pytest.mark.parametrize("command", cli.OTHERS)
def test_a_command_of_its_own_module_is_listed_and_teaches(command: str) -> None:
    assert f"    {command} " in jerne("--help").stdout
    told = jerne(command, "--help")
    assert told.returncode == 0
    assert told.stdout.startswith(f"usage: jerne {command} ")
    assert jerne(command, "--no-such-flag").returncode == 2
