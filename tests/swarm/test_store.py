"""Minds in files: what comes back, what is refused, and what is left after kill -9."""

import os
import signal
import subprocess
import sys
import time
from collections import deque
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.params import Params
from classifier.sealed import seal
from immune.params import Params as ImmuneParams
from robots.percept import blank
from sim.spec import Robots
from swarm import mind, needs, registry, store, wire
from swarm.crew import Crew
from swarm.learners.contract import Lesson
from swarm.mission import Mind, Mission
from swarm.missionfile import dumps
from swarm.report import ACTIONS
from swarm.robot import Brain
from swarm.run import learnt
from swarm.view.snapshot import Snapshot
from tests.conftest import Play, wait


def taught(mission: Mission, robots: list[int], lessons: int = 300) -> mind.Mind:
    """Minds that have learnt something of their own each."""
    it = mind.start(mission, robots)
    rng = np.random.default_rng(robots)
    for _ in range(lessons):
        for lane in range(len(robots)):
            word, action = int(rng.integers(2**21)), int(rng.integers(len(ACTIONS)))
            lesson = Lesson(word, action, float(rng.integers(2)) * 1000)
            mind._learn(it, lane, int(it.memory["lessons"][lane]), [lesson])
    for name in store._fields(it.arbiter_state):
        values = getattr(it.arbiter_state, name)
        if values.dtype.kind == "f":
            values[...] = rng.random(values.shape)
    return it


def equal(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
    names = store._fields(one)
    if names:
        return type(one) is type(other) and all(equal(getattr(one, n), getattr(other, n)) for n in names)
    return bool(one == other)


def test_a_mind_comes_back_to_the_bit(mission: Mission, tmp_path: Path) -> None:
    it = taught(mission, [1, 4])
    for _ in range(3):
        needs.learn(it.needs[1], 7, 3, needs.STUCK, 1.0)
    store.save(tmp_path / "it", it)
    back = store.load(tmp_path / "it", mission)
    assert equal(it.learner_state, back.learner_state)
    assert equal(it.arbiter_state, back.arbiter_state)
    assert back.ids.tolist() == [1, 4]
    assert (back.memory["lessons"] == it.memory["lessons"]).all()
    assert (back.memory["lessons"] == 300).all()
    assert (back.reports["rules"] == it.learner.rules(it.learner_state)).all()
    assert (back.reports["rules"] > 10).all()
    assert (back.memory["site"] == -1).all()
    assert [needs.believed(back.needs[lane], 7) for lane in range(2)] == [2, 4]


def test_a_mind_goes_on_as_if_nothing_had_been(mission: Mission, tmp_path: Path) -> None:
    one = taught(mission, [2])
    store.save(tmp_path / "it", one)
    other = store.load(tmp_path / "it", mission)
    for step in range(200):
        for it in (one, other):
            mind._learn(it, 0, step, [Lesson(step * 7919 % 2**21, step % 5, float(step % 3 == 0) * 1000)])
    assert equal(one.learner_state, other.learner_state)


@pytest.mark.parametrize(("arbiter", "learner"), [("levy", "periodic"), ("auction", "tcell"), ("calls", "afresh")])
def test_a_mind_comes_back_without_the_ticks_of_its_old_run(
    mission: Mission, tmp_path: Path, arbiter: str, learner: str
) -> None:
    given = replace(mission, mind=replace(mission.mind, arbiter=arbiter, learner=learner))
    it, anew = mind.start(given, [1]), mind.start(given, [1])
    if arbiter != "calls":
        it.arbiter_state[0, 1] = 6000
    times = "archived" if learner == "tcell" else "notes"
    getattr(it.learner_state, times)[...] = 6000
    store.save(tmp_path / "it", it)
    back = store.load(tmp_path / "it", given)
    assert equal(back.arbiter_state, anew.arbiter_state)
    assert not (getattr(back.learner_state, times) >= 0).any()


def test_the_one_before_is_kept(mission: Mission, tmp_path: Path) -> None:
    path = tmp_path / "it"
    first, second = taught(mission, [0], 20), taught(mission, [0], 40)
    store.save(path, first)
    store.save(path, second)
    assert store.load(path, mission).memory["lessons"] == [40]
    assert store.load(store.before(path), mission).memory["lessons"] == [20]
    path.write_bytes(path.read_bytes()[:-1])
    complaints: list[str] = []
    kept = store.latest([path], mission, complaints.append)
    assert kept is not None
    assert kept.memory["lessons"] == [20]
    assert complaints == [f"{path}: damaged: its digest does not fit its content"]
    path.unlink()  # killed between two steps of a saving
    assert store.load(path, mission).memory["lessons"] == [20]
    store.before(path).unlink()
    assert store.latest([path], mission, complaints.append) is None


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes, Mission]:
    from sim.spec import Phase

    mission = Mission(version=1, name="m", phases=(Phase(10, 0, {}),))
    path = tmp_path_factory.mktemp("minds") / "it"
    store.save(path, taught(mission, [0], 20))
    return path, path.read_bytes(), mission


