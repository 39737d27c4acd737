"""The host controller's HTTP interface: bytes in, answers out. No socket, no clock.

Requests go one after the other over one connection, and answers come in their order. The controller's frame is in
millimetres, x to the right and y *down*; a heading is in degrees from +y, and the robot's nose is at (-sin, cos).
"""

import json
import math
import re
from dataclasses import dataclass

import msgspec

MOST = 1 << 20  # bytes of an answer
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})[^\r\n]*\Z")
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,9})[ \t]*(?:\r\n|\Z)", re.IGNORECASE)


class ApiError(ValueError):
    """Bytes that are no answer of a controller."""


@dataclass(frozen=True)
class Answer:
    """What came of a request."""

    status: int
    body: bytes


class Pose(msgspec.Struct, frozen=True):
    """Where the middle of a robot's axle is."""

    x: float  # mm
    y: float  # mm
    heading_deg: float


class Robot(msgspec.Struct, frozen=True):
    """A robot that the controller knows, as far as it matters here."""

    address: str
    status: int  # 0 heard of late, 1 stale: not for 3 s, 2 lost: not for 10 s
    last_seen: float  # s, the controller's clock
    pose: Pose | None = None  # None: it has never been located
    battery: float | None = None  # V


_robots = msgspec.json.Decoder(list[Robot])


class Parser:
    """Answers out of a stream, however its bytes are cut."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> list[Answer]:
        """The answers that are complete now. Raises ApiError."""
        self._held += data
        answers: list[Answer] = []
        while True:
            head, mark, rest = self._held.partition(b"\r\n\r\n")
            if not mark:
                if len(head) > 65_536 or not b"HTTP/1.".startswith(head[:7]):
                    raise ApiError("garbage instead of an answer")
                return answers
            status, length = _STATUS.match(head.split(b"\r\n", 1)[0]), _LENGTH.search(head)
            if status is None or length is None or int(length[1]) > MOST:
                raise ApiError("an answer without a status or a length")
            size = int(length[1])
            if len(rest) < size:
                return answers
            answers.append(Answer(int(status[1]), rest[:size]))
            self._held = rest[size:]


def robots(body: bytes) -> list[Robot]:
    """The robots in the answer to `list_robots`. Raises ApiError."""
    try:
        found = _robots.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ApiError(str(error)) from None
    for robot in found:
        numbers = [robot.last_seen] if robot.pose is None else [robot.last_seen, *msgspec.structs.astuple(robot.pose)]
        if not all(math.isfinite(number) and abs(number) < 1e12 for number in numbers):
            raise ApiError(f"robot {robot.address}: a number that cannot be")
    return found


def pose(place: Pose, origin: tuple[float, float]) -> tuple[float, float, float]:
    """x, y (m) and heading (rad) in a frame whose x is to the right and whose y is *up* from `origin` (m, theirs)."""
    angle = math.radians(place.heading_deg)
    return place.x / 1000 - origin[0], origin[1] - place.y / 1000, math.atan2(-math.cos(angle), -math.sin(angle))


def list_robots(host: str) -> bytes:
    """Ask for all robots, the lost ones too."""
    return f"GET /controller/dotbots?include_lost=true HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()


def wheels(host: str, address: str, left: int, right: int) -> bytes:
    """Set the wheels' speeds, mm/s; the robot stops by itself 0.5 s after the last such command."""
    return _put(host, f"{address}/0/wheel_velocity", {"left_mm_s": left, "right_mm_s": right})


def light(host: str, address: str, red: int, green: int, blue: int) -> bytes:
    """Set the colour of the robot's light, 0 to 255."""
    return _put(host, f"{address}/0/rgb_led", {"red": red, "green": green, "blue": blue})


def _put(host: str, what: str, value: dict[str, int]) -> bytes:
    body = json.dumps(value)
    head = f"PUT /controller/dotbots/{what} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()
