"""Answers with a permanent address: entity tag, cache rules, and 304 before anything is computed or read."""

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus

from starlette.responses import Response

from app.api.conditions import names_tag

MAX_AGE_S = 365 * 24 * 3600


def cache_headers(tag: str, *, is_permanent: bool, is_private: bool) -> dict[str, str]:
    """Say how long an answer may be kept: for good under a version number, under an alias only after asking again."""
    audience = "private" if is_private else "public"
    control = f"{audience}, max-age={MAX_AGE_S}, immutable" if is_permanent else f"{audience}, no-cache"
    return {"ETag": tag, "Cache-Control": control}


def answer_not_modified(if_none_match: str | None, headers: Mapping[str, str]) -> Response | None:
    """Build a 304 if the caller already has what these headers describe."""
    if names_tag(if_none_match, headers["ETag"]):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return None


async def answer_file(
    read: Callable[[], Awaitable[bytes]],
    *,
    tag: str,
    media_type: str,
    is_permanent: bool,
    is_private: bool,
    if_none_match: str | None,
) -> Response:
    """Answer with a file, read only if the caller does not have it."""
    headers = cache_headers(tag, is_permanent=is_permanent, is_private=is_private)
    return answer_not_modified(if_none_match, headers) or Response(await read(), headers=headers, media_type=media_type)
