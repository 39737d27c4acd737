"""What a network does with its parameters: how fast it follows a change, and what can never come of it."""

import numpy as np

from immune import kernels, network
from immune.affinity import names_of
from immune.params import Params

PATIENCE = 5000  # steps after which a network counts as one that never turns round
GRID = {2: 11, 4: 5}  # antigens tried per antibody, by antibodies


def response(
    params: Params, high: float, low: float, before: int, after: int, turn: tuple[int, int] = (0, 1)
) -> np.ndarray:
    """Stimuli (before + after, B): the antigen is `high` for the one, then for the other of a `turn`, else `low`."""
    matrix, net = params.coupling(), network.start((), params.antibodies)
    out = np.empty((before + after, params.antibodies))
    for t in range(before + after):
        antigen = np.full(params.antibodies, low)
        antigen[turn[t >= before]] = high
        net = network.step(net, antigen, None, matrix, params)
        out[t] = net.S
    return out


def lag(params: Params, high: float, low: float, before: int, turn: tuple[int, int] = (0, 1)) -> int | None:
    """Steps after the antigen turned round, see `response`, until the elected antibody follows; None: it never does."""
    steps = kernels.network_lag(params.coupling(), params.record, high, low, before, PATIENCE, *turn)
    return None if steps < 0 else int(steps)


def findings(params: Params) -> list[str]:
    """What is wrong with a network: no coupling, stimuli that only their bound holds, antibodies never elected."""
    matrix = params.coupling()
    antibodies = len(matrix)
    names = names_of(antibodies)
    out = []
    if params.alpha == 0 or not matrix.any():
        out.append("no idiotypic coupling: the antibodies do not act on each other")
    grid = np.stack(np.meshgrid(*[np.linspace(0, 1, GRID[antibodies])] * antibodies, indexing="ij"), -1)
    net = network.start(grid.shape[:-1], antibodies)
    for _ in range(1000):
        net = network.step(net, grid, None, matrix, params)
    bound = np.abs(net.S) >= params.bound
    if bound.any():
        share = bound.any(-1).mean()
        out.append(f"winds up: for {share:.0%} of all antigens a stimulus runs to its bound of {params.bound:g}")
    elected = network.elect(net, 0)
    for i, name in enumerate(names):
        if not (elected == i).any():
            out.append(f"{name} is dead: no antigen ever elects it")
    return out
