"""`jerne deploy`: write what each robot of a fleet needs."""

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from sim import maps
from swarm import missionfile
from swarm.field import fleet
from swarm.field.fleet import Fleet, Robot
from swarm.mission import Mission
from swarm.missionfile import MissionError
from swarm.net import keys
from swarm.refusal import refuse

ABOUT = """\
Write what each robot of a fleet needs, a folder each: robot.toml, the mission with its map and plugins, its keys (and
no other's), and a systemd unit that starts it, watches it and starts it again when it failed. Copy DIR/N to the
computer of robot N, into the folder given by `home` in the fleet's file. Nothing is started, and nothing leaves
this machine.
"""
EXAMPLE = """\
a fleet's file:
  mission = "depot.toml"
  keys = "keys"                          # made by: jerne keys new keys 0-3 desk tracker
  [tracker]
  address = "tcp://10.0.0.5:5601"
  deeds = "tcp://10.0.0.5:5602"
  [fence]
  left = -1.0
  low = -1.0
  right = 1.0
  high = 1.0
  [[robots]]
  number = 0
  host = "10.0.0.10"
  body.kind = "thymio"
  body.address = "serial:/dev/ttyACM0"
"""
UNIT = """\
[Unit]
Description=jerne robot {number}
After=network-online.target
Wants=network-online.target

[Service]
Type=notify
User={user}
ExecStart={command} robot --config {home}/{number}/robot.toml
WorkingDirectory={home}/{number}
WatchdogSec=2
WatchdogSignal=SIGKILL
TimeoutStartSec=120
TimeoutStopSec=5
KillSignal=SIGTERM
Restart=on-failure
RestartSec=2
RestartPreventExitStatus=2

[Install]
WantedBy=multi-user.target
"""


def main(argv: Sequence[str]) -> int:
    """Run `jerne deploy` with these arguments; the exit status."""
    parser = argparse.ArgumentParser(
        "jerne deploy", description=ABOUT, epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("fleet", type=Path, metavar="FLEET", help="the fleet's file")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write to; must not exist yet")
    parser.add_argument("--command", default="/opt/jerne/bin/jerne", help="jerne on a robot (default: %(default)s)")
    args = parser.parse_args(argv)
    try:
        made = deploy(fleet.read(args.fleet), args.fleet, args.out, args.command)
    except (MissionError, maps.MapError, keys.KeysError) as error:
        return refuse(error)
    except OSError as error:
        print(f"jerne: error: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    for folder in made:
        lacks = (folder / "keys").exists() and not list((folder / "keys").glob("*.secret"))
        print(f"{folder}: written{f'; made elsewhere, add to keys: {folder.name}.secret' if lacks else ''}")
    print(f"next: copy each to its robot, start the units, then: jerne doctor {args.fleet}; jerne arm {args.fleet}")
    return 0


def deploy(whole: Fleet, path: Path, out: Path, command: str) -> list[Path]:
    """Write the folders of all robots below `out`; nothing on MissionError, MapError and KeysError.

    Raises OSError too.
    """
    mission = missionfile.load(missionfile.find(_mission(whole, path)))
    if mission.arena.map is not None:
        maps.load(Path(mission.arena.map))
    ring = fleet.ring_of(whole, path)
    for robot in whole.robots:
        if robot.number >= mission.robots.count:
            raise MissionError(
                [f"{path}: robot {robot.number}: {mission.name} has robots 0 to {mission.robots.count - 1}"]
            )
        if ring is not None:
            _files(path.parent / whole.keys, robot.number, ring)
    if out.exists():
        raise MissionError([f"--out {out}: exists already and is left as it is"])
    made = []
    for robot in whole.robots:
        folder = out / str(robot.number)
        folder.mkdir(parents=True)
        (folder / "mission.toml").write_text(missionfile.dumps(packed(mission, folder)), "utf-8")
        (folder / "robot.toml").write_text(configuration(whole, robot), "utf-8")
        (folder / f"jerne-robot-{robot.number}.service").write_text(
            UNIT.format(number=robot.number, user=whole.user, command=command, home=whole.home), "utf-8"
        )
        if ring is not None:
            (folder / "keys").mkdir(mode=0o700)
            for file in _files(path.parent / whole.keys, robot.number, ring):
                shutil.copy2(file, folder / "keys")
        made.append(folder)
    return made


def _files(folder: Path, robot: int, ring: keys.Keyring) -> list[Path]:
    """A robot's own of the files in the keys' `folder`: no secret, where it was made on the robot. Raises KeysError."""
    shared, secret = [folder / "swarm", folder / "members"], folder / f"{robot}.secret"
    if robot in ring.robots and not secret.exists():
        return shared
    keys.load(folder, str(robot))
    return [*shared, secret]


def packed(mission: Mission, folder: Path) -> Mission:
    """`mission` with the files that it names copied into `folder`, its paths relative to there."""

    def copied(path: str, place: str) -> str:
        (folder / place).mkdir(parents=True)
        shutil.copy(path, folder / place)
        return f"{place}/{Path(path).name}"

    arena, robots, mind = mission.arena, mission.robots, mission.mind
    if arena.map is not None:
        arena = replace(arena, map=f"map/{maps.copy(Path(arena.map), folder / 'map').name}")
    if robots.body.endswith(".urdf"):
        robots = replace(robots, body=copied(robots.body, "body"))
    plugins = tuple(copied(plugin, f"plugins/{i}") for i, plugin in enumerate(mind.plugins))
    return replace(mission, arena=arena, robots=robots, mind=replace(mind, plugins=plugins))


def configuration(whole: Fleet, robot: Robot) -> str:
    """The text of a robot's robot.toml."""
    lines = [
        f"number = {robot.number}",
        'mission = "mission.toml"',
        f'control = "tcp://0.0.0.0:{fleet.CONTROL + robot.number}"',
        f'desk = "{whole.desk}"',
        f'watch = "tcp://0.0.0.0:{fleet.WATCH + robot.number}"',
        'minds = "learnt.mind"',
    ]
    lines += _table("body", robot.body)
    for name in ("tracker", "fence", "dotbots", "rules"):
        if getattr(whole, name) is not None:
            lines += _table(name, getattr(whole, name))
    lines += ["", "[peers]", f'bind = "tcp://0.0.0.0:{fleet.EARS + robot.number}"']
    if whole.keys:
        lines.append('keys = "keys"')
    lines += ["", "[peers.robots]"]
    lines += [f'{other.number} = "{fleet.ears(other)}"' for other in whole.robots if other is not robot]
    return "\n".join(lines) + "\n"


def _mission(whole: Fleet, path: Path) -> str:
    return str(path.parent / whole.mission) if whole.mission.endswith(".toml") else whole.mission


def _table(name: str, value: Any) -> list[str]:
    """A parameter class as TOML, what is not set left out."""
    lines, inner = ["", f"[{name}]"], []
    for field in fields(value):
        part = getattr(value, field.name)
        if is_dataclass(part):
            inner += _table(f"{name}.{field.name}", part)
        elif isinstance(part, tuple) and part and is_dataclass(part[0]):
            for one in part:
                head, first, *rest = _table(f"{name}.{field.name}", one)
                inner += [head, f"[{first}]", *rest]
        elif part is not None:
            lines.append(f"{field.name} = {_plain(part)}")
    return lines + inner


def _plain(value: Any) -> str:
    return json.dumps(list(value) if isinstance(value, tuple) else value)
