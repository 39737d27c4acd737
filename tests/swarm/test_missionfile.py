"""Mission files: what is refused and in which words, what comes back, what can be changed."""

import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier.params import Params as ClassifierParams
from immune.params import Params as ImmuneParams
from robots.percept import Odometry, Proximity, RangeBearing, Sensors
from sim.spec import ACTIONS, Arena, Kind, Meaning, Phase, Radio, Robots, Work
from swarm import missionfile
from swarm.mission import Mind, Mission
from swarm.missionfile import MissionError

MISSION = """\
version = 1
name = "test"
seed = 7

[arena]
size = [5.0, 4]

[robots]
count = 12
speed = 0.25

[sensors.sites]
range = 1.0

[radio]
range = 2

[kinds.ash]
signature = "1##0####"

[kinds."white birch"]
signature = "0####1##"

[mind.xcs]
beta = 0.1

[[phases]]
duration = 60.0
rate = 12

[phases.kinds.ash]
action = "push"

[[phases]]
duration = 30.5
rate = 4.0
place = "clustered"

[phases.kinds."white birch"]
action = "hold"
team = 3
"""

SEED_HERE = "'robots.speed' or 'seed'"
MOST = "'sensors.robots.most' or 'sensors.sites.most' or 'radio.most'"
BODIES = "'capsule', 'wheels' or the path of a .urdf file"
TOP = "version, name, phases, about, seed, world, tick, arena, robots, sensors, radio, work, kinds, mind, watch"

