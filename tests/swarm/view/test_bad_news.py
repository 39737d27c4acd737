"""What others show badly: whoever watches counts it, and goes on with what was shown before."""

import math
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import msgspec
import pytest
import zmq
from hypothesis import example, given, settings
from hypothesis import strategies as st

from swarm.view.alarms import alarms
from swarm.view.controls import Controls
from swarm.view.dashboard import plain_line, render
from swarm.view.publish import STAGE, SWARM, Watcher
from swarm.view.snapshot import Snapshot, Stage
from tests.conftest import wait
from tests.swarm.view.test_dashboard import SIZES, robot, stage, swarm

SHOT = swarm(4)
ROW, SITE = 5, 6  # fields of a snapshot, behind its tag


def apart(whole: Any) -> Any:
    return msgspec.msgpack.decode(msgspec.msgpack.encode(whole))


def changed(whole: Any, path: tuple[int, ...], value: Any) -> list[Any]:
    """A message, taken apart, with another value at a path of indices."""
    found = apart(whole)
    here = found
    for index in path[:-1]:
        here = here[index]
    here[path[-1]] = value
    return found


@pytest.fixture
def context() -> Iterator["zmq.Context[zmq.Socket[bytes]]"]:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    yield context
    context.destroy(linger=0)


BAD = {
    "a strategy that there is not": ((ROW, 0, 5), 99),
    "a strategy below the first": ((ROW, 0, 5), -1),
    "a task that there is not": ((ROW, 0, 6), 5),
    "an action that there is not": ((ROW, 0, 7), 5),
    "an action below none": ((ROW, 0, 7), -2),
    "a phase before the first": ((4,), -1),
    "a level that there is not": ((13, 0, 1), "fatal"),
}


@pytest.mark.parametrize(("path", "value"), BAD.values(), ids=BAD.keys())
def test_an_index_that_finds_nothing_is_a_bad_message(
    context: "zmq.Context[zmq.Socket[bytes]]", path: tuple[int, ...], value: Any
) -> None:
    encode = msgspec.msgpack.encode
    with context.socket(zmq.XPUB) as speaker, closing(Watcher(context, "inproc://robot")) as watcher:
        speaker.bind("inproc://robot")
        for _ in range(3):
            assert speaker.poll(5000)
            speaker.recv()
        good = msgspec.structs.replace(SHOT, robots=[robot(0, action=-1, strategy=3, task=4)])
        for name, message in ((STAGE, stage()), (SWARM, good), (SWARM, changed(SHOT, path, value))):
            speaker.send_multipart((name, encode(message)))
        wait(lambda: watcher.take(0.01) and watcher.bad, 5)
        assert watcher.bad == 1
        assert watcher.snapshot is not None
        assert watcher.snapshot.robots[0].strategy == 3


def leaves(value: Any, path: tuple[int, ...] = ()) -> Iterator[tuple[int, ...]]:
    for i, one in enumerate(value):
        if isinstance(one, list | tuple):
            yield from leaves(one, (*path, i))
        else:
            yield (*path, i)


ODD = [0, -1, 2, 99, 2**40, -(2**40), 0.0, 1e300, -1e300, math.nan, math.inf, -math.inf, "", "amber", True, None]


@settings(max_examples=400)
@given(st.sampled_from(list(leaves(apart(SHOT)))), st.sampled_from(ODD), st.sampled_from(SIZES))
@example((ROW, 0, 3), 1e300, (120, 40))
@example((SITE, 0, 6), math.inf, (120, 40))
@example((SITE, 0, 7), math.inf, (120, 40))
def test_whatever_is_taken_can_be_drawn(path: tuple[int, ...], value: object, size: tuple[int, int]) -> None:
    """One number of a snapshot is another one."""
    try:
        shot = msgspec.msgpack.decode(msgspec.msgpack.encode(changed(SHOT, path, value)), type=Snapshot)
    except msgspec.MsgspecError:
        return
    for real in (False, True):
        place: Stage = stage(real=real)
        if all(site.kind in place.kinds for site in shot.sites):  # a flock leaves others out
            render(place, shot, *size)
            render(place, shot, *size, controls=Controls("robot", 0))
            plain_line(place, shot)
            alarms(place, shot)
