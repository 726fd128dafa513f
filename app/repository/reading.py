"""The reading half of the repository: list, read, verify, resolve; writes nothing.

It trusts nothing that it reads: sizes are bounded before a byte is read, and every file must be the one that the
manifest names. It knows the bytes of weights and nothing of what they mean.
"""

import contextlib
import hashlib
from collections.abc import Iterator
from typing import NamedTuple

from app.core.errors import (
    AliasNotFoundError,
    ConfigurationError,
    DigestMismatchError,
    ManifestError,
    ModelNotFoundError,
    NotFoundError,
    RepositoryError,
    ServiceError,
    VersionNotFoundError,
)
from app.core.places import find_folder
from app.repository.aliases import MAX_ALIASES_BYTES, AliasTable, parse_aliases
from app.repository.listing import ALIASES_FILE, TOMBSTONE_FILE, Listing
from app.repository.local import LocalStorage
from app.repository.manifest import (
    MANIFEST_FILE,
    MAX_MANIFEST_BYTES,
    WEIGHTS_FILE,
    Manifest,
    compute_digest,
    parse_manifest,
)
from app.repository.storage import Storage
from app.schemas.names import PRODUCTION, is_name, is_version


class VersionCheck(NamedTuple):
    """What verifying a version found: the manifest of a sound version, or what is wrong with it."""

    name: str
    version: int
    manifest: Manifest | None
    error: RepositoryError | None


def open_storage(url: str) -> Storage:
    """Choose the storage for a folder or an fsspec URL.

    Raises:
        ConfigurationError: If the URL's scheme is unknown, or needs a package that is not installed.
    """
    folder = find_folder(url)
    if folder is not None:
        return LocalStorage(folder)
    from app.repository.remote import RemoteStorage  # noqa: PLC0415 - a folder does not need fsspec

    try:
        return RemoteStorage(url)
    except (ImportError, ValueError) as error:
        raise ConfigurationError(f"cannot open this model repository: {error}", setting="repository.url") from error