# what is replaced in the file, by what, and all that is said about it
MISTAKES = [
    # unknown keys
    ("count = 12", "cuont = 12", "robots.cuont = 12: unknown key (did you mean 'robots.count'?)"),
    ("seed = 7", "sede = 7", "sede = 7: unknown key (did you mean 'seed'?)"),
    ("[radio]", "[raido]", "raido = {range = 2}: unknown key (did you mean 'radio'?)"),
    ("[robots]", "[robots]\nseed = 3", f"robots.seed = 3: unknown key (did you mean {SEED_HERE}?)"),
    ("[arena]", "[arena]\nmost = 3", f"arena.most = 3: unknown key (did you mean {MOST}?)"),
    ("[arena]", "xyz = true\n[arena]", f"xyz = true: unknown key; known here: {TOP}"),
    ("beta", "betta", "mind.xcs.betta = 0.1: unknown key (did you mean 'mind.xcs.beta'?)"),
    ('action = "push"', 'action = "push"\ntaem = 2',
     "phases[0].kinds.ash.taem = 2: unknown key (did you mean 'phases[0].kinds.ash.team'?)"),
    ("[kinds.ash]", "[kinds.ash]\ncolor = 'red'",
     "kinds.ash.color = 'red': unknown key (did you mean 'kinds.ash.colour'?)"),
    # missing keys
    ("version = 1\n", "", "version: missing, must be an integer"),
    ("rate = 12\n", "", "phases[0].rate: missing, must be a number"),
    ('[phases.kinds.ash]\naction = "push"', "",
     "phases[0].kinds: missing, must be a table, written [phases.kinds]"),
    ('action = "hold"\n', "", 'phases[1].kinds."white birch".action: missing, must be text in quotes'),
    ('signature = "1##0####"', "", "kinds.ash.signature: missing, must be text in quotes"),
    # wrong types
    ("count = 12", "count = 12.0", "robots.count = 12.0: must be an integer"),
    ("count = 12", "count = true", "robots.count = true: must be an integer"),
    ("speed = 0.25", "speed = false", "robots.speed = false: must be a number"),
    ("speed = 0.25", 'speed = "fast"', "robots.speed = 'fast': must be a number"),
    ("speed = 0.25", "restart = 1", "robots.restart = 1: must be true or false"),
    ("speed = 0.25", "speed = 1979-05-27", "robots.speed = 1979-05-27: must be a number"),
    ('name = "test"', "name = 3", "name = 3: must be text in quotes"),
    ("size = [5.0, 4]", "size = 5.0", "arena.size = 5.0: must be an array of 2 values"),
    ("size = [5.0, 4]", "size = [5.0, 4, 3]", "arena.size = [5.0, 4, 3]: must be an array of 2 values"),
    ("size = [5.0, 4]", "size = [5.0, '4']", "arena.size[1] = '4': must be a number"),
    ("size = [5.0, 4]", "walls = [[0, 0, 1]]", "arena.walls[0] = [0, 0, 1]: must be an array of 4 values"),
    ("size = [5.0, 4]", "walls = 'none'", "arena.walls = 'none': must be an array"),
    ("size = [5.0, 4]", "map = 3", "arena.map = 3: must be text in quotes"),
    ("[arena]\nsize = [5.0, 4]", "arena = 5", "arena = 5: must be a table, written [arena]"),
    ('[kinds.ash]\nsignature = "1##0####"', "[kinds]\nash = '1##0####'",
     "kinds.ash = '1##0####': must be a table, written [kinds.ash]"),
    ("[mind.xcs]\nbeta = 0.1", "[mind]\nplugins = 'a.py'", "mind.plugins = 'a.py': must be an array"),
    ("[mind.xcs]\nbeta = 0.1", "[mind]\nplugins = ['a', 1]", "mind.plugins[1] = 1: must be text in quotes"),
    # wrong values
    ("version = 1", "version = 2", "version = 2: must be one of 1"),
    ("seed = 7", "seed = -1", "seed = -1: must lie in [0, 9.22337e+18]"),
    ("seed = 7", f"seed = {2**63}", f"seed = {2**63}: must fit into 64 bits"),
    ("seed = 7", "world = 'planer'",
     "world = 'planer': must be one of 'bullet', 'planar' (did you mean 'planar'?)"),
    ("seed = 7", "tick = 0", "tick = 0.0: must lie in [0.01, 0.25]"),
    ("seed = 7", "tick = nan", "tick = nan: must be a finite number"),
    ("rate = 12", "rate = inf", "phases[0].rate = inf: must be a finite number"),
    ("count = 12", "count = 50000", "robots.count = 50000: must lie in [1, 20000]"),
    ("size = [5.0, 4]", "size = [5.0, 400]", "arena.size = 400.0: must lie in [1, 200]"),
    ("size = [5.0, 4]", "walls = [[0, 0, 1, 0]]",
     "arena.walls: [0.0, 0.0, 1.0, 0.0] must be [x, y, width, depth] in metres, width and depth above 0"),
    ("range = 1.0", "range = -1.0", "sensors.sites.range = -1.0: must lie in [0.1, 100]"),
    ("beta = 0.1", "beta = 7", "mind.xcs.beta = 7.0: must lie in [1e-06, 1]"),
    ("[mind.xcs]\nbeta = 0.1", "[mind.immune]\neta = 99", "mind.immune.eta = 99.0: must lie in [0, 10]"),
    ('action = "push"', 'action = "pusch"',
     "phases[0].kinds.ash.action = 'pusch': must be one of 'push', 'pull', 'hold' (did you mean 'push'?)"),
    ('action = "push"', 'action = "dance"',
     "phases[0].kinds.ash.action = 'dance': must be one of 'push', 'pull', 'hold'"),
    ("team = 3", "team = 9", 'phases[1].kinds."white birch".team = 9: must lie in [1, 4]'),
    ("duration = 60.0\nrate = 12", "duration = 1e6\nrate = 10000",
     "phases: 166666669 sites would come, by duration and rate; at most 200000 may"),
    ("rate = 12", "rate = 12\nlost = 2", "phases[0].lost = 2: nobody is there to fall out yet, must be 0"),
    ("rate = 4.0", "rate = 4.0\nlost = 12", "phases: 12 robots are lost, of robots.count = 12; one must be left"),
    ('place = "clustered"', 'place = "cluster"',
     "phases[1].place = 'cluster': must be one of 'scattered', 'clustered' (did you mean 'clustered'?)"),
    ("speed = 0.25", "body = 'whels'", f"robots.body = 'whels': must be {BODIES} (did you mean 'wheels'?)"),
    ('signature = "1##0####"', 'signature = "1##2####"',
     "kinds.ash.signature = '1##2####': must be 8 to 12 characters out of 0, 1 and #"),
    ("team = 3", "weight = 0",
     "phases[1].kinds: a phase with rate = 4 needs at least one kind of weight above 0"),
    ("[kinds.ash]", "[kinds.oak]", "phases[0].kinds.ash: no such kind; [kinds] has oak, white birch"),
]  # fmt: skip


