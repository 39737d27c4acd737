"""Tuning: the best parameters of each controller, found with the same budget for all.

Each controller that has ranges gets `budget` parameter sets: first its own, then a scrambled Sobol sequence
over its ranges. All are played with the same seeds and changes, others than those of the study. The best is
the one of the highest geometric mean of tasks done after the change.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from swarm import missionfile
from swarm.study import plan
from swarm.study.archive import Run
from swarm.study.measures import NONE, Windows, measure
from swarm.study.plan import Cell
from swarm.study.pool import ordered
from swarm.study.spec import TUNED, Grid, Range, Sets, Spec, Tuned

if TYPE_CHECKING:
    from swarm.study.compare import Stage

_SEED = 1  # of the scrambling


def size(spec: Spec) -> int:
    """How many runs a tuning takes."""
    changes = spec.tune.changes or spec.all_changes()
    conditions = len(spec.conditions) or 1
    return len(spec.tune.ranges) * spec.tune.budget * spec.tune.seeds * len(changes) * conditions


def tune(spec: Spec, folder: Path, stage: "Stage", text: str, look_only: bool) -> Path | None:
    """Play what is not played yet and write the best assignments; their file, None if it was stopped before.

    With `look_only` nothing is played and the file must be there.
    """
    path = stage.out / TUNED
    if look_only:
        return path if path.is_file() else None
    proposals = {name: propose(ranges, spec.tune.budget) for name, ranges in spec.tune.ranges.items()}
    trials = trial_spec(spec, proposals)
    cells = plan.cells(trials, folder)
    archive = stage.open("tuning.sqlite")
    archive.admit(cells, text, stage.versions)
    seeds = range(spec.tune.first_seed, spec.tune.first_seed + spec.tune.seeds)
    if not stage.play(archive, ordered(cells, seeds), "tuning runs"):
        return None
    scores = score(cells, archive.runs(cells, seeds), spec.tune.seeds)
    best = {name: choose(name, sets, scores) for name, sets in proposals.items()}
    lines = [
        f"# {name}: {np.exp(scores[trial(name, 0)]):.3f} tasks as it was, {np.exp(scores[trial(name, i)]):.3f} tuned "
        f"(number {i} of {spec.tune.budget})"
        for name, i in best.items()
    ]
    head = "# Found by tuning; geometric means of tasks done after the change, on the seeds used for tuning.\n"
    found = Tuned({name: proposals[name][i] for name, i in best.items()})
    path.write_text(head + "".join(f"{line}\n" for line in lines) + missionfile.dumps(found), encoding="utf-8")
    print("\n".join([*lines, f"{path}: written"]), flush=True)
    return path


def trial(name: str, number: int) -> str:
    """What a parameter set of a controller is called as a controller of its own."""
    return f"{name} #{number}"


def propose(ranges: Mapping[str, Range], budget: int) -> list[Sets]:
    """`budget` parameter sets as assignments: none, then points of a scrambled Sobol sequence over the ranges."""
    from scipy.stats import qmc

    power = int(np.ceil(np.log2(max(1, budget - 1))))
    points = qmc.Sobol(len(ranges), rng=np.random.default_rng(_SEED)).random_base2(power)[: budget - 1]
    return [(), *(tuple(f"{key}={_at(r, x)}" for (key, r), x in zip(ranges.items(), p, strict=True)) for p in points)]


def _at(within: Range, share: float) -> str:
    """A value in a range, at a share of its length."""
    low, high = within.low, within.high
    value = low * (high / low) ** share if within.log else low + (high - low) * share
    return str(round(value)) if within.whole else f"{value:.4g}"


def trial_spec(spec: Spec, proposals: dict[str, list[Sets]]) -> Spec:
    """The study in which every parameter set is a controller."""
    tuning = spec.tune
    known = spec.all_controllers()
    controllers = {
        trial(name, i): (*known[name], *sets) for name, all_sets in proposals.items() for i, sets in enumerate(all_sets)
    }
    changes = {name: replace(c, set=(*c.set, *tuning.set)) for name, c in spec.all_changes().items()}
    return replace(
        spec,
        controllers=controllers,
        grid=Grid(),
        changes={name: changes[name] for name in tuning.changes or changes},
        sweep=(),
        reset=False,
        against=(),
        reference="",
        window=1.0,  # no rates are taken
        tune=replace(tuning, changes=(), ranges={}),
    )


def score(cells: Sequence[Cell], runs: Sequence[Run], seeds: int) -> dict[str, float]:
    """Controller -> mean log of the tasks done after the change; a run that failed counts as one without tasks."""
    windows = {cell.key: Windows.of(cell.mission) for cell in cells}
    logs: dict[str, list[float]] = {}
    for run in runs:
        logs.setdefault(run.cell[2], []).append(float(np.log(max(measure(run, windows[run.cell])["n_after"], NONE))))
    wanted: dict[str, int] = {}
    for cell in cells:
        wanted[cell.controller] = wanted.get(cell.controller, 0) + seeds
    return {
        name: (sum(logs.get(name, [])) + float(np.log(NONE)) * (count - len(logs.get(name, [])))) / count
        for name, count in wanted.items()
    }


def choose(name: str, sets: Sequence[Sets], scores: dict[str, float]) -> int:
    """The number of a controller's best parameter set; of equals the first."""
    return max(range(len(sets)), key=lambda i: (scores[trial(name, i)], -i))
