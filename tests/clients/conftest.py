"""One service on a port, for the clients of others: they are as their makers publish them."""

import pytest

from app.api.keys import AccessScope, StoredKey, hash_key, write_keys_file
from app.repository.manifest import utc_now
from tests.rig.models import publish_models
from tests.rig.server import serve

SEED = 5
KEYS = {"reader": ["read"], "sampler": ["read", "sample"], "operator": list(AccessScope), "slow": ["read"]}


def make_key(name):
    return f"fount_{name}-key-of-the-clients"


def store_key(name, scopes):
    limit = {"requests_per_minute": 1} if name == "slow" else {}
    return StoredKey(id=name, sha256=hash_key(make_key(name)), scopes=scopes, created=utc_now(), **limit)


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    """Versions 1 and 2 of `tiny`, with the classes class-0 to class-2; `coder`, which reads images as well."""
    root = tmp_path_factory.mktemp("models")
    publish_models(root)
    return root


@pytest.fixture(scope="session")
def service(models):
    with serve(models) as one:
        one.wait_ready()
        yield one


@pytest.fixture(scope="session")
def guarded(models, tmp_path_factory):
    """A service with keys."""
    path = tmp_path_factory.mktemp("keys") / "keys.json"
    write_keys_file(path, [store_key(name, scopes) for name, scopes in KEYS.items()])
    with serve(models, FOUNT_KEYS_FILE=str(path)) as one:
        one.wait_ready()
        yield one


@pytest.fixture
def key_of():
    return make_key


@pytest.fixture
def native(service):
    """Reads samples of `tiny` by their addresses in our own interface."""
    with service.open_client() as client:

        def read(index, version=2, ext="png", **query):
            path = f"/v1/models/tiny/versions/{version}/samples/{SEED}/{index}.{ext}"
            return client.get(path, params=query).raise_for_status().content

        yield read
