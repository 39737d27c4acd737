"""A task that several learners solve together: learnt, learnt again after a change, and kept."""

import pytest

from classifier import team


def test_a_team_learns_and_learns_again_after_a_change() -> None:
    course = team.practise(2, 24_000, 1, team.params())
    assert course.mastered() is not None
    assert course.mastered(12_000) is not None
    assert course.known[11] == course.known[-1] == 1
    assert course.known[12] < 1
    assert course.solved[-1000:].mean() > 0.8  # some explore


@pytest.mark.slow
@pytest.mark.parametrize("agents", [2, 3])
def test_what_was_learnt_is_kept_for_100_000_steps(agents: int) -> None:
    for seed in range(1, 6):
        course = team.practise(agents, 160_000, seed, team.params(), change=30_000)
        first, again = course.mastered(), course.mastered(30_000)
        assert first is not None
        assert first <= 30_000, (seed, first)
        assert again is not None
        assert again <= 30_000, (seed, again)
        kept = course.known[(30_000 + again) // team.CHECK :]
        assert len(kept) >= 100
        assert kept[-1] == 1
        assert (kept == 1).mean() >= 0.99, (seed, kept)
        share = course.solved[-100_000:].reshape(-1, 1000).mean(1)
        wrong = team.params().p_explore * (team.ACTIONS - 1) / team.ACTIONS
        flawless = (1 - wrong) ** agents  # of a team that knows all, and explores
        assert share.min() > flawless - 0.05, (seed, share.min())  # four standard deviations of a thousand steps


def test_a_team_of_none_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^agents = 0: must lie in \[1, 100\]$"):
        team.practise(0, 2000, 1, team.params())
