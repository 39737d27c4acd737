"""The talk with a node: found, given its watchdog, driven, read; and what may go wrong on the way."""

import math
import struct
from collections.abc import Iterable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from robots.body import Colour
from robots.thymio.body import Model
from robots.thymio.program import ALARM, Names, Node, watchdog
from robots.thymio.session import Session
from tests.robots.thymio.node import FREE, VARIABLES, FakeNode

DARK: Colour = (0, 0, 0)


def session(node: int | None = 4) -> Session:
    return Session(Model.of("thymio").dialect, node)


def meet(talk: Session, *nodes: FakeNode, now: float = 0.0, chunk: int = 10_000) -> None:
    """Let them talk until nobody has anything to say."""
    out = talk.call(now)
    while out:
        data = b"".join(node.feed(out) for node in nodes)
        out = b"".join(talk.receive(data[i : i + chunk], now) for i in range(0, len(data), chunk))


def tick(talk: Session, node: FakeNode, now: float, left: int = 0, right: int = 0) -> bytes:
    """Commands to the node; what it answers, not yet received."""
    node.beat()
    return node.feed(talk.drive(left, right, DARK, now))


@pytest.mark.parametrize("chunk", [1, 7, 10_000])
def test_a_node_is_found_and_given_its_program(chunk: int) -> None:
    talk, node = session(), FakeNode(4)
    assert talk.drive(1, 1, DARK, 0.0) == b""
    meet(talk, node, chunk=chunk)
    assert talk.ready
    assert node.runs
    assert node.bytecode[0] == 5
    assert talk.begun == 1


def test_only_the_wanted_node_behind_a_switch() -> None:
    talk, nodes = session(4), [FakeNode(n) for n in (3, 4, 5)]
    meet(talk, *nodes)
    assert [node.runs for node in nodes] == [False, True, False]
    for node in nodes:
        node.feed(talk.drive(100, 50, DARK, 0.0))
    assert [node.memory[FREE + 2] for node in nodes] == [0, 100, 0]


def test_commands_write_the_block_and_never_the_motors() -> None:
    talk, node = session(), FakeNode(4)
    meet(talk, node)
    node.memory[FREE + 1] = 6
    node.feed(talk.drive(100, -50, (255, 128, 0), 0.0))
    assert node.memory[FREE + 1 : FREE + 7] == [0, 100, -50, 31, 16, 0]
    motors = sum(size for _, size in VARIABLES[:3])
    assert node.memory[motors : motors + 2] == [0, 0]
    node.feed(talk.halt(DARK))
    assert node.memory[FREE + 2 : FREE + 4] == [0, 0]


def test_readings_are_as_old_as_the_question() -> None:
    talk, node = session(), FakeNode(4)
    meet(talk, node)
    assert talk.age(0.0) == math.inf
    node.memory[33:40] = [1, 2, 3, 4, 5, 6, 7]
    answer = tick(talk, node, 10.0)
    talk.receive(answer, 10.4)  # held up on the way
    assert talk.readings["prox.horizontal"] == (1, 2, 3, 4, 5, 6, 7)
    assert talk.age(10.4) == pytest.approx(0.4)
    late = tick(talk, node, 10.5)
    fresh = tick(talk, node, 10.6)
    talk.receive(late + fresh, 10.61)  # each answer goes with its own question
    assert talk.age(10.61) == pytest.approx(0.01)


def messages(data: bytes) -> list[bytes]:
    out = []
    while data:
        end = 6 + struct.unpack_from("<H", data)[0]
        out.append(data[:end])
        data = data[end:]
    return out


def test_ticks_that_are_lost_as_a_whole_make_readings_old_until_the_next_one_only() -> None:
    talk, node = session(), FakeNode(4)
    meet(talk, node)
    ages = []
    for i in range(400):
        now = 0.1 * i
        answer = tick(talk, node, now) if i % 60 != 40 else talk.drive(0, 0, DARK, now)[:0]
        talk.receive(answer, now)
        ages.append(round(talk.age(now), 2))
    assert [age for i, age in enumerate(ages) if i % 60 == 40] == [0.1] * 6
    assert all(age == 0 for i, age in enumerate(ages) if i % 60 != 40)


@given(st.lists(st.tuples(st.sets(st.integers(0, 9)), st.integers(0, 3)), min_size=1, max_size=30))
@example([(set(), 0), ({4}, 0), ({0, 5}, 0)])
def test_whatever_is_lost_no_reading_looks_younger_than_it_is(ticks: list[tuple[set[int], int]]) -> None:
    """Of each tick some messages are lost, five each way, and what is answered is held up for some ticks, in order."""
    talk, node = session(), FakeNode(4)
    meet(talk, node)
    way: list[tuple[int, bytes]] = []  # when it arrives, and what

    def step(i: int, lost: Iterable[int], late: int) -> None:
        node.beat()
        node.memory[33:40] = [i + 1] * 7  # in which tick it was read shows
        asked = messages(talk.drive(0, 0, DARK, 0.1 * i))
        heard = [node.feed(message) for n, message in enumerate(asked) if n not in lost]
        answers = [answer for answer in heard if answer]
        due = max([i + late, *(at for at, _ in way)])
        way.extend((due, answer) for n, answer in enumerate(answers, 5) if n not in lost)
        while way and way[0][0] <= i:
            talk.receive(way.pop(0)[1], 0.1 * i)
        if talk.age(0.1 * i) < math.inf:
            assert talk.age(0.1 * i) >= 0.1 * (i + 1 - talk.readings["prox.horizontal"][0]) - 1e-9

    for i, (lost, late) in enumerate(ticks):
        step(i, lost, late)
    for i in range(len(ticks), len(ticks) + 5):
        step(i, [], 0)
    assert talk.age(0.1 * i) == pytest.approx(0.0, abs=1e-9)


