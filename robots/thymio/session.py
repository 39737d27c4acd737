"""The talk with one node: find it, learn its names, give it the watchdog, then drive it and read it.

Bytes in, bytes out, time as an argument. Time that a reading spent in buffers on the way never makes it look new: each
command carries a tag, which is read back before the sensors are, and a reading counts as old as the latest command
whose tag came back before it. Messages may be lost, as a whole or one by one, but not overtake each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from robots.body import Colour
from robots.thymio import aseba
from robots.thymio.program import BLOCK, Names, Node, block, watchdog

PATIENCE = 1.0  # s without any answer after which the talk begins anew
COMMANDS = 50  # of which it is kept when they were given
TAGS = 32767  # then they begin anew


@dataclass(frozen=True)
class Dialect:
    """How a kind of node is talked to."""

    names: Names
    limit: int  # beats after the last command at which the wheels stop
    period: int  # ms between two beats, where the program can set it
    reads: tuple[str, ...]  # variables that are read, the robot's sensors
    sizes: tuple[int, ...]  # and their sizes in words


class Session:
    """The talk with node number `node`, or with the first one that answers where that is None."""

    def __init__(self, dialect: Dialect, node: int | None) -> None:
        self.dialect, self.wanted = dialect, node
        self.trouble = ""  # the latest thing that went wrong, for people
        self.begun = 0  # how often the node was found and given its program
        self.bad = 0  # times that garbage came
        self.readings: dict[str, tuple[int, ...]] = {}
        self._tag = 0  # of the latest command
        self.restart()

    def restart(self) -> None:
        """Forget the connection: the next bytes are those of a new one."""
        self._parser = aseba.Parser()
        self._node: Node | None = None
        self._number: int | None = None
        self._described: aseba.Described | None = None
        self._named: list[aseba.Named] = []
        self._told: dict[int, float] = {}  # tags of the latest commands, and when they were given
        self._reached = -float("inf")  # when the latest one was given whose tag came back
        self._read_at: dict[str, float] = {}
        self._beat: int | None = None
        self._beat_at = -float("inf")
        self._spoke = -float("inf")  # when the node was last heard or first called
        self._called = -float("inf")

    @property
    def ready(self) -> bool:
        """Is the node under the watchdog and listening?"""
        return self._node is not None

    def receive(self, data: bytes, now: float) -> bytes:
        """Take what came in; gives what to answer. After garbage the talk begins anew."""
        out = b""
        try:
            for message in self._parser.feed(data):
                out += self._take(message, now)
        except aseba.AsebaError as error:
            self.bad += 1
            self.trouble = f"garbage: {error}"
            self.restart()
        return out

    def call(self, now: float) -> bytes:
        """What to say while the node is not ready: looks for it, once a second from the start."""
        if self.ready or now - max(self._called, self._spoke) < PATIENCE:
            return b""
        self._called = now
        self._described, self._named = None, []
        return aseba.list_nodes()

    def is_silent(self, now: float) -> bool:
        """Has a node that was ready said nothing for long?"""
        return self.ready and now - self._spoke > PATIENCE

    def drive(self, left: int, right: int, colour: Colour, now: float) -> bytes:
        """Wheel targets and a colour, in one message, and requests for the next readings. Empty until ready."""
        if self._node is None or self._number is None:
            return b""
        self._tag = self._tag % TAGS + 1
        self._told[self._tag] = now
        if len(self._told) > COMMANDS:
            del self._told[next(iter(self._told))]
        out = self._command(self._number, self._node, left, right, colour, self._tag)
        for start, count in self._spans(self._node):
            out += aseba.get_variables(self._number, start, count)
        return out

    def halt(self, colour: Colour) -> bytes:
        """Wheel targets zero and nothing else; changes nothing here, so any thread may call it."""
        node, number = self._node, self._number
        return b"" if node is None or number is None else self._command(number, node, 0, 0, colour)

    def _command(self, number: int, node: Node, left: int, right: int, colour: Colour, *tag: int) -> bytes:
        scaled = [min(32, channel // 8) for channel in colour]
        return aseba.set_variables(number, node.free + 1, [*block(left, right, scaled), *tag])

    def age(self, now: float) -> float:
        """Seconds since the oldest reading was asked for, at most, or since the program ran; inf: none yet."""
        if not self.ready or len(self._read_at) < len(self.dialect.reads):
            return float("inf")
        return now - min(self._beat_at, *self._read_at.values())

    def _spans(self, node: Node) -> list[tuple[int, int]]:
        """Pieces of memory to read: the program's block first, whose tag dates what follows, then each sensor."""
        spans = [
            (node.variables[name], size) for name, size in zip(self.dialect.reads, self.dialect.sizes, strict=True)
        ]
        return [(node.free, len(BLOCK)), *spans]

    def _take(self, message: aseba.Message, now: float) -> bytes:
        if self.wanted is not None and message.node != self.wanted:
            return b""  # others behind the same switch
        if self._number is not None and message.node != self._number:
            return b""
        self._spoke = now
        match message:
            case aseba.Present(node):
                if self._node is None and self._described is None:
                    return aseba.get_description(node)
            case aseba.Gone():
                self.trouble = "the node went away"
                self.restart()
            case aseba.Described() if self._node is None:
                self._described, self._named = message, []
            case aseba.Named():
                return self._learn(message)
            case aseba.Values(_, start, values):
                self._read(start, values)
            case aseba.Troubled(_, text):
                self.trouble = f"program on the robot: {text}"
            case _:
                pass
        return b""

    def _learn(self, named: aseba.Named) -> bytes:
        """One more name; with the last one the node can be given its program."""
        if self._described is None or self._node is not None or named.node != self._described.node:
            return b""
        self._named.append(named)
        of = {
            what: [n for n in self._named if n.what == what] for what in (aseba.VARIABLE, aseba.EVENT, aseba.FUNCTION)
        }
        d = self._described
        if [len(names) for names in of.values()] != [d.variables, d.events, d.functions]:
            return b""
        node = _layout(of[aseba.VARIABLE], of[aseba.EVENT], of[aseba.FUNCTION])
        missing = [name for name in self.dialect.reads if name not in node.variables]
        try:
            words = watchdog(node, self.dialect.names, self.dialect.limit, self.dialect.period)
        except KeyError as error:
            missing.append(str(error.args[0]))
            words = []
        if missing:
            self.trouble = f"node {d.node} is a {d.name!r} and lacks {', '.join(missing)}: another kind of robot?"
            self._described = None
            return b""
        self._node, self._number = node, d.node
        self.begun += 1
        self.trouble = ""
        return aseba.set_bytecode(d.node, words) + aseba.run(d.node)

    def _read(self, start: int, values: tuple[int, ...]) -> None:
        """Readings, each as old as the latest command that is known to have come before it."""
        if self._node is None:
            return
        if start == self._node.free and len(values) == len(BLOCK):
            beat, tag = values[BLOCK.index("beat")], values[BLOCK.index("tag")]
            self._reached = max(self._reached, self._told.get(tag, self._reached))
            if beat != self._beat:
                self._beat, self._beat_at = beat, self._reached
            return
        for name, size in zip(self.dialect.reads, self.dialect.sizes, strict=True):
            if self._node.variables[name] == start and len(values) == size:
                self.readings[name], self._read_at[name] = values, self._reached


def _layout(variables: Sequence[aseba.Named], events: Sequence[aseba.Named], functions: Sequence[aseba.Named]) -> Node:
    addresses, free = {}, 0
    for variable in variables:
        addresses[variable.name] = free
        free += variable.size
    return Node(
        addresses,
        {event.name: i for i, event in enumerate(events)},
        {function.name: i for i, function in enumerate(functions)},
        free,
    )
