import asyncio
import contextlib
import threading

import pytest

from app.core.errors import (
    AliasNotFoundError,
    InvalidInputError,
    ModelNotFoundError,
    ModelUnhealthyError,
    NotReadyError,
    PreconditionFailedError,
    RepositoryError,
    UnsupportedArchitectureError,
    VersionNotFoundError,
    WorkerLostError,
)
from app.repository.store import ModelRepository
from app.schemas.jobs import ModelLoaded
from app.serving.catalog import Catalog
from tests.drafts import publish_draft


class FakeLoading:
    """Stands where the worker does: loads at once, or when let go, or never."""

    def __init__(self):
        self.loads = []
        self.retired = []
        self.failing = set()
        self.unhealthy = set()
        self.gate = asyncio.Event()
        self.gate.set()
        self.began = asyncio.Event()

    async def load(self, model):
        self.loads.append((model.name, model.version))
        self.began.set()
        await self.gate.wait()
        if (model.name, model.version) in self.failing:
            raise UnsupportedArchitectureError("not in this build")
        if model.version in self.unhealthy:
            raise ModelUnhealthyError("golden samples differ")
        return ModelLoaded(model, (16,), 1, 4, 0.1)

    def retire(self, model):
        self.retired.append((model.name, model.version))


@pytest.fixture
def loading():
    return FakeLoading()


@pytest.fixture
def repository(tmp_path):
    return ModelRepository(str(tmp_path))


@pytest.fixture
def catalog(repository, loading):
    return Catalog(repository, load=loading.load, retire=loading.retire, poll_interval_s=0.01)


async def test_before_the_first_look_nothing_is_ready(catalog):
    with pytest.raises(NotReadyError):
        catalog.resolve("tiny")

    assert not catalog.is_settled


async def test_an_empty_repository_is_a_service_without_models(catalog):
    await catalog.refresh()

    assert catalog.is_settled
    assert [] == catalog.names()
    with pytest.raises(ModelNotFoundError):
        catalog.resolve("tiny")


async def test_a_bare_name_is_the_newest_version(catalog, repository, loading):
    publish_draft(repository.url)
    publish_draft(repository.url)

    await catalog.refresh()

    assert 2 == catalog.resolve("tiny").ref.version
    assert 2 == catalog.default_version("tiny")
    assert [("tiny", 2)] == loading.loads


async def test_a_bare_name_is_production_where_it_is_set(catalog, repository, loading):
    publish_draft(repository.url)
    publish_draft(repository.url)
    repository.set_alias("tiny", "production", 1)

    await catalog.refresh()

    assert 1 == catalog.resolve("tiny").ref.version
    assert 1 == catalog.resolve("tiny@production").ref.version
    assert 2 == catalog.resolve("tiny@2").ref.version
    assert [("tiny", 1)] == loading.loads


@pytest.mark.parametrize("reference", ["none", "none@1", "Not a name", "tiny@", "../tiny", ""])
async def test_unknown_models_are_not_echoed(catalog, repository, reference):
    publish_draft(repository.url)
    await catalog.refresh()

    with pytest.raises(ModelNotFoundError) as caught:
        catalog.resolve(reference)

    assert ["tiny"] == caught.value.fields["models"]
    assert "there is no such model" == caught.value.detail


@pytest.mark.parametrize("reference", ["tiny@7", "tiny@stable"])
async def test_an_unknown_selector_tells_what_there_is(catalog, repository, reference):
    publish_draft(repository.url)
    repository.set_alias("tiny", "candidate", 1)
    await catalog.refresh()

    with pytest.raises(VersionNotFoundError) as caught:
        catalog.resolve(reference)

    assert {"versions": [1], "aliases": ["candidate"]} == caught.value.fields


async def test_a_new_version_is_warm_before_the_name_means_it(catalog, repository, loading):
    publish_draft(repository.url)
    await catalog.refresh()
    publish_draft(repository.url)
    loading.gate.clear()
    loading.began.clear()

    looking = asyncio.create_task(catalog.refresh())
    await asyncio.wait_for(loading.began.wait(), 60)
    during = catalog.resolve("tiny").ref.version
    with pytest.raises(NotReadyError):
        catalog.resolve("tiny@2")
    loading.gate.set()
    await asyncio.wait_for(looking, 60)

    assert 1 == during
    assert 2 == catalog.resolve("tiny").ref.version


