"""Outputs on a contact sheet, each with the names of what was applied to it."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from app.augmentation.frames import WHITE
from app.augmentation.packing import Item
from app.imaging.mark import ENHANCED_XMP
from app.imaging.png import write_png

GAP_PX = 8
MIN_TILE_PX, MAX_TILE_PX = 96, 384
TARGET_PX = 1400
MAX_TILES = 400
LINE_PX = 13
MAX_LINES = 4
PAPER, INK, FAINT = (250, 250, 248), (40, 40, 40), (130, 130, 130)

_RGB, _RGBA = 3, 4
Rgb = NDArray[np.uint8]


def draw_outputs(items: Sequence[Item]) -> bytes:
    """Draw outputs beside one another, with the numbers of image and copy and the operations applied.

    Pictures keep their proportions; transparency is shown on white, bands beyond the third are not shown.

    Returns:
        A PNG file.
    """
    items = items[:MAX_TILES]
    columns = _count_columns(items)
    tile = min(max((TARGET_PX - GAP_PX) // columns - GAP_PX, MIN_TILE_PX), MAX_TILE_PX)
    lines = [_caption(item, tile) for item in items]
    depth = 1 + max(map(len, lines))
    rows = -(-len(items) // columns)
    cell = tile + depth * LINE_PX + GAP_PX
    sheet = Image.new("RGB", (columns * (tile + GAP_PX) + GAP_PX, rows * (cell + GAP_PX) + GAP_PX), PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(11)
    for number, (item, caption) in enumerate(zip(items, lines, strict=True)):
        row, column = divmod(number, columns)
        left, top = GAP_PX + column * (tile + GAP_PX), GAP_PX + row * (cell + GAP_PX)
        picture = _fit(Image.fromarray(to_rgb(item)), tile)
        sheet.paste(picture, (left + (tile - picture.width) // 2, top + (tile - picture.height) // 2))
        text_top = top + tile + 3
        draw.text((left, text_top), _number(item), INK, font)
        for line, text in enumerate(caption, 1):
            draw.text((left, text_top + line * LINE_PX), text, FAINT, font)
    return write_png(np.asarray(sheet), xmp=ENHANCED_XMP)


def to_rgb(item: Item) -> Rgb:
    """Return an output's pixels as they are shown, (h, w, 3)."""
    record = item.record
    pixels = np.frombuffer(item.file, record.depth).reshape(record.shape)
    levels = pixels.astype(np.float32) / np.float32(WHITE[record.depth])
    channels = record.shape[2]
    if channels in {2, _RGBA}:
        levels = 1 - levels[:, :, -1:] + levels[:, :, :-1] * levels[:, :, -1:]
    levels = levels[:, :, :_RGB] if levels.shape[2] >= _RGB else np.repeat(levels[:, :, :1], _RGB, axis=2)
    return np.asarray(np.rint(np.clip(levels, 0, 1) * 255), np.uint8)


def _count_columns(items: Sequence[Item]) -> int:
    """Have one row per image where it has some copies, else as near to square as may be."""
    copies = sum(item.record.image == items[0].record.image for item in items)
    if 1 < copies < len(items) or 1 < copies <= 6:  # noqa: PLR2004 - fits a row
        return min(copies, 10)
    return max(1, min(round(math.sqrt(len(items)) * 1.25), 10))


def _fit(picture: Image.Image, tile: int) -> Image.Image:
    scale = tile / max(picture.size)
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    is_small = scale >= 2  # noqa: PLR2004 - pixels are to be seen as such
    return picture.resize(size, Image.Resampling.NEAREST if is_small else Image.Resampling.LANCZOS)


def _number(item: Item) -> str:
    record = item.record
    if record.copy < 0:
        return f"{record.image}: original"
    return f"{record.image}.{record.copy}" + (f" part {record.patch}" if record.facts.get("is_part") else "")


def _caption(item: Item, tile: int) -> list[str]:
    """Break the names of what was applied into lines of the tile's width."""
    lines: list[str] = []
    room = tile // 6
    for step in item.record.facts.get("trace", []):
        name = step["op"]
        if lines and len(lines[-1]) + len(name) + 2 <= room:
            lines[-1] += f", {name}"
        else:
            lines.append(name)
    return [*lines[: MAX_LINES - 1], "..."] if len(lines) > MAX_LINES else lines