def mistaken(old: str, new: str) -> str:
    """The mission file after an edit."""
    assert MISSION.count(old) >= 1
    return MISSION.replace(old, new, 1)


def errors(text: str) -> list[str]:
    """What is said about the mission file t.toml of this text."""
    with pytest.raises(MissionError) as caught:
        missionfile.parse(text, "t.toml")
    return list(caught.value.errors)


@pytest.mark.parametrize(("old", "new", "said"), MISTAKES)
def test_a_mistake_is_told_once_with_key_value_and_what_is_allowed(old: str, new: str, said: str) -> None:
    assert errors(mistaken(old, new)) == [f"t.toml: {said}"]


def test_mistakes_of_a_file_are_told_together() -> None:
    text = mistaken("count = 12", "count = 0\ncuont = 12\nradius = 'a'").replace("seed = 7", "seed = -1\ntick = 2")
    text = text.replace("range = 2", "loss = 2\nrange = -1").replace("beta = 0.1", "beta = -1")
    assert errors(text) == [
        "t.toml: robots.cuont = 12: unknown key (did you mean 'robots.count'?)",
        "t.toml: robots.radius = 'a': must be a number",
        "t.toml: robots.count = 0: must lie in [1, 20000]",
        "t.toml: radio.range = -1.0: must lie in [0, 1000]",
        "t.toml: radio.loss = 2.0: must lie in [0, 1]",
        "t.toml: mind.xcs.beta = -1.0: must lie in [1e-06, 1]",
        "t.toml: seed = -1: must lie in [0, 9.22337e+18]",
        "t.toml: tick = 2.0: must lie in [0.01, 0.25]",
    ]


def test_a_broken_kind_does_not_make_its_phases_wrong() -> None:
    assert errors(mistaken("1##0####", "1")) == [
        "t.toml: kinds.ash.signature = '1': must be 8 to 12 characters out of 0, 1 and #"
    ]


def test_one_table_of_phases_is_no_list_of_them() -> None:
    text = "version = 1\nname = 'a'\n[phases]\nrate = 0\n[phases.kinds]"
    assert errors(text) == ["t.toml: phases = {rate = 0, kinds = {}}: must be an array of tables, written [[phases]]"]


def test_a_mission_needs_phases() -> None:
    assert errors("version = 1\nname = 'a'") == [
        "t.toml: phases: missing, must be an array of tables, written [[phases]]"
    ]
    assert errors("version = 1\nname = 'a'\nphases = []") == ["t.toml: phases: a mission needs at least one phase"]


def test_long_values_are_cut() -> None:
    (said,) = errors(mistaken("count = 12", f"count = {'x' * 99!r}"))
    assert said == f"t.toml: robots.count = '{'x' * 56}...: must be an integer"
    (said,) = errors(mistaken("seed = 7", f"seed = 0x{'f' * 9999}"))
    assert said == f"t.toml: seed = 0x{'f' * 55}...: must fit into 64 bits"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("version = 1\nname = \n", r"Invalid value \(at line 2, column 8\)"),
        ("[robots]\ncount = 1\ncount = 2\n", r"Cannot overwrite a value \(at line 3, column 10\)"),
        ("[robots\n", r"Expected '\]' at the end of a table declaration \(at line 1, column 8\)"),
        ("a = " + "[" * 9999, "maximum recursion depth exceeded.*"),
    ],
)
def test_what_is_no_toml_is_told_with_its_line(text: str, said: str) -> None:
    (error,) = errors(text)
    assert re.fullmatch(f"t.toml: not valid TOML: {said}", error)


def test_values_arrive_with_their_types_and_silence_keeps_defaults() -> None:
    mission = missionfile.parse(MISSION)
    assert mission.arena == Arena(size=(5.0, 4.0))
    assert isinstance(mission.arena.size[1], float)
    assert mission.robots == Robots(count=12, speed=0.25)
    assert mission.radio == Radio(range=2.0)
    assert mission.kinds == {"ash": Kind("1##0####"), "white birch": Kind("0####1##")}
    assert mission.mind == Mind(xcs=ClassifierParams(beta=0.1))
    assert mission.phases[1].kinds == {"white birch": Meaning("hold", team=3)}
    assert mission.duration == 90.5


