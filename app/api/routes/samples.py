"""Samples: many in one answer, or one at its permanent address."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from secrets import token_hex
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.responses import Response

from app.api.access import requires
from app.api.answers import Order, answer_order
from app.api.augmenting import choose_policy
from app.api.caching import answer_not_modified, cache_headers
from app.api.documentation import BODY, COMPUTED, KEYED, SAMPLE_HEADERS, SAMPLE_MEDIA_TYPES, SERVED, binary, problems
from app.api.express import ExpressRoute
from app.api.keys import AccessScope
from app.api.negotiation import choose_format
from app.api.ordering import make_order
from app.api.planning import count_samples, find_class
from app.api.services import ModelName, Number63, Selector, Services, ServicesDep
from app.api.strict import StrictRoute
from app.api.waiting import WAITS, read_terms
from app.core.errors import NotFoundError
from app.core.seeds import INDEX_LIMIT, SEED_LIMIT
from app.imaging.codec import ImageFormat
from app.imaging.formats.registry import FORMATS, name_encoding
from app.schemas.names import is_version
from app.schemas.samples import Augment, SampleFormat, SampleRequest
from app.serving.plan import SamplePlan

router = APIRouter(tags=["samples"], route_class=StrictRoute)

SAMPLE = [requires(AccessScope.SAMPLE)]

ClassLabel = Annotated[
    str | None, Query(min_length=1, max_length=100, description="Class name or index; else the sample's own.")
]
Preset = Annotated[
    str | None, Query(min_length=1, max_length=64, description="Name of a preset that augments the sample.")
]
Truncation = Annotated[float, Query(gt=0, le=1, description="Factor on the latents.")]


@dataclass(frozen=True, slots=True)
class SampleAddress:
    """A sample's path, read."""

    name: str
    version: str
    seed: int
    index: int
    image_format: SampleFormat


async def read_address(
    name: ModelName,
    version: Selector,
    seed: Number63,
    index: Number63,
    ext: Annotated[ImageFormat, Path(description="Image format.")],
) -> SampleAddress:
    """Read the parts of a sample's path.

    Raises:
        NotFoundError: If seed or index is out of range.
    """
    if int(seed) >= SEED_LIMIT or int(index) >= INDEX_LIMIT:
        raise NotFoundError("there is nothing under this address: seed and index are below 2**63")
    return SampleAddress(name, version, int(seed), int(index), SampleFormat(ext.value))


@router.post(
    "/v1/samples",
    dependencies=SAMPLE,
    response_class=Response,
    openapi_extra=WAITS,
    responses={
        200: binary("The samples, in the chosen format.", SAMPLE_MEDIA_TYPES, SAMPLE_HEADERS),
        **problems(*KEYED, *BODY, *SERVED, *COMPUTED),
    },
)
async def create_samples(body: SampleRequest, services: ServicesDep, request: Request) -> Response:
    """Compute samples. Equal requests with a seed get equal bytes; parts by `first_index` join to the whole."""
    engine = services.engine
    terms = read_terms(request, engine)
    version = await engine.catalog.obtain(body.model)
    total, _ = count_samples(body, version.manifest.class_names)
    chosen = choose_format(body.format, request.headers.get("accept"), total)
    order = make_order(body, version, chosen, services, terms)
    return await answer_order(order, services, request.receive, terms)


def _check_early(services: Services, request: Request) -> None:
    services.engine.check_early(read_terms(request, services.engine))


EXPRESS = ExpressRoute("/v1/samples", SampleRequest, AccessScope.SAMPLE, _check_early, create_samples)


@router.get(
    "/v1/models/{name}/versions/{version}/samples/{seed}/{index:stem}.{ext}",
    dependencies=SAMPLE,
    response_class=Response,
    openapi_extra=WAITS,
    responses={
        200: binary(
            "The sample.",
            [one.media_type for one in FORMATS.values() if one.holds_one],
            [*SAMPLE_HEADERS, "ETag", "Cache-Control"],
        ),
        304: {"description": "The caller has it already; nothing was computed."},
        **problems(*KEYED, *SERVED, "unknown-class", "not-found", "model-not-found", "version-not-found"),
    },
)
async def get_sample(
    address: Annotated[SampleAddress, Depends(read_address)],
    services: ServicesDep,
    request: Request,
    class_label: ClassLabel = None,
    truncation: Truncation = 1.0,
    preset: Preset = None,
) -> Response:
    """Compute one sample by its address, which is permanent when it has a version number."""
    terms = read_terms(request, services.engine)
    version = await services.engine.catalog.obtain(f"{address.name}@{address.version}")
    plan = _plan_one(address, version.manifest.class_names, class_label, truncation)
    policy = choose_policy(None if preset is None else Augment(preset=preset), version.manifest.image, "/query")
    order = Order(version, replace(plan, policy=policy), address.image_format)
    headers = _describe_cache(order, address, services)
    known = answer_not_modified(request.headers.get("if-none-match"), headers | order.headers)
    if known is not None:
        return known
    answer = await answer_order(order, services, request.receive, terms)
    answer.headers.update(_describe_cache(order, address, services))  # a version just loaded has its numerics now
    return answer


def _describe_cache(order: Order, address: SampleAddress, services: Services) -> dict[str, str]:
    return cache_headers(
        _sample_tag(order, services), is_permanent=is_version(address.version), is_private=services.settings.has_keys
    )


def _plan_one(
    address: SampleAddress, class_names: Sequence[str], class_label: str | None, truncation: float
) -> SamplePlan:
    common: dict[str, Any] = {
        "seed": address.seed,
        "first_index": address.index,
        "num_samples": 1,
        "num_classes": len(class_names),
        "truncation": truncation,
    }
    if class_label is None:
        return SamplePlan.drawn(**common)
    return SamplePlan.of_class(find_class(class_label, class_names, pointer="/query/class_label"), **common)


def _sample_tag(order: Order, services: Services) -> str:
    """Derive the entity tag from all that the bytes are a function of."""
    plan = order.plan
    labels = plan.labels(0, 1)
    facts = [
        order.version.ref.digest,
        plan.seed,
        plan.first_index,
        None if labels is None else int(labels[0]),
        plan.truncation,
        order.sample_format,
        order.numerics(services.engine) or token_hex(),  # while that is not known, no tag comes twice
        name_encoding(order.sample_format),
        *([] if plan.policy is None else [plan.policy.digest]),
    ]
    return f'"{hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]}"'
