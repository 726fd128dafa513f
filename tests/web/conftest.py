"""Real Chromium on a service of the shipped models; a page that errs, or asks anybody else, fails its test."""

from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.rig.models import publish_models, write_keys
from tests.rig.server import DEADLINE_S, serve
from tests.web.watching import Tabs, launch, visit

MODELS = Path(__file__).parents[2] / "models"


@pytest.fixture(scope="package")
def browser():
    """One for all tests of pages; ended behind them, for its event loop would be in the way of others'."""
    with sync_playwright() as playwright:
        expect.set_options(timeout=1000 * DEADLINE_S)
        started = launch(playwright)
        if started is None:
            pytest.skip("needs Chromium: apt-get install chromium, or playwright install chromium")
        yield started
        started.close()


@pytest.fixture(scope="package")
def tabs(browser):
    return Tabs(browser)


@pytest.fixture(scope="package")
def service():
    """A service of the models that come with Fount."""
    with serve(MODELS) as one:
        one.wait_ready()
        yield one


@pytest.fixture(scope="package")
def guarded(tmp_path_factory):
    """A service of tiny models, with keys."""
    root = tmp_path_factory.mktemp("guarded")
    publish_models(root / "models")
    write_keys(root / "keys.json")
    with serve(root / "models", FOUNT_KEYS_FILE=str(root / "keys.json")) as one:
        one.wait_ready()
        yield one


@pytest.fixture(scope="package")
def empty(tmp_path_factory):
    """A service without models."""
    with serve(tmp_path_factory.mktemp("empty")) as one:
        yield one


@pytest.fixture
def visitor(tabs, service):
    """Opens pages: ``visitor.open("/generate?n=4")``; `visitor.watch.allow` expects what would be a fault."""
    with visit(tabs, service) as one:
        yield one
        assert [] == one.faults
