"""The world's process: steps the world, is the medium, asks all robots each tick, records the run.

In lock-step the world waits for every robot that lives, so that a run depends on nothing but its
mission. In real time it waits for none: a robot that is late goes on with its last command for
`DEAD_MAN` s and then stands still.
"""

import math
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import zmq

from robots.command import COMMAND
from robots.kernel import kernel
from robots.percept import blank
from sim.bullet import Bullet
from sim.camera import Camera
from sim.medium import Heard, Medium
from sim.site import Event
from sim.world import World
from swarm import losses, results, store, wire, worlds
from swarm.link import HostLink
from swarm.metrics import EVERY, Metrics
from swarm.mission import Mission
from swarm.missionfile import dumps
from swarm.net import keys
from swarm.net.air import Overheard, Refusals
from swarm.options import Options
from swarm.record import Tick, Told, site_rows
from swarm.recorder import Recorder
from swarm.report import ACTIONS, REPORT, STRATEGIES, TASKS, none_yet
from swarm.robot import rehearse
from swarm.stack import Stack
from swarm.stops import Stops
from swarm.view import picture
from swarm.view.desk import FILE, Place
from swarm.view.publish import ADDRESS, Publisher
from swarm.view.snapshot import Snapshot, Stage
from swarm.view.telemetry import Telemetry, stage

REFRESH = 0.1  # s of wall time between two snapshots, at least
PATIENCE = 10.0  # s of wall time after which a robot that does not answer counts as hung
START = 60.0  # s of wall time in which all robots must have said hello
DEAD_MAN = 0.3  # s
LAG = 0.2  # s of wall time that a run that was held up makes up for


class Stopped(Exception):  # noqa: N818 - nothing is wrong
    """The run ends early."""


