"""A running service, asked by a verb in place of computing here; the key comes from ``FOUNT_API_KEY`` alone."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, NoReturn

import typer

from app.cli.console import fail
from app.cli.progress import create_bar
from app.core.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import httpx

    from app.client.errors import FountError

Url = Annotated[
    str | None,
    typer.Option("--url", metavar="URL", help="Ask the service there, with the key in `FOUNT_API_KEY`."),
]

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
TIMEOUT_S = 90.0
"""For a part of an answer; a request may wait for a minute until it is begun."""


def refuse_both(url: str | None, repository: str | None) -> None:
    """Refuse a service and a repository at once.

    Raises:
        typer.BadParameter: If both are given.
    """
    if url is not None and repository is not None:
        raise typer.BadParameter("the service has its own models: leave `--repository` out", param_hint="--url")


@contextmanager
def open_service(url: str) -> Iterator[httpx.Client]:
    """Speak to a service; what it refuses, and its silence, are told as what goes wrong here.

    Args:
        url: Its address.

    Raises:
        ServiceError: If it refuses.
        typer.Exit: If it cannot be reached, or takes no such key, or not now.
    """
    import httpx

    from app.client.errors import FountError
    from app.core.settings import load_settings

    key = load_settings().api_key
    headers = {} if key is None else {"Authorization": f"Bearer {key.get_secret_value()}"}
    try:
        uses_proxies = httpx.URL(url).host not in LOOPBACK
        with httpx.Client(base_url=url, headers=headers, timeout=TIMEOUT_S, trust_env=uses_proxies) as client:
            yield client
    except FountError as error:
        _retell(error)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        fail(f"{url} does not answer: {type(error).__name__}", f"`fount doctor --url {url}` looks at it")


def check_answer(answer: httpx.Response) -> None:
    """Read the problem of an answer that is one.

    Raises:
        FountError: If it is.
    """
    from app.client.exchange import is_error, read_error

    if is_error(answer.status_code):
        raise read_error(
            answer.status_code, {name.lower(): value for name, value in answer.headers.items()}, answer.read()
        )


def fetch(client: httpx.Client, path: str, document: Mapping[str, Any], file: BinaryIO) -> Mapping[str, str]:
    """Write the answer to a request to a file, as it comes.

    Args:
        client: Of the service.
        path: Below its address.
        document: The request.
        file: Takes the bytes.

    Returns:
        The headers.

    Raises:
        FountError: If the service refuses.
    """
    from rich.progress import DownloadColumn, TransferSpeedColumn

    with (
        client.stream("POST", path, json=document) as answer,
        create_bar(DownloadColumn(), TransferSpeedColumn()) as bar,
    ):
        check_answer(answer)
        task = bar.add_task("receiving", total=None)
        for part in answer.iter_bytes():
            file.write(part)
            bar.advance(task, len(part))
    return answer.headers


def _retell(error: FountError) -> NoReturn:
    """Tell what a service says as what is raised here is told."""
    if error.status in {401, 403}:
        fail(error.detail, "set `FOUNT_API_KEY` to a key that may do this")
    if error.retry_after_s is not None:
        fail(error.detail, f"ask again in {error.retry_after_s:.0f} s")
    raise ServiceError(error.detail, **error.fields)
