"""The black box holds the last minute and is read by anybody."""

import json
from pathlib import Path

import numpy as np

from robots.blackbox import BlackBox
from robots.body import command, still
from robots.percept import Sensors, blank, percept_dtype


def test_the_last_minute(tmp_path: Path) -> None:
    box = BlackBox(seconds=1.0)
    percept = blank(percept_dtype(Sensors()), 1)
    for i in range(30):
        box.tick(i * 0.1, percept, command(0.1, np.nan), still(), "armed", "", 0.05)
    box.event(3.0, "stopped")
    box.write(tmp_path / "box.jsonl", "somebody pressed a key")
    first, *lines = [json.loads(line) for line in (tmp_path / "box.jsonl").read_text().splitlines()]
    assert first == {"why": "somebody pressed a key"}
    assert [round(lines[i]["time"], 1) for i in (0, -1)] == [2.0, 3.0]
    assert lines[-1]["event"] == "stopped"
    assert lines[0]["wanted"] == {"speed": 0.1, "turn": None, "grip": 0}  # a number that is none
    assert lines[0]["percept"]["touch"] == -1
    assert lines[0]["sent"] == {"speed": 0.0, "turn": 0.0, "grip": 0}