async def test_who_asks_for_a_version_on_its_way_waits_for_it(catalog, repository, loading):
    publish_draft(repository.url)
    loading.gate.clear()
    looking = asyncio.create_task(catalog.refresh())
    await asyncio.wait_for(loading.began.wait(), 60)

    asking = [asyncio.create_task(catalog.obtain(reference)) for reference in ("tiny", "tiny@1")]
    await asyncio.sleep(0)
    waited = not any(task.done() for task in asking)
    loading.gate.set()
    found = await asyncio.wait_for(asyncio.gather(*asking), 60)
    await looking

    assert waited
    assert [1, 1] == [served.ref.version for served in found]


async def test_who_waits_too_long_is_told_to_come_back(catalog, repository, loading, monkeypatch):
    monkeypatch.setattr("app.serving.catalog.PATIENCE_S", 0.0)
    publish_draft(repository.url)
    loading.gate.clear()
    looking = asyncio.create_task(catalog.refresh())
    await asyncio.wait_for(loading.began.wait(), 60)

    with pytest.raises(NotReadyError):
        await catalog.obtain("tiny@1")

    loading.gate.set()
    await looking


async def test_an_alias_waits_for_its_version(catalog, repository, loading):
    publish_draft(repository.url)
    publish_draft(repository.url)
    repository.set_alias("tiny", "production", 1)
    await catalog.refresh()
    repository.set_alias("tiny", "production", 2)
    loading.gate.clear()
    loading.began.clear()

    looking = asyncio.create_task(catalog.refresh())
    await asyncio.wait_for(loading.began.wait(), 60)
    during = catalog.aliases("tiny")
    loading.gate.set()
    await asyncio.wait_for(looking, 60)

    assert {"production": 1} == during
    assert {"production": 2} == catalog.aliases("tiny")


async def test_an_alias_to_a_version_that_fails_keeps_its_last_target(catalog, repository, loading):
    publish_draft(repository.url)
    publish_draft(repository.url)
    repository.set_alias("tiny", "production", 1)
    await catalog.refresh()
    loading.failing.add(("tiny", 2))
    repository.set_alias("tiny", "production", 2)

    await catalog.refresh()

    assert 1 == catalog.resolve("tiny").ref.version
    assert "production should be version 2: not in this build" == catalog.model("tiny").reason


async def test_at_start_an_alias_to_a_version_that_fails_is_no_other_version(catalog, repository, loading):
    publish_draft(repository.url)
    publish_draft(repository.url)
    repository.set_alias("tiny", "production", 2)
    loading.failing.add(("tiny", 2))

    await catalog.refresh()

    assert catalog.default_version("tiny") is None
    for reference in ("tiny", "tiny@production"):
        with pytest.raises(VersionNotFoundError, match="not in this build"):
            catalog.resolve(reference)
    assert 1 == catalog.resolve("tiny@1").ref.version


async def test_without_production_a_version_that_fails_is_passed_over(catalog, repository, loading):
    publish_draft(repository.url)
    publish_draft(repository.url)
    loading.failing.add(("tiny", 2))

    await catalog.refresh()

    assert 1 == catalog.resolve("tiny").ref.version
    assert ["ready", "failed"] == [served.state for served in catalog.model("tiny").versions]


async def test_a_model_without_any_good_version_says_so(catalog, repository, loading):
    publish_draft(repository.url)
    loading.failing.add(("tiny", 1))

    await catalog.refresh()

    with pytest.raises(VersionNotFoundError, match="no version of this model"):
        catalog.resolve("tiny")


async def test_an_altered_version_is_refused_and_taken_when_it_is_whole_again(catalog, repository, loading, tmp_path):
    publish_draft(repository.url)
    weights = tmp_path / "tiny" / "1" / "weights.safetensors"
    good = weights.read_bytes()
    weights.write_bytes(good[:-1] + b"?")
    await catalog.refresh()
    altered = catalog.version("tiny", 1)

    weights.write_bytes(good + b"?")
    weights.write_bytes(good)
    await catalog.refresh()

    assert "failed" == altered.state
    assert "SHA-256" in altered.reason
    assert [("tiny", 1)] == loading.loads
    assert 1 == catalog.resolve("tiny").ref.version


