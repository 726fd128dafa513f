import errno
import fcntl
import os
import shutil

import pytest

from app.core.errors import ManifestError, ModelNotFoundError, RepositoryError, VersionConflictError
from app.repository.local import LocalStorage, _describe
from app.repository.store import ModelRepository
from tests.drafts import make_draft, make_files, publish_draft


@pytest.fixture
def models(tmp_path):
    return tmp_path / "models"


def listing(folder):
    return sorted(item.name for item in folder.iterdir())


def refuse(number):
    def call(*_args, **_options):
        raise OSError(number, os.strerror(number))

    return call


def test_nothing_but_the_version_is_left_by_publishing(models):
    publish_draft(models)

    assert ["1"] == listing(models / "tiny")
    assert ["README.md", "manifest.json", "weights.safetensors"] == listing(models / "tiny" / "1")


def test_what_is_not_named_as_we_name_things_is_ignored(models):
    publish_draft(models)
    for folder in ("Tiny", ".hidden/1", "tiny/01", "tiny/0", "tiny/.staging-x", "tiny/notes", "tiny/latest"):
        shutil.copytree(models / "tiny" / "1", models / folder)
    (models / "file").write_bytes(b"x")

    repository = ModelRepository(str(models))

    assert ["tiny"] == repository.list_names()
    assert [1] == repository.list_versions("tiny")
    assert [("tiny", 1)] == [(check.name, check.version) for check in repository.verify_all()]
    assert 2 == publish_draft(models).version


@pytest.mark.parametrize("name", ["../models", "Tiny", ".hidden", "", "a/b"])
def test_a_name_that_is_none_reaches_no_file(models, name):
    publish_draft(models)
    repository = ModelRepository(str(models))

    assert [] == repository.list_versions(name)
    assert {} == repository.read_aliases(name)
    with pytest.raises(ModelNotFoundError):
        repository.read_manifest(name, 1)


@pytest.mark.parametrize("file", ["manifest.json", "weights.safetensors", "README.md"])
def test_a_linked_file_is_not_read(models, file):
    publish_draft(models)
    original = models / "tiny" / "1" / file
    original.rename(models / "elsewhere")
    original.symlink_to(models / "elsewhere")

    with pytest.raises(RepositoryError, match=f"{file} is not a regular file"):
        ModelRepository(str(models)).verify("tiny", 1)


def test_a_linked_version_or_model_is_not_read(models, tmp_path):
    publish_draft(tmp_path / "outside")
    models.mkdir()
    (models / "tiny").symlink_to(tmp_path / "outside" / "tiny")
    publish_draft(models, "other")
    (models / "other" / "7").symlink_to(tmp_path / "outside" / "tiny" / "1")
    repository = ModelRepository(str(models))

    assert ["other"] == repository.list_names()
    assert [1] == repository.list_versions("other")
    with pytest.raises(RepositoryError, match="not a regular file"):
        repository.verify("other", 7)
    with pytest.raises(RepositoryError):
        publish_draft(models)
    assert 8 == publish_draft(models, "other").version


@pytest.mark.parametrize("file", ["manifest.json", "weights.safetensors"])
def test_a_pipe_does_not_keep_a_reader_waiting(models, file):
    publish_draft(models)
    (models / "tiny" / "1" / file).unlink()
    os.mkfifo(models / "tiny" / "1" / file)

    with pytest.raises(RepositoryError, match="not a regular file"):
        ModelRepository(str(models)).verify("tiny", 1)


def test_aliases_behind_a_link_are_refused(models, tmp_path):
    publish_draft(models)
    (tmp_path / "secret").write_text("{}")
    (models / "tiny" / "aliases.json").symlink_to(tmp_path / "secret")

    with pytest.raises(RepositoryError):
        ModelRepository(str(models)).read_aliases("tiny")


def test_a_tombstone_does_not_follow_a_link_out_of_the_repository(models, tmp_path):
    (tmp_path / "outside").mkdir()
    publish_draft(models)
    (models / "tiny" / "2").symlink_to(tmp_path / "outside")

    with pytest.raises(RepositoryError):
        ModelRepository(str(models)).remove("tiny", 2)
    assert [] == listing(tmp_path / "outside")


@pytest.mark.parametrize("kind", ["folder", "file", "dangling link"])
def test_a_number_is_taken_by_anything_of_that_name(models, kind):
    publish_draft(models)
    taken = models / "tiny" / "2"
    {
        "folder": taken.mkdir,
        "file": taken.touch,
        "dangling link": lambda: taken.symlink_to("nowhere"),
    }[kind]()

    with pytest.raises(VersionConflictError):
        publish_draft(models, version=2)
    with pytest.raises(FileExistsError):
        LocalStorage(str(models)).publish("tiny/2", {"weights.safetensors": b"x"})
    assert 3 == publish_draft(models).version


