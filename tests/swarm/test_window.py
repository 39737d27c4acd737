"""PyBullet's window, on a display of its own."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("Xvfb") is None, reason="needs Xvfb (Debian: xvfb)"),
]


@pytest.fixture
def display() -> Iterator[str]:
    """A screen that nobody sees."""
    reading, writing = os.pipe()
    screen = ["-screen", "0", "640x480x24", "+extension", "GLX", "-nolisten", "tcp"]
    server = subprocess.Popen(["Xvfb", "-displayfd", str(writing), *screen], pass_fds=[writing])
    os.close(writing)
    with os.fdopen(reading) as pipe:
        yield f":{pipe.readline().strip()}"
    server.terminate()
    server.wait()


def test_run_with_window(display: str, tmp_path: Path) -> None:
    options = ["--plain", "--robots", "2", "--duration", "2", "--out", str(tmp_path / "run"), "--gui"]
    environment = {**os.environ, "DISPLAY": display, "LIBGL_ALWAYS_SOFTWARE": "1"}
    command = [sys.executable, "-m", "swarm", "run", *options]
    out = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert out.returncode == 0, out.stderr
    assert "completed after 2 simulated s" in out.stdout
