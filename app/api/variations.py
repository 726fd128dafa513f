"""From a form with images to an order of their variations: decode, find the latents, plan."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from app.api.answers import Order
from app.api.planning import MAX_LISTED_CLASSES, check_limits, find_class
from app.api.services import Services
from app.api.strict import parse_json
from app.api.uploads import Part
from app.api.validation import explain_errors, suggest_name
from app.core.clock import monotonic
from app.core.errors import InvalidInputError, LimitExceededError, NoEncoderError
from app.core.seeds import draw_seed
from app.core.settings import LimitSettings
from app.decoding.messages import DecodeOptions
from app.imaging.formats.contents import ArrayShape, Contents
from app.imaging.formats.places import Repeated
from app.imaging.mark import Fact, Origin
from app.repository.manifest import ImageSpec, Manifest, dump_manifest
from app.schemas.samples import SampleFormat
from app.schemas.variations import VariationForm, VariationRequest
from app.serving.admission import Terms
from app.serving.catalog import ServedVersion
from app.serving.engine import Engine
from app.serving.plan import Labels
from app.serving.variations import VariationPlan

IMAGES, REQUEST = "images", "request"
ENCODED_AT_ONCE = 16
MAX_ENCODED_BYTES = 8 * 2**20
MAX_COLUMNS = 32
KNOWN = "Fount-Latent-RMS"

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class VariationOrder(Order):
    """Variations of images, in a format.

    Attributes:
        plan: Which variations.
        sources: SHA-256 of each image's pixels, as the encoder saw them.
        times: Seconds of what was done to plan them: ``decode``, and ``latents``.
    """

    plan: VariationPlan
    sources: Sequence[str]
    times: Mapping[str, float]

    @property
    def headers(self) -> dict[str, str]:
        """What the answer's headers say: beside all else, how far the images are from those that the model knows."""
        return {**super().headers, KNOWN: str(max(self._spreads))}

    @property
    def contents(self) -> Contents:
        """What the file holds."""
        manifest, plan = self.version.manifest, self.plan
        image = manifest.image
        return Contents(
            places=self._places,
            shape=ArrayShape(plan.num_samples, image.height, image.width, image.channels),
            class_names=manifest.class_names,
            labels_at=plan.labels,
            dump_manifest=partial(dump_manifest, manifest),
            columns=plan.copies if 1 < plan.copies <= MAX_COLUMNS else None,
        )

    @property
    def _places(self) -> Repeated:
        """Say of each variation which image it is of; what it says does not hang on how many were asked for."""
        plan = self.plan
        origins = [
            self._origin({"image": plan.first_image + number, "source_sha256": source, "latent_rms": spread})
            for number, (source, spread) in enumerate(zip(self.sources, self._spreads, strict=True))
        ]
        common = self._origin({"first_image": plan.first_image, "copies": plan.copies})
        return Repeated(origins, plan.copies, plan.first_index, plan.first_image * plan.copies, common)

    @property
    def _spreads(self) -> list[float]:
        """Return the root mean square of each image's latents: about 1 for images as those of the training."""
        return [round(float(spread), 2) for spread in np.sqrt(np.square(self.plan.latents).mean(axis=1))]

    def _origin(self, facts: dict[str, Fact]) -> Origin:
        return replace(self.origin, how={"variation": {"strength": self.plan.strength, **facts}})


def read_form(parts: Sequence[Part], limit_bytes: int) -> tuple[VariationRequest, list[bytes]]:
    """Take a form apart.

    Args:
        parts: Its parts.
        limit_bytes: Most bytes of the JSON.

    Returns:
        The request, and the files in their order.

    Raises:
        MalformedBodyError: If the part ``request`` is not JSON.
        InvalidInputError: If a part is missing, or one that nobody reads; or a value in the request is not valid.
        LimitExceededError: If the JSON is too long.
    """
    for part in parts:
        if part.name not in {IMAGES, REQUEST}:
            raise InvalidInputError(f"a part of the form: {suggest_name(part.name, [IMAGES, REQUEST])}", pointer="")
    documents = [part.data for part in parts if part.name == REQUEST]
    files = [part.data for part in parts if part.name == IMAGES]
    if len(documents) != 1:
        raise InvalidInputError(f"the form needs one part `{REQUEST}`, a JSON object", pointer=f"/{REQUEST}")
    if not files:
        raise InvalidInputError(f"the form needs at least one part `{IMAGES}`", pointer=f"/{IMAGES}")
    if len(documents[0]) > limit_bytes:
        raise LimitExceededError(
            f"the part `{REQUEST}` has at most {limit_bytes} bytes", pointer=f"/{REQUEST}", limit=limit_bytes
        )
    return _parse_request(documents[0]), files