def test_a_lost_race_takes_the_next_number(models, monkeypatch):
    publish_draft(models)
    scan = LocalStorage.scan
    rivals = iter([2, 3])

    def scan_then_lose(self, name=None):
        found = scan(self, name)
        for rival in rivals:
            (models / "tiny" / str(rival)).mkdir()
            break
        return found

    monkeypatch.setattr(LocalStorage, "scan", scan_then_lose)

    assert 4 == publish_draft(models).version


def test_staging_of_a_dead_publisher_is_swept_and_of_a_living_one_is_not(models):
    publish_draft(models)
    dead, living = models / "tiny" / ".staging-dead", models / "tiny" / ".staging-living"
    dead.mkdir()
    living.mkdir()
    (dead / "weights.safetensors").write_bytes(b"half")
    descriptor = os.open(living, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)

    publish_draft(models)
    os.close(descriptor)

    assert not dead.exists()
    assert living.exists()


def test_publishing_that_fails_leaves_nothing(models, monkeypatch):
    publish_draft(models)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", refuse(errno.ENOSPC))
        with pytest.raises(RepositoryError, match="No space left"):
            publish_draft(models)

    assert ["1"] == listing(models / "tiny")
    assert 2 == publish_draft(models).version


def test_a_reader_sees_the_old_aliases_until_the_new_are_whole(models, monkeypatch):
    publish_draft(models)
    publish_draft(models)
    repository = ModelRepository(str(models))
    repository.set_alias("tiny", "production", 1)
    rename = os.rename
    seen = []

    def look_then_rename(*args, **kwargs):
        seen.append(repository.read_aliases("tiny"))
        rename(*args, **kwargs)

    monkeypatch.setattr(os, "rename", look_then_rename)
    repository.set_alias("tiny", "production", 2)

    assert [{"production": 1}] == seen
    assert {"production": 2} == repository.read_aliases("tiny")


def test_a_left_over_temporary_file_does_not_stop_the_next_write(models):
    publish_draft(models)
    (models / "tiny" / ".aliases.json.tmp").write_bytes(b"half")

    ModelRepository(str(models)).set_alias("tiny", "production", 1)

    assert ["1", "aliases.json"] == listing(models / "tiny")


def test_folders_that_cannot_be_locked_still_detect_a_taken_number(models, monkeypatch):
    monkeypatch.setattr(fcntl, "flock", refuse(errno.ENOLCK))
    publish_draft(models)
    publish_draft(models)
    with monkeypatch.context() as patch:
        patch.setattr(os, "lstat", refuse(errno.ENOENT))
        with pytest.raises(FileExistsError):
            LocalStorage(str(models)).publish("tiny/2", {"weights.safetensors": b"x"})

    assert [1, 2] == ModelRepository(str(models)).list_versions("tiny")


def test_a_repository_that_is_a_file_cannot_be_published_to(models):
    models.write_bytes(b"x")

    with pytest.raises(RepositoryError, match="not a folder"):
        publish_draft(models)


def test_a_manifest_that_cannot_be_written_writes_nothing(models):
    draft = make_draft(evaluation={"fid": object()})

    with pytest.raises(ManifestError):
        ModelRepository(str(models)).publish(draft, make_files())
    assert not models.exists()


@pytest.mark.parametrize("call", ["scandir", "open"])
def test_a_folder_that_may_not_be_read_is_told_and_not_taken_for_empty(models, monkeypatch, call):
    publish_draft(models)

    monkeypatch.setattr(os, call, refuse(errno.EACCES))
    with pytest.raises(RepositoryError, match="Permission denied"):
        ModelRepository(str(models)).list_names()


def test_a_lock_that_fails_for_another_reason_stops_the_write(models, monkeypatch):
    publish_draft(models)

    monkeypatch.setattr(fcntl, "flock", refuse(errno.EIO))
    with pytest.raises(RepositoryError, match="Input/output error"):
        ModelRepository(str(models)).set_alias("tiny", "production", 1)


def test_a_rename_that_fails_for_another_reason_is_no_conflict(models, monkeypatch):
    monkeypatch.setattr(os, "rename", refuse(errno.EROFS))

    with pytest.raises(RepositoryError, match="Read-only file system"):
        publish_draft(models, version=1)
    assert [] == listing(models / "tiny")


def test_a_file_that_goes_while_it_is_listed_is_no_file(models):
    publish_draft(models)
    (item,) = (item for item in os.scandir(models / "tiny" / "1") if item.name == "manifest.json")
    (models / "tiny" / "1" / "manifest.json").unlink()

    assert "other" == _describe(item).kind


def test_a_publisher_that_always_loses_gives_up(models, monkeypatch):
    def lose(*_args):
        raise FileExistsError

    monkeypatch.setattr(LocalStorage, "publish", lose)

    with pytest.raises(VersionConflictError, match="kept taking"):
        publish_draft(models)
