"""`dotbot` with a radio that can be spoilt: robots whose addresses stand in FOLDER/mute are heard no longer.

FOLDER/truth tells where robots are, whatever they believe: a line for each report of a robot, with its number,
the simulated time (s), x and y (mm) and its heading (degrees).
Called as ``muted.py FOLDER ARGUMENTS``; FOLDER is its home, ARGUMENTS are those of `dotbot`.
"""

import os
import sys
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    folder = Path(sys.argv.pop(1))
    os.environ["HOME"] = str(folder)

    from dotbot.cli.main import cli
    from dotbot.dotbot_simulator import DotBotSimulatorCommunicationInterface as Radio

    advertise = Radio._advertise
    truth = (folder / "truth").open("a", buffering=1)

    def heard(self: Any, index: int, packet: bytearray) -> None:
        at = self.plant
        truth.write(f"{index} {self.time_elapsed_s} {at.x[index]} {at.y[index]} {at.heading_deg[index]}\n")
        if self.addresses[index] not in (folder / "mute").read_text():
            advertise(self, index, packet)

    Radio._advertise = heard
    cli()
