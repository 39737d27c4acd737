"""The configuration of one robot, a TOML file; `jerne deploy` writes one for each robot of a fleet."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from robots import check
from robots.dotbot.body import Dotbots
from robots.fence import Fence
from robots.gpio.wiring import Wiring
from robots.port import place
from robots.shell import Rules
from swarm import missionfile

KINDS = ("thymio", "epuck", "gpio", "dotbot")


@dataclass(frozen=True)
class Body:
    """Which body, and where it answers."""

    kind: str = "thymio"  # thymio | epuck | gpio | dotbot
    address: str = ""  # tcp:HOST:PORT or serial:DEVICE, for thymio and epuck; tcp:HOST:PORT of a dotbot's controller
    node: int = 0  # Aseba node behind that address; 0: the only one
    unguarded: bool = False  # the robot may drive although it does not stop by itself
    wiring: Wiring | None = None  # for gpio

    def __post_init__(self) -> None:
        check.choice("kind", self.kind, KINDS)
        check.number("node", self.node, 0, 65535)
        if self.kind == "gpio" and self.wiring is None:
            raise ValueError("wiring: missing, a gpio body needs the table [body.wiring]")
        if self.kind != "gpio" and (not self.address or (self.kind == "dotbot" and "tcp:" not in self.address)):
            ways = "tcp:HOST:PORT" if self.kind == "dotbot" else "tcp:HOST:PORT or serial:DEVICE"
            raise ValueError(f"address: missing, a {self.kind} body needs {ways}")
        if self.kind != "gpio":
            place(self.address)


@dataclass(frozen=True)
class Tracker:
    """Where an external tracker is, see `jerne tracker`."""

    address: str  # of its views, tcp://HOST:PORT
    deeds: str = ""  # where robots tell what they do at virtual sites; empty: nowhere
    name: str = "tracker"  # whose key it has, where the swarm has keys

    def __post_init__(self) -> None:
        check.address("address", self.address, "tcp://10.0.0.5:5601")
        check.address("deeds", self.deeds or None, "tcp://10.0.0.5:5602")


@dataclass(frozen=True)
class Peers:
    """How the robot talks to the others."""

    bind: str = "tcp://0.0.0.0:5670"  # its ears
    robots: Mapping[str, str] = field(default_factory=dict)  # number -> address of that robot's ears
    keys: str = ""  # folder of the swarm's keys; empty: nothing is encrypted and everybody is believed


@dataclass(frozen=True)
class Config:
    """All of it."""

    number: int  # the robot's number in the mission
    body: Body
    mission: str = "default"  # file or shipped name
    tracker: Tracker | None = None
    fence: Fence | None = None
    dotbots: Dotbots | None = None  # for dotbot
    peers: Peers = field(default_factory=Peers)
    control: str = "tcp://127.0.0.1:5770"  # where it takes orders: arm, stop
    desk: str = "desk"  # the member of the swarm whose orders it takes; any other may only stop it
    watch: str = "tcp://127.0.0.1:5870"  # where it shows itself to watchers
    minds: str = ""  # file of what it has learnt; empty: it is not kept
    box: str = "blackbox.jsonl"  # where the last minute is written when something goes wrong
    rules: Rules = field(default_factory=Rules)

    def __post_init__(self) -> None:
        check.number("number", self.number, 0, 32767)
        if self.body.kind == "dotbot" and (self.dotbots is None or self.number >= len(self.dotbots.robots)):
            raise ValueError(f"dotbots.robots: the address of robot {self.number} is missing")


def read(path: Path) -> Config:
    """The configuration in a file, its paths absolute. Raises MissionError."""
    config = missionfile.read(Config, missionfile.text_of(path), str(path))

    def absolute(file: str) -> str:
        return str((path.parent / file).absolute()) if file else ""

    mission = absolute(config.mission) if config.mission.endswith(".toml") else config.mission
    peers = replace(config.peers, keys=absolute(config.peers.keys))
    return replace(config, mission=mission, peers=peers, minds=absolute(config.minds), box=absolute(config.box))
