"""What one real robot shows of itself to watchers: the messages of `swarm.view.publish`, with itself alone in them.

Read-only: watchers subscribe, nothing that they do reaches the robot's loop. Places are those of the tracker.
"""

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import zmq
from msgspec import structs

from robots.percept import blank
from sim.floor import floor
from sim.site import Event
from swarm.field.config import Config
from swarm.field.control import Status
from swarm.field.pilot import Pilot
from swarm.mission import Mission
from swarm.net.keys import Keyring
from swarm.net.link import PeerLink
from swarm.net.ties import total
from swarm.record import Tick, Told
from swarm.view.publish import Publisher
from swarm.view.snapshot import Detail, Snapshot, Stage
from swarm.view.telemetry import Telemetry

EVERY = 0.2  # s between two snapshots
OLD = 0.5  # s, age of readings from which they count as dead
FORGOTTEN = 5.0  # s after which a site that nobody sees is dropped


def stage_of(mission: Mission) -> Stage:
    """The mission's stage as a robot knows it: neither phases nor tasks done are known to it."""
    try:
        ground = floor(mission.arena, Path())
        bounds, walls = ground.bounds, [tuple(wall) for wall in ground.walls.tolist()]
    except (ValueError, OSError):  # its map is elsewhere
        width, depth = mission.arena.size
        bounds, walls = (-width / 2, -depth / 2, width / 2, depth / 2), []
    return Stage(
        mission.name,
        mission.about,
        mission.seed,
        mission.duration,
        bounds,
        walls,
        mission.robots.radius,
        mission.work.face,
        {name: kind.colour for name, kind in mission.kinds.items()},
        [(0.0, "")],
        {name: kind.signature for name, kind in mission.kinds.items()},
        mission.watch,
        real=True,
    )


class Losses:
    """Counts the messages of peers that never came, by the gaps in their numbers."""

    def __init__(self) -> None:
        self._seen: dict[int, tuple[int, int, int]] = {}  # peer -> boot, highest number, received
        self.total = 0

    def count(self, link: PeerLink) -> int:
        """All so far."""
        for number, peer in link.guard.peers.items():
            now = peer.boot, peer.highest, peer.counters["received"]
            boot, highest, received = self._seen.get(number, now)
            if boot == now[0]:
                self.total += max(0, (now[1] - highest) - (now[2] - received))
            self._seen[number] = now
        return self.total


