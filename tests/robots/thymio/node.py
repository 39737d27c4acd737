"""A node that speaks Aseba: what the session is tested against without the simulator.

It has memory, a description and a program counter that only counts: programs are run by the real simulator.
"""

import struct
from collections.abc import Sequence

VARIABLES = [("_id", 1), ("event.args", 32), ("prox.horizontal", 7), ("motor.left.target", 1)]
VARIABLES += [("motor.right.target", 1), ("motor.left.speed", 1), ("motor.right.speed", 1), ("timer.period", 2)]
EVENTS = ["prox", "timer0"]
FUNCTIONS = ["math.copy", "leds.top"]
FREE = sum(size for _, size in VARIABLES)


class FakeNode:
    """Node `number`: bytes in, bytes out."""

    def __init__(
        self, number: int, variables: Sequence[tuple[str, int]] = VARIABLES, events: Sequence[str] = EVENTS
    ) -> None:
        self.number, self.variables, self.events = number, list(variables), list(events)
        self.free = sum(size for _, size in variables)
        self.memory = [0] * 100
        self.bytecode: list[int] = []
        self.runs = False
        self.asked: list[int] = []
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        self._held += data
        out = b""
        while len(self._held) >= 6:
            length, _, kind = struct.unpack_from("<HHH", self._held)
            payload, self._held = self._held[6 : 6 + length], self._held[6 + length :]
            out += self._answer(kind, list(struct.unpack(f"<{length // 2}h", payload)))
        return out

    def beat(self) -> None:
        """What the program does between two ticks."""
        if self.runs:
            self.memory[self.free] += 1
            self.memory[self.free + 1] += 1

    def say(self, kind: int, payload: bytes) -> bytes:
        return struct.pack("<HHH", len(payload), self.number, kind) + payload

    def _answer(self, kind: int, words: list[int]) -> bytes:
        self.asked.append(kind)
        if kind == 0xA011:
            return self.say(0x900C, b"\x05\x00")
        if not words or words[0] != self.number:
            return b""
        if kind == 0xA010:
            return self._description()
        if kind == 0xA00B:
            start, count = words[1:3]
            values = self.memory[start : start + count]
            return self.say(0x9005, struct.pack(f"<H{count}h", start, *values))
        if kind == 0xA00C:
            self.memory[words[1] : words[1] + len(words) - 2] = words[2:]
        if kind == 0xA001:
            self.bytecode, self.runs = words[2:], False
        if kind == 0xA003:
            self.runs = True
        return b""

    def _description(self) -> bytes:
        def string(text: str) -> bytes:
            return bytes([len(text)]) + text.encode()

        counts = struct.pack("<7H", 5, 1534, 32, 586, len(self.variables), len(self.events), len(FUNCTIONS))
        out = self.say(0x9000, string("thymio-II") + counts)
        for name, size in self.variables:
            out += self.say(0x9001, struct.pack("<H", size) + string(name))
        for name in self.events:
            out += self.say(0x9002, string(name) + string("about"))
        for name in FUNCTIONS:
            out += self.say(0x9003, string(name) + string("about") + b"\x00\x00")
        return out
