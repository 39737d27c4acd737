"""Another machine's clock."""

from hypothesis import given
from hypothesis import strategies as st

from robots.clock import DRIFT, Foreign


@given(ahead=st.floats(-1e7, 1e7), sent=st.lists(st.tuples(st.floats(0, 10), st.floats(0, 2)), min_size=1, max_size=20))
def test_a_message_is_as_old_as_it_was_held_up_beyond_the_fastest(
    ahead: float, sent: list[tuple[float, float]]
) -> None:
    """Its age is never below zero, not by a rounding either: readings from the future stop a robot."""
    clock, fastest, begun = Foreign(), 2.0, 0.0
    for theirs, way in by_arrival(sent):
        now = theirs + way
        begun = begun or now
        fastest = min(fastest, way)
        age = now - clock.ours(theirs - ahead, now)
        assert age >= 0
        assert way - fastest - DRIFT * (now - begun) - 1e-6 <= age <= way - fastest + 1e-6


def by_arrival(sent: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """(when it was sent, s on its way), in order of arrival; `sent` gives the pauses between them."""
    at, out = 100.0, []
    for pause, way in sent:
        at += pause
        out.append((at, way))
    return sorted(out, key=sum)
