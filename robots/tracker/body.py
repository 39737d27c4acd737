"""A body and a tracker together: a body that also senses its place, the others and virtual sites.

Virtual plates resist here: a robot that touches a face drives along its normal at most as fast as the plate
gives way (into it), or as the plate follows (away from it, while gripped). What a robot does at a site is what
its wheels are told, not what its mind says: `deed`.
"""

import numpy as np

from robots.body import Around, Body
from robots.command import Limits, clamp
from robots.percept import Sensors
from robots.tracker import LABEL
from robots.tracker.message import Deed
from robots.tracker.port import Tracker
from robots.tracker.view import Contact, fill, pose_of, touched

ALIGNED = 0.3  # rad, heading error below which a robot at a face works
STIFF = 5.0  # 1/s, how much faster than the plate a robot drives per m that it is away from it
GRIP = 0.03  # m from the face at which a gripper pulls


class TrackedBody(Around):
    """Robot `number` as `tracker` sees it, in the body `inner`."""

    def __init__(self, inner: Body, tracker: Tracker, number: int, sensors: Sensors) -> None:
        super().__init__(inner)
        self.tracker, self.number, self.sensors = tracker, number, sensors
        self.senses = inner.senses | {"robots", "sites", "pose"}
        self.label = f"{inner.label}, {LABEL}" if inner.label else LABEL
        self._seen_at = -np.inf  # when the robot itself was last in view
        self._contact: Contact | None = None
        self._gripped = -1

    def sense(self, now: float) -> np.ndarray:
        """The body's percept, completed."""
        percept = self.inner.sense(now)
        view = self.tracker.look(now)
        pose = None if view is None else pose_of(view, self.number)
        if view is None or pose is None:
            self._contact = None
            return percept
        self._seen_at = now - self.tracker.age(now)
        self._contact = touched(view.sites, pose, self.radius, self._gripped)
        if self._contact is None:
            self._gripped = -1
        fill(percept, view, self.number, self.sensors, self._contact)
        percept["grip"] = self._gripped >= 0
        return percept

    def age(self, now: float) -> float:
        """Of the body's readings or of the robot's pose, whichever is older."""
        return max(self.inner.age(now), now - self._seen_at)

    def act(self, command: np.ndarray, now: float) -> np.ndarray:
        """Drive as far as virtual plates let it."""
        command = clamp(command, self.limits)
        if self._contact is not None:
            told, self._gripped = deed(self._contact, command, self.number, self.limits)
            self.tracker.tell(told)
            command["speed"] = resisted(self._contact, float(command["speed"][0]), gripped=self._gripped >= 0)
        return self.inner.act(command, now)

    def close(self) -> None:
        """Both."""
        super().close()
        self.tracker.close()


def deed(contact: Contact, command: np.ndarray, number: int, limits: Limits) -> tuple[Deed, int]:
    """What a command does at the site touched, and the number of the site that is gripped then, -1 none."""
    speed, grip = float(command["speed"][0]), bool(command["grip"][0])
    aligned = abs(contact.error) <= ALIGNED
    share = max(-1.0, min(1.0, speed / limits.speed)) if aligned else 0.0
    held = grip and aligned
    return Deed(number, contact.site.number, share, held), contact.site.number if held else -1


def resisted(contact: Contact, speed: float, *, gripped: bool) -> float:
    """The speed that a virtual plate leaves a robot that touches it, m/s."""
    if abs(contact.error) > np.pi / 2:
        return speed  # it turns its back
    if speed > 0:
        return min(speed, max(0.0, contact.site.give + STIFF * contact.gap))
    return max(speed, min(0.0, -contact.site.give - STIFF * (GRIP - contact.gap))) if gripped else speed
