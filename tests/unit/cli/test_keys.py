import json

import pytest
from typer.testing import CliRunner

from app.api.keys import hash_key, read_keys_file
from app.cli import app


@pytest.fixture
def path(tmp_path):
    return tmp_path / "keys.json"


@pytest.fixture
def run(path):
    return lambda verb, *arguments: CliRunner().invoke(app, ["keys", verb, *arguments, "--keys-file", str(path)])


def create(run, *arguments):
    return json.loads(run("create", "--json", *arguments).stdout)


def test_a_new_key_is_printed_once_and_stored_as_a_hash(run, path):
    result = run("create", "--scopes", "read,sample", "--note", "trainer")

    key = result.stdout.strip()
    stored = read_keys_file(path)[0]
    assert (0, hash_key(key), ["read", "sample"], "trainer") == (
        result.exit_code,
        stored.sha256,
        stored.scopes,
        stored.note,
    )
    assert key not in path.read_text()
    assert 0o600 == path.stat().st_mode & 0o777


def test_a_key_may_have_rates_of_its_own(run, path):
    create(run)
    create(run, "--requests-per-minute", "600", "--device-seconds-per-minute", "0.5")
    create(run, "--requests-per-minute", "0")

    rates = [(key.requests_per_minute, key.device_seconds_per_minute) for key in read_keys_file(path)]
    assert [(None, None), (600, 0.5), (0, None)] == rates
    assert "600 requests/min" in (shown := run("list").stdout)
    assert "any requests/min" in shown
    assert "requests_per_minute" not in json.loads(path.read_text())[0]


@pytest.mark.parametrize("option", ["--requests-per-minute", "--device-seconds-per-minute"])
@pytest.mark.parametrize("value", ["-1", "99999999999", "nan"])
def test_rates_that_cannot_be_are_refused(run, path, option, value):
    assert 2 == run("create", option, value).exit_code
    assert not path.exists()


def test_keys_are_listed_without_their_hashes(run):
    created = create(run, "--scopes", "admin")

    listed = json.loads(run("list", "--json").stdout)["keys"]

    assert [(created["id"], ["admin"])] == [(key["id"], key["scopes"]) for key in listed]
    assert "sha256" not in listed[0]
    assert created["id"] in run("list").stdout


def test_a_revoked_key_is_gone(run, path):
    first, second = create(run), create(run)

    result = run("revoke", first["id"])

    assert 0 == result.exit_code
    assert [second["id"]] == [key.id for key in read_keys_file(path)]


def test_an_unknown_id_is_told(run):
    result = run("revoke", "absent")

    assert (1, True) == (result.exit_code, "no key has the id absent" in result.stderr)


@pytest.mark.parametrize("arguments", [["--scopes", "root"], ["--scopes", ""], ["--note", "x" * 201]])
def test_what_is_no_key_is_a_usage_error(run, path, arguments):
    assert 2 == run("create", *arguments).exit_code
    assert not path.exists()


def test_a_broken_file_is_never_overwritten(run, path):
    path.write_text("[")

    result = run("create")

    assert (1, "[") == (result.exit_code, path.read_text())
    assert "keys file is not valid" in result.stderr


def test_the_file_of_the_settings_is_used(path, monkeypatch):
    monkeypatch.setenv("FOUNT_KEYS_FILE", str(path))

    CliRunner().invoke(app, ["keys", "create"])

    assert 1 == len(read_keys_file(path))


def test_settings_that_are_not_valid_are_told(monkeypatch):
    monkeypatch.setenv("FOUNT_HTTP__PORT", "x")

    result = CliRunner().invoke(app, ["keys", "list"])

    assert (1, True) == (result.exit_code, "FOUNT_HTTP__PORT" in result.stderr)