def test_a_section_in_part_keeps_the_defaults_of_that_section() -> None:
    sites = missionfile.parse(MISSION).sensors.sites
    assert sites == replace(Sensors().sites, range=1.0)
    assert sites.most != RangeBearing().most


# Files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a mission file t.toml and the files that it names, in folders beside it."""
    (tmp_path / "files").mkdir()
    for name in ("floor.yaml", "robot.urdf", "more.py"):
        (tmp_path / "files" / name).touch()
    text = mistaken("size = [5.0, 4]", 'map = "files/floor.yaml"')
    text = text.replace("speed = 0.25", 'body = "files/robot.urdf"')
    (tmp_path / "t.toml").write_text(text.replace("[mind.xcs]", '[mind]\nplugins = ["files/more.py"]\n[mind.xcs]'))
    return tmp_path


def test_paths_are_relative_to_the_file_and_come_out_absolute(folder: Path) -> None:
    mission = missionfile.load(folder / "t.toml")
    assert mission.arena.map == str(folder / "files/floor.yaml")
    assert mission.robots.body == str(folder / "files/robot.urdf")
    assert mission.mind.plugins == (str(folder / "files/more.py"),)


def test_all_missing_files_are_told(folder: Path) -> None:
    for file in (folder / "files").iterdir():
        file.unlink()
    (folder / "files/flor.yaml").touch()
    with pytest.raises(MissionError) as caught:
        missionfile.load(folder / "t.toml")
    at, files = folder / "t.toml", folder / "files"
    assert caught.value.errors == (
        f"{at}: arena.map = 'files/floor.yaml': no such file: {files}/floor.yaml (did you mean 'flor.yaml'?)",
        f"{at}: robots.body = 'files/robot.urdf': no such file: {files}/robot.urdf",
        f"{at}: mind.plugins[0] = 'files/more.py': no such file: {files}/more.py",
    )


def test_assigned_paths_are_relative_to_the_working_directory(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder / "files")
    (folder / "files/other.py").touch()
    mission = missionfile.load(folder / "t.toml", ["mind.plugins.0=other.py"])
    assert mission.mind.plugins == (str(folder / "files/other.py"),)
    assert mission.arena.map == str(folder / "files/floor.yaml")
    with pytest.raises(MissionError, match=r"^--set: mind.plugins\[0\] = 'othr.py': no such file: .*'other.py'\?\)$"):
        missionfile.load(folder / "t.toml", ["mind.plugins.0=othr.py"])


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(MissionError, match=r"none.toml: cannot be read: No such file or directory$"):
        missionfile.load(tmp_path / "none.toml")
    with pytest.raises(MissionError, match=r": cannot be read: Is a directory$"):
        missionfile.load(tmp_path)
    (tmp_path / "t.toml").write_bytes(b"name = '\xff'")
    with pytest.raises(MissionError, match=r"t.toml: not UTF-8 text: invalid start byte at byte 8$"):
        missionfile.load(tmp_path / "t.toml")


def test_windows_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "t.toml").write_bytes(b"\xef\xbb\xbf" + MISSION.replace("\n", "\r\n").encode())
    assert missionfile.load(tmp_path / "t.toml") == missionfile.parse(MISSION)


def test_missions_are_found_by_name_or_path(tmp_path: Path) -> None:
    (tmp_path / "t.toml").touch()
    assert missionfile.find("default").name == "default.toml"
    assert missionfile.find(str(tmp_path / "t.toml")) == tmp_path / "t.toml"
    known = "no such file, and the shipped missions are aggregate, default, many, office"
    with pytest.raises(MissionError, match=rf"^offce: {known} \(did you mean 'office'\?\)$"):
        missionfile.find("offce")
    with pytest.raises(MissionError, match=rf"^zzz.toml: {known}$"):
        missionfile.find("zzz.toml")


# Changes


