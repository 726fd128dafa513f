"""One picture from a template and one latent: every number of the latent decides one thing.

Numbers are uniform in (-1, 1). Everything up to the outline's corners is exact arithmetic or correctly rounded in
practice, so a latent gives the same picture wherever Pillow is the same.
"""

import dataclasses
import enum
import functools
import math
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from app.core.seeds import philox
from app.generators.template_shapes import Outline, find_outline
from app.generators.template_spec import Canvas, DrawnClass, Pen, TemplateSpec

Picture: TypeAlias = NDArray[np.uint8]
Uniform: TypeAlias = NDArray[np.float64]

SUPERSAMPLING = 4
SMALLEST_STAMP = 32
_KEY_BITS = 24  # of a uniform latent
_NOISE_BYTES = 4
_NOISE_MIDDLE = _NOISE_BYTES * 255 / 2
_NOISE_DEVIATION = math.sqrt(_NOISE_BYTES * (256**2 - 1) / 12)


class Place(enum.IntEnum):
    """Which number of a latent decides what; part of the identity of samples, so new ones come last."""

    GROUND = 0
    GROUND_JITTER = 1  # and the next two
    COLOUR = 4
    COLOUR_JITTER = 5  # and the next two
    SIZE = 8
    ASPECT = 9
    RIGHT = 10
    DOWN = 11
    ROTATION = 12
    SHEAR = 13
    LINE = 14
    TEXT = 15
    BLUR = 16
    NOISE = 17
    NOISE_KEY = 18  # and the next


LATENT_DIM = 20


@dataclasses.dataclass(frozen=True)
class Pose:
    """Where unit coordinates, right and up, come to lie: in pixels, right and down."""

    xx: float
    xy: float
    yx: float
    yy: float
    x: float
    y: float
    half: float
    """Half the size, in pixels."""

    def apply(self, points: Outline) -> Outline:
        """Return points in pixels."""
        return [(self.xx * x + self.xy * y + self.x, self.yx * x + self.yy * y + self.y) for x, y in points]

    def invert(self, unit: float) -> tuple[float, float, float, float, float, float]:
        """Return the coefficients from pixels to a square of side ``2 * unit``, right and down, in Pillow's order."""
        scale = unit / (self.xx * self.yy - self.xy * self.yx)
        a, b = self.yy * scale, -self.xy * scale
        c, d = -self.yx * scale, self.xx * scale
        to_x, to_y = (a, b), (-c, -d)
        return (
            *to_x,
            unit - to_x[0] * self.x - to_x[1] * self.y,
            *to_y,
            unit - to_y[0] * self.x - to_y[1] * self.y,
        )


def draw_picture(spec: TemplateSpec, latent: NDArray[np.float32], label: int) -> Picture:
    """Draw one picture.

    Args:
        spec: The template.
        latent: Numbers in (-1, 1), shape (20,); what is outside counts as the nearer end.
        label: Number of the class.

    Returns:
        Pixels, shape (height, width, channels).
    """
    uniform = np.clip(0.5 * (latent.astype(np.float64) + 1.0), 0.0, 1.0 - 2.0 ** -(_KEY_BITS + 1))
    drawn, canvas = spec.classes[label], spec.image
    coverage = _cover(drawn, canvas, uniform)
    ground = _choose_colour(spec.ground.colours, spec.ground.jitter, uniform[Place.GROUND :], canvas.channels)
    colour = _choose_colour(drawn.pen.colours, drawn.pen.jitter, uniform[Place.COLOUR :], canvas.channels)
    weight = coverage.astype(np.int64)[:, :, None]
    picture = ((ground * (255 - weight) + colour * weight + 127) // 255).astype(np.uint8)
    picture = _blur(picture, _pick(spec.finish.blur_px, uniform[Place.BLUR]))
    return _add_noise(picture, _pick(spec.finish.noise, uniform[Place.NOISE]), uniform[Place.NOISE_KEY :])


def _cover(drawn: DrawnClass, canvas: Canvas, uniform: Uniform) -> Picture:
    """Return how much of each pixel is painted, 0 to 255."""
    pose = _choose_pose(drawn.pen, canvas, uniform)
    size = (canvas.width * SUPERSAMPLING, canvas.height * SUPERSAMPLING)
    if drawn.text is not None:
        stamp = _stamp(drawn.text[int(uniform[Place.TEXT] * len(drawn.text))], _stamp_side(pose.half))
        mask = stamp.transform(
            size, Image.Transform.AFFINE, pose.invert(stamp.width / 2), resample=Image.Resampling.BILINEAR
        )
    else:
        mask = Image.new("L", size)
        _draw_lines(ImageDraw.Draw(mask), drawn, pose, _pick(drawn.pen.line, uniform[Place.LINE]))
    return np.asarray(mask.reduce(SUPERSAMPLING))


def _choose_pose(pen: Pen, canvas: Canvas, uniform: Uniform) -> Pose:
    """Scale, lean, turn, then move."""
    half = 0.5 * _pick(pen.size, uniform[Place.SIZE]) * min(canvas.height, canvas.width) * SUPERSAMPLING
    stretch = math.sqrt(_pick(pen.aspect, uniform[Place.ASPECT]))
    lean = _pick(pen.shear, uniform[Place.SHEAR])
    angle = math.radians(_pick(pen.rotation_deg, uniform[Place.ROTATION]))
    cos, sin = math.cos(angle), math.sin(angle)
    wide, tall = half * stretch, half / stretch
    right = _pick(pen.offset, uniform[Place.RIGHT]) + 0.5
    down = _pick(pen.offset, uniform[Place.DOWN]) + 0.5
    return Pose(
        xx=cos * wide,
        xy=(cos * lean - sin) * tall,
        yx=-sin * wide,
        yy=-(sin * lean + cos) * tall,
        x=right * canvas.width * SUPERSAMPLING,
        y=down * canvas.height * SUPERSAMPLING,
        half=half,
    )


def _draw_lines(draw: ImageDraw.ImageDraw, drawn: DrawnClass, pose: Pose, line: float) -> None:
    width = max(round(2 * line * pose.half), 1)
    if drawn.strokes is not None:
        for stroke in drawn.strokes:
            _draw_line(draw, pose.apply([(x, y) for x, y in stroke]), width)
    elif drawn.shape is not None:
        corners = pose.apply(find_outline(drawn.shape))
        if len(corners) > 2 and drawn.pen.filled:  # noqa: PLR2004 - two points have no inside
            draw.polygon(corners, fill=255)
        else:
            _draw_line(draw, [*corners, corners[0]], width)


def _draw_line(draw: ImageDraw.ImageDraw, points: Outline, width: int) -> None:
    """Draw a line with round corners and ends."""
    draw.line(points, fill=255, width=width)
    radius = width / 2
    for x, y in points:
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)


