"""The file of a fleet: which robots there are and where. `jerne deploy` makes each robot's files from it."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from robots import check
from robots.dotbot.body import Dotbots
from robots.fence import Fence
from robots.shell import Rules
from swarm import missionfile
from swarm.field.config import Body, Tracker
from swarm.missionfile import MissionError
from swarm.net import keys

DESK = "desk"  # the member that gives orders, unless a fleet says another
EARS, CONTROL, WATCH = 5670, 5770, 5870  # first ports; robot number n has the n-th after them


@dataclass(frozen=True)
class Robot:
    """One robot of the fleet."""

    number: int  # in the mission
    body: Body
    host: str = "127.0.0.1"  # where its process runs, as the others reach it

    def __post_init__(self) -> None:
        check.number("number", self.number, 0, 32767)
        if not _is_host(self.host):
            raise ValueError(
                f"host = {self.host!r}: must be a host's name or IPv4 address, as robot1.local or 10.0.0.10"
            )


@dataclass(frozen=True)
class Fleet:
    """All of them."""

    robots: tuple[Robot, ...]
    mission: str = "default"  # file or shipped name
    keys: str = "keys"  # folder of the swarm's keys, which `jerne keys new` makes; empty: nothing is encrypted
    desk: str = DESK  # the member that gives orders
    user: str = "jerne"  # whose processes robots are, under systemd
    home: str = "/etc/jerne"  # folder that the robots' folders, 0 and so on, are copied into
    tracker: Tracker | None = None
    fence: Fence | None = None
    dotbots: Dotbots | None = None
    rules: Rules | None = None

    def __post_init__(self) -> None:
        numbers = [robot.number for robot in self.robots]
        if not numbers:
            raise ValueError("robots: a fleet needs at least one [[robots]]")
        twice = sorted({number for number in numbers if numbers.count(number) > 1})
        if twice:
            raise ValueError(f"robots: number {twice[0]} is given twice")
        known = 0 if self.dotbots is None else len(self.dotbots.robots)
        lost = [robot.number for robot in self.robots if robot.body.kind == "dotbot" and robot.number >= known]
        if lost:
            raise ValueError(f"dotbots.robots: the address of robot {lost[0]} is missing")


def read(path: Path) -> Fleet:
    """The fleet in a file. Raises MissionError."""
    return missionfile.read(Fleet, missionfile.text_of(path), str(path))


def _is_host(text: str) -> bool:
    """Is it a host's name or an IPv4 address?"""
    if not re.fullmatch(r"[0-9.]+", text):
        labels = text.removesuffix(".").split(".")
        return len(text) <= 253 and all(re.fullmatch(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)", label) for label in labels)
    try:
        return bool(IPv4Address(text))
    except ValueError:
        return False


def ears(robot: Robot) -> str:
    """Where the others speak to a robot."""
    return f"tcp://{robot.host}:{EARS + robot.number}"


def control(robot: Robot) -> str:
    """Where a robot takes orders."""
    return f"tcp://{robot.host}:{CONTROL + robot.number}"


def watch(robot: Robot) -> str:
    """Where a robot shows itself."""
    return f"tcp://{robot.host}:{WATCH + robot.number}"


def chosen(fleet: Fleet, numbers: list[int]) -> list[Robot]:
    """The robots of these numbers, all where there are none. Raises MissionError."""
    known = {robot.number: robot for robot in fleet.robots}
    for number in numbers:
        if number not in known:
            raise MissionError([f"{number}: no such robot; there are {', '.join(map(str, sorted(known)))}"])
    return [known[number] for number in numbers or sorted(known)]


def ring_of(fleet: Fleet, path: Path, *, anybody: bool = False) -> keys.Keyring | None:
    """The desk's keys; None where the fleet has none. Raises KeysError.

    With `anybody` those of the only member whose secret is there, where it is not the desk's.
    """
    if not fleet.keys:
        return None
    folder = path.parent / fleet.keys
    return keys.load(folder, None if anybody and not (folder / f"{fleet.desk}.secret").exists() else fleet.desk)
