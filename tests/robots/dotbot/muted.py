"""`dotbot` with a radio that can be spoilt: robots whose addresses stand in FOLDER/mute are heard no longer.

FOLDER/clock tells how far the simulator is, a line "s since 1970, simulated s" for each report of a robot.
Called as ``muted.py FOLDER ARGUMENTS``; FOLDER is its home, ARGUMENTS are those of `dotbot`.
"""

import os
import sys
import time
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    folder = Path(sys.argv.pop(1))
    os.environ["HOME"] = str(folder)

    from dotbot.cli.main import cli
    from dotbot.dotbot_simulator import DotBotSimulatorCommunicationInterface as Radio

    advertise = Radio._advertise
    clock = (folder / "clock").open("a", buffering=1)

    def heard(self: Any, index: int, packet: bytearray) -> None:
        clock.write(f"{time.time()} {self.time_elapsed_s}\n")
        if self.addresses[index] not in (folder / "mute").read_text():
            advertise(self, index, packet)

    Radio._advertise = heard
    cli()
