from concurrent.futures import ThreadPoolExecutor

import pytest

from app.core.errors import (
    AliasNotFoundError,
    ConfigurationError,
    ConflictError,
    InvalidInputError,
    ManifestError,
    ModelNotFoundError,
    NotFoundError,
    PreconditionFailedError,
    VersionConflictError,
    VersionInUseError,
    VersionNotFoundError,
)
from app.repository.manifest import WEIGHTS_FILE
from app.repository.store import ModelRepository
from tests.drafts import make_draft, make_files


def publish(repository, name="tiny", *, version=None, seed=0):
    return repository.publish(make_draft(name), make_files(seed), version)


def test_a_published_version_is_listed_and_reads_back(repository):
    published = publish(repository)

    assert ["tiny"] == repository.list_names()
    assert [1] == repository.list_versions("tiny")
    assert published == repository.read_manifest("tiny", 1)
    assert published == repository.verify("tiny", 1)
    assert make_files()[WEIGHTS_FILE] == repository.read_weights(published)
    assert b"# tiny\n" == repository.read_file("tiny", 1, "README.md")


def test_an_empty_repository_lists_nothing(repository):
    assert [] == repository.list_names()
    assert [] == repository.list_versions("tiny")
    assert {} == repository.read_aliases("tiny")
    assert [] == list(repository.verify_all())


def test_versions_count_up_and_are_listed_as_numbers(repository):
    versions = [publish(repository).version for _ in range(11)]

    assert list(range(1, 12)) == versions == repository.list_versions("tiny")


def test_a_version_that_is_asked_for_is_taken_once(repository):
    publish(repository, version=7)

    with pytest.raises(VersionConflictError):
        publish(repository, version=7)
    assert 8 == publish(repository).version


@pytest.mark.parametrize("version", [0, -1, 10**9])
def test_a_number_that_no_version_can_have_is_refused(repository, version):
    with pytest.raises(VersionConflictError):
        publish(repository, version=version)


@pytest.mark.parametrize(
    "files",
    [{}, {"README.md": b"x"}, {WEIGHTS_FILE: b""}, {WEIGHTS_FILE: b"x", "evil.py": b"x"}],
    ids=["none", "no weights", "empty weights", "unknown file"],
)
def test_files_that_make_no_version_are_refused(repository, files):
    with pytest.raises(ManifestError):
        repository.publish(make_draft(), files)
    assert [] == repository.list_names()


def test_a_removed_version_is_gone_and_its_number_is_never_used_again(repository):
    publish(repository)
    publish(repository)

    repository.remove("tiny", 2)

    assert [1] == repository.list_versions("tiny")
    assert [1] == [check.version for check in repository.verify_all("tiny")]
    with pytest.raises(VersionNotFoundError, match="removed"):
        repository.verify("tiny", 2)
    with pytest.raises(VersionConflictError):
        publish(repository, version=2)
    assert 3 == publish(repository).version


def test_a_model_without_versions_is_not_found(repository):
    publish(repository)
    repository.remove("tiny", 1)

    assert [] == repository.list_names()
    for act in (
        lambda: repository.read_manifest("tiny", 1),
        lambda: repository.resolve("tiny", None),
        lambda: repository.rollback("tiny"),
        lambda: repository.remove("../tiny", 1),
    ):
        with pytest.raises(ModelNotFoundError):
            act()


def test_a_version_in_use_is_not_removed(repository):
    publish(repository)
    repository.set_alias("tiny", "production", 1)

    with pytest.raises(VersionInUseError) as refusal:
        repository.remove("tiny", 1)

    assert ["production"] == refusal.value.fields["aliases"]
    assert [1] == repository.list_versions("tiny")


def test_removing_what_is_not_there_fails(repository):
    publish(repository)

    with pytest.raises(VersionNotFoundError) as refusal:
        repository.remove("tiny", 2)
    assert [1] == refusal.value.fields["versions"]


def test_a_file_that_the_manifest_does_not_list_is_not_read(repository):
    publish(repository)

    for file in ("grid.png", "manifest.json", "../aliases.json"):
        with pytest.raises(NotFoundError):
            repository.read_file("tiny", 1, file)


def test_an_alias_moves_and_tells_where_it_was(repository):
    publish(repository)
    publish(repository)

    moves = [repository.set_alias("tiny", "production", version) for version in (1, 2, 2)]

    assert [None, 1, 2] == moves
    assert {"production": 2} == repository.read_aliases("tiny")


def test_aliases_that_are_set_at_once_are_all_kept(repository):
    publish(repository)
    aliases = [f"alias-{number}" for number in range(32)]

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda alias: repository.set_alias("tiny", alias, 1, expected=None), aliases))

    assert dict.fromkeys(aliases, 1) == repository.read_aliases("tiny")