def test_tags_begin_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("robots.thymio.session.TAGS", 60)
    talk, node = session(), FakeNode(4)
    meet(talk, node)
    for i in range(200):
        talk.receive(tick(talk, node, 0.1 * i), 0.1 * i)
        assert talk.age(0.1 * i) == 0


@given(st.lists(st.tuples(st.sampled_from([0x9005, 0x9000, 0x9001, 0x9004, 0x900C]), st.binary(max_size=24))))
@example([(0x9005, struct.pack("<H", FREE))])
def test_whatever_a_node_says_is_taken_or_begins_the_talk_anew(said: list[tuple[int, bytes]]) -> None:
    talk, node = session(), FakeNode(4)
    meet(talk, node)
    talk.receive(tick(talk, node, 1.0), 1.0)
    tick(talk, node, 1.1)  # its answers are owed
    for kind, payload in said:
        talk.receive(node.say(kind, payload), 1.1)
    assert talk.ready or talk.trouble
    talk.restart()
    meet(talk, node, now=3.0)
    assert talk.ready


def test_a_program_that_does_not_run_makes_readings_old() -> None:
    talk, node = session(), FakeNode(4)
    meet(talk, node)
    for i in range(8):
        node.runs = i < 3
        talk.receive(tick(talk, node, i * 0.1), i * 0.1)
    assert talk.age(0.7) == pytest.approx(0.5)  # it ran last at 0.2


def test_answers_that_nobody_asked_for_are_no_readings() -> None:
    talk, node = session(), FakeNode(4)
    meet(talk, node)
    talk.receive(node.feed(bytes.fromhex("0600 0000 0ba0 0400 2100 0700")), 1.0)
    assert talk.age(1.0) == math.inf


def test_garbage_begins_the_talk_anew() -> None:
    talk, node = session(), FakeNode(4)
    meet(talk, node)
    talk.receive(b"\xff" * 40, 2.0)
    assert (talk.ready, talk.bad) == (False, 1)
    assert "garbage" in talk.trouble
    meet(talk, node, now=4.0)
    assert (talk.ready, talk.begun) == (True, 2)


def test_half_a_frame_and_then_silence() -> None:
    talk, node = session(), FakeNode(4)
    meet(talk, node)
    talk.receive(tick(talk, node, 1.0), 1.0)
    talk.receive(tick(talk, node, 1.1)[:9], 1.1)
    assert not talk.is_silent(1.9)
    assert talk.is_silent(2.1)


def test_another_kind_of_robot_is_told() -> None:
    talk = session()
    meet(talk, FakeNode(4, [(name, size) for name, size in VARIABLES if name != "prox.horizontal"]))
    assert not talk.ready
    assert "lacks prox.horizontal" in talk.trouble


def test_a_node_that_goes_away() -> None:
    talk, node = session(), FakeNode(4)
    meet(talk, node)
    talk.receive(node.say(0x9004, b""), 1.0)
    assert not talk.ready
    assert talk.drive(1, 1, DARK, 1.0) == b""


class Vm:
    """As much of the Aseba virtual machine as the watchdog needs."""

    def __init__(self, words: list[int]) -> None:
        self.words, self.memory, self.calls = words, [0] * 40, list[tuple[int, list[int]]]()

    def event(self, number: int) -> None:
        words = self.words
        vectors = {words[i]: words[i + 1] for i in range(1, words[0], 2)}
        at, stack = vectors[number], list[int]()
        while words[at] != 0:
            code, low = words[at] >> 12, words[at] & 0xFFF
            step = 1
            if code == 1:
                stack.append(low)
            elif code == 2:
                stack.append(words[at + 1] - (words[at + 1] >> 15 << 16))
                step = 2
            elif code == 3:
                stack.append(self.memory[low])
            elif code == 4:
                self.memory[low] = stack.pop()
            elif code == 8:
                assert low == 2
                stack.append(stack.pop() + stack.pop())
            elif code == 10:
                assert low == 12
                second, first = stack.pop(), stack.pop()
                step = 2 if first > second else words[at + 1]
            elif code == 12:
                self.calls.append((low, [stack.pop() for _ in range(3)]))
            at += step
        assert stack == []


def test_the_program_stops_the_wheels() -> None:
    node = Node({"l": 0, "r": 1, "period": 2}, {"other": 0, "timer": 1}, {"light": 7}, 10)
    vm = Vm(watchdog(node, Names("timer", "l", "r", ("light",), "period"), 8, 50))
    vm.memory[0] = 99
    vm.event(0xFFFF)
    assert vm.memory[:3] == [0, 0, 50]  # at rest after a reset, the timer set
    vm.event(0xFFFD)
    assert vm.memory[:2] == [0, 0]  # and until the first command
    vm.memory[11:17] = [0, 100, -100, 1, 2, 3]
    for _ in range(8):
        vm.event(0xFFFD)
        assert vm.memory[:2] == [100, -100]
    assert vm.calls[-1] == (7, [14, 15, 16])
    for _ in range(100):
        vm.event(0xFFFD)
        assert vm.memory[:2] == [0, 0]
        assert vm.memory[14:17] == [ALARM, 0, 0]
    assert vm.memory[10] == 109  # the beat goes on
