"""The form of ``images.create_variation``: one picture, through a model that has an encoder."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from fastapi import Request
from pydantic import ValidationError

from app.api.dialects.defaults import choose_reference
from app.api.dialects.openai.bodies import URL, VariationBody, check_count
from app.api.services import Services
from app.api.streaming import until_disconnect
from app.api.uploads import Part, read_parts
from app.api.validation import explain_errors
from app.api.variations import IMAGES, REQUEST, VariationOrder, check_request, choose_classes, plan_variations
from app.api.waiting import read_terms
from app.core.errors import InvalidInputError, MalformedBodyError, ServiceError
from app.schemas.samples import SampleFormat
from app.schemas.variations import VariationRequest
from app.serving.admission import Terms

IMAGE = "image"
_MAX_TEXT = 1000
_MAX_PARTS = 32


async def read_variations(services: Services, request: Request) -> tuple[VariationBody, VariationOrder, Terms]:
    """Read a request up to the latents of its picture; of the file nothing is left then.

    Raises:
        ServiceError: If it cannot be met; pointers are names of the form.
    """
    limits = services.settings.limits
    parts = await read_parts(request, limit_bytes=limits.upload_bytes, limit_parts=_MAX_PARTS)
    terms = read_terms(request, services.engine)
    body, file = _read_form(parts)
    check_count(body.num_samples, limits.samples_per_json)
    if body.response_format == URL:
        raise InvalidInputError("a variation has no address: it is sent as `b64_json`", pointer="/response_format")
    with _in_names_of_the_form():
        version = await services.engine.catalog.obtain(choose_reference(body.model, services))
        asked = _ask_for_variations(body, f"{version.ref.name}@{version.ref.version}")
        check_request(asked, SampleFormat.JSON, 1, version.manifest, limits)
        classes = choose_classes(asked, version.manifest.class_names, 1)
        planning = plan_variations(asked, [file], classes, version, services, terms)
        plan, sources, times = await until_disconnect(request.receive, planning)
    return body, VariationOrder(version, plan, SampleFormat.JSON, sources, times), terms


def _read_form(parts: Sequence[Part]) -> tuple[VariationBody, bytes]:
    files = [part.data for part in parts if part.name == IMAGE]
    if len(files) != 1:
        raise InvalidInputError("the form needs one picture", pointer=f"/{IMAGE}")
    fields: dict[str, str] = {}
    for part in parts:
        if part.name != IMAGE:
            if part.name in fields:
                raise MalformedBodyError("the form has one name twice")
            fields[part.name] = part.data[:_MAX_TEXT].decode("utf-8", "replace")
    try:
        return VariationBody.model_validate(fields), files[0]
    except ValidationError as error:
        items = [{**item, "loc": ("body", *item["loc"])} for item in error.errors(include_url=False)]
        raise explain_errors(items, VariationBody) from None


def _ask_for_variations(body: VariationBody, reference: str) -> VariationRequest:
    given: dict[str, Any] = {
        "seed": body.seed,
        "first_index": body.first_index,
        "strength": body.strength,
        "class_label": body.class_label,
    }
    given = {name: value for name, value in given.items() if value is not None}
    return VariationRequest(model=reference, copies=body.num_samples, **given)


@contextlib.contextmanager
def _in_names_of_the_form() -> Iterator[None]:
    try:
        yield
    except ServiceError as error:
        if "pointer" in error.fields:
            error.fields["pointer"] = _rename(str(error.fields["pointer"]))
        raise


def _rename(pointer: str) -> str:
    return f"/{IMAGE}" if pointer.startswith(f"/{IMAGES}") else pointer.removeprefix(f"/{REQUEST}")
