import pytest

from app.cli.console import console


@pytest.fixture(autouse=True)
def wide(monkeypatch):
    """Tables are not folded, whatever terminal the tests run in."""
    monkeypatch.setattr(console, "_width", 200)
