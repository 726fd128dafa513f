"""One thread each, and the HTTP side: an application in this process, its real engine on a worker that pretends."""

import contextlib

import httpx
import pytest
import torch
from threadpoolctl import threadpool_limits
from xdist.scheduler import LoadGroupScheduling

from app.main import create_app
from app.repository.store import ModelRepository
from app.serving.engine import Engine
from tests import fakes
from tests.drafts import make_draft, make_files
from tests.rig.kit import WORST_LIVENESS

_PROCESS = "tests/process/test_"
GROUPS = {
    "offline": tuple(_PROCESS + name for name in ("augment", "cli", "export", "lanes", "ray", "train")),
    "processes": ("tests/process/",),
    "port": ("tests/hostile/test_port_",),
    "web": ("tests/web/",),
}
"""Paths of tests that run one by one, each group by one of the runners, in this order; all others come behind them."""


class GroupedScheduling(LoadGroupScheduling):
    """Gives a group to one runner; by paths, for marks are lost between the releases of pytest and of its runners."""

    def _split_scope(self, nodeid):
        return _find_group(nodeid) or nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Keep the groups together where tests run side by side."""
    return GroupedScheduling(config, log) if config.getoption("dist") == "loadgroup" else None


def pytest_collection_modifyitems(items):
    """Run tests that start processes one by one, before the others: those fill the cores meanwhile."""
    groups = [*GROUPS, None]
    items.sort(key=lambda item: groups.index(_find_group(item.nodeid)))


def _find_group(nodeid):
    return next((group for group, paths in GROUPS.items() if nodeid.startswith(paths)), None)


def pytest_terminal_summary(terminalreporter):
    """Say how long a service under test was seen to be silent, at the worst."""
    reports = [report for some in terminalreporter.stats.values() for report in some]
    waits = {
        report.nodeid: dict(report.user_properties)[WORST_LIVENESS]
        for report in reports
        if WORST_LIVENESS in dict(getattr(report, "user_properties", ()))
    }
    if waits:
        slowest = sorted(waits, key=waits.get, reverse=True)[:5]
        terminalreporter.section("longest waits for /livez")
        for name in slowest:
            terminalreporter.line(f"{1000 * waits[name]:.0f} ms in {name}")


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    """Tests run side by side: threads that compete for cores spin, and a second of work becomes a minute."""
    torch.set_num_threads(1)
    with threadpool_limits(1):
        yield


@pytest.fixture
def repository(tmp_path):
    """Two versions of `tiny` with the classes a, b and 7, the first in production; `plain` without classes."""
    store = ModelRepository(str(tmp_path / "models"))
    for seed in (1, 2):
        draft = make_draft("tiny", class_names=["a", "b", "7"])
        store.publish(draft, make_files(seed) | {"grid.png": b"\x89PNG" + bytes([seed])})
    store.publish(make_draft("plain", class_names=[]), make_files(3))
    store.set_alias("tiny", "production", 1)
    return store


@pytest.fixture
def make_settings(repository):
    def make(**sections):
        return fakes.make_settings(
            repository.url, **{"queue": {"window_batches": 1}, "pool": {"samples": 0}} | sections
        )

    return make


@pytest.fixture
def workers():
    return fakes.FakeWorkers()


@pytest.fixture
def engine(repository, workers, make_settings):
    return Engine(make_settings(), repository, worker_factory=workers)


@pytest.fixture
async def open_app(engine):
    """Starts the application with these settings; the engine is started once, so one per test."""
    async with contextlib.AsyncExitStack() as stack:

        async def open_one(settings):
            app = create_app(settings, engine, fakes.make_decoders(settings), fakes.make_augmenters(settings))
            await stack.enter_async_context(app.router.lifespan_context(app))
            return app

        yield open_one


@pytest.fixture
async def open_client(open_app):
    """Opens a client of the application with these settings; errors in the application become answers."""
    async with contextlib.AsyncExitStack() as stack:

        async def open_one(settings, **options):
            transport = httpx.ASGITransport(await open_app(settings), raise_app_exceptions=False)
            client = httpx.AsyncClient(transport=transport, base_url="http://fount", **options)
            return await stack.enter_async_context(client)

        yield open_one


@pytest.fixture
async def client(open_client, make_settings):
    return await open_client(make_settings())
