"""Is this image one of ours? Read its mark, compute that sample again, compare."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple
from urllib.parse import urlencode

import numpy as np
from pydantic import ValidationError
from starlette.types import Receive

from app.api.answers import Order
from app.api.augmenting import choose_policy
from app.api.services import Services
from app.api.streaming import until_disconnect
from app.core.errors import ImageTooLargeError, InvalidInputError, NotFoundError, UndecodableImageError
from app.decoding.messages import DecodeOptions
from app.decoding.pool import Pixels as Decoded
from app.imaging.codec import ImageFormat, Pixels
from app.imaging.formats.whole import encode_one
from app.imaging.reading import PngFacts, claims_to_be_synthetic, read_png
from app.schemas.jobs import BFLOAT16, BFLOAT16_LARGEST, BFLOAT16_MEAN
from app.schemas.marks import PathMark, PolicyMark, SampleMark
from app.schemas.samples import Augment, SampleFormat
from app.schemas.verifications import Verdict, VerificationAnswer, VerifiedSample
from app.serving.admission import Terms
from app.serving.catalog import ServedVersion
from app.serving.plan import SPHERICAL, PathPlan, Plan, SampleAddress, SamplePlan, SamplePolicy


class _Rounding(NamedTuple):
    """How far pixels of one sample are apart between kinds of devices: any one, and on average."""

    largest: int
    mean: float


_FLOAT32 = _Rounding(2, 2.0)
_BFLOAT16 = _Rounding(BFLOAT16_LARGEST, BFLOAT16_MEAN)
_AUGMENTED = _Rounding(255, 0.5)  # a level that differs by one may be on the other side of a threshold

_write_png = encode_one(ImageFormat.PNG)


class _Unverifiable(Exception):  # noqa: N818 - an outcome, not an error
    """Why a mark cannot be checked here."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


async def verify(data: bytes, services: Services, receive: Receive, terms: Terms) -> VerificationAnswer:
    """Verify one image file.

    Args:
        data: The whole file, of any kind.
        services: The application's parts.
        receive: The request's channel, watched for the caller leaving.
        terms: For whom, and how long it may wait.

    Raises:
        ServiceError: If the sample cannot be computed now.
        ClientDisconnect: If the caller left.
    """
    synthetic = claims_to_be_synthetic(data)
    facts = read_png(data)
    mark = _read_mark(facts)
    if facts is None or mark is None:
        return VerificationAnswer(
            verdict="unmarked",
            made_by_fount=None,
            detail="the file does not say which sample it is; Fount writes that into PNG files",
            claims_to_be_synthetic=synthetic,
        )
    try:
        version = await _find_version(mark, services)
        plan = _plan_again(mark, version)
    except _Unverifiable as reason:
        return VerificationAnswer(
            verdict="unverifiable",
            made_by_fount=None,
            detail=reason.detail,
            claims_to_be_synthetic=synthetic,
            sample=_describe(mark),
        )
    order = Order(version, plan, SampleFormat.PNG)
    images = await until_disconnect(receive, _compute(order, services, terms))
    numerics = order.numerics(services.engine)
    rounding = _choose_rounding(plan, numerics)
    written, _ = await services.encoder.run(_write_png, order.contents, images)
    verdict: Verdict = "identical"
    difference: int | None = 0
    if data != written:
        pixels = await until_disconnect(receive, _decode(data, facts, images[0].shape, services))
        verdict, difference = _compare(pixels, images[0], rounding)
    return VerificationAnswer(
        verdict=verdict,
        made_by_fount=verdict != "differs",
        detail=_SENTENCES[verdict],
        claims_to_be_synthetic=synthetic,
        max_difference=difference,
        numerics=numerics,
        sample=_describe(mark),
    )


_SENTENCES: Mapping[Verdict, str] = {
    "identical": "computing the sample again gives this file, byte for byte",
    "same-pixels": "every pixel is that of the sample; the file was written by other software, or another release",
    "differs-by-rounding": "pixels are those of the sample up to rounding, as another kind of device computes them",
    "differs": "the file bears the mark of a sample that looks otherwise",
}


def _choose_rounding(plan: Plan, numerics: str | None) -> _Rounding:
    if plan.policy is not None:
        return _AUGMENTED
    return _BFLOAT16 if numerics is not None and BFLOAT16 in numerics else _FLOAT32


def _read_mark(facts: PngFacts | None) -> SampleMark | None:
    if facts is None or facts.mark is None:
        return None
    try:
        return SampleMark.model_validate_json(facts.mark)
    except ValidationError:
        return None


async def _find_version(mark: SampleMark, services: Services) -> ServedVersion:
    try:
        version = await services.engine.catalog.obtain(f"{mark.model}@{mark.version}")
    except NotFoundError:
        raise _Unverifiable("this service does not have the version that the mark names") from None
    if version.ref.digest != mark.digest:
        raise _Unverifiable("this service has another checkpoint under the name and version of the mark")
    return version


