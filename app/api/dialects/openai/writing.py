"""Samples as OpenAI's answers: one JSON document, or an event for each."""

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from app.api.answers import Order
from app.api.dialects.addresses import write_address
from app.api.dialects.openai.bodies import write_size
from app.imaging.codec import ImageFormat, Pixels, encode_image
from app.imaging.formats.contents import Contents, Labels, Sample
from app.imaging.formats.registry import Streamed, Whole
from app.serving.plan import SamplePlan

EVENT = "image_generation.completed"
USAGE = {
    "total_tokens": 0,
    "input_tokens": 0,
    "output_tokens": 0,
    "input_tokens_details": {"text_tokens": 0, "image_tokens": 0},
}


@dataclass(frozen=True, slots=True)
class Pictures:
    """How the samples of an order are written.

    Attributes:
        order: The samples.
        image_format: Files that they become.
        created: When, in seconds since 1970.
        ignored: Fields of the request without an effect.
    """

    order: Order
    image_format: ImageFormat
    created: int
    ignored: Sequence[str]

    @property
    def as_document(self) -> Whole:
        """The format of an answer of one document."""
        return Whole("application/json", self._write_document)

    @property
    def as_events(self) -> Streamed:
        """The format of an answer of events."""
        return Streamed("text/event-stream", lambda contents: _EventWriter(self, contents))

    def link(self, base_url: str) -> bytes:
        """Write a document of addresses: none of the samples is computed.

        Args:
            base_url: What stands before their paths.
        """
        contents, count = self.order.contents, self.order.num_samples
        described = contents.describe(0, count, contents.labels_at(0, count))
        facts = [self._describe(contents, sample) for sample in described]
        return self._wrap([{"url": base_url + one["address"], **one} for one in facts])

    def write_items(
        self, contents: Contents, offset: int, images: Pixels, labels: Labels | None
    ) -> Iterator[dict[str, Any]]:
        """Yield what an answer says of each of some samples: the file, and where it is from."""
        for sample, file in self._encode(contents, offset, images, labels):
            yield {"b64_json": base64.b64encode(file).decode("ascii"), **self._describe(contents, sample)}

    @property
    def common(self) -> dict[str, Any]:
        """What is said of all samples together."""
        return {
            "background": "opaque",
            "output_format": self.image_format.value,
            "size": write_size(self.order.version.manifest.image),
            "usage": USAGE,
        }

    def _encode(
        self, contents: Contents, offset: int, images: Pixels, labels: Labels | None
    ) -> Iterator[tuple[Sample, bytes]]:
        if self.image_format is ImageFormat.PNG:
            yield from contents.encode(offset, images, labels)
            return
        for sample, image in zip(contents.describe(offset, len(images), labels), images, strict=True):
            yield sample, encode_image(image, self.image_format, contents.mark_sample(sample))

    def _write_document(self, contents: Contents, images: Pixels) -> bytes:
        return self._wrap(list(self.write_items(contents, 0, images, contents.labels_at(0, len(images)))))

    def _wrap(self, items: list[dict[str, Any]]) -> bytes:
        origin = self.order.origin
        own = {"model": origin.reference, "digest": origin.digest, "seed": origin.seed, "ignored": self.ignored}
        return msgspec.json.encode({"created": self.created, "data": items, **self.common, **own})

    def _describe(self, contents: Contents, sample: Sample) -> dict[str, Any]:
        """Say which sample a picture is; those that are made from something else as well have no address."""
        origin, plan = contents.places.origins[sample.source], self.order.plan
        facts: dict[str, Any] = {"seed": origin.seed, "index": sample.index, "label": sample.class_name}
        if isinstance(plan, SamplePlan):
            own_class = None if plan.draws_labels else sample.class_name
            facts["address"] = write_address(origin, sample.index, self.image_format, own_class)
        return facts


class _EventWriter:
    """Writes an event for each sample as they come; there are no partial ones."""

    content_length = None

    def __init__(self, pictures: Pictures, contents: Contents) -> None:
        self._pictures = pictures
        self._contents = contents
        self._common = {"created_at": pictures.created, "model": contents.origin.reference, **pictures.common}

    def begin(self) -> Iterator[bytes]:
        """Yield nothing: the stream begins with its first event."""
        yield from ()

    def add(self, offset: int, images: Pixels, labels: Labels | None) -> bytes:
        """Return the events of the next samples."""
        items = self._pictures.write_items(self._contents, offset, images, labels)
        return b"".join(self._write_event(item) for item in items)

    def finish(self) -> Iterator[bytes]:
        """Yield nothing: the stream ends with its last event."""
        yield from ()

    def _write_event(self, item: dict[str, Any]) -> bytes:
        data = msgspec.json.encode({"type": EVENT, **item, **self._common})
        return b"event: %b\ndata: %b\n\n" % (EVENT.encode("ascii"), data)
