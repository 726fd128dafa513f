"""Outlines of the shapes that templates name, inside the square from -1 to 1, right and up."""

import math
from typing import TypeAlias

from app.generators.template_spec import Shape

Outline: TypeAlias = list[tuple[float, float]]

ROUND = 96


def find_outline(shape: Shape) -> Outline:
    """Return the corners of a shape, in order; a line has two."""
    return _OUTLINES[shape]


def _regular(corners: int, first_deg: float = 90.0) -> Outline:
    angles = [math.radians(first_deg + 360.0 * corner / corners) for corner in range(corners)]
    return [(math.cos(angle), math.sin(angle)) for angle in angles]


def _star(points: int, inner: float) -> Outline:
    corners = _regular(2 * points)
    return [(x, y) if number % 2 == 0 else (inner * x, inner * y) for number, (x, y) in enumerate(corners)]


def _heart() -> Outline:
    """A parametric heart, shifted so that its middle is at the origin, and scaled to fit."""
    turns = [2 * math.pi * number / ROUND for number in range(ROUND)]
    return [
        (
            math.sin(t) ** 3,
            (13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t) + 2.5) / 16,
        )
        for t in turns
    ]


_ARM = 1 / 3

_OUTLINES: dict[Shape, Outline] = {
    "arrow": [(-1.0, 0.25), (0.1, 0.25), (0.1, 0.75), (1.0, 0.0), (0.1, -0.75), (0.1, -0.25), (-1.0, -0.25)],
    "circle": _regular(ROUND),
    "cross": [
        (-_ARM, 1.0),
        (_ARM, 1.0),
        (_ARM, _ARM),
        (1.0, _ARM),
        (1.0, -_ARM),
        (_ARM, -_ARM),
        (_ARM, -1.0),
        (-_ARM, -1.0),
        (-_ARM, -_ARM),
        (-1.0, -_ARM),
        (-1.0, _ARM),
        (-_ARM, _ARM),
    ],
    "diamond": [(0.0, 1.0), (0.62, 0.0), (0.0, -1.0), (-0.62, 0.0)],
    "heart": _heart(),
    "hexagon": _regular(6),
    "line": [(-1.0, 0.0), (1.0, 0.0)],
    "pentagon": _regular(5),
    "rectangle": [(-1.0, 0.5), (1.0, 0.5), (1.0, -0.5), (-1.0, -0.5)],
    "square": [(-0.85, 0.85), (0.85, 0.85), (0.85, -0.85), (-0.85, -0.85)],
    "star": _star(5, 0.42),
    "triangle": _regular(3),
}
