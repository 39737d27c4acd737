"""Plays the runs of a study on all cores: one process per core, each plays whole missions, several side by side.

The pool's process alone writes to the archive. Workers ignore Ctrl-C and end when the pool's process is gone,
within a simulated second. A worker that dies is replaced and its runs are tried once more. Runs side by side
(`swarm.lanes`) come out as alone, bit for bit; where one of them fails, all are played alone.
"""

import math
import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from swarm import lanes, registry
from swarm.crew import ending, launch, serve
from swarm.process import settle
from swarm.study.plan import Cell
from swarm.study.play import Left, Order, Played, play

TRIES = 2  # of a run whose process was killed
LANES = 400  # robots side by side: more are not much faster
SHARES = 4  # batches for each process, at least: all end at about the same time, and a kill costs little
BLOCK = 8  # seeds that are played of every cell before the next
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


@dataclass(frozen=True)
class Job:
    """One run to play."""

    cell: Cell
    seed: int

    @property
    def order(self) -> Order:
        """What a worker needs to know."""
        return self.cell.seeded(self.seed), self.cell.reset


@dataclass
class Worker:
    """A process, our end of the pipe to it, and what it plays."""

    process: BaseProcess
    pipe: "Connection[list[Order], list[Played] | str]"
    batch: tuple[Job, ...] = ()


#: a job and what came of it: what was played, or an error in words
Outcome = tuple[Job, Played | str]


def play_all(jobs: Sequence[Job], processes: int, ends: Callable[[], bool]) -> Iterator[Outcome]:
    """Play all jobs in order; outcomes come as they are ready. Once `ends`, nothing more comes.

    Whatever ends the iteration, no process is left.
    """
    waiting, tries = deque(batches(jobs, processes)), dict.fromkeys(jobs, 0)
    workers: list[Worker] = []
    try:
        while not ends():
            while waiting and len(workers) < processes:
                workers.append(_hire())
            for worker in workers:
                if not worker.batch and waiting:
                    worker.batch = waiting.popleft()
                    _tell(worker)
            workers = [worker for worker in workers if worker.batch]
            if not workers:
                return
            ready = wait([*(w.pipe for w in workers), *(w.process.sentinel for w in workers)], 0.2)
            for worker in list(workers):
                if worker.pipe not in ready and worker.process.sentinel not in ready:
                    continue
                batch, result = worker.batch, _heard(worker)
                worker.batch = ()
                if result is None:
                    workers.remove(worker)
                    worker.process.kill()
                    worker.process.join()
                    result = f"its process {ending(worker.process.exitcode)}, {TRIES} times"
                    for job in batch:
                        tries[job] += 1
                    if tries[batch[0]] < TRIES:
                        waiting.extendleft((job,) for job in reversed(batch))
                        continue
                if isinstance(result, list):
                    yield from zip(batch, result, strict=True)
                elif len(batch) == 1:
                    yield batch[0], result
                else:
                    waiting.extendleft((job,) for job in reversed(batch))
    finally:
        for worker in workers:
            worker.process.kill()
        for worker in workers:
            worker.process.join()


def ordered(cells: Sequence[Cell], seeds: Sequence[int]) -> list[Job]:
    """Every cell with every seed: some seeds of all cells, then the next; a cell's seeds one after the other."""
    blocks = [seeds[i : i + BLOCK] for i in range(0, len(seeds), BLOCK)]
    return [Job(cell, seed) for block in blocks for cell in cells for seed in block]


def batches(jobs: Sequence[Job], processes: int) -> list[tuple[Job, ...]]:
    """Neighbours in `jobs` that can be played side by side, together."""
    out: list[tuple[Job, ...]] = []
    fair = math.ceil(len(jobs) / processes / SHARES)
    for job in jobs:
        one, most = job.cell.mission, max(1, min(fair, LANES // job.cell.mission.robots.count))
        if out and len(out[-1]) < most and one.world == "planar" and lanes.alike(one, out[-1][-1].cell.mission):
            out[-1] += (job,)
        else:
            out.append((job,))
    return out


def _hire() -> Worker:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["swarm.preload"])
    for name in THREADS:
        os.environ.setdefault(name, "1")
    serve()
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs,), daemon=True)
    launch(process)
    theirs.close()
    return Worker(process, ours)


def _tell(worker: Worker) -> None:
    try:
        worker.pipe.send([job.order for job in worker.batch])
    except OSError:  # it is gone, as its sentinel says too
        return


def _heard(worker: Worker) -> list[Played] | str | None:
    """What came of its batch; None if it is gone."""
    try:
        return worker.pipe.recv()
    except (EOFError, OSError):
        return None


def _work(pipe: "Connection[list[Played] | str, list[Order]]") -> None:
    """A worker's life."""
    gone = settle(Path(os.devnull))

    def unwanted() -> bool:
        return bool(wait([gone], 0))

    while gone not in wait([pipe, gone]):
        try:
            pipe.send(_try(pipe.recv(), unwanted))
        except (EOFError, OSError, Left):
            return


def _try(orders: list[Order], unwanted: Callable[[], bool]) -> list[Played] | str:
    try:
        return play(orders, unwanted)
    except Left:
        raise
    except Exception as error:  # whatever a plugin may do: it ends this run and no other
        return registry.told(error)
