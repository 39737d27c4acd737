"""What a real robot has learnt, on a disk that is full or was cut off: it is kept, and keeps no robot down."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from pathlib import Path
from typing import Any

import pytest

from robots.shell import State
from swarm import store
from swarm.field.config import Body, Config
from swarm.field.loop import Loop
from swarm.field.robot import learnt
from swarm.learners.contract import Lesson
from swarm.mind import Mind
from swarm.store import StoreError, before
from tests.swarm.field.fakes import Deaf
from tests.swarm.field.test_field import moment, pilot


@contextmanager
def full_disk() -> Iterator[None]:
    """No file grows beyond 2,000 bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def loop_of(minds: Path, lessons: int = 0) -> Loop:
    """A robot that has had so many lessons."""
    flight, _ = pilot()
    mind = flight.brain.mind
    for step in range(lessons):
        mind.learner.learn(mind.learner_state, 0, [Lesson(step % 4, step % 3, 500.0)], moment(step))
    deaf: Any = Deaf()
    return Loop(Config(0, Body("thymio", "tcp:localhost:1"), box=os.devnull), flight, deaf, deaf, minds, arm=True)


def rules(mind: Mind | None) -> int:
    assert mind is not None
    return int(mind.learner.rules(mind.learner_state)[0])


@pytest.fixture
def minds(tmp_path: Path) -> Path:
    return tmp_path / "learnt.mind"


def test_a_full_disk_ends_no_robot_and_is_told_once(
    minds: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "EVERY", 0.15)
    loop = loop_of(minds, 30)
    known = rules(loop.pilot.brain.mind)
    assert known > 0
    store.save(minds, loop.pilot.brain.mind)
    with full_disk():
        assert loop.run(1.0, None) == 0
    assert loop.pilot.shell.state is State.ARMED, "it went on until the time was over"
    assert capsys.readouterr().err.count("what it learns is not saved: ") == 1
    assert not minds.exists()
    assert rules(learnt(minds, loop.pilot.mission, 3)) == known, "the one before is taken"
    assert loop.run(0.5, None) == 0  # there is room again
    assert rules(learnt(minds, loop.pilot.mission, 3)) == rules(loop.pilot.brain.mind)
    assert "not saved" not in capsys.readouterr().err


def test_a_full_disk_that_its_words_go_to_ends_no_robot(minds: Path) -> None:
    loop = loop_of(minds)
    statuses = []
    with suppress(OSError), Path("/dev/full").open("w") as full, redirect_stdout(full):
        statuses.append(loop.run(0.5, None))
    assert statuses == [0]
    assert loop.pilot.shell.state is State.ARMED


def test_a_damaged_file_is_put_aside_and_the_one_before_it_taken(
    minds: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = loop_of(minds, 30)
    mind, mission = one.pilot.brain.mind, one.pilot.mission
    store.save(minds, mind)
    store.save(minds, mind)
    damaged = minds.read_bytes()[:-100]
    minds.write_bytes(damaged)
    again = learnt(minds, mission, 5)
    assert rules(again) == rules(mind)
    assert again is not None
    assert again.ids.tolist() == [5]
    assert "learnt.mind: damaged" in capsys.readouterr().out
    assert minds.with_name("learnt.mind.refused").read_bytes() == damaged
    with full_disk():
        one._save(minds, durable=False)
    assert rules(learnt(minds, mission, 5)) == rules(mind), "nothing was moved over the good one"


def test_what_can_be_loaded_nowhere_is_left_as_it_is(minds: Path) -> None:
    mission = loop_of(minds).pilot.mission
    assert learnt(minds, mission, 0) is None
    minds.write_bytes(b"one")
    before(minds).write_bytes(b"two")
    with pytest.raises(StoreError, match=r"(?s)learnt\.mind: .*learnt\.mind\.before: .*to begin anew, move away"):
        learnt(minds, mission, 0)
    assert (minds.read_bytes(), before(minds).read_bytes()) == (b"one", b"two")
