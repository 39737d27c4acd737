"""Plays the runs of a study on all cores: one process per core, each plays whole missions.

The pool's process alone writes to the archive. Workers ignore Ctrl-C and end when the pool's process is gone,
within a simulated second. A worker that dies is replaced and its run tried once more.
"""

import multiprocessing
import os
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from swarm.crew import ending, launch, serve
from swarm.mission import Mission
from swarm.process import settle
from swarm.study.plan import Cell
from swarm.study.play import Left, Played, play

#: a mission, and when its minds start afresh, see `swarm.study.play.play`
Order = tuple[Mission, float | None]

TRIES = 2  # of a run whose process was killed
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
    pipe: "Connection[Order, Played | str]"
    job: Job | None = None


#: a job and what came of it: what was played, or an error in words
Outcome = tuple[Job, Played | str]


def play_all(jobs: Sequence[Job], processes: int, ends: Callable[[], bool]) -> Iterator[Outcome]:
    """Play all jobs in order; outcomes come as they are ready. Once `ends`, nothing more comes.

    Whatever ends the iteration, no process is left.
    """
    waiting, tries = deque(jobs), dict.fromkeys(jobs, 0)
    workers: list[Worker] = []
    try:
        while not ends():
            while waiting and len(workers) < processes:
                workers.append(_hire())
            for worker in workers:
                if worker.job is None and waiting:
                    worker.job = waiting.popleft()
                    _tell(worker)
            workers = [worker for worker in workers if worker.job is not None]
            if not workers:
                return
            ready = wait([*(w.pipe for w in workers), *(w.process.sentinel for w in workers)], 0.2)
            for worker in list(workers):
                job = worker.job
                assert job is not None
                if worker.pipe not in ready and worker.process.sentinel not in ready:
                    continue
                result = _heard(worker)
                if result is not None:
                    worker.job = None
                    yield job, result
                else:
                    workers.remove(worker)
                    worker.process.kill()
                    worker.process.join()
                    tries[job] += 1
                    if tries[job] < TRIES:
                        waiting.appendleft(job)
                    else:
                        yield job, f"its process {ending(worker.process.exitcode)}, {TRIES} times"
    finally:
        for worker in workers:
            worker.process.kill()
        for worker in workers:
            worker.process.join()


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
    assert worker.job is not None
    try:
        worker.pipe.send(worker.job.order)
    except OSError:  # it is gone, as its sentinel says too
        return


def _heard(worker: Worker) -> Played | str | None:
    """What came of its job; None if it is gone."""
    try:
        return worker.pipe.recv()
    except (EOFError, OSError):
        return None


def _work(pipe: "Connection[Played | str, Order]") -> None:
    """A worker's life."""
    gone = settle(Path(os.devnull))

    def unwanted() -> bool:
        return bool(wait([gone], 0))

    while gone not in wait([pipe, gone]):
        try:
            pipe.send(_try(pipe.recv(), unwanted))
        except (EOFError, OSError, Left):
            return


def _try(order: Order, unwanted: Callable[[], bool]) -> Played | str:
    try:
        return play(*order, unwanted)
    except Left:
        raise
    except Exception as error:  # whatever a plugin may do: it ends this run and no other
        where = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__}: {error} ({Path(where.filename).name}, line {where.lineno})"
