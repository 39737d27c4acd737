"""Configurations, fleets, orders, and a robot's loop on a body that is only numbers."""

import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zmq

from classifier.draws import Draws
from robots.body import BodyError, Colour, still
from robots.command import Limits, clamp
from robots.percept import blank
from robots.shell import RefusedError, Rules, Shell, State
from sim import maps
from swarm import missionfile, registry, telling, wire
from swarm.cli import main
from swarm.field import config, control, fleet, orders, robot
from swarm.field.control import Control, Status
from swarm.field.curb import curb
from swarm.field.loop import notify
from swarm.field.pilot import COLOURS, Pilot, fitted
from swarm.learners.contract import Lesson, Moment
from swarm.mission import Mission
from swarm.net import keys
from swarm.net.envelope import topics
from swarm.net.link import PeerLink, clock
from swarm.robot import Brain
from tests.conftest import wait
from tests.swarm.field.air import Air
from tests.swarm.field.fakes import Wheels, loop_of

LONELY = missionfile.load(missionfile.find("aggregate"))


class Numbers:
    """A body that does as it is told, in the middle of nowhere."""

    limits, radius, guarded, label, trouble = Limits(0.15, 1.5), 0.08, True, "", ""
    senses = frozenset({"proximity", "robots", "pose"})

    def __init__(self, mission: Mission) -> None:
        self.percept = blank(Brain(mission, 0, 0).dtype, 1)
        self.percept["proximity"] = 0.5
        self.session, self.old = 1, 0.0
        self.sent: list[np.ndarray] = []
        self.colour: Colour = (0, 0, 0)

    def sense(self, now: float) -> np.ndarray:  # noqa: ARG002 - the contract's name
        return self.percept

    def age(self, now: float) -> float:  # noqa: ARG002
        return self.old

    def act(self, command: np.ndarray, now: float) -> np.ndarray:  # noqa: ARG002
        self.sent.append(clamp(command, self.limits))
        return self.sent[-1]

    def stop(self) -> None:
        self.sent.append(still())

    def show(self, colour: Colour) -> None:
        self.colour = colour

    def close(self) -> None:
        pass


def pilot(number: int = 0, air: Air | None = None) -> tuple[Pilot, Numbers]:
    body = Numbers(LONELY)
    mission = fitted(LONELY, body)
    shell = Shell(body.limits, Rules(slow=0.1), guarded=True)
    return Pilot(mission, number, body, shell, (air or Air()).join(number), 7), body


def tick(flight: Pilot, now: float) -> None:
    """A tick that takes no time."""
    flight.tick(now, lambda: now)


def test_who_may_go_home_needs_odometry() -> None:
    mind = replace(LONELY.mind, arbiter="immune", immune=replace(LONELY.mind.immune, antibodies=4))
    with pytest.raises(BodyError, match="needs what this body does not sense: odometry"):
        fitted(replace(LONELY, mind=mind), Numbers(LONELY))


def test_a_robot_moves_once_armed_and_shows_what_it_means() -> None:
    flight, body = pilot()
    tick(flight, 0.0)
    assert body.sent[-1]["speed"] == 0
    flight.shell.arm(0.0)
    for i in range(1, 10):
        tick(flight, i * 0.1)
    assert body.sent[-1]["speed"][0] > 0.03
    assert body.colour in COLOURS.values()
    assert flight.box._lines


def test_the_mission_becomes_as_fast_as_the_body() -> None:
    flight, body = pilot()
    assert (flight.mission.robots.speed, flight.mission.robots.turn) == (body.limits.speed, body.limits.turn)
    assert flight.mission.robots.radius == body.radius


def test_what_a_body_lacks_is_named() -> None:
    body = Numbers(LONELY)
    body.senses = frozenset({"proximity"})  # type: ignore[misc]
    with pytest.raises(BodyError, match=r"robots \(range and bearing of other robots\)"):
        fitted(LONELY, body)
    body.senses = frozenset({"proximity", "robots"})  # type: ignore[misc]
    with pytest.raises(BodyError, match=r"sites \(range and bearing of sites"):
        fitted(missionfile.load(missionfile.find("default")), body)


