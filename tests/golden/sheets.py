"""Renders the pictures of ``docs/augmentation-operations.md``: a sheet per family of operations, and one of presets.

A sheet says in its XMP which policies it shows. It is drawn anew when these are others, and not when a library draws
some pixels otherwise.
"""

import hashlib
import io
import json
import re

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from app.augmentation.engine import Order, Source, augment
from app.augmentation.policy import ENGINE_VERSION, Policy
from tests.golden.families import examples
from tests.golden.scene import HEIGHT, WIDTH, draw_scene

FOLDER = "docs/images/augmentation"
SEED, TRIES = 7, 8
SEEN = 6  # levels of 255 on average: what is less is hard to see
COLUMNS, GAP, CAPTION = 4, 16, 16  # so that tiles begin and end where the blocks of WebP do
QUALITY = 84
_XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" dc:identifier="{}"/>'
    "</rdf:RDF></x:xmpmeta>"
)


def sheet_paths() -> dict[str, str]:
    """Return where each sheet is, by its name."""
    return {name: f"{FOLDER}/{name}.webp" for name in examples()}


def digest_of(name: str) -> str:
    """Return the digest of what a sheet shows."""
    shown = json.dumps([ENGINE_VERSION, SEED, SEEN, examples()[name]])
    return hashlib.sha256(shown.encode()).hexdigest()


def read_digest(data: bytes) -> str | None:
    """Return the digest of what a sheet that was drawn says that it shows."""
    found = re.search(rb'dc:identifier="([0-9a-f]{64})"', Image.open(io.BytesIO(data)).info.get("xmp", b""))
    return found[1].decode() if found else None


def render_sheet(name: str) -> bytes:
    """Draw a sheet: the picture as it is, then one output of each policy, with its name."""
    scenes = [Source(draw_scene(), 1), Source(draw_scene(is_night=True), 2)]
    tiles = {"the picture": Image.fromarray(scenes[0].pixels)}
    for number, (caption, document) in enumerate(examples()[name].items()):
        tiles[caption] = _apply(document, scenes, number)
    rows = -(-len(tiles) // COLUMNS)
    cell_width, cell_height = WIDTH + GAP, HEIGHT + CAPTION + GAP
    sheet = Image.new("RGB", (COLUMNS * cell_width + GAP, rows * cell_height + GAP), "#ffffff")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
    for number, (caption, tile) in enumerate(tiles.items()):
        row, column = divmod(number, COLUMNS)
        left, top = GAP + column * cell_width, GAP + row * cell_height
        tile.thumbnail((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
        sheet.paste(tile, (left + (WIDTH - tile.width) // 2, top + (HEIGHT - tile.height) // 2))
        draw.text((left + WIDTH // 2, top + HEIGHT + 3), caption, "#333333", font, anchor="ma")
    file = io.BytesIO()
    sheet.save(file, "webp", quality=QUALITY, method=6, xmp=_XMP.format(digest_of(name)).encode())
    return file.getvalue()


def _apply(document, scenes, first_copy):
    """Return the first output that is seen to be another than its scene; the parts of one, side by side."""
    policy = Policy.model_validate_json(json.dumps(document))
    for copy in range(first_copy, first_copy + TRIES):
        outputs = augment(scenes, Order(policy.ops, SEED, first_copy=copy))
        parts = [output.pixels for output in outputs if output.source == 0]
        if _is_seen(parts[0], scenes[0].pixels):
            break
    pictures = [Image.fromarray(part) for part in parts]
    return pictures[0] if len(pictures) == 1 else _lay_out(pictures)


def _is_seen(one, other):
    return one.shape != other.shape or np.abs(one.astype(float) - other).mean() >= SEEN


def _lay_out(parts):
    columns = -(-len(parts) // 2)
    width, height = parts[0].width + 4, parts[0].height + 4
    laid = Image.new("RGB", (columns * width - 4, 2 * height - 4), "#ffffff")
    for number, part in enumerate(parts):
        laid.paste(part, (number % columns * width, number // columns * height))
    return laid
