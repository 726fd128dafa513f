"""The page of results: each benchmark writes its own section, between two comments, and leaves the rest alone."""

import io
import json
from pathlib import Path

import numpy as np
from PIL import Image

from app.imaging.codec import encode_png

MAX_PICTURE_BYTES = 100_000
PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"


def write_section(page: Path, name: str, text: str) -> None:
    """Put a section in the place of the one before.

    Args:
        page: A Markdown file.
        name: Of the section; its comments carry it.
        text: Everything between the comments.

    Raises:
        ValueError: If the page has no such section.
    """
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    content = page.read_text("utf-8")
    before, found, rest = content.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"{page} has no section between {begin} and {end}")
    page.write_text(f"{before}{begin}\n\n{text.strip()}\n\n{end}{after}", "utf-8")


def write_picture(path: Path, sheet: bytes) -> None:
    """Keep a contact sheet, halved until it is small enough for a repository.

    Args:
        path: The file to write; its folders are made.
        sheet: A PNG.
    """
    image: Image.Image = Image.open(io.BytesIO(sheet))
    while len(sheet) > MAX_PICTURE_BYTES:
        image = image.reduce(2)
        pixels = np.asarray(image)
        sheet = encode_png(pixels.reshape(*pixels.shape[:2], -1), json.dumps({"benchmark": path.stem}))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(sheet)
