"""The clock around a pilot: ten ticks a second, orders, keys, signals, savings, the supervisor's watchdog."""

import contextlib
import math
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from robots.deadman import DeadMan
from robots.shell import RefusedError, State
from swarm import store
from swarm.field.config import Config
from swarm.field.control import Control, Status, number_or_none
from swarm.field.pilot import Pilot
from swarm.field.show import Show
from swarm.peers import STALE
from swarm.report import STRATEGIES, TASKS
from swarm.view.keys import Keyboard

LATE = 0.5  # s behind after which lost ticks are not made up for
LATELY = 60.0  # s in which hangs count against a robot
KEYS = {ord("a"): "arm", ord("r"): "release", ord("q"): "quit"}  # any other stops


class Loop:
    """Runs one robot until it is told to end. `minds`: where what it learns is kept; `arm`: arm it once, when ready."""

    def __init__(
        self,
        config: Config,
        pilot: Pilot,
        control: Control,
        deadman: DeadMan,
        minds: Path | None,
        *,
        arm: bool,
        shows: Show | None = None,
    ) -> None:
        self.config, self.pilot, self.control, self.deadman, self.minds = config, pilot, control, deadman, minds
        self._arm, self.shows = arm, shows
        self._ended = ""  # why the loop ends; empty: it goes on
        self._suspended = False  # is the process to be suspended?
        self._saved = self._shown = time.monotonic()
        self._line = ""
        self._unsaved = False  # did the latest saving fail?

    def run(self, duration: float | None, keyboard: Keyboard | None) -> int:
        """The exit status. Whatever ends it, the body stands and the black box is written where something failed."""
        period, began = self.pilot.mission.tick, time.monotonic()
        due, why = began, "failed"
        notify("READY=1")
        try:
            while not self._ended:
                if self._suspended:
                    self._suspend(keyboard)
                now = time.monotonic()
                self._keys(keyboard, now)
                self.pilot.tick(now, time.monotonic)
                self.deadman.feed()
                self.control.serve(lambda word: self.order(word, time.monotonic()), self.status)
                if self.shows is not None:
                    self.shows.tick(now, self.status())
                self._keep(now)
                if duration is not None and now - began >= duration:
                    self._ended = "the time is over"
                due = max(due + period, time.monotonic() - LATE)
                time.sleep(max(0.0, due - time.monotonic()))
            why = self._ended
        except Exception as error:
            why = f"failed: {error!r}"
            raise
        finally:
            self._finish(why)
        return 0

    def order(self, word: str, now: float) -> tuple[bool, str]:
        """Carry out an order of a desk or a key: was it done, and why not."""
        shell = self.pilot.shell
        if word == "stop":
            self._arm = False
            self.control.expire()
            if shell.state is not State.EMERGENCY:
                shell.emergency("told to")
                self.pilot.body.stop()
                self._write_box("emergency stop")
        elif word == "release":
            shell.release()
        elif word == "arm":
            try:
                shell.arm(now)
            except RefusedError as error:
                return False, str(error)
        elif word == "quit":
            self._ended = "told to"
        return True, ""

    def status(self) -> Status:
        """How the robot is, as it tells others."""
        pilot, shell = self.pilot, self.pilot.shell
        report, sent = pilot.report[0], pilot.sent[0]
        percept = None if pilot.percept is None else pilot.percept[0]
        x, y, heading = (math.nan,) * 3 if percept is None else percept["pose"].tolist()
        heard = pilot.brain.heard[0]
        fresh = (heard["id"] >= 0) & (pilot.ticks - heard["tick"] <= STALE / pilot.mission.tick)
        return Status(
            self.config.number,
            shell.state.value,
            shell.why,
            number_or_none(pilot.age),
            pilot.body.session,
            pilot.body.trouble or self.deadman.trouble,
            STRATEGIES[int(report["strategy"])],
            TASKS[int(report["task"])],
            float(sent["speed"]),
            float(sent["turn"]),
            None if percept is None else number_or_none(percept["battery"]),
            (x, y, heading) if math.isfinite(x + y + heading) else None,
            int(fresh.sum()),
            int(report["rules"]),
            shell.refused,
            self.deadman.hangs(LATELY),
            time.time(),
            pilot.body.label,
        )

    @contextlib.contextmanager
    def signals(self) -> Iterator[None]:
        """SIGTERM, SIGINT, SIGQUIT and a closed terminal end the loop in good order; SIGTSTP stops the robot first."""

        def end(number: int, _: object) -> None:
            self._ended = f"signal {signal.Signals(number).name}"

        def suspend(_number: int, _: object) -> None:
            self._suspended = True

        ends = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP)
        before = {one: signal.signal(one, end) for one in ends} | {
            signal.SIGTSTP: signal.signal(signal.SIGTSTP, suspend)
        }
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)

    def _suspend(self, keyboard: Keyboard | None) -> None:
        """Suspend the process, once the robot stands; comes back when it is let go on."""
        self._suspended = False
        self.order("stop", time.monotonic())
        if keyboard is not None:
            keyboard.give()
        handler = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        signal.raise_signal(signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, handler)

    def _keys(self, keyboard: Keyboard | None, now: float) -> None:
        """The local keys. A stop among those that came at once wins over arming and releasing."""
        if keyboard is None:
            return
        keyboard.take()  # it may have come to the foreground
        words = [KEYS.get(byte, "stop") for byte in keyboard.read()]
        if "stop" in words:
            words = ["stop", *(["quit"] if "quit" in words else [])]
        for word in words:
            done, text = self.order(word, now)
            tell(f"{word}: {'done' if done else text}", sys.stdout)

    def _keep(self, now: float) -> None:
        """What is due beside the tick."""
        shell = self.pilot.shell
        if self._arm and shell.state is State.DISARMED:
            with contextlib.suppress(RefusedError):
                shell.arm(now)
                self._arm = False
        notify("WATCHDOG=1")
        if self.minds is not None and now - self._saved >= store.EVERY:
            self._saved = now
            self._save(self.minds, durable=False)
        line = f"{shell.state.value}: {shell.why}" if shell.why else shell.state.value
        if line.split(" are ")[0] != self._line and now - self._shown >= 0.5:
            self._line, self._shown = line.split(" are ")[0], now
            tell(f"robot {self.config.number}: {line}", sys.stdout)

    def _finish(self, why: str) -> None:
        self.pilot.body.stop()
        notify("STOPPING=1")
        if why.startswith("failed"):
            self._write_box(why)
        if self.shows is not None:
            self.shows.close(why)
        if self.minds is not None:
            self._save(self.minds, durable=True)
        tell(f"robot {self.config.number}: ends: {why}", sys.stdout)

    def _save(self, minds: Path, *, durable: bool) -> None:
        """Save what was learnt. What cannot be saved is told once, and changes nothing else."""
        try:
            store.save(minds, self.pilot.brain.mind, durable=durable)
            self._unsaved = False
        except (store.StoreError, OSError) as error:
            if not self._unsaved:
                tell(f"robot {self.config.number}: what it learns is not saved: {error}", sys.stderr)
            self._unsaved = True

    def _write_box(self, why: str) -> None:
        try:
            self.pilot.box.write(Path(self.config.box), why)
        except OSError as error:
            tell(f"robot {self.config.number}: {self.config.box}: {error.strerror}", sys.stderr)


def tell(text: str, file: TextIO) -> None:
    """Print a line; where it cannot be written, the robot goes on all the same."""
    with contextlib.suppress(OSError):
        print(text, file=file, flush=True)


def notify(text: str) -> None:
    """Tell systemd, where it started this process (sd_notify)."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        sock.sendto(text.encode(), "\0" + address[1:] if address.startswith("@") else address)