@given(st.data())
def test_damage_is_refused_whatever_it_is(saved: tuple[Path, bytes, Mission], data: st.DataObject) -> None:
    path, whole, mission = saved
    place = data.draw(st.integers(0, len(whole) - 1))
    kind = data.draw(st.sampled_from(["cut", "changed", "longer"]))
    if kind == "cut":
        broken = whole[:place]
    elif kind == "longer":
        broken = whole + data.draw(st.binary(min_size=1, max_size=9))
    else:
        broken = whole[:place] + bytes([whole[place] ^ data.draw(st.integers(1, 255))]) + whole[place + 1 :]
    path.write_bytes(broken)
    with pytest.raises(store.StoreError, match=f"^{path}: "):
        store.load(path, mission)


@pytest.mark.parametrize("head", [b"", b"[]", b"{}", b"null", b"[" * 100_000, b'{"robots": 1}', b"\xff\xfe"])
def test_a_sealed_file_that_holds_something_else(saved: tuple[Path, bytes, Mission], head: bytes) -> None:
    path, _, mission = saved
    path.write_bytes(seal(store.MAGIC, store.VERSION, head + b"\n" + bytes(100)))
    with pytest.raises(store.StoreError, match=rf"^{path}: "):
        store.load(path, mission)


def test_what_does_not_fit_the_mission(mission: Mission, tmp_path: Path) -> None:
    path = tmp_path / "it"
    store.save(path, taught(mission, [0], 20))
    for other, why in [
        (Mind(learner="random"), "learner is 'xcs', the mission has 'random'"),
        (Mind(arbiter="disperse"), "arbiter is 'calls', the mission has 'disperse'"),
        (Mind(xcs=Params(capacity=100)), r"learner 'xcs'\.\w+: is uint64 of shape \(1, .*401\), this mission needs"),
    ]:
        with pytest.raises(store.StoreError, match=rf"^{path}: {why}"):
            store.load(path, replace(mission, mind=other))


def test_a_mind_of_two_antibodies_is_none_of_four(mission: Mission, tmp_path: Path) -> None:
    two, four = (Mind(arbiter="immune", immune=ImmuneParams(antibodies=antibodies)) for antibodies in (2, 4))
    store.save(tmp_path / "it", mind.start(replace(mission, mind=two), [0]))
    why = r"strategies is \['aggregate', 'disperse'\], the mission has \['aggregate', 'disperse', 'search', 'home'\]"
    with pytest.raises(store.StoreError, match=why):
        store.load(tmp_path / "it", replace(mission, mind=four))


# States of all makes


class Pair(NamedTuple):
    left: np.ndarray
    right: float | None


@dataclass
class Nest:
    pair: Pair
    notes: dict[Any, Any]
    rest: tuple[Any, ...]


values = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=5)
arrays = st.sampled_from(
    [np.arange(3.0), np.zeros((2, 0)), np.array(5), np.array([(1, 2.0)], [("a", "i1"), ("b", "f4")]), np.array("é")]
)
plain = st.recursive(
    values | arrays,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=3) | st.integers(0, 9), inner, max_size=3)
    ),
    max_leaves=6,
)


def same(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and one.shape == np.shape(other) and bool(np.all(one == other))
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[k], other[k]) for k in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if store._fields(one):
        return all(same(getattr(one, n), getattr(other, n)) for n in store._fields(one))
    return bool(one == other)


@given(plain, plain, values)
def test_states_of_all_makes(notes: Any, rest: Any, right: Any) -> None:
    state = Nest(Pair(np.arange(4).reshape(2, 2).T, right), {"n": notes, 3: []}, (rest, 1))
    found: list[np.ndarray] = []
    tree = store._plain(state, "it", found)
    tree = store.json.loads(store.json.dumps(tree))
    like = Nest(Pair(np.zeros((2, 2), np.int64), None), {}, ())
    back = store._Reader(b"".join(a.tobytes() for a in found)).build(tree, like, "it")
    assert same(state, back)


@pytest.mark.parametrize("odd", [object(), deque(), {1.5: 2}, np.array([None]), {"a": [set()]}, b"bytes"])
def test_what_cannot_be_saved_is_named(odd: Any) -> None:
    with pytest.raises(store.StoreError, match=r"^learner 'x'\.pair\.right.*cannot be saved: must be made of arrays"):
        store._plain(Nest(Pair(np.zeros(1), odd), {}, ()), "learner 'x'", [])


# Robots that keep what they learnt


@pytest.mark.slow
def test_a_killed_robot_goes_on_with_what_it_had_learnt(mission: Mission, play: Play) -> None:
    killed: list[int] = []

    def during(crew: Crew, now: Snapshot) -> None:
        saved_file = store.file(crew.out, 1)
        if not killed and now.time > 8 and now.robots[1].rules > 5 and saved_file.exists():
            killed.append(now.robots[1].rules)
            os.kill(crew.robots[1].pid or 0, signal.SIGKILL)

    lively = replace(mission, phases=(replace(mission.phases[0], duration=60.0),))
    played = play(lively, during, speed=12)
    assert played.status == 0
    assert killed
    ticks = played.ticks
    alive = np.array([tick.alive[1] for tick in ticks])
    back = int(np.flatnonzero(~alive)[-1]) + 1
    assert ticks[back].reports["rules"][1] > 0, "it has not begun anew"
    assert learnt(lively, played.out) == [0, 1, 2]


def test_a_run_goes_on_with_the_minds_of_another(mission: Mission, play: Play) -> None:
    first = play(mission)
    rules = first.ticks[-1].reports["rules"]
    assert rules.sum() > 0
    second = play(mission, resume=first.out)
    assert second.ticks[0].reports["rules"].tolist() == rules.tolist()
    assert second.status == 0
    assert '"resume": "' in (second.out / "manifest.json").read_text()


def test_minds_in_one_process_go_on_as_those_of_processes(mission: Mission, play: Play) -> None:
    longer = replace(mission, phases=(replace(mission.phases[0], duration=40.0),))
    first = [play(longer, minds=minds) for minds in ("processes", "stack")]
    second = [play(longer, minds=one, resume=run.out) for one, run in zip(("processes", "stack"), first, strict=True)]
    assert second[1].ticks[0].reports["rules"].sum() > 0
    for one, other in zip(second[0].ticks, second[1].ticks, strict=True):
        assert one.commands.tobytes() == other.commands.tobytes()
        assert one.reports.tobytes() == other.reports.tobytes()


