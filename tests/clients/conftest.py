"""One service on a port, for the clients of others: they are as their makers publish them."""

import pytest

from tests.rig.kit import Kit
from tests.rig.models import make_key, publish_models, write_keys
from tests.rig.server import serve


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    publish_models(root)
    return root


@pytest.fixture(scope="module")
def service(models):
    """Without keys."""
    with serve(models) as one:
        one.wait_ready()
        yield one


@pytest.fixture(scope="module")
def guarded(models, tmp_path_factory):
    """With keys, one of which may ask for little."""
    keys = tmp_path_factory.mktemp("keys") / "keys.json"
    write_keys(keys)
    with serve(models, FOUNT_KEYS_FILE=str(keys)) as one:
        one.wait_ready()
        yield one


@pytest.fixture
def native(service):
    """Asks for a sample by its address in our own interface."""
    with service.open_client() as client:

        def read(index, seed, version=2, ext="png", **query):
            return client.get(f"/v1/models/tiny/versions/{version}/samples/{seed}/{index}.{ext}", params=query).content

        yield read
