"""What an augmenter does: decode, draw, compute, encode. Runs in children of the service, and in ``fount augment``."""

import hashlib
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from app.augmentation.cpu import Renderer
from app.augmentation.draws import key_of
from app.augmentation.engine import Order, Output, Source, augment
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
from app.augmentation.policy import Policy
from app.augmentation.traces import Trace, dump_trace, replay
from app.core.errors import InvalidInputError, ServiceError
from app.decoding.limits import ChildLimits
from app.decoding.reading import ReadImage, read_image

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
    records: list[OutputRecord] = []
    written: list[bytes | memoryview] = []
    outputs = _augment(job, inputs, limits.max_pixels)
    while True:
        with watch.time("augment"):
            output = next(outputs, None)
        if output is None:
            break
        with watch.time("encode"):
            record, file = _deliver(job, inputs[output.source], output)
        records.append(record)
        written.append(file)
    return write_results(Results(records, watch.seconds), written)


class _Input:
    """One picture, decoded.

    Args:
        number: Of the image in its request.
        source: What is augmented.
        sha256: Of its bytes.
        facts: What its file said.
    """

    def __init__(self, number: int, source: Source, sha256: str, facts: dict[str, Any]) -> None:
        self.number = number
        self.source = source
        self.sha256 = sha256
        self.facts = facts


def _read_inputs(job: AugmentJob, files: Sequence[bytes], max_pixels: int, watch: Stopwatch) -> Iterator[_Input]:
    remaining = iter(files)
    for one in job.inputs:
        data = next(remaining)
        with watch.time("decode"):
            if isinstance(one, ArrayInput):
                yield from _read_array(one, data)
            else:
                yield _read_file(one, data, job, max_pixels)


def _read_file(one: FileInput, data: bytes, job: AugmentJob, max_pixels: int) -> _Input:
    with _blame(one.number):
        image: ReadImage = read_image(data, one.image_format, job.options, max_pixels)
    has_alpha = image.pixels.shape[2] in ALPHA_CHANNELS
    facts = {"format": str(one.image_format), "orientation": image.orientation, "had_icc": image.had_icc}
    digest = hashlib.sha256(data)
    source = Source(image.pixels, int.from_bytes(digest.digest()[:8], "little"), has_alpha)
    return _Input(one.number, source, digest.hexdigest(), facts)


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
        yield Output(number, renderer.render_one(number, 0), plan, 0)


def _deliver(job: AugmentJob, one: _Input, output: Output) -> tuple[OutputRecord, bytes | memoryview]:
    facts = {"source_sha256": one.sha256, "trace": dump_trace(output.plan, output.row)}
    file: bytes | memoryview
    if job.delivery.image_format is None:
        file = np.ascontiguousarray(output.pixels).reshape(-1).view(np.uint8).data
    else:
        with _blame(one.number):
            check_file(output.pixels, job.delivery.image_format)
        mark = facts if job.delivery.is_marked else {}
        file = encode_file(output.pixels, job.delivery.image_format, job.delivery.quality, mark)
    height, width, channels = output.pixels.shape
    record = OutputRecord(
        one.number,
        output.copy,
        output.patch,
        (height, width, channels),
        output.pixels.dtype.name,
        len(file),
        0,
        facts | {"source": one.facts},
    )
    return record, file


@contextmanager
def _blame(number: int) -> Iterator[None]:
    """Say of an error which image it is about."""
    try:
        yield
    except ServiceError as error:
        error.fields["image"] = number
        raise
