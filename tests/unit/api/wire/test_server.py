import gc

import pytest

from app.api.wire.server import _freeze_heap


@pytest.fixture
def thawed():
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("thawed")
def test_collections_leave_out_what_the_start_made():
    kept = ["made at the start"]
    assert any(thing is kept for thing in gc.get_objects())

    _freeze_heap()

    assert not any(thing is kept for thing in gc.get_objects())