async def test_what_was_verified_is_served_on_when_another_version_takes_its_place(catalog, repository, tmp_path):
    manifest = publish_draft(repository.url)
    await catalog.refresh()
    publish_draft(tmp_path / "elsewhere", seed=1)

    for file in (tmp_path / "elsewhere" / "tiny" / "1").iterdir():
        (tmp_path / "tiny" / "1" / file.name).write_bytes(file.read_bytes())
    await catalog.refresh()

    assert manifest.digest == catalog.resolve("tiny").ref.digest


async def test_a_worker_that_was_away_is_not_held_against_a_version(catalog, repository, loading, monkeypatch):
    publish_draft(repository.url)

    async def fail(model):
        raise WorkerLostError("the worker did not come back in time")

    monkeypatch.setattr(catalog, "_load", fail)
    await catalog.refresh()
    before = catalog.version("tiny", 1).state
    monkeypatch.setattr(catalog, "_load", loading.load)
    await catalog.refresh()

    assert "failed" == before
    assert 1 == catalog.resolve("tiny").ref.version


async def test_a_removed_version_goes_away(catalog, repository, loading):
    publish_draft(repository.url)
    publish_draft(repository.url)
    await catalog.refresh()
    repository.remove("tiny", 2)

    await catalog.refresh()

    assert 1 == catalog.resolve("tiny").ref.version
    assert [("tiny", 2)] == loading.retired


async def test_a_removed_model_goes_away(catalog, repository, loading):
    publish_draft(repository.url)
    await catalog.refresh()
    repository.remove("tiny", 1)

    await catalog.refresh()

    assert [] == catalog.names()
    assert [("tiny", 1)] == loading.retired


async def test_setting_an_alias_applies_at_once_and_is_written(catalog, repository):
    publish_draft(repository.url)
    publish_draft(repository.url)
    await catalog.refresh()

    first = await catalog.set_alias("tiny", "production", 1)
    second = await catalog.set_alias("tiny", "production", 2, expected=1)

    assert (None, 1) == (first, second)
    assert 2 == catalog.resolve("tiny").ref.version
    assert {"production": 2} == repository.read_aliases("tiny") == catalog.aliases("tiny")


async def test_setting_an_alias_to_a_version_published_a_moment_ago(catalog, repository):
    publish_draft(repository.url)
    await catalog.refresh()
    publish_draft(repository.url)

    await catalog.set_alias("tiny", "candidate", 2)

    assert 2 == catalog.resolve("tiny@candidate").ref.version


async def test_setting_an_alias_checks_what_it_is_told(catalog, repository, loading):
    publish_draft(repository.url)
    publish_draft(repository.url)
    publish_draft(repository.url)
    loading.failing.add(("tiny", 2))
    await catalog.refresh()

    with pytest.raises(ModelNotFoundError):
        await catalog.set_alias("none", "production", 1)
    with pytest.raises(VersionNotFoundError):
        await catalog.set_alias("tiny", "production", 9)
    with pytest.raises(VersionNotFoundError, match="not in this build"):
        await catalog.set_alias("tiny", "production", 2)
    with pytest.raises(PreconditionFailedError):
        await catalog.set_alias("tiny", "production", 1, expected=3)
    with pytest.raises(InvalidInputError):
        await catalog.set_alias("tiny", "3", 1)
    assert {} == catalog.aliases("tiny")


async def test_deleting_production_falls_back_to_the_newest(catalog, repository):
    publish_draft(repository.url)
    publish_draft(repository.url)
    repository.set_alias("tiny", "production", 1)
    await catalog.refresh()

    previous = await catalog.delete_alias("tiny", "production", expected=1)

    assert 1 == previous
    assert 2 == catalog.resolve("tiny").ref.version
    assert {} == catalog.aliases("tiny")


async def test_deleting_an_alias_checks_what_it_is_told(catalog, repository):
    publish_draft(repository.url)
    await catalog.refresh()

    with pytest.raises(ModelNotFoundError):
        await catalog.delete_alias("none", "production")
    with pytest.raises(AliasNotFoundError):
        await catalog.delete_alias("tiny", "production")


