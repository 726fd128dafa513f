import json

import httpx
import pytest
import structlog

from app.api.keys import AccessScope, StoredKey, hash_key, write_keys_file
from app.core.logging import configure_logging
from app.core.settings import LogSettings
from app.repository.manifest import utc_now

URL = "/v1/models/tiny/aliases/candidate"
REPOSITORY = "/v2/repository/models"


@pytest.fixture
def logged(capsys):
    """Logs as a service writes them that is told to write errors only; read as JSON."""
    configure_logging(LogSettings(level="error", format="json"))
    yield lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    structlog.reset_defaults()


@pytest.fixture
async def guarded(open_client, make_settings, tmp_path, logged) -> httpx.AsyncClient:
    path = tmp_path / "keys.json"
    keys = {"boss": [AccessScope.READ, AccessScope.ADMIN], "reader": [AccessScope.READ]}
    stored = [
        StoredKey(id=name, sha256=hash_key(f"secret-of-{name}"), scopes=scopes, created=utc_now())
        for name, scopes in keys.items()
    ]
    write_keys_file(path, stored)
    return await open_client(make_settings(keys_file=path))


def bearer(name, **headers):
    return {"Authorization": f"Bearer secret-of-{name}", "X-Request-ID": f"by-{name}", **headers}


async def test_moves_are_written_whatever_the_level_with_who_and_from_where_to_where(guarded, logged):
    await guarded.put(URL, json={"version": 1}, headers=bearer("boss"))
    await guarded.put(URL, json={"version": 2}, headers=bearer("boss"))
    await guarded.delete(URL, headers=bearer("boss"))

    lines = logged()

    assert [
        ("alias-moved", None, 1, "done"),
        ("alias-moved", 1, 2, "done"),
        ("alias-deleted", 2, None, "done"),
    ] == [(line["action"], line["from"], line["to"], line["outcome"]) for line in lines]
    assert [
        {"component": "audit", "event": "admin-action", "level": "info", "who": "boss", "request_id": "by-boss"}
    ] * 3 == [{name: line[name] for name in ("component", "event", "level", "who", "request_id")} for line in lines]
    assert {"tiny@candidate"} == {line["target"] for line in lines}


@pytest.mark.parametrize(
    ("caller", "path", "body", "headers", "outcome"),
    [
        ("reader", URL, {"version": 1}, {}, "missing-scope"),
        ("boss", URL, {"version": 1}, {"If-Match": '"2"'}, "precondition-failed"),
        ("boss", URL, {"version": 9}, {}, "version-not-found"),
        ("boss", URL, {"version": "x"}, {}, "invalid-input"),
        ("boss", "/v1/models/absent/aliases/candidate", {"version": 1}, {}, "model-not-found"),
    ],
)
async def test_refused_moves_are_written_too(guarded, logged, caller, path, body, headers, outcome):
    answer = await guarded.put(path, json=body, headers=bearer(caller, **headers))

    [line] = logged()

    assert (answer.json()["code"], caller) == (line["outcome"], line["who"])
    assert outcome in {line["outcome"], "invalid-input"}


@pytest.mark.parametrize(
    ("caller", "path", "line"),
    [
        ("boss", "tiny@2/load", ("version-loaded", "tiny@2", None, 2, "done")),
        ("boss", "tiny/load", ("version-loaded", "tiny", None, 1, "done")),
        ("reader", "tiny/load", ("version-loaded", "tiny", None, None, "missing-scope")),
        ("boss", "absent/load", ("version-loaded", "absent", None, None, "model-not-found")),
        ("boss", "tiny@2/unload", ("version-unloaded", "tiny@2", 2, None, "done")),
        ("boss", "tiny/unload", ("version-unloaded", "tiny", None, None, "done")),
        ("reader", "tiny/unload", ("version-unloaded", "tiny", None, None, "missing-scope")),
        ("boss", "tiny@9/unload", ("version-unloaded", "tiny@9", None, None, "version-not-found")),
    ],
)
async def test_loading_and_unloading_by_a_dialect_is_written(guarded, logged, caller, path, line):
    await guarded.post(f"{REPOSITORY}/{path}", headers=bearer(caller))

    [found] = logged()

    assert line == tuple(found[name] for name in ("action", "target", "from", "to", "outcome"))
    assert (caller, f"by-{caller}") == (found["who"], found["request_id"])


@pytest.mark.parametrize(
    ("method", "path"), [("PUT", "/v1/models/tiny/aliases/%22%0A{evil}"), ("POST", f"{REPOSITORY}/%22%0A{{evil}}/load")]
)
async def test_what_is_no_name_is_not_written(guarded, logged, method, path):
    await guarded.request(method, path, json={"version": 1}, headers=bearer("boss"))

    [line] = logged()

    assert "invalid" == line["target"]
    assert "evil" not in json.dumps(line)


async def test_reading_leaves_no_line(guarded, logged):
    await guarded.get("/v1/models", headers=bearer("boss"))
    await guarded.get("/v1/models/tiny/aliases/production", headers=bearer("boss"))
    await guarded.post("/v2/repository/index", headers=bearer("boss"))
    await guarded.post("/v2/models/tiny/infer", headers=bearer("boss"))

    assert [] == logged()
