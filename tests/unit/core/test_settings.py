import pytest
from pydantic import ValidationError

from app.core.errors import ConfigurationError
from app.core.settings import HttpSettings, Settings, check_exposure


def make_settings(host="127.0.0.1", **changes):
    return Settings(http=HttpSettings(host=host, insecure=changes.pop("insecure", False)), **changes)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_loopback_needs_no_keys(host):
    check_exposure(make_settings(host))

    assert not make_settings(host).has_keys


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.7", "example.org", ""])
def test_any_other_address_is_refused_without_keys(host):
    with pytest.raises(ConfigurationError) as caught:
        check_exposure(make_settings(host))

    assert "http.host" == caught.value.fields["setting"]


@pytest.mark.parametrize(
    "changes", [{"api_key": "a-key-of-some-length"}, {"keys_file": "keys.json"}, {"insecure": True}]
)
def test_keys_or_an_explicit_wish_open_other_addresses(changes):
    check_exposure(make_settings("0.0.0.0", **changes))

    assert "insecure" in changes or make_settings(**changes).has_keys


def test_a_short_key_is_refused():
    with pytest.raises(ConfigurationError, match="16 characters"):
        check_exposure(make_settings(api_key="short"))


def test_a_key_is_not_shown():
    assert "a-key-of-some-length" not in repr(make_settings(api_key="a-key-of-some-length"))


def test_environment_variables_reach_their_section(monkeypatch):
    monkeypatch.setenv("FOUNT_HTTP__PORT", "8123")
    monkeypatch.setenv("FOUNT_WORKER__BATCH_SIZES", "[16, 32]")
    monkeypatch.setenv("FOUNT_API_KEY", "")

    settings = Settings()

    assert (8123, (16, 32), None) == (settings.http.port, settings.worker.batch_sizes, settings.api_key)


@pytest.mark.parametrize(("name", "value"), [("PORT", "70000"), ("PORT", "x"), ("PROT", "1")])
def test_wrong_environment_variables_are_refused(monkeypatch, name, value):
    monkeypatch.setenv(f"FOUNT_HTTP__{name}", value)

    with pytest.raises(ValidationError):
        Settings()