def _stamp_side(half: float) -> int:
    """Choose a power of two, so that few are made, and none is enlarged."""
    return int(max(2 ** math.ceil(math.log2(2 * half)), SMALLEST_STAMP))


@functools.lru_cache(maxsize=256)
def _stamp(text: str, side: int) -> Image.Image:
    """Set text so that its ink fills a square of this side in one direction, in its middle."""
    font = ImageFont.load_default(side)
    left, top, right, bottom = font.getbbox(text)
    ink = max(right - left, bottom - top, 1)
    font = ImageFont.load_default(side * side / ink)
    left, top, right, bottom = font.getbbox(text)
    stamp = Image.new("L", (side, side))
    origin = ((side - right - left) / 2, (side - bottom - top) / 2)
    ImageDraw.Draw(stamp).text(origin, text, fill=255, font=font)
    return stamp


def _choose_colour(colours: list[str], jitter: float, uniform: Uniform, channels: int) -> NDArray[np.int64]:
    """Return the levels of one of some colours, moved by up to ``jitter``; grey ones by their luma."""
    code = colours[int(uniform[0] * len(colours))]
    levels = np.array([int(code[start : start + 2], 16) for start in (1, 3, 5)], dtype=np.int64)
    if channels == 1:
        # Rec. 601, in thousandths
        levels = (levels @ np.array([299, 587, 114]) + 500)[None] // 1000
    moved = np.rint(levels + 255.0 * jitter * (2.0 * uniform[1 : 1 + channels] - 1.0))
    return np.clip(moved, 0, 255).astype(np.int64)


def _blur(picture: Picture, radius: float) -> Picture:
    if radius <= 0:
        return picture
    image = Image.fromarray(picture[:, :, 0] if picture.shape[2] == 1 else picture)
    blurred = np.asarray(image.filter(ImageFilter.GaussianBlur(radius)), dtype=np.uint8)
    return blurred.reshape(picture.shape)


def _add_noise(picture: Picture, strength: float, keys: Uniform) -> Picture:
    """Add nearly normal noise: sums of four random bytes, from a counter-based generator keyed by two latents."""
    if strength <= 0:
        return picture
    counter = np.zeros((4, -(-picture.size // 4)), dtype=np.uint32)
    counter[0] = np.arange(counter.shape[1], dtype=np.uint32)
    first, second = (int(key * 2**_KEY_BITS) for key in keys[:2])
    words = np.ascontiguousarray(philox(counter, (first, second)).T).reshape(-1)[: picture.size]
    total = words.view(np.uint8).reshape(-1, _NOISE_BYTES).sum(axis=1, dtype=np.int64)
    noise = (total - _NOISE_MIDDLE) * (255.0 * strength / _NOISE_DEVIATION)
    noisy: Picture = np.clip(np.rint(picture + noise.reshape(picture.shape)), 0, 255).astype(np.uint8)
    return noisy


def _pick(bounds: list[float], uniform: float) -> float:
    """Return the place in a range."""
    return bounds[0] + float(uniform) * (bounds[1] - bounds[0])
