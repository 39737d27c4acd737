"""The tick log: what is written comes back; damaged files give what can be read, or one error."""

import io
import json
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path

import mcap.reader
import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcap.writer import Writer

from classifier.population import Rule
from robots.command import COMMAND
from robots.percept import Sensors, percept_dtype
from sim.site import Event
from swarm import record
from swarm.record import VERSION, Log, LogError, Tick
from swarm.recorder import Recorder
from swarm.report import REPORT
from swarm.view.snapshot import Stage
from swarm.watch import Watch

PERCEPT = percept_dtype(Sensors(), [("smell", "f4", (2,))])
DT = 0.1
TICKS = 35
HEARD = [[(1, b"from one"), (2, b"\x00\xff")], [], [(0, b"")]]


def random(dtype: np.dtype[np.void], rng: np.random.Generator) -> np.ndarray:
    """Three records of any bytes, NaN and all."""
    return np.frombuffer(rng.bytes(3 * dtype.itemsize), dtype)


STAGE = Stage(
    "mission",
    "",
    1,
    60.0,
    (-2.0, -2.0, 2.0, 2.0),
    [(0.0, 2.0, 4.0, 0.1)],
    0.06,
    0.56,
    {"ash": "red"},
    [(0.0, "")],
    {"ash": "1##0####"},
    Watch(),
)
RULE = Rule("1##0#################", 1, 1000.0, 3.5, 0.25, 31, 2)


def a_tick(tick: int) -> Tick:
    """All that is recorded of a tick."""
    rng = np.random.default_rng(tick)
    reports = random(REPORT, rng).copy()
    reports["strategy"] = rng.integers(0, 2, 3)
    return Tick(
        tick,
        rng.normal(size=(3, 3)),
        random(PERCEPT, rng),
        random(COMMAND, rng),
        reports,
        rng.random(3) < 0.5,
        np.array([tick, tick - 1, -1], np.int32),
        np.array([0, 1, tick], np.int32),
        rng.random(3) < 0.5,
        rng.integers(0, 2**31, (3, 3)).astype(np.int32),
        rng.integers(-1, 3, (3, 5)).astype(np.int16),
        HEARD if tick % 2 else [[], [], []],
        [[number, 0.5, -1.5, 3.0, 0.25, "ash", "pull", 2, 1.5] for number in range(tick % 3)],
        tick // 7,
        tick % 4,
        tick // 20,
    )


def write(path: Path, ticks: int = TICKS, *, close: bool = True) -> Recorder:
    recorder = Recorder(path, 'name = "mission"', PERCEPT, DT, STAGE)
    recorder.event(Event(0.0, "info", "it begins"))
    for tick in range(ticks):
        recorder.tick(a_tick(tick))
    recorder.event(Event(2.25, "error", "robot 1 was killed: äöü"))
    if close:
        recorder.close()
    return recorder


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("log") / "ticks.mcap"
    write(path)
    return path.read_bytes()


def same(read: Tick, tick: int) -> bool:
    wrote = a_tick(tick)
    arrays = zip(read[1:11], wrote[1:11], strict=True)
    return (
        all(a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes() for a, b in arrays)
        and read.tick == tick
        and read[11:] == wrote[11:]
    )


def read_bytes(data: bytes) -> list[Tick]:
    with tempfile.NamedTemporaryFile(suffix=".mcap") as file:
        file.write(data)
        file.flush()
        return list(record.read(Path(file.name)))


def test_every_value_comes_back(log: bytes) -> None:
    ticks = read_bytes(log)
    assert len(ticks) == TICKS
    assert all(same(read, tick) for tick, read in enumerate(ticks))


def test_metadata(tmp_path: Path) -> None:
    path = tmp_path / "ticks.mcap"
    write(path, 0)
    metadata = Log(path).metadata
    assert metadata["mission"] == 'name = "mission"'
    assert (metadata["version"], metadata["tick"]) == ("4", "0.1")
    assert json.loads(metadata["command"]) == [["speed", "<f4"], ["turn", "<f4"], ["grip", "|u1"]]
    assert list(record.read(path)) == []


def test_other_programs_can_read_it(log: bytes) -> None:
    reader = mcap.reader.make_reader(io.BytesIO(log), validate_crcs=True)
    summary = reader.get_summary()
    assert summary is not None
    assert summary.statistics is not None
    assert summary.statistics.message_count > 2 * TICKS + 2
    assert [index.name for index in summary.metadata_indexes] == ["jerne"]
    messages = list(reader.iter_messages(log_time_order=False))
    times = [message.log_time for _, channel, message in messages if channel.topic == record.TICK]
    assert times == [tick * 100_000_000 for tick in range(TICKS)]
    events = [
        (schema.name, message) for schema, channel, message in messages if channel.topic == record.EVENT and schema
    ]
    assert [name for name, _ in events] == ["foxglove.Log"] * 2
    assert events[1][1].log_time == events[1][1].publish_time == 2_250_000_000
    assert json.loads(events[1][1].data) == {
        "timestamp": {"sec": 2, "nsec": 250_000_000},
        "level": 4,
        "message": "robot 1 was killed: äöü",
        "name": "jerne",
        "file": "",
        "line": 0,
    }


