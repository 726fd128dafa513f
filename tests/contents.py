"""Files of samples for the tests of formats: ten small images of three classes, and any writer run over them."""

import numpy as np

from app.imaging.formats.contents import ArrayShape, Contents
from app.imaging.formats.places import Consecutive
from app.imaging.formats.registry import FORMATS
from app.imaging.mark import Origin
from app.schemas.samples import SampleFormat

ORIGIN = Origin("tiny", 2, "cd" * 32, 5)
IMAGES = np.random.default_rng(0).integers(0, 256, (10, 6, 4, 1), dtype=np.uint8)
LABELS = np.array([0, 1, 2, 0, 1, 2, 0, 1, 2, 0], dtype=np.int32)
CLASS_NAMES = ["cat", "dog", "../up:er"]
MANIFEST = b'{"schema": 1}'


def make_contents(
    images=IMAGES, labels=LABELS, *, class_names=CLASS_NAMES, first_index=100, origin=ORIGIN, places=None
) -> Contents:
    """Describe a file of these samples; without labels, of a model without classes."""
    return Contents(
        places=places or Consecutive(origin, first_index, len(images)),
        shape=ArrayShape(*images.shape),
        class_names=[] if labels is None else class_names,
        labels_at=lambda offset, count: None if labels is None else labels[offset : offset + count],
        dump_manifest=lambda: MANIFEST,
    )


def write_file(name: str, images=IMAGES, labels=LABELS, *, split=(), **contents) -> bytes:
    """Write samples in a format, in batches of these sizes, else in one."""
    writer = FORMATS[SampleFormat(name)].open(make_contents(images, labels, **contents))
    pieces, offset = list(writer.begin()), 0
    for count in split or (len(images),):
        part = slice(offset, offset + count)
        pieces.append(writer.add(offset, images[part], None if labels is None else labels[part]))
        offset += count
    return b"".join([*pieces, *writer.finish()])
