import os

import pytest

from app.cli.diagnosis.models import check_aliases, check_models, check_repository
from app.repository.store import ModelRepository
from tests.drafts import publish_draft


@pytest.fixture
def root(tmp_path):
    path = tmp_path / "models"
    publish_draft(path)
    return path


def test_a_repository_that_can_be_written_is_well(make_case, root):
    [finding] = check_repository(make_case())

    assert (True, "") == (finding.is_well, finding.advice)


@pytest.mark.parametrize(
    ("refused", "is_well", "words"), [(os.R_OK | os.X_OK, False, "cannot be read"), (os.W_OK, True, "only be read")]
)
def test_what_may_not_be_done_with_a_repository_is_told(make_case, root, monkeypatch, refused, is_well, words):
    monkeypatch.setattr(os, "access", lambda _, wanted: wanted != refused)

    [finding] = check_repository(make_case())

    assert (is_well, True) == (finding.is_well, words in finding.detail)
    assert finding.advice


def test_a_repository_that_is_not_there_yet_is_told(make_case):
    [finding] = check_repository(make_case())

    assert (True, True) == (finding.is_well, "not there yet" in finding.detail)


def test_a_repository_elsewhere_is_left_to_its_models(make_case):
    [finding] = check_repository(make_case(repository={"url": "memory://models"}))

    assert finding.is_well


def test_a_full_disk_is_told(make_case, root, monkeypatch):
    monkeypatch.setattr("app.cli.diagnosis.models.ROOM_BYTES", 2**80)

    [finding] = check_repository(make_case())

    assert "make room" in finding.advice


def test_a_version_that_is_not_sound_is_told_with_its_reason(make_case, root):
    publish_draft(root)
    (root / "tiny" / "2" / "weights.safetensors").write_bytes(b"x")

    findings = {finding.detail.partition(":")[0]: finding for finding in check_models(make_case())}

    assert {"tiny@1": True, "tiny@2": False} == {name: finding.is_well for name, finding in findings.items()}
    assert "fount models remove tiny@2" in findings["tiny@2"].advice


def test_no_models_are_no_fault(make_case):
    [finding] = check_models(make_case())

    assert (True, True) == (finding.is_well, "fount train" in finding.advice)


def test_an_alias_that_points_nowhere_is_told(make_case, root):
    publish_draft(root)
    store = ModelRepository(str(root))
    store.set_alias("tiny", "production", 2)
    assert [] == list(check_aliases(make_case()))
    for path in sorted((root / "tiny" / "2").iterdir()):
        path.unlink()
    (root / "tiny" / "2").rmdir()

    [finding] = check_aliases(make_case())

    assert (False, True) == (finding.is_well, "tiny@production points to version 2" in finding.detail)