def test_losing_the_others_never_stops_avoidance() -> None:
    """Peers fall silent; something comes near on the left: the robot turns away from it."""
    air = Air()
    (one, body), (other, _) = pilot(0, air), pilot(1, air)
    tick(one, 0.0)
    one.shell.arm(0.0)
    for i in range(1, 10):
        tick(one, i * 0.1)
        tick(other, i * 0.1)
    assert one.brain.last > 0
    body.percept["proximity"][0, 1] = 0.03  # at 45 degrees
    for i in range(10, 40):
        tick(one, i * 0.1)
    assert (one.brain.heard["id"] == -1).all()
    assert body.sent[-1]["turn"][0] < -0.3
    assert one.shell.state is State.ARMED


def test_old_readings_stop_the_robot_and_fresh_ones_heal_it() -> None:
    flight, body = pilot()
    tick(flight, 0.0)
    flight.shell.arm(0.0)
    speeds = {}
    for i, old in enumerate([0.0] * 9 + [0.4] * 3 + [0.6] * 3 + [0.0] * 9):
        body.old = old
        tick(flight, 0.1 + i * 0.1)
        speeds[i] = abs(float(body.sent[-1]["speed"][0])) + abs(float(body.sent[-1]["turn"][0]))
    assert speeds[8] > speeds[11] > 0
    assert speeds[14] == 0
    assert speeds[23] > 0


def test_after_a_hang_nothing_is_driven_that_was_thought_before_it() -> None:
    flight, body = pilot()
    tick(flight, 0.0)
    flight.shell.arm(0.0)
    for i in range(1, 10):
        tick(flight, i * 0.1)
    assert body.sent[-1]["speed"][0] > 0.03
    flight.tick(1.0, lambda: 3.0)
    assert body.sent[-1] == still()
    assert flight.shell.why == "no fresh commands"


def test_a_mind_without_readings_gives_no_commands() -> None:
    flight, body = pilot()
    body.old = float("inf")
    tick(flight, 0.0)
    with pytest.raises(RefusedError):
        flight.shell.arm(0.0)


def test_a_robot_without_readings_looks_after_its_ears() -> None:
    ring = keys.generate(["0", "1"], "swarm")["0"]
    flight, body = pilot()
    body.old = float("inf")
    with closing(PeerLink(0, topics(0.2), ring, "tcp://127.0.0.1:*")) as link, ExitStack() as strangers:
        flight.radio = link
        for _ in range(40):
            place = "127.0.0.1", int(link.address.rpartition(":")[2])
            strangers.enter_context(socket.create_connection(place))
        wait(lambda: tick(flight, clock()) or link.counters["crowded"], 10)
    assert flight.ticks == -1


def test_late_ticks_are_left_out() -> None:
    flight, _ = pilot()
    for now in (5.0, 5.1, 5.2, 7.2, 7.25):
        tick(flight, now)
    assert flight.ticks == 23


def moment(step: int) -> Moment:
    return Moment(step, step, Draws(1, 0, step, 2))


def test_frozen_minds_learn_and_explore_nothing() -> None:
    mission = missionfile.load(missionfile.find("default"))
    brain = Brain(mission, 0, 0)
    learner, state = brain.mind.learner, brain.mind.learner_state
    for step in range(30):
        learner.learn(state, 0, [Lesson(step % 4, step % 3, 500.0)], moment(step))
    before = [np.copy(part) for part in vars(state).values() if isinstance(part, np.ndarray)]
    curb(brain.mind, frozen=True, budget=None)
    for step in range(200):
        brain.mind.learner.decide(state, 0, step, [0, 1, 2], moment(step))
        brain.mind.learner.learn(state, 0, [Lesson(step, 1, 900.0)], moment(step))
    after = [part for part in vars(state).values() if isinstance(part, np.ndarray)]
    assert before
    assert all((a == b).all() for a, b in zip(before, after, strict=True))


