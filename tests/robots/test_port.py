"""The port: real sockets and pseudo-terminals, and what may go wrong with them."""

import os
import pty
import socket
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from robots.body import BodyError
from robots.port import Port, place
from tests.conftest import wait


def reading(port: Port, until: Callable[[], object]) -> bytes:
    """What comes until then."""
    data = bytearray()
    wait(lambda: data.extend(port.read(time.monotonic())) or until(), 10)
    return bytes(data)


def test_what_is_an_address() -> None:
    assert place("tcp:robot-1.local:33333") == ("robot-1.local", 33333)
    assert place("tcp:[::1]:65535") == ("::1", 65535)
    assert place("serial:/dev/ttyACM0") == "/dev/ttyACM0"


@pytest.mark.parametrize(
    "address", ["", "tcp:h", "tcp:h:99999", "tcp:h:0", "tcp:h:1:2", "tcp:h:\u0661", "serial:", "h:1"]
)
def test_what_is_none(address: str) -> None:
    with pytest.raises(BodyError, match="with a port of 1 to 65535, or serial:DEVICE"):
        Port(address)


def test_a_host_that_cannot_be_one_is_a_trouble_and_no_more() -> None:
    with closing(Port("tcp:a..b:1")) as port:
        assert port.read(0.0) == b""
        assert port.trouble.startswith("tcp:a..b:1: ")
        assert not port.write(b"x")


def test_tcp_and_again_after_the_other_end_hung_up() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as ears,
        closing(Port(f"tcp:127.0.0.1:{ears.getsockname()[1]}")) as port,
    ):
        for opened in (1, 2):
            reading(port, lambda opened=opened: port.opened == opened)  # type: ignore[misc]
            other, _ = ears.accept()
            with other:
                other.sendall(b"hello")
                assert b"hello" in reading(port, lambda: True) or reading(port, lambda: True)
            reading(port, lambda: port.trouble)


def test_a_cable_that_is_pulled_while_it_is_opened_is_opened_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The driver of the kernel then refuses to forget old bytes, with an error of another kind."""
    serial = pytest.importorskip("serial")
    ours, theirs = pty.openpty()
    forget, pulled = serial.Serial._reset_input_buffer, list[int]()

    def pull(self: Any) -> None:
        if not pulled:
            pulled.append(ours)
            os.close(ours)
        forget(self)

    monkeypatch.setattr(serial.Serial, "_reset_input_buffer", pull)
    with closing(Port(f"serial:{os.ttyname(theirs)}")) as port:
        assert port.read(0.0) == b""
        assert pulled
        assert "Input/output error" in port.trouble
        assert not port.write(b"x")
        os.close(theirs)
        again, other = pty.openpty()
        port._place = os.ttyname(other)
        reading(port, lambda: port.opened)
        os.write(again, b"hello")
        assert reading(port, lambda: True) + reading(port, lambda: True) == b"hello"
        os.close(again)
        reading(port, lambda: port.trouble)
        os.close(other)
