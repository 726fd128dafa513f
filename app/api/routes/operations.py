"""For probes, dashboards and readers of errors; all but the metrics are open to everybody."""

from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.responses import HTMLResponse, JSONResponse, Response

from app.api.access import requires
from app.api.docs.application import open_document, open_page
from app.api.documentation import ALWAYS, KEYED, problems
from app.api.keys import AccessScope
from app.api.metrics import CONTENT_TYPE
from app.api.problem_pages import render_page
from app.api.services import ServicesDep
from app.api.strict import StrictRoute
from app.core.errors import NotFoundError, NotReadyError

router = APIRouter(tags=["operations"], route_class=StrictRoute)


class Health(BaseModel):
    """The answer of a probe."""

    status: str


@router.get("/livez", responses=problems(*ALWAYS))
async def get_liveness() -> Health:
    """Tell that the process answers; never waits for the worker."""
    return Health(status="alive")


@router.get("/readyz", responses=problems(*ALWAYS, "not-ready"))
async def get_readiness(services: ServicesDep) -> Health:
    """Tell whether samples can be asked for."""
    if not services.engine.is_ready:
        raise NotReadyError("the service is starting, stopping, or waiting for a worker", retry_after_s=1)
    return Health(status="ready")


@router.get(
    "/metrics",
    dependencies=[requires(AccessScope.READ)],
    response_class=Response,
    responses={
        200: {"description": "Prometheus text format.", "content": {"text/plain": {"schema": {"type": "string"}}}},
        **problems(*KEYED),
    },
)
async def get_metrics(services: ServicesDep) -> Response:
    """Show counters and gauges in the Prometheus text format."""
    return Response(services.metrics.render(), headers={"Content-Type": CONTENT_TYPE})


@router.get(
    "/problems/{code}",
    response_class=Response,
    responses={
        200: {"description": "The page.", "content": {"text/markdown": {"schema": {"type": "string"}}}},
        **problems(*ALWAYS, "not-found"),
    },
)
async def get_problem_page(code: str) -> Response:
    """Explain a problem: the page behind its `type`."""
    page = render_page(code)
    if page is None:
        raise NotFoundError("there is no problem of this code")
    headers = {"Cache-Control": "public, max-age=3600"}
    return Response(page, headers=headers, media_type="text/markdown; charset=utf-8")


@router.get("/openapi.json", include_in_schema=False)
async def get_openapi_document(request: Request) -> JSONResponse:
    """Describe the interface for machines."""
    return JSONResponse(await open_document(request.app))


@router.get("/docs", include_in_schema=False)
async def get_docs(request: Request) -> HTMLResponse:
    """Show the interface to people."""
    page = await open_page(request.app)
    return HTMLResponse(page.at(str(request.base_url)), headers={"Content-Security-Policy": page.policy})
