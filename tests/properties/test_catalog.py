"""Any sequence of what people and disks do to a repository, and what the service makes of it meanwhile."""

import asyncio
import contextlib
import datetime as dt
import shutil
import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from app.core.errors import ConflictError, NotReadyError, ServiceError, VersionConflictError, VersionNotFoundError
from app.repository.manifest import WEIGHTS_FILE
from app.repository.store import ModelRepository
from app.schemas.jobs import ModelLoaded
from app.serving.catalog import Catalog
from tests.drafts import make_draft, make_files

ALIASES = st.sampled_from(["production", "stable"])
CREATED = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)  # so that the same seed has the same digest again
FILES = st.sampled_from(["manifest.json", WEIGHTS_FILE, "README.md"])


class CatalogMachine(RuleBasedStateMachine):
    """A repository, and a catalog that follows it; what the catalog should serve is kept in plain dictionaries."""

    @initialize()
    def open_service(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = Path(self.folder.name)
        self.repository = ModelRepository(self.folder.name)
        self.runner = asyncio.Runner()
        self.catalog = Catalog(self.repository, load=self.load, retire=lambda ref: None, poll_interval_s=60)
        self.digests = {}  # of what was published, for ever
        self.whole = set()  # versions that are there as they were published
        self.torn = set()  # versions that are there and were altered
        self.verified = set()  # versions that the service has verified since they were there
        self.trails = {}  # where each alias pointed, the present last
        self.ejected = set()
        self.is_fresh = True
        self.is_a_number_free = False

    def teardown(self):
        if hasattr(self, "folder"):
            self.runner.close()
            self.folder.cleanup()

    async def load(self, ref):
        """Load what the worker would: it reads the weights again, and takes nothing that is not the digest's."""
        try:
            self.repository.read_weights(self.repository.read_manifest("tiny", ref.version))
        except ServiceError:
            self.verified.discard(ref.version)
            raise
        return ModelLoaded(ref, (16,), 1, 4, 0.1)

    @rule(seed=st.integers(0, 255))
    def publish(self, seed):
        self.see_what_is_gone()
        self.remember(self.repository.publish(make_draft(created=CREATED), make_files(seed)))

    @rule(seed=st.integers(0, 200))
    def publish_twice_at_once(self, seed):
        self.see_what_is_gone()
        number = max(self.digests, default=0) + 1
        outcomes = []

        def race(mine):
            try:
                draft = make_draft(created=CREATED)
                outcomes.append(self.repository.publish(draft, make_files(seed + mine), number))
            except VersionConflictError:
                outcomes.append(None)

        racers = [threading.Thread(target=race, args=(mine,)) for mine in range(2)]
        for racer in racers:
            racer.start()
        for racer in racers:
            racer.join()

        (winner,) = [manifest for manifest in outcomes if manifest is not None]
        assert 2 == len(outcomes)
        self.remember(winner)

    @precondition(lambda self: self.whole)
    @rule(alias=ALIASES, data=st.data())
    def promote_in_the_repository(self, alias, data):
        version = data.draw(st.sampled_from(sorted(self.whole)))
        self.repository.set_alias("tiny", alias, version)
        self.moved(alias, version)

    @precondition(lambda self: self.verified & self.whole)
    @rule(alias=ALIASES, data=st.data())
    def promote_through_the_service(self, alias, data):
        version = data.draw(st.sampled_from(sorted(self.verified & self.whole)))
        self.runner.run(self.catalog.set_alias("tiny", alias, version))
        self.moved(alias, version)
        self.ejected.discard(version)
        assert version == self.catalog.resolve(f"tiny@{alias}").ref.version

    @precondition(lambda self: self.trails)
    @rule(data=st.data())
    def roll_back(self, data):
        alias = data.draw(st.sampled_from(sorted(self.trails)))
        *trail, present = self.trails[alias]
        there = set(self.repository.list_versions("tiny"))
        while trail and (trail[-1] not in there or trail[-1] == present):
            trail.pop()
        if trail:
            assert trail[-1] == self.repository.rollback("tiny", alias)
            self.trails[alias] = trail
        else:
            with pytest.raises((ConflictError, ServiceError)):
                self.repository.rollback("tiny", alias)
        self.is_fresh = False

    @precondition(lambda self: self.removable())
    @rule(data=st.data())
    def remove(self, data):
        version = data.draw(st.sampled_from(self.removable()))
        self.repository.remove("tiny", version)
        self.forget(version)

    @precondition(lambda self: self.whole)
    @rule(data=st.data(), file=FILES, position=st.integers(0, 10_000), bit=st.integers(0, 7))
    def tamper(self, data, file, position, bit):
        version = data.draw(st.sampled_from(sorted(self.whole)))
        path = self.root / "tiny" / str(version) / file
        content = bytearray(path.read_bytes())
        content[position % len(content)] ^= 1 << bit
        aside = path.with_name(".aside")
        aside.write_bytes(content)
        aside.rename(path)
        self.whole.discard(version)
        self.torn.add(version)
        self.is_fresh = False

    @precondition(lambda self: self.whole | self.torn)
    @rule(data=st.data())
    def delete_the_folder(self, data):
        version = data.draw(st.sampled_from(sorted(self.whole | self.torn)))
        shutil.rmtree(self.root / "tiny" / str(version))
        self.forget(version)
        self.digests.pop(version)
        self.is_a_number_free = True  # nothing is left that knows of it

    @precondition(lambda self: self.verified - self.ejected)
    @rule(data=st.data())
    def eject(self, data):
        version = data.draw(st.sampled_from(sorted(self.verified - self.ejected)))

        async def eject():
            self.catalog.eject(self.catalog.version("tiny", version).ref, "it does harm")
            await asyncio.gather(*self.catalog._settling)

        self.runner.run(eject())
        self.ejected.add(version)

    @rule()
    def refresh(self):
        self.runner.run(self.catalog.refresh())
        there = self.whole | self.torn
        self.verified = {version for version in there if version in self.verified or version in self.whole}
        self.ejected &= there
        self.is_fresh, self.is_a_number_free = True, False

    @invariant()
    def what_is_served_was_verified(self):
        for reference in ("tiny", "tiny@production", "tiny@stable", *(f"tiny@{number}" for number in self.digests)):
            with contextlib.suppress(ServiceError):
                served = self.catalog.resolve(reference)
                version = served.ref.version
                assert "ready" == served.state
                assert version not in self.ejected
                assert version in self.verified
                assert self.digests.get(version, served.ref.digest) == served.ref.digest

    @invariant()
    def what_is_there_whole_is_found_whole(self):
        checks = {check.version: check for check in self.repository.verify_all()}
        assert self.whole == {version for version, check in checks.items() if check.manifest is not None}
        assert self.torn == {version for version, check in checks.items() if check.manifest is None}
        assert all(self.digests[version] == checks[version].manifest.digest for version in self.whole)

    @invariant()
    def the_history_is_right(self):
        assert {alias: trail[-1] for alias, trail in self.trails.items()} == self.aliases()
        if self.trails:
            history = self.repository.read_history("tiny")
            assert {alias: trail[:-1] for alias, trail in self.trails.items()} == history

    @invariant()
    def aliases_answer_by_where_they_point(self):
        if not self.is_fresh:
            return
        for alias, trail in self.trails.items():
            target = trail[-1]
            if target in self.verified - self.ejected:
                assert target == self.catalog.resolve(f"tiny@{alias}").ref.version
                assert alias != "production" or target == self.catalog.resolve("tiny").ref.version
            elif target in self.ejected:
                self.check_fall_back(alias)
        if "production" not in self.trails and (healthy := self.verified - self.ejected):
            assert max(healthy) == self.catalog.resolve("tiny").ref.version

    def see_what_is_gone(self):
        """Let the service see that a version is gone before another one gets its number."""
        if self.is_a_number_free:
            self.refresh()

    def check_fall_back(self, alias):
        healthy = self.verified - self.ejected
        if healthy:
            assert self.catalog.resolve(f"tiny@{alias}").ref.version in healthy
        else:
            with pytest.raises((VersionNotFoundError, NotReadyError)):
                self.catalog.resolve(f"tiny@{alias}")

    def aliases(self):
        return self.repository.read_aliases("tiny")

    def removable(self):
        held = {trail[-1] for trail in self.trails.values()}
        return sorted((self.whole | self.torn) - held)

    def remember(self, manifest):
        self.digests[manifest.version] = manifest.digest
        self.whole.add(manifest.version)
        self.is_fresh = False

    def forget(self, version):
        self.whole.discard(version)
        self.torn.discard(version)
        self.is_fresh = False

    def moved(self, alias, version):
        trail = self.trails.setdefault(alias, [])
        if not trail or trail[-1] != version:
            trail.append(version)
        self.is_fresh = False


TestCatalog = CatalogMachine.TestCase
TestCatalog.settings = settings(max_examples=15, stateful_step_count=25, deadline=None)