class RepositoryReader:
    """Published models as a reader sees them. Safe to use from several threads.

    Args:
        url: A folder, which need not exist yet, or an fsspec URL.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._storage = open_storage(url)

    def list_names(self) -> list[str]:
        """List models with at least one version, sorted."""
        return Listing(self._storage.scan()).names()

    def list_versions(self, name: str) -> list[int]:
        """List versions whose manifest is there, ascending; says nothing of their other files."""
        return self.list_entries(name).versions(name)

    def fingerprint(self) -> str:
        """Return a value that changes whenever a version or an alias appears, changes or goes; reads no file."""
        return Listing(self._storage.scan()).fingerprint()

    def read_manifest(self, name: str, version: int) -> Manifest:
        """Read what a version says of itself, without looking at its other files.

        Raises:
            ModelNotFoundError: If the model has no versions at all.
            VersionNotFoundError: If there is no such version, or it was removed.
            ManifestError: If the manifest is missing, not valid, or another version's.
        """
        data = self._read_present(name, version, MANIFEST_FILE, MAX_MANIFEST_BYTES)
        if data is None or self._read_present(name, version, TOMBSTONE_FILE, 0) is not None:
            raise self._explain_absence(name, version)
        manifest = parse_manifest(data)
        if (manifest.name, manifest.version) != (name, version):
            raise ManifestError("the manifest is that of another model or version")
        if manifest.digest is None:
            raise ManifestError("digest: the manifest has none")
        return manifest

    def read_file(self, name: str, version: int, file: str) -> bytes:
        """Read one file of a version and check that it is the one that was published.

        Raises:
            NotFoundError: If there is no such model or version, or it has no such file.
            RepositoryError: If the manifest or the file is not sound.
        """
        return self.read_listed(self.read_manifest(name, version), file)

    def read_listed(self, manifest: Manifest, file: str) -> bytes:
        """Read a file that a manifest lists and check that it is the one that was published.

        Raises:
            NotFoundError: If the manifest lists no such file.
            RepositoryError: If the file is not sound.
        """
        entry = {str(key): value for key, value in manifest.files.items()}.get(file)
        if entry is None:
            raise NotFoundError("the version has no such file")
        data = self._read_present(manifest.name, manifest.version, file, entry.num_bytes)
        if data is None:
            raise DigestMismatchError(f"{file} is missing")
        if len(data) != entry.num_bytes:
            relation = "shorter" if len(data) < entry.num_bytes else "longer"
            raise DigestMismatchError(f"{file} is {relation} than the {entry.num_bytes} bytes that were published")
        if hashlib.sha256(data).hexdigest() != entry.sha256:
            raise DigestMismatchError(f"{file} has other bytes than were published: its SHA-256 differs")
        return data

    def read_weights(self, manifest: Manifest) -> bytes:
        """Read a version's weights once and check them against the manifest and its digest.

        Raises:
            RepositoryError: If the weights or the manifest are not what was published.
        """
        weights = self.read_listed(manifest, WEIGHTS_FILE)
        if compute_digest(manifest, weights) != manifest.digest:
            raise DigestMismatchError("the manifest and the weights do not give the digest")
        return weights

    def verify(self, name: str, version: int) -> Manifest:
        """Read every file of a version and check all that can be checked.

        Raises:
            NotFoundError: If there is no such model or version.
            RepositoryError: If anything is not what was published; the message says what.
        """
        manifest = self.read_manifest(name, version)
        self.read_weights(manifest)
        for file in manifest.files:
            if file != WEIGHTS_FILE:
                self.read_listed(manifest, file)
        return manifest

    def check(self, name: str, version: int) -> VersionCheck:
        """Verify a version and return what was found.

        Raises:
            NotFoundError: If there is no such model or version.
        """
        try:
            return VersionCheck(name, version, self.verify(name, version), None)
        except RepositoryError as error:
            return VersionCheck(name, version, None, error)

    def verify_all(self, name: str | None = None) -> Iterator[VersionCheck]:
        """Verify every version of one model or of all, torn ones included, one at a time."""
        listing = Listing(self._storage.scan()) if name is None else self.list_entries(name)
        for model in listing.candidate_names():
            for version in listing.candidates(model):
                with contextlib.suppress(NotFoundError):  # removed since it was listed
                    yield self.check(model, version)

    def read_aliases(self, name: str) -> dict[str, int]:
        """Return where each alias of a model points; empty where it has none.

        Raises:
            ManifestError: If the file of aliases is not valid.
        """
        return dict(self._read_table(name).aliases) if is_name(name) else {}

    def read_history(self, name: str) -> dict[str, list[int]]:
        """Return where each alias of a model pointed before, the latest last; empty where nothing is known.

        Raises:
            ManifestError: If the file of aliases is not valid.
        """
        table = self._read_table(name) if is_name(name) else AliasTable()
        return {alias: list(trail) for alias, trail in table.history.items()}

    def resolve(self, name: str, selector: str | None) -> int:
        """Find the version that a reference means.

        Args:
            name: The model.
            selector: A number, an alias, or None: ``production`` where it is set, else the newest.

        Raises:
            NotFoundError: If there is no such model, version or alias, or the alias points to nothing.
        """
        listing = self.list_entries(name)
        versions = listing.versions(name)
        version = self._follow(name, selector, newest=versions[-1]) if versions else 0
        if version not in versions:
            raise not_found(listing, name, version)
        return version

    def _follow(self, name: str, selector: str | None, *, newest: int) -> int:
        if selector is not None and is_version(selector):
            return int(selector)
        aliases = self.read_aliases(name)
        if selector is None:
            return aliases.get(PRODUCTION, newest)
        if selector not in aliases:
            raise AliasNotFoundError("the model has no such alias", aliases=sorted(aliases))
        return aliases[selector]

    def list_entries(self, name: str) -> Listing:
        """Look at all that is there of one model."""
        return Listing(self._storage.scan(name) if is_name(name) else {})

    def _read_present(self, name: str, version: int, file: str, limit: int) -> bytes | None:
        if not (is_name(name) and is_version(str(version))):
            return None
        try:
            return self._storage.read(f"{name}/{version}/{file}", limit)
        except FileNotFoundError:
            return None

    def _explain_absence(self, name: str, version: int) -> ServiceError:
        listing = self.list_entries(name)
        if version in listing.candidates(name):
            return ManifestError(f"{MANIFEST_FILE} is missing: the version was never finished")
        return not_found(listing, name, version)

    def _read_table(self, name: str) -> AliasTable:
        try:
            return parse_aliases(self._storage.read(f"{name}/{ALIASES_FILE}", MAX_ALIASES_BYTES))
        except FileNotFoundError:
            return AliasTable()


def not_found(listing: Listing, name: str, version: int) -> NotFoundError:
    """Say why a version is not listed."""
    versions = listing.versions(name)
    if not listing.candidates(name):
        return ModelNotFoundError("there is no such model")
    if listing.is_removed(name, version):
        return VersionNotFoundError("this version was removed", versions=versions)
    return VersionNotFoundError("the model has no such version", versions=versions)
