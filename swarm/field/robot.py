"""`jerne robot`: one robot, its mind on a real body."""

import argparse
import contextlib
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from classifier.sealed import StoreError
from robots.body import Body, BodyError, lacking
from robots.deadman import DeadMan
from robots.dotbot.body import DotBot
from robots.fence import FencedBody
from robots.gpio.body import GpioBody
from robots.shell import RefusedError, Shell
from robots.thymio.body import AsebaBody
from robots.tracker.body import TrackedBody
from robots.tracker.port import Secure, ZmqTracker
from swarm import missionfile, store
from swarm.field import config as configs
from swarm.field.config import Config
from swarm.field.control import Control
from swarm.field.curb import curb
from swarm.field.loop import Loop
from swarm.field.pilot import Pilot, fitted
from swarm.field.show import Show
from swarm.mind import Mind
from swarm.mission import Mission
from swarm.missionfile import MissionError
from swarm.net import envelope, gate, keys
from swarm.net.link import PeerLink
from swarm.robot import rehearse
from swarm.view.keys import Keyboard

FAILED, WRONG = 1, 2

ABOUT = """\
Run one robot: the mind of the mission on a real body, with radio to the others.

The robot starts disarmed and stands until it is armed: by `jerne arm`, by the key a, or by --arm. The key q and
Ctrl-C end it. Any other key is an emergency stop, which latches: `jerne release` or the key r ends it, and then it has
to be armed again.
"""
EXAMPLES = """\
examples:
  jerne robot --body thymio --config robot3.toml               until it is ended
  jerne robot --body thymio --config robot3.toml --mission office --freeze
exit status:
  0  it was ended (Ctrl-C, SIGTERM, jerne quit) or --duration is over
  1  something failed: start it again (the last minute is in the black box)
  2  the configuration is wrong, or the body cannot do the mission: starting it again will not help
"""


