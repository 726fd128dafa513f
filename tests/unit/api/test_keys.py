import pytest

from app.api.keys import ANYBODY, AccessScope, KeyRing, StoredKey, draw_key, hash_key, read_keys_file, write_keys_file
from app.core.errors import ConfigurationError
from app.core.settings import Settings
from app.repository.manifest import utc_now


def make_entry(name: str, *scopes: str) -> StoredKey:
    return StoredKey(id=name, sha256=hash_key(f"key-{name}"), scopes=list(scopes or ["read"]), created=utc_now())


def test_without_keys_everybody_may_do_everything():
    assert KeyRing(Settings()).is_open
    assert frozenset(AccessScope) == ANYBODY.scopes


def test_the_key_of_the_settings_has_all_scopes():
    ring = KeyRing(Settings(api_key="s" * 20))

    assert not ring.is_open
    assert frozenset(AccessScope) == ring.identify("s" * 20).scopes
    assert ring.identify("s" * 19) is None


def test_a_stored_key_has_its_own_scopes(tmp_path):
    path = tmp_path / "keys.json"
    write_keys_file(path, [make_entry("a", "read", "sample"), make_entry("b")])

    ring = KeyRing(Settings(keys_file=path))

    assert ("a", {"read", "sample"}) == (ring.identify("key-a").id, set(ring.identify("key-a").scopes))
    assert "b" == ring.identify("key-b").id
    assert ring.identify("key-c") is None


def test_an_empty_list_of_keys_lets_nobody_in(tmp_path):
    path = tmp_path / "keys.json"
    write_keys_file(path, [])

    ring = KeyRing(Settings(keys_file=path))

    assert not ring.is_open
    assert ring.identify("") is None


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "cannot read"),
        ("", "not valid"),
        ("{}", "not valid"),
        ('[{"id": "a"}]', "not valid"),
        ('[{"id": "../a", "sha256": "%s", "scopes": ["read"], "created": "2026-01-01T00:00:00Z"}]' % ("0" * 64), "id"),
        ('[{"id": "a", "sha256": "%s", "scopes": ["root"], "created": "2026-01-01T00:00:00Z"}]' % ("0" * 64), "scopes"),
        (" " * (2**20 + 1), "larger"),
    ],
    ids=["absent", "empty", "object", "incomplete", "id", "scope", "large"],
)
def test_a_keys_file_that_is_not_usable_stops_the_start(tmp_path, content, reason):
    path = tmp_path / "keys.json"
    if content is not None:
        path.write_text(content)

    with pytest.raises(ConfigurationError, match=reason):
        KeyRing(Settings(keys_file=path))


def test_an_id_is_there_once(tmp_path):
    path = tmp_path / "keys.json"
    write_keys_file(path, [make_entry("a"), make_entry("a")])

    with pytest.raises(ConfigurationError, match="twice"):
        read_keys_file(path)


def test_a_keys_file_is_replaced_in_one_step(tmp_path, monkeypatch):
    path = tmp_path / "keys.json"
    write_keys_file(path, [make_entry("a")])
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError("disk")))

    with pytest.raises(OSError, match="disk"):
        write_keys_file(path, [make_entry("b")])

    assert ["a"] == [key.id for key in read_keys_file(path)]
    assert [path] == list(tmp_path.iterdir())


def test_keys_are_long_and_all_different():
    keys = {draw_key() for _ in range(100)}

    assert 100 == len(keys)
    assert min(map(len, keys)) >= 43


@pytest.mark.parametrize("odd", ["", "\0", "ключ", "\ud800", "x" * 10_000])
def test_odd_keys_are_just_wrong(odd):
    assert KeyRing(Settings(api_key="s" * 20)).identify(odd) is None
