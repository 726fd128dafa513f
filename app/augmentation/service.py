"""What an augmenter does: decode, draw, compute, encode. Runs in children of the service, and in ``fount augment``."""

import hashlib
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from app.augmentation.cpu import Renderer
from app.augmentation.draws import key_of
from app.augmentation.engine import Output, Source, augment
from app.augmentation.files import check_file, encode_file
from app.augmentation.frames import Pixels, frames_of
from app.augmentation.jobs import (
    ArrayInput,
    AugmentJob,
    FileInput,
    OutputRecord,
    Results,
    read_job,
    write_results,
)
from app.augmentation.orders import Order
from app.augmentation.policy import Policy
from app.augmentation.targets.documents import Targets
from app.augmentation.targets.following import Follower, Scene, scene_of
from app.augmentation.targets.masks import MaskFollower, check_mask
from app.augmentation.targets.results import describe, describe_matrix
from app.augmentation.traces import Trace, dump_trace, replay
from app.core.errors import InvalidInputError, ServiceError
from app.decoding.limits import ChildLimits
from app.decoding.messages import DecodeOptions
from app.decoding.reading import ReadImage, read_image
from app.decoding.sniffing import find_format
from app.imaging.png import write_png

ALPHA_CHANNELS = (2, 4)


class Stopwatch:
    """Adds up seconds by what they were spent on."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def time(self, name: str) -> Iterator[None]:
        """Count the time of a block."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - begun


def handle(document: bytes, files: Sequence[bytes], limits: ChildLimits) -> Sequence[bytes | memoryview]:
    """Do one job.

    Args:
        document: An ``AugmentJob``.
        files: Its inputs; a mask behind the image that it is of.
        limits: Of this process.

    Returns:
        ``Results`` and the outputs' files, in pieces.

    Raises:
        ServiceError: If an input cannot be read, or what is asked for does not go with it; ``image`` says which.
    """
    job, watch = read_job(document), Stopwatch()
    inputs = list(_read_inputs(job, files, limits.max_pixels, watch))
    followers = _Followers(job, inputs)
    records: list[OutputRecord] = []
    written: list[bytes | memoryview] = []
    outputs = _augment(job, inputs, limits.max_pixels)
    while True:
        with watch.time("augment"):
            output = next(outputs, None)
        if output is None:
            break
        with watch.time("encode"):
            record, *pieces = _deliver(job, inputs[output.source], output, followers)
        records.append(record)
        written += pieces
    return write_results(Results(records, watch.seconds), written)


class _Input:
    """One picture, decoded.

    Args:
        number: Of the image in its request.
        source: What is augmented.
        sha256: Of its bytes.
        facts: What its file said.
        mask: Its mask; None for none.
    """

    def __init__(
        self, number: int, source: Source, sha256: str, facts: dict[str, Any], mask: Pixels | None = None
    ) -> None:
        self.number = number
        self.source = source
        self.sha256 = sha256
        self.facts = facts
        self.mask = mask

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        height, width = self.source.pixels.shape[:2]
        return height, width


class _Followers:
    """Takes what came with the pictures the way of their pixels.

    Raises:
        InvalidInputError: If a box lies outside of its picture.
    """

    def __init__(self, job: AugmentJob, inputs: Sequence[_Input]) -> None:
        self._targets: Follower | None = None
        self._masks: MaskFollower | None = None
        if job.targets is not None:
            told = [Targets.model_validate(one) for one in job.targets]
            self._targets = Follower([_scene(one, targets) for one, targets in zip(inputs, told, strict=True)])
        if any(one.mask is not None for one in inputs):
            self._masks = MaskFollower([one.mask for one in inputs], job.ignore_index)

    def describe(self, output: Output) -> dict[str, Any]:
        """Say where an output's pixels come from, and what became of its targets."""
        facts: dict[str, Any] = describe_matrix(output.plan, output.row)
        if self._targets is not None:
            scene = self._targets.walk(output.source, output.plan, output.row, output.plans)
            facts["targets"] = describe(scene)
        return facts

    def mask(self, output: Output) -> bytes:
        """Return the mask of an output as PNG; nothing where there is none."""
        if self._masks is None:
            return b""
        moved = self._masks.render(output.source, output.plan, output.row, output.plans)
        return b"" if moved is None else write_png(moved)


def _scene(one: _Input, targets: Targets) -> Scene:
    with _blame(one.number, "targets"):
        return scene_of(one.number, targets, one.size)


