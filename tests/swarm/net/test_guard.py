"""The guard: which messages reach a mind. No sockets, no clocks."""

import math
import struct
from collections import Counter

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from swarm import wire
from swarm.net import envelope
from swarm.net.envelope import HEAD, HERE, SIGNAL
from swarm.net.guard import BOOTS, LATE, LOST, MARGIN, MOST, OLD, STALE, WINDOW, Guard, Letter, State

TOPICS = envelope.topics(0.2)
SWARM = envelope.hash_of("barn")
ROBOTS = {0, 1, 2, 3}


def guard(me: int = 0) -> Guard:
    return Guard(me, SWARM, TOPICS, ROBOTS)


def said(
    seq: int, time: float = 0.0, *, sender: int = 1, boot: int = 7, payload: bytes = b"hey", topic: int = SIGNAL
) -> bytes:
    return envelope.seal(topic, SWARM, sender, boot, seq, time, payload)


def test_the_bytes_of_an_envelope_are_the_documented_ones() -> None:
    data = envelope.seal(1, 0x01020304, 5, 6, 7, 0.25, b"payload")
    assert data == b"j1\x01\x01\x02\x03\x04\x00\x05" + struct.pack(">QQd", 6, 7, 0.25) + b"payload"
    assert data.startswith(envelope.prefix(1, 0x01020304))


@given(
    st.integers(0, 1),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**16 - 1),
    st.integers(0, 2**64 - 1),
    st.integers(0, 2**64 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.binary(max_size=wire.MOST),
)
def test_every_envelope_comes_back_as_it_was(
    topic: int, swarm: int, sender: int, boot: int, seq: int, time: float, payload: bytes
) -> None:
    data = envelope.seal(topic, swarm, sender, boot, seq, time, payload)
    if len(payload) > TOPICS[topic].most:
        with pytest.raises(envelope.EnvelopeError, match=f"at most {HEAD.size + TOPICS[topic].most}"):
            envelope.unseal(data, TOPICS)
    else:
        assert envelope.unseal(data, TOPICS) == (topic, swarm, sender, boot, seq, time, payload)


# Each reason to refuse


def refusals(it: Guard) -> dict[str, int]:
    return {why: n for why, n in it.counters.items() if why not in ("received", "late")}


def test_a_good_message_is_a_letter() -> None:
    it = guard()
    assert it.judge(5.0, 1, said(0, 100.0)) == Letter(SIGNAL, 1, b"hey", 0.0)
    assert it.judge(5.3, 1, said(1, 100.2)) == Letter(SIGNAL, 1, b"hey", pytest.approx(0.1, abs=1e-3))
    assert it.counters == Counter(received=2)
    assert it.peers[1].counters == Counter(received=2)


@pytest.mark.parametrize(
    ("who", "data", "why"),
    [
        (1, b"", "bad"),
        (1, said(0)[:-4], "bad"),
        (1, b"j2" + said(0)[2:], "bad"),
        (1, said(0, topic=2), "bad"),
        (1, said(0, math.nan), "bad"),
        (1, said(0, -math.inf), "bad"),
        (1, said(0, payload=bytes(wire.MOST + 1)), "bad"),
        (1, said(0, payload=b"x", topic=HERE), "bad"),
        (1, envelope.seal(SIGNAL, SWARM ^ 1, 1, 7, 0, 0.0, b"hey"), "foreign"),
        (None, said(0), "stranger"),
        (4, said(0, sender=4), "stranger"),
        (2, said(0, sender=1), "forged"),
        (1, said(0, sender=0), "forged"),
        (0, said(0, sender=0), "forged"),
    ],
)
def test_what_is_refused_at_first_sight(who: int | None, data: bytes, why: str) -> None:
    it = guard()
    assert it.judge(1.0, who, data) == why
    assert it.counters == Counter({why: 1})
    assert not it.peers


