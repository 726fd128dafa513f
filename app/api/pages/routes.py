"""Routes of the web page; open to everybody, for they hold nothing that is not in the package."""

from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.api.caching import answer_not_modified, cache_headers
from app.api.pages.assets import read_assets
from app.api.pages.registry import PAGES, PageEntry
from app.api.pages.shell import POLICY, render_shell
from app.api.services import ServicesDep
from app.core.errors import NotFoundError

router = APIRouter(include_in_schema=False)  # not strict: queries are for scripts, which keep their state there


@router.get("/static/{digest}/{path:path}")
async def get_static_file(digest: str, path: str, request: Request) -> Response:
    """Send a static file; its address changes with it."""
    assets = read_assets()
    asset = assets.files.get(path) if digest == assets.digest else None
    if asset is None:
        raise NotFoundError("there is no such file; load the page again")
    headers = cache_headers(asset.tag, is_permanent=True, is_private=False)
    known = answer_not_modified(request.headers.get("if-none-match"), headers)
    return known or Response(asset.content, headers=headers, media_type=asset.media_type)


def _add_page(page: PageEntry) -> None:
    router.add_api_route(page.path, _answer_with(page), name=f"get_page_{page.label.lower()}", methods=["GET"])


def _answer_with(page: PageEntry) -> Callable[[ServicesDep, Request], Awaitable[Response]]:
    async def get_page(services: ServicesDep, request: Request) -> Response:
        shell = render_shell(page, is_open=not services.settings.has_keys)
        headers = cache_headers(shell.tag, is_permanent=False, is_private=False)
        headers["Content-Security-Policy"] = POLICY  # of a 304 too: a browser takes it over for the page that it kept
        known = answer_not_modified(request.headers.get("if-none-match"), headers)
        return known or Response(shell.content, headers=headers, media_type="text/html; charset=utf-8")

    return get_page


for _page in PAGES:
    _add_page(_page)
