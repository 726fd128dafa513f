import pytest
import structlog

from app.cli.console import console


@pytest.fixture(autouse=True)
def wide(monkeypatch):
    """Tables are not folded, whatever terminal the tests run in."""
    monkeypatch.setattr(console, "_width", 200)


@pytest.fixture(autouse=True)
def own_logs(monkeypatch):
    """Verbs set up logs for a whole process, on a stream that is closed when a test of them ends."""
    structlog.reset_defaults()  # a verb that keeps no log writes what an administrator changed to standard error
    monkeypatch.setattr("app.core.logging.configure_logging", lambda settings: None)
