"""Mazes in the field's text notation: `O` free, `*` or `T` wall, `F` food; the edges are joined.

The learner sees the eight cells around it, clockwise from the north, two bits each: 00 free, 01 wall,
11 food (the lower bit first in the word). It moves to one of the eight; a wall stops it. Food pays 1000 and
ends the problem.

Woods1, Maze4 and Maze5 are the published maps. Maze6 is a reconstruction: of the maps that differ from Maze5
by one wall put before the food and one taken away, it is the only one with the published shortest
ways (5.194 steps on average) in which no two cells look alike.
"""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from classifier.draws import START, uniform
from classifier.params import Params
from classifier.population import Population, empty
from classifier.training import World, episode

PAYOFF = 1000.0
AROUND = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))  # rows go south
CODES = {"O": 0, "*": 1, "T": 1, "F": 3}
MOST = 50  # steps
SHIPPED = Path(__file__).parent / "mazes"


class MazeError(ValueError):
    """A maze that cannot be read; says where."""


def load(file: Path | str) -> World:
    """The maze in a file, or one that ships: woods1, maze4, maze5, maze6. Raises MazeError."""
    known = {path.stem: path for path in sorted(SHIPPED.glob("*.txt"))}
    path = Path(file) if os.path.exists(file) else known.get(str(file), Path(file))
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise MazeError(f"{file}: no such file; those that ship are {', '.join(known)}") from None
    except OSError as error:
        raise MazeError(f"{file}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise MazeError(f"{file}: cannot be read: {error}") from None
    try:
        return parse(text.split())
    except MazeError as error:
        raise MazeError(f"{file}: {error}") from None


def parse(lines: Sequence[str]) -> World:
    """The world of a maze given line by line. Raises MazeError."""
    if not lines:
        raise MazeError("empty")
    for number, line in enumerate(lines, 1):
        if len(line) != len(lines[0]):
            raise MazeError(f"line {number} has {len(line)} cells, line 1 has {len(lines[0])}")
        for at, cell in enumerate(line, 1):
            if cell not in CODES:
                raise MazeError(f"line {number}, cell {at}: {cell!r}: must be one of {' '.join(CODES)}")
    cells = np.array([[CODES[cell] for cell in line] for line in lines])
    for code, what in ((0, "free cell (O)"), (3, "food (F)")):
        if not (cells == code).any():
            raise MazeError(f"has no {what}")
    around = np.stack([np.roll(cells, (-south, -east), (0, 1)) for south, east in AROUND], -1).reshape(-1, 8)
    numbers = np.arange(cells.size).reshape(cells.shape)
    there = np.stack([np.roll(numbers, (-south, -east), (0, 1)) for south, east in AROUND], -1).reshape(-1, 8)
    return World(
        bits=16,
        seen=(around << 2 * np.arange(8)).sum(-1),
        following=np.where(around == 1, np.arange(cells.size)[:, None], there),
        reward=np.where(around == 3, PAYOFF, 0.0),
        final=around == 3,
        starts=np.flatnonzero(cells.ravel() == 0),
    )


def shortest(world: World) -> np.ndarray:
    """The least number of steps to the food from each start, (S',)."""
    steps = np.full(len(world.seen), np.inf)
    for _ in steps:
        ahead = np.where(world.final, 0.0, steps[world.following])
        steps = np.minimum(steps, 1 + ahead.min(-1))
    return np.asarray(steps[world.starts])


def params(capacity: int = 3000) -> Params:
    """Settings for mazes [Butz, Goldberg & Lanzi 2005]: XCS with gradient."""
    return Params(
        capacity=capacity,
        gamma=0.9,
        mu=0.01,
        p_wild=0.3,
        epsilon0=1.0,
        theta_ga=25.0,
        tournament=0.0,
        copy_fitness=True,
    )


def practise(world: World, problems: int, seed: int, params: Params) -> tuple[Population, np.ndarray]:
    """Explore and exploit in turn, `problems` times each; the steps of the exploit problems, (problems,)."""
    pop = empty(params, world.bits, world.following.shape[1])
    drawn = uniform(seed, 0, np.arange(problems)[:, None], START, np.arange(2))
    starts = world.starts[(drawn * len(world.starts)).astype(int)]
    quiet = replace(params, theta_ga=1e9)  # exploiting learns, but does not evolve
    steps, tick = np.zeros(problems, int), 0
    for problem in range(problems):
        tick += episode(pop, world, int(starts[problem, 0]), params, seed, tick, explore=1.0)
        steps[problem] = episode(pop, world, int(starts[problem, 1]), quiet, seed, tick, explore=0.0)
        tick += int(steps[problem])
    return pop, steps


def greedy(pop: Population, world: World, params: Params, seed: int) -> np.ndarray:
    """Steps of the best actions from every start, at most MOST, without learning, (S',)."""
    return np.array(
        [
            episode(pop, world, int(start), params, seed, MOST * k, explore=0.0, learning=False)
            for k, start in enumerate(world.starts)
        ]
    )
