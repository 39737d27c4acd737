"""A robot that does nothing but talk: a process with a peer link, for networks that fail.

    python node.py NUMBER KEYS PEERS [BIND]     KEYS: a folder, or "none"; PEERS: a peer file, "beacons", or "none"

Ten ticks a second, a signal in every second one, until its input ends. Each tick it prints a line of JSON: time,
seconds that the tick took, the signals heard in it by sender, the state of each robot, MB of memory of its own.
Times are those of the machine's one monotonic clock. The last line are its counters.
"""

import json
import select
import sys
import time
from collections import Counter
from pathlib import Path

from swarm.net import discovery, envelope, keys
from swarm.net.link import PORT, PeerLink, clock

TICK = 0.1  # s
TOPICS = envelope.topics(2 * TICK)


def memory() -> float:
    """MB of this process's own memory."""
    fields = Path("/proc/self/statm").read_text().split()
    return (int(fields[1]) - int(fields[2])) * 4096 / 2**20


def main(number: int, folder: str, peers: str, bind: str = f"tcp://0.0.0.0:{PORT}") -> None:
    ring = None if folder == "none" else keys.load(Path(folder), str(number))
    known = {} if peers in ("beacons", "none") else discovery.read(Path(peers))[1]
    link = PeerLink(number, TOPICS, ring, bind, known)
    if ring is not None and peers == "beacons":
        link.suggestions = discovery.Beacons(number, link.boot, ring, PORT, ("10.77.0.255", discovery.PORT))
    due = time.monotonic()
    tick = 0
    while True:
        start = time.monotonic()
        heard = Counter(sender for sender, _ in link.drain(clock()))
        if tick % 2 == 0:
            link.say(b"%160d" % tick)
        took = time.monotonic() - start
        states = {row.number: row.state.value for row in link.table()}
        print(json.dumps([start, took, heard, states, memory()]), flush=True)
        tick += 1
        due = max(due + TICK, time.monotonic() - TICK)
        if select.select([sys.stdin], [], [], max(0.0, due - time.monotonic()))[0]:
            break
    print(json.dumps(link.counters), flush=True)
    link.close()


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
