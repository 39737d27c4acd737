"""What trackers say and robots derive from it."""

import math
import socket
import subprocess
import sys
import time
from contextlib import closing

import numpy as np
import pytest
import zmq
from hypothesis import given
from hypothesis import strategies as st

from robots.body import command
from robots.command import Limits
from robots.fence import Fence
from robots.percept import RangeBearing, Sensors, blank, percept_dtype
from robots.tracker import message
from robots.tracker.body import deed, resisted
from robots.tracker.message import Deed, Seen, Site, TrackerError, View
from robots.tracker.port import Latest, ZmqTracker
from robots.tracker.view import Contact, fill, pose_of, touched
from tests.conftest import wait

places, angles = st.floats(-1e4, 1e4), st.floats(-100, 100)
robots = st.builds(Seen, st.integers(0, 32767), places, places, angles)
shares = st.floats(0, 1)
sites = st.builds(
    Site, st.integers(0, 2**31 - 1), st.integers(0, 65535), places, places, angles, shares, shares, shares
)
views = st.builds(
    View,
    st.integers(0, 2**63 - 1),
    st.integers(0, 2**63 - 1),
    st.floats(0, 1e12),
    st.floats(0, 1e6),
    st.lists(robots, max_size=5).map(tuple),
    st.lists(sites, max_size=5).map(tuple),
)


def view(seq: int, time: float, *seen: Seen, sites: tuple[Site, ...] = (), age: float = 0.0, boot: int = 1) -> View:
    return View(boot, seq, time, age, seen, sites)


@given(views)
def test_views_survive_the_way(told: View) -> None:
    assert message.view(message.encode(told)) == told


@given(st.integers(0, 32767), st.integers(0, 2**31 - 1), st.floats(-1, 1), st.booleans())
def test_deeds_survive_the_way(robot: int, site: int, share: float, grip: bool) -> None:
    told = Deed(robot, site, share, grip)
    assert message.deed(message.encode(told)) == told


@given(st.binary(max_size=80))
def test_any_other_bytes_are_refused(data: bytes) -> None:
    for decode in (message.view, message.deed):
        with pytest.raises(TrackerError):
            decode(data)


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e5])
def test_places_that_cannot_be_are_refused(value: float) -> None:
    with pytest.raises(TrackerError):
        message.view(message.encode(view(0, 0.0, Seen(1, value, 0.0, 0.0))))
    with pytest.raises(TrackerError):
        message.view(message.encode(view(0, 0.0, age=value if math.isnan(value) else math.inf)))


def test_too_much_is_refused() -> None:
    with pytest.raises(TrackerError, match="at most"):
        message.view(b"\x00" * (message.MOST + 1))
    with pytest.raises(TrackerError):
        message.view(message.encode(view(0, 0.0, *[Seen(i % 9, 0, 0, 0) for i in range(1001)])))


def test_age_counts_what_held_a_view_up() -> None:
    """The clocks differ by 100 s; the second view was held up for 0.4 s, the third came fast."""
    latest = Latest()
    assert latest.age(1.0) == math.inf
    latest.take(message.encode(view(1, 100.0, age=0.1)), 200.0)
    assert latest.age(200.0) == pytest.approx(0.1)
    latest.take(message.encode(view(2, 100.1, age=0.1)), 200.5)
    assert latest.age(200.5) == pytest.approx(0.5, abs=0.001)
    latest.take(message.encode(view(3, 100.6, age=0.1)), 200.6)
    assert latest.age(200.7) == pytest.approx(0.2, abs=0.001)


def test_a_burst_of_old_views_is_old() -> None:
    latest = Latest()
    latest.take(message.encode(view(1, 100.0)), 200.0)
    for i in range(2, 40):
        latest.take(message.encode(view(i, 100.0 + i * 0.1)), 208.0)  # all at once, the last one 4.1 s late
    assert latest.age(208.0) == pytest.approx(4.1, abs=0.02)


def test_a_view_that_repeats_does_not_become_new() -> None:
    latest = Latest()
    data = message.encode(view(5, 100.0))
    latest.take(data, 200.0)
    for i in range(10):
        latest.take(data, 200.0 + i)
    latest.take(message.encode(view(4, 300.0)), 209.0)
    assert latest.age(209.0) == pytest.approx(9.0)
    latest.take(b"garbage", 209.0)
    assert latest.bad == 1


def test_a_tracker_that_started_again_counts_anew() -> None:
    latest = Latest()
    latest.take(message.encode(view(500, 1000.0)), 200.0)
    latest.take(message.encode(view(0, 0.5, boot=2)), 201.0)
    assert latest.view is not None
    assert (latest.view.boot, latest.age(201.0)) == (2, 0.0)


