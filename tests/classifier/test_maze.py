"""Mazes: the maps, what is refused, and that multi-step XCS finds the shortest ways."""

from pathlib import Path

import numpy as np
import pytest

from classifier import maze


@pytest.mark.parametrize(
    ("name", "mean", "starts"),
    [("woods1", 27 / 16, 16), ("maze4", 3.5, 26), ("maze5", 166 / 36, 36), ("maze6", 187 / 36, 36)],
)
def test_the_maps_have_the_published_shortest_ways_and_no_two_cells_look_alike(
    name: str, mean: float, starts: int
) -> None:
    world = maze.load(name)
    assert maze.shortest(world).mean() == pytest.approx(mean)
    assert len(world.starts) == len(set(world.seen[world.starts].tolist())) == starts


def test_a_cell_sees_and_goes_clockwise_from_the_north_across_the_edges() -> None:
    world = maze.parse(["OOO", "OOF", "O*O"])
    # From the middle: north O, north-east O, east F (3), south-east O, south * (1).
    assert world.seen[4] == 3 << 4 | 1 << 8
    assert world.following[4].tolist() == [1, 2, 5, 8, 4, 6, 3, 0]
    assert world.final[4].tolist() == [action == 2 for action in range(8)]
    assert world.reward[4, 2] == maze.PAYOFF
    assert world.following[0].tolist()[:2] == [6, 0]  # over the edge to the south-west corner; a wall stays


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        ("OO\nO", "line 2 has 1 cells, line 1 has 2"),
        ("OF\nO.", r"line 2, cell 2: '\.': must be one of O \* T F"),
        ("**\n*F", r"has no free cell \(O\)"),
        ("OO\n**", r"has no food \(F\)"),
    ],
)
def test_what_is_no_maze_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "map").write_text(text)
    with pytest.raises(maze.MazeError, match=f"map: {message}"):
        maze.load(tmp_path / "map")


def test_an_unknown_maze_is_told_what_ships() -> None:
    with pytest.raises(maze.MazeError, match=r"^woods9: no such file; those that ship are maze4, maze5, maze6, woods1"):
        maze.load("woods9")


def test_woods1_is_learnt() -> None:
    world, params = maze.load("woods1"), maze.params(800)
    pop, _ = maze.practise(world, 500, 1, params)
    assert maze.greedy(pop, world, params, 1).mean() <= 1.70


@pytest.mark.slow
@pytest.mark.parametrize(("name", "most"), [("woods1", 1.70), ("maze4", 3.55), ("maze5", 4.75), ("maze6", 5.35)])
def test_every_seed_learns_every_maze(name: str, most: float) -> None:
    world, params = maze.load(name), maze.params()
    means = []
    for seed in range(1, 11):
        pop, _ = maze.practise(world, 5000, seed, params)
        means.append(float(np.mean(maze.greedy(pop, world, params, seed))))
    assert max(means) <= most, means