def _read_inputs(job: AugmentJob, files: Sequence[bytes], max_pixels: int, watch: Stopwatch) -> Iterator[_Input]:
    remaining = iter(files)
    for one in job.inputs:
        data = next(remaining)
        with watch.time("decode"):
            if isinstance(one, ArrayInput):
                yield from _read_array(one, data)
            else:
                mask = next(remaining) if one.has_mask else None
                yield _read_file(one, data, mask, job, max_pixels)


def _read_file(one: FileInput, data: bytes, mask: bytes | None, job: AugmentJob, max_pixels: int) -> _Input:
    with _blame(one.number):
        image: ReadImage = read_image(data, one.image_format, job.options, max_pixels)
    has_alpha = image.pixels.shape[2] in ALPHA_CHANNELS
    facts = {"format": str(one.image_format), "orientation": image.orientation, "had_icc": image.had_icc}
    digest = hashlib.sha256(data)
    source = Source(image.pixels, int.from_bytes(digest.digest()[:8], "little"), has_alpha)
    read = _Input(one.number, source, digest.hexdigest(), facts)
    if mask is not None:
        with _blame(one.number, "masks"):
            read.mask = _read_mask(mask, read.size, job.ignore_index, max_pixels)
    return read


def _read_mask(data: bytes, size: tuple[int, int], ignore_index: int, max_pixels: int) -> Pixels:
    options = DecodeOptions(alpha="drop", icc="ignore")
    pixels = read_image(data, find_format(data), options, max_pixels).pixels
    return check_mask(pixels, size, ignore_index)


def _read_array(one: ArrayInput, data: bytes) -> Iterator[_Input]:
    shape = (one.count, one.height, one.width, one.channels)
    pictures: Pixels = np.frombuffer(data, one.depth).reshape(shape)
    for offset, pixels in enumerate(pictures):
        if one.depth == "float32" and not (np.isfinite(pixels).all() and pixels.min() >= 0 and pixels.max() <= 1):
            raise InvalidInputError("float32 pictures have levels from 0 to 1", image=one.number + offset)
        head = f"{one.depth} {shape[1:]} ".encode()
        raw = head + pixels.tobytes()
        yield _Input(one.number + offset, Source(pixels, key_of(raw)), hashlib.sha256(raw).hexdigest(), {})


def _augment(job: AugmentJob, inputs: Sequence[_Input], max_pixels: int) -> Iterator[Output]:
    if job.traces is not None:
        yield from _replay(job.traces, inputs, max_pixels)
        return
    policy = Policy.model_validate(job.policy)
    order = Order(policy.ops, job.seed, job.copies, job.first_copy, max_pixels)
    yield from augment([one.source for one in inputs], order)


def _replay(traces: Sequence[Sequence[dict[str, Any]]], inputs: Sequence[_Input], max_pixels: int) -> Iterator[Output]:
    plans = []
    for steps, one in zip(traces, inputs, strict=True):
        with _blame(one.number):
            frames = frames_of(one.source.pixels, 1, has_alpha=one.source.has_alpha)
            plans += replay([Trace.model_validate({"steps": list(steps)})], frames, max_pixels)
    renderer = Renderer([one.source.pixels for one in inputs], plans)
    for number, plan in enumerate(plans):
        yield Output(number, renderer.render_one(number, 0), plan, 0, plans)


def _deliver(
    job: AugmentJob, one: _Input, output: Output, followers: _Followers
) -> tuple[OutputRecord, bytes | memoryview, bytes]:
    applied = {"source_sha256": one.sha256, "trace": dump_trace(output.plan, output.row)}
    file: bytes | memoryview
    if job.delivery.image_format is None:
        file = np.ascontiguousarray(output.pixels).reshape(-1).view(np.uint8).data
    else:
        with _blame(one.number):
            check_file(output.pixels, job.delivery.image_format)
        mark = applied if job.delivery.is_marked else {}
        file = encode_file(output.pixels, job.delivery.image_format, job.delivery.quality, mark)
    mask = followers.mask(output)
    height, width, channels = output.pixels.shape
    record = OutputRecord(
        one.number,
        output.copy,
        output.patch,
        (height, width, channels),
        output.pixels.dtype.name,
        len(file),
        len(mask),
        applied | {"source": one.facts} | followers.describe(output),
    )
    return record, file, mask


@contextmanager
def _blame(number: int, part: str = "images") -> Iterator[None]:
    """Say of an error which image it is about, and which part of the form."""
    try:
        yield
    except ServiceError as error:
        error.fields |= {"image": number, "part": part}
        raise
