"""What a robot would sense, derived from what a tracker sees, limited to the ranges of the mission's sensors."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from robots.percept import Sensors
from robots.tracker.message import Site, View

REACH = 0.03  # m between a robot's edge and a virtual work face that counts as touching
STRETCH = 0.08  # m beyond which a virtual gripper lets go


class Contact(NamedTuple):
    """A virtual site that a robot touches."""

    site: Site
    gap: float  # m between the robot's edge and the face; negative: beyond it
    error: float  # rad, by which its heading misses the plate


def pose_of(view: View, number: int) -> np.ndarray | None:
    """(3,) where robot `number` is; None: not seen."""
    return next((np.array([s.x, s.y, s.heading]) for s in view.robots if s.number == number), None)


def fill(percept: np.ndarray, view: View, number: int, sensors: Sensors, contact: Contact | None) -> None:
    """Write pose, neighbours, sites, touch and progress of robot `number` into its percept (1,), in place."""
    pose = pose_of(view, number)
    if pose is None:
        return
    percept["pose"], percept["robot_id"], percept["robot_rb"] = pose, -1, np.nan
    others = [s for s in view.robots if s.number != number]
    seen = _seen(pose, np.array([[s.x, s.y, s.heading] for s in others]).reshape(-1, 3))
    for slot, j in enumerate(_nearest(seen, sensors.robots.range, sensors.robots.most)):
        percept["robot_id"][0, slot] = others[j].number
        percept["robot_rb"][0, slot] = seen[j, :2]
    seen = _seen(pose, np.array([[s.x, s.y, s.facing] for s in view.sites]).reshape(-1, 3))
    for slot, j in enumerate(_nearest(seen, sensors.sites.range, sensors.sites.most)):
        percept["site_id"][0, slot] = view.sites[j].number
        percept["site_rb"][0, slot] = seen[j, :2]
        percept["site_face"][0, slot] = seen[j, 2]
        percept["site_kind"][0, slot] = view.sites[j].signature
    if contact is not None:
        percept["touch"] = contact.site.number
        percept["progress"] = contact.site.progress


def touched(sites: Sequence[Site], pose: np.ndarray, radius: float, gripped: int = -1) -> Contact | None:
    """The one of virtual `sites` that a robot at `pose` (3,) touches, the nearest face first.

    The one that it has `gripped` stays touched as far as a gripper stretches.
    """
    found = None
    for site in sites:
        normal = np.array([np.cos(site.facing), np.sin(site.facing)])
        from_face = pose[:2] - (site.x, site.y)
        ahead, across = float(normal @ from_face), float(normal[0] * from_face[1] - normal[1] * from_face[0])
        reach = STRETCH if site.number == gripped else REACH
        if 0 <= ahead <= radius + reach and abs(across) <= site.width / 2:
            contact = Contact(site, ahead - radius, float(wrap(site.facing + np.pi - pose[2])))
            if found is None or contact.gap < found.gap:
                found = contact
    return found


def _seen(pose: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Range, bearing and relative angle (T, 3) of targets (T, 3) from `pose` (3,)."""
    delta = targets[:, :2] - pose[:2]
    bearing = np.arctan2(delta[:, 1], delta[:, 0]) - pose[2]
    return np.stack([np.hypot(*delta.T), wrap(bearing), wrap(targets[:, 2] - pose[2])], -1)


def _nearest(seen: np.ndarray, reach: float, most: int) -> list[int]:
    order = np.argsort(seen[:, 0], kind="stable")[:most]
    return [j for j in order.tolist() if seen[j, 0] <= reach]


def wrap(angle: np.ndarray) -> np.ndarray:
    """The same angles in (-pi, pi]."""
    return np.pi - (np.pi - angle) % (2 * np.pi)
