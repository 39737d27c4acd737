"""Specs: what is read, what is refused and in which words."""

import re
import tomllib
from pathlib import Path

import pytest

from swarm import missionfile
from swarm.missionfile import MissionError
from swarm.study import plan, spec
from swarm.study.spec import Spec

HEAD = 'version = 1\nname = "x"\n'


def read(text: str) -> Spec:
    return missionfile.read(Spec, text, "x.toml")


def test_the_template_is_a_study_that_has_every_key() -> None:
    text = spec.template("mine")
    study = read(text)
    assert study.name == "mine"
    assert [change.type for change in study.all_changes().values()] == ["density", "meaning"]
    assert plan.cells(study, Path())
    # with every example taken out of its comment it is one as well
    whole = re.sub(r"(?m)^# (\[|\w+ = )", r"\1", text)
    whole = whole.replace("first_seed = 1\n", "first_seed = 1\n").replace('tuned = "tuned.toml"\n', "")
    whole = whole.replace('reference = "known"', 'reference = "immune"').replace(
        '["pybullet", "planar"]', '["nominal", "lossy"]'
    )
    assert set(spec.Change.__dataclass_fields__) <= {key for c in tomllib.loads(whole)["changes"].values() for key in c}
    known = read(whole)
    assert known.tune.ranges["immune"]["mind.immune.beta"].low == 0.1
    assert len(known.sweep) == 1
    documented = set(re.findall(r"(?m)^(?:# )?(\w+) = ", text)) | set(re.findall(r"(?m)^(?:# )?\[+(\w+)", text))
    assert {key.split(".")[0].removesuffix("[]") for key in missionfile.keys(Spec)} <= documented


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[controllers]\na = []\nseds = 3", "x.toml: controllers.seds = 3: must be an array"),
        ("seds = 3\n[controllers]\na = []", "x.toml: seds = 3: unknown key (did you mean 'seeds'?)"),
        ("seeds = 3", "x.toml: controllers: a study needs at least one, written [controllers] or [grid]"),
        ('against = ["b"]\n[controllers]\na = []', "x.toml: against = 'b': must be one of 'a'"),
        ('reference = "aa"\n[controllers]\na = []', "x.toml: reference = 'aa': must be one of 'a' (did you mean 'a'?)"),
        ("[controllers]\na = []\n[changes.densty]", "x.toml: changes.densty.type = 'densty': must be one of "),
        ("window = 400\n[controllers]\na = []", "x.toml: window = 400: must lie in [1, 300]"),
        ('equivalent = ["a"]\n[controllers]\na = []', "x.toml: equivalent = ['a']: must name two conditions"),
        (
            '[controllers]\na = []\n[[sweep]]\nkey = "robots.count"\nvalues = [2, 3, 2]',
            "x.toml: sweep[0].values[2] = 2: is there already",
        ),
        (
            '[controllers]\na = []\n[tune]\nfirst_seed = 1000\n[tune.ranges.a."mind.immune.k"]\nlow = 0\nhigh = 1',
            "x.toml: tune.first_seed = 1000: tuning must not see the seeds 1001 to 1030",
        ),
        (
            '[controllers]\na = []\n[tune.ranges.a."mind.immune.k"]\nlow = 1\nhigh = 0',
            'x.toml: tune.ranges.a."mind.immune.k".high = 0: must be above low = 1',
        ),
        (
            '[controllers]\na = []\n[tune.ranges.b."mind.immune.k"]\nlow = 0\nhigh = 1',
            "x.toml: tune.ranges = 'b': must be one of 'a'",
        ),
    ],
)
def test_mistakes_get_a_line_each(text: str, said: str) -> None:
    with pytest.raises(MissionError) as caught:
        read(HEAD + text)
    assert len(caught.value.errors) == 1
    assert caught.value.errors[0].startswith(said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            '[controllers]\na = ["mind.arbiter=imune"]',
            "controllers.a: mind.arbiter = 'imune': must be one of aggregate, ",
        ),
        (
            '[controllers]\na = ["robots.count=3"]',
            "controllers.a: robots.count=3: a controller may set mind and radio, ",
        ),
        ('[controllers]\na = ["mind.imune.k=3"]', "controllers.a: mind.imune = {k = 3}: unknown key"),
        ('set = ["phases.5.rate=3"]\n[controllers]\na = []', "set phases.5.rate=3: 5 is no entry of a list of 2"),
        (
            '[controllers]\na = []\n[changes.team]\nset = ["phases.1.duration=30"]',
            "changes.team: its last phase lasts 30 s, window = 60 is longer",
        ),
        ('set = ["#radio.range=1"]\n[controllers]\na = []', "set #radio.range=1: "),
        ("[controllers]\na = []\n[changes.team]\nteam = 1", "changes.team: team: nothing would change"),
        ("[controllers]\na = []\n[changes.lost]\nback = true", "changes.lost: back: robots that are lost do not come"),
        (
            '[controllers]\na = []\n[changes.new]\n[changes.team]\n[[sweep]]\nkey = "robots.count"\nvalues = [2, "x"]',
            "condition robots.count = x: robots.count = 'x': must be an integer",
        ),
        ('mission = "defalt"\n[controllers]\na = []', "mission: defalt: no such file, and the shipped "),
        (
            f'mission = "{"x" * 300}"\n[controllers]\na = []',
            f"mission: {'x' * 300}: cannot be read: File name too long",
        ),
    ],
)
def test_what_does_not_fit_the_mission_is_told_before_anything_is_played(text: str, said: str) -> None:
    with pytest.raises(MissionError) as caught:
        plan.cells(read(HEAD + text), Path())
    assert len(caught.value.errors) == 1
    assert caught.value.errors[0].startswith(said)


