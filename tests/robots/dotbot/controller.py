"""A controller that is only numbers: what the driver is tested against without the makers' simulator."""

import contextlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

NAMES = tuple(f"DE{i:014X}" for i in range(4))


class Controller:
    """Serves `robots` (as JSON has them), and keeps what it is told: (what, robot's address, value)."""

    def __init__(self) -> None:
        self.robots: list[dict[str, Any]] = []
        self.told: list[tuple[str, str, dict[str, int]]] = []
        self.polls = 0  # how often it was asked for all robots
        self.answer: bytes | None = None  # in place of every answer
        self.silent = threading.Event()  # answers nothing
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._say(200, outer.robots)
                outer.polls += 1

            def do_PUT(self) -> None:
                value = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                *_, address, _, what = self.path.split("/")
                outer.told.append((what, address, value))
                self._say(200 if any(r["address"] == address for r in outer.robots) else 404, None)

            def _say(self, status: int, value: Any) -> None:
                if outer.silent.is_set():
                    return
                body = json.dumps(value).encode()
                if outer.answer is not None:
                    self.wfile.write(outer.answer)
                    return
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def handle(self) -> None:
                with contextlib.suppress(OSError):  # the driver hangs up as it likes
                    super().handle()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"tcp:127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def see(self, number: int, x: float, y: float, degrees: float, seen: float, status: int = 0) -> None:
        """Robot `number` is at x, y (mm) and was last seen then (s)."""
        pose = {"x": x, "y": y, "heading_deg": degrees, "heading_source": "ekf"}
        robot = {"address": NAMES[number], "status": status, "last_seen": seen, "pose": pose, "battery": 2.4}
        self.robots = [r for r in self.robots if r["address"] != NAMES[number]] + [robot]

    def wheels(self, number: int) -> list[tuple[int, int]]:
        """Commands to the wheels of a robot so far, mm/s."""
        told = list(self.told)
        return [(v["left_mm_s"], v["right_mm_s"]) for w, a, v in told if (w, a) == ("wheel_velocity", NAMES[number])]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
