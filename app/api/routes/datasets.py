"""Datasets: a recipe becomes a token; its description, shards and metadata are computed from the token alone."""

import asyncio
import json
import re
from http import HTTPStatus
from secrets import token_hex
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import Response

from app.api.access import requires
from app.api.answers import answer_order
from app.api.caching import answer_not_modified, cache_headers
from app.api.datasets.croissant import write_croissant
from app.api.datasets.dataset import Dataset, make_dataset, open_dataset
from app.api.datasets.description import describe_dataset, explain_usage, write_card
from app.api.datasets.recipe import SHARD_FORMATS
from app.api.datasets.shards import Shard, describe_shard, numerics_of, plan_shard, tag_shard
from app.api.documentation import BODY, KEYED, SERVED, binary, problems
from app.api.keys import AccessScope
from app.api.services import Services, ServicesDep
from app.api.strict import StrictRoute
from app.api.waiting import WAITS, read_terms
from app.core.errors import NotFoundError
from app.imaging.formats.registry import FORMATS, Streamed
from app.schemas.datasets import DatasetAnswer, DatasetRequest
from app.schemas.samples import SampleFormat

router = APIRouter(tags=["datasets"], route_class=StrictRoute)

SAMPLE = [requires(AccessScope.SAMPLE)]
READ = [requires(AccessScope.READ)]
FOUND = ("not-found", "version-not-found", "limit-exceeded", "not-ready")
MAX_SHARD_DIGITS = 9
FALLBACK_URL = "http://localhost"

_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]{1,253}(?::[0-9]{1,5})?|https?://\[[0-9A-Fa-f:.]{2,45}\](?::[0-9]{1,5})?")

ShardNumber = Annotated[
    str, Path(pattern=rf"^(?:0|[1-9][0-9]{{0,{MAX_SHARD_DIGITS - 1}}})$", description="From 0 to `num_shards` - 1.")
]


async def find_dataset(
    token: Annotated[str, Path(description="From `POST /v1/datasets`.")], services: ServicesDep
) -> Dataset:
    """Read a token and find the versions that it names.

    Raises:
        NotFoundError: If this is no token, or a version is gone.
    """
    return await open_dataset(token, services.engine.catalog, services.settings.limits)


@router.post(
    "/v1/datasets",
    dependencies=SAMPLE,
    status_code=HTTPStatus.CREATED,
    responses={
        201: {"headers": {"Location": {"description": "Address of the dataset.", "schema": {"type": "string"}}}},
        **problems(
            *KEYED, *BODY, "unknown-class", "limit-exceeded", "model-not-found", "version-not-found", "not-ready"
        ),
    },
)
async def create_dataset(
    body: DatasetRequest, services: ServicesDep, request: Request, response: Response
) -> DatasetAnswer:
    """Make a recipe with fixed versions, digests and seeds. Nothing is computed or stored: the token is the dataset."""
    dataset = await make_dataset(body, services.engine.catalog, services.settings.limits)
    response.headers["Location"] = f"/v1/datasets/{dataset.token}"
    return describe_dataset(dataset, base_url(request))


@router.get("/v1/datasets/{token}", dependencies=READ, responses=problems(*KEYED, *FOUND))
async def get_dataset(dataset: Annotated[Dataset, Depends(find_dataset)], request: Request) -> DatasetAnswer:
    """Tell what a token stands for: versions, seeds, splits, shards, and how to load them."""
    return describe_dataset(dataset, base_url(request))


@router.get(
    "/v1/datasets/{token}/shards/{shard:stem}.{ext}",
    dependencies=SAMPLE,
    response_class=Response,
    openapi_extra=WAITS,
    responses={
        200: binary(
            "The shard; the same bytes each time.",
            [FORMATS[one].media_type for one in SHARD_FORMATS],
            ["Fount-Split", "Fount-Num-Samples", "Fount-Numerics", "Server-Timing", "ETag", "Cache-Control"],
        ),
        304: {"description": "The caller has it already; nothing was computed."},
        **problems(*KEYED, *SERVED, *FOUND, "poison-request", "out-of-device-memory"),
    },
)
async def get_shard(
    dataset: Annotated[Dataset, Depends(find_dataset)],
    shard: ShardNumber,
    ext: Annotated[SampleFormat, Path(description="`tar`, `parquet`, `arrow` or `npz`.")],
    services: ServicesDep,
    request: Request,
) -> Response:
    """Compute one shard. HEAD computes no sample, and tells the length of an `npz`."""
    number = int(shard)
    if ext not in SHARD_FORMATS or number >= dataset.assignment.num_shards:
        raise NotFoundError("the dataset has no such shard; `shards` of its description lists them")
    dataset.check_format(ext)
    headers = _describe_cache(dataset, number, ext, services)
    known = answer_not_modified(request.headers.get("if-none-match"), headers | describe_shard(dataset, number))
    if known is not None:
        return known
    terms = read_terms(request, services.engine)
    order = await asyncio.to_thread(plan_shard, dataset, number, ext)
    if request.state.is_head:
        answer = await _answer_head(order, services)
    else:
        answer = await answer_order(order, services, request.receive, terms)
    answer.headers.update(_describe_cache(dataset, number, ext, services))  # versions just loaded have numerics now
    return answer


def _describe_cache(dataset: Dataset, number: int, ext: SampleFormat, services: Services) -> dict[str, str]:
    numerics = numerics_of(dataset, services.engine) or token_hex()  # while that is not known, no tag comes twice
    tag = tag_shard(dataset, number, ext, numerics)
    return cache_headers(tag, is_permanent=True, is_private=services.settings.has_keys)


@router.get(
    "/v1/datasets/{token}/croissant.json",
    dependencies=READ,
    response_class=Response,
    responses={
        200: binary("Croissant 1.0: JSON-LD about the shards as Parquet.", ["application/ld+json"]),
        **problems(*KEYED, *FOUND),
    },
)
async def get_croissant(dataset: Annotated[Dataset, Depends(find_dataset)], request: Request) -> Response:
    """Describe the dataset as Croissant, for tools that load by it."""
    document: dict[str, Any] = write_croissant(dataset, base_url(request))
    return Response(json.dumps(document, ensure_ascii=False), media_type="application/ld+json")


@router.get(
    "/v1/datasets/{token}/README.md",
    dependencies=READ,
    response_class=Response,
    responses={200: binary("Markdown with YAML in front.", ["text/markdown"]), **problems(*KEYED, *FOUND)},
)
async def get_card(dataset: Annotated[Dataset, Depends(find_dataset)], request: Request) -> Response:
    """Write the dataset card, to lie beside shards in a Hugging Face repository."""
    card = write_card(dataset, explain_usage(dataset, base_url(request))["datasets"])
    return Response(card, media_type="text/markdown; charset=utf-8")


def base_url(request: Request) -> str:
    """Return where the caller finds the service, without a slash at the end."""
    origin = f"{request.url.scheme}://{request.headers.get('host', '')}"
    return origin if _ORIGIN.fullmatch(origin) else FALLBACK_URL


async def _answer_head(order: Shard, services: Services) -> Response:
    """Answer with what is known of a shard before it is computed."""
    sample_format = FORMATS[order.sample_format]
    headers = order.headers | {"Content-Disposition": f'attachment; filename="{order.file_name}"'}
    answer = Response(headers=headers, media_type=sample_format.media_type)
    del answer.headers["content-length"]
    if isinstance(sample_format, Streamed):
        writer, _ = await services.encoder.run(sample_format.open, order.contents)
        if writer.content_length is not None:
            answer.headers["Content-Length"] = str(writer.content_length)
    return answer
