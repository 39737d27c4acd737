"""The world's process: steps the world, is the medium, asks all robots each tick, records the run.

In lock-step the world waits for every robot that lives, so that a run depends on nothing but its
mission. In real time it waits for none: a robot that is late goes on with its last command for
`DEAD_MAN` s and then stands still.
"""

import time
from collections import deque
from pathlib import Path

import numpy as np
import zmq

from robots.command import COMMAND
from sim.medium import Heard, Medium
from sim.work import Event
from swarm import results, wire, worlds
from swarm.link import HostLink
from swarm.metrics import EVERY, Metrics
from swarm.mission import Mission
from swarm.missionfile import dumps
from swarm.options import Options
from swarm.process import is_alive
from swarm.record import Recorder
from swarm.report import REPORT
from swarm.snapshot import Snapshot
from swarm.telemetry import Telemetry, stage

REFRESH = 0.1  # s of wall time between two snapshots, at least
PATIENCE = 10.0  # s of wall time after which a robot that does not answer counts as hung
START = 60.0  # s of wall time in which all robots must have said hello
DEAD_MAN = 0.3  # s
TRAIL = 0.5  # s, simulated, between two points of the robots' trails
TRAIL_POINTS = 120
_RADIO = 0x726164696F  # keeps the radio's random stream apart from the others


class Stopped(Exception):
    """The run ends early."""


