import sys

import pytest


@pytest.fixture
def hide_libdeflate(monkeypatch):
    """libdeflate, as if it were not installed."""
    monkeypatch.setitem(sys.modules, "deflate", None)
