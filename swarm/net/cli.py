"""`jerne keys`: make and manage the keys of a swarm."""

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from swarm.net import keys
from swarm.net.keys import KeysError
from swarm.refusal import refuse

ABOUT = """\
Make and manage the keys of a swarm. Robots talk to members only, and encrypted; a member whose name is a
number is the robot of that number, others (a desk, a dashboard) may watch.

FOLDER holds the files swarm, members, and NAME.secret for each member whose keys were made there. A robot gets
swarm, members and its own NAME.secret, no other secret. After add and revoke give it the new members file:
a running robot takes it over within a second. Where keys were made on the robot itself, swarm and members
of the swarm that lets it in take the place of those there.
"""
EXAMPLES = """\
examples:
  jerne keys new keys 0-11 desk       keys for twelve robots and a desk
  jerne keys new mine 12              on a robot: its own keys, so that the secret never travels
  jerne keys add keys 12 'PUBLIC-KEY' let that robot in
  jerne keys list keys                who is in
  jerne keys revoke keys 3            let robot 3 in no longer
"""


def main(argv: Sequence[str]) -> int:
    """Run `jerne keys` with these arguments; the exit status."""
    args = _parser().parse_args(argv)
    try:
        args.do(args)
    except KeysError as error:
        return refuse(error)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "jerne keys", description=ABOUT, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    deeds = parser.add_subparsers(title="deeds", metavar="DEED", required=True)
    new = deeds.add_parser("new", help="make keys", description="Make keys, and the swarm if it is not there yet.")
    new.add_argument("folder", type=Path, metavar="FOLDER", help="is made if it does not exist")
    new.add_argument("names", nargs="+", metavar="NAME", help="of a member; 0-11 means the robots 0 to 11")
    new.add_argument("--swarm", metavar="NAME", help="of the swarm (default: swarm)")
    new.set_defaults(do=_new)
    add = deeds.add_parser("add", help="let a member in", description="Let in a member whose keys are made elsewhere.")
    add.add_argument("folder", type=Path, metavar="FOLDER")
    add.add_argument("name", metavar="NAME")
    add.add_argument("public", metavar="PUBLIC-KEY", help="40 characters; put it in single quotes")
    add.set_defaults(do=_add)
    listing = deeds.add_parser("list", help="show the members", description="Show the members of a swarm.")
    listing.add_argument("folder", type=Path, metavar="FOLDER")
    listing.set_defaults(do=_list)
    revoke = deeds.add_parser("revoke", help="let a member in no longer", description="Let a member in no longer.")
    revoke.add_argument("folder", type=Path, metavar="FOLDER")
    revoke.add_argument("name", metavar="NAME", help="or its public key")
    revoke.set_defaults(do=_revoke)
    return parser


def _new(args: argparse.Namespace) -> None:
    for member in keys.new(args.folder, _names(args.names), args.swarm):
        print(f"{member.name}  {member.public.decode()}")
    print(f"{args.folder}: written; give a robot the files swarm, members and its own .secret", file=sys.stderr)


def _add(args: argparse.Namespace) -> None:
    member = keys.add(args.folder, args.name, args.public.encode())
    print(f"{args.folder}: {member.name} is let in; give it the file swarm, and all members the new file members")


def _list(args: argparse.Namespace) -> None:
    swarm, here = keys.describe(args.folder)
    print(f"swarm {swarm}")
    for name, public, revoked in keys.members(args.folder):
        role = "robot" if keys.number(name) is not None else "watcher"
        state = "revoked" if revoked else "its secret is here" if name in here else ""
        print(f"{name:>8}  {public.decode()}  {role:7}  {state}".rstrip())


def _revoke(args: argparse.Namespace) -> None:
    member = keys.revoke(args.folder, args.name)
    print(f"{args.folder}: {member.name} is revoked; give all members the new file {args.folder / 'members'}")


def _names(words: Sequence[str]) -> list[str]:
    names: list[str] = []
    for word in words:
        if span := re.fullmatch(r"(\d+)-(\d+)", word):
            first, last = int(span[1]), int(span[2])
            if not first <= last < min(first + keys.MOST, 2**15):
                raise KeysError(f"{word}: must be FIRST-LAST, at most {keys.MOST} robots")
            names += map(str, range(first, last + 1))
        else:
            names.append(word)
    return names
