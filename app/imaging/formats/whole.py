"""Formats that are encoded in one go: one image file, a contact sheet, JSON."""

import base64
from collections.abc import Callable

from app.imaging.codec import ImageFormat, Pixels, encode_image
from app.imaging.formats.contents import Contents
from app.imaging.grid import encode_grid
from app.imaging.mark import DIGITAL_SOURCE_TYPE, describe_sheet
from app.schemas.samples import SampleAnswer, SampleItem


def encode_one(image_format: ImageFormat) -> Callable[[Contents, Pixels], bytes]:
    """Return the encoder of files that hold one sample."""

    def encode(contents: Contents, images: Pixels) -> bytes:
        [sample] = contents.describe(0, 1, contents.labels_at(0, 1))
        return encode_image(images[0], image_format, contents.mark_sample(sample))

    return encode


def encode_sheet(contents: Contents, images: Pixels) -> bytes:
    """Encode samples as one contact sheet."""
    has_one_origin = len(contents.places.origins) == 1
    mark = describe_sheet(contents.origin, contents.first_index, len(images)) if has_one_origin else contents.mark
    return encode_grid(images, mark, columns=contents.columns)


def encode_json(contents: Contents, images: Pixels) -> bytes:
    """Encode samples as one JSON document, each a PNG file as base64."""
    samples = [
        SampleItem(index=sample.index, class_label=sample.class_name, png=base64.b64encode(png).decode("ascii"))
        for sample, png in contents.encode(0, images, contents.labels_at(0, len(images)))
    ]
    answer = SampleAnswer(
        model=contents.origin.reference,
        digest=contents.origin.digest,
        seed=contents.origin.seed,
        first_index=contents.first_index,
        num_samples=contents.num_samples,
        digital_source_type=DIGITAL_SOURCE_TYPE,
        augment=contents.origin.how.get("augment"),
        samples=samples,
    )
    return answer.model_dump_json().encode()
