"""CURVE on sockets, and who may pass: the allow-list by public key (ZAP, RFC 27).

A socket that binds is the server: `guard` it, and only members get through, each message with the member's
key on it, of which the gate knows the name (`Gate.sender`). A socket that connects names the key it expects:
`approach`. A context has one `Gate`, which must be `serve`d now and then for handshakes to go on; it holds no thread.

The gate takes over a list of members that has changed. Whose key is no longer on it is let in no more, and has no name
any more: what still comes from it over a connection that is open is nobody's.
"""

import time
from collections import Counter

import zmq
from zmq.utils import z85

from swarm.net import keys
from swarm.net.keys import Keyring

ZAP = "inproc://zeromq.zap.01"
AT_ONCE = 64  # requests that are answered in one go
RENEW = 1.0  # s of wall time between two looks at the list of members


def judge(frames: list[bytes], ring: Keyring) -> tuple[list[bytes], str]:
    """The answer to a ZAP request, and what it was: ``let in``, ``stranger``, ``revoked`` or ``bad``."""
    if len(frames) != 7 or frames[0] != b"1.0" or frames[5] != b"CURVE" or len(frames[6]) != 32:
        request = frames[1] if len(frames) > 1 else b""
        return [b"1.0", request, b"400", b"CURVE is needed", b"", b""], "bad"
    public = z85.encode(frames[6])
    if public not in ring.allowed:
        why = "revoked" if public in ring.revoked else "stranger"
        return [b"1.0", frames[1], b"400", why.encode(), b"", b""], why
    return [b"1.0", frames[1], b"200", b"OK", public, b""], "let in"


class Gate:
    """Answers for all guarded sockets of a context, by the list of members in the folder of `ring`."""

    def __init__(self, context: "zmq.Context[zmq.Socket[bytes]]", ring: Keyring) -> None:
        self.ring = ring
        self.counters: Counter[str] = Counter()
        self._renewed = time.monotonic()
        self.socket = context.socket(zmq.REP)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.bind(ZAP)

    def serve(self) -> bool:
        """Answer the requests that have come, without waiting. Was a member taken off the list since the last time?"""
        before = self.ring
        self._renew()
        for _ in range(AT_ONCE):
            if not int(self.socket.getsockopt(zmq.EVENTS)) & zmq.POLLIN:  # cheaper than to try
                break
            frames = self.socket.recv_multipart(zmq.NOBLOCK)
            answer, what = judge(frames, self.ring)
            self.counters[what] += 1
            self.socket.send_multipart(answer)
        return before is not self.ring and bool(before.allowed.keys() - self.ring.allowed.keys())

    def sender(self, frame: zmq.Frame) -> str | None:
        """The name of the member who sent what a guarded socket received; None: it is none, or none any more."""
        try:
            return self.ring.allowed.get(str(frame.get("User-Id")).encode())
        except zmq.ZMQError:
            return None

    def _renew(self) -> None:
        """Take over a list of members that has changed."""
        if self.ring.folder is None or time.monotonic() - self._renewed < RENEW:
            return
        self._renewed = time.monotonic()
        try:
            ring = keys.renew(self.ring)
        except keys.KeysError:
            self.counters["unreadable members"] += 1
            return
        if ring != self.ring:
            self.ring = ring

    def close(self) -> None:
        """Give the socket up."""
        self.socket.close()


def guard(socket: "zmq.Socket[bytes]", ring: Keyring, domain: bytes) -> None:
    """Before it binds: only who the context's gate lets in can connect to `socket`."""
    _own(socket, ring)
    socket.setsockopt(zmq.CURVE_SERVER, 1)
    socket.setsockopt(zmq.ZAP_DOMAIN, domain)


def approach(socket: "zmq.Socket[bytes]", ring: Keyring, server: bytes) -> None:
    """Before it connects: `socket` talks to nobody but the holder of the public key `server`."""
    _own(socket, ring)
    socket.setsockopt(zmq.CURVE_SERVERKEY, server)


def _own(socket: "zmq.Socket[bytes]", ring: Keyring) -> None:
    socket.setsockopt(zmq.CURVE_PUBLICKEY, ring.public)
    socket.setsockopt(zmq.CURVE_SECRETKEY, ring.secret)
