"""`jerne arm`, `stop`, `release`, `quit`, `doctor`: orders to the robots of a fleet, and how they are."""

import argparse
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from swarm.field import control, fleet
from swarm.field.control import Reply, Status
from swarm.field.fleet import Fleet
from swarm.missionfile import MissionError
from swarm.net import keys
from swarm.refusal import refuse

ABOUT = {
    "arm": "Let robots move. Refused by a robot whose readings or commands are not fresh, or that was stopped.",
    "stop": "Emergency stop, by any member of the swarm. It latches: robots stand until `jerne release` and then "
    "`jerne arm`.",
    "release": "End an emergency stop. Robots stay disarmed.",
    "quit": "End the robots' processes. What they have learnt is saved.",
    "doctor": "Ask all robots of a fleet how they are, before anything moves. Exit status 1: something is wrong.",
}
CLOCK = 0.5  # s that a robot's clock may differ from ours
EMPTY = 0.2  # charge below which a battery is too low to start


def _main(argv: Sequence[str], word: str) -> int:
    """Run one of the commands with these arguments; the exit status."""
    parser = argparse.ArgumentParser(f"jerne {word}", description=ABOUT[word])
    parser.add_argument("fleet", type=Path, metavar="FLEET", help="the fleet's file, see `jerne deploy`")
    parser.add_argument("robots", type=int, nargs="*", metavar="N", help="numbers of robots (default: all)")
    args = parser.parse_args(argv)
    order = "status" if word == "doctor" else word
    try:
        whole = fleet.read(args.fleet)
        robots = fleet.chosen(whole, args.robots)
        ring = fleet.ring_of(whole, args.fleet, anybody=order in control.ANYTIME)
    except (MissionError, keys.KeysError) as error:
        return refuse(error)
    addresses = {robot.number: fleet.control(robot) for robot in robots}
    replies = control.send(order, addresses, ring)
    return examine(whole, replies) if word == "doctor" else _order(word, replies, addresses)


def _order(word: str, replies: Mapping[int, Reply | None], addresses: Mapping[int, str]) -> int:
    """Show what came of an order."""
    wrong = 0
    for number, reply in replies.items():
        if reply is None:
            text = f"NO ANSWER from {addresses[number]}"
        elif not reply.done:
            text = f"refused: {reply.text}"
        else:
            text = f"done, now {reply.status.state}"
        wrong += reply is None or not reply.done
        print(f"robot {number}: {word}: {text}")
    return 1 if wrong else 0


def examine(whole: Fleet, replies: Mapping[int, Reply | None]) -> int:
    """Show what is wrong with each robot."""
    status = 0
    for number, reply in replies.items():
        faults = ["no answer: is its process running, are host, port and keys right?"]
        if reply is not None:
            faults = diagnosis(reply.status, len(whole.robots), time.time())
        fit = "fit" if reply is None or not reply.status.label else f"fit, {reply.status.label}"
        print(f"robot {number}: {'; '.join(faults) or fit}")
        status = status or int(bool(faults))
    return status


def diagnosis(s: Status, robots: int, now: float) -> list[str]:
    """What is wrong with a robot of a fleet of so many, one line each; `now` is our wall clock, s."""
    faults = []
    if s.session == 0:
        faults.append(f"the body does not answer: {s.trouble or 'nothing came yet'}")
    elif s.trouble:
        faults.append(f"body: {s.trouble}")
    if s.age is None:
        faults.append("no readings: is it in the tracker's view?")
    elif s.age > 0.3:
        faults.append(f"readings are {s.age:.2f} s old, at most 0.3 s is allowed")
    if abs(s.time - now) > CLOCK:
        faults.append(f"its clock differs by {s.time - now:+.1f} s: logs will not fit together")
    if s.peers < robots - 1 and s.age is not None:
        faults.append(f"hears {s.peers} of {robots - 1} others")
    if s.battery is not None and s.battery < EMPTY:
        faults.append(f"battery at {100 * s.battery:.0f}%")
    if s.state == "emergency stop":
        faults.append(f"emergency stop: {s.why}")
    if s.hung:
        faults.append(f"its loop hung {s.hung} times in the last minute: is the computer too slow?")
    return faults


def arm(argv: Sequence[str]) -> int:
    """Run `jerne arm`."""
    return _main(argv, "arm")


def stop(argv: Sequence[str]) -> int:
    """Run `jerne stop`."""
    return _main(argv, "stop")


def release(argv: Sequence[str]) -> int:
    """Run `jerne release`."""
    return _main(argv, "release")


def quit(argv: Sequence[str]) -> int:  # noqa: A001 - called as what it is
    """Run `jerne quit`."""
    return _main(argv, "quit")


def doctor(argv: Sequence[str]) -> int:
    """Run `jerne doctor`."""
    return _main(argv, "doctor")