def test_over_real_sockets() -> None:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    pub, pull = context.socket(zmq.PUB), context.socket(zmq.PULL)
    ports = [socket.bind_to_random_port("tcp://127.0.0.1") for socket in (pub, pull)]
    tracker = ZmqTracker(*(f"tcp://127.0.0.1:{port}" for port in ports))
    try:
        told = view(1, 5.0, Seen(3, 1.0, 2.0, 0.5))
        wait(lambda: (pub.send(message.encode(told)), tracker.look(7.0))[1] is not None, 10)
        assert tracker.look(7.0) == told
        assert tracker.age(7.5) == pytest.approx(0.5)
        wait(lambda: (tracker.tell(Deed(3, 8, 0.5, False)), pull.poll(50))[1], 10)
        assert message.deed(pull.recv()) == Deed(3, 8, 0.5, False)
    finally:
        tracker.close()
        context.destroy(linger=0)


def test_of_what_waited_the_newest_counts_and_is_old() -> None:
    with zmq.Context() as context, context.socket(zmq.PUB) as pub:
        pub.setsockopt(zmq.LINGER, 0)
        with closing(ZmqTracker(f"tcp://127.0.0.1:{pub.bind_to_random_port('tcp://127.0.0.1')}")) as tracker:
            wait(lambda: (pub.send(message.encode(view(1, 5.0))), tracker.look(7.0))[1] is not None, 10)
            for seq in range(2, 202):
                pub.send(message.encode(view(seq, 5.0 + seq / 100)))
                pub.send_multipart([message.encode(view(10**6, 99.0)), b""])
            wait(lambda: (told := tracker.look(17.0)) and told.seq == 201, 10)
            assert tracker.age(17.0) == pytest.approx(10 - 2.01, abs=0.02)
            assert tracker._latest.bad >= 199


#: looks at the tracker at ADDRESS until it shows view 2
LOOKS = """
import sys, time
from robots.tracker.port import ZmqTracker
tracker = ZmqTracker(sys.argv[1])
while (view := tracker.look(time.monotonic())) is None or view.seq < 2:
    time.sleep(0.02)
tracker.close()
"""


def test_a_message_whose_parts_come_apart_ends_no_robot() -> None:
    """ZMTP by hand: libzmq sends no part before it has all."""

    def frame(data: bytes, more: int = 0) -> bytes:
        return bytes([more, len(data)]) + data

    greeting = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)
    ready = b"\x05READY\x0bSocket-Type" + (3).to_bytes(4, "big") + b"PUB"
    with socket.create_server(("127.0.0.1", 0)) as server:
        command = [sys.executable, "-c", LOOKS, f"tcp://127.0.0.1:{server.getsockname()[1]}"]
        with subprocess.Popen(command) as robot:
            line = server.accept()[0]
            line.sendall(greeting)
            line.recv(64, socket.MSG_WAITALL)
            line.sendall(b"\x04" + bytes([len(ready)]) + ready)
            line.recv(1)  # it says what it is, too
            time.sleep(0.2)
            line.sendall(frame(message.encode(view(1, 1.0))) + frame(b"first", 1))
            time.sleep(0.5)
            line.sendall(frame(b"last") + frame(message.encode(view(2, 2.0))))
            try:
                assert robot.wait(20) == 0
            finally:
                robot.kill()
                line.close()


SENSORS = Sensors(robots=RangeBearing(range=1.0, most=3), sites=RangeBearing(range=0.8, most=2))
FACE = Site(9, 0b101, 1.0, 0.0, math.pi, 0.56, 0.25, 0.0)  # looks to the robot at the origin


def percept_of(told: View, number: int) -> np.void:
    percept = blank(percept_dtype(SENSORS), 1)
    pose = pose_of(told, number)
    fill(percept, told, number, SENSORS, None if pose is None else touched(told.sites, pose, 0.08))
    return percept[0]


def test_neighbours_within_range_nearest_first() -> None:
    here = Seen(4, 1.0, 1.0, math.pi / 2)
    others = [Seen(7, 1.0, 1.9, 0.0), Seen(2, 0.5, 1.0, 0.0), Seen(5, 1.0, 2.1, 0.0)]
    percept = percept_of(view(1, 0.0, *others, here), 4)
    assert percept["robot_id"].tolist() == [2, 7, -1]
    assert percept["robot_rb"][:2].tolist() == [pytest.approx([0.5, math.pi / 2]), pytest.approx([0.9, 0.0], abs=1e-6)]
    assert percept["pose"].tolist() == pytest.approx([1.0, 1.0, math.pi / 2])


def test_sites_as_the_mission_has_them() -> None:
    far = Site(3, 1, 0.0, 0.9, 0.0, 0.56, 0.0, 0.0)
    told = view(1, 0.0, Seen(0, 0.5, 0.0, 0.3), sites=(far, FACE))
    percept = percept_of(told, 0)
    assert percept["site_id"].tolist() == [9, -1]
    assert percept["site_rb"][0].tolist() == pytest.approx([0.5, -0.3])
    assert percept["site_face"][0] == pytest.approx(math.pi - 0.3)
    assert (percept["site_kind"][0], percept["touch"]) == (5, -1)
    assert math.isnan(percept["progress"])


