"""`dotbot` with a radio that can be spoilt: robots whose addresses stand in FOLDER/mute are heard no longer.

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

    def heard(self: Any, index: int, packet: bytearray) -> None:
        if self.addresses[index] not in (folder / "mute").read_text():
            advertise(self, index, packet)

    Radio._advertise = heard
    cli()
