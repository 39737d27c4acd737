"""The command `jerne`.

Commands with much of their own live in modules of their own, see `OTHERS`.

Exit status: 0 all is well, 1 a run failed, 2 bad input (one line for each mistake on stderr), 130 stopped
by Ctrl-C (128 + n by signal n).
Imports that take time happen inside the commands, so that the help comes at once.
"""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from swarm.options import CAMERAS, MINDS, PACES, RADIOS, Options
from swarm.refusal import denied, refuse

#: further commands: name -> module whose `main(argv)`, or other function after a colon, gives the exit status; help
OTHERS = {
    "immune": ("swarm.immunity", "the immune network by itself: how it follows a change, a map over its parameters"),
    "keys": ("swarm.net.cli", "keys of a swarm: make, list, add, revoke"),
    "compare": ("swarm.study.compare", "compare controllers while the world changes: a study with its report"),
    "robot": ("swarm.field.robot", "run one real robot"),
    "tracker": ("swarm.field.tracker", "see where robots are, and serve virtual sites to them"),
    "deploy": ("swarm.field.deploy", "write what each robot of a fleet needs"),
    "doctor": ("swarm.field.orders:doctor", "is the fleet fit to move? ask before anything does"),
    "arm": ("swarm.field.orders:arm", "let robots move"),
    "stop": ("swarm.field.orders:stop", "emergency stop, which latches"),
    "release": ("swarm.field.orders:release", "end an emergency stop; robots stay disarmed"),
    "quit": ("swarm.field.orders:quit", "end the robots' processes"),
    "lcs": ("swarm.lcs", "the classifier system by itself: mux, maze, csv, team, scs"),
    "watch": ("swarm.view.watch", "attach the dashboard to a run, from another terminal or machine"),
    "replay": ("swarm.view.replay", "see a run again, or verify it"),
    "report": ("swarm.view.report", "one HTML page about a run, or about several side by side"),
    "rules": ("swarm.view.rulebook", "what the robots of a run have learnt, as sentences, JSON or CSV"),
}

if TYPE_CHECKING:
    from sim.floor import Floor
    from swarm.mission import Mission

ABOUT = """\
A swarm of robots, one process each: an artificial immune network decides in every robot whether it
gathers with others or spreads out, and a classifier system learns what to do at the sites it finds.

A mission file (TOML) says how many robots there are, where they work and what changes while they do.
"""

EXAMPLES = """\
examples:
  jerne run                                the default mission, with a dashboard
  jerne run many --seed 7 --duration 120   two simulated minutes of another one
  jerne run --set radio.range=1.5 --set phases.0.rate=20
  jerne new mine.toml                      a mission of your own: every key with its meaning
  jerne validate mine.toml                 what is wrong with it, line by line
  jerne run mine.toml --out results        run it and keep the results in ./results

Results of a run go to the folder given by --out, else to a folder of their own below ./runs.
`jerne COMMAND --help` tells more about a command.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line `argv` (default: the process's own) and return its exit status."""
    try:
        try:
            status = _dispatch(sys.argv[1:] if argv is None else argv)
        finally:
            sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return status


def _dispatch(argv: Sequence[str]) -> int:
    status: int
    if argv and argv[0] in OTHERS:
        module, _, function = OTHERS[argv[0]][0].partition(":")
        status = getattr(importlib.import_module(module), function or "main")(argv[1:])
    else:
        args = _parser().parse_args(argv)
        status = args.command(args)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "jerne", description=ABOUT, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"jerne {_version()}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _run_arguments(commands.add_parser("run", help="run a mission", description="Run a mission."))

    new = commands.add_parser(
        "new", help="write a mission file to start from", description="Write a mission file to start from."
    )
    new.add_argument("file", type=Path, metavar="FILE", help="must not exist yet")
    new.set_defaults(command=_new)

    validate = commands.add_parser(
        "validate",
        help="check mission files",
        description="Check mission files as a run does before it begins, their maps, plugins and bodies included.",
    )
    validate.add_argument("missions", nargs="+", metavar="FILE", help="file or name of a shipped mission")
    validate.set_defaults(command=_validate)

    missions = commands.add_parser(
        "missions", help="list the shipped missions", description="List the shipped missions."
    )
    missions.set_defaults(command=_missions)

    for name, (_, about) in OTHERS.items():
        commands.add_parser(name, help=about, add_help=False)
    return parser


