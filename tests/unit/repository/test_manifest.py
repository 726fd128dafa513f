import datetime as dt
import hashlib
import json

import pytest
from pydantic import ValidationError

from app.core.errors import ManifestError
from app.repository.manifest import (
    MAX_MANIFEST_BYTES,
    WEIGHTS_FILE,
    FileEntry,
    Manifest,
    compute_digest,
    dump_manifest,
    parse_manifest,
)
from app.repository.publishing import check_files, seal
from tests.drafts import make_draft, make_files

WHEN = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)


def sealed():
    return seal(make_draft(created=WHEN), 3, make_files())[0]


def test_a_manifest_is_sorted_json_with_its_schema():
    data = dump_manifest(sealed())

    document = json.loads(data)
    assert "fount-manifest/1" == document["schema"]
    assert "2026-01-02T03:04:05Z" == document["created"]
    assert json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False).encode() + b"\n" == data


def test_the_digest_is_that_of_the_stored_manifest_without_digest_then_the_weights():
    manifest = sealed()
    document = json.loads(dump_manifest(manifest)) | {"digest": None}
    stored = json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"

    assert hashlib.sha256(stored.encode() + make_files()[WEIGHTS_FILE]).hexdigest() == manifest.digest


def test_the_digest_of_a_published_version_is_the_same_in_every_release():
    assert sealed().digest.startswith("1ecb7f9fc209f4f6")


def test_the_digest_depends_on_manifest_and_weights():
    manifest = sealed()
    other = manifest.model_copy(update={"num_parameters": 2})

    digests = {
        compute_digest(manifest, b"a"),
        compute_digest(manifest, b"b"),
        compute_digest(other, b"a"),
    }

    assert 3 == len(digests)
    assert compute_digest(manifest, b"a") == compute_digest(manifest.model_copy(update={"digest": None}), b"a")


def test_a_field_added_to_the_schema_later_leaves_published_bytes_as_they_are():
    class LaterManifest(Manifest):
        mood: str = "calm"

    data = dump_manifest(sealed())

    assert data == dump_manifest(LaterManifest.model_validate_json(data))


@pytest.mark.parametrize(
    "change",
    [
        {"name": "../tiny"},
        {"name": "Tiny"},
        {"version": 0},
        {"version": 10**9},
        {"version": "1"},
        {"latent_dim": 0},
        {"latent_dim": 16385},
        {"num_parameters": 0},
        {"parts": []},
        {"parts": ["critic"]},
        {"class_names": ["a", "a"]},
        {"class_names": ["a\nb"]},
        {"class_names": ["\x1b[31m"]},
        {"class_names": [""]},
        {"hyperparameters": {"width": float("inf")}},
        {"hyperparameters": {"Width": 1}},
        {"architecture": "os.system"},
        {"created": WHEN.replace(tzinfo=None)},
        {"files": {"evil.py": FileEntry(sha256="0" * 64, num_bytes=1)}},
        {"digest": "0" * 64},
        {"mood": "calm"},
    ],
    ids=str,
)
def test_what_breaks_the_schema_is_refused(change):
    with pytest.raises(ValidationError):
        make_draft(**change)


@pytest.mark.parametrize("data", [b"", b"null", b"[]", b"{", b"\xff", b'{"schema": "fount-manifest/2"}', b"[" * 10_000])
def test_what_is_no_manifest_is_refused_in_words(data):
    with pytest.raises(ManifestError):
        parse_manifest(data)


def test_the_first_bad_field_is_named():
    document = json.loads(dump_manifest(sealed())) | {"image": {"height": 0, "width": 8, "channels": 1}}

    with pytest.raises(ManifestError, match=r"image\.height: Input should be greater than or equal to 1"):
        parse_manifest(json.dumps(document).encode())


def test_a_manifest_that_no_reader_would_take_is_not_sealed():
    draft = make_draft(evaluation={"notes": "x" * MAX_MANIFEST_BYTES})

    with pytest.raises(ManifestError, match="larger than 1 MiB"):
        seal(draft, 1, make_files())


def test_sealing_writes_weights_first_and_the_manifest_last():
    files = dict.fromkeys(("README.md", "curves.png", "grid.png", "weights.safetensors"), b"x")
    check_files(files)

    _, documents = seal(make_draft(), 1, files)

    assert ["weights.safetensors", "grid.png", "curves.png", "README.md", "manifest.json"] == list(documents)


def test_a_recipe_may_hold_any_json():
    recipe = {"a": [1, 2.5, None, True, "\u00e4\u4e2d"], "b": {"c": {}}, "big": 2**80, "small": 1e-300, "minus": -0.0}
    draft = make_draft(training=make_draft().training.model_copy(update={"recipe": recipe}))

    manifest, _ = seal(draft, 1, make_files())

    assert recipe == manifest.training.recipe
