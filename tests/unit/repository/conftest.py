import secrets

import pytest

from app.repository.store import ModelRepository


@pytest.fixture(params=["folder", "object store"])
def repository(request, tmp_path):
    """An empty repository, on each kind of storage."""
    if request.param == "folder":
        return ModelRepository(str(tmp_path / "models"))
    return ModelRepository(f"memory://{secrets.token_hex(8)}")