@pytest.mark.parametrize(
    ("assignment", "read", "value"),
    [
        ("robots.count=3", lambda m: m.robots.count, 3),
        ("radio.loss = 1", lambda m: m.radio.loss, 1.0),
        ("robots.body=wheels", lambda m: m.robots.body, "wheels"),
        ("robots.body='wheels'", lambda m: m.robots.body, "wheels"),
        ("about=two words", lambda m: m.about, "two words"),
        ("name=", lambda m: m.name, ""),
        ("robots.restart=false", lambda m: m.robots.restart, False),
        ("arena.size=[3, 2.5]", lambda m: m.arena.size, (3.0, 2.5)),
        ("arena.size.1=9", lambda m: m.arena.size, (5.0, 9.0)),
        ("phases.0.rate=5", lambda m: [p.rate for p in m.phases], [5.0, 4.0]),
        ("phases.*.rate=5", lambda m: [p.rate for p in m.phases], [5.0, 5.0]),
        ("phases.*.kinds.*.team=4", lambda m: {k.team for p in m.phases for k in p.kinds.values()}, {4}),
        ("phases[1].rate=5", lambda m: [p.rate for p in m.phases], [12.0, 5.0]),
        ('phases.1.kinds."white birch".team=1', lambda m: m.phases[1].kinds["white birch"].team, 1),
        ("phases.1.kinds={ash={action='pull'}}", lambda m: m.phases[1].kinds, {"ash": Meaning("pull")}),
        ("kinds.oak.signature='11111111'", lambda m: m.kinds.get("oak"), Kind("11111111")),
        ("mind.immune.eta=0", lambda m: m.mind.immune, ImmuneParams(eta=0.0)),
    ],
)
def test_assignments_change_one_key(assignment: str, read: Callable[[Mission], object], value: object) -> None:
    mission = missionfile.parse(MISSION)
    assert read(mission) != value
    assert read(missionfile.assign(mission, [assignment])) == value


def test_the_last_assignment_counts() -> None:
    mission = missionfile.assign(missionfile.parse(MISSION), ["robots.count=3", "robots.count=4"])
    assert mission == replace(missionfile.parse(MISSION), robots=Robots(count=4, speed=0.25))


@pytest.mark.parametrize(
    ("assignment", "said"),
    [
        ("robots.cuont=5", "--set: robots.cuont = 5: unknown key (did you mean 'robots.count'?)"),
        ("robot.count=5", "--set: robot = {count = 5}: unknown key (did you mean 'robots'?)"),
        ("robots.count=ten", "--set: robots.count = 'ten': must be an integer"),
        ("robots.count=1\nseed=2", "--set: robots.count = '1\\nseed=2': must be an integer"),
        ("radio.range=2,5", "--set: radio.range = '2,5': must be a number"),
        ("robots.body=whels", f"--set: robots.body = 'whels': must be {BODIES} (did you mean 'wheels'?)"),
        ("phases.2.rate=5", "--set phases.2.rate=5: 2 is no entry of a list of 2; they count from 0"),
        ("phases.x.rate=5", "--set phases.x.rate=5: x is no entry of a list of 2; they count from 0"),
        ("phases.-1.rate=5", "--set phases.-1.rate=5: -1 is no entry of a list of 2; they count from 0"),
        ("arena.size.2=5", "--set arena.size.2=5: 2 is no entry of a list of 2; they count from 0"),
        ("seed.a=5", "--set seed.a=5: 7 is no table, it has no key 'a'"),
        ("seed", "--set seed: must be written key.path=value, as in radio.range=1.5"),
        ("=5", "--set =5: must be written key.path=value, as in radio.range=1.5"),
        ("a b=5", "--set a b=5: must be written key.path=value, as in radio.range=1.5"),
    ],
)  # fmt: skip
def test_a_wrong_assignment_is_told(assignment: str, said: str) -> None:
    with pytest.raises(MissionError) as caught:
        missionfile.assign(missionfile.parse(MISSION), [assignment])
    assert caught.value.errors == (said,)


KEYS = [re.sub(r"\[\]", ".0", key).replace("NAME", "ash") for key in missionfile.keys(Mission)]
VALUES = [
    *("", "x", "'push'", "'#'", "true", "-1", "0", "1", "1e400", "nan", f"{9**99}", "1979-05-27", "07:32:00"),
    *("[]", "[[]]", "[1, 2]", "{}", "{a = 1}", "[{}]", "{ash = {}}", "[{duration = 1}]", '"\\u0000.urdf"'),
]


