"""The table of peers: who is kept, who is replaced, who is forgotten."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from swarm import wire
from swarm.peers import HEARD, forget, listen, nobody
from swarm.wire import Signal, WireError


def signal(sender: int, waiting: float = 0.0, site: int = -1, action: int = -1) -> Signal:
    return Signal(sender, 1, 0, 0.0, (0.75, 0.25), waiting, 7.5, site, 9, action, 2, 3, 0.5, 0.75)


def hear(table: np.ndarray, tick: int, sender: int, said: Signal) -> None:
    assert listen(table, tick, [(sender, wire.encode(said))]) == ([], 0)


def test_nobody() -> None:
    assert nobody(3)["id"].tolist() == [-1, -1, -1]


def test_hear() -> None:
    table = nobody(3)
    hear(table, 17, 4, signal(4, 2.5, 31, 1))
    told = [table[0][name].tolist() for name in HEARD.names or () if name != "concentrations"]
    assert told == [4, 17, 2.5, 7.5, 31, 9, 1, 2, 3, 0.5, 0.75, 0]
    assert table["id"].tolist() == [4, -1, -1]


def test_who_has_two_strategies_says_nothing_of_the_others() -> None:
    table = nobody(2)
    hear(table, 17, 4, signal(4))
    hear(table, 17, 5, structs.replace(signal(5), stimulation=(0.5, 0.25, 0.125, 0.0)))
    np.testing.assert_array_equal(table["concentrations"], [[0.75, 0.25, np.nan, np.nan], [0.5, 0.25, 0.125, 0.0]])


def test_the_latest_signal_of_a_robot_counts() -> None:
    table = nobody(3)
    hear(table, 1, 4, signal(4, 1.0))
    hear(table, 1, 5, signal(5, 1.0))
    hear(table, 6, 4, signal(4, 6.0))
    assert table["id"].tolist() == [4, 5, -1]
    assert table["waiting"][:2].tolist() == [6, 1]
    assert table["tick"][:2].tolist() == [6, 1]


def test_a_full_table_gives_up_the_one_heard_longest_ago() -> None:
    table = nobody(3)
    for tick, sender in enumerate((7, 8, 9)):
        hear(table, tick, sender, signal(sender))
    hear(table, 3, 7, signal(7))
    hear(table, 4, 2, signal(2))
    assert sorted(table["id"].tolist()) == [2, 7, 9]


def test_forget() -> None:
    table = nobody(3)
    for tick, sender in ((10, 1), (15, 2), (20, 3)):
        hear(table, tick, sender, signal(sender))
    forget(table, 20, 10, -1, 10)
    assert table["id"].tolist() == [1, 2, 3]  # heard 10 ticks ago is not too long ago
    forget(table, 21, 10, -1, 10)
    assert table["id"].tolist() == [-1, 2, 3]
    hear(table, 22, 5, signal(5))
    assert table["id"].tolist() == [5, 2, 3]
    forget(table, 100, 10, -1, 10)
    assert table["id"].tolist() == [-1, -1, -1]


def test_who_works_at_the_same_site_is_forgotten_later() -> None:
    table = nobody(4)
    for sender, said in ((1, signal(1, site=7, action=2)), (2, signal(2, site=7)), (3, signal(3, site=8, action=2))):
        hear(table, 10, sender, said)
    forget(table, 21, 10, 7, 30)
    assert table["id"].tolist() == [1, -1, -1, -1], "not who is only on the way there, nor who works elsewhere"
    forget(table, 40, 10, 7, 30)
    assert table["id"][0] == 1
    forget(table, 41, 10, 7, 30)
    assert table["id"][0] == -1
    hear(table, 50, 4, signal(4, site=-1, action=-1))
    forget(table, 61, 10, -1, 30)
    assert table["id"][0] == -1, "who is nowhere is not where others are nowhere"


@given(
    st.integers(1, 5),
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 8)), max_size=60),
)
def test_the_table_holds_the_latest_heard(most: int, heard: list[tuple[int, int]]) -> None:
    """Against a plain account of who was heard when; ticks never go back."""
    table, latest = nobody(most), dict[int, int]()
    tick = 0
    for wait, sender in heard:
        tick += wait
        hear(table, tick, sender, signal(sender, waiting=float(tick)))
        latest[sender] = tick
    ids = [int(i) for i in table["id"] if i >= 0]
    assert len(ids) == len(set(ids)) == min(most, len(latest))
    for row in table[table["id"] >= 0]:
        assert (row["tick"], row["waiting"]) == (latest[int(row["id"])], latest[int(row["id"])])
    if len(latest) > len(ids):
        left_out = max(latest[sender] for sender in latest if sender not in ids)
        assert left_out <= table["tick"].min()


def test_numbers_that_a_signal_can_carry_fit() -> None:
    table = nobody(1)
    most = Signal(32767, 0, 0, 0.0, (0.0, 1.0), 1e6, 1e6, 2**31 - 1, 65535, 2, 64, 64, 1e6, 1.0, 2**63 - 1)
    hear(table, 2**31 - 1, 32767, most)
    assert table[0].tolist()[:2] == (32767, 2**31 - 1)
    assert table[0].tolist()[4:] == (1e6, 2**31 - 1, 65535, 2, 64, 64, 1e6, 1.0, 2**63 - 1)


OUTCOMES = [wire.Outcome(number, 1, 0.0) for number in range(30)]


def tells(sender: int, first: int, told: int) -> tuple[int, bytes]:
    """A signal with the outcomes from `first` up to the `told`-th."""
    return sender, wire.encode(structs.replace(signal(sender), told=told, outcomes=tuple(OUTCOMES[first:told])))


def test_an_outcome_that_is_told_again_is_news_once() -> None:
    table = nobody(3)
    assert listen(table, 1, [tells(4, 0, 2)]) == (OUTCOMES[0:2], 0)
    assert listen(table, 3, [tells(4, 0, 2)]) == ([], 0)
    assert listen(table, 5, [tells(4, 1, 4)]) == (OUTCOMES[2:4], 0)
    assert listen(table, 5, [tells(5, 1, 4)]) == (OUTCOMES[1:4], 0), "of another one they are others"
    assert listen(table, 7, [tells(4, 4, 4)]) == ([], 0)
    assert listen(table, 9, [tells(4, 10, 12)]) == (OUTCOMES[10:12], 0), "what was missed is missed"


def test_who_starts_again_tells_from_the_start() -> None:
    table = nobody(3)
    listen(table, 1, [tells(4, 8, 10)])
    assert listen(table, 3, [tells(4, 0, 1)]) == (OUTCOMES[0:1], 0)
    assert listen(table, 5, [tells(4, 0, 2)]) == (OUTCOMES[1:2], 0)


@given(st.lists(st.tuples(st.integers(0, 2), st.booleans()), max_size=60))
def test_what_is_lost_and_told_again_arrives_once(ticks: list[tuple[int, bool]]) -> None:
    """A sender tells what came of it in its last five signals; an outcome of which one signal arrives is news then."""
    table, all_told, due = nobody(2), 0, []
    news: list[wire.Outcome] = []
    since: dict[int, int] = {}  # outcome -> tick
    for tick, (new, arrives) in enumerate(ticks):
        for number in range(all_told, min(len(OUTCOMES), all_told + new)):
            since[number] = tick
        all_told = len(since)
        window = [number for number, then in since.items() if tick - then < 5][-wire.OUTCOMES :]
        forget(table, tick, 5, -1, 5)
        if arrives:
            due += [number for number in window if number not in due]
            news += listen(table, tick, [tells(4, all_told - len(window), all_told)])[0]
    assert news == [OUTCOMES[number] for number in due]


@pytest.mark.parametrize("site", [2**31, -2, 2**62])
def test_numbers_that_would_not_fit_are_refused_on_the_wire(site: int) -> None:
    with pytest.raises(WireError):
        wire.signal(wire.encode(signal(3, site=site)))


@pytest.mark.parametrize("most", [1, 12])
def test_tables_are_of_fixed_size(most: int) -> None:
    table = nobody(most)
    for sender in range(40):
        hear(table, sender, sender, signal(sender))
    assert table.shape == (most,)
    assert set(table["id"].tolist()) == set(range(40 - most, 40))
    assert np.isfinite(table["waiting"]).all()