def test_a_robot_out_of_view_senses_nothing() -> None:
    percept = percept_of(view(1, 0.0, Seen(1, 0.0, 0.0, 0.0), sites=(FACE,)), 0)
    assert (percept["robot_id"] == -1).all()
    assert (percept["site_id"] == -1).all()
    assert np.isnan(percept["pose"]).all()


@pytest.mark.parametrize(
    ("x", "y", "gripped", "touches"),
    [
        (0.91, 0.0, -1, True),  # 8 cm of radius and 1 cm
        (0.88, 0.0, -1, False),  # 4 cm before it
        (0.88, 0.0, 9, True),  # a gripper stretches
        (0.83, 0.0, 9, False),
        (0.91, 0.29, -1, False),  # beside it
        (1.05, 0.0, -1, False),  # behind it
    ],
)
def test_touch(x: float, y: float, gripped: int, touches: bool) -> None:
    told = view(1, 0.0, Seen(0, x, y, 0.0), sites=(FACE,))
    pose = pose_of(told, 0)
    assert pose is not None
    assert (touched(told.sites, pose, 0.08, gripped) is not None) == touches


@pytest.mark.parametrize(
    ("give", "gap", "speed", "gripped", "left"),
    [
        (0.0, 0.0, 0.1, False, 0.0),  # it stands firm
        (0.0, -0.01, 0.1, False, 0.0),
        (0.0, 0.01, 0.1, False, 0.05),  # not quite there yet
        (0.03, 0.0, 0.1, False, 0.03),  # it gives way
        (0.03, -0.01, 0.1, False, 0.0),  # and the robot does not overtake it
        (0.0, 0.0, -0.1, False, -0.1),  # away is free
        (0.0, 0.03, -0.1, True, 0.0),  # unless it holds on
        (0.03, 0.03, -0.1, True, -0.03),
        (0.03, 0.05, -0.1, True, 0.0),
    ],
)
def test_virtual_plates_resist(give: float, gap: float, speed: float, gripped: bool, left: float) -> None:
    site = Site(9, 5, 1.0, 0.0, math.pi, 0.56, 0.25, give)
    assert resisted(Contact(site, gap, 0.1), speed, gripped=gripped) == pytest.approx(left)
    assert resisted(Contact(site, gap, 3.0), speed, gripped=gripped) == speed  # it turns its back


def test_deeds_are_what_the_wheels_are_told() -> None:
    limits, straight = Limits(0.1, 2.0), Contact(FACE, 0.0, 0.1)
    assert deed(straight, command(0.1, 0.0), 4, limits) == (Deed(4, 9, 1.0, False), -1)
    told, gripped = deed(straight, command(-0.1, 0.0, 1), 4, limits)
    assert (told, gripped) == (Deed(4, 9, -1.0, True), 9)
    askew = Contact(FACE, 0.0, 0.5)
    assert deed(askew, command(0.1, 1.0, 1), 4, limits) == (Deed(4, 9, 0.0, False), -1)


@given(st.floats(-1.2, 1.2), st.floats(-1.2, 1.2), st.floats(-4, 4), st.floats(-0.2, 0.2), st.floats(0, 0.5))
def test_the_fence_is_never_left(x: float, y: float, heading: float, speed: float, age: float) -> None:
    fence, limits = Fence(-1.0, -1.0, 1.0, 1.0), Limits(0.2, 2.0)
    out = fence.hold(command(speed, 1.0), np.array([x, y, heading]), age, limits)
    assert out["turn"][0] == 1.0
    after = fence.allows(
        x + float(out["speed"][0]) * 0.4 * math.cos(heading), y + float(out["speed"][0]) * 0.4 * math.sin(heading)
    )
    assert after <= fence.allows(x, y) + 1e-6


def test_the_way_back_in_is_open() -> None:
    fence, limits = Fence(-1.0, -1.0, 1.0, 1.0), Limits(0.2, 2.0)
    outside = np.array([1.1, 0.0, math.pi])
    assert fence.hold(command(0.1, 0.0), outside, 0.1, limits)["speed"][0] == np.float32(0.1)
    assert fence.hold(command(-0.1, 0.0), outside, 0.1, limits)["speed"][0] == 0.0


def test_the_fence_is_a_wall_to_the_proximity_ring() -> None:
    fence = Fence(-1.0, -2.0, 1.0, 2.0)
    assert fence.ahead(np.array([0.5, 0.0, 0.0]), 4) == pytest.approx([0.5, 2.0, 1.5, 2.0])
    assert fence.ahead(np.array([0.5, 0.0, math.pi / 4]), 4) == pytest.approx(
        np.array([0.5, 1.5, 1.5, 0.5]) * math.sqrt(2)
    )
    assert fence.ahead(np.array([1.1, 0.0, 0.0]), 4) == pytest.approx([0.0, 2.0, 2.1, 2.0]), "outside, the way back"
