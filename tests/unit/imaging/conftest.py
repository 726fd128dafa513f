import sys

import pytest


@pytest.fixture(params=["deflate", "isal.isal_zlib"])
def hide_compressor(request, monkeypatch):
    """One of the two compressors, as if it were not installed."""
    monkeypatch.setitem(sys.modules, request.param, None)