def test_a_recording_that_is_played_again_is_refused_as_a_whole() -> None:
    it = guard()
    recording = [said(n, 0.2 * n) for n in range(20)]
    for n, data in enumerate(recording):
        assert isinstance(it.judge(9 + 0.2 * n, 1, data), Letter)
    for data in recording:
        assert it.judge(14.0, 1, data) == "replayed"
    for n in range(5):  # it starts again, and its earlier boot is played back
        assert isinstance(it.judge(20 + 0.2 * n, 1, said(n, 0.2 * n, boot=8)), Letter)
    for data in recording:
        assert it.judge(21.0, 1, data) == "replayed"
    assert it.state(1, 20.8) is State.ALIVE
    assert refusals(it) == {"replayed": 40}


def test_only_a_connection_tells_which_boot_is_the_present_one() -> None:
    """Datagrams of any earlier boot may have been recorded, and a guard that is new knows none of them."""
    it = guard()
    assert it.judge(1.0, 1, said(0, boot=111), cast=True) == "early"
    assert it.judge(1.0, 1, said(0, boot=222), cast=True) == "early"
    assert it.state(1, 1.0) is State.UNKNOWN
    assert isinstance(it.judge(1.2, 1, said(4, 0.2, boot=222)), Letter)
    assert it.judge(1.3, 1, said(3, boot=111), cast=True) == "early"
    assert isinstance(it.judge(1.4, 1, said(5, 0.4, boot=222), cast=True), Letter)
    assert isinstance(it.judge(1.6, 1, said(0, 0.0, boot=333)), Letter)
    assert it.judge(1.8, 1, said(6, boot=222), cast=True) == "replayed"
    assert isinstance(it.judge(1.8, 1, said(1, 0.2, boot=333), cast=True), Letter)
    assert refusals(it) == {"early": 3, "replayed": 1}


def test_without_keys_datagrams_are_believed() -> None:
    it = Guard(0, SWARM, TOPICS, None)
    assert isinstance(it.judge(1.0, None, said(0), cast=True), Letter)
    assert isinstance(it.judge(1.2, None, said(0, boot=8), cast=True), Letter)


def test_earlier_boots_are_remembered_up_to_a_bound() -> None:
    it = guard()
    for boot in range(BOOTS + 2):
        assert isinstance(it.judge(float(boot), 1, said(0, boot=boot)), Letter)
    assert all(it.judge(99.0, 1, said(5, boot=boot)) == "replayed" for boot in range(1, BOOTS + 1))
    assert len(it.peers[1].left) == BOOTS


@given(st.permutations(range(12)), st.lists(st.integers(0, 11), max_size=6))
def test_of_shuffled_and_doubled_messages_only_the_newest_count(order: list[int], again: list[int]) -> None:
    it = guard()
    newest = -1
    for seq in [*order, *again]:
        verdict = it.judge(1.0, 1, said(seq, 1.0))
        if seq > newest:
            assert isinstance(verdict, Letter) or verdict == "flood"
            newest = seq
        else:
            assert verdict in ("disordered", "replayed")
    assert it.counters["replayed"] == len(again)
    assert it.counters["disordered"] == sum(any(o > seq for o in order[:i]) for i, seq in enumerate(order))


def test_what_was_overtaken_long_ago_is_taken_for_replayed() -> None:
    it = guard()
    it.judge(1.0, 1, said(2 * WINDOW))
    assert it.judge(1.0, 1, said(WINDOW)) == "replayed"
    assert it.judge(1.0, 1, said(WINDOW + 1)) == "disordered"
    assert it.judge(1.0, 1, said(WINDOW + 1)) == "replayed"
    assert it.judge(1.1, 1, said(2**64 - 1)) == Letter(SIGNAL, 1, b"hey", pytest.approx(0.1, abs=0.01))
    assert it.judge(1.1, 1, said(2 * WINDOW + 1)) == "replayed"


# Age


