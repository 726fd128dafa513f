"""The routes of the protocol."""

# ruff: noqa: FAST003 - `read_reference` reads the parts of all paths

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from app.api.access import requires
from app.api.answers import answer_order
from app.api.audit import AuditedRoute, audits, note_change
from app.api.dialects.ignoring import ignored_header
from app.api.dialects.inference.asked import Asked, read_asked
from app.api.dialects.inference.coding import choose_coding, code_format, inflate
from app.api.dialects.inference.metadata import describe_model, describe_server, list_versions
from app.api.dialects.inference.planning import is_whole, plan_inference
from app.api.dialects.inference.replies import Reply
from app.api.keys import AccessScope
from app.api.services import Services, ServicesDep
from app.api.strict import parse_json, read_body
from app.api.waiting import read_terms
from app.core.errors import InvalidInputError, MalformedBodyError, NotReadyError
from app.schemas.names import is_version, split_reference
from app.serving.versions import ServedVersion, check_ready

router = APIRouter(route_class=AuditedRoute, include_in_schema=False)

READ = [requires(AccessScope.READ)]
SAMPLE = [requires(AccessScope.SAMPLE)]
ADMIN = requires(AccessScope.ADMIN)
MODEL = "{model}"
HEAD_LENGTH = "Inference-Header-Content-Length"
_MAX_DIGITS = 9
_RETRY_AFTER_S = 1


async def read_reference(request: Request) -> str:
    """Read the model of a path, and the version where it names one."""
    parts = request.path_params
    return f"{parts['model']}@{parts['version']}" if "version" in parts else str(parts["model"])


Reference = Annotated[str, Depends(read_reference)]


@router.get("/v2", dependencies=READ)
async def get_server_metadata() -> dict[str, Any]:
    """Describe the service."""
    return describe_server()


@router.get("/v2/health/live")
async def get_server_live() -> Response:
    """Tell that the process runs."""
    return Response()


@router.get("/v2/health/ready")
async def get_server_ready(services: ServicesDep) -> Response:
    """Tell whether samples are being answered."""
    if not services.engine.is_ready:
        raise NotReadyError("the service is not ready", retry_after_s=_RETRY_AFTER_S)
    return Response()


@router.get("/v2/models/{model}/ready", dependencies=READ)
@router.get("/v2/models/{model}/versions/{version}/ready", dependencies=READ)
async def get_model_ready(reference: Reference, services: ServicesDep) -> Response:
    """Tell whether a version is ready."""
    services.engine.catalog.resolve(reference)
    return Response()


@router.get("/v2/models/{model}", dependencies=READ)
@router.get("/v2/models/{model}/versions/{version}", dependencies=READ)
async def get_model_metadata(reference: Reference, services: ServicesDep) -> dict[str, Any]:
    """Describe a model's tensors."""
    catalog = services.engine.catalog
    return describe_model(catalog, await catalog.obtain(reference))


@router.post("/v2/models/{model}/infer", dependencies=SAMPLE, response_class=Response)
@router.post("/v2/models/{model}/versions/{version}/infer", dependencies=SAMPLE, response_class=Response)
async def infer(reference: Reference, services: ServicesDep, request: Request) -> Response:
    """Compute samples."""
    services.engine.check_early(read_terms(request, services.engine))
    asked = await _read_asked(services, request)
    terms = read_terms(request, services.engine)
    version = await services.engine.catalog.obtain(reference)
    order = plan_inference(asked, version, services, terms)
    reply = Reply(asked.outputs, asked.id)
    file_format = reply.choose_format(is_whole=is_whole(asked))
    coding = choose_coding(request.headers.get("accept-encoding"))
    if coding is not None:
        file_format = code_format(file_format, coding)
    answer = await answer_order(order, services, request.receive, terms, file_format=file_format)
    del answer.headers["content-disposition"]
    answer.headers.update(_describe(reply, coding, asked))
    return answer


@router.post("/v2/repository/index", dependencies=READ)
async def list_repository(services: ServicesDep, request: Request) -> list[dict[str, str]]:
    """List all versions with their states."""
    document = await _read_object(request)
    return list_versions(services.engine.catalog, only_ready=document.get("ready") is True)


@router.post("/v2/repository/models/{model}/load", dependencies=[ADMIN, audits("version-loaded", MODEL)])
async def load_model(reference: Reference, services: ServicesDep, request: Request) -> Response:
    """Have a version loaded: the one that is named, else the one that the name stands for."""
    if (await _read_object(request)).get("parameters"):
        raise InvalidInputError("models are loaded as they were published, without parameters", pointer="/parameters")
    catalog = services.engine.catalog
    version = await catalog.obtain(reference)
    note_change(None, version.ref.version)
    await catalog.warm(version.ref)
    check_ready(catalog.version(version.ref.name, version.ref.version))
    return Response()


@router.post("/v2/repository/models/{model}/unload", dependencies=[ADMIN, audits("version-unloaded", MODEL)])
async def unload_model(reference: Reference, services: ServicesDep, request: Request) -> Response:
    """Free the memory of a version, or of all of a model; the next request for one has it loaded again."""
    await _read_object(request)
    versions = _find_versions(services, reference)
    if len(versions) == 1:
        note_change(versions[0].ref.version)
    for version in versions:
        services.engine.catalog.release(version.ref)
    return Response()


def _find_versions(services: Services, reference: str) -> list[ServedVersion]:
    catalog = services.engine.catalog
    try:
        name, selector = split_reference(reference)
    except ValueError:
        return [catalog.resolve(reference)]  # which says that there is none
    if selector is None:
        return list(catalog.model(name).versions)
    return [catalog.version(name, int(selector)) if is_version(selector) else catalog.resolve(reference)]


async def _read_asked(services: Services, request: Request) -> Asked:
    http = services.settings.http
    with services.uploads.hold(request, http.body_limit_bytes):
        body = await read_body(request, http.body_limit_bytes, http.body_timeout_s)
        document = inflate(body, request.headers.get("content-encoding", ""), http.body_limit_bytes)
        return read_asked(document, _read_length(request))


async def _read_object(request: Request) -> Mapping[str, Any]:
    """Read a body that may be empty."""
    http = request.app.state.services.settings.http
    body = await read_body(request, http.body_limit_bytes, http.body_timeout_s)
    document = parse_json(body) if body else {}
    if not isinstance(document, dict):
        raise MalformedBodyError("the body is one JSON object")
    return document


def _read_length(request: Request) -> int | None:
    text = request.headers.get(HEAD_LENGTH)
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > _MAX_DIGITS:
        raise InvalidInputError(f"`{HEAD_LENGTH}` is a number of bytes", pointer=f"/header/{HEAD_LENGTH}")
    return int(text)


def _describe(reply: Reply, coding: str | None, asked: Asked) -> dict[str, str]:
    own = {
        HEAD_LENGTH: None if reply.head_length is None else str(reply.head_length),
        "Content-Encoding": coding,
    }
    return {name: value for name, value in own.items() if value is not None} | ignored_header(asked.ignored)
