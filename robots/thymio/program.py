"""The program that runs on the robot: it stops the wheels when commands fall silent.

The Aseba protocol has no dead-man: a robot whose computer vanished drives on. So the computer never writes
the motors' targets. It writes a block of the program's own variables, and the program copies them to the motors
at each beat of a timer, unless the block is old::

    beat += 1                                   shows that the program runs
    age += 1                                    every command sets it back to 0
    if age > limit: age = limit, left = right = 0, colour = red
    motor.left.target = left, motor.right.target = right, light(colour)

A robot on which the program does not run does not drive. `tag` is only kept: it tells the computer which of its
commands had come when the block was read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

BLOCK = ("beat", "age", "left", "right", "red", "green", "blue", "tag")  # variables of the program, in this order
ALARM = 32  # brightness of the red light of a robot that stopped by itself
_CONST, _LOAD, _STORE, _BINARY, _IF, _CALL = 0x1000, 0x3000, 0x4000, 0x8000, 0xA000, 0xC000
_LONG, _STOP, _ADD, _GREATER = 0x2000, 0x0000, 2, 12
_INIT, _FIRST_EVENT = 0xFFFF, 0xFFFE  # events of a node count down from here


@dataclass(frozen=True)
class Node:
    """Where things are in a node: addresses of variables, numbers of events and functions, by name."""

    variables: Mapping[str, int]
    events: Mapping[str, int]
    functions: Mapping[str, int]
    free: int  # first address behind the node's own variables


@dataclass(frozen=True)
class Names:
    """What the program needs, as this kind of node calls it."""

    event: str  # comes again and again
    left: str
    right: str
    light: tuple[str, ...] = ()  # one function of three arguments, or three variables, or none
    timer: str = ""  # variable that sets the event's period in ms, if it has to be set


def watchdog(node: Node, names: Names, limit: int, period: int) -> list[int]:
    """Bytecode: the wheels stop `limit` beats after the last command. Raises KeyError for a name the node lacks."""
    at = {name: node.free + i for i, name in enumerate(BLOCK)}
    variable = node.variables
    start = [word for name in BLOCK for word in _assign(at[name], limit if name == "age" else 0)]
    start += _assign(variable[names.left], 0) + _assign(variable[names.right], 0)
    if names.timer:
        start += _assign(variable[names.timer], period)
    start.append(_STOP)

    colour = [at[name] for name in ("red", "green", "blue")]
    late = _assign(at["age"], limit) + _assign(at["left"], 0) + _assign(at["right"], 0)
    late += _assign(colour[0], ALARM) + _assign(colour[1], 0) + _assign(colour[2], 0)
    beat = _increase(at["beat"]) + _increase(at["age"])
    beat += [_LOAD | at["age"], _CONST | limit, _IF | _GREATER, 2 + len(late), *late]
    beat += _copy(at["left"], variable[names.left]) + _copy(at["right"], variable[names.right])
    if len(names.light) == 1:  # arguments are addresses, the last one first
        beat += [_CONST | address for address in reversed(colour)] + [_CALL | node.functions[names.light[0]]]
    for address, name in zip(colour, names.light[: 3 if len(names.light) == 3 else 0], strict=False):
        beat += _copy(address, variable[name])
    beat.append(_STOP)

    vectors = [5, _INIT, 5, _FIRST_EVENT - node.events[names.event], 5 + len(start)]
    return vectors + start + beat


def _assign(address: int, value: int) -> list[int]:
    return [_LONG, value & 0xFFFF, _STORE | address]


def _copy(source: int, target: int) -> list[int]:
    return [_LOAD | source, _STORE | target]


def _increase(address: int) -> list[int]:
    return [_LOAD | address, _CONST | 1, _BINARY | _ADD, _STORE | address]


def block(left: int, right: int, colour: Sequence[int]) -> list[int]:
    """What stops and drives the wheels, from `age` on; whoever reads may write a tag behind it."""
    return [0, left, right, *colour]
