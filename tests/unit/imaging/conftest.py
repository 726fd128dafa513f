import sys

import pytest


@pytest.fixture
def hide_isal(monkeypatch):
    """ISA-L, as if it were not installed."""
    monkeypatch.setitem(sys.modules, "isal", None)
