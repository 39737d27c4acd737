"""What a bad network, dying robots, broken bytes and time do to a swarm: the figures of docs/reliability.md.

    make faults                               all but the soak, about 45 minutes
    uv run python benchmarks/faults.py --quick         less of each, about 10 minutes
    uv run python benchmarks/faults.py --soak 30       30 minutes of 12 robots over peer links
    uv run python benchmarks/faults.py --only kills    one part

Needs root, `ip` and /dev/net/tun for the networks. The exit status is 1 where something crashed, hung or grew.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import fuzz, kills, networks, soak

PARTS = ("networks", "kills", "fuzz")


def main() -> int:
    parser = argparse.ArgumentParser(description="What faults do to a swarm.")
    parser.add_argument("--quick", action="store_true", help="less of each")
    parser.add_argument("--only", choices=PARTS, help="one part")
    parser.add_argument("--soak", type=float, metavar="MINUTES", help="the soak instead, so long")
    parser.add_argument("--seeds", type=int, default=4, help="missions on each network (default: 4)")
    parser.add_argument("--jobs", type=int, default=4, help="missions at the same time (default: 4)")
    args = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}", flush=True)

    def missions(folder: Path) -> bool:
        names = networks.QUICK if args.quick else tuple(networks.CASES)
        seconds, seeds = (45.0, 1) if args.quick else (85.0, args.seeds)
        learnt = networks.school(folder, 300 if args.quick else networks.SCHOOL)
        networks.losses(2 * seeds, 100.0, learnt, folder)
        return networks.table(networks.all_of(names, seeds, seconds, args.jobs, learnt, folder))

    parts: dict[str, Callable[[Path], bool]] = {
        "networks": missions,
        "kills": lambda folder: kills.table(20 if args.quick else 100, folder),
        "fuzz": lambda folder: fuzz.table(100_000 if args.quick else 1_000_000, folder),
    }
    if args.soak is not None:
        parts = {"soak": lambda folder: soak.table(args.soak, folder)}
    elif args.only:
        parts = {args.only: parts[args.only]}
    well = True
    for name, part in parts.items():
        with tempfile.TemporaryDirectory(prefix="jerne-faults-") as folder:
            print(f"\n{name}", flush=True)
            one = part(Path(folder))
            print("all well" if one else "NOT WELL", flush=True)
            well = well and one
    return int(not well)


if __name__ == "__main__":
    sys.exit(main())