@given(st.sampled_from(KEYS), st.sampled_from(VALUES) | st.text(max_size=9))
def test_whatever_is_assigned_makes_a_mission_or_a_list_of_mistakes(key: str, value: str) -> None:
    try:
        mission = missionfile.assign(missionfile.parse(MISSION), [f"{key}={value}"])
    except MissionError as error:
        mistakes = error.errors
    else:
        mistakes = ()
        assert missionfile.parse(missionfile.dumps(mission)) == mission
    section = key.partition(".")[0]
    assert all(section in mistake for mistake in mistakes)


def test_seed_and_robots_are_overridden() -> None:
    mission = missionfile.parse(MISSION)
    changed = missionfile.override(mission, seed=1, robots=3)
    assert changed == replace(mission, seed=1, robots=replace(mission.robots, count=3))
    assert missionfile.override(mission) == mission


@pytest.mark.parametrize(
    ("duration", "durations"),
    [
        (90.5, [60.0, 30.5]),
        (70.0, [60.0, 10.0]),
        (61.0, [60.0, 1.0]),
        (60.5, [60.5]),  # half a second is too short for a phase
        (60.0, [60.0]),
        (1.0, [1.0]),
        (1000.0, [60.0, 940.0]),
    ],
)
def test_a_duration_cuts_phases_or_extends_the_last(duration: float, durations: list[float]) -> None:
    mission = missionfile.parse(MISSION)
    changed = missionfile.override(mission, duration=duration)
    assert [phase.duration for phase in changed.phases] == durations
    assert changed.duration == duration
    for before, after in zip(mission.phases, changed.phases, strict=False):
        assert replace(after, duration=before.duration) == before


def test_wrong_overrides_are_told_together() -> None:
    with pytest.raises(MissionError) as caught:
        missionfile.override(missionfile.parse(MISSION), seed=-1, robots=0, duration=0.5)
    assert caught.value.errors == (
        "test: phases[0].duration = 0.5: must lie in [1, 1e+06]",
        "test: robots.count = 0: must lie in [1, 20000]",
    )


def test_so_many_sites_may_come_in_all_phases_together() -> None:
    mission = missionfile.assign(missionfile.parse(MISSION), ["phases.*.rate=12", "phases.0.duration=5e5"])
    assert missionfile.override(mission, duration=1e6).duration == 1e6  # 200 000 sites
    with pytest.raises(MissionError, match=r"^test: phases: 200050 sites would come, by duration and rate; at most"):
        missionfile.override(mission, duration=1000250)


@pytest.mark.parametrize("duration", [float("nan"), float("inf"), -5.0])
def test_a_duration_is_a_positive_number(duration: float) -> None:
    with pytest.raises(MissionError, match=r"^test: phases\[\d\].duration = "):
        missionfile.override(missionfile.parse(MISSION), duration=duration)


def test_an_overriding_map_is_relative_to_the_working_directory(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder / "files")
    mission = missionfile.override(missionfile.parse(MISSION), map="floor.yaml")
    assert mission.arena == Arena(size=(5.0, 4.0), map=str(folder / "files/floor.yaml"))
    with pytest.raises(MissionError, match=r"^test: arena.map = 'floor.yml': no such file: "):
        missionfile.override(missionfile.parse(MISSION), map="floor.yml")


# There and back


