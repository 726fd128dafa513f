import json

import pytest
from fastapi.routing import iter_route_contexts

from app.api.access import ScopeCheck
from app.api.gate import PUBLIC_PATHS, PUBLIC_PREFIX
from app.api.keys import AccessScope, StoredKey, hash_key, write_keys_file
from app.main import create_app
from app.repository.manifest import utc_now
from tests.problems import assert_problem

MASTER = "master-key-of-tests"
SAMPLE_BODY = {"model": "tiny", "num_samples": 1}


def store_key(path, key, scopes, others=()):
    entry = StoredKey(id=f"id-{key}", sha256=hash_key(key), scopes=scopes, created=utc_now())
    write_keys_file(path, [*others, entry])
    return entry


def bearer(key):
    return {"Authorization": f"Bearer {key}"}


@pytest.fixture
def keys_file(tmp_path):
    path = tmp_path / "keys.json"
    store_key(path, "reader", ["read"])
    return path


@pytest.fixture
async def guarded(open_client, make_settings, keys_file):
    return await open_client(make_settings(api_key=MASTER, keys_file=keys_file))


def declared_scopes(route):
    return [one.dependency.scope for one in route.dependencies if isinstance(one.dependency, ScopeCheck)]


def test_every_route_declares_its_scope_or_is_public(make_settings, engine):
    routes = list(iter_route_contexts(create_app(make_settings(), engine).routes))

    public = {route.path for route in routes if not declared_scopes(route)}
    assert {*PUBLIC_PATHS, f"{PUBLIC_PREFIX}{{code}}"} == public
    assert all(len(declared_scopes(route)) <= 1 for route in routes)
    assert len(routes) > 12


def test_what_changes_the_service_needs_the_admin_scope(make_settings, engine):
    routes = iter_route_contexts(create_app(make_settings(), engine).routes)

    changing = {tuple(declared_scopes(route)) for route in routes if set(route.methods) & {"PUT", "DELETE", "PATCH"}}
    assert {(AccessScope.ADMIN,)} == changing


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/docs", "/openapi.json", "/problems/not-found"])
async def test_public_addresses_need_no_key(guarded, path):
    assert 200 == (await guarded.get(path)).status_code


@pytest.mark.parametrize(
    "headers",
    [
        {},
        bearer("wrong"),
        bearer(""),
        bearer("x" * 60_000),
        {"Authorization": "Bearer"},
        {"Authorization": MASTER},
        {"Authorization": f"Basic {MASTER}"},
        {"Authorization": "Bearer ключ".encode()},
        {"X-API-Key": MASTER},
    ],
)
@pytest.mark.parametrize("path", ["/v1/models", "/metrics", "/absent", "/problems", "//livez", "/LIVEZ"])
async def test_without_a_valid_key_there_is_nothing(guarded, headers, path):
    response = await guarded.get(path, headers=headers)

    assert_problem(response, 401, "missing-key")
    assert 'Bearer realm="fount"' == response.headers["www-authenticate"]


async def test_a_key_in_the_address_does_not_count(guarded):
    assert_problem(await guarded.get(f"/v1/models?api_key={MASTER}"), 401, "missing-key")


async def test_the_body_of_a_stranger_is_not_read(guarded):
    read = []

    async def body():
        read.append(True)
        yield b"{}"

    assert_problem(await guarded.post("/v1/samples", content=body()), 401, "missing-key")
    assert [] == read


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_the_key_of_the_environment_may_do_everything(guarded, scheme):
    response = await guarded.put(
        "/v1/models/tiny/aliases/production", json={"version": 2}, headers={"Authorization": f"{scheme} {MASTER}"}
    )

    assert 200 == response.status_code


@pytest.mark.parametrize(
    ("method", "path", "needed"),
    [
        ("POST", "/v1/samples", "sample"),
        ("GET", "/v1/models/tiny/versions/1/samples/1/1.png", "sample"),
        ("HEAD", "/v1/models/tiny/versions/1/samples/1/1.png", "sample"),
        ("PUT", "/v1/models/tiny/aliases/production", "admin"),
        ("DELETE", "/v1/models/tiny/aliases/production", "admin"),
    ],
)
async def test_a_key_without_the_scope_is_refused(guarded, workers, method, path, needed):
    response = await guarded.request(method, path, json=SAMPLE_BODY, headers=bearer("reader"))

    assert 403 == response.status_code
    assert [] == workers.batches
    if method != "HEAD":
        assert needed == assert_problem(response, 403, "missing-scope")["scope"]


async def test_a_key_with_the_scope_is_let_in(guarded):
    assert 200 == (await guarded.get("/v1/models", headers=bearer("reader"))).status_code
    assert 200 == (await guarded.get("/metrics", headers=bearer("reader"))).status_code


async def test_a_new_key_counts_at_once_and_a_revoked_one_no_more(guarded, keys_file):
    store_key(keys_file, "second", ["read"])

    assert 401 == (await guarded.get("/v1/models", headers=bearer("reader"))).status_code
    assert 200 == (await guarded.get("/v1/models", headers=bearer("second"))).status_code


@pytest.mark.parametrize("content", [b"", b"[", b'[{"id": 1}]', None], ids=["empty", "torn", "invalid", "gone"])
async def test_a_keys_file_that_becomes_unusable_changes_nothing(guarded, keys_file, content):
    if content is None:
        keys_file.unlink()
    else:
        keys_file.write_bytes(content)

    assert 200 == (await guarded.get("/v1/models", headers=bearer("reader"))).status_code
    assert 401 == (await guarded.get("/v1/models", headers=bearer("other"))).status_code


async def test_no_key_is_ever_logged(guarded, capfd):
    await guarded.get(f"/v1/models?key={MASTER}", headers=bearer(MASTER))
    await guarded.get(f"/{MASTER}", headers=bearer("reader"))

    output = "".join(capfd.readouterr())
    assert "request" in output
    assert MASTER not in output


async def test_a_keys_file_holds_no_key(keys_file):
    document = json.loads(keys_file.read_text())

    assert {"id", "sha256", "scopes", "created", "note"} == document[0].keys()
    assert "reader" not in document[0]["sha256"]
    assert 0o600 == keys_file.stat().st_mode & 0o777
