"""CURVE on sockets, and who may pass: the allow-list by public key (ZAP, RFC 27).

A socket that binds is the server: `guard` it, and only members get through, each message with the member's
name on it (`sender`). A socket that connects names the key it expects: `approach`. A context has one `Gate`,
which must be `serve`d now and then for handshakes to go on; it holds no thread.
"""

from collections import Counter

import zmq

from swarm.net.keys import Keyring

ZAP = "inproc://zeromq.zap.01"
AT_ONCE = 64  # requests that are answered in one go


def judge(frames: list[bytes], ring: Keyring) -> tuple[list[bytes], str]:
    """The answer to a ZAP request, and what it was: ``let in``, ``stranger``, ``revoked`` or ``bad``."""
    from zmq.utils import z85

    if len(frames) != 7 or frames[0] != b"1.0" or frames[5] != b"CURVE" or len(frames[6]) != 32:
        request = frames[1] if len(frames) > 1 else b""
        return [b"1.0", request, b"400", b"CURVE is needed", b"", b""], "bad"
    public = z85.encode(frames[6])
    name = ring.allowed.get(public)
    if name is None:
        why = "revoked" if public in ring.revoked else "stranger"
        return [b"1.0", frames[1], b"400", why.encode(), b"", b""], why
    return [b"1.0", frames[1], b"200", b"OK", name.encode(), b""], "let in"


class Gate:
    """Answers for all guarded sockets of a context. `ring` may be changed at any time."""

    def __init__(self, context: "zmq.Context[zmq.Socket[bytes]]", ring: Keyring) -> None:
        self.ring = ring
        self.counters: Counter[str] = Counter()
        self.socket = context.socket(zmq.REP)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.bind(ZAP)

    def serve(self) -> None:
        """Answer the requests that have come, without waiting."""
        for _ in range(AT_ONCE):
            if not int(self.socket.getsockopt(zmq.EVENTS)) & zmq.POLLIN:  # cheaper than to try
                return
            frames = self.socket.recv_multipart(zmq.NOBLOCK)
            answer, what = judge(frames, self.ring)
            self.counters[what] += 1
            self.socket.send_multipart(answer)

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


def sender(frame: zmq.Frame) -> str | None:
    """The name of the member who sent what a guarded socket received, None on a socket that is not guarded."""
    try:
        return str(frame.get("User-Id")) or None
    except zmq.ZMQError:
        return None


def _own(socket: "zmq.Socket[bytes]", ring: Keyring) -> None:
    socket.setsockopt(zmq.CURVE_PUBLICKEY, ring.public)
    socket.setsockopt(zmq.CURVE_SECRETKEY, ring.secret)
