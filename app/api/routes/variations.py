"""Variations: uploaded images through a model that has an encoder, and back with something new."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.api.access import requires
from app.api.answers import answer_order, write_times
from app.api.documentation import (
    BODY,
    COMPUTED,
    DECODED,
    KEYED,
    SAMPLE_HEADERS,
    SAMPLE_MEDIA_TYPES,
    SERVED,
    binary,
    describe_form,
    problems,
)
from app.api.keys import AccessScope
from app.api.negotiation import choose_format
from app.api.services import Services, ServicesDep
from app.api.streaming import until_disconnect
from app.api.strict import StrictRoute
from app.api.uploads import read_parts
from app.api.variations import KNOWN, VariationOrder, check_request, choose_classes, plan_variations, read_form
from app.api.waiting import WAITS, read_terms
from app.schemas.variations import VariationRequest
from app.serving.admission import Terms

router = APIRouter(tags=["samples"], route_class=StrictRoute)


@router.post(
    "/v1/variations",
    dependencies=[requires(AccessScope.SAMPLE)],
    response_class=Response,
    openapi_extra=describe_form(
        "images", "PNG, JPEG, WebP, GIF, TIFF or BMP, told by the first bytes; one part per image.", VariationRequest
    )
    | WAITS,
    responses={
        200: binary(
            "The variations, image by image, in the chosen format.", SAMPLE_MEDIA_TYPES, (*SAMPLE_HEADERS, KNOWN)
        ),
        **problems(*KEYED, *BODY, *SERVED, *COMPUTED, *DECODED, "no-encoder"),
    },
)
async def create_variation(services: ServicesDep, request: Request) -> Response:
    """Vary images: fitted to the model's size, encoded, mixed with new latents, drawn again; each repeatable."""
    with services.uploads.hold(request, services.settings.limits.upload_bytes):
        order, terms = await _read_order(services, request)
    answer = await answer_order(order, services, request.receive, terms)
    answer.headers["Server-Timing"] = f"{write_times(order.times)}, {answer.headers['Server-Timing']}"
    return answer


async def _read_order(services: Services, request: Request) -> tuple[VariationOrder, Terms]:
    """Read a request up to its latents; of the files nothing is left then."""
    limits = services.settings.limits
    parts = await read_parts(request, limit_bytes=limits.upload_bytes, limit_parts=limits.uploads + 1)
    terms = read_terms(request, services.engine)
    body, files = read_form(parts, services.settings.http.body_limit_bytes)
    version = await services.engine.catalog.obtain(body.model)
    chosen = choose_format(body.format, request.headers.get("accept"), len(files) * body.copies)
    check_request(body, chosen, len(files), version.manifest, limits)
    classes = choose_classes(body, version.manifest.class_names, len(files))
    planning = plan_variations(body, files, classes, version, services, terms)
    plan, sources, times = await until_disconnect(request.receive, planning)
    return VariationOrder(version, plan, chosen, sources, times), terms