def choose_classes(request: VariationRequest, class_names: Sequence[str], num_images: int) -> Labels | None:
    """Find the class of each image.

    Returns:
        Class numbers, int32, shape (num_images,); None for an unconditional model.

    Raises:
        UnknownLabelError: If there is no such class.
        InvalidInputError: If classes are missing, or not one per image.
    """
    if request.class_labels is not None:
        if len(request.class_labels) != num_images:
            raise InvalidInputError(
                f"give one class per image: there are {num_images} images", pointer=f"/{REQUEST}/class_labels"
            )
        labels = [
            find_class(label, class_names, f"/{REQUEST}/class_labels/{number}")
            for number, label in enumerate(request.class_labels)
        ]
        return np.array(labels, dtype=np.int32)
    if request.class_label is not None:
        label = find_class(request.class_label, class_names, f"/{REQUEST}/class_label")
        return np.full(num_images, label, dtype=np.int32)
    if class_names:
        listed = list(class_names[:MAX_LISTED_CLASSES])
        raise InvalidInputError(
            "the encoder of this model needs the class of each image: give `class_label` for all of them or"
            f" `class_labels`, one per image; names like {', '.join(listed)}, or their numbers from 0",
            pointer=f"/{REQUEST}/class_label",
            class_names=listed,
        )
    return None


def check_request(
    request: VariationRequest, chosen: SampleFormat, num_images: int, manifest: Manifest, limits: LimitSettings
) -> None:
    """Refuse what cannot be computed, or not be sent in one answer.

    Raises:
        NoEncoderError: If the version has no encoder.
        InvalidInputError: If the format holds one sample only.
        LimitExceededError: If there are more variations than allowed.
    """
    if not manifest.has_encoder:
        raise NoEncoderError("this version has no encoder; `parts` of a version says which do")
    try:
        check_limits(num_images * request.copies, chosen, manifest.image, limits)
    except InvalidInputError as error:
        if "pointer" in error.fields:
            error.fields["pointer"] = f"/{REQUEST}{error.fields['pointer']}"
        raise


async def plan_variations(
    request: VariationRequest,
    files: Sequence[bytes],
    classes: Labels | None,
    version: ServedVersion,
    services: Services,
    terms: Terms,
) -> tuple[VariationPlan, list[str], dict[str, float]]:
    """Decode images and find their latents.

    Returns:
        The plan, the SHA-256 of each image's pixels as the encoder saw them, and the seconds that both took.

    Raises:
        ServiceError: If an image cannot be decoded, or the encoder not be run.
    """
    started = monotonic()
    decoded = await services.decoders.decode_all(files, options_for(version.manifest.image), f"/{IMAGES}")
    pixels: Pixels = np.stack([one.pixels.astype(np.uint8, copy=False) for one in decoded])
    decoded_at = monotonic()
    latents = await _encode(services.engine, version, pixels, classes, terms)
    times = {"decode": decoded_at - started, "latents": monotonic() - decoded_at}
    plan = VariationPlan(
        draw_seed() if request.seed is None else request.seed,
        latents,
        request.copies,
        request.strength,
        request.first_image,
        request.first_index,
        classes,
    )
    return plan, [hashlib.sha256(one.tobytes()).hexdigest() for one in pixels], times


def options_for(image: ImageSpec) -> DecodeOptions:
    """Decode to what the encoder was trained on: pictures on white, fitted to the model's size and channels."""
    return DecodeOptions(alpha="composite", channels=image.channels, image_size=(image.height, image.width))


async def _encode(
    engine: Engine, version: ServedVersion, pixels: Pixels, classes: Labels | None, terms: Terms
) -> NDArray[np.float32]:
    """Find latents, some images at a time: samples of others are computed between, and messages stay short."""
    size = max(1, min(ENCODED_AT_ONCE, MAX_ENCODED_BYTES // version.manifest.image.num_bytes))
    parts = []
    for start in range(0, len(pixels), size):
        labels = None if classes is None else classes[start : start + size]
        parts.append(await engine.encode(version, pixels[start : start + size], labels, terms))
    return np.concatenate(parts)


def _parse_request(data: bytes) -> VariationRequest:
    document = parse_json(data)
    try:
        return VariationForm.model_validate({REQUEST: document}).request
    except ValidationError as error:
        items = [{**item, "loc": ("body", *item["loc"])} for item in error.errors(include_url=False)]
        raise explain_errors(items, VariationForm) from None
