import json
import re

import pytest
import structlog
from fastapi.routing import iter_route_contexts

from app.api.access import ScopeCheck
from app.api.gate import PUBLIC_PATHS, PUBLIC_PREFIXES
from app.api.keys import AccessScope, StoredKey, hash_key, read_keys_file, write_keys_file
from app.core.logging import configure_logging
from app.core.settings import LogSettings
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
    assert {*PUBLIC_PATHS} == {path for path in public if not path.startswith(PUBLIC_PREFIXES)}
    assert {*PUBLIC_PREFIXES} == {prefix for prefix in PUBLIC_PREFIXES for path in public if path.startswith(prefix)}
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
@pytest.mark.parametrize("path", ["/v1/models", "/metrics", "/absent", "/problems", "/%2Flivez", "/LIVEZ"])
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


METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"]
NAMES = {
    "name": "tiny",
    "version": "1",
    "alias": "production",
    "seed": "1",
    "index": "1",
    "k": "0",
    "code": "not-found",
}


def list_addresses(app):
    """Every address with the scopes that its routes declare, by method."""
    found = {}
    for route in iter_route_contexts(app.routes):
        path = re.sub(r"\{(\w+)(?::\w+)?\}", lambda match: NAMES.get(match[1], "absent"), route.path)
        scopes = [one.value for one in declared_scopes(route)] or [None]
        for method in route.methods:
            found.setdefault(path, {})[method] = scopes[0]
        if "GET" in route.methods:
            found[path]["HEAD"] = scopes[0]
    return found


def expected_status(scopes, method, held):
    """What a caller with these scopes, None for a stranger, must get before anything is read; None: it is let in."""
    needed = set(scopes.values())
    if needed == {None}:
        return None if method in scopes else 405
    if held is None:
        return 401
    if method in scopes:
        return None if scopes[method] in held else 403
    return 405 if needed & held else 403


@pytest.fixture
async def matrix(open_app, make_settings, keys_file):
    """Addresses, and a way to ask each of them with a body that nobody may read."""
    for scope in AccessScope:
        store_key(keys_file, f"{scope}-key", [scope], others=read_keys_file(keys_file))
    app = await open_app(make_settings(api_key=MASTER, keys_file=keys_file))

    async def ask(method, path, headers):
        read, status, answer_headers = [], [], {}

        async def receive():
            read.append(True)
            return {"type": "http.disconnect"}

        async def send(message):
            if message["type"] == "http.response.start":
                status.append(message["status"])
                answer_headers.update({name.decode(): value.decode() for name, value in message["headers"]})

        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "scheme": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
            "client": ("127.0.0.1", 1),
            "server": ("fount", 80),
            "state": {},
        }
        await app(scope, receive, send)
        return (status or [499])[0], answer_headers, bool(read)

    return list_addresses(app), ask


CALLERS = {
    "no key": ({}, None),
    "wrong": (bearer("wrong"), None),
    "huge": (bearer("x" * 60_000), None),
    **{f"only {scope}": (bearer(f"{scope}-key"), {scope.value}) for scope in AccessScope},
}


@pytest.mark.parametrize("caller", CALLERS)
async def test_every_method_of_every_address_asks_for_its_scope(matrix, caller):
    addresses, ask = matrix
    headers, held = CALLERS[caller]
    wrong = {}
    for path, scopes in addresses.items():
        for method in METHODS:
            status, told, was_read = await ask(method, path, headers)
            expected = expected_status(scopes, method, held)
            is_right = status not in {401, 403, 405} if expected is None else (status == expected and not was_read)
            if not is_right or (status == 401) != ("www-authenticate" in told):
                wrong[method, path] = (status, expected, was_read)

    assert {} == wrong
    assert len(addresses) > 15


@pytest.mark.parametrize("method", METHODS)
async def test_strangers_learn_nothing_from_what_there_is(matrix, method):
    _, ask = matrix
    paths = [
        "/v1",
        "/v1/models",
        "/v1/models/tiny",
        "/v1/models/absent",
        "/v1/samples",
        "/metrics",
        "/absent",
        "//",
        "*",
    ]

    answers = [await ask(method, path, {}) for path in paths]

    for _, headers, _ in answers:
        headers.pop("x-request-id")
    lengths = {headers.pop("content-length") for _, headers, _ in answers}
    assert all(answers[0] == answer for answer in answers)
    assert (401, 1) == (answers[0][0], len(lengths))
    assert "allow" not in answers[0][1]


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


@pytest.mark.parametrize("log_format", ["json", "console"])
async def test_no_secret_of_a_request_is_ever_logged(guarded, capsys, log_format):
    canary = "canary-4f9b27c1"
    configure_logging(LogSettings(level="debug", format=log_format))
    try:
        for headers in (bearer(MASTER), bearer(canary), {}):
            hidden = headers | {"Cookie": canary, "X-Secret": canary, "Accept": canary, "Fount-Timeout": canary}
            hidden |= {"X-Request-ID": f"{canary} "}
            for path in (
                "/v1/samples",
                f"/v1/models/{canary}",
                f"/{canary}",
                "/v1/verifications",
                f"/problems/{canary}",
            ):
                await guarded.post(f"{path}?key={canary}", json={"model": canary, canary: canary}, headers=hidden)
                await guarded.get(f"{path}?{canary}=1", headers=hidden)
                await guarded.request(canary.upper(), path, headers=hidden)
            for name, value in (("a", f"{canary}"), (canary, "image/png")):
                await guarded.post(
                    "/v1/augmentations", files={name: (canary, b"x" + canary.encode(), value)}, headers=hidden
                )
            await guarded.post("/v1/samples", content=canary, headers=hidden | {"Content-Type": "application/json"})
    finally:
        structlog.reset_defaults()

    output = "".join(capsys.readouterr())
    assert output.count("request") > 30
    assert canary not in output.lower()
    assert MASTER not in output


async def test_a_keys_file_holds_no_key(keys_file):
    document = json.loads(keys_file.read_text())

    assert {"id", "sha256", "scopes", "created", "note"} == document[0].keys()
    assert "reader" not in document[0]["sha256"]
    assert 0o600 == keys_file.stat().st_mode & 0o777
