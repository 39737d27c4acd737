"""The Aseba protocol, version 5: bytes in, messages out. No socket, no clock.

A message is a header of three little-endian words (length of what follows the header in bytes, source
node, type) and that many bytes. All numbers are 16-bit words, strings are a length byte and UTF-8.
Types below 0x8000 are events that robots' programs emit. The stream has no marks to find one's way back
by: a length or a type that cannot be is an `AsebaError`, after which the connection has to begin anew.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

VERSION = 5
MOST = 1100  # bytes after a header: more than any message of a robot has
HEADER = struct.Struct("<HHH")
LOST, PRESENT, DESCRIPTION, VARIABLE, EVENT, FUNCTION = 0x9004, 0x900C, 0x9000, 0x9001, 0x9002, 0x9003
VARIABLES, STATE = 0x9005, 0x900A
TROUBLE = {0x9006: "array access out of bounds", 0x9007: "division by zero", 0x9009: "error of the node"}
SET_BYTECODE, RUN, GET_VARIABLES, SET_VARIABLES = 0xA001, 0xA003, 0xA00B, 0xA00C
GET_DESCRIPTION, LIST_NODES = 0xA010, 0xA011


class AsebaError(ValueError):
    """Bytes that are no message of this protocol."""


@dataclass(frozen=True)
class Present:
    """A node is there."""

    node: int


@dataclass(frozen=True)
class Gone:
    """A node went away."""

    node: int


@dataclass(frozen=True)
class Described:
    """What a node is; so many variables, events and functions follow, each in a message of its own."""

    node: int
    name: str
    variables: int
    events: int
    functions: int


@dataclass(frozen=True)
class Named:
    """The next of a node's variables (with its size in words), events or functions (size 0)."""

    node: int
    what: int  # VARIABLE | EVENT | FUNCTION
    name: str
    size: int


@dataclass(frozen=True)
class Values:
    """Contents of a node's memory."""

    node: int
    start: int
    values: tuple[int, ...]


@dataclass(frozen=True)
class Troubled:
    """A node's program went wrong."""

    node: int
    text: str


@dataclass(frozen=True)
class Other:
    """Anything else: emitted events, changes of state, what an editor says."""

    node: int
    type: int
    payload: bytes


Message = Present | Gone | Described | Named | Values | Troubled | Other


class Parser:
    """Messages out of a stream, however its bytes are cut."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> list[Message]:
        """The messages that are complete now. Raises AsebaError and forgets the rest where there is garbage."""
        self._held += data
        messages: list[Message] = []
        try:
            while len(self._held) >= HEADER.size:
                length, source, kind = HEADER.unpack_from(self._held)
                if length > MOST or (kind >= 0x8000 and kind >> 8 not in (0x80, 0x90, 0xA0)):
                    raise AsebaError(f"message of type {kind:#06x} and {length} bytes")
                end = HEADER.size + length
                if len(self._held) < end:
                    break
                messages.append(decode(source, kind, self._held[HEADER.size : end]))
                self._held = self._held[end:]
        except AsebaError:
            self._held = b""
            raise
        return messages


def decode(source: int, kind: int, payload: bytes) -> Message:
    """One message. Raises AsebaError where `payload` is not what its type has."""
    try:
        if kind == PRESENT:
            return Present(source)
        if kind == LOST:
            return Gone(source)
        if kind == DESCRIPTION:
            name, at = _string(payload, 0)
            counts = struct.unpack_from("<7H", payload, at)
            return Described(source, name, *counts[4:])
        if kind == VARIABLE:
            return Named(source, kind, _string(payload, 2)[0], *struct.unpack_from("<H", payload))
        if kind in (EVENT, FUNCTION):
            return Named(source, kind, _string(payload, 0)[0], 0)
        if kind == VARIABLES:
            count = len(payload) // 2 - 1
            start, *values = struct.unpack(f"<H{count}h", payload)
            return Values(source, start, tuple(values))
    except (struct.error, UnicodeDecodeError) as error:
        raise AsebaError(f"message of type {kind:#06x}: {error}") from None
    if kind in TROUBLE:
        return Troubled(source, TROUBLE[kind])
    return Other(source, kind, payload)


def list_nodes() -> bytes:
    """Ask all nodes to say that they are present."""
    return message(LIST_NODES, VERSION)


def get_description(node: int) -> bytes:
    """Ask a node what it is."""
    return message(GET_DESCRIPTION, node, VERSION)


def get_variables(node: int, start: int, count: int) -> bytes:
    """Ask a node for a piece of its memory."""
    return message(GET_VARIABLES, node, start, count)


def set_variables(node: int, start: int, values: Sequence[int]) -> bytes:
    """Write a piece of a node's memory, at once."""
    return message(SET_VARIABLES, node, start, *values)


def set_bytecode(node: int, words: Sequence[int]) -> bytes:
    """Load a program and reset the node."""
    return message(SET_BYTECODE, node, 0, *words)


def run(node: int) -> bytes:
    """Let a node's program run."""
    return message(RUN, node)


def message(kind: int, *words: int, source: int = 0) -> bytes:
    """A message of 16-bit words, signed or not."""
    payload = struct.pack(f"<{len(words)}H", *(word & 0xFFFF for word in words))
    return HEADER.pack(len(payload), source, kind) + payload


def _string(payload: bytes, at: int) -> tuple[str, int]:
    """The string at `at`, and where it ends."""
    (length,) = struct.unpack_from("<B", payload, at)
    end = at + 1 + length
    if end > len(payload):
        raise struct.error(f"a string ends at byte {end} of {len(payload)}")
    return payload[at + 1 : end].decode(), end
