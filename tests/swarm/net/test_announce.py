"""What can be watched on a network, told by who shows it: as bytes, and between hosts in namespaces of their own."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from swarm.net import announce, keys
from swarm.net.announce import Announcement, Announcer, Listener, sign, verify
from swarm.view import watch
from tests.conftest import wait
from tests.swarm.net.switch import SUBNET, Network, ip

RINGS = keys.generate(["0", "1", "desk", "laptop"], "barn")
SAID = Announcement("run", "desk", "default, seed 1", 7, 3, "10.0.0.7", 5600)


@given(st.sampled_from(announce.KINDS), st.text(max_size=25), st.integers(0, 2**64 - 1), st.integers(1, 65535))
def test_every_announcement_comes_back_as_it_was(kind: str, title: str, number: int, port: int) -> None:
    said = Announcement(kind, "desk", title, number, number, "192.168.1.9", port)
    assert verify(sign(said, RINGS["desk"]), RINGS["laptop"]) == said


@given(st.integers(0, 200), st.integers(1, 255))
def test_a_changed_byte_makes_it_say_nothing(place: int, change: int) -> None:
    data = bytearray(sign(SAID, RINGS["desk"]))
    data[place % len(data)] ^= change
    assert verify(bytes(data), RINGS["laptop"]) is None


@given(st.binary(max_size=200))
@example(b"jw1")
@example(b"jw1\xff" + bytes(80))
def test_whatever_comes_is_no_announcement(data: bytes) -> None:
    assert verify(data, RINGS["laptop"]) is None


def test_other_swarms_and_strangers_say_nothing() -> None:
    other = keys.generate(["desk"], "barn")["desk"]
    assert verify(sign(SAID, other), RINGS["laptop"]) is None
    assert verify(sign(SAID._replace(member="nobody"), RINGS["desk"]), RINGS["laptop"]) is None


@pytest.fixture
def listener() -> Iterator[Listener]:
    with closing(Listener(RINGS["laptop"], 0)) as it:
        yield it


def test_two_runs_of_one_member_are_told_apart_and_recordings_count_for_nothing(listener: Listener) -> None:
    port = listener._socket.getsockname()[1]
    to = ("127.255.255.255", port)
    earlier = Announcement("run", "desk", "earlier", 5, 0, announce.here(to), 5600)  # than run 0, at the same place
    speakers = [Announcer("run", f"run {i}", RINGS["desk"], 5600 + i, to) for i in range(2)]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as rude:
        for now in range(3):
            rude.sendto(sign(earlier._replace(seq=now), RINGS["desk"]), ("127.0.0.1", port))
            for speaker in speakers:
                speaker.tick(float(now))
            rude.sendto(sign(SAID, RINGS["desk"]), ("127.0.0.1", port))
            rude.sendto(os.urandom(60), ("127.0.0.1", port))
        wait(lambda: listener.take() or listener.bad == 5, 10)
    assert sorted(one.title for one in listener.found.values()) == ["default, seed 1", "run 0", "run 1"]
    for speaker in speakers:
        speaker.close()


def test_discovery_that_finds_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    keys.new(tmp_path / "k", ["desk", "laptop"], "barn")
    monkeypatch.setattr(watch, "LISTEN", 0.1)
    assert watch.main(["--discover"]) == 2
    assert "--discover: needs --keys FOLDER" in capsys.readouterr().err
    assert watch.main(["--discover", "--keys", str(tmp_path / "k"), "--key", "laptop"]) == 2
    assert "no run or robot of the swarm 'barn' shows itself on this network" in capsys.readouterr().err


def jerne(network: Network, host: int, folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    command = network.inside(host, sys.executable, "-m", "swarm.cli", *arguments)
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=pipe, stderr=subprocess.STDOUT, text=True, cwd=folder
    )


@pytest.mark.slow
def test_runs_are_found_from_another_host(mission_file: Path) -> None:
    folder = mission_file.parent
    keys.new(folder / "k", ["desk", "lab", "laptop"], "barn")
    started: list[subprocess.Popen[str]] = []

    def run(host: int, key: str) -> "subprocess.Popen[str]":
        listen = ("--listen", "tcp://*:5600", "--keys", "k", "--key", key, "--speed", "0.5", "--duration", "120")
        return jerne(network, host, folder, "run", str(mission_file), "--out", key, *listen)

    def found(*more: str) -> "subprocess.Popen[str]":
        return jerne(network, 2, folder, "watch", "--discover", *more, "--keys", "k", "--key", "laptop", "--plain")

    def attached(*more: str) -> str:
        """What is said first; again while nothing shows itself yet."""
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            started.append(found(*more))
            stream = started[-1].stdout
            assert stream is not None
            line = stream.readline()
            if line.startswith("0:"):
                started[-1].terminate()
                return line
            if "shows itself" not in line:
                return line + stream.read()
        return "nothing"

    with Network(3) as network:
        for host in range(3):
            ip(f"-n {network.names[host]} route add default dev eth0")
        try:
            started.append(run(0, "desk"))
            assert attached().startswith("0:")
            started.append(run(1, "lab"))
            wait(lambda: "there are several; name one" in attached(), 90)
            several = attached()
            assert f"  desk: run small, seed 3, at {SUBNET}.1:5600" in several
            assert f"  lab: run small, seed 3, at {SUBNET}.2:5600" in several
            assert attached("lab").startswith("0:")
        finally:
            for one in started:
                one.terminate()
            for one in started:
                one.wait(20)
