import tempfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from app.core.errors import ConflictError, RepositoryError, VersionConflictError, VersionInUseError
from app.repository.manifest import WEIGHTS_FILE, dump_manifest, parse_manifest
from app.repository.publishing import seal
from app.repository.store import ModelRepository
from tests.drafts import make_draft, make_files, publish_draft

ALIASES = st.sampled_from(["production", "candidate"])
TEXT = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=30)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)
CHANGES = st.fixed_dictionaries(
    {
        "class_names": st.lists(TEXT, unique=True, max_size=4),
        "created": st.datetimes(timezones=st.timezones()),
        "evaluation": st.dictionaries(TEXT, JSON, max_size=3),
        "hyperparameters": st.dictionaries(
            st.from_regex(r"[a-z][a-z0-9_]{0,9}", fullmatch=True),
            st.booleans() | st.integers(-(2**31), 2**31) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
            max_size=3,
        ),
    }
)


@given(changes=CHANGES, version=st.integers(1, 999_999_999), weights=st.binary(min_size=1, max_size=64))
def test_a_sealed_manifest_reads_back_the_same(changes, version, weights):
    manifest, documents = seal(make_draft(**changes), version, {WEIGHTS_FILE: weights})

    assert manifest == parse_manifest(documents["manifest.json"])
    assert documents["manifest.json"] == dump_manifest(manifest)
    assert changes["evaluation"] == manifest.evaluation


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    publish_draft(root)
    return root


@pytest.mark.parametrize("file", ["manifest.json", WEIGHTS_FILE, "README.md"])
@settings(deadline=None)
@given(data=st.data())
def test_a_flipped_bit_is_always_refused(published, file, data):
    path = published / "tiny" / "1" / file
    original = path.read_bytes()
    position = data.draw(st.integers(0, len(original) - 1))
    bit = data.draw(st.integers(0, 7))
    flipped = bytearray(original)
    flipped[position] ^= 1 << bit

    try:
        path.write_bytes(bytes(flipped))
        with pytest.raises(RepositoryError):
            ModelRepository(str(published)).verify("tiny", 1)
    finally:
        path.write_bytes(original)


@pytest.mark.parametrize("file", ["manifest.json", WEIGHTS_FILE, "README.md"])
@settings(deadline=None)
@given(data=st.data())
def test_a_file_cut_short_is_always_refused(published, file, data):
    path = published / "tiny" / "1" / file
    original = path.read_bytes()

    try:
        path.write_bytes(original[: data.draw(st.integers(0, len(original) - 1))])
        with pytest.raises(RepositoryError):
            ModelRepository(str(published)).verify("tiny", 1)
    finally:
        path.write_bytes(original)


class RepositoryModel(RuleBasedStateMachine):
    """Any sequence of publish, remove and alias moves, against a model of plain dictionaries."""

    @initialize()
    def open_repository(self):
        self.folder = tempfile.TemporaryDirectory()
        self.repository = ModelRepository(self.folder.name)
        self.digests = {}
        self.used = set()
        self.trails = {}

    def teardown(self):
        if hasattr(self, "folder"):
            self.folder.cleanup()

    @rule(seed=st.integers(0, 255))
    def publish_next(self, seed):
        manifest = self.repository.publish(make_draft(), make_files(seed))

        assert manifest.version == max(self.used, default=0) + 1
        self.remember(manifest)

    @rule(version=st.integers(1, 12))
    def publish_numbered(self, version):
        if version in self.used:
            with pytest.raises(VersionConflictError):
                self.repository.publish(make_draft(), make_files(), version)
        else:
            self.remember(self.repository.publish(make_draft(), make_files(), version))

    @precondition(lambda self: self.digests)
    @rule(data=st.data())
    def remove(self, data):
        version = data.draw(st.sampled_from(sorted(self.digests)))
        if version in {trail[-1] for trail in self.trails.values()}:
            with pytest.raises(VersionInUseError):
                self.repository.remove("tiny", version)
        else:
            self.repository.remove("tiny", version)
            del self.digests[version]

    @precondition(lambda self: self.digests)
    @rule(alias=ALIASES, data=st.data())
    def set_alias(self, alias, data):
        version = data.draw(st.sampled_from(sorted(self.digests)))
        trail = self.trails.setdefault(alias, [])
        expected = trail[-1] if trail else None

        assert expected == self.repository.set_alias("tiny", alias, version, expected=expected)
        if version != expected:
            trail.append(version)

    @precondition(lambda self: self.trails)
    @rule(data=st.data())
    def roll_back(self, data):
        alias = data.draw(st.sampled_from(sorted(self.trails)))
        *trail, current = self.trails[alias]
        while trail and (trail[-1] not in self.digests or trail[-1] == current):
            trail.pop()
        if trail:
            assert trail[-1] == self.repository.rollback("tiny", alias)
            self.trails[alias] = trail
        else:
            with pytest.raises(ConflictError):
                self.repository.rollback("tiny", alias)

    @precondition(lambda self: self.trails)
    @rule(data=st.data())
    def delete_alias(self, data):
        alias = data.draw(st.sampled_from(sorted(self.trails)))

        assert self.trails.pop(alias)[-1] == self.repository.delete_alias("tiny", alias)

    @invariant()
    def the_repository_is_what_we_think(self):
        checks = list(self.repository.verify_all())
        assert self.digests == {check.version: check.manifest.digest for check in checks}
        assert sorted(self.digests) == self.repository.list_versions("tiny")
        assert {alias: trail[-1] for alias, trail in self.trails.items()} == self.repository.read_aliases("tiny")

    def remember(self, manifest):
        self.used.add(manifest.version)
        self.digests[manifest.version] = manifest.digest


TestRepositoryModel = RepositoryModel.TestCase
TestRepositoryModel.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