@pytest.mark.parametrize("learner", ["xcs", "q"])
def test_a_robots_rules_can_be_read(learner: str) -> None:
    """As without a leash."""
    brain = Brain(missionfile.load(missionfile.find("default"), [f"mind.learner={learner}"]), 0, 0)
    for situation in range(3):
        brain.mind.learner.learn(brain.mind.learner_state, 0, [Lesson(situation, 1, 500.0)], moment(situation))
    now = round(telling.TELL / brain.mission.tick) - 1
    before = telling.rules(brain.mind, 0, now)
    assert bool(before) == (learner == "xcs")
    curb(brain.mind, frozen=False, budget=None)
    assert telling.rules(brain.mind, 0, now) == before


@pytest.mark.parametrize(
    "sets",
    [["mind.xcs.p_explore=1.0"], ["mind.learner=q", "mind.parameters.q.explore=1.0"]],
)
def test_a_budget_of_exploration_is_spent(sets: list[str]) -> None:
    brain = Brain(missionfile.load(missionfile.find("default"), sets), 0, 0)
    curb(brain.mind, frozen=False, budget=40)
    learner: Any = brain.mind.learner
    for step in range(60):
        learner.learn(brain.mind.learner_state, 0, [Lesson(0, 2, 1000.0)], moment(step))
    chosen = [learner.decide(brain.mind.learner_state, 0, 0, [0, 1, 2], moment(step)).action for step in range(80)]
    assert learner.left == 0
    assert len(set(chosen[:40])) == 3
    assert set(chosen[40:]) == {2}