def between(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
chances = between(0, 1)
signatures = st.text("01#", min_size=8, max_size=12)
bearings = st.builds(
    RangeBearing, range=between(0.1, 100), most=st.integers(1, 64), noise_range=chances, dropout=chances
)
meanings = st.builds(Meaning, st.sampled_from(ACTIONS), st.integers(1, 4), between(0.01, 1e6))


@st.composite
def missions(draw: st.DrawFn) -> Mission:
    """Missions of every kind: odd names, inner walls, one to three phases with any of the kinds."""
    kinds = draw(st.dictionaries(texts, st.builds(Kind, signatures, texts), max_size=3))
    some = st.dictionaries(st.sampled_from(sorted(kinds)), meanings, min_size=1) if kinds else st.just({})
    phases = st.builds(
        Phase,
        duration=between(1, 1e4),
        rate=between(0, 400) if kinds else st.just(0.0),
        kinds=some,
        name=texts,
        place=st.sampled_from(["scattered", "clustered"]),
        clusters=st.integers(1, 20),
        open=st.integers(1, 200),
    )
    walls = st.tuples(between(-5, 5), between(-5, 5), between(0.01, 5), between(0.01, 5))
    return draw(
        st.builds(
            Mission,
            version=st.just(1),
            name=texts,
            phases=st.lists(phases, min_size=1, max_size=3).map(tuple),
            about=texts,
            seed=st.integers(0, 2**63 - 1),
            tick=between(0.01, 0.25),
            arena=st.builds(
                Arena,
                size=st.tuples(between(1, 60), between(1, 60)),
                walls=st.lists(walls, max_size=2).map(tuple),
                map=st.none() | texts,
            ),
            robots=st.builds(Robots, body=texts.map(lambda name: f"{name}.urdf"), restart=st.booleans()),
            sensors=st.builds(
                Sensors,
                proximity=st.builds(Proximity, rays=st.integers(3, 64), dropout=chances),
                robots=bearings,
                sites=bearings,
                odometry=st.builds(Odometry, noise=chances),
            ),
            radio=st.builds(Radio, range=between(0, 1000), loss=chances, occlusion=st.booleans()),
            work=st.builds(Work, travel=between(0.05, 2), held=between(1, 600)),
            kinds=st.just(kinds),
            mind=st.builds(
                Mind,
                arbiter=texts,
                share=st.booleans(),
                plugins=st.lists(texts, max_size=2).map(tuple),
                immune=st.builds(ImmuneParams, alpha=between(-10, 10), eta=between(0, 10)),
                xcs=st.builds(ClassifierParams, alpha=chances, theta_ga=between(0, 1e9), gradient=st.booleans()),
            ),
        )
    )


@settings(max_examples=60)
@given(missions())
def test_what_is_written_reads_back_equal(mission: Mission) -> None:
    assert missionfile.parse(missionfile.dumps(mission)) == mission


def test_what_is_written_holds_the_defaults() -> None:
    written = tomllib.loads(missionfile.dumps(missionfile.parse(MISSION)))
    assert written["radio"] == {
        "range": 2.0, "loss": 0.05, "delay": 0.0, "occlusion": True, "interval": 0.2, "most": 12
    }  # fmt: skip
    assert written["arena"] == {"size": [5.0, 4.0], "walls": []}


# The missions that come with jerne


@pytest.mark.parametrize("name", missionfile.shipped())
def test_shipped_missions_are_sound(name: str) -> None:
    mission = missionfile.load(missionfile.shipped()[name])
    assert mission.name == name
    assert 20 < len(mission.about) < 100
    for one, other in combinations(mission.kinds.values(), 2):
        bits = zip(one.signature, other.signature, strict=True)
        assert any({a, b} == {"0", "1"} for a, b in bits), "two kinds that no robot could tell apart"


def uncommented(text: str) -> str:
    """A mission file with its commented-out keys taken in."""
    return re.sub(r"^# (?=\w+ = )", "", text, flags=re.MULTILINE)


def test_the_template_has_every_key() -> None:
    def leaves(table: dict[str, object]) -> Iterator[str]:
        for key, value in table.items():
            yield key
            for inner in value if isinstance(value, list) else [value]:
                if isinstance(inner, dict):
                    yield from (f"{key}.{name}" for name in leaves(inner))

    known = {re.sub(r"\[\]", "", key).replace("kinds.NAME", "kinds.ash") for key in missionfile.keys(Mission)}
    assert known <= set(leaves(tomllib.loads(uncommented(missionfile.template("mine")))))
    assert {"phases.kinds.ash.team", "sensors.odometry.noise", "mind.xcs.do_as_subsumption"} <= known


def test_what_the_template_comments_out_are_the_defaults() -> None:
    text = missionfile.template("mine")
    mission = missionfile.parse(uncommented(text))
    assert mission.arena.map == "floor.yaml"
    assert replace(mission, arena=replace(mission.arena, map=None)) == missionfile.parse(text)


def test_a_template_takes_its_name() -> None:
    assert missionfile.parse(missionfile.template('a "b"')).name == 'a "b"'
