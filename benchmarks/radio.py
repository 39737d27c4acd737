"""What the peer link costs: latency and rate, as ratios to a bare pyzmq loop of the same size in the same run.

    uv run python benchmarks/radio.py [--quick]

N processes on this machine say 200 bytes ten times a second each, to all others or to 12 neighbours. *bare* is a SUB
and a PUB socket without anything else, *link* a `swarm.net.link.PeerLink`; each plain and with CURVE. Latency is
from just before `say` to the moment the receiver has the bytes; receivers wait on their sockets. Below it: what
sealing, unsealing and judging one message takes, in this process. *same* is *bare* with the same security, or without.
"""

import argparse
import multiprocessing
import os
import time
import timeit
from collections.abc import Callable
from multiprocessing.connection import Connection

import numpy as np
import zmq

from swarm.net import envelope, gate, keys
from swarm.net.guard import Guard
from swarm.net.link import PeerLink, clock
from swarm.net.mouth import OPTIONS

RATE = 10.0  # per second and robot
PAYLOAD = 167  # bytes; 200 with the envelope
TOPICS = envelope.topics(1 / RATE)
ANYWHERE = "tcp://127.0.0.1:*"
WARM = 2.0  # s before anything is measured
KINDS = ("bare", "bare CURVE", "link", "link CURVE")


def bare(_: int, ring: keys.Keyring | None):
    """Address, say, wait, take and connect, of two sockets and nothing else."""
    context = zmq.Context()
    mouth, ears = context.socket(zmq.PUB), context.socket(zmq.SUB)
    for socket in (mouth, ears):
        for option, value in OPTIONS.items():
            socket.setsockopt(option, value)
    ears.setsockopt(zmq.SUBSCRIBE, b"")
    guarding = None
    if ring is not None:
        guarding = gate.Gate(context, ring)
        gate.guard(ears, ring, b"bare")
    ears.bind(ANYWHERE)

    def connect(other: int, address: str) -> None:
        if ring is not None:
            gate.approach(mouth, ring, ring.robots[other])
        mouth.connect(address)

    def take() -> list[bytes]:
        if guarding is not None:
            guarding.serve()
        taken = []
        while True:
            try:
                taken.append(ears.recv(zmq.NOBLOCK)[-PAYLOAD:])
            except zmq.Again:
                return taken

    def say(payload: bytes) -> None:
        mouth.send(bytes(envelope.HEAD.size) + payload)

    return ears.last_endpoint.decode(), say, ears.poll, take, connect


def linked(number: int, ring: keys.Keyring | None):
    """The same of a peer link."""
    link = PeerLink(number, TOPICS, ring, ANYWHERE, near=100)
    return link.address, link.say, link._ears.poll, lambda: [signal for _, signal in link.drain(clock())], link.know


def robot(kind: str, number: int, ring: keys.Keyring, neighbours: list[int], seconds: float, pipe: Connection) -> None:
    """One process: what it measured goes into `pipe`, as seconds."""
    make = bare if kind.startswith("bare") else linked
    address, say, wait, take, connect = make(number, ring if kind.endswith("CURVE") else None)
    pipe.send(address)
    addresses, start = pipe.recv()
    for other in neighbours:
        connect(other, addresses[other])
    due = start + number / len(addresses) / RATE
    latencies: list[float] = []
    end = start + WARM + seconds
    cpu = 0.0
    while (now := time.monotonic()) < end:
        if cpu == 0.0 and now > start + WARM:
            cpu = time.process_time()
        if now >= due:
            due += 1 / RATE
            say(b"%*.9f" % (PAYLOAD, time.monotonic()))
        wait(max(1, int(1000 * (due - now))))
        for payload in take():
            latencies.append(time.monotonic() - float(payload))
            if now < start + WARM:
                latencies.clear()
    pipe.send((np.array(latencies), time.process_time() - cpu))


def measure(kind: str, count: int, near: int, seconds: float) -> tuple[float, float, float, float]:
    """Median and 99th percentile of the latency in ms, messages per second of all, cores used."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["swarm.net.link"])
    rings = keys.generate(map(str, range(count)), "benchmark")
    pipes, processes = [], []
    for n in range(count):
        ours, theirs = context.Pipe()
        neighbours = [(n + k) % count for k in range(1, near + 1)]
        args = (kind, n, rings[str(n)], neighbours, seconds, theirs)
        processes.append(context.Process(target=robot, args=args, daemon=True))
        processes[-1].start()
        pipes.append(ours)
    addresses = [pipe.recv() for pipe in pipes]
    start = time.monotonic() + 0.2
    for pipe in pipes:
        pipe.send((addresses, start))
    found = [pipe.recv() for pipe in pipes]
    for process in processes:
        process.join()
    latencies = np.concatenate([one for one, _ in found])
    p50, p99 = np.percentile(latencies, (50, 99)) * 1e3
    return float(p50), float(p99), len(latencies) / seconds, sum(cpu for _, cpu in found) / seconds


def cost(what: Callable[[], object], number: int = 50_000) -> float:
    """Microseconds of one call, the best of five rounds."""
    return min(timeit.repeat(what, number=number, repeat=5)) / number * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description="What the peer link costs.")
    parser.add_argument("--quick", action="store_true", help="12 robots, 3 s")
    quick = parser.parse_args().quick
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print("robots  to  kind        p50 ms  p99 ms  p50/same  p99/same  p50/bare  messages/s  cores")
    for count, near in [(12, 11)] if quick else [(12, 11), (20, 19), (50, 12)]:
        found: dict[str, tuple[float, float]] = {}
        for kind in KINDS:
            p50, p99, rate, cores = measure(kind, count, near, 3.0 if quick else 5.0)
            found[kind] = p50, p99
            same = found[kind.replace("link", "bare")]  # sockets with the same security and nothing else
            ratios = f"{p50 / same[0]:8.2f}  {p99 / same[1]:8.2f}  {p50 / found['bare'][0]:8.2f}"
            print(
                f"{count:6}  {near:2}  {kind:10}  {p50:6.2f}  {p99:6.2f}  {ratios}  {rate:10.0f}  {cores:5.2f}",
                flush=True,
            )
    data = envelope.seal(1, 7, 3, 1, 1, 1.0, bytes(PAYLOAD))
    guard, seq = Guard(0, 7, TOPICS, {3}), iter(range(10**9))

    def judge() -> object:
        n = next(seq)
        return guard.judge(n / RATE, 3, envelope.seal(1, 7, 3, 1, n, n / RATE, data))

    seal = cost(lambda: envelope.seal(1, 7, 3, 1, 1, 1.0, data))
    print(f"seal {seal:.2f} us, unseal {cost(lambda: envelope.unseal(data, TOPICS)):.2f} us", end="")
    print(f", judge (which unseals) {cost(judge) - seal:.2f} us")


if __name__ == "__main__":
    main()
