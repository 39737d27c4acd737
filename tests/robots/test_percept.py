"""Percepts: one record of fixed layout, and sensors whose parameters make sense."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import robots.percept
from robots.percept import Odometry, Proximity, RangeBearing, Sensors, blank, percept_dtype

SMALL = Sensors(Proximity(rays=5), RangeBearing(most=3), RangeBearing(most=2))


def test_layout_follows_the_sensors() -> None:
    dtype = percept_dtype(SMALL)
    shapes = {name: dtype[name].shape for name in dtype.names or ()}
    assert shapes["proximity"] == (5,)
    assert (shapes["robot_id"], shapes["robot_rb"]) == ((3,), (3, 2))
    assert (shapes["site_id"], shapes["site_rb"], shapes["site_face"], shapes["site_kind"]) == (
        (2,),
        (2, 2),
        (2,),
        (2,),
    )
    # without gaps: 5 rays, 3 x (2 + 8), 2 x (4 + 8 + 4 + 2), then progress to pose
    assert dtype.itemsize == 20 + 30 + 36 + (4 + 4 + 1 + 8 + 4 + 24 + 12)


def test_the_docstring_lists_all_fields() -> None:
    listed = re.findall(r"^(\w+) +(?:\([^)]*\) *)?([fiu]\d)\b", robots.percept.__doc__ or "", re.MULTILINE)
    dtype = percept_dtype(Sensors())
    assert [(name, dtype[name].base.str[1:]) for name in dtype.names or ()] == listed


def test_further_fields_come_last() -> None:
    dtype = percept_dtype(SMALL, [("smoke", "f4", ()), ("colours", "u1", (4, 3))])
    assert (dtype.names or ())[-2:] == ("smoke", "colours")
    assert (dtype["smoke"].shape, dtype["colours"].shape) == ((), (4, 3))
    plain = percept_dtype(SMALL)
    assert {name: dtype.fields[name] for name in plain.names} == dict(plain.fields)  # type: ignore[index, union-attr, arg-type]


def test_field_names_are_given_once() -> None:
    with pytest.raises(ValueError, match="pose"):
        percept_dtype(SMALL, [("pose", "f4", ())])


def test_blank_says_nothing() -> None:
    (percept,) = blank(percept_dtype(SMALL), 1)
    assert percept["robot_id"].tolist() == [-1, -1, -1]
    assert percept["site_id"].tolist() == [-1, -1]
    assert (percept["touch"], percept["grip"]) == (-1, 0)
    assert percept["odometry"].tolist() == [0, 0]
    for name in ("robot_rb", "site_rb", "site_face", "progress", "battery", "imu", "pose"):
        assert np.isnan(percept[name]).all(), name


def test_blank_takes_any_shape() -> None:
    assert blank(percept_dtype(SMALL)).shape == ()
    assert blank(percept_dtype(SMALL), (2, 3)).shape == (2, 3)
    assert (blank(percept_dtype(SMALL), (2, 3))["touch"] == -1).all()


def test_records_survive_as_bytes() -> None:
    dtype = percept_dtype(SMALL)
    percepts = blank(dtype, 3)
    percepts["site_kind"][1, 0] = 65535
    percepts["robot_rb"][2, 1] = 0.5, -3.0
    again = np.frombuffer(percepts.tobytes(), dtype)
    assert again.tobytes() == percepts.tobytes()
    assert again["robot_rb"][2, 1].tolist() == [0.5, -3.0]


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (lambda: Proximity(rays=2), "rays = 2: must lie in [3, 64]"),
        (lambda: Proximity(range=0), "range = 0: must lie in [0.01, 20]"),
        (lambda: Proximity(noise=-1), "noise = -1: must lie in [0, 1]"),
        (lambda: Proximity(dropout=1.5), "dropout = 1.5: must lie in [0, 1]"),
        (lambda: RangeBearing(range=float("nan")), "range = nan: must lie in [0.1, 100]"),
        (lambda: RangeBearing(most=0), "most = 0: must lie in [1, 64]"),
        (lambda: RangeBearing(noise_range=2), "noise_range = 2: must lie in [0, 1]"),
        (lambda: RangeBearing(noise_bearing=-0.1), "noise_bearing = -0.1: must lie in [0, 1]"),
        (lambda: RangeBearing(dropout=-0.1), "dropout = -0.1: must lie in [0, 1]"),
        (lambda: Odometry(noise=2), "noise = 2: must lie in [0, 1]"),
    ],
)
def test_sensors_out_of_range(build: Callable[[], Any], says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        build()


def test_site_sensor_sees_less_far_than_robot_sensor() -> None:
    assert (Sensors().sites.range, Sensors().sites.most) == (1.5, 4)
    assert (Sensors().robots.range, Sensors().robots.most) == (2.0, 12)
