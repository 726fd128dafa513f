"""Interpolations: the path from one sample to another, frame by frame."""

from collections.abc import Sequence

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.api.access import requires
from app.api.answers import Order, answer_order
from app.api.documentation import BODY, COMPUTED, KEYED, SAMPLE_HEADERS, SAMPLE_MEDIA_TYPES, SERVED, binary, problems
from app.api.keys import AccessScope
from app.api.negotiation import choose_format
from app.api.planning import check_limits, find_class
from app.api.services import ServicesDep
from app.api.strict import StrictRoute
from app.api.waiting import WAITS, read_terms
from app.repository.manifest import Manifest
from app.schemas.interpolations import InterpolationRequest, PathEnd
from app.serving.plan import SPHERICAL, PathPlan, SampleAddress, SamplePlan

router = APIRouter(tags=["samples"], route_class=StrictRoute)


@router.post(
    "/v1/interpolations",
    dependencies=[requires(AccessScope.SAMPLE)],
    response_class=Response,
    openapi_extra=WAITS,
    responses={
        200: binary("The frames, in the chosen format.", SAMPLE_MEDIA_TYPES, SAMPLE_HEADERS),
        **problems(*KEYED, *BODY, *SERVED, *COMPUTED),
    },
)
async def create_interpolation(body: InterpolationRequest, services: ServicesDep, request: Request) -> Response:
    """Compute the path between two samples. Its ends have the latents of the samples at these addresses."""
    terms = read_terms(request, services.engine)
    version = await services.engine.catalog.obtain(body.model)
    chosen = choose_format(body.format, request.headers.get("accept"), body.num_frames)
    check_limits(body.num_frames, chosen, version.manifest.image, services.settings.limits)
    order = Order(version, plan_path(body, version.manifest), chosen)
    return await answer_order(order, services, request.receive, terms)


def plan_path(request: InterpolationRequest, manifest: Manifest) -> PathPlan:
    """Fix the class and the way of a path.

    Raises:
        UnknownLabelError: If the class does not exist.
    """
    method = request.method or (SPHERICAL if manifest.latent_prior == "normal" else "linear")
    return PathPlan(
        _address(request.start),
        _address(request.end),
        request.num_frames,
        request.num_frames,
        class_index=_choose_class(request, manifest.class_names),
        is_spherical=method == SPHERICAL,
        truncation=request.truncation,
    )


def _choose_class(request: InterpolationRequest, class_names: Sequence[str]) -> int | None:
    if request.class_label is not None:
        return find_class(request.class_label, class_names)
    start = SamplePlan.drawn(
        seed=request.start.seed, first_index=request.start.index, num_samples=1, num_classes=len(class_names)
    )
    labels = start.labels(0, 1)
    return None if labels is None else int(labels[0])


def _address(end: PathEnd) -> SampleAddress:
    return SampleAddress(end.seed, end.index)