def main(argv: Sequence[str]) -> int:
    """Run `jerne robot` with these arguments; the exit status."""
    args = _parser().parse_args(argv)
    try:
        with contextlib.ExitStack() as stack:
            try:
                loop = _made(*_settings(args), args, stack)
            except (ValueError, RefusedError) as error:  # MissionError, BodyError, KeysError, StoreError
                for line in str(error).splitlines():
                    print(f"jerne: error: {line}", file=sys.stderr)
                return WRONG
            with loop.signals(), Keyboard(every=True) as keyboard:
                return loop.run(args.duration, keyboard)
    except OSError as error:
        print(f"jerne: error: {error}", file=sys.stderr)
        return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "jerne robot", description=ABOUT, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--body", choices=configs.KINDS, help="kind of body (default: the configuration's)")
    add("--config", type=Path, required=True, metavar="FILE", help="of this robot; `jerne deploy` writes it")
    add("--mission", metavar="MISSION", help="file or shipped name (default: the configuration's)")
    add("--name", type=int, metavar="N", help="number of the robot (default: the configuration's)")
    add("--duration", type=float, metavar="S", help="end after so many seconds")
    add("--arm", action="store_true", help="arm as soon as readings and commands are fresh, once")
    add("--freeze", action="store_true", help="do what was learnt; learn nothing, explore nothing")
    add("--explore", type=int, metavar="N", help="explore in the first N decisions only (default: no limit)")
    return parser


def _settings(args: argparse.Namespace) -> tuple[Config, Mission]:
    config = configs.read(args.config)
    if args.body is not None and args.body != config.body.kind:
        raise MissionError([f"--body {args.body}: {args.config} is for a {config.body.kind}"])
    if args.name is not None:
        config = replace(config, number=args.name)
    if args.explore is not None and args.explore < 0:
        raise MissionError([f"--explore {args.explore}: must be at least 0"])
    if args.duration is not None and not args.duration > 0:
        raise MissionError([f"--duration {args.duration}: must be above 0"])
    mission = missionfile.load(missionfile.find(args.mission or config.mission))
    if not config.number < mission.robots.count:
        raise MissionError([f"number = {config.number}: {mission.name} has robots 0 to {mission.robots.count - 1}"])
    return config, mission


def build(config: Config, mission: Mission, radio: PeerLink) -> tuple[Body, Mission]:
    """The body of a configuration, and the mission fitted to it. Raises BodyError, MissionError."""
    body: Body
    if config.body.wiring is not None:
        body = GpioBody(config.body.wiring, mission.sensors)
    elif config.dotbots is not None and config.body.kind == "dotbot":
        body = DotBot(config.body.address, config.dotbots, config.number, mission.arena.size, mission.sensors)
    else:
        body = AsebaBody(config.body.kind, config.body.address, config.body.node or None, mission.sensors)
    with contextlib.ExitStack() as stack:
        stack.callback(body.close)
        if config.tracker is not None:
            tracker = ZmqTracker(config.tracker.address, config.tracker.deeds, *trust(config.tracker.name, radio))
            body = TrackedBody(body, tracker, config.number, mission.sensors)
            stack.callback(tracker.close)
        if config.fence is not None:
            if lacking(body.senses, ["pose"]):
                raise BodyError(f"a fence needs a body that senses {lacking((), ['pose'])[0]}: configure a tracker")
            body = FencedBody(body, config.fence)
        mission = fitted(mission, body)
        stack.pop_all()
    return body, mission


def trust(name: str, radio: PeerLink) -> tuple[Secure | None, Callable[[], bool]]:
    """How sockets reach the tracker of this name and nobody else; is its key still a member's? Raises MissionError."""
    ring = radio.ring
    if ring is None:
        return None, lambda: True
    server = next((public for public, member in ring.allowed.items() if member == name), None)
    if server is None:
        raise MissionError([f"tracker.name = {name!r}: no member of the swarm {ring.swarm!r} is called so"])
    return lambda socket: gate.approach(socket, ring, server), lambda: server in (radio.ring or ring).allowed


def _made(config: Config, mission: Mission, args: argparse.Namespace, stack: contextlib.ExitStack) -> Loop:
    """All of the robot, ready to run; `stack` gives it up. Raises ValueError and RefusedError for what cannot be."""
    rehearse(mission)
    ring = keys.load(config.peers.keys, str(config.number)) if config.peers.keys else None
    radio = PeerLink(
        config.number, envelope.topics(mission.radio.interval), ring, config.peers.bind, _addresses(config)
    )
    stack.callback(radio.close)
    body, mission = build(config, mission, radio)
    stack.callback(body.close)
    shell = Shell(body.limits, config.rules, guarded=body.guarded, unguarded=config.body.unguarded)
    control = Control(config.control, ring, config.desk)
    stack.callback(control.close)
    pilot = Pilot(mission, config.number, body, shell, radio, radio.boot)
    shows = Show(config, pilot, radio, ring)
    stack.callback(shows.close, "")
    minds = Path(config.minds) if config.minds else None
    if minds is not None and (mind := learnt(minds, mission, config.number)) is not None:
        pilot.brain.mind = mind
    curb(pilot.brain.mind, frozen=args.freeze, budget=args.explore)
    deadman = DeadMan(body.stop, config.rules.deadman)
    stack.callback(deadman.close)
    return Loop(config, pilot, control, deadman, None if args.freeze else minds, arm=args.arm, shows=shows)


def learnt(minds: Path, mission: Mission, number: int) -> Mind | None:
    """What was learnt, from a file or the one before it, as robot `number`'s; None: nothing yet.

    A file that cannot be loaded while the one before it can is put aside, so that no saving moves it over the good one.
    Raises StoreError where there are files and none can be loaded: they are left as they are.
    """
    wrong: list[str] = []
    mind = store.latest([minds], mission, wrong.append)
    if mind is None:
        if wrong:
            raise StoreError("\n".join([*wrong, f"{minds}: to begin anew, move away what is there"]))
        return None
    if wrong:
        aside = minds.with_name(f"{minds.name}.refused")
        os.replace(minds, aside)
        print(f"robot {number}: {wrong[0]}; put aside as {aside.name}, the one before it is taken", flush=True)
    return resumed(mind, number)


def resumed(mind: Mind, number: int) -> Mind:
    """A saved mind as that of robot `number`, whoever learnt it. Raises StoreError."""
    if len(mind.ids) != 1:
        raise StoreError(f"minds: holds the minds of {len(mind.ids)} robots, one is needed")
    mind.ids = np.array([number], np.int64)
    return mind


def _addresses(config: Config) -> dict[int, str]:
    try:
        return {int(number): address for number, address in config.peers.robots.items()}
    except ValueError:
        wrong = next(number for number in config.peers.robots if not number.isdecimal())
        raise MissionError([f"peers.robots.{wrong}: must be the number of a robot"]) from None