def main(mission: Mission, options: Options, out: Path, link: str, control: str, parent: int) -> None:
    """Run `mission` to its end, or until the process `parent` says stop or is gone."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    user = context.socket(zmq.PAIR)
    user.connect(control)
    try:
        user.send(wire.encode(wire.Ended(Host(mission, options, out, HostLink(context, link), user, parent).run())))
    except (ValueError, OSError) as error:
        user.send(wire.encode(wire.Failed(str(error), isinstance(error, ValueError))))
    finally:
        context.destroy(linger=1000)


class Host:
    """One run: the world, the robots that are linked to it, and what is kept of both."""

    def __init__(
        self,
        mission: Mission,
        options: Options,
        out: Path,
        link: HostLink,
        user: "zmq.Socket[bytes]",
        parent: int,
    ) -> None:
        self.mission, self.options, self.out = mission, options, out
        self.link, self.user, self.parent = link, user, parent
        count = mission.robots.count
        self.world = worlds.build(mission, gui=options.gui)
        self.radio = Medium(mission.radio, mission.tick, count)
        self.stage = stage(mission, self.world)
        self.telemetry = Telemetry(mission, self.world, self.radio)
        self.recorder = Recorder(
            out / "ticks.mcap", dumps(mission), self.world.percept_dtype, mission.tick
        )
        self.metrics = Metrics(out / "metrics.sqlite")
        self.film = results.Film(options.video, self.stage, mission.tick) if options.video else None
        self.expected = set(range(count))  # robots whose process lives or will live again
        self.restarts = np.zeros(count, int)
        self.reports = np.zeros(count, REPORT)
        self.commands = np.zeros(count, COMMAND)
        self.answered = np.full(count, -1)  # tick of each robot's latest answer
        self.neighbours = np.full((count, mission.radio.most), -1, np.int32)
        self.driven = 0.0  # m, all robots
        self.trail: deque[np.ndarray] = deque(maxlen=TRAIL_POINTS)
        self.began = self.drawn = time.monotonic()
        self._note(self.world.events)
        self._poller = zmq.Poller()
        for socket in (link.socket, user):
            self._poller.register(socket, zmq.POLLIN)
        user.send(wire.encode(self.stage))

    def run(self) -> dict[str, object]:
        """All ticks; the summary. Whatever ends the run, the folder is complete."""
        outcome = "completed"
        try:
            self._wait_for_all()
            self.began = time.monotonic()
            while self.world.time < self.mission.duration - self.mission.tick / 2:
                self.tick()
        except Stopped as stop:
            outcome = str(stop)
        finally:
            self.link.goodbye()
            self.recorder.close()
            last = self._snapshot()
            self._keep_metrics()
            self.metrics.close()
            if self.film is not None:
                self.film.close()
            wall = time.monotonic() - self.began
            summary = results.finish(
                self.out, self.mission, self.world, self.stage, last, np.array(self.trail), outcome, wall
            )
            self.world.close()
        self.user.send(wire.encode(last))
        return summary

    def tick(self) -> None:
        """All sense and hear, all think, all act; then the world moves on."""
        world, radio, mission = self.world, self.radio, self.mission
        tick, lockstep = world.tick, self.options.pace == "lockstep"
        percepts = world.sense()
        self.neighbours = world.neighbours(
            mission.radio.range, mission.radio.occlusion, mission.radio.most
        )
        rng = np.random.Generator(np.random.Philox(key=[mission.seed, _RADIO + tick]))
        heard = radio.deliver(tick, self.neighbours, rng)
        self._tell(tick, percepts, heard)
        answers = self._wait_for_answers(tick) if lockstep else self._answers_by(self.began + (tick + 1) * world.dt)
        for robot in sorted(answers):
            self._take(robot, answers[robot], tick)
        alive = self._alive()
        silent = (tick - self.answered) * world.dt > (0 if lockstep else DEAD_MAN)
        self.commands[silent | ~alive] = np.zeros((), COMMAND)
        self.recorder.tick(
            tick, world.poses, percepts, self.commands, self.reports, alive, heard, world.sites.open
        )
        before = world.poses
        self._note(world.act(self.commands))
        self.driven += float(np.hypot(*(world.poses - before)[:, :2].T).sum())
        self._keep_up(tick)

    def _tell(self, tick: int, percepts: np.ndarray, heard: list[Heard]) -> None:
        whole, size = percepts.tobytes(), percepts.dtype.itemsize
        self.link.tell(tick, [whole[i * size : (i + 1) * size] for i in range(len(percepts))], heard)

    def _take(self, robot: int, act: wire.Act, tick: int) -> None:
        """What a robot does; an answer of another layout is counted and dropped."""
        if len(act.command) != COMMAND.itemsize or len(act.report) != REPORT.itemsize:
            self.link.bad += 1
            return
        self.answered[robot] = tick
        self.commands[robot] = np.frombuffer(act.command, COMMAND)[0]
        self.reports[robot] = np.frombuffer(act.report, REPORT)[0]
        if act.signal is not None and len(act.signal) <= wire.MOST:
            self.radio.say(robot, act.signal, tick)

    def _keep_up(self, tick: int) -> None:
        """Histories, metrics, film and watchers, each when it is due."""
        if tick % round(TRAIL / self.world.dt) == 0:
            self.trail.append(self.world.poses[:, :2].copy())
        if tick % round(EVERY / self.world.dt) == round(EVERY / self.world.dt) - 1:
            self.telemetry.sample(self.reports)
            self._keep_metrics()
        if self.film is not None and self.film.is_due(tick):
            self.film.add(self._snapshot(), np.array(self.trail))
        now = time.monotonic()
        if now - self.drawn >= REFRESH:
            self.drawn = now
            self._publish(self._snapshot())

    def _note(self, events: list[Event]) -> None:
        for event in events:
            for keeper in (self.recorder, self.metrics, self.telemetry):
                keeper.event(event)

    def _keep_metrics(self) -> None:
        self.metrics.row(
            results.row(self.world, self.radio, self.reports, self._alive(), self.neighbours, self.driven),
            self.world.sites.ended,
        )

    def _alive(self) -> np.ndarray:
        alive = np.zeros(len(self.reports), bool)
        alive[list(self.link.there)] = True
        return alive

    def _snapshot(self) -> Snapshot:
        return self.telemetry.snapshot(self.reports, self._alive(), self.restarts, self.neighbours)

    def _publish(self, snapshot: Snapshot) -> None:
        """A watcher that is slow misses a snapshot, and delays nothing."""
        try:
            self.user.send(wire.encode(snapshot), zmq.NOBLOCK)
        except zmq.Again:
            pass

    def _wait_for_all(self) -> None:
        """All robots say hello before the first tick."""
        deadline = time.monotonic() + START
        while not self.expected <= self.link.there:
            self._poll(0.1)
            self.link.take()
            if time.monotonic() > deadline:
                missing = sorted(self.expected - self.link.there)
                raise OSError(f"robots {missing} did not start within {START:g} s; see {self.out}/processes.log")

    def _wait_for_answers(self, tick: int) -> dict[int, wire.Act]:
        """Lock-step: the answers of all robots that live."""
        asked, answers, hung = set(self.link.there), {}, set[int]()
        started = time.monotonic()
        while missing := (asked & self.link.there) - answers.keys():
            self._poll(0.25)
            answers.update((robot, act) for robot, act in self.link.take() if act.tick == tick)
            if time.monotonic() - started > PATIENCE:
                for robot in missing - hung:
                    hung.add(robot)
                    self.user.send(wire.encode(wire.Hung(robot)))
        self._obey()
        if not self.expected:
            raise Stopped("no robot is left")
        if self.options.speed is not None:
            self._answers_by(self.began + (tick + 1) * self.world.dt / self.options.speed)
        return answers

    def _answers_by(self, deadline: float) -> dict[int, wire.Act]:
        """The latest answer of each robot that comes until a moment of wall time."""
        answers: dict[int, wire.Act] = {}
        while True:
            answers.update(self.link.take())
            left = deadline - time.monotonic()
            if left <= 0:
                self._obey()
                return answers
            self._poll(left)

    def _poll(self, seconds: float) -> None:
        """Wait for a robot or the user."""
        if not self._poller.poll(seconds * 1000) and not is_alive(self.parent):
            raise Stopped("the process that started the run is gone")
        self._obey()

    def _obey(self) -> None:
        """Do what the user's process says, without waiting."""
        while True:
            try:
                message = wire.from_user(self.user.recv(zmq.NOBLOCK))
            except zmq.Again:
                return
            if isinstance(message, wire.Stop):
                raise Stopped(message.text)
            self.link.there.discard(message.robot)
            if message.back:
                self.restarts[message.robot] += 1
            else:
                self.expected.discard(message.robot)
            ending = "starts again, with nothing learnt" if message.back else "stays away"
            self._note([Event(self.world.time, "error", f"robot {message.robot} {message.text}: it {ending}")])
