import json
import socket

import pytest

from app.cli.diagnosis.door import check_keys, check_port, check_settings
from app.core.errors import ConfigurationError

KEY = {"id": "one", "sha256": "0" * 64, "scopes": ["read"], "created": "2026-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("sections", "is_well", "words"),
    [
        ({}, True, "this machine only"),
        ({"api_key": "k" * 16}, True, "keys are required"),
        ({"api_key": "short"}, False, "at least 16"),
        ({"http": {"host": "0.0.0.0"}}, False, "refusing to listen"),
        ({"http": {"host": "0.0.0.0", "insecure": True}}, True, "open to everybody"),
    ],
)
def test_who_gets_in_is_told(make_case, sections, is_well, words):
    [finding] = check_settings(make_case(**sections))

    assert (is_well, True) == (finding.is_well, words in finding.detail)


def test_a_free_port_is_free(make_case):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        [busy] = check_port(make_case(http={"port": port}))

    [free] = check_port(make_case(http={"port": port}))

    assert (True, "") == (free.is_well, free.advice)
    assert (True, True) == (busy.is_well, f"--url http://127.0.0.1:{port}" in busy.advice)


def test_an_address_of_another_machine_cannot_be_taken(make_case):
    [finding] = check_port(make_case(http={"host": "192.0.2.1"}))

    assert not finding.is_well


@pytest.mark.parametrize(
    ("mode", "keys", "is_well", "advised"),
    [
        (0o600, [KEY], True, ""),
        (0o640, [KEY], True, "chmod 600"),
        (0o602, [KEY], False, "chmod 600"),
        (0o600, [], True, "fount keys create"),
    ],
)
def test_a_keys_file_that_others_may_touch_is_told(make_case, tmp_path, mode, keys, is_well, advised):
    path = tmp_path / "keys.json"
    path.write_text(json.dumps(keys))
    path.chmod(mode)

    [finding] = check_keys(make_case(keys_file=path))

    assert (is_well, True) == (finding.is_well, advised in finding.advice if advised else finding.advice == "")
    assert "0" * 64 not in finding.detail


def test_a_keys_file_that_is_none_is_an_error(make_case, tmp_path):
    with pytest.raises(ConfigurationError, match="cannot read the keys file"):
        list(check_keys(make_case(keys_file=tmp_path / "absent")))


def test_no_keys_file_is_nothing_to_look_at(make_case):
    assert [] == list(check_keys(make_case()))
