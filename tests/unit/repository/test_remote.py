import secrets

import fsspec
import pytest

from app.core.errors import RepositoryError, VersionConflictError
from app.repository.manifest import MANIFEST_FILE
from app.repository.remote import RemoteStorage
from app.repository.store import ModelRepository
from tests.drafts import make_draft, make_files


@pytest.fixture
def url():
    return f"memory://{secrets.token_hex(8)}"


@pytest.fixture
def memory():
    return fsspec.filesystem("memory")


def test_the_manifest_is_written_last(url, memory, monkeypatch):
    written = []
    pipe_file = type(memory).pipe_file

    def record(self, path, value, mode="overwrite", **options):
        written.append((path.rpartition("/")[2], mode))
        pipe_file(self, path, value, mode=mode, **options)

    monkeypatch.setattr(type(memory), "pipe_file", record)
    ModelRepository(url).publish(make_draft(), make_files())

    assert [
        ("weights.safetensors", "create"),
        ("README.md", "create"),
        (MANIFEST_FILE, "create"),
    ] == written


def test_a_publisher_that_dies_leaves_a_torn_version_that_is_not_listed(url, memory, monkeypatch):
    repository = ModelRepository(url)
    pipe_file = type(memory).pipe_file

    def die_at_the_manifest(self, path, value, mode="overwrite", **options):
        if path.endswith(MANIFEST_FILE):
            raise OSError("the connection is gone")
        pipe_file(self, path, value, mode=mode, **options)

    with monkeypatch.context() as patch:
        patch.setattr(type(memory), "pipe_file", die_at_the_manifest)
        with pytest.raises(RepositoryError):
            repository.publish(make_draft(), make_files())

    assert [] == repository.list_versions("tiny")
    assert [1] == [check.version for check in repository.verify_all()]
    assert 2 == repository.publish(make_draft(), make_files()).version


def test_who_creates_the_weights_first_owns_the_number(url, monkeypatch):
    winner, loser = ModelRepository(url), ModelRepository(url)
    winner.publish(make_draft(), make_files(1))
    listings = iter([{}, {}])  # the loser looked before the winner wrote
    scan = RemoteStorage.scan

    def look_too_early(self, name=None):
        return next(listings, None) or scan(self, name)

    monkeypatch.setattr(RemoteStorage, "scan", lambda self, name=None: next(listings, None) or {})
    with pytest.raises(FileExistsError):
        loser._storage.publish("tiny/1", {"weights.safetensors": b"x"})
    monkeypatch.setattr(RemoteStorage, "scan", look_too_early)

    with pytest.raises(VersionConflictError):
        loser.publish(make_draft(), make_files(2), 1)
    assert make_files(1)["weights.safetensors"] == winner.read_weights(winner.verify("tiny", 1))


def test_two_repositories_on_one_store_see_each_other(url):
    ModelRepository(url).publish(make_draft(), make_files())
    ModelRepository(f"{url}/").set_alias("tiny", "production", 1)

    assert {"production": 1} == ModelRepository(url).read_aliases("tiny")


def test_folders_and_hidden_files_are_no_files(url):
    repository = ModelRepository(url)
    repository.publish(make_draft(), make_files())
    repository._storage.write("tiny/.git/config", b"x")
    repository._storage.write("tiny/2/weights.safetensors/part", b"x")

    assert [1] == repository.list_versions("tiny")
    with pytest.raises(RepositoryError, match="not a regular file"):
        repository._storage.read("tiny/2/weights.safetensors", 10)
    assert 3 == repository.publish(make_draft(), make_files()).version


def test_a_number_with_any_file_is_taken(url):
    repository = ModelRepository(url)
    repository._storage.write("tiny/1/README.md", b"x")

    with pytest.raises(FileExistsError):
        repository._storage.publish("tiny/1", make_files())


def test_a_store_that_does_not_know_the_folder_has_an_empty_one(url, memory, monkeypatch):
    def find(*_args, **_options):
        raise FileNotFoundError

    monkeypatch.setattr(type(memory), "find", find)

    assert [] == ModelRepository(url).list_names()
