import pytest

from app.cli.console import console


@pytest.fixture(autouse=True)
def wide(monkeypatch):
    """Tables are not folded, whatever terminal the tests run in."""
    monkeypatch.setattr(console, "_width", 200)


@pytest.fixture(autouse=True)
def own_logs(monkeypatch):
    """Verbs set up logs for a whole process, on a stream that is closed when a test of them ends."""
    monkeypatch.setattr("app.core.logging.configure_logging", lambda settings: None)
