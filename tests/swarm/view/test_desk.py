"""Orders to runs: who may give them, what they do, and that without them a run is what it was."""

import stat
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from swarm.crew import Crew
from swarm.mission import Mission
from swarm.net import keys
from swarm.record import Log, Tick
from swarm.stops import Stops
from swarm.verify import verify
from swarm.view import desk, watch
from swarm.view.alarms import alarms
from swarm.view.controls import REPLAY, Controls, press
from swarm.view.dashboard import render
from swarm.view.desk import Commands, Operator, Place
from swarm.view.publish import ADDRESS
from swarm.view.snapshot import Snapshot
from tests.conftest import Play, Terminal, wait
from tests.swarm.view.test_dashboard import robot, stage, swarm, texts

ANY = "tcp://127.0.0.1:*"


def answers(end: Commands, operator: Operator, stops: Stops, seconds: float = 10) -> list[str]:
    found: list[str] = []

    def go_on() -> bool:
        end.serve(stops.obey)
        found.extend(operator.take())
        return bool(found)

    wait(go_on, seconds)
    return found


def connected(end: Commands, operator: Operator, stops: Stops) -> None:
    wait(lambda: end.serve(stops.obey) or operator._socket.poll(0, 2), 10)


def test_the_operator_stops_robots_and_lets_them_go_on() -> None:
    rings = keys.generate(["desk", "operator", "laptop"], "mine")
    stops, end = Stops(5, []), Commands(Place(ANY, rings["desk"]))
    operator = Operator(end.address, rings["operator"], rings["desk"].public)
    connected(end, operator, stops)
    for order, said, mask in (
        (("stop", [3, 1]), "robots 1, 3 stopped by operator", [1, 3]),
        (("stop", [1]), "nobody is to be stopped", [1, 3]),
        (("resume", [3]), "robot 3 let go on by operator", [1]),
        (("stop", None), "robots 0, 2, 3, 4 stopped by operator", [0, 1, 2, 3, 4]),
        (("resume", None), "all 5 robots let go on by operator", []),
        (("stop", [7]), "refused: robot 7: there are robots 0 to 4", []),
    ):
        operator.order(*order)
        assert answers(end, operator, stops) == [said]
        assert np.flatnonzero(stops.mask).tolist() == mask
    operator.close()
    end.close()


@pytest.mark.parametrize(("name", "swarm"), [("laptop", "mine"), ("operator", "other")])
def test_nobody_else_does(name: str, swarm: str) -> None:
    rings = keys.generate(["desk", "operator", "laptop"], "mine")
    other = rings if swarm == "mine" else keys.generate(["desk", "operator"], swarm)
    stops, end = Stops(5, []), Commands(Place(ANY, rings["desk"]))
    operator = Operator(end.address, other[name], rings["desk"].public)
    if swarm == "mine":
        connected(end, operator, stops)
        operator.order("stop", None)
        assert answers(end, operator, stops) == ["refused: laptop is not the operator (operator)"]
    else:
        for _ in range(50):
            end.serve(stops.obey)
            operator._socket.poll(10)
        operator.order("stop", None)
        assert operator.take() == ["stop: the run takes no orders from this key"]
        end.serve(stops.obey)
    assert not stops.mask.any()
    operator.close()
    end.close()


def test_nonsense_is_dropped() -> None:
    rings = keys.generate(["desk", "operator"], "mine")
    stops, end = Stops(5, []), Commands(Place(ANY, rings["desk"]))
    operator = Operator(end.address, rings["operator"], rings["desk"].public)
    connected(end, operator, stops)
    for data in (b"", b"\xc1", b"\x93\xa2o1\xa4quit\xc0", b"\x93\xa2o1\xa4stop\x91\xff", b"\x01" * 99):
        operator._socket.send(data)
    wait(lambda: end.serve(stops.obey) or end.bad == 5, 10)
    assert not stops.mask.any()
    operator.close()
    end.close()


def test_keys_of_a_run_are_for_its_owner_alone(tmp_path: Path) -> None:
    assert desk.found(tmp_path) is None
    desk.made(tmp_path, "ipc://@nobody")
    assert stat.S_IMODE((tmp_path / desk.FILE).stat().st_mode) == 0o600


def test_a_key_that_is_not_whole_gives_no_orders(tmp_path: Path) -> None:
    """It may be looked for while it is written."""
    desk.made(tmp_path, "ipc://@nobody")
    whole = (tmp_path / desk.FILE).read_bytes()
    damaged = [whole[:size] for size in range(len(whole) - 1)]
    damaged += [whole.replace(b"ipc", b"abc"), whole.replace(whole.split()[1], b"#" * 40)]
    for data in damaged:
        (tmp_path / desk.FILE).write_bytes(data)
        assert desk.found(tmp_path) is None, data
    (tmp_path / desk.FILE).write_bytes(whole)
    operator = desk.found(tmp_path)
    assert operator is not None
    operator.close()


def after(keys_: Sequence[str], selected: int | None = 2, *, orders: bool = True) -> Controls:
    now = Controls(selected=selected)
    for key in keys_:
        now = press(now, key, range(5), orders=orders)
    return now


