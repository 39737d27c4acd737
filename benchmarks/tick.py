"""What a tick costs: ratios measured in one run, so that the machine's speed cancels out.

    uv run python benchmarks/tick.py [N ...] [--ticks T]

The scene: 4 robots a square metre, half of them at sites that they cannot move, each robot with a full
population of 400 rules, recording on. The host is the one of `jerne run`, in this process, robots are
processes of their own. Three runs of the same scene:

thinking    robots with their minds
echo        robots that answer what the thinking ones answered, without a mind: what processes cost
raw         the same commands again in one process; the yardstick is the time in `stepSimulation` there

Figures are medians over ticks. On a machine that is busy with other things, trust CPU times and the fastest tick.

Every robot's process imports this file: what is heavy is in `common.py`.
"""

import argparse
import os

import numpy as np
import zmq

from swarm import wire
from swarm.report import REPORT


def echo(robot: int, address: str, commands: np.ndarray, said: list[bytes | None]) -> None:
    """A robot without a mind: in tick t it answers `commands[t]`, and says what was said then."""
    socket = zmq.Context().socket(zmq.DEALER)
    socket.setsockopt(zmq.IDENTITY, str(robot).encode())
    socket.connect(address)
    socket.send(wire.encode(wire.Hello(robot, os.getpid())))
    report = np.zeros((), REPORT).tobytes()
    while isinstance(message := wire.from_host(socket.recv()), wire.Sense):
        tick = message.tick
        socket.send(wire.encode(wire.Act(tick, commands[tick].tobytes(), report, said[tick])))


def main() -> None:
    """Measure scenes of several sizes."""
    import common

    parser = argparse.ArgumentParser(description="What a tick costs.")
    parser.add_argument("robots", nargs="*", type=int, default=[12, 20, 50, 100], help="sizes of swarms")
    parser.add_argument("--ticks", type=int, default=70, help="ticks that are measured")
    args = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    for count in args.robots:
        common.measure(count, args.ticks, echo)


if __name__ == "__main__":
    main()
