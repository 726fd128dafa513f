from app.core.errors import VersionNotFoundError
from app.repository.store import ModelRepository
from app.serving.survey import take_survey
from tests.drafts import publish_draft


def test_a_survey_tells_versions_and_aliases(tmp_path):
    manifest = publish_draft(tmp_path)
    repository = ModelRepository(str(tmp_path))
    repository.set_alias("tiny", "production", 1)

    survey = take_survey(repository, None)

    assert {1: manifest} == survey.models["tiny"].manifests
    assert {"production": 1} == survey.models["tiny"].aliases


def test_nothing_is_read_again_when_nothing_changed(tmp_path):
    publish_draft(tmp_path)
    repository = ModelRepository(str(tmp_path))
    last = take_survey(repository, None)

    assert last is take_survey(repository, last)


def test_a_version_that_was_never_readable_is_left_out(tmp_path):
    publish_draft(tmp_path)
    publish_draft(tmp_path, "torn")
    (tmp_path / "torn" / "1" / "manifest.json").write_text("{")

    survey = take_survey(ModelRepository(str(tmp_path)), None)

    assert ["tiny"] == list(survey.models)


def test_what_cannot_be_read_any_more_is_as_it_was(tmp_path):
    manifest = publish_draft(tmp_path)
    repository = ModelRepository(str(tmp_path))
    repository.set_alias("tiny", "production", 1)
    last = take_survey(repository, None)
    (tmp_path / "tiny" / "1" / "manifest.json").write_text("{")
    (tmp_path / "tiny" / "aliases.json").write_text("{")

    survey = take_survey(repository, last)

    assert survey is not last
    assert {1: manifest} == survey.models["tiny"].manifests
    assert {"production": 1} == survey.models["tiny"].aliases


def test_a_version_removed_while_looking_is_left_out(tmp_path, monkeypatch):
    publish_draft(tmp_path)
    repository = ModelRepository(str(tmp_path))

    def vanish(name, version):
        raise VersionNotFoundError("removed")

    monkeypatch.setattr(repository, "read_manifest", vanish)

    assert {} == take_survey(repository, None).models