class Show:
    """Publishes at `config.watch`. Raises OSError where that is not to be had."""

    def __init__(self, config: Config, pilot: Pilot, link: PeerLink, ring: Keyring | None) -> None:
        self.number, self.pilot, self.link = config.number, pilot, link
        self.stage = stage_of(pilot.mission)
        self.telemetry = Telemetry(pilot.mission.tick, odometry="odometry" in pilot.body.senses)
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        try:
            self._publisher = Publisher(self._context, [(config.watch, ring)], "robot", self.stage.mission)
        except OSError:
            self.close("")
            raise
        self.address = self._publisher.addresses[0]
        self._losses = Losses()
        self._sites: dict[int, tuple[float, list[object]]] = {}  # number -> when seen, row of a tick
        self._due, self._state = -math.inf, ""
        self._blank = blank(pilot.brain.dtype, 1)
        self.telemetry.snapshot(self._tick(0))  # loads what it needs before the robot's loop must not wait

    def tick(self, now: float, status: Status) -> None:
        """Take a tick in; publish when it is due. `now` is monotonic, s."""
        tick = self._tick(status.session)
        self._note(tick, status)
        self.telemetry.tick(tick)
        if now >= self._due:
            self._due = now + EVERY
            self._publisher.publish(self.stage, self._snapshot(tick, status), lambda _: self._detail(tick))

    def close(self, why: str) -> None:
        """The robot ends."""
        if why and not self._context.closed:
            self._publisher.end(why)
        self._context.destroy(linger=200)

    def _tick(self, session: int) -> Tick:
        pilot = self.pilot
        percept = self._blank if pilot.percept is None else pilot.percept
        tick = max(0, pilot.ticks)
        counts = self.link.counters
        return Tick(
            tick,
            percept["pose"].astype(float),
            percept,
            pilot.sent,
            pilot.report,
            np.ones(1, bool),
            np.array([tick]),
            np.array([max(0, session - 1)]),
            np.zeros(1, bool),
            np.array([[counts["said"], counts["received"], self._losses.count(self.link)]]),
            np.full((1, 1), -1),
            [pilot.heard],
            self._in_sight(percept[0], tick * pilot.mission.tick),
            0,
            0,
            0,
        )

    def _note(self, tick: Tick, status: Status) -> None:
        """Events and decisions."""
        time, state = tick.tick * self.pilot.mission.tick, held(status) or status.state
        if state.split(" are ")[0] != self._state:
            self._state = state.split(" are ")[0]
            level = "error" if status.state == "emergency stop" else "info"
            self.telemetry.event(Event(time, level, f"robot {self.number}: {state}"))
        if (decided := self.pilot.decided) is not None:
            self.telemetry.told(Told(0, decided[0], decided[1], None))

    def _snapshot(self, tick: Tick, status: Status) -> Snapshot:
        snapshot = self.telemetry.snapshot(tick)
        age = math.inf if status.age is None else status.age
        hung = f"its loop hung {status.hung} times in the last minute" if status.hung else ""
        row = structs.replace(
            snapshot.robots[0],
            robot=self.number,
            held=held(status),
            fault=status.trouble or hung,
            frozen=age if age > OLD else snapshot.robots[0].frozen,
        )
        ties = self.link.ties()
        links = [(min(self.number, peer), max(self.number, peer)) for peer in ties.alive]
        return structs.replace(snapshot, robots=[row], links=links, ties=total([ties]))

    def _detail(self, tick: Tick) -> Detail:
        return structs.replace(self.telemetry.detail(tick, 0), robot=self.number, ties=self.link.ties())

    def _in_sight(self, percept: np.void, time: float) -> list[list[object]]:
        """The sites that it senses, or has sensed a moment ago, where its own place is known."""
        x, y, heading = percept["pose"].tolist()
        if math.isfinite(x + y + heading):
            for slot, number in enumerate(percept["site_id"].tolist()):
                kind = kind_of(int(percept["site_kind"][slot]), self.stage.signatures)
                distance, bearing = percept["site_rb"][slot].tolist()
                if number < 0 or kind is None or not math.isfinite(distance + bearing):
                    continue
                before = self._sites.get(number, (time, [0.0] * 9))[1]
                touched = percept["touch"] == number and np.isfinite(percept["progress"])
                opened = before[8] if number in self._sites else time
                ahead = heading + bearing
                face = x + distance * math.cos(ahead), y + distance * math.sin(ahead)
                facing = math.remainder(heading + float(percept["site_face"][slot]), 2 * math.pi)
                progress = float(percept["progress"]) if touched else before[4]
                self._sites[number] = time, [number, *face, facing, progress, kind, "", 0, opened]
        self._sites = {n: (seen, row) for n, (seen, row) in self._sites.items() if time - seen <= FORGOTTEN}
        return [row for _, row in self._sites.values()]


def held(status: Status) -> str:
    """What keeps a robot from moving; empty: nothing."""
    if status.state == "armed":
        return status.why
    return f"{status.state}: {status.why}" if status.why else status.state


def kind_of(signature: int, patterns: Mapping[str, str]) -> str | None:
    """The first kind whose pattern a beacon's signature fits."""
    bits = [str(signature >> b & 1) for b in range(16)]
    for name, pattern in patterns.items():
        if all(c in ("#", bit) for c, bit in zip(pattern, bits, strict=False)):
            return name
    return None
