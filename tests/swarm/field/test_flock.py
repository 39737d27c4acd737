"""Real robots shown to watchers: what each tells of itself, and all of them in one picture. Over real sockets."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import zmq
from msgspec import structs

from robots.shell import Rules, Shell
from swarm.field import control, flock
from swarm.field.config import Body, Config
from swarm.field.control import Status
from swarm.field.desk import FleetDesk, told
from swarm.field.flock import Flock, Place
from swarm.field.loop import Loop
from swarm.field.pilot import Pilot, fitted
from swarm.field.show import Show, kind_of, stage_of
from swarm.mission import Mission
from swarm.missionfile import find, load
from swarm.net import envelope, keys
from swarm.net.link import PeerLink
from swarm.view import watch
from swarm.view.alarms import alarms
from swarm.view.dashboard import render
from swarm.view.snapshot import Snapshot
from tests.conftest import wait
from tests.swarm.field.fakes import Deaf
from tests.swarm.field.test_field import LONELY, Numbers

TASKS = load(find("default"))
ANY = "tcp://127.0.0.1:*"


class Robot:
    """A robot with a link, a shell and a body of numbers, moved on by hand."""

    def __init__(self, number: int, ring: keys.Keyring | None, mission: Mission = LONELY) -> None:
        self.body = Numbers(mission)
        self.body.percept["pose"] = (0.5 * number, -0.25, 0.0)
        self.link = PeerLink(number, envelope.topics(mission.radio.interval), ring, ANY)
        shell = Shell(self.body.limits, Rules(), guarded=True)
        self.pilot = Pilot(fitted(mission, self.body), number, self.body, shell, self.link, self.link.boot)
        config = Config(number, Body("thymio", "tcp:localhost:1"), watch=ANY, box="/dev/null")
        self.show = Show(config, self.pilot, self.link, ring)
        self.loop = Loop(config, self.pilot, Deaf(), Deaf(), None, arm=False)  # type: ignore[arg-type]
        self.time = 0.0

    def tick(self) -> None:
        self.time += 0.1
        self.pilot.tick(self.time, lambda: self.time)
        self.show.tick(self.time, self.status())

    def status(self) -> Status:
        return self.loop.status()

    def close(self) -> None:
        self.show.close("told to")
        self.link.close()


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as it:
        yield it


def gathered(stack: ExitStack, *robots: Robot, rings: dict[str, keys.Keyring]) -> Flock:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    stack.callback(context.destroy, linger=0)
    places = {r.pilot.brain.robot: Place(r.show.address, rings[str(r.pilot.brain.robot)].public) for r in robots}
    for robot in robots:
        stack.callback(robot.close)
        for other in robots:
            robot.link.know(other.link.number, other.link.address)
    return Flock(context, places, rings["desk"])


def until(flock: Flock, robots: list[Robot], seen: Callable[[Snapshot], object], seconds: float = 30) -> Snapshot:
    def go_on() -> bool:
        for robot in robots:
            robot.tick()
        flock.take(0.01)
        return flock.snapshot is not None and bool(seen(flock.snapshot))

    wait(go_on, seconds)
    assert flock.snapshot is not None
    return flock.snapshot


def test_two_robots_are_seen_in_one_picture_and_the_one_that_ends_is_lost(
    stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    rings = keys.generate(["2", "5", "desk"], "mine")
    two, five = Robot(2, rings["2"]), Robot(5, rings["5"])
    flock_ = gathered(stack, two, five, rings=rings)
    shot = until(flock_, [two, five], lambda s: s.links and all(r.alive and r.heard for r in s.robots))
    assert [(r.robot, r.x, r.y) for r in shot.robots] == [(2, 1.0, -0.25), (5, 2.5, -0.25)]
    assert shot.links == [(2, 5)]
    assert shot.components == 1
    assert {r.held for r in shot.robots} == {"disarmed: not armed yet"}
    assert flock_.stage is not None
    assert flock_.stage.real
    assert alarms(flock_.stage, shot)[-1].text == "robots 2, 5: disarmed: not armed yet"
    two.pilot.shell.arm(two.time)
    shot = until(flock_, [two, five], lambda s: not s.robots[0].held)
    flock_.select(5)
    until(flock_, [two, five], lambda _: flock_.detail is not None)
    assert flock_.detail is not None
    assert flock_.detail.robot == 5
    assert flock_.detail.ties.counters["received"] > 0
    five.show.close("told to")
    shot = until(flock_, [two], lambda s: not s.robots[1].alive)
    assert shot.robots[0].alive
    assert shot.links == []
    assert alarms(flock_.stage, shot)[0].text == "robot 5 lost"


def test_a_robot_that_shows_itself_badly_harms_no_other(stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
    rings = keys.generate(["2", "5", "desk"], "mine")
    two, five = Robot(2, rings["2"]), Robot(5, rings["5"])
    flock_ = gathered(stack, two, five, rings=rings)
    until(flock_, [two, five], lambda s: all(r.alive for r in s.robots))
    shown, changes = five.show._snapshot, dict[str, object]()

    def told(*arguments: Any) -> Snapshot:
        shot = shown(*arguments)
        row = structs.replace(shot.robots[0], strategy=changes.get("strategy", 1), robot=changes.get("robot", 5))
        return structs.replace(shot, robots=[row], ties=changes.get("ties", shot.ties))

    monkeypatch.setattr(five.show, "_snapshot", told)
    changes["ties"] = {"alive": 7}
    shot = until(flock_, [two, five], lambda s: s.ties["alive"] >= 7)
    assert shot.ties["refused"] == 0
    changes["robot"] = 2
    shot = until(flock_, [two, five], lambda _: five.time > 3)
    assert [r.robot for r in shot.robots] == [2, 5], "it is who its key says"
    changes["strategy"] = 99
    until(flock_, [two, five], lambda _: flock_._watchers[5].bad > 2)
    assert flock_.stage is not None
    assert flock_.snapshot is not None
    render(flock_.stage, flock_.snapshot, 120, 40)
    assert "robots 2, 5: disarmed" in alarms(flock_.stage, flock_.snapshot)[-1].text


def test_who_was_never_heard_is_lost_and_a_robot_that_hangs_too(
    stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flock, "GONE", 0.3)
    rings = keys.generate(["0", "1", "desk"], "mine")
    here, away = Robot(0, rings["0"]), Robot(1, rings["1"])
    flock_ = gathered(stack, here, away, rings=rings)
    shot = until(flock_, [here], lambda s: s.robots[0].alive)
    assert [r.alive for r in shot.robots] == [True, False]
    assert math.isnan(shot.robots[1].x)
    until(flock_, [], lambda s: not any(r.alive for r in s.robots))
    until(flock_, [here, away], lambda s: all(r.alive for r in s.robots))


def test_strangers_see_nothing(stack: ExitStack) -> None:
    rings = keys.generate(["0", "desk"], "mine")
    stranger = keys.generate(["0", "desk"], "mine")["desk"]
    robot = Robot(0, rings["0"])
    flock_ = gathered(stack, robot, rings=rings | {"desk": stranger})
    for _ in range(40):
        robot.tick()
        flock_.take(0.02)
    assert flock_.snapshot is None


def test_faults_of_a_body_and_old_readings_are_told(stack: ExitStack) -> None:
    rings = keys.generate(["0", "desk"], "mine")
    robot = Robot(0, rings["0"])
    flock_ = gathered(stack, robot, rings=rings)
    robot.body.trouble = "connection lost"  # type: ignore[attr-defined]
    robot.body.old = 7.0
    shot = until(flock_, [robot], lambda s: s.robots[0].fault)
    assert flock_.stage is not None
    texts = [alarm.text for alarm in alarms(flock_.stage, shot)]
    assert "robot 0: connection lost" in texts
    assert "robot 0: sensor fault? readings dead for 7 s" in texts


def test_sites_stand_where_the_tracker_and_the_senses_put_them(
    stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    rings = keys.generate(["0", "desk"], "mine")
    monkeypatch.setattr(Numbers, "senses", Numbers.senses | {"sites"})
    robot = Robot(0, rings["0"], TASKS)
    p = robot.body.percept
    p["pose"], p["site_id"][0, 0], p["site_rb"][0, 0] = (1.0, 0.5, math.pi / 2), 17, (0.4, 0.0)
    p["site_face"][0, 0], p["touch"], p["progress"] = math.pi, 17, 0.5
    kind, pattern = next(iter((name, kind.signature) for name, kind in TASKS.kinds.items()))
    p["site_kind"][0, 0] = sum(1 << b for b, c in enumerate(pattern) if c == "1")
    flock_ = gathered(stack, robot, rings=rings)
    (site,) = until(flock_, [robot], lambda s: s.sites).sites
    assert (site.site, site.kind, site.progress) == (17, kind, 0.5)
    assert (site.x, site.y, site.facing) == pytest.approx((1.0, 0.9, -math.pi / 2), abs=1e-6)
    p["site_id"][0, 0], p["touch"] = -1, -1
    until(flock_, [robot], lambda s: not s.sites)


def test_kinds_by_signature_and_a_map_that_is_elsewhere() -> None:
    assert kind_of(0b01, {"a": "01##", "b": "10##"}) == "b"
    assert kind_of(0b11, {"a": "01##", "b": "10##"}) is None
    stage = stage_of(replace(LONELY, arena=replace(LONELY.arena, map="none.yaml")))
    width, depth = LONELY.arena.size
    assert stage.bounds == (-width / 2, -depth / 2, width / 2, depth / 2)


def test_a_fleet_that_cannot_be_watched(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "fleet.toml"
    file.write_text('[[robots]]\nnumber = 4\nbody.kind = "thymio"\nbody.address = "tcp:h:1"\n')
    assert watch.main([str(file)]) == 2
    assert f"{tmp_path / 'keys'}" in capsys.readouterr().err
    keys.new(tmp_path / "keys", ["0", "desk"])
    assert watch.main([str(file)]) == 2
    says = f"{file}: robot 4 has no key in {tmp_path / 'keys'}; jerne keys new {tmp_path / 'keys'} NAME"
    assert capsys.readouterr().err == f"jerne: error: {says}\n"
    assert watch.main([str(tmp_path / "none.toml")]) == 2
    assert "none.toml" in capsys.readouterr().err


def test_a_desk_tells_what_came_of_its_orders() -> None:
    stamp = control.Stamp(1, 0.0)
    fine = control.Reply(True, "", status_of(0), stamp)
    assert told("stop", {0: fine, 1: fine}) == "stop: done by 2"
    refused = control.Reply(False, "no fresh commands: the mind does not run", status_of(1), stamp)
    said = told("resume", {0: fine, 1: refused, 2: None})
    assert said == "robot 1: no fresh commands: the mind does not run; robot 2: NO ANSWER; resume: done by 1"


def test_a_desk_waits_for_nobody() -> None:
    desk = FleetDesk({0: "tcp://127.0.0.1:9", 1: "tcp://127.0.0.1:9"}, None)
    begin = time.monotonic()
    desk.order("stop", [1])
    assert desk.take() == []
    assert time.monotonic() - begin < 0.3
    lines: list[str] = []
    wait(lambda: lines.extend(desk.take()) or lines, 10)
    assert lines == ["robot 1: NO ANSWER"]
    desk.close()


def status_of(number: int) -> Status:
    blank_ = ("armed", "", 0.0, 1, "", "disperse", "search", 0.0, 0.0, None, None, 0, 0, 0, 0, 0.0, "")
    return Status(number, *blank_)