async def test_following_goes_on_when_the_repository_cannot_be_read(catalog, repository, monkeypatch):
    publish_draft(repository.url)
    looks = []

    def fail_first():
        looks.append(1)
        if len(looks) == 1:
            raise RepositoryError("the disk is away")
        return "now"

    monkeypatch.setattr(repository, "fingerprint", fail_first)
    following = asyncio.create_task(catalog.follow())
    await asyncio.wait_for(catalog.wait_settled(), 5)
    following.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await following

    assert 1 == catalog.resolve("tiny").ref.version


async def test_a_version_that_could_not_be_read_is_tried_again(catalog, repository, monkeypatch):
    publish_draft(repository.url)
    verify = repository.verify

    def fail(name, version):
        raise RepositoryError("the disk is away")

    monkeypatch.setattr(repository, "verify", fail)
    await catalog.refresh()
    before = catalog.version("tiny", 1).state
    monkeypatch.setattr(repository, "verify", verify)
    await catalog.refresh()

    assert "failed" == before
    assert 1 == catalog.resolve("tiny").ref.version


async def test_an_alias_that_moves_while_the_repository_is_read_is_not_moved_back(catalog, repository, loading):
    publish_draft(repository.url)
    publish_draft(repository.url)
    repository.set_alias("tiny", "production", 1)
    await catalog.refresh()
    await catalog.warm(catalog.version("tiny", 2).ref)
    publish_draft(repository.url, "other")
    reading, moved = threading.Event(), threading.Event()
    read_aliases = repository.read_aliases

    def read_slowly(name):
        aliases = read_aliases(name)
        reading.set()
        assert moved.wait(10)
        return aliases

    repository.read_aliases = read_slowly
    looking = asyncio.create_task(catalog.refresh())
    assert await asyncio.to_thread(reading.wait, 10)
    await catalog.set_alias("tiny", "production", 2)
    moved.set()
    await asyncio.wait_for(looking, 10)

    assert {"production": 2} == catalog.aliases("tiny")
    assert ["other", "tiny"] == catalog.names()


async def test_a_version_removed_while_it_is_verified_is_gone(catalog, repository, loading):
    publish_draft(repository.url)
    await catalog.refresh()
    publish_draft(repository.url)
    loading.gate.clear()
    loading.began.clear()
    looking = asyncio.create_task(catalog.refresh())
    await asyncio.wait_for(loading.began.wait(), 60)

    catalog._models["tiny"].versions.pop(2)
    loading.gate.set()
    await asyncio.wait_for(looking, 60)

    assert 1 == catalog.resolve("tiny").ref.version


async def test_a_version_that_changes_while_it_is_verified_is_not_served(catalog, repository, monkeypatch):
    manifest = publish_draft(repository.url)
    monkeypatch.setattr(repository, "verify", lambda *_: manifest.model_copy(update={"digest": "0" * 64}))

    await catalog.refresh()

    assert "the version changed while it was being verified" == catalog.version("tiny", 1).reason


async def test_an_alias_to_a_version_that_does_not_exist_says_so(catalog, repository, tmp_path):
    publish_draft(repository.url)
    (tmp_path / "tiny" / "aliases.json").write_text(
        '{"schema": "fount-aliases/1", "aliases": {"production": 7}, "history": {}}'
    )

    await catalog.refresh()

    assert "production should be version 7: there is no such version" == catalog.model("tiny").reason
    with pytest.raises(VersionNotFoundError):
        catalog.resolve("tiny")


async def test_a_model_that_is_new_and_not_warm_is_not_ready(catalog, repository, loading):
    await catalog.refresh()
    publish_draft(repository.url)
    loading.gate.clear()

    looking = asyncio.create_task(catalog.refresh())
    await asyncio.wait_for(loading.began.wait(), 60)
    with pytest.raises(NotReadyError):
        catalog.resolve("tiny")
    loading.gate.set()
    await asyncio.wait_for(looking, 60)

    assert catalog.model("tiny").reason is None


async def test_two_callers_share_one_preparation(catalog, repository, loading):
    publish_draft(repository.url)
    publish_draft(repository.url)
    await catalog.refresh()
    ref = catalog.version("tiny", 1).ref

    await asyncio.gather(catalog.warm(ref), catalog.warm(ref))

    assert [("tiny", 2), ("tiny", 1)] == loading.loads


