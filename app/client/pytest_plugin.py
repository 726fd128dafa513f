"""Fixtures for test suites that want pictures: ``fount``, a client, and ``synthetic_images``, the same ones every time.

Loaded by pytest wherever Fount is installed, so it imports nothing of weight before a fixture is used.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from app.client.client import Client

DEFAULT_URL = "http://127.0.0.1:8000"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a service be named on the command line or in the configuration."""
    group = parser.getgroup("fount")
    group.addoption("--fount-url", metavar="URL", help="service that the fixture `fount` asks; then it must answer")
    group.addoption("--fount-key", metavar="KEY", help="key for that service")
    parser.addini("fount_url", f"service that the fixture `fount` asks; by default {DEFAULT_URL}", default="")


@pytest.fixture(scope="session")
def fount(request: pytest.FixtureRequest) -> Iterator["Client"]:
    """A client of the service; tests are skipped where none runs, and fail where one was named that does not answer."""
    from app.client.client import Client  # noqa: PLC0415 - when it is used
    from app.client.errors import UnreachableError  # noqa: PLC0415 - as above
    from app.client.retrying import RetryPolicy  # noqa: PLC0415 - as above

    config = request.config
    named = config.getoption("--fount-url") or config.getini("fount_url")
    url, key = named or DEFAULT_URL, config.getoption("--fount-key")
    try:
        with Client(url, key, retries=RetryPolicy(max_retries=0)) as once:
            once.models()
    except UnreachableError as error:
        if named:
            pytest.fail(f"the service of --fount-url or fount_url is not there: {error}", pytrace=False)
        pytest.skip(f"no Fount service: {error}; --fount-url names another")
    with Client(url, key) as client:
        yield client


@pytest.fixture(scope="session")
def synthetic_images(fount: "Client") -> Callable[..., Any]:
    """Return ``make(model, num_samples=1, seed=0, **values)``: images, uint8 (n, h, w, c), and labels (n,)."""

    def make(model: str, num_samples: int = 1, seed: int = 0, **values: Any) -> tuple[Any, Any]:
        samples = fount.sample(model, num_samples=num_samples, seed=seed, **values)
        return samples.images, samples.labels

    return make
