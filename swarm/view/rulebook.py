"""`jerne rules`: what the robots of a run have learnt, as sentences, JSON or CSV."""

import argparse
import csv
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from classifier.population import Rule
from swarm import record
from swarm.record import Log, Told
from swarm.refusal import apart, refuse, unused
from swarm.report import ACTIONS
from swarm.rules import sentence, strongest

MOST = 10  # rules that are printed, unless told otherwise

ABOUT = """\
Print what the robots of a run have learnt at sites: their classifiers as sentences, the strongest first. Strong is
what promises much, is exact, and has been seen often. A robot tells its rules once a simulated minute and at the end.
"""
EXAMPLES = """\
examples:
  jerne rules runs/default-seed1-001                  the strongest of all robots, equal ones once
  jerne rules runs/default-seed1-001 --robot 3 --most 30
  jerne rules runs/default-seed1-001 --at 290         as they were told last before second 290
  jerne rules runs/default-seed1-001 --csv rules.csv --json rules.json
"""


class Known(NamedTuple):
    """The rules of a robot, as it told them in a tick."""

    robot: int
    tick: int
    rules: list[Rule]


class Entry(NamedTuple):
    """A rule that several robots have; its figures are those of the one that has seen it most."""

    rule: Rule
    robots: tuple[int, ...]


def latest(log: Log, until: float = float("inf")) -> list[Known]:
    """What each robot told last up to a time (s), by number."""
    found = {
        item.robot: Known(item.robot, item.tick, item.rules)
        for item in log.walk()
        if isinstance(item, Told) and item.rules is not None and item.tick * log.dt <= until
    }
    return [found[robot] for robot in sorted(found)]


def gathered(known: Sequence[Known]) -> list[Entry]:
    """The rules of all robots, the strongest first, equal conditions and actions once."""
    same: dict[tuple[str, int], list[tuple[int, Rule]]] = {}
    for one in known:
        for rule in one.rules:
            same.setdefault((rule.condition, rule.action), []).append((one.robot, rule))
    best = {
        key: max((rule for _, rule in having), key=lambda rule: (rule.experience, -rule.error))
        for key, having in same.items()
    }
    return [
        Entry(rule, tuple(robot for robot, _ in same[rule.condition, rule.action]))
        for rule in strongest([*best.values()])
    ]


def main(argv: Sequence[str]) -> int:
    """Run `jerne rules` with these arguments; the exit status."""
    args = _parser().parse_args(argv)
    try:
        unused("--json", args.json)
        unused("--csv", args.csv)
        apart(("--json", args.json), ("--csv", args.csv))
        if args.most < 1:
            raise ValueError(f"--most {args.most}: must be at least 1")
        log = record.open_run(args.run)
        if args.at is not None and not 0 <= args.at <= log.end:
            raise ValueError(f"--at {args.at:g}: must lie in [0, {log.end:g}], which is what the log holds")
        known = latest(log, args.at if args.at is not None else float("inf"))
        count = log.mission.robots.count
        if args.robot is not None and not 0 <= args.robot < count:
            raise ValueError(f"--robot {args.robot}: the run has robots 0 to {count - 1}")
        if args.robot is not None:
            known = [one for one in known if one.robot == args.robot]
        _export(args.json, args.csv, log, known)
    except (ValueError, OSError) as error:
        return refuse(error)
    if args.json is None and args.csv is None:
        _print(log, known, args.most)
    if log.lack:
        print(f"jerne: {log.path}: {log.lack}", file=sys.stderr)
    return 0


def _print(log: Log, known: Sequence[Known], most: int) -> None:
    entries = gathered(known)
    if not entries:
        print("no rules had been told by then: they come once a minute and at the end, of learners that have any")
        return
    robots = f"robot {known[0].robot}" if len(known) == 1 else f"{len(known)} robots"
    print(f"{len(entries)} different rules of {robots}, as told at {max(one.tick for one in known) * log.dt:.0f} s:")
    for entry in entries[:most]:
        plural = "s" * (len(entry.robots) > 1)
        having = f" [{len(entry.robots)} robot{plural}]" if len(known) > 1 else ""
        print(f"  {sentence(entry.rule, log.stage.signatures)}{having}")


def _export(as_json: Path | None, as_csv: Path | None, log: Log, known: Sequence[Known]) -> None:
    """All rules of each robot, the strongest first. Raises OSError."""
    rows: list[dict[str, Any]] = [
        {
            "robot": one.robot,
            "time": round(one.tick * log.dt, 3),
            **rule._asdict(),
            "action": ACTIONS[rule.action] if rule.action < len(ACTIONS) else str(rule.action),
            "sentence": sentence(rule, log.stage.signatures),
        }
        for one in known
        for rule in strongest(one.rules)
    ]
    if as_json is not None:
        as_json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
        print(f"{as_json}: {len(rows)} rules of {len(known)} robots")
    if as_csv is not None:
        with as_csv.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, ["robot", "time", *Rule._fields, "sentence"])
            writer.writeheader()
            writer.writerows(rows)
        print(f"{as_csv}: {len(rows)} rules of {len(known)} robots")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "jerne rules", description=ABOUT, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("run", type=Path, metavar="RUN", help="a run's folder, or its ticks.mcap")
    add("--robot", type=int, metavar="N", help="of this robot only")
    add("--most", type=int, default=MOST, metavar="K", help=f"how many are printed (default: {MOST})")
    add("--at", type=float, metavar="S", help="as they were at this simulated second (default: at the end)")
    add("--json", type=Path, metavar="FILE", help="write all of them as JSON instead")
    add("--csv", type=Path, metavar="FILE", help="write all of them as CSV instead")
    return parser