@given(
    st.floats(-1e6, 1e6),
    st.floats(-1e-4, 1e-4),
    st.lists(st.floats(0, 0.05), min_size=30, max_size=30),
    st.floats(0, 2.0),
)
def test_ages_need_no_common_clock(skew: float, rate: float, delays: list[float], late: float) -> None:
    """Clocks an hour or days apart, one quick, one slow: only what a message took longer than others counts."""
    assume(abs(late - LATE) > 0.07 and abs(late - OLD) > 0.07)
    it = guard()
    now = 0.0
    for n, delay in enumerate(delays):
        now = 0.2 * n + delay
        assert isinstance(it.judge(now, 1, said(n, skew + 0.2 * n * (1 + rate))), Letter)
    sent = 0.2 * len(delays)
    verdict = it.judge(sent + late + 0.025, 1, said(99, skew + sent * (1 + rate)))
    if late > OLD:
        assert verdict == "old"
    else:
        assert isinstance(verdict, Letter)
        assert verdict.age == pytest.approx(late, abs=0.06)
        assert it.counters["late"] == (late > LATE)


def test_clocks_that_drift_apart_make_nobody_old() -> None:
    """A day at 5 Hz with clocks that differ by 100 ppm drifts by 8.6 s."""
    it = guard()
    for n in range(0, 24 * 3600 * 5, 25):
        verdict = it.judge(0.2 * n, 1, said(n, 0.2 * n * (1 - 1e-4)))
        assert isinstance(verdict, Letter)
    assert verdict.age < 0.01
    assert not refusals(it)


def test_what_piled_up_behind_a_cut_is_refused() -> None:
    it = guard()
    for n in range(10):
        it.judge(0.2 * n, 1, said(n, 0.2 * n))
    verdicts = [it.judge(6.0, 1, said(n, 0.2 * n)) for n in range(10, 31)]
    assert verdicts[:14] == ["old"] * 14
    ages = [v.age for v in verdicts[15:] if isinstance(v, Letter)]
    assert ages == pytest.approx([1.0, 0.8, 0.6, 0.4, 0.2, 0.0], abs=0.01)


def test_a_clock_that_starts_anew_with_its_robot_harms_nothing() -> None:
    it = guard()
    for n in range(5):
        it.judge(1e6 + 0.2 * n, 1, said(n, 5e5 + 0.2 * n))
    assert it.judge(1e6 + 3, 1, said(0, 0.0, boot=8)) == Letter(SIGNAL, 1, b"hey", 0.0)


# Rate


@pytest.mark.parametrize("rate", [5, 20, 1000, 10_000])
def test_a_flood_comes_down_to_the_rate_of_its_topic(rate: int) -> None:
    it, seconds = guard(), 10
    for n in range(rate * seconds):
        it.judge(n / rate, 1, said(n, n / rate))
        if n % rate == 0:
            assert isinstance(it.judge(n / rate, 2, said(n, n / rate, sender=2)), Letter)
    taken, allowed = it.peers[1].counters["received"], MARGIN * TOPICS[SIGNAL].rate
    assert taken <= allowed * (seconds + 1)
    assert taken == rate * seconds or taken > allowed * seconds * 0.99
    assert it.peers[1].counters["flood"] == rate * seconds - taken
    assert it.peers[2].counters["received"] == seconds, "nobody else pays for it"
    assert it.judge(seconds + 1.0, 1, said(10**6, seconds + 1.0)) != "flood", "it is heard again once it stops"


def test_a_flood_of_boots_is_one_too() -> None:
    it = guard()
    verdicts = [it.judge(1 + n / 1e4, 1, said(0, boot=n)) for n in range(1000)]
    assert sum(isinstance(v, Letter) for v in verdicts) < 10
    assert len(it.peers[1].left) == BOOTS


# Who is there


