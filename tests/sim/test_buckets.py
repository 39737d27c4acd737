"""Points in buckets: each is in one, and whoever is near is found."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sim.buckets import sort, span

COORDINATES = st.floats(-1e3, 1e3) | st.sampled_from([0.0, 0.5, np.nan])


@given(
    st.integers(0, 30).flatmap(lambda n: arrays(float, (n, 3), elements=COORDINATES)),
    st.tuples(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3)),
    st.floats(0, 500),
)
def test_whoever_is_near_is_in_the_span(points: np.ndarray, eye: tuple[float, float], reach: float) -> None:
    buckets = sort(points, 0.5)
    assert sorted(buckets.order.tolist()) == list(range(len(points)))
    np.testing.assert_array_equal(buckets.x, points[buckets.order, 0])
    left, right, low, high = span(buckets, *eye, reach)
    found = set()
    for row in range(low, high + 1):
        first = row * buckets.columns
        found |= set(buckets.order[buckets.start[first + left] : buckets.start[first + right + 1]].tolist())
    near = np.hypot(points[:, 0] - eye[0], points[:, 1] - eye[1]) <= reach
    assert set(np.flatnonzero(near).tolist()) <= found
    assert all(np.isfinite(points[list(found), :2]).all(1))
