"""PyBullet's own camera: the world at a slant, by its software renderer, which needs neither GL nor a display.

It paints bodies and looks at them; it moves nothing.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from sim.bullet import Bullet

ANGLE, PITCH, MARGIN = 40.0, -62.0, 1.08  # degrees of view from top to bottom, degrees down; room around the arena
FLOOR, WALL = (0.93, 0.93, 0.90), (0.45, 0.45, 0.47)  # red, green, blue, 0 to 1
SUN = (1.0, -2.0, 6.0)

RGB = tuple[int, int, int]


class Camera:
    """Looks at all of `bounds` (x min, y min, x max, y max, m), `size` pixels wide and high."""

    def __init__(self, engine: Bullet, bounds: tuple[float, float, float, float], size: tuple[int, int]) -> None:
        self._engine, (self._width, self._height) = engine, size
        self._painted: dict[int, RGB] = {}  # body -> colour
        p = self._p = engine.bullet
        x0, y0, x1, y1 = bounds
        shape = self._width / self._height
        span = MARGIN * max((x1 - x0) / shape, (y1 - y0) * -math.sin(math.radians(PITCH)))
        away = span / 2 / math.tan(math.radians(ANGLE / 2)) + (y1 - y0) / 2 * math.cos(math.radians(PITCH))
        middle = [(x0 + x1) / 2, (y0 + y1) / 2, 0.0]
        self._view = p.computeViewMatrixFromYawPitchRoll(middle, away, 0, PITCH, 0, 2)
        self._lens = p.computeProjectionMatrixFOV(ANGLE, shape, 0.05 * away, 4 * away)
        for body in range(p.getNumBodies(**engine.client)):
            colour = FLOOR if body == 0 else WALL
            p.changeVisualShape(body, -1, rgbaColor=(*colour, 1), textureUniqueId=-1, **engine.client)

    def take(self, robots: Sequence[RGB], plates: Mapping[int, RGB]) -> np.ndarray:
        """(height, width, 3) u1: the world now, robots and plates (by number) in these colours."""
        bodies = self._engine.plates
        for body, colour in zip(self._engine.bodies, robots, strict=True):
            self._paint(body, colour)
        for number, colour in plates.items():
            if number in bodies:
                self._paint(bodies[number], colour)
        _, _, pixels, _, _ = self._p.getCameraImage(
            self._width,
            self._height,
            self._view,
            self._lens,
            lightDirection=SUN,
            shadow=0,
            renderer=self._p.ER_TINY_RENDERER,
            **self._engine.client,
        )
        return np.asarray(pixels, np.uint8).reshape(self._height, self._width, 4)[:, :, :3]

    def _paint(self, body: int, colour: RGB) -> None:
        if self._painted.get(body) == colour:
            return
        self._painted[body] = colour
        shade = (*(c / 255 for c in colour), 1)
        for link in range(-1, self._p.getNumJoints(body, **self._engine.client)):
            self._p.changeVisualShape(body, link, rgbaColor=shade, **self._engine.client)
