"""How a mission is run: what changes nothing in its outcome."""

from dataclasses import dataclass
from pathlib import Path

from robots import check

PACES = ("lockstep", "realtime")
MINDS = ("processes", "stack")
RADIOS = ("medium", "peers")
CAMERAS = ("top", "bullet")


@dataclass(frozen=True)
class Options:
    """Pace, watching and results of one run."""

    out: Path | None = None  # folder for the results; None: the run chooses one of its own
    pace: str = "lockstep"  # lockstep: the world waits for every robot | realtime: it waits for none
    speed: float | None = None  # most simulated seconds per second of a lock-step run; None: as fast as it goes
    minds: str = "processes"  # processes: one for each robot | stack: all in the world's process
    radio: str = "medium"  # medium: the world carries signals | peers: robots send them to each other
    resume: Path | None = None  # folder of a run whose minds go on
    plain: bool = False  # lines of text instead of the dashboard
    gui: bool = False  # the window of PyBullet
    video: Path | None = None  # film of the run
    listen: str | None = None  # tcp://HOST:PORT where watchers from the network may attach; None: of this machine only
    keys: Path | None = None  # folder with the swarm's keys, for those who attach
    key: str | None = None  # whose key in it; None: the only one
    insecure: bool = False  # watchers from the network need no keys
    command: str | None = None  # tcp://HOST:PORT where the run takes orders from the network
    operator: str = "operator"  # the member of the swarm that may give them
    camera: str = "top"  # of the film: top, drawn from above | bullet, PyBullet's own

    def __post_init__(self) -> None:
        check.choice("pace", self.pace, PACES)
        check.choice("camera", self.camera, CAMERAS)
        if self.camera != "top" and self.video is None:
            raise ValueError(f"camera = {self.camera!r}: says nothing without --video FILE")
        check.choice("minds", self.minds, MINDS)
        check.address("listen", self.listen, "tcp://*:5600")
        check.address("command", self.command, "tcp://*:5601")
        if self.listen is not None and self.keys is None and not self.insecure:
            raise ValueError("listen: needs --keys FOLDER, or --insecure for a network that one trusts")
        if self.listen is None and (self.keys is not None or self.insecure):
            raise ValueError("keys: say nothing without --listen tcp://HOST:PORT")
        if self.insecure and self.keys is not None:
            raise ValueError("insecure: goes without --keys")
        if self.command is not None and self.keys is None:
            raise ValueError("command: needs --listen and --keys FOLDER: orders are taken from the operator only")
        if self.key is not None and self.keys is None:
            raise ValueError(f"key = {self.key!r}: says nothing without --keys FOLDER")
        if self.operator != "operator" and self.command is None:
            raise ValueError(f"operator = {self.operator!r}: says nothing without --command tcp://HOST:PORT")
        check.choice("radio", self.radio, RADIOS)
        if self.minds == "stack" and self.radio == "peers":
            raise ValueError("minds = 'stack': minds in one process have no links of their own")
        if self.speed is not None:
            check.number("speed", self.speed, 0.01, 1000)
            if self.pace == "realtime":
                raise ValueError(f"speed = {self.speed:g}: caps a lock-step run; real time has a speed of 1")