def _plan_again(mark: SampleMark, version: ServedVersion) -> Plan:
    class_names = version.manifest.class_names
    if mark.index is None:
        raise _Unverifiable("this is a contact sheet; send one of its samples")
    if mark.variation is not None:
        raise _Unverifiable("a variation can be computed again only from the image that it was made from")
    if (mark.class_name is None) != (not class_names) or mark.class_name not in {None, *class_names}:
        raise _Unverifiable("the mark names a class that the version does not have")
    label = None if mark.class_name is None else class_names.index(mark.class_name)
    if mark.path is not None:
        return _plan_frame(mark, mark.path, mark.index, label)
    place: dict[str, Any] = {"seed": mark.seed, "first_index": mark.index, "num_samples": 1}
    if label is None:
        plan = SamplePlan.drawn(**place, truncation=mark.truncation)
    else:
        plan = SamplePlan.of_class(label, **place, num_classes=len(class_names), truncation=mark.truncation)
    return plan if mark.augment is None else replace(plan, policy=_find_policy(mark.augment, version))


def _find_policy(mark: PolicyMark, version: ServedVersion) -> SamplePolicy:
    if mark.preset is None and mark.ops is None:
        raise _Unverifiable("the sample was augmented, by a policy too long for the mark to hold")
    try:
        augment = Augment(preset=mark.preset, ops=mark.ops)
        policy = choose_policy(augment, version.manifest.image)
    except (ValidationError, InvalidInputError):
        raise _Unverifiable("the sample was augmented by a policy that this release does not have") from None
    if policy is None or policy.digest != mark.policy:
        raise _Unverifiable("the sample was augmented by another release, or by another policy of this name")
    return policy


def _plan_frame(mark: SampleMark, path: PathMark, frame: int, label: int | None) -> PathPlan:
    if frame >= path.num_frames:
        raise _Unverifiable("the mark names a frame behind the end of its path")
    return PathPlan(
        SampleAddress(mark.seed, path.start_index),
        SampleAddress(path.end_seed, path.end_index),
        path.num_frames,
        num_samples=1,
        first_index=frame,
        class_index=label,
        is_spherical=path.method == SPHERICAL,
        truncation=mark.truncation,
    )


async def _compute(order: Order, services: Services, terms: Terms) -> Pixels:
    stream = order.submit(services.engine, terms)
    try:
        return (await anext(stream)).images
    finally:
        await stream.aclose()


def _compare(pixels: Decoded | None, expected: Pixels, rounding: _Rounding) -> tuple[Verdict, int | None]:
    """Return the verdict on a file of other bytes, and the largest difference of a pixel where sizes agree."""
    if pixels is None:
        return "differs", None
    differences = np.abs(pixels.astype(np.int16) - expected)
    largest = int(differences.max())
    if largest == 0:
        return "same-pixels", 0
    is_near = largest <= rounding.largest and float(differences.mean()) <= rounding.mean
    return ("differs-by-rounding" if is_near else "differs"), largest


async def _decode(data: bytes, facts: PngFacts, shape: tuple[int, ...], services: Services) -> Decoded | None:
    """Decode a file, outside of this process: only its first header is known to have the size of the model's images.

    Returns:
        Its pixels; None if they are not of this shape, or the file is not sound.
    """
    if (facts.height, facts.width) != shape[:2]:
        return None
    try:
        decoded = await services.decoders.decode(data, DecodeOptions(icc="ignore"))
    except (UndecodableImageError, ImageTooLargeError):
        return None
    pixels = decoded.pixels
    return pixels if pixels.dtype == np.uint8 and pixels.shape == shape else None


def _describe(mark: SampleMark) -> VerifiedSample | None:
    if mark.index is None:
        return None
    address = None
    preset = None if mark.augment is None else mark.augment.preset
    has_address = mark.augment is None or preset is not None
    if mark.path is None and mark.variation is None and has_address:
        query = {} if mark.class_name is None else {"class_label": mark.class_name}
        query |= {} if mark.truncation == 1.0 else {"truncation": str(mark.truncation)}
        query |= {} if preset is None else {"preset": preset}
        address = f"/v1/models/{mark.model}/versions/{mark.version}/samples/{mark.seed}/{mark.index}.png"
        address += f"?{urlencode(query)}" if query else ""
    return VerifiedSample(
        model=f"{mark.model}@{mark.version}",
        digest=mark.digest,
        seed=mark.seed,
        index=mark.index,
        class_label=mark.class_name,
        truncation=mark.truncation,
        policy=None if mark.augment is None else mark.augment.policy,
        address=address,
    )
