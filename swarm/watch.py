"""When a swarm needs an operator's attention: the thresholds that a mission sets."""

from dataclasses import dataclass

from robots import check


@dataclass(frozen=True)
class Watch:
    """From when on the dashboard raises an alarm. What is watched changes nothing in a run."""

    stuck: float = 60.0  # s that a robot waits at a site without progress
    battery: float = 0.2  # charge below which a battery is low
    silent: float = 10.0  # s since a robot last heard anyone
    loss: float = 0.5  # share of its signals that a robot loses: its link is weak
    motor: float = 5.0  # s that a robot is told to move and does not
    sensor: float = 2.0  # s that a robot's readings are dead
    backlog: int = 10  # sites that found no room: behind schedule
    open: float = 300.0  # s that a site stays open: behind schedule

    def __post_init__(self) -> None:
        check.number("stuck", self.stuck, 1, 1e6)
        check.number("battery", self.battery, 0, 1)
        check.number("silent", self.silent, 0.1, 1e6)
        check.number("loss", self.loss, 0, 1)
        check.number("motor", self.motor, 0.1, 1e6)
        check.number("sensor", self.sensor, 0.1, 1e6)
        check.number("backlog", self.backlog, 1, 1e6)
        check.number("open", self.open, 1, 1e6)
