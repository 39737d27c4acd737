"""Whole missions over networks that fail: twelve robots, each link a host of its own, in real time.

Robots that have learnt their trade on a perfect link go on with it on each network; what fails, fails from `BEGIN`
on, and is over `REST` s before the end. Tasks are those done in between. Needs root (network namespaces, /dev/net/tun).
"""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from scipy import stats

sys.path.insert(0, str(Path(__file__).parents[1]))

from robots.percept import RangeBearing, Sensors
from sim.spec import Arena, Kind, Meaning, Phase, Radio, Robots, Work
from swarm.crew import Crew
from swarm.mission import Mission
from swarm.record import Log, Tick, Told
from swarm.view.snapshot import Snapshot
from tests.swarm.net.hosts import play
from tests.swarm.net.switch import Faults, Network

COUNT = 12
SCHOOL = 900  # s of learning on a perfect link
BEGIN = 10.0  # s, when what fails begins to
REST = 15.0  # s without faults at the end
LOSSES = (0.0, 0.1, 0.3, 0.6, 1.0)  # of signals that the world carries
MOVES = 99  # last byte of the new address of the robot that moves


def apart(source: int, target: int) -> bool:
    return (source < COUNT // 2) == (target < COUNT // 2)


def one_way(source: int, target: int) -> bool:
    return (source, target) != (0, 1)


PERFECT = Faults()


@dataclass(frozen=True)
class Case:
    """A network that fails in one way."""

    faults: Faults = PERFECT
    lost: Callable[[int, int], bool] | None = None  # are robots (by whom, of whom) to be lost in it?
    moves: bool = False  # does the last robot get another address when the fault begins?


CASES = {
    "perfect": Case(),
    "10% lost": Case(Faults(loss=0.1)),
    "30% lost": Case(Faults(loss=0.3)),
    "60% lost": Case(Faults(loss=0.6)),
    "60% lost, 1 s delay": Case(Faults(loss=0.6, delay=1.0)),
    "100 ms delay": Case(Faults(delay=0.1)),
    "500 ms delay": Case(Faults(delay=0.5)),
    "30% doubled": Case(Faults(double=0.3)),
    "20-70 ms, reordered": Case(Faults(delay=0.02, jitter=0.05)),
    "half and half apart": Case(Faults(passes=apart), lambda a, b: not apart(a, b)),
    "one-way": Case(Faults(passes=one_way), lambda by, of: (by, of) == (1, 0)),
    "address changes": Case(moves=True),
    "nothing passes": Case(Faults(passes=lambda _a, _b: False), lambda _a, _b: True),
}
QUICK = ("perfect", "30% lost", "60% lost", "half and half apart", "address changes")


@dataclass(frozen=True)
class Found:
    """What came of a mission."""

    case: str
    tasks: int  # done while the fault lasted
    heard: float  # share of signals while the fault lasted
    alive: float  # share of pairs and ticks, likewise
    notice: float | None  # s until the last robot knew who was lost
    recover: float | None  # s until all were alive to all again
    refused: dict[str, int]
    still: float  # s, the longest that a robot did not answer
    late: float  # share of its ticks that a robot did not answer in time
    well: bool  # did it come to its end, without a restart?


def mission(seed: int, seconds: float) -> Mission:
    """Quick work for three at a time that nobody sees from afar."""
    work = {"crate": Meaning("push", 3), "valve": Meaning("pull", 3)}
    return Mission(
        version=1,
        name="faults",
        seed=seed,
        world="planar",
        arena=Arena((5.0, 5.0)),
        robots=Robots(count=COUNT),
        sensors=replace(Sensors(), robots=RangeBearing(range=8.0), sites=RangeBearing(range=1.0, most=4)),
        radio=Radio(range=8.0, loss=0.0),
        kinds={"crate": Kind("10######"), "valve": Kind("01######")},
        work=Work(travel=0.05),
        phases=(Phase(seconds, 400, work, open=6),),
    )


def school(folder: Path, seconds: float = SCHOOL) -> Path:
    """The folder of a run in which robots have learnt the trade."""
    out = folder / "school"
    play(mission(100, seconds), out, lambda _crew, _now: None)
    return out


def one(name: str, seed: int, seconds: float, learnt: Path, out: Path) -> Found:
    """Play a mission on a network; what came of it."""
    case, end = CASES[name], seconds - REST
    began: list[float] = []
    healed: list[float] = []
    with Network(COUNT, seed) as network:

        def during(_: Crew, now: Snapshot) -> None:
            if now.time >= BEGIN and not began:
                network.faults = case.faults
                if case.moves:
                    network.move(COUNT - 1, MOVES)
                began.append(now.time)
            if now.time >= end and not healed:
                network.faults = PERFECT
                healed.append(now.time)

        status = play(mission(seed, seconds), out, during, network, beacons=case.moves, pace="realtime", resume=learnt)
    summary = json.loads((out / "summary.json").read_text())
    ticks, states = history(out)
    dt, pairs = 0.1, [(a, b) for a in range(COUNT) for b in range(COUNT) if a != b]
    first, last = round(began[0] / dt), round(healed[0] / dt)
    said, heard, _ = (ticks[last].radio - ticks[first].radio).sum(0).tolist()
    alive = [states[tick][pair] in ("alive", "stale") for tick in range(first, last) for pair in pairs]
    notice = recover = None
    if case.lost is not None:
        notice = until(states[first:], [pair for pair in pairs if case.lost(*pair)], "lost")
    if case.moves:  # it recovers while it stays away from where it was
        gone = [pair for pair in pairs if COUNT - 1 in pair]
        notice = until(states[first:], gone, "lost", any)
        again = until(states[first + round(1 / dt) :], pairs, "alive")  # sooner it may be from before
        recover = None if again is None else 1 + again
    elif case.faults != PERFECT:
        recover = until(states[last:], pairs, "alive")
    behind = np.array([(tick.tick - tick.answered) * tick.alive for tick in ticks[1:]])
    refused = {k: v for k, v in summary["robots' own links"].items() if k not in ("said", "received")}
    well = status == 0 and summary["robots restarted"] == 0
    return Found(
        name, ticks[last].done - ticks[first].done, heard / (said * (COUNT - 1)), sum(alive) / len(alive), notice,
        recover, refused, round(float(behind.max()) * dt, 1), float((behind > 0).mean()), well,
    )  # fmt: skip


def history(out: Path) -> tuple[list[Tick], list[dict[tuple[int, int], str]]]:
    """All ticks, and what each robot (by, of) was to each in it."""
    ticks: list[Tick] = []
    told: dict[int, list[Told]] = {}
    for item in Log(out / "ticks.mcap").walk():
        if isinstance(item, Tick):
            ticks.append(item)
        elif isinstance(item, Told) and item.ties is not None:
            told.setdefault(item.tick, []).append(item)
    now: dict[tuple[int, int], str] = {(a, b): "unknown" for a in range(COUNT) for b in range(COUNT) if a != b}
    states = []
    for tick in range(len(ticks)):
        for item in told.get(tick, []):
            for state in ("alive", "stale", "lost"):
                now |= {(item.robot, other): state for other in getattr(item.ties, state)}
        states.append(dict(now))
    return ticks, states


def until(
    states: Sequence[dict[tuple[int, int], str]],
    pairs: Sequence[tuple[int, int]],
    state: str,
    enough: Callable[[list[bool]], bool] = all,
) -> float | None:
    """Seconds until (enough of) these pairs are in that state; None: never."""
    for tick, now in enumerate(states):
        if enough([now[pair] == state for pair in pairs]):
            return tick * 0.1
    return None


def all_of(
    names: Sequence[str], seeds: int, seconds: float, jobs: int, learnt: Path, folder: Path
) -> dict[str, list[Found]]:
    """Every network with every seed, a process each, `jobs` at a time."""
    found: dict[str, list[Found]] = {name: [] for name in names}

    def start(task: tuple[int, str, int]) -> None:
        index, name, seed = task
        time.sleep(0.5 * (index % jobs) if index < jobs else 0.0)
        words = [name, str(seed), str(seconds), str(learnt), str(folder / f"{index}")]
        done = subprocess.run([sys.executable, __file__, *words], check=False, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{name}, seed {seed}: {done.stderr[-2000:]}")
        found[name].append(Found(**json.loads(done.stdout.splitlines()[-1])))

    tasks = [(name, seed) for seed in range(1, seeds + 1) for name in names]
    with ThreadPoolExecutor(jobs) as pool:
        for _ in pool.map(start, [(index, *task) for index, task in enumerate(tasks)]):
            pass
    return found


def losses(seeds: int, seconds: float, learnt: Path, folder: Path) -> None:
    """Print the tasks of missions in lock-step in which the world carries the signals, and loses some at random."""
    print(f"signals lost by the world, {seeds} missions of {seconds:g} s in lock-step a line, intervals of 95%")
    perfect: list[float] = []
    for loss in LOSSES:
        tasks = []
        for seed in range(1, seeds + 1):
            out = folder / f"loss-{loss}-{seed}"
            one = replace(mission(seed, seconds), radio=Radio(range=8.0, loss=loss))
            play(one, out, lambda _crew, _now: None, resume=learnt)
            tasks.append(float(json.loads((out / "summary.json").read_text())["tasks done"]))
        perfect = perfect or tasks
        print("{:4.0%}  {:5.1f} +- {:4.1f}".format(loss, *mean(tasks)), end="")
        print("  {:4.2f} +- {:4.2f}".format(*ratio(tasks, perfect)) if loss else "", flush=True)


def table(found: dict[str, list[Found]]) -> bool:
    """Print what came of it, with intervals of 95%; was all well?"""
    print(f"{len(found['perfect'])} missions a line")
    print("network              tasks a mission  of perfect    heard  alive  notice  recover  still  late    refused")
    perfect = [one.tasks for one in found["perfect"]]
    for name, some in found.items():
        tasks = [one.tasks for one in some]
        reasons: dict[str, int] = {}
        for one in some:
            reasons = {why: reasons.get(why, 0) + one.refused.get(why, 0) for why in {**reasons, **one.refused}}
        heard, alive, late = (
            statistics.fmean(getattr(one, what) for one in some) for what in ("heard", "alive", "late")
        )
        share = "            " if name == "perfect" else "{:4.2f} +- {:4.2f}".format(*ratio(tasks, perfect))
        print(
            "{:20} {:5.1f} +- {:5.1f}  ".format(name, *mean(tasks)) + f"{share}  {heard:5.2f}  {alive:5.2f}"
            f"  {_span([one.notice for one in some]):>6}  {_span([one.recover for one in some]):>7}"
            f"  {max(one.still for one in some):5.1f}  {late:6.4f}  "
            + ", ".join(f"{n} {why}" for why, n in sorted(reasons.items()))
            + ("" if all(one.well for one in some) else "  NOT WELL"),
            flush=True,
        )
    return all(one.well for some in found.values() for one in some)


def mean(values: Sequence[float]) -> tuple[float, float]:
    """The mean, and half of its interval of 95% (Student's t); NaN with a single value."""
    if len(values) < 2:
        return float(values[0]), np.nan
    error = statistics.stdev(values) / len(values) ** 0.5
    return statistics.fmean(values), float(stats.t.ppf(0.975, len(values) - 1)) * error


def ratio(values: Sequence[float], to: Sequence[float]) -> tuple[float, float]:
    """The ratio of two means, and half of its interval (delta method)."""
    (one, error), (other, its) = mean(values), mean(to)
    share = one / max(other, 1e-9)
    return share, float(np.hypot(error, share * its)) / max(other, 1e-9)


def _span(times: Sequence[float | None]) -> str:
    """The longest of them; `-`: there is none, `never`: it did not come."""
    if all(time is None for time in times):
        return "-"
    return "never" if None in times else f"{max(time for time in times if time is not None):.1f}"


if __name__ == "__main__":
    found = one(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), Path(sys.argv[4]), Path(sys.argv[5]))
    print(json.dumps(asdict(found)))