def test_rollback_walks_back_and_does_not_bounce(repository):
    for version in (1, 2, 3):
        publish(repository)
        repository.set_alias("tiny", "production", version)

    assert [2, 1] == [repository.rollback("tiny"), repository.rollback("tiny")]
    with pytest.raises(ConflictError):
        repository.rollback("tiny")
    assert {"production": 1} == repository.read_aliases("tiny")


def test_rollback_passes_over_removed_versions(repository):
    for version in (1, 2, 3):
        publish(repository)
        repository.set_alias("tiny", "production", version)
    repository.remove("tiny", 2)

    assert 1 == repository.rollback("tiny")


def test_an_alias_only_points_to_a_version_that_is_there(repository):
    publish(repository)

    with pytest.raises(VersionNotFoundError):
        repository.set_alias("tiny", "production", 2)
    with pytest.raises(ModelNotFoundError):
        repository.set_alias("other", "production", 1)
    assert {} == repository.read_aliases("tiny")


@pytest.mark.parametrize("alias", ["", "3", "a b", "../x", "A", "a" * 33])
def test_what_cannot_be_an_alias_is_refused_without_repeating_it(repository, alias):
    publish(repository)

    with pytest.raises(InvalidInputError) as refusal:
        repository.set_alias("tiny", alias, 1)
    assert "../x" not in refusal.value.detail


def test_an_expectation_that_does_not_hold_stops_the_move(repository):
    publish(repository)
    publish(repository)
    repository.set_alias("tiny", "production", 1, expected=None)

    with pytest.raises(PreconditionFailedError):
        repository.set_alias("tiny", "production", 2, expected=None)
    with pytest.raises(PreconditionFailedError):
        repository.set_alias("tiny", "candidate", 2, expected=1)
    with pytest.raises(PreconditionFailedError):
        repository.delete_alias("tiny", "production", expected=2)
    repository.set_alias("tiny", "production", 2, expected=1)

    assert {"production": 2} == repository.read_aliases("tiny")


def test_a_deleted_alias_and_its_history_are_gone(repository):
    publish(repository)
    publish(repository)
    repository.set_alias("tiny", "production", 1)
    repository.set_alias("tiny", "production", 2)

    assert 2 == repository.delete_alias("tiny", "production")

    assert {} == repository.read_aliases("tiny")
    for act in (repository.rollback, lambda name: repository.delete_alias(name, "production")):
        with pytest.raises(AliasNotFoundError):
            act("tiny")


def test_a_reference_means_a_number_an_alias_production_or_the_newest(repository):
    for _ in range(3):
        publish(repository)
    repository.set_alias("tiny", "candidate", 1)

    assert [2, 1, 3] == [repository.resolve("tiny", selector) for selector in ("2", "candidate", None)]
    repository.set_alias("tiny", "production", 2)
    assert 2 == repository.resolve("tiny", None)


def test_a_reference_to_nothing_is_not_found(repository):
    publish(repository)

    with pytest.raises(VersionNotFoundError):
        repository.resolve("tiny", "2")
    with pytest.raises(AliasNotFoundError):
        repository.resolve("tiny", "candidate")
    with pytest.raises(ModelNotFoundError):
        repository.resolve("other", None)


def test_the_fingerprint_changes_with_every_change_and_only_then(repository):
    seen = [repository.fingerprint()]
    for act in (
        lambda: publish(repository),
        lambda: publish(repository),
        lambda: repository.set_alias("tiny", "production", 1),
        lambda: repository.set_alias("tiny", "production", 2),
        lambda: repository.set_alias("tiny", "production", 1),
        lambda: repository.rollback("tiny"),
        lambda: repository.remove("tiny", 1),
        lambda: repository.delete_alias("tiny", "production"),
    ):
        act()
        assert repository.fingerprint() == repository.fingerprint()
        seen.append(repository.fingerprint())

    assert len(seen) == len(set(seen))


def test_a_torn_alias_file_is_told_and_not_overwritten(repository):
    publish(repository)
    repository._storage.write("tiny/aliases.json", b'{"schema": "fount-aliases/1", "aliases"')

    with pytest.raises(ManifestError, match=r"aliases\.json"):
        repository.read_aliases("tiny")
    with pytest.raises(ManifestError):
        repository.set_alias("tiny", "production", 1)


def test_removal_that_was_killed_is_finished_by_the_next(repository):
    publish(repository)
    publish(repository)
    repository._storage.write("tiny/1/removed.json", b"{}")

    with pytest.raises(VersionNotFoundError):
        repository.remove("tiny", 1)

    files = {path for path in repository._storage.scan("tiny") if path.startswith("tiny/1/")}
    assert {"tiny/1/removed.json"} == files


@pytest.mark.parametrize("url", ["nosuchscheme://bucket/models", "nosuch::memory://models"])
def test_an_unknown_scheme_is_a_configuration_error(url):
    with pytest.raises(ConfigurationError):
        ModelRepository(url)


def test_a_file_url_is_a_folder(tmp_path):
    publish(ModelRepository(f"file://{tmp_path}"))

    assert ["tiny"] == ModelRepository(str(tmp_path)).list_names()
