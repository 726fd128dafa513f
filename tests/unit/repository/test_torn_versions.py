"""A version that is not exactly what was published is refused, and the reason is told in words."""

import json
import os
import shutil

import pytest

from app.core.errors import DigestMismatchError, ManifestError, RepositoryError
from app.repository.manifest import MAX_MANIFEST_BYTES, dump_manifest
from app.repository.store import ModelRepository
from tests.drafts import make_draft, make_files, publish_draft


@pytest.fixture
def torn(repository):
    repository.publish(make_draft(), make_files())
    return repository


def replace(repository, file, data):
    repository._storage.write(f"tiny/1/{file}", data)


def read(repository, file):
    return repository._storage.read(f"tiny/1/{file}", 2**20)


def tear_off_manifest(repository):
    repository._storage.delete("tiny/1/manifest.json")


def tear_off_card(repository):
    repository._storage.delete("tiny/1/README.md")


def shorten(repository):
    replace(repository, "weights.safetensors", bytes(63))


def lengthen(repository):
    replace(repository, "weights.safetensors", bytes(65))


def empty(repository):
    replace(repository, "weights.safetensors", b"")


def exchange(repository):
    replace(repository, "weights.safetensors", b"\xff" * 64)


def cut_manifest(repository):
    replace(repository, "manifest.json", read(repository, "manifest.json")[:100])


def swell_manifest(repository):
    replace(repository, "manifest.json", b" " * (MAX_MANIFEST_BYTES + 1))


def rename_manifest(repository):
    replace(repository, "manifest.json", read(repository, "manifest.json").replace(b'"tiny"', b'"huge"'))


def renumber_manifest(repository):
    replace(repository, "manifest.json", read(repository, "manifest.json").replace(b'"version": 1', b'"version": 2'))


def reformat_manifest(repository):
    document = json.loads(read(repository, "manifest.json"))
    replace(repository, "manifest.json", json.dumps(document).encode())


def edit_manifest(repository):
    replace(repository, "manifest.json", read(repository, "manifest.json").replace(b'"seed": 0', b'"seed": 1'))


def unsign_manifest(repository):
    manifest = repository.read_manifest("tiny", 1)
    replace(repository, "manifest.json", dump_manifest(manifest.model_copy(update={"digest": None})))


TEARS = [
    (tear_off_manifest, ManifestError, "manifest.json is missing: the version was never finished"),
    (tear_off_card, DigestMismatchError, "README.md is missing"),
    (shorten, DigestMismatchError, "weights.safetensors is shorter than the 64 bytes that were published"),
    (lengthen, DigestMismatchError, "weights.safetensors is longer than the 64 bytes that were published"),
    (empty, DigestMismatchError, "weights.safetensors is shorter than the 64 bytes that were published"),
    (exchange, DigestMismatchError, "weights.safetensors has other bytes than were published: its SHA-256 differs"),
    (cut_manifest, ManifestError, "document: Invalid JSON"),
    (swell_manifest, ManifestError, "the manifest is larger than 1 MiB"),
    (rename_manifest, ManifestError, "the manifest is that of another model or version"),
    (renumber_manifest, ManifestError, "the manifest is that of another model or version"),
    (reformat_manifest, ManifestError, "the manifest was rewritten after it was published"),
    (edit_manifest, DigestMismatchError, "the manifest and the weights do not give the digest"),
    (unsign_manifest, ManifestError, "digest: the manifest has none"),
]


@pytest.mark.parametrize(("tear", "error", "reason"), TEARS, ids=[tear.__name__ for tear, _, _ in TEARS])
def test_a_torn_version_is_refused_with_its_reason(torn, tear, error, reason):
    tear(torn)

    with pytest.raises(error) as refusal:
        torn.verify("tiny", 1)

    assert refusal.value.detail.startswith(reason)
    (check,) = torn.verify_all()
    assert (1, None, reason) == (check.version, check.manifest, check.error.detail[: len(reason)])


def test_a_version_without_manifest_is_not_listed_and_keeps_its_number(torn):
    tear_off_manifest(torn)

    assert [] == torn.list_versions("tiny")
    assert 2 == torn.publish(make_draft(), make_files()).version


def test_a_torn_version_can_be_removed(torn):
    torn.publish(make_draft(), make_files())
    cut_manifest(torn)

    torn.remove("tiny", 1)

    assert [2] == [check.version for check in torn.verify_all()]


def test_a_copied_version_folder_is_not_the_version_that_it_is_named(tmp_path):
    publish_draft(tmp_path)
    shutil.copytree(tmp_path / "tiny" / "1", tmp_path / "tiny" / "9")

    with pytest.raises(RepositoryError, match="another model or version"):
        ModelRepository(str(tmp_path)).verify("tiny", 9)


@pytest.mark.parametrize("depth", [200, 100_000])
def test_a_manifest_that_is_too_deep_is_refused(torn, depth):
    nested = b'"recipe": ' + b'{"a":' * depth + b"1" + b"}" * depth
    manifest = read(torn, "manifest.json")
    start = manifest.index(b'"recipe": ')
    end = manifest.index(b"}", start) + 1
    replace(torn, "manifest.json", manifest[:start] + nested + manifest[end:])

    with pytest.raises(ManifestError):
        torn.verify("tiny", 1)


def test_checkpoints_beside_a_version_are_never_opened(tmp_path):
    publish_draft(tmp_path)
    for name in ("weights.pt", "model.ckpt", "archive.zip"):
        os.mkfifo(tmp_path / "tiny" / "1" / name)  # whoever opened one would wait for ever

    assert [1] == [check.version for check in ModelRepository(str(tmp_path)).verify_all() if check.error is None]
