"""The form of ``POST /v1/augmentations``: its parts, and what they are."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from pydantic import ValidationError

from app.api.strict import parse_json
from app.api.uploads import Part
from app.api.validation import explain_errors, suggest_name
from app.augmentation.frames import WHITE, Depth
from app.augmentation.jobs import ArrayInput, FileInput
from app.augmentation.request import AugmentationForm, AugmentationRequest
from app.core.errors import InvalidInputError, LimitExceededError, ServiceError, UndecodableImageError
from app.core.settings import LimitSettings
from app.decoding.sniffing import UploadFormat, find_format

IMAGES, MASKS, REQUEST = "images", "masks", "request"
_NAMES = [IMAGES, MASKS, REQUEST]
_NPY = b"\x93NUMPY"
_MAX_HEADER = 4096
_BATCH_DIMS = 4
_MAX_CHANNELS = 64


@dataclass(frozen=True, slots=True)
class Upload:
    """One input of a job: what it is, and its files.

    Attributes:
        what: An image file, or pictures in an array.
        files: The image and its mask, or the pictures' bare pixels.
    """

    what: FileInput | ArrayInput
    files: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Form:
    """A form that was read.

    Attributes:
        request: The part of JSON.
        files: Image files with their masks; or none where there is a batch.
        batch: Pictures of an array; None where there are files.
        pixels: The bare pixels of the batch.
    """

    request: AugmentationRequest
    files: Sequence[Upload]
    batch: ArrayInput | None = None
    pixels: bytes = b""

    @property
    def num_images(self) -> int:
        """How many images there are."""
        return len(self.files) if self.batch is None else self.batch.count


def read_form(parts: Sequence[Part], limits: LimitSettings, limit_bytes: int) -> Form:
    """Take a form apart.

    Args:
        parts: Its parts.
        limits: How large images may be.
        limit_bytes: Most bytes of the JSON.

    Raises:
        MalformedBodyError: If the part ``request`` is not JSON.
        InvalidInputError: If a part is missing, or one that nobody reads; or a value in the request is not valid.
        LimitExceededError: If there are too many images, or the JSON is too long.
        UndecodableImageError: If an image is empty or of no known format.
    """
    for part in parts:
        if part.name not in _NAMES:
            raise InvalidInputError(f"a part of the form: {suggest_name(part.name, _NAMES)}", pointer="")
    images = [part.data for part in parts if part.name == IMAGES]
    masks = [part.data for part in parts if part.name == MASKS]
    if not images:
        raise InvalidInputError(f"the form needs at least one part `{IMAGES}`", pointer=f"/{IMAGES}")
    request = _read_request(parts, limit_bytes)
    if any(image.startswith(_NPY) for image in images):
        if len(images) > 1 or masks:
            raise InvalidInputError("an NPY batch is the only image of its form, without masks", pointer=f"/{IMAGES}")
        batch, pixels = _read_batch(images[0], limits)
        return Form(request, [], batch, pixels)
    if masks and len(masks) != len(images):
        raise InvalidInputError(f"give one mask per image: there are {len(images)} images", pointer=f"/{MASKS}")
    files = [
        Upload(FileInput(number, _sniff(image, number), has_mask=bool(masks)), [image, *masks[number : number + 1]])
        for number, image in enumerate(images)
    ]
    return Form(request, files)


def _sniff(image: bytes, number: int) -> UploadFormat:
    try:
        return find_format(image)
    except ServiceError as error:
        error.fields["pointer"] = f"/{IMAGES}/{number}"
        raise


def _read_request(parts: Sequence[Part], limit_bytes: int) -> AugmentationRequest:
    documents = [part.data for part in parts if part.name == REQUEST]
    if len(documents) != 1:
        raise InvalidInputError(f"the form needs one part `{REQUEST}`, a JSON object", pointer=f"/{REQUEST}")
    if len(documents[0]) > limit_bytes:
        raise LimitExceededError(
            f"the part `{REQUEST}` has at most {limit_bytes} bytes", pointer=f"/{REQUEST}", limit=limit_bytes
        )
    document = parse_json(documents[0])
    try:
        return AugmentationForm.model_validate({REQUEST: document}).request
    except ValidationError as error:
        items = [{**item, "loc": ("body", *item["loc"])} for item in error.errors(include_url=False)]
        raise explain_errors(items, AugmentationForm) from None


def _read_batch(data: bytes, limits: LimitSettings) -> tuple[ArrayInput, bytes]:
    """Read the header of an NPY file, and nothing that could be code."""
    shape, dtype, start = _read_header(data)
    if len(shape) not in {_BATCH_DIMS, _BATCH_DIMS - 1} or min(shape) < 1:
        raise UndecodableImageError("an NPY batch has the shape (n, height, width, channels) or (n, height, width)")
    count, height, width, channels = (*shape, 1)[:_BATCH_DIMS]
    if dtype.name not in WHITE or dtype.byteorder == ">":
        raise UndecodableImageError("an NPY batch is of uint8, uint16 or float32, little-endian")
    if channels > _MAX_CHANNELS:
        raise LimitExceededError(f"pictures have at most {_MAX_CHANNELS} channels", limit=_MAX_CHANNELS)
    if height * width > limits.upload_pixels:
        raise LimitExceededError(
            f"one image may have at most {limits.upload_pixels} pixels; scale it down", limit=limits.upload_pixels
        )
    pixels = data[start:]
    if len(pixels) != count * height * width * channels * dtype.itemsize:
        raise UndecodableImageError("the NPY file is cut off, or longer than its header says")
    depth = cast("Depth", dtype.name)
    return ArrayInput(0, count, height, width, channels, depth), pixels


def _read_header(data: bytes) -> tuple[tuple[int, ...], np.dtype[np.generic], int]:
    file = io.BytesIO(data[: _MAX_HEADER + len(_NPY) + 8])
    try:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, is_fortran, dtype = read(file, max_header_size=_MAX_HEADER)
    except Exception:  # noqa: BLE001 - the header is a text that NumPy parses; what it raises is its own
        raise UndecodableImageError("the NPY file has no header that can be read") from None
    if is_fortran or dtype.hasobject or dtype.fields:
        raise UndecodableImageError("an NPY batch holds numbers, in C order")
    return tuple(map(int, shape)), dtype, file.tell()