def test_alive_stale_lost_and_back() -> None:
    it = guard()
    assert it.state(1, 0.0) is State.UNKNOWN
    it.judge(1.0, 1, said(0, topic=HERE, payload=b""))
    assert [it.state(1, 1 + t) for t in (0, STALE, STALE + 0.01, LOST - 0.01, LOST + 0.01)] == [
        State.ALIVE,
        State.ALIVE,
        State.STALE,
        State.STALE,
        State.LOST,
    ]
    assert it.alive(1.7) == [1]
    assert it.alive(1.9) == []
    it.judge(9.0, 1, said(1, 8.0))
    assert it.state(1, 9.0) is State.ALIVE


def test_what_is_refused_keeps_nobody_alive() -> None:
    it = guard()
    it.judge(1.0, 1, said(0, 1.0))
    for n in range(20):
        it.judge(1.0 + 0.1 * n, 1, said(0, 1.0))
        it.judge(1.0 + 0.1 * n, 2, said(0, 1.0))
    assert it.state(1, 3.0) is State.LOST


def test_without_keys_everybody_is_believed_but_there_is_a_bound() -> None:
    it = Guard(0, SWARM, TOPICS, None)
    for n in range(1, MOST + 1):
        assert isinstance(it.judge(1.0, None, said(0, sender=n)), Letter)
    assert it.judge(1.5, None, said(0, sender=MOST + 1)) == "crowded"
    for n in range(2, MOST + 1):
        it.judge(1.9, None, said(1, 0.9, sender=n))
    assert isinstance(it.judge(2.5, None, said(0, sender=MOST + 1)), Letter), "in place of the one that is lost"
    assert 1 not in it.peers
    assert len(it.peers) == MOST
    assert it.counters["received"] == 2 * MOST


# Whatever comes

messages = st.builds(
    envelope.seal,
    st.integers(0, 255),
    st.just(SWARM) | st.integers(0, 2**32 - 1),
    st.integers(0, 5) | st.integers(0, 2**16 - 1),
    st.integers(0, 3) | st.integers(0, 2**64 - 1),
    st.integers(0, 9) | st.integers(0, 2**64 - 1),
    st.floats(),
    st.binary(max_size=20),
)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    data = bytearray(draw(messages))
    for _ in range(draw(st.integers(0, 3))):
        kind, place = draw(st.integers(0, 3)), draw(st.integers(0, len(data)))
        if kind == 0:
            data[place : place + 1] = draw(st.binary(max_size=2))
        elif kind == 1:
            del data[place:]
        elif kind == 2:
            data[place:place] = draw(st.binary(max_size=9))
        else:
            data += bytes(draw(st.integers(0, 3000)))
    return bytes(data)


def survives(sequence: list[tuple[float, int | None, bytes]]) -> None:
    for robots in (ROBOTS, None):
        it = Guard(0, SWARM, TOPICS, robots)
        for now, who, data in sequence:
            verdict = it.judge(now, who, data)
            if isinstance(verdict, Letter):
                assert verdict.sender in (robots or range(2**16))
                assert verdict.sender != 0
                assert len(verdict.payload) <= TOPICS[verdict.topic].most
                assert 0 <= verdict.age <= OLD
        assert sum(n for why, n in it.counters.items() if why != "late") == len(sequence)
        assert len(it.peers) <= MOST


sequences = st.lists(st.tuples(st.floats(0, 1e9), st.none() | st.integers(0, 5), mutated() | st.binary()), max_size=8)


@given(sequences)
@example([(0.0, 1, b"j1")])
def test_whatever_comes(sequence: list[tuple[float, int | None, bytes]]) -> None:
    survives(sorted(sequence, key=lambda one: one[0]))


@pytest.mark.slow
@settings(max_examples=20_000)
@given(sequences)
def test_whatever_comes_at_length(sequence: list[tuple[float, int | None, bytes]]) -> None:
    survives(sorted(sequence, key=lambda one: one[0]))
