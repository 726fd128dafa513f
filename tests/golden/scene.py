"""A picture to show operations on: colours, greys, text, fine lines, and corners that can be told apart."""

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT = 160, 128
_SCALE = 4
_BARS = ("#d7263d", "#f4a259", "#f6e27f", "#5b8e7d", "#1b98e0", "#5a3d8a", "#111111", "#777777", "#eeeeee")


def draw_scene(*, is_night: bool = False):
    """Draw the picture, or the same place with other colours; uint8, shape (HEIGHT, WIDTH, 3)."""
    above, below, meadow, wall = _colours(is_night=is_night)
    width, height = WIDTH * _SCALE, HEIGHT * _SCALE
    share = np.linspace(0, 1, height)[:, None, None]
    sky = np.broadcast_to((1 - share) * above + share * below, (height, width, 3))
    image = Image.fromarray(sky.astype(np.uint8))
    draw = ImageDraw.Draw(image)
    _draw_sun(draw, height // 5, "#dfe7f2" if is_night else "#ffd23f")
    hills = [(x, 0.62 * height + 0.07 * height * math.sin(x / width * 7)) for x in range(0, width + 1, 4)]
    draw.polygon([(0, height), *hills, (width, height)], meadow)
    _draw_house(draw, width, height, wall)
    for number, colour in enumerate(_BARS):
        left, right = (width * (number + end) // len(_BARS) for end in (0, 1))
        draw.rectangle((left, height * 0.89, right, height), colour)
    for number in range(16):
        x = width * 0.06 + number * (3 + number) * _SCALE / 4
        draw.line((x, height * 0.70, x, height * 0.84), "#ffffff", 1 + _SCALE // 2)
    draw.text((width * 0.34, height * 0.04), "Fount 28", "#10243f" if not is_night else "#f4f4f4", _font(height // 6))
    return np.asarray(image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS))


def _colours(*, is_night: bool):
    if is_night:
        return np.array([16, 20, 56]), np.array([92, 60, 110]), "#2f4a3a", "#c9b8d8"
    return np.array([86, 160, 230]), np.array([250, 226, 190]), "#5f9e4c", "#e7dcc8"


def _draw_sun(draw, radius, colour):
    draw.ellipse((radius * 0.2, radius * 0.2, radius * 1.6, radius * 1.6), colour)


def _draw_house(draw, width, height, wall):
    left, top, right, bottom = 0.52 * width, 0.46 * height, 0.82 * width, 0.84 * height
    draw.rectangle((left, top, right, bottom), wall)
    draw.polygon([(left - 20, top), ((left + right) / 2, 0.26 * height), (right + 20, top)], "#b23a48")
    side = (right - left) / 5
    for x in (left + side, right - 2 * side):
        draw.rectangle((x, top + side * 0.6, x + side, top + side * 1.6), "#2b4c7e")
    draw.rectangle((left + 2 * side, bottom - side * 1.6, left + 3 * side, bottom), "#6b4226")
    draw.ellipse((0.86 * width, 0.42 * height, 0.99 * width, 0.68 * height), "#2d6a4f")
    draw.rectangle((0.915 * width, 0.66 * height, 0.935 * width, 0.84 * height), "#6b4226")


def _font(size):
    return ImageFont.load_default(size)
