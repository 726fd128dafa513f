"""OpenAI's routes: models, pictures of a class, variations of a picture."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from app.api.access import requires
from app.api.answers import answer_order
from app.api.dialects.asking import ask_for_samples
from app.api.dialects.defaults import choose_reference
from app.api.dialects.ignoring import ignored_header
from app.api.dialects.openai.bodies import URL, ImageRequest, check_count, write_size
from app.api.dialects.openai.variations import read_variations
from app.api.dialects.openai.writing import Pictures
from app.api.keys import AccessScope
from app.api.ordering import make_order
from app.api.services import Services, ServicesDep
from app.api.streaming import WholeAnswer
from app.api.strict import JSON_TYPE, StrictRoute
from app.api.waiting import read_terms
from app.core.errors import InvalidInputError
from app.repository.manifest import utc_now
from app.schemas.names import REFERENCE_PATTERN
from app.schemas.samples import SampleFormat
from app.serving.versions import ServedVersion

router = APIRouter(route_class=StrictRoute, include_in_schema=False)

READ = [requires(AccessScope.READ)]
SAMPLE = [requires(AccessScope.SAMPLE)]

_NAMES = {"num_samples": "n"}

ModelId = Annotated[str, Path(pattern=rf"^{REFERENCE_PATTERN}$")]


@router.get("/openai/v1/models", dependencies=READ)
async def list_openai_models(services: ServicesDep) -> dict[str, Any]:
    """List the models that can be asked for."""
    catalog = services.engine.catalog
    views = [catalog.model(name) for name in catalog.names()]
    found = [catalog.version(view.name, view.default_version) for view in views if view.default_version is not None]
    return {"object": "list", "data": [_describe(version, version.ref.name) for version in found]}


@router.get("/openai/v1/models/{model}", dependencies=READ)
async def get_openai_model(model: ModelId, services: ServicesDep) -> dict[str, Any]:
    """Describe one model; by `name@3` or `name@alias` as well."""
    return _describe(await services.engine.catalog.obtain(model), model)


@router.post("/openai/v1/images/generations", dependencies=SAMPLE, response_class=Response)
@router.post("/v1/images/generations", dependencies=SAMPLE, response_class=Response)
async def create_images(body: ImageRequest, services: ServicesDep, request: Request) -> Response:
    """Make pictures of a class."""
    terms = read_terms(request, services.engine)
    check_count(body.num_samples, services.settings.limits.samples_per_json)
    _check_delivery(body, services)
    version = await services.engine.catalog.obtain(choose_reference(body.model, services))
    manifest = version.manifest
    label = body.find_label(manifest.class_names)
    asked = ask_for_samples(version, _NAMES, **body.numbers, class_label=label)
    is_link = body.response_format == URL  # then nothing is computed
    order = make_order(asked, version, SampleFormat.JSON, services, None if is_link else terms)
    pictures = Pictures(order, body.image_format, _read_clock(), body.list_ignored(manifest.image))
    if is_link:
        answer: Response = WholeAnswer(pictures.link(_choose_base(request, services)), order.headers, JSON_TYPE)
    else:
        file_format = pictures.as_events if body.stream else pictures.as_document
        answer = await answer_order(order, services, request.receive, terms, file_format=file_format)
    return _finish(answer, pictures)


@router.post("/openai/v1/images/variations", dependencies=SAMPLE, response_class=Response)
async def create_image_variations(services: ServicesDep, request: Request) -> Response:
    """Vary a picture."""
    with services.uploads.hold(request, services.settings.limits.upload_bytes):
        body, order, terms = await read_variations(services, request)
    pictures = Pictures(order, body.image_format, _read_clock(), body.list_ignored(order.version.manifest.image))
    answer = await answer_order(order, services, request.receive, terms, file_format=pictures.as_document)
    return _finish(answer, pictures)


@router.post("/openai/v1/images/edits", dependencies=SAMPLE, response_class=Response)
async def refuse_edits() -> Response:
    """Refuse to do what no model here can.

    Raises:
        InvalidInputError: Always.
    """
    raise InvalidInputError(
        "no model here changes a picture by words: `/openai/v1/images/variations` varies one, and "
        "`POST /v1/augmentations` changes it by a policy",
        pointer="/prompt",
    )


def _check_delivery(body: ImageRequest, services: Services) -> None:
    if body.response_format != URL:
        return
    if body.stream:
        raise InvalidInputError("a stream carries `b64_json`", pointer="/response_format")
    if services.settings.has_keys:
        raise InvalidInputError(
            "addresses of this service need a key, which no URL carries: ask for `b64_json`",
            pointer="/response_format",
        )


def _choose_base(request: Request, services: Services) -> str:
    """Return what stands before a path; the host of a request is told to nobody but its sender."""
    return services.settings.dialects.public_url or str(request.base_url).rstrip("/")


def _finish(answer: Response, pictures: Pictures) -> Response:
    answer.headers.update(ignored_header(pictures.ignored))
    del answer.headers["content-disposition"]
    return answer


def _read_clock() -> int:
    return int(utc_now().timestamp())


def _describe(version: ServedVersion, model: str) -> dict[str, Any]:
    manifest = version.manifest
    return {
        "id": model,
        "object": "model",
        "created": int(manifest.created.timestamp()),
        "owned_by": "fount",
        "version": manifest.version,
        "size": write_size(manifest.image),
        "class_names": manifest.class_names,
    }