async def test_the_reason_names_the_alias_that_is_not_in_force(catalog, repository, loading):
    publish_draft(repository.url)
    publish_draft(repository.url)
    repository.set_alias("tiny", "candidate", 1)
    repository.set_alias("tiny", "production", 2)
    loading.failing.add(("tiny", 2))

    await catalog.refresh()

    assert {"candidate": 1} == catalog.aliases("tiny")
    assert catalog.model("tiny").reason.startswith("production should be version 2")


def promote(repository, *versions, alias="production"):
    for version in versions:
        repository.set_alias("tiny", alias, version)


async def test_at_start_an_alias_to_an_unhealthy_version_is_answered_by_the_one_it_pointed_to(
    catalog, repository, loading
):
    for seed in range(4):
        publish_draft(repository.url, seed=seed)
    promote(repository, 1, 2, 3)
    loading.unhealthy = {3}

    await catalog.refresh()

    assert 2 == catalog.resolve("tiny").ref.version == catalog.resolve("tiny@production").ref.version
    assert "production should be version 3: golden samples differ" == catalog.model("tiny").reason
    assert catalog.version("tiny", 3).is_ejected


async def test_an_unhealthy_version_leaves_its_alias_where_it_is(catalog, repository, loading):
    for seed in range(3):
        publish_draft(repository.url, seed=seed)
    promote(repository, 1, 2, 1)
    await catalog.refresh()
    loading.unhealthy = {3}
    promote(repository, 3)

    await catalog.refresh()

    assert 1 == catalog.resolve("tiny").ref.version


async def test_versions_that_an_alias_pointed_to_are_tried_one_after_the_other(catalog, repository, loading):
    for seed in range(4):
        publish_draft(repository.url, seed=seed)
    promote(repository, 2, 1, 3)
    loading.unhealthy = {1, 3}

    await catalog.refresh()

    assert 2 == catalog.resolve("tiny").ref.version


async def test_without_a_version_before_the_newest_answers(catalog, repository, loading):
    for seed in range(3):
        publish_draft(repository.url, seed=seed)
    promote(repository, 1)
    loading.unhealthy = {1}

    await catalog.refresh()

    assert 3 == catalog.resolve("tiny").ref.version


async def test_an_unhealthy_version_is_not_loaded_again_when_the_repository_changes(catalog, repository, loading):
    publish_draft(repository.url)
    loading.unhealthy = {1}
    await catalog.refresh()
    publish_draft(repository.url, "other")

    await catalog.refresh()

    assert 1 == loading.loads.count(("tiny", 1))
    with pytest.raises(VersionNotFoundError):
        catalog.resolve("tiny")


async def test_who_asks_while_the_version_before_is_made_ready_waits_for_it(catalog, repository, loading):
    for seed in range(2):
        publish_draft(repository.url, seed=seed)
    promote(repository, 1, 2)
    loading.gate.clear()
    looking = asyncio.create_task(catalog.refresh())
    await asyncio.wait_for(loading.began.wait(), 60)
    loading.gate.set()
    catalog.eject(catalog.version("tiny", 2).ref, "it does harm")

    with pytest.raises(NotReadyError, match="answers instead"):
        catalog.resolve("tiny")
    async with asyncio.timeout(60):
        found = await catalog.obtain("tiny")
        await looking

    assert 1 == found.ref.version


async def test_what_is_not_there_is_not_ejected(catalog, repository):
    publish_draft(repository.url)
    await catalog.refresh()
    ref = catalog.version("tiny", 1).ref
    repository.remove("tiny", 1)
    await catalog.refresh()

    catalog.eject(ref, "it does harm")

    assert not catalog.is_ejected(ref)


async def test_a_version_that_is_released_is_loaded_again_when_it_is_wanted(catalog, repository, loading):
    publish_draft(repository.url)
    await catalog.refresh()
    ref = catalog.resolve("tiny").ref

    catalog.release(ref)
    catalog.release(ref)

    assert [("tiny", 1)] == loading.retired
    assert None is catalog.resolve("tiny").loaded
    await catalog.warm(ref)
    assert [("tiny", 1)] * 2 == loading.loads
    assert catalog.resolve("tiny").is_warm