def test_the_grid_and_what_tuning_found_make_controllers(tmp_path: Path) -> None:
    (tmp_path / "t.toml").write_text('[controllers]\n"immune x xcs" = ["mind.xcs.beta=0.1"]\n')
    text = 'tuned = "t.toml"\n[controllers]\nown = []\n[grid]\narbiters = ["immune", "random"]\nlearners = ["xcs"]\n'
    (tmp_path / "x.toml").write_text(HEAD + text)
    study = spec.read(tmp_path / "x.toml")
    assert study.all_controllers() == {
        "own": (),
        "immune x xcs": ("mind.arbiter=immune", "mind.learner=xcs", "mind.xcs.beta=0.1"),
        "random x xcs": ("mind.arbiter=random", "mind.learner=xcs"),
    }
    assert study.grid.arbiters == ("immune", "random")  # of which the report has a table
    (tmp_path / "t.toml").write_text("[controllers]\nimune = []\n")
    with pytest.raises(MissionError, match=r"controllers = 'imune': must be one of 'own'"):
        spec.read(tmp_path / "x.toml")


def test_conditions_at_every_place_of_the_sweep() -> None:
    text = """
[controllers]
a = []
[conditions]
near = ["radio.range=1"]
far = ["radio.range=3"]
[[sweep]]
key = "phases.*.kinds.*.team"
label = "team"
values = [1, 3]
[[sweep]]
key = "robots.count"
values = [4, 5]
[[sweep]]
key = "arena.size"
values = [[5.0, 4.0]]
"""
    study = read(HEAD + text)
    found = plan.conditions(study)
    assert [c.name for c in found][:2] == [
        "near, team = 1, robots.count = 4, arena.size = (5.0, 4.0)",
        "near, team = 1, robots.count = 5, arena.size = (5.0, 4.0)",
    ]
    assert (len(found), len({c.place for c in found})) == (8, 4)
    cells = plan.cells(study, Path())
    missions = {cell.condition: cell.mission for cell in cells}
    last = missions["far, team = 3, robots.count = 5, arena.size = (5.0, 4.0)"]
    assert (last.radio.range, last.robots.count, last.arena.size) == (3, 5, (5.0, 4.0))
    assert {m.team for phase in last.phases for m in phase.kinds.values()} == {3}
    assert len({cell.digest for cell in cells}) == 8
