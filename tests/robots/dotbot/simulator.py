"""The makers' simulator of DotBots, which runs the firmware's own control code, and where its robots are.

It lives in an environment of its own, made by uv from the group `dotbot` of the lock file.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import tempfile
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from tests.conftest import wait

SITE = 5.0  # m, side of the floor that `dotbot config init` writes


class Simulator:
    """Robots in a grid in the middle of the floor, 0.2 m apart, looking up. Use it as a context."""

    def __init__(self, count: int) -> None:
        self.names = [f"DE{i:014X}" for i in range(count)]
        columns = int(np.ceil(np.sqrt(count)))
        grid = [((i % columns), (i // columns)) for i in range(count)]
        middle = np.mean(grid, axis=0)
        self._places = [np.round(1000 * (SITE / 2 + 0.2 * (np.array(spot) - middle))) for spot in grid]
        self._folder = tempfile.TemporaryDirectory(prefix="dotbots")
        self.folder = Path(self._folder.name)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.address = f"tcp:127.0.0.1:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Simulator":
        self._run("config", "init").wait(60)
        self.mute()
        lines = ["[network]", "pdr = 100"]
        for name, (x, y) in zip(self.names, self._places, strict=True):
            lines += ["[[dotbots]]", f'address = "{name}"', f"pos_x = {int(x)}", f"pos_y = {int(y)}"]
            lines += ["direction = 180", 'network_mode = "mari"']
        world = self.folder / "world.toml"
        world.write_text("\n".join(lines))
        options = ["--headless", "--simulator-init-state", str(world), "--controller-http-port", str(self._port)]
        self._process = self._run("run", "simulator", *options)
        try:
            wait(self._is_ready, 60)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._folder.cleanup()

    def _is_ready(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise RuntimeError(f"the simulator ended: {(self.folder / 'simulator.log').read_text()[-1500:]}")
        return len(self.robots()) == len(self.names)

    def mute(self, *numbers: int) -> None:
        """These robots are heard no longer, all others are."""
        (self.folder / "mute").write_text("\n".join(self.names[number] for number in numbers))

    def robots(self) -> dict[str, dict[str, Any]]:
        """What is reported, by address."""
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self._port}/controller/dotbots?include_lost=true", timeout=5
            ) as answer:
                return {robot["address"]: robot for robot in json.load(answer)}
        except OSError:
            return {}

    def poses(self) -> tuple[np.ndarray, np.ndarray]:
        """(N, 3) x to the right, y up (m) and heading (rad) at each robot's last report, and (N,) when, simulated s.

        They are where the robots are, not where they report to be: their estimates are whole millimetres and degrees,
        and settle while they stand. The simulator falls behind real time when the machine is busy.
        """
        lines = (self.folder / "truth").read_text().splitlines()[:-1]  # the last may be half a line
        last = {int(number): values for number, *values in map(str.split, lines)}
        when, x, y, heading = np.array([last[i] for i in range(len(self.names))], dtype=float).T
        nose = np.deg2rad(heading)
        return np.stack([x / 1000, -y / 1000, np.arctan2(-np.cos(nose), -np.sin(nose))], -1), when

    def _run(self, *arguments: str) -> subprocess.Popen[bytes]:
        script = Path(__file__).with_name("muted.py")
        alone = ["uv", "run", "-q", "--project", script.parent, "--isolated", "--only-group", "dotbot"]
        with (self.folder / "simulator.log").open("ab") as log:
            return subprocess.Popen(
                [*alone, "python", script, self.folder, *arguments],
                cwd=self.folder,  # it writes its log there
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "BROWSER": "true"},
                start_new_session=True,  # ended as a whole
            )
