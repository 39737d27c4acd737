"""The report of a study: methods, tables, figures; words about effects follow from intervals alone."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from swarm.study import figures, measures, stats
from swarm.study.archive import Archive, Run
from swarm.study.document import Document
from swarm.study.measures import BACK_TO, MEASURES, NONE, Study
from swarm.study.plan import GOES_ON, Cell, Condition
from swarm.study.play import STUCK
from swarm.study.spec import Spec
from swarm.study.stats import Effect

MOST = 4  # conditions that get curves and boxes of their own


def write(
    spec: Spec,
    text: str,
    conditions: Sequence[Condition],
    cells: Sequence[Cell],
    runs: Sequence[Run],
    archive: Archive,
    out: Path,
) -> Path:
    """Write report.html, report.md and figures/ into the folder `out`; the path of the first."""
    study = Study(cells, runs, spec.window)
    (out / "figures").mkdir(exist_ok=True)
    for old in (out / "figures").glob("*.svg"):
        old.unlink()
    document = Document(f"{spec.name}: {spec.about}" if spec.about else spec.name)
    writer = Writer(spec, study, conditions, document, out)
    document.heading("Methods")
    writer.methods(cells, archive)
    document.heading("Results")
    with figures.style():
        writer.completeness(cells, archive)
        writer.against()
        writer.transfer()
        writer.known_rules()
        writer.returns()
        writer.grid()
        writer.equivalence()
        writer.sweep()
        writer.measures()
    document.heading("Appendix: the spec")
    document.code(text)
    return document.write(out)


class Writer:
    """Writes the sections of one report."""

    def __init__(
        self, spec: Spec, study: Study, conditions: Sequence[Condition], document: Document, out: Path
    ) -> None:
        self.spec, self.study, self.document, self.out = spec, study, document, out
        self.conditions = conditions
        self.learners = [name for name in study.controllers if name != spec.reference]

    def methods(self, cells: Sequence[Cell], archive: Archive) -> None:
        """What was done, generated from the spec."""
        spec, mission = self.spec, cells[0].mission
        n, robots = spec.seeds, sorted({cell.mission.robots.count for cell in cells})
        changing = [change for name, change in spec.all_changes().items() if change.type != "none"]
        self.document.paragraph(
            f"{len(self.study.controllers)} controllers were compared in {len(self.study.changes)} schedules under "
            f"{len(self.study.conditions)} condition{'s' * (len(self.study.conditions) > 1)}, each with the {n} seeds "
            f"{spec.first_seed} to {spec.first_seed + n - 1}, over the mission {spec.mission!r} "
            f"({_listed(robots)} robots, ticks of {mission.tick:g} s). "
            "Sites arrive as a Poisson process, open-loop; all arrivals, places and starts are drawn before a mission "
            "begins, from a stream that no controller draws from, so that for one seed all controllers meet the same."
        )
        if changing:
            afresh = (
                " Every controller was also played with minds that start afresh at the change, everything else being "
                "equal."
                if spec.reset
                else ""
            )
            self.document.paragraph(
                f"Each schedule has a first regime of {spec.before:g} s, then the change, then {spec.after:g} s "
                "(schedules of the type mission: the mission's own phases). "
                "Before: the second half of the phase before the change. After: the whole last phase." + afresh
            )
        self.document.paragraph(
            "A seed is the unit of all statistics, and everything is paired by seed. Ratios are geometric means of "
            f"paired ratios of tasks done (a run that finished none counts {NONE:g}), with {100 * stats.LEVEL:g}% "
            f"bootstrap intervals (BCa, {stats.RESAMPLES} resamples of seeds). Over all changes: per seed the mean "
            "of its log ratios. P-values are Wilcoxon's signed-rank test, two-sided, corrected after Holm over "
            "all rows of a table. P(>): share of seeds with the higher value, ties count half; d: mean log "
            "ratio over its standard deviation. Words follow from intervals alone: higher or lower where the "
            f"{100 * stats.LEVEL:g}% interval excludes 1, and nothing is said for fewer than {stats.FEW} seeds. "
            "Recovery: time from the change to the first window of "
            f"{spec.window:g} s in which a run has {100 * BACK_TO:g}% of the reference's mean rate in the same window; "
            "runs that never have are censored there (Kaplan-Meier), and the mean is restricted to the time observed. "
            "A first passage of a noisy rate comes early, the same way for all controllers. Latency: from "
            "arrival to done, restricted mean, open tasks censored. Deadlock: all robots at a site have "
            f"waited for more than {STUCK:g} s without progress."
        )
        self.document.table(
            "Controllers: what they set in the mission.",
            ["controller", "assignments"],
            [[name, "; ".join(sets) or "the mission's own"] for name, sets in spec.all_controllers().items()],
        )
        self.document.table(
            "Changes.",
            ["change", "type", "what happens"],
            [[name, change.type, self._told(name, cells)] for name, change in spec.all_changes().items()],
        )
        versions = {name: values for name, values in archive.versions().items() if name != "sources"}
        sources = archive.versions()["sources"]
        more = (
            f" The runs were played by {len(sources)} states of jerne's sources, which may differ in behaviour."
            if len(sources) > 1
            else ""
        )
        self.document.paragraph(
            "Software: "
            + ", ".join(f"{name} {' and '.join(values)}" for name, values in versions.items())
            + f"; sources {', '.join(sources)}.{more} All runs together took {archive.cpu() / 3600:.2f} hours of CPU."
        )

    def _told(self, change: str, cells: Sequence[Cell]) -> str:
        """The phases of a change in words, as far as they differ."""
        mission = next(cell.mission for cell in cells if cell.change == change)
        phases = []
        for phase in mission.phases:
            kinds = ", ".join(f"{name} {m.action} by {m.team}" for name, m in phase.kinds.items())
            lost = f", {phase.lost} robots lost" if phase.lost else ""
            where = phase.place + (f" ({phase.clusters})" if phase.place == "clustered" else "")
            phases.append(f"{phase.rate:g} / min, {phase.open} open, {where}{lost}: {kinds}")
        return " -> ".join(phases)

    def completeness(self, cells: Sequence[Cell], archive: Archive) -> None:
        """How much is there, and what failed."""
        wanted = len(cells) * self.spec.seeds
        there = sum(len(found) for found in self.study.runs.values())
        if there < wanted:
            self.document.paragraph(f"Not complete: {there} of {wanted} runs are there; the rest is not played yet.")
        failures = archive.failures(cells, self.spec.all_seeds())
        self.document.table(
            f"{len(failures)} runs failed and are left out, with their pairs.",
            ["cell", "seed", "error"],
            [[cell, str(seed), error] for cell, seed, error in failures[:20]],
        )
        if not self.spec.sweep and len(self.study.conditions) <= MOST:
            for condition in self.study.conditions:
                self._pictures(condition)

    def _pictures(self, condition: str) -> None:
        changing = self.study.changing(condition)
        if changing:
            path = self._path("curves", condition)
            figures.curves(path, self.study, condition, changing, self.spec.reference)
            self.document.figure(
                path,
                self.out,
                f"{condition}: tasks per minute around the change, mean over seeds with 95% band, in windows of "
                f"{self.spec.window:g} s around each point. Dotted: minds that start afresh at the change"
                + (f"; dashed: {self.spec.reference}." if self.spec.reference else "."),
            )
        path = self._path("boxes", condition)
        figures.boxes(path, self.study, condition, self.study.changes)
        self.document.figure(path, self.out, f"{condition}: tasks per minute after the change, a point per seed.")

    def against(self) -> None:
        """All controllers against those that the spec names."""
        for other in self.spec.against:
            rows = {
                (condition, controller): measures.effects(
                    self.study.changes,
                    partial(self.study.versus, condition, controller, other),
                )
                for condition in self.study.conditions
                for controller in self.study.controllers
                if controller != other
            }
            self.document.heading(f"Against {other}", 3)
            self._effects(rows, f"Tasks done after the change, ratio to {other}", f"against-{other}")

    def transfer(self) -> None:
        """Minds that go on against minds that start afresh."""
        rows = {
            (condition, controller): measures.effects(
                self.study.changing(condition),
                partial(self.study.transfer, condition, controller),
            )
            for condition in self.study.conditions
            for controller in self.learners
        }
        if any(rows.values()):
            self.document.heading("Transfer", 3)
            self._effects(
                rows, "Transfer T: tasks done after the change, minds that go on to minds that start afresh", "transfer"
            )

    def _effects(self, rows: dict[tuple[str, str], dict[str, Effect]], what: str, name: str) -> None:
        """A table of effects and their forest plot."""
        flat = [(key, change, effect) for key, effects in rows.items() for change, effect in effects.items()]
        corrected = stats.holm([effect.p for _, _, effect in flat])
        several = len(self.study.conditions) > 1
        self.document.table(
            f"{what}.",
            ["condition"] * several
            + ["controller", "change", "n", "ratio", "95% interval", "d", "P(>)", "p (Holm)", ""],
            [
                [key[0]] * several
                + [key[1], change, str(e.n), f"{e.ratio:.3f}", _interval(e.low, e.high), _number(e.d, 2)]
                + [f"{e.superior:.2f}", _p(p), e.verdict]
                for (key, change, e), p in zip(flat, corrected, strict=True)
            ],
        )
        if flat and len(flat) <= 150:
            path = self._path("forest", name)
            groups = {f"{c}, {k}" if several else k: effects for (c, k), effects in rows.items() if effects}
            figures.forest(path, groups, f"{what.partition(':')[0]} (95% interval)")
            self.document.figure(path, self.out, f"{what}, with 95% intervals; diamonds: over all changes.")

    def known_rules(self) -> None:
        """Regret and recovery against the controller that knows the rules."""
        reference = self.spec.reference
        if not reference:
            return
        regrets, times = [], []
        for condition in self.study.conditions:
            for controller in self.learners:
                found = measures.effects(
                    self.study.changes,
                    partial(self.study.versus, condition, controller, reference),
                )
                for change, e in found.items():
                    head = [condition, controller, change, str(e.n)]
                    regrets.append(
                        [*head, f"{1 - e.ratio:.3f}", _interval(1 - e.high, 1 - e.low), f"{100 * e.ratio:.0f}%"]
                    )
            for controller in self.study.controllers:
                for change in self.study.changing(condition):
                    r = self.study.recovery(condition, controller, reference, change)
                    if r.n:
                        middle = "not seen" if np.isinf(r.median) else f"{r.median:.0f}"
                        head = [condition, controller, change, f"{r.seen} of {r.n}"]
                        times.append([*head, f"{r.mean:.0f}", _interval(r.low, r.high, 0), middle])
        self.document.heading(f"Against known rules ({reference})", 3)
        self.document.table(
            f"Regret: 1 - tasks done after the change, relative to {reference}.",
            ["condition", "controller", "change", "n", "regret", "95% interval", "share reached"],
            regrets,
        )
        self.document.table(
            f"Time back to {100 * BACK_TO:g}% of the rate of {reference}, s; its own row shows what chance does.",
            ["condition", "controller", "change", "came back", "restricted mean", "95% interval", "median"],
            times,
        )

    def returns(self) -> None:
        """What a return to an old regime costs."""
        rows = []
        for condition in self.study.conditions:
            for change in self.study.changing(condition):
                for controller in self.study.controllers:
                    logs = self.study.second_time(condition, controller, change)
                    if not logs:
                        continue
                    e = stats.effect(np.array(list(logs.values())))
                    line = [condition, controller, change, str(e.n), f"{e.ratio:.3f}", _interval(e.low, e.high)]
                    reference = self.study.second_time(condition, self.spec.reference, change)
                    both = sorted(logs.keys() & reference.keys())
                    if both:
                        net = stats.effect(np.array([logs[seed] - reference[seed] for seed in both]))
                        line += [f"{net.ratio:.3f}", _interval(net.low, net.high), net.verdict]
                    else:
                        line += ["", "", e.verdict]
                    rows.append(line)
        if rows:
            self.document.heading("Return to an old regime", 3)
            self.document.table(
                "Second time to first: tasks done in the regime that has come back, relative to an equally long time "
                "from its first beginning; net: the same, relative to that of the reference. Above 1 a return is "
                "cheaper than the first time.",
                ["condition", "controller", "change", "n", "ratio", "95% interval", "net", "95% interval", ""],
                rows,
            )

    def grid(self) -> None:
        """Arbiters by learners."""
        arbiters, learners = self.spec.grid.arbiters, self.spec.grid.learners
        if len(arbiters) < 2 or len(learners) < 2:
            return
        self.document.heading("Arbiters by learners", 3)
        for condition in self.study.conditions:
            rows = []
            for arbiter in arbiters:
                values = [self._overall(condition, f"{arbiter} x {learner}") for learner in learners]
                rows.append([arbiter, *(f"{np.exp(np.mean(v)):.2f}" if len(v) else "-" for v in values)])
            self.document.table(
                f"{condition}: tasks per minute after the change, geometric mean over changes and seeds.",
                ["", *learners],
                rows,
            )
            if len(arbiters) == len(learners) == 2:
                (a, b), (x, y) = arbiters, learners
                parts = []
                for change in self.study.changes:
                    one = self.study.versus(condition, f"{a} x {x}", f"{b} x {x}", change)
                    two = self.study.versus(condition, f"{a} x {y}", f"{b} x {y}", change)
                    parts.append({seed: one[seed] - two[seed] for seed in one.keys() & two.keys()})
                e = measures.pooled(parts)
                self.document.paragraph(
                    f"Interaction: {a} to {b} is worth {e.ratio:.3f} {_interval(e.low, e.high)} times as much "
                    f"with {x} as with {y} (n = {e.n}): {e.verdict}."
                )

    def _overall(self, condition: str, controller: str) -> np.ndarray:
        """Logs of tasks per minute of all changes and seeds."""
        parts = []
        for change in self.study.changes:
            done = self.study.values(condition, change, controller, "n_after")
            if len(done):
                windows = self.study.windows[condition, change, controller, GOES_ON]
                parts.append(np.log(np.maximum(done, NONE) * 60 / (windows.end - windows.change)))
        return np.concatenate(parts) if parts else np.empty(0)

    def equivalence(self) -> None:
        """Do two conditions give the same?"""
        if not self.spec.equivalent:
            return
        one, other = self.spec.equivalent
        rows = []
        for change in self.study.changes:
            for controller in self.study.controllers:
                e = self.study.worlds(one, other, change, controller, self.spec.margin)
                if e.n:
                    line = [controller, change, str(e.n), f"{e.ratio:.3f}", _interval(e.low, e.high), _p(e.p)]
                    rows.append([*line, e.verdict])
        self.document.heading(f"Equivalence of {one} and {other}", 3)
        self.document.table(
            f"Tasks done after the change, {one} to {other}: equivalent where the 90% interval lies within "
            f"1 / {1 + self.spec.margin:g} and {1 + self.spec.margin:g} (two one-sided t-tests, 5%).",
            ["controller", "change", "n", "ratio", "90% interval", "p", ""],
            rows,
        )

    def sweep(self) -> None:
        """Phase diagrams."""
        if not self.spec.sweep:
            return
        self.document.heading("Phase diagrams", 3)
        axes: list[tuple[str, Sequence[object]]] = [(axis.label or axis.key, axis.values) for axis in self.spec.sweep]
        names = list(self.spec.conditions) or [""]
        if len(names) > 1:
            axes = [("condition", names), *axes]
        for controller in self.study.controllers:
            for other in [None, *(name for name in self.spec.against if name != controller)]:
                values = {}
                for condition in self.conditions:
                    where = (condition.base, *condition.place) if len(names) > 1 else condition.place
                    if other is None:
                        logs = self._overall(condition.name, controller)
                        values[where] = float(np.exp(logs.mean())) if len(logs) else float("nan")
                    else:
                        found = [self.study.versus(condition.name, controller, other, ch) for ch in self.study.changes]
                        values[where] = measures.pooled(found).ratio
                path = self._path("diagram", f"{controller}-{other}" if other else controller)
                label = "tasks / min" if other is None else f"ratio to {other}"
                figures.diagram(path, axes, values, label, ratio=other is not None)
                self.document.figure(path, self.out, f"{controller}: {label}, geometric mean over changes and seeds.")

    def measures(self) -> None:
        """Everything else that was measured, as means over seeds."""
        self.document.heading("All measures", 3)
        rows = []
        for condition in self.study.conditions:
            for change in self.study.changes:
                for controller in self.study.controllers:
                    values = [self.study.values(condition, change, controller, name) for name in MEASURES]
                    if len(values[1]):
                        rows.append([condition, change, controller, str(len(values[1])), *map(_mean, values)])
        self.document.table(
            "Means over seeds, with standard deviations; after the change where nothing else is said.",
            ["condition", "change", "controller", "n", *MEASURES.values()],
            rows,
        )

    def _path(self, *names: str) -> Path:
        """A new file for a figure."""
        stem = "-".join(names).lower()
        clean = "".join(c if c.isalnum() or c in "-." else "-" for c in stem)
        return self.out / "figures" / f"{clean}.svg"


def _mean(values: np.ndarray) -> str:
    if np.isnan(values).all():
        return "-"
    spread = f" ({np.nanstd(values, ddof=1):.2g})" if len(values) > 1 else ""
    return f"{np.nanmean(values):.3g}{spread}"


def _interval(low: float, high: float, digits: int = 3) -> str:
    return f"[{low:.{digits}f}, {high:.{digits}f}]" if np.isfinite([low, high]).all() else "-"


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if np.isfinite(value) else "-"


def _p(p: float) -> str:
    return "-" if np.isnan(p) else "< 0.001" if p < 0.001 else f"{p:.3f}"


def _listed(values: Sequence[object]) -> str:
    return ", ".join(map(str, values))