ROBOT = """\
number = 2
[body]
kind = "thymio"
address = "tcp:localhost:33333"
"""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("number = 2", "body: missing"),
        (ROBOT.replace("thymio", "thymo"), "body.kind = 'thymo': must be one of 'thymio', 'epuck', 'gpio'"),
        (ROBOT.replace("address", "adress"), "did you mean 'body.address'"),
        (ROBOT.replace("33333", "99999"), "body.address = 'tcp:localhost:99999': must be tcp:HOST:PORT, with a port"),
        (ROBOT.replace("tcp:localhost:33333", "localhost"), "body.address = 'localhost': must be tcp:HOST:PORT"),
        (ROBOT + '[tracker]\naddress = "localhost:5601"\n', "tracker.address = 'localhost:5601': must be tcp://HOST"),
        (
            ROBOT + '[tracker]\naddress = "tcp://h:1"\ndeeds = "tcp://h:0"\n',
            "tracker.deeds = 'tcp://h:0': must be tcp://",
        ),
        (ROBOT + "[rules]\ndeadman = 2.0\n", "rules.deadman = 2.0: must lie in [0.05, 0.3]"),
        (ROBOT.replace('kind = "thymio"', 'kind = "gpio"'), "body.wiring: missing"),
        (ROBOT + "[fence]\nleft = 1\nlow = 0\nright = 0\nhigh = 1\n", "fence.right = 0.0: must lie in [1, 10000]"),
        ("number = 2 = 3", "not valid TOML"),
        (ROBOT.replace("thymio", "dotbot"), "dotbots.robots: the address of robot 2 is missing"),
        (ROBOT.replace("thymio", "dotbot").replace("tcp:", "serial:"), "a dotbot body needs tcp:HOST:PORT"),
        (ROBOT + '[dotbots]\nrobots = ["DE00"]\norigin = [0, 0]\n', "'DE00' must be 16 hexadecimal digits"),
    ],
)
def test_what_is_wrong_with_a_configuration(
    text: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "robot.toml"
    file.write_text(text)
    assert main(["robot", "--config", str(file)]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"jerne: error: {file}")
    assert says in error


@pytest.mark.parametrize(
    ("arguments", "extra", "says"),
    [
        (["--body", "epuck"], "", "is for a thymio"),
        (["--mission", "depto"], "", "no such file"),
        (["--name", "99"], "", "has robots 0 to"),
        ([], "[fence]\nleft = 0\nlow = 0\nright = 1\nhigh = 1\n", "needs a body that senses pose"),
        ([], "", "robots (range and bearing of other robots), sites"),
        (["--duration", "0"], "", "--duration"),
    ],
)
def test_what_a_robot_cannot_do(
    arguments: list[str], extra: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "robot.toml"
    file.write_text(ROBOT + extra)
    assert main(["robot", "--config", str(file), *arguments]) == 2
    assert says in capsys.readouterr().err


def test_what_fails_on_the_way_is_no_wrong_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A robot that ends with 2 is not started again."""
    (tmp_path / "robot.toml").write_text(ROBOT)
    body: Any = Wheels(str(tmp_path / "wheels"))
    monkeypatch.setattr(robot, "_made", lambda *_: loop_of(body, fails=True))
    with pytest.raises(ValueError, match="on purpose"):  # the interpreter ends with 1
        main(["robot", "--config", str(tmp_path / "robot.toml")])
    assert (tmp_path / "wheels").read_text() == "0.000"


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    file = tmp_path / "robot.toml"
    file.write_text('mission = "m.toml"\nminds = "x.mind"\n' + ROBOT + '[peers]\nkeys = "k"\n')
    read = config.read(file)
    assert (read.mission, read.minds, read.peers.keys) == tuple(str(tmp_path / n) for n in ("m.toml", "x.mind", "k"))


FLEET = """\
mission = "aggregate"
[tracker]
address = "tcp://10.0.0.5:5601"
[fence]
left = -1
low = -1
right = 1
high = 1
[[robots]]
number = 0
host = "10.0.0.10"
body.kind = "thymio"
body.address = "serial:/dev/ttyACM0"
[[robots]]
number = 3
host = "10.0.0.13"
[robots.body]
kind = "gpio"
unguarded = true
[robots.body.wiring]
left = { forward = 5, backward = 6, enable = 12, encoder = [20, 21] }
right = { forward = 16, backward = 19, enable = 13 }
ranges = [{ echo = 17, trigger = 4, bearing = 0.5 }]
"""


def test_deploy_writes_what_each_robot_needs_and_no_more(tmp_path: Path) -> None:
    keys.new(tmp_path / "keys", ["0", "3", "desk", "tracker"])
    file, out = tmp_path / "fleet.toml", tmp_path / "out"
    file.write_text(FLEET)
    assert main(["deploy", str(file), "--out", str(out)]) == 0
    assert sorted(p.name for p in (out / "3" / "keys").iterdir()) == ["3.secret", "members", "swarm"]
    assert (out / "3" / "keys" / "3.secret").stat().st_mode & 0o077 == 0
    read = config.read(out / "3" / "robot.toml")
    whole = fleet.read(file)
    assert read.body == whole.robots[1].body
    assert read.fence == whole.fence
    assert read.tracker == whole.tracker
    assert read.peers.robots == {"0": "tcp://10.0.0.10:5670"}
    assert missionfile.load(read.mission) == LONELY
    assert keys.load(read.peers.keys, "3").robots.keys() == {0, 3}
    units = {(out / str(n) / f"jerne-robot-{n}.service").read_text() for n in (0, 3)}
    assert len(units) == 2
    unit = (out / "3" / "jerne-robot-3.service").read_text()
    assert "ExecStart=/opt/jerne/bin/jerne robot --config /etc/jerne/3/robot.toml\n" in unit
    assert "WorkingDirectory=/etc/jerne/3\n" in unit
    assert "WatchdogSec=2" in unit
    assert "RestartPreventExitStatus=2" in unit
    assert main(["deploy", str(file), "--out", str(out)]) == 2  # exists


def test_a_robot_keeps_the_secret_that_was_made_on_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keys.new(tmp_path / "keys", ["0", "desk", "tracker"])
    (made,) = keys.new(tmp_path / "mine", ["3"])
    file, out = tmp_path / "fleet.toml", tmp_path / "out"
    file.write_text(FLEET)
    assert main(["deploy", str(file), "--out", str(out)]) == 2  # no member yet
    assert not out.exists()
    keys.add(tmp_path / "keys", "3", made.public)
    assert main(["deploy", str(file), "--out", str(out)]) == 0
    assert f"{out / '3'}: written; made elsewhere, add to keys: 3.secret\n" in capsys.readouterr().out
    assert sorted(p.name for p in (out / "3" / "keys").iterdir()) == ["members", "swarm"]
    shutil.copy2(tmp_path / "mine" / "3.secret", out / "3" / "keys")
    assert keys.load(out / "3" / "keys").robots.keys() == {0, 3}
    assert keys.load(out / "3" / "keys").beacon == keys.load(tmp_path / "keys", "desk").beacon


PLUGIN = """
from swarm.registry import {what}

@{what}("{what} of mine")
class Mine:
    fields = []
"""


def test_what_a_mission_names_goes_with_it(tmp_path: Path) -> None:
    """Nothing on a robot leads to the machine that deployed: where everything lay there is empty now."""
    home = tmp_path / "home"
    for folder in ("maps/pictures", "one", "two"):
        (home / folder).mkdir(parents=True)
    shipped = missionfile.shipped()["office"]
    text = shipped.with_suffix(".yaml").read_text().replace("office.pgm", "pictures/office.pgm")
    (home / "maps/office.yaml").write_text(text)
    shutil.copy(shipped.with_suffix(".pgm"), home / "maps/pictures")
    (home / "mine.urdf").write_text("<robot/>")
    for folder, what in (("one", "arbiter"), ("two", "sensor")):
        (home / folder / "mine.py").write_text(PLUGIN.format(what=what))
    office = missionfile.load(shipped)
    mind = replace(office.mind, plugins=("one/mine.py", "two/mine.py"))
    arena, robots = replace(office.arena, map="maps/office.yaml"), replace(office.robots, body="mine.urdf")
    (home / "mine.toml").write_text(missionfile.dumps(replace(office, arena=arena, robots=robots, mind=mind)))
    file = home / "fleet.toml"
    file.write_text(FLEET.replace('mission = "aggregate"', 'mission = "mine.toml"\nkeys = ""'))
    assert main(["deploy", str(file), "--out", str(tmp_path / "out")]) == 0
    shutil.rmtree(home)
    (tmp_path / "out").rename(tmp_path / "there")
    for number in ("0", "3"):
        deployed = missionfile.load(config.read(tmp_path / "there" / number / "robot.toml").mission)
        assert deployed.arena.map is not None
        found, known = maps.load(Path(deployed.arena.map)), maps.load(shipped.with_suffix(".yaml"))
        assert (found.free.tolist(), found.origin) == (known.free.tolist(), known.origin)
        assert Path(deployed.robots.body).read_text() == "<robot/>"
    registry.load(deployed.mind.plugins)
    assert "arbiter of mine" in registry.ARBITERS
    assert "sensor of mine" in registry.SENSORS


def test_a_map_that_is_none_is_not_deployed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "floor.yaml").write_text("resolution: 0.05")
    mission = replace(LONELY, arena=replace(LONELY.arena, map="floor.yaml"))
    (tmp_path / "mine.toml").write_text(missionfile.dumps(mission))
    (tmp_path / "fleet.toml").write_text(FLEET.replace('mission = "aggregate"', 'mission = "mine.toml"\nkeys = ""'))
    assert main(["deploy", str(tmp_path / "fleet.toml"), "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"jerne: error: {tmp_path}/floor.yaml: image is missing")
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda text: text.replace("number = 3", "number = 0"), "number 0 is given twice"),
        (lambda text: text.replace("number = 3", "number = 40"), "robot 40: aggregate has robots 0 to 19"),
        (lambda text: text.replace("enable = 13", "enable = 5"), "pin 5 is used twice"),
        (lambda text: text.split("[[")[0], "robots: missing"),
        (
            lambda text: text.replace("thymio", "dotbot").replace("serial:/dev/ttyACM0", "tcp:10.0.0.5:8000"),
            "the address of robot 0 is missing",
        ),
        (lambda text: text, "3.secret"),  # no keys for it
    ],
)
def test_a_fleet_that_cannot_be_deployed(
    change: Callable[[str], str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keys.new(tmp_path / "keys", ["0", "desk", "tracker"])
    file = tmp_path / "fleet.toml"
    file.write_text(change(FLEET))
    assert main(["deploy", str(file), "--out", str(tmp_path / "out")]) == 2
    assert says in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def status(**changes: Any) -> Status:
    values: dict[str, Any] = dict.fromkeys(Status.__struct_fields__)
    values |= {"number": 3, "state": "disarmed", "why": "", "age": 0.1, "session": 1, "trouble": "", "strategy": ""}
    values |= {"task": "", "speed": 0.0, "turn": 0.0, "peers": 3, "rules": 0, "refused": 0, "hung": 0, "time": 100.0}
    return Status(**{**values, "label": "", **changes})


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, None),
        ({"session": 0, "trouble": "no route"}, "the body does not answer: no route"),
        ({"age": None}, "no readings"),
        ({"age": 0.4}, "0.40 s old"),
        ({"time": 103.0}, "clock differs by +3.0 s"),
        ({"peers": 1}, "hears 1 of 3 others"),
        ({"battery": 0.1}, "battery at 10%"),
        ({"state": "emergency stop", "why": "told to"}, "emergency stop: told to"),
        ({"hung": 2}, "hung 2 times in the last minute"),
    ],
)
def test_diagnosis(changes: dict[str, Any], says: str | None) -> None:
    faults = orders.diagnosis(status(**changes), 4, 100.0)
    assert faults == [] if says is None else says in faults[0]


@pytest.fixture
def serving() -> Iterator[Callable[[keys.Keyring | None], tuple[str, list[str]]]]:
    """Starts a robot's end of control; gives its address and the orders that it obeyed."""
    over, threads = threading.Event(), []

    def start(ring: keys.Keyring | None) -> tuple[str, list[str]]:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
        obeyed: list[str] = []

        def obey(word: str) -> tuple[bool, str]:
            obeyed.append(word)
            return word != "arm", "not now"

        def run() -> None:
            end = Control(address, ring)
            while not over.wait(0.02):
                end.serve(obey, status)
            end.close()

        threads.append(threading.Thread(target=run))
        threads[-1].start()
        return address, obeyed

    yield start
    over.set()
    for thread in threads:
        thread.join()


def test_orders(serving: Callable[[keys.Keyring | None], tuple[str, list[str]]]) -> None:
    address, obeyed = serving(None)
    replies = control.send("stop", {3: address, 4: "tcp://127.0.0.1:9"}, None, 1.0)
    assert replies[3] is not None
    assert (replies[3].done, replies[3].status.number, replies[4]) == (True, 3, None)
    refused = control.send("arm", {3: address}, None)[3]
    assert refused is not None
    assert (refused.done, refused.text) == (False, "not now")
    assert obeyed == ["stop", "arm"]
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    rude = context.socket(zmq.DEALER)
    rude.connect(address)
    for data in (b"", b"garbage", wire.encode(control.Order("dance")), b"x" * 5000):
        rude.send(data)
    assert control.send("status", {3: address}, None)[3] is not None
    assert obeyed == ["stop", "arm"]
    context.destroy(linger=0)


def test_who_may_give_orders(serving: Callable[[keys.Keyring | None], tuple[str, list[str]]]) -> None:
    rings = keys.generate(["3", "5", "desk", "laptop"], "swarm")
    strangers = keys.generate(["3", "desk"], "swarm")
    address, obeyed = serving(rings["3"])
    for word in ("release", "status"):
        reply = control.send(word, {3: address}, rings["desk"])[3]
        assert reply is not None
        assert reply.done
    for name in ("5", "laptop"):
        reply = control.send("release", {3: address}, rings[name])[3]
        assert reply is not None
        assert (reply.done, reply.text) == (False, f"{name} may only stop robots: this order is for desk")
    reply = control.send("stop", {3: address}, rings["5"])[3]
    assert reply is not None
    assert reply.done
    assert control.send("stop", {3: address}, strangers["desk"], 0.7) == {3: None}
    assert control.send("stop", {3: address}, None, 0.7) == {3: None}
    assert obeyed == ["release", "stop"]


def test_systemd_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as system:
        system.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        notify("WATCHDOG=1")
        assert system.recv(100) == b"WATCHDOG=1"
    notify("WATCHDOG=1")  # nobody there: no matter
    monkeypatch.delenv("NOTIFY_SOCKET")
    notify("WATCHDOG=1")