def test_to_stop_takes_one_key_and_to_go_on_two() -> None:
    assert after("s").orders == (("stop", (2,)),)
    assert after("S").orders == (("stop", None),)
    assert after("g").orders == ()
    assert after("g").asked == ("resume", (2,))
    assert after("gy").orders == (("resume", (2,)),)
    assert after("Gy").orders == (("resume", None),)
    assert after("gq").orders == ()
    assert not after("gq").over
    assert after("gj") == Controls(selected=2, hint="nobody was let go on"), (
        "what else is pressed takes the question back"
    )
    for open_ in ("g", "G", "?"):
        assert after(f"{open_}S") == Controls(selected=2, orders=(("stop", None),))
        assert after(f"{open_}s") == Controls(selected=2, orders=(("stop", (2,)),))
        assert after(f"{open_}Sy").orders == (("stop", None),)
    assert after("?s", selected=None) == Controls(hint="select a robot first")
    assert after("?S", orders=False) == Controls(selected=2)
    assert after("s", selected=None).hint == "select a robot first"
    assert after("sgyS", orders=False).orders == ()
    assert all(key not in {"s", "S", "g G"} for key, _ in REPLAY)


def test_who_is_stopped_can_be_seen() -> None:
    held = [robot(0, held="stopped by an operator"), robot(1), robot(2)]
    text = "\n".join(texts(render(stage(), swarm(1, robots=held, sites=[]), 80, 24)))
    assert "robot 0: stopped by an operator" in text
    assert "stopped  " in next(line for line in text.splitlines() if line.lstrip().startswith("0 "))


@pytest.mark.slow
def test_a_stopped_body_stands_until_it_is_let_go_on_and_the_log_knows(mission: Mission, play: Play) -> None:
    steps: list[float] = []
    operators: list[Operator] = []
    found: list[str] = []

    def during(crew: Crew, now: Snapshot) -> None:
        if not operators:
            operator = desk.found(crew.out)
            assert operator is not None
            operators.append(operator)
        (operator,) = operators
        found.extend(operator.take())
        for i, (due, word) in enumerate(((4, "stop"), (10, "resume"))):
            if now.time > due and len(steps) == i:
                steps.append(now.time)
                operator.order(word, [1])
        if 6 < now.time < 10:
            assert [r.held for r in now.robots] == ["", "stopped by an operator", ""]

    commanded = play(replace(mission, phases=(replace(mission.phases[0], duration=15),)), during, speed=3)
    operators[0].close()
    assert found == ["robot 1 stopped by operator", "robot 1 let go on by operator"]
    assert not (commanded.out / desk.FILE).exists()
    assert not (commanded.out / ADDRESS).exists()
    log = Log(commanded.out / "ticks.mcap")
    ticks = [item for item in log.walk() if isinstance(item, Tick)]
    stopped = np.array([now.stopped for now in ticks])
    assert 40 < stopped[:, 1].sum() < 80
    assert not stopped[:, [0, 2]].any()
    places = np.array([now.poses[:, :2] for now in ticks])
    still = places[stopped[:, 1]]
    assert np.ptp(still[5:, 1], axis=0).max() < 0.02, "it coasts to a stand and is not driven"
    assert np.ptp(places[~stopped[:, 1], 1], axis=0).max() > 0.1
    assert all((now.commands[1].tobytes() == bytes(now.commands[1].nbytes)) for now in ticks if now.stopped[1])
    texts_ = [event for event in (item for item in log.walk()) if "operator" in str(event)]
    assert len(texts_) == 2
    verdict = verify(log)
    assert verdict.difference is None
    assert verdict.ticks == 150
    assert alarms(log.stage, swarm(1, robots=[robot(1, held="stopped by an operator")], sites=[], backlog=0))


@pytest.mark.slow
def test_a_run_that_is_watched_by_an_operator_without_orders_is_bit_for_bit_the_same(
    mission: Mission, play: Play
) -> None:
    short = replace(mission, phases=(replace(mission.phases[0], duration=6),))
    operators: list[Operator | None] = []

    def during(crew: Crew, now: Snapshot) -> None:
        if not operators:
            operators.append(desk.found(crew.out))

    attended = play(short, during, speed=5)
    assert operators[0] is not None
    operators[0].close()
    assert attended.log == play(short).log


@pytest.mark.slow
def test_orders_from_the_dashboards_keys(mission_file: Path, terminal: Callable[..., Terminal]) -> None:
    out = mission_file.parent / "out"
    own = terminal(str(mission_file), "--out", str(out), "--speed", "0.5")
    own.wait_for_screen("3 alive")
    attached = terminal("watch", str(out), command=())
    attached.wait_for_screen("3 alive")
    attached.type(b"s")
    attached.wait_for_screen("select a robot first")
    attached.type(b"jjs")
    for one in (own, attached):
        one.wait_for_screen("robot 1: stopped by an operator")
    own.type(b"S")
    for one in (own, attached):
        one.wait_for_screen("0, 1, 2: stopped by an operator")
    attached.type(b"G")
    attached.wait_for_screen("let all robots go on? y")
    attached.type(b"y")
    for one in (own, attached):
        wait(lambda one=one: not any("stopped by an operator" in line for line in one.screen()[:3]), 30)
    attached.type(b"?")
    attached.wait_for_screen("stop the selected robot, at once")
    attached.type(b"xq")
    assert attached.ended(within=30) == 0
    own.type(b"q")
    assert own.ended(within=30) == 130


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["tcp://127.0.0.1:9", "--insecure", "--command", "tcp://127.0.0.1:8"], "--command: needs --keys FOLDER")],
)
def test_refused(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert watch.main(arguments) == 2
    assert said in capsys.readouterr().err
