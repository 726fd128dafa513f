"""Augmentations: uploaded images changed by a policy, each output repeatable from its trace."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.api.access import requires
from app.api.augmented.answer import answer_augmentation
from app.api.augmented.form import Form, read_form
from app.api.augmented.order import AugmentationOrder, check_order
from app.api.augmented.planning import map_back, plan_augmentation
from app.api.augmented.preview import answer_preview
from app.api.documentation import (
    AUGMENTATION_HEADERS,
    BODY,
    DECODED,
    KEYED,
    binary,
    describe_form,
    problems,
)
from app.api.keys import AccessScope
from app.api.negotiation import choose_by_accept
from app.api.services import Services, ServicesDep
from app.api.streaming import until_disconnect
from app.api.strict import StrictRoute
from app.api.uploads import read_parts
from app.augmentation.packing import MEDIA_TYPES, SINGLE
from app.augmentation.policy import describe_operations
from app.augmentation.presets import list_presets
from app.augmentation.request import AugmentationFormat, AugmentationRequest, InverseRequest, PlanRequest
from app.serving.admission import Budget

router = APIRouter(tags=["augmentations"], route_class=StrictRoute)

AUGMENT = [requires(AccessScope.AUGMENT)]
READ = [requires(AccessScope.READ)]
_FORM = describe_form(
    "images",
    "PNG, JPEG, WebP, GIF, TIFF or BMP, told by the first bytes, one part per image; or one NPY batch.",
    AugmentationRequest,
)
_PROBLEMS = problems(
    *KEYED, *BODY, *DECODED, "unknown-preset", "limit-exceeded", "not-acceptable", "queue-full", "not-ready"
)
_FOR_ONE = {name: MEDIA_TYPES[name] for name in AugmentationFormat if name != AugmentationFormat.GRID}
_FOR_MORE = {name: media_type for name, media_type in _FOR_ONE.items() if name not in SINGLE}


@router.post(
    "/v1/augmentations",
    dependencies=AUGMENT,
    response_class=Response,
    openapi_extra=_FORM,
    responses={
        200: binary("The outputs, image by image and copy by copy.", MEDIA_TYPES.values(), AUGMENTATION_HEADERS),
        **_PROBLEMS,
    },
)
async def create_augmentation(services: ServicesDep, request: Request) -> Response:
    """Augment images: by a policy, or by traces of earlier answers."""
    with services.uploads.hold(request, services.settings.limits.upload_bytes):
        form = await _read_form(services, request)
        chosen = form.request.format or choose_by_accept(
            request.headers.get("accept"), _FOR_ONE if _asks_for_one(form) else _FOR_MORE
        )
        order = check_order(form, chosen, services.settings.limits)
        _charge(services, request, order)
        caller = request.scope["state"]["caller"].id
        return await until_disconnect(request.receive, answer_augmentation(order, services, caller))


@router.post(
    "/v1/augmentations/preview",
    dependencies=AUGMENT,
    response_class=Response,
    openapi_extra=_FORM,
    responses={
        200: binary("A contact sheet: each original and its copies.", ["image/png"], AUGMENTATION_HEADERS),
        **_PROBLEMS,
    },
)
async def preview_augmentation(services: ServicesDep, request: Request) -> Response:
    """Draw a contact sheet: each image, its copies, and the names of what was applied to them."""
    with services.uploads.hold(request, services.settings.limits.upload_bytes):
        form = await _read_form(services, request)
        order = check_order(form, AugmentationFormat.GRID, services.settings.limits)
        _charge(services, request, order)
        return await until_disconnect(request.receive, answer_preview(order, services))


@router.post(
    "/v1/augmentations/plan", dependencies=READ, responses=problems(*KEYED, *BODY, "unknown-preset", "limit-exceeded")
)
async def plan(body: PlanRequest, services: ServicesDep) -> dict[str, Any]:
    """Try a policy without pixels: what would be applied to images of these sizes, and what it would cost."""
    planned, _ = await services.encoder.run(plan_augmentation, body, services.settings.limits)
    return planned


@router.post("/v1/augmentations/inverse", dependencies=READ, responses=problems(*KEYED, *BODY, "limit-exceeded"))
async def map_to_source(body: InverseRequest, services: ServicesDep) -> dict[str, Any]:
    """Map boxes and keypoints of an output back to the image that it was made from."""
    return map_back(body, services.settings.limits)


@router.get("/v1/augmentations/operations", dependencies=READ, responses=problems(*KEYED))
async def list_operations(services: ServicesDep) -> dict[str, Any]:
    """List all operations with the JSON Schema of their parameters."""
    operations, _ = await services.encoder.run(describe_operations)  # takes a second when it is asked for first
    return {"operations": operations}


@router.get("/v1/augmentations/presets", dependencies=READ, responses=problems(*KEYED))
async def list_all_presets() -> dict[str, Any]:
    """List the presets with their policies."""
    return {"presets": list_presets()}


async def _read_form(services: Services, request: Request) -> Form:
    limits = services.settings.limits
    parts = await read_parts(request, limit_bytes=limits.upload_bytes, limit_parts=2 * limits.uploads + 1)
    return read_form(parts, limits, services.settings.http.body_limit_bytes)


def _charge(services: Services, request: Request, order: AugmentationOrder) -> None:
    """Have outputs paid for like samples: by the time that they are predicted to take.

    Raises:
        RateLimitedError: If the key may not take so much now.
        LimitExceededError: If the key may never take so much at once.
    """
    budget: Budget | None = request.scope["state"].get("allowance")
    if budget is not None:
        budget.spend(services.augmenters.cost.predict(order.num_outputs), order.num_outputs)


def _asks_for_one(form: Form) -> bool:
    return form.num_images == 1 and form.request.copies == 1