def _run_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "mission",
        nargs="?",
        metavar="MISSION",
        help="file or name, see `jerne missions` (default: default; with --resume that of the run)",
    )
    add("--seed", type=int, help="of everything that is drawn at random")
    add("--robots", type=int, metavar="N", help="number of robots")
    add(
        "--world",
        metavar="bullet|planar",
        help="the physics: bullet (PyBullet, 3D) or planar (discs and boxes, quick, for thousands of robots)",
    )
    add("--duration", type=float, metavar="S", help="simulated seconds: cuts the phases or extends the last")
    add(
        "--map",
        metavar="FILE",
        help="a map of ROS map_server (.yaml) in place of the arena; robots drive 0.5 m/s there",
    )
    add(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="sets",
        help="change any key of the mission, as in radio.range=1.5 or phases.0.rate=20; repeatable",
    )
    add(
        "--arbiter",
        metavar="NAME",
        help="who decides to aggregate or disperse: immune, calls, auction ...",
    )
    add("--learner", metavar="NAME", help="who learns what to do at a site: xcs, tcell, q, stay, known ...")
    add("--out", type=Path, metavar="DIR", help="folder for the results (default: one of their own in ./runs)")
    add(
        "--pace",
        choices=PACES,
        default="lockstep",
        help="lockstep: the world waits for every robot (default); realtime: it waits for none",
    )
    add(
        "--minds",
        choices=MINDS,
        default="processes",
        help="processes: one for each robot (default); stack: all in the world's process, for hundreds or "
        "thousands of robots, with the same results",
    )
    add("--speed", type=float, metavar="X", help="slow lockstep down to X simulated seconds per second")
    add(
        "--radio",
        choices=RADIOS,
        default="medium",
        help="medium: the world carries signals, the same way each time (default); peers: robots send them to each "
        "other over encrypted sockets, so that the same seed does not give the same log",
    )
    add("--resume", type=Path, metavar="RUN", help="go on with what the robots of that run had learnt")
    add("--plain", action="store_true", help="lines of text in place of the dashboard")
    add("--gui", action="store_true", help="open the window of PyBullet")
    add("--video", type=Path, metavar="FILE", help="film the run (.mp4 or .gif)")
    add("--camera", choices=CAMERAS, default="top", help="of the film: top (default) or bullet, PyBullet's own")
    add(
        "--listen",
        metavar="ADDRESS",
        help="let members of the swarm watch over the network, as in tcp://*:5600 (needs --keys)",
    )
    add("--keys", type=Path, metavar="FOLDER", help="the swarm's keys, see `jerne keys`")
    add("--key", metavar="NAME", help="whose key in that folder (default: the only one)")
    add(
        "--command",
        metavar="ADDRESS",
        dest="command_at",
        help="take orders from the operator over the network, as in tcp://*:5601 (stop robots, let them go on)",
    )
    add("--operator", metavar="NAME", default="operator", help="the member whose orders are taken (default: operator)")
    add("--insecure", action="store_true", help="anyone who reaches the --listen address may watch, in plain text")
    parser.set_defaults(command=_run)


def _run(args: argparse.Namespace) -> int:
    from swarm import missionfile

    try:
        how = args.pace, args.speed, args.minds, args.radio, args.resume, args.plain, args.gui, args.video
        options = Options(args.out, *how, args.listen, args.keys, args.key, args.insecure)
        options = replace(options, command=args.command_at, operator=args.operator, camera=args.camera)
    except ValueError as error:
        return refuse(f"--{error}")
    minds = [f'mind.{name}="{getattr(args, name)}"' for name in ("arbiter", "learner") if getattr(args, name)]
    try:
        if args.resume is not None and not os.path.isfile(args.resume / "mission.toml"):
            why = denied(args.resume / "mission.toml") or "must be the folder of a run"
            return refuse(f"--resume {args.resume}: {why}")
        name = args.mission or ("default" if args.resume is None else str(args.resume / "mission.toml"))
        mission = missionfile.load(missionfile.find(name), [*args.sets, *minds])
        if args.seed is not None and not 0 <= args.seed < 2**63:
            return refuse(f"--seed {args.seed}: must lie in [0, 2^63 - 1]")
        if args.duration is not None and not 1 <= args.duration <= 1e6:
            return refuse(f"--duration {args.duration:g}: must lie in [1, 1e6] s")
        mission = missionfile.override(mission, args.seed, args.robots, args.duration, args.map, args.world)
        _check(mission, name)
        from swarm.run import run

        return run(mission, options)
    except ValueError as error:  # bad input, be it the mission's or the run's
        return refuse(error)


def _new(args: argparse.Namespace) -> int:
    from swarm import missionfile

    path: Path = args.file
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(missionfile.template(path.stem))
    except FileExistsError:
        return refuse(f"{path}: exists already and is left as it is")
    except FileNotFoundError:
        return refuse(f"{path}: there is no folder {path.parent}")
    except OSError as error:
        return refuse(f"{path}: cannot be written: {error.strerror}")
    print(f"{path}: written; next: jerne validate {path}, jerne run {path}")
    return 0


def _validate(args: argparse.Namespace) -> int:
    from swarm import missionfile

    status = 0
    for name in args.missions:
        try:
            mission = missionfile.load(missionfile.find(name))
            print(f"{name}: ok: {_summary(mission, _check(mission, name))}")
        except missionfile.MissionError as error:
            status = refuse(*error.errors)
    return status


def _missions(_: argparse.Namespace) -> int:
    from swarm import missionfile

    shipped = missionfile.shipped()
    width = max(map(len, shipped))
    for name, path in shipped.items():
        print(f"{name:{width}}  {missionfile.load(path).about}")
    return 0


def _check(mission: "Mission", name: str) -> "Floor":
    """The floor of a mission that can be run. Raises MissionError for what no run could begin with."""
    from swarm import mind, registry, worlds  # noqa: F401 - the mind brings the arbiters and learners that ship
    from swarm.missionfile import MissionError
    from swarm.view import picture

    try:
        registry.build(mission)
        for kind, shown in mission.kinds.items():
            picture.rgb(kind, shown.colour)
        return worlds.check(mission)
    except ValueError as error:
        raise MissionError([f"{name}: {error}"]) from None


def _summary(mission: "Mission", floor: "Floor") -> str:
    left, low, right, high = floor.bounds
    phases = f"{len(mission.phases)} phase{'s' if len(mission.phases) > 1 else ''}"
    kinds = f"kinds {', '.join(mission.kinds)}" if mission.kinds else "no kinds of sites"
    size = f"{right - left:.3g} x {high - low:.3g} m"
    return f"{mission.robots.count} robots, {phases}, {mission.duration:g} s, {kinds}, {size}"


def _version() -> str:
    from importlib.metadata import version

    return version("jerne")


if __name__ == "__main__":
    sys.exit(main())
