"""What both clients have in common: how they connect, and what goes wrong on the way."""

from ipaddress import ip_address
from typing import Any, NamedTuple

import httpx

from app import __version__
from app.client.errors import FountError, UnreachableError
from app.client.exchange import Answer, Request, is_error, read_error

DEFAULT_URL = "http://127.0.0.1:8000"
CONNECT_S = 5.0


class Connection(NamedTuple):
    """Where the service is, and what every request says.

    Attributes:
        url: Address of the service.
        options: For a client of httpx.
    """

    url: str
    options: dict[str, Any]


def prepare(url: str, key: str | None, timeout_s: float) -> Connection:
    """Prepare to connect.

    Args:
        url: Address of the service.
        key: Sent as a bearer key; None for none.
        timeout_s: Longest silence, in seconds.

    Raises:
        ValueError: If the address is none of HTTP.
    """
    address = httpx.URL(url.rstrip("/"))
    if address.scheme not in {"http", "https"} or not address.host:
        raise ValueError("url is the address of a service, for example http://127.0.0.1:8000")
    headers = {"User-Agent": f"fount-client/{__version__}", "Accept-Encoding": "identity"}
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    options = {
        "base_url": address,
        "headers": headers,
        "timeout": httpx.Timeout(timeout_s, connect=CONNECT_S),
        "trust_env": not _is_this_machine(address.host),
    }
    return Connection(str(address), options)


def _is_this_machine(host: str) -> bool:
    """Whether no proxy can lead there."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def write_request(request: Request) -> dict[str, Any]:
    """Return the arguments with which httpx sends a request."""
    written: dict[str, Any] = {"method": request.method, "url": request.path, "headers": dict(request.headers)}
    if request.files:
        written["files"] = list(request.files)
    elif request.document is not None:
        written["json"] = request.document
    return written


def read_answer(response: httpx.Response, url: str) -> Answer:
    """Return an answer that was read wholly.

    Raises:
        FountError: If it is an error.
    """
    if is_error(response.status_code):
        raise read_error(response.status_code, response.headers, response.content)
    return Answer(response.status_code, response.headers, response.content, url)


def explain(error: httpx.RequestError, url: str) -> FountError:
    """Return the error of a request that got no answer, or not all of one."""
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        return UnreachableError(f"nobody answers at {url}; `fount serve` starts a service")
    if isinstance(error, httpx.TimeoutException):
        return UnreachableError(f"{url} was silent for longer than `timeout_s`")
    return UnreachableError(f"the connection to {url} broke: {str(error) or type(error).__name__}")