def test_minds_that_were_kept_another_way_are_refused(mission: Mission, play: Play) -> None:
    short = replace(mission, phases=(replace(mission.phases[0], duration=3.0),))
    stack, processes = play(short, minds="stack"), play(short)
    with pytest.raises(ValueError, match=r"kept by --minds stack, this run has --minds processes$"):
        play(short, resume=stack.out)
    with pytest.raises(ValueError, match=r"kept by --minds processes, this run has --minds stack$"):
        play(short, minds="stack", resume=processes.out)
    more = replace(short, robots=Robots(count=4))
    with pytest.raises(ValueError, match=rf"^--resume {stack.out}: holds 3 minds, the mission has 4 robots$"):
        play(more, minds="stack", resume=stack.out)
    with pytest.raises(ValueError, match=r"none/minds/all.mind: cannot be read"):
        play(short, minds="stack", resume=stack.out.parent / "none")
    stack.out.joinpath("minds", "all.mind").write_bytes(b"nonsense")
    with pytest.raises(ValueError, match=r"all.mind: "):
        play(short, minds="stack", resume=stack.out)


def test_resuming_what_cannot_be(mission: Mission, play: Play, tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=rf"^--resume {tmp_path}/none: there is no mind of robots 0 to 2 in its minds$"
    ):
        play(mission, resume=tmp_path / "none")
    first = play(mission)
    path = store.file(first.out, 2)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ValueError, match=rf"^--resume {first.out}: {path}: damaged"):
        play(mission, resume=first.out)


def test_a_mind_that_cannot_be_saved_runs_all_the_same(
    mission: Mission, play: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "ARBITERS", dict(registry.ARBITERS))
    plugin = tmp_path / "odd.py"
    plugin.write_text(
        "from swarm.registry import arbiter\n"
        "from swarm.arbiters.plain import AlwaysDisperse\n"
        "@arbiter('odd')\n"
        "class Odd(AlwaysDisperse):\n"
        "    def start(self, lanes): return {'set': set(), 'all': super().start(lanes)}\n"
        "    def step(self, state, *rest):\n"
        "        return state, super().step(state['all'], *rest)[1]\n"
    )
    played = play(replace(mission, mind=Mind(arbiter="odd", plugins=(str(plugin),))))
    assert played.status == 0
    said = (played.out / "processes.log").read_text()
    assert "robot 1: its mind is not saved: arbiter 'odd'['set']: set cannot be saved" in said


@pytest.mark.slow
def test_a_robot_killed_while_it_saves_leaves_a_mind(mission: Mission, tmp_path: Path) -> None:
    """Kill -9 at 12 random moments of a process that does nothing but save."""
    program = (
        "import sys, numpy as np\n"
        "from pathlib import Path\n"
        "from swarm import mind, missionfile, store\n"
        "mission = missionfile.load(Path(sys.argv[1]))\n"
        "it = mind.start(mission, [0])\n"
        "while True:\n"
        "    it.memory['lessons'] += 1\n"
        "    store.save(Path(sys.argv[2]), it, durable=False)\n"
    )
    file, path = tmp_path / "m.toml", tmp_path / "it"
    file.write_text(dumps(mission))
    rng, last = np.random.default_rng(5), 0
    for _ in range(12):
        process = subprocess.Popen([sys.executable, "-c", program, str(file), str(path)])
        for name in (path, store.before(path)):
            name.unlink(missing_ok=True)
        wait(path.exists, 60)
        time.sleep(rng.random() * 0.05)
        process.kill()
        process.wait()
        lessons = int(store.load(path, mission).memory["lessons"][0])
        assert lessons > 0
        last = max(last, lessons)
    assert last > 1


def test_a_brain_with_what_was_learnt(mission: Mission) -> None:
    it = taught(mission, [1])
    brain = Brain(mission, 1, 2, it)
    act = brain.tick(wire.Sense(0, blank(brain.dtype, 1).tobytes(), []))
    assert act.tick == 0
    assert brain.mind is it