def test_two_logs_of_the_same_are_the_same(log: bytes, tmp_path: Path) -> None:
    write(tmp_path / "again.mcap")
    assert (tmp_path / "again.mcap").read_bytes() == log


@pytest.mark.parametrize(("ticks", "kept"), [(0, 0), (9, 0), (10, 10), (19, 10), (30, 30), (35, 30)])
def test_a_run_that_is_cut_off_has_its_whole_seconds_on_the_disk(tmp_path: Path, ticks: int, kept: int) -> None:
    path = tmp_path / "ticks.mcap"
    recorder = write(path, ticks, close=False)
    on_disk = path.read_bytes()
    recorder.close()
    assert [tick.tick for tick in read_bytes(on_disk)] == list(range(kept))


def sound(ticks: Sequence[Tick]) -> bool:
    """Are these the first ticks, unharmed?"""
    return all(same(read, tick) for tick, read in enumerate(ticks))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_log_that_is_cut_off_is_read_up_to_there(log: bytes, data: st.DataObject) -> None:
    end = data.draw(st.integers(0, len(log) - 1))
    try:
        ticks = read_bytes(log[:end])
    except LogError as error:
        assert "not a tick log" in str(error)  # noqa: PT017 - one or the other
        assert end < 5000, "the metadata was there"
    else:
        assert sound(ticks)
        assert len(ticks) % 10 == 0 or len(ticks) == TICKS


def test_more_of_a_log_gives_no_less(log: bytes) -> None:
    def readable(end: int) -> int:
        return len(read_bytes(log[:end]))

    counts = [readable(end) for end in range(6000, len(log), 97)]
    assert counts == sorted(counts)
    assert counts[-1] == TICKS


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_damaged_log_is_read_up_to_the_damage(log: bytes, data: st.DataObject) -> None:
    place, bit = data.draw(st.integers(0, len(log) - 1)), data.draw(st.integers(0, 7))
    damaged = bytearray(log)
    damaged[place] ^= 1 << bit
    try:
        ticks = read_bytes(bytes(damaged))
    except LogError:
        assert place < 5000
    else:
        assert len(ticks) <= TICKS
        assert place < 5000 or sound(ticks), "a tick that is given is as it was written"


def other(metadata: dict[str, str] | None) -> bytes:
    """An MCAP file that is none of ours, or not quite."""
    stream = io.BytesIO()
    writer = Writer(stream)
    writer.start()
    if metadata is not None:
        writer.add_metadata("jerne", metadata)
    channel = writer.register_channel(record.TICK, "msgpack", 0)
    writer.add_message(channel, 0, b"\x01", 0, 0)
    writer.finish()
    return stream.getvalue()


FINE = {
    "version": VERSION,
    "tick": "0.1",
    "stage": msgspec.json.encode(STAGE).decode(),
    "percept": "[]",
    "command": '[["speed", "<f4"]]',
    "report": "[]",
}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", r"not a tick log \("),
        (b"version = 1\n", r"not a tick log \("),
        (bytes(5000), r"not a tick log \("),
        (other(None), r"not a tick log \(no metadata 'jerne'\)"),
        (other({"version": ""}), f"log format , this jerne reads {VERSION}"),
        (other({**FINE, "version": "3"}), f"log format 3, this jerne reads {VERSION}"),
        (other({k: v for k, v in FINE.items() if k != "percept"}), r"not a tick log \(KeyError\('percept'\)\)"),
        (other({**FINE, "report": "["}), r"not a tick log \("),
        (other({**FINE, "report": '[["x", "no type"]]'}), r"not a tick log \("),
        (other({**FINE, "report": "3"}), r"not a tick log \("),
    ],
)
def test_foreign_files(tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "foreign"
    path.write_bytes(data)
    with pytest.raises(LogError, match=rf"^{path}: {said}"):
        list(record.read(path))


@pytest.mark.parametrize("kind", [b"|a4", b"|O8", b"<V4", b"f4!", b"   "])
def test_a_log_whose_layouts_are_damaged_is_refused_without_a_warning(log: bytes, kind: bytes) -> None:
    damaged = log.replace(b'["speed", "<f4"]', b'["speed", "' + kind + b'"]')
    assert damaged != log
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        with pytest.raises(LogError, match="not a tick log"):
            read_bytes(damaged)
    assert not said


def test_a_log_whose_ticks_are_foreign_ends_at_once(tmp_path: Path) -> None:
    path = tmp_path / "foreign"
    path.write_bytes(other(FINE))
    assert list(record.read(path)) == []


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(LogError, match=rf"^{tmp_path}/none: cannot be read: No such file or directory$"):
        list(record.read(tmp_path / "none"))
    with pytest.raises(LogError, match=rf"^{tmp_path}: cannot be read: Is a directory$"):
        Log(tmp_path)