def main(
    mission: Mission, options: Options, out: Path, link: str, control: str, watch: str, desk: Place, parent: int
) -> None:
    """Run `mission` to its end, or until the user's process says stop or is gone: then `parent` is readable."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    user = context.socket(zmq.PAIR)
    user.connect(control)
    try:
        hub = HostLink(context, link, mission.robots.count)
        ring = keys.load(options.keys, options.key) if options.keys is not None else None
        network = [(options.listen, ring)] if options.listen is not None else []
        shows = Publisher(context, [(watch, None), *network], "run", f"{mission.name}, seed {mission.seed}")
        places = [desk]
        if options.command is not None and ring is not None:
            places.append(Place(options.command, ring, options.operator))
        stops = Stops(mission.robots.count, places)
        user.send(wire.encode(_run(mission, options, out, hub, user, shows, stops, parent)))
        stops.close()
        hub.goodbye()  # only now: the user's process would start robots again that end before the run
    except OSError as error:
        given = any(address is not None and address in str(error) for address in (options.listen, options.command))
        user.send(wire.encode(wire.Failed(str(error), input=given)))
    finally:
        context.destroy(linger=500)


def _run(
    mission: Mission,
    options: Options,
    out: Path,
    link: HostLink,
    user: "zmq.Socket[bytes]",
    shows: Publisher,
    stops: Stops,
    parent: int,
) -> wire.Ended | wire.Failed:
    try:
        try:
            host = Host(mission, options, out, link, user, shows, stops, parent)
        except ValueError as error:
            return wire.Failed(str(error), input=True)
        return wire.Ended(host.run())
    except (OSError, sqlite3.Error) as error:  # everything else is sent through sockets, which raise ZMQError
        text = getattr(error, "strerror", None) or error
        return wire.Failed(f"{out}: the results cannot be written: {text}", input=False)


class Host:
    """One run: the world, the robots that are linked to it, and what is kept of both."""

    def __init__(
        self,
        mission: Mission,
        options: Options,
        out: Path,
        link: HostLink,
        user: "zmq.Socket[bytes]",
        shows: Publisher,
        stops: Stops,
        parent: int,
    ) -> None:
        self.mission, self.options, self.out = mission, options, out
        self.link, self.user, self.shows = link, user, shows  # who is in a stack is linked, without a socket
        self.stops, self.parent = stops, parent
        count = mission.robots.count
        self.world = worlds.build(mission, gui=options.gui)
        medium = Overheard if options.radio == "peers" else Medium
        self.radio = medium(mission.radio, mission.tick, count, mission.seed)
        self.refusals = Refusals(count)
        self.stage = stage(mission, self.world)
        picture.palette(self.stage)
        self.telemetry = Telemetry(mission.tick)
        layout = self.world.percept_dtype
        self.recorder = Recorder(out / "ticks.mcap", dumps(mission), layout, mission.tick, self.stage)
        self.metrics = Metrics(out / "metrics.sqlite")
        self.film = film(options, self.stage, mission.tick, self.world)
        self.stack = Stack([mission], self.radio) if options.minds == "stack" else None
        if self.stack is not None and options.resume is not None:
            self.stack.resume(store.load(store.whole(options.resume), mission))
        if self.stack is not None:
            link.there |= set(range(count))
        self.expected = set(range(count))  # robots whose process lives or will live again
        self.losses = losses.draw(mission)
        self.lost: set[int] = set()  # robots that have fallen out, as the mission says
        self.restarts = np.zeros(count, int)
        self.reports = none_yet(count)
        self.commands = np.zeros(count, COMMAND)
        self.answered = np.full(count, -1)  # tick that each robot's latest answer is to
        self.hung: set[int] = set()  # robots given up, whose process is not gone yet
        self.neighbours = np.full((count, mission.radio.most), -1, np.int32)
        self.driven = 0.0  # m, all robots
        self.percepts = blank(self.world.percept_dtype, count)
        self.began = self.due = self.drawn = self.saved = time.monotonic()
        self.kept = -1  # tick of the latest row of metrics
        self.told = 0  # bad messages that there was an event for
        self._note(self.world.events)
        self._poller = zmq.Poller()
        for source in (link.socket, user, parent):
            self._poller.register(source, zmq.POLLIN)
        if self.stack is None:
            with suppress(Exception):  # a mind that fails does so again where it lives, and that is told
                rehearse(mission)  # compiled once, and not by all robots at the same time
        user.send(wire.encode(self.stage))
        self._publish(self._now([[] for _ in range(count)]))  # also loads what ending in time needs

    def run(self) -> dict[str, object]:
        """All ticks; the summary. Whatever ends the run, the folder is complete if the disk lets it be."""
        outcome = results.COMPLETED
        try:
            self._wait_until(lambda missing: not missing)
            self.began = self.due = time.monotonic()
            while self.world.time < self.mission.duration - self.mission.tick / 2:
                self.tick()
        except Stopped as stop:
            outcome = str(stop)
        except Exception as error:
            outcome = f"failed: {error}"
            raise
        finally:
            summary = self._complete(outcome)
        return summary

    def tick(self) -> None:
        """All sense and hear, all think, all act; then the world moves on."""
        world, radio = self.world, self.mission.radio
        tick, lockstep = world.tick, self.options.pace == "lockstep"
        self._note(self.stops.serve(world.time))
        self._lose(set(self.losses[world.sites.phase]) - self.lost)
        self.percepts = world.sense()
        self.neighbours = world.neighbours(radio.range, radio.occlusion, radio.most)
        heard = self._ask(tick) if self.stack is None else self._think(self.stack, tick)
        silent = (tick - self.answered) * world.dt > (0 if lockstep else DEAD_MAN)
        if (still := silent | ~self._alive() | self.stops.mask).any():
            self.commands[still] = np.zeros((), COMMAND)
        now = self._now(heard)
        self.recorder.tick(now)
        self.telemetry.tick(now)
        before = world.poses
        self._note(world.act(self.commands))
        self.driven += float(np.hypot(*(world.poses - before)[:, :2].T).sum())
        self._keep_up(now)

    def _now(self, heard: list[Heard]) -> Tick:
        """What is recorded of this tick, and shown."""
        world, radio, sites = self.world, self.radio, self.world.sites
        return Tick(
            world.tick,
            world.poses,
            self.percepts,
            self.commands,
            self.reports,
            self._alive(),
            self.answered,
            self.restarts,
            self.stops.mask.copy(),
            np.stack([radio.said, radio.heard, radio.lost], -1),
            self.neighbours,
            heard,
            site_rows(sites.open),
            sites.done,
            len(sites.waiting),
            sites.phase,
        )

    def _ask(self, tick: int) -> list[Heard]:
        """The robots' processes sense, hear, think and answer; what each heard."""
        heard = self.radio.deliver(tick, self.neighbours)
        self._tell(tick, self.percepts, heard)
        answers = self._answers(tick)
        for robot in sorted(answers):
            self._take(robot, answers[robot], tick)
            if isinstance(self.radio, Overheard):
                heard[robot] = self.radio.hear(robot, answers[robot].heard or [])
        return heard

    def _think(self, stack: Stack, tick: int) -> list[Heard]:
        """All minds in this process do; what each heard."""
        alive = self._alive()
        stack.behold([self.world], alive)
        stack.tick(tick, self.percepts, self.neighbours, alive)
        self.commands, self.reports = stack.commands.copy(), stack.reports
        self.answered[alive] = tick
        for told in stack.told(tick, alive):
            self.recorder.told(told)
            self.telemetry.told(told)
        self._poll(0)
        speed = 1.0 if self.options.pace == "realtime" else self.options.speed
        if speed is not None:
            self._answers_by(self._next_due(speed))
        return stack.messages()

    def _tell(self, tick: int, percepts: np.ndarray, heard: list[Heard]) -> None:
        whole, size = percepts.tobytes(), percepts.dtype.itemsize
        self.link.tell(tick, [whole[i * size : (i + 1) * size] for i in range(len(percepts))], heard)

    def _take(self, robot: int, act: wire.Act, tick: int) -> None:
        """What a robot does; an answer that is none to what it was told is counted and dropped."""
        whole = len(act.command) == COMMAND.itemsize and len(act.report) == REPORT.itemsize
        if act.tick > tick or not whole or not _is_sane(report := np.frombuffer(act.report, REPORT)):
            self.link.bad += 1
            return
        self.answered[robot] = act.tick
        self.commands[robot : robot + 1] = np.frombuffer(act.command, COMMAND)
        self.reports[robot : robot + 1] = report
        if act.decision is not None or act.rules is not None or act.ties is not None:
            told = Told(robot, act.tick, act.decision, act.rules, act.ties)
            self.recorder.told(told)
            self.telemetry.told(told)
        if act.signal is not None and len(act.signal) <= wire.MOST:
            self.radio.say(robot, act.signal, tick)
        if act.ties is not None and (line := self.refusals.take(robot, act.ties)):
            self._note([Event(self.world.time, "warning", line)])

    def _keep_up(self, now: Tick) -> None:
        """Metrics, film and watchers, each when it is due."""
        every = round(EVERY / self.world.dt)
        if now.tick % every == every - 1:
            self._keep_metrics()
        if self.film is not None and self.film.is_due(now.tick):
            self.film.add(self.telemetry.snapshot(now), self.telemetry.trail)
        wall = time.monotonic()
        if self.stack is not None and wall - self.saved >= store.EVERY:
            self.saved = wall
            self.stack.save(self.out)
        if wall - self.drawn >= REFRESH:
            self.drawn = wall
            self._publish(now)

    def _note(self, events: list[Event]) -> None:
        for event in events:
            for keeper in (self.recorder, self.metrics, self.telemetry):
                keeper.event(event)

    def _keep_metrics(self) -> None:
        if self.kept == self.world.tick:
            return
        self.kept = self.world.tick
        if self.link.bad > self.told:
            text = f"{self.link.bad - self.told} bad messages from robots' processes: dropped"
            self._note([Event(self.world.time, "warning", text)])
            self.told = self.link.bad
        signals = [int(each.sum()) for each in (self.radio.said, self.radio.heard, self.radio.lost)]
        self.metrics.row(
            results.row(self.world, signals, self.reports, self._alive(), self.neighbours, self.driven),
            self.world.sites.ended,
        )

    def _alive(self) -> np.ndarray:
        alive = np.zeros(len(self.reports), bool)
        alive[list(self.link.there)] = True
        return alive

    def _publish(self, now: Tick) -> Snapshot:
        """A watcher that is slow misses a snapshot, and delays nothing."""
        snapshot = self.telemetry.snapshot(now)
        with suppress(zmq.Again):
            self.user.send(wire.encode(snapshot), zmq.NOBLOCK)
        self.shows.publish(self.stage, snapshot, lambda robot: self.telemetry.detail(now, robot))
        return snapshot

    def _complete(self, outcome: str) -> dict[str, object]:
        """Complete the run folder, what takes longest last; the summary."""
        self._keep_metrics()
        if self.stack is not None and self.world.tick > 0:
            self.stack.save(self.out)
        self.recorder.close()
        self.metrics.close()
        last = self._publish(self._now([[] for _ in self.reports]))
        self.shows.end(outcome)
        for name in (ADDRESS, FILE):
            (self.out / name).unlink(missing_ok=True)  # who wrote it may be gone
        wall = time.monotonic() - self.began
        trail = self.telemetry.trail
        summary = results.finish(
            self.out,
            self.mission,
            self.world,
            self.stage,
            last,
            trail,
            outcome,
            wall,
            self.link.bad,
            self.refusals.total,
        )
        if self.film is not None:
            self.film.close()
        self.world.close()
        return summary

    def _wait_until(self, enough: Callable[[set[int]], bool]) -> None:
        """Until enough of the expected robots have said hello; `enough` is told those who have not."""
        deadline = time.monotonic() + START
        while not enough(missing := self.expected - self.link.there):
            self._poll(0.1)
            self.link.take()
            if time.monotonic() > deadline:
                raise Stopped(f"robots {sorted(missing)} did not start within {START:g} s, see processes.log")

    def _answers(self, tick: int) -> dict[int, wire.Act]:
        """What the robots answer, as the run's pace has it."""
        if self.options.pace == "realtime":
            answers = self._answers_by(self._next_due(1.0))
            silent = set(np.flatnonzero((tick - self.answered) * self.world.dt > PATIENCE).tolist())
            self._give_up(silent & self.link.there - answers.keys())
            return answers
        answers = self._wait_for_answers(tick)
        if self.options.speed is not None:
            self._answers_by(self._next_due(self.options.speed))
        return answers

    def _next_due(self, speed: float) -> float:
        """The moment at which this tick ends, at `speed` simulated seconds per second."""
        self.due = max(self.due + self.world.dt / speed, time.monotonic() - LAG)
        return self.due

    def _wait_for_answers(self, tick: int) -> dict[int, wire.Act]:
        """Lock-step: the answers of all robots that live."""
        missing, answers, waited = set(self.link.there), dict[int, wire.Act](), 0.0
        while missing:
            before = time.monotonic()
            if self._poll(0.25):
                missing &= self.link.there  # nobody waits for the dead, nor for those who came after them
            for robot, act in self.link.take():
                if act.tick == tick:
                    answers[robot] = act
                    missing.discard(robot)
                else:
                    self.link.bad += 1
            waited += min(time.monotonic() - before, 0.5)  # while all processes are suspended nobody waits
            if waited > PATIENCE:
                self._give_up(missing)
        self._poll(0)
        self._wait_until(lambda missing: missing != self.expected)  # without robots no time passes
        return answers

    def _answers_by(self, deadline: float) -> dict[int, wire.Act]:
        """The latest answer of each robot that comes until a moment of wall time."""
        answers: dict[int, wire.Act] = {}
        while (left := deadline - time.monotonic()) > 0:
            self._poll(left)
            answers.update(self.link.take())
        self._poll(0)
        answers.update(self.link.take())
        return answers

    def _give_up(self, robots: set[int]) -> None:
        """Ask for the end of the processes of robots that do not answer."""
        for robot in sorted(robots - self.hung):
            self.hung.add(robot)
            self._note([Event(self.world.time, "warning", f"robot {robot} does not answer")])
            self.user.send(wire.encode(wire.Hung(robot)))

    def _poll(self, seconds: float) -> bool:
        """Wait for a robot or the user, and do what the user's process says; whether it said anything."""
        ready = dict(self._poller.poll(round(seconds * 1000)))
        if self.parent in ready:
            raise Stopped("the process that started the run is gone")
        if self.user not in ready:
            return False
        while int(self.user.get(zmq.EVENTS)) & zmq.POLLIN:
            message = wire.from_user(self.user.recv())
            if isinstance(message, wire.Stop):
                raise Stopped(message.text)
            self._mourn(message)
        return True

    def _lose(self, robots: set[int]) -> None:
        """Robots fall out: their bodies stand still, their processes end."""
        for robot in sorted(robots):
            self.lost.add(robot)
            self.link.there.discard(robot)
            self.expected.discard(robot)
            self._note([Event(self.world.time, "warning", f"robot {robot} falls out, as the mission says")])
            self.user.send(wire.encode(wire.Lost(robot)))

    def _mourn(self, gone: wire.Gone) -> None:
        """A robot's process is gone: its body stands still until another one takes it over."""
        robot = gone.robot
        self.link.there.discard(robot)
        self.hung.discard(robot)
        if robot in self.lost:  # that has been told already
            return
        self.answered[robot], self.commands[robot] = self.world.tick, np.zeros((), COMMAND)
        self.restarts[robot] += gone.back
        ending = "starts again" if gone.back else "stays away"
        self._note([Event(self.world.time, "error", f"robot {robot} {gone.text}: it {ending}")])
        if not gone.back:
            self.expected.discard(robot)
            if not self.expected:
                raise Stopped("no robot is left")


def film(options: Options, stage: Stage, tick: float, world: World) -> results.Film | None:
    """The film of a run, where there is to be one."""
    if options.video is None:
        return None
    engine = world.engine if options.camera == "bullet" else None
    camera = Camera(engine, stage.bounds, picture.CAMERA) if isinstance(engine, Bullet) else None
    return results.Film(options.video, stage, tick, camera)


@kernel
def _is_sane(reports: np.ndarray) -> bool:
    """Can watchers and metrics use what a robot reports in `reports` (1,)?"""
    r = reports[0]
    return (
        0 <= r.strategy < len(STRATEGIES)
        and 0 <= r.task < len(TASKS)
        and -1 <= r.action < len(ACTIONS)
        and math.isfinite(r.waiting)
        and math.isfinite(r.concentration[0])
        and math.isfinite(r.concentration[1])
        and not math.isinf(r.concentration[2] + r.concentration[3])
    )
