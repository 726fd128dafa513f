"""The model repository: publish and remove versions, move aliases, and all that a reader can do."""

import contextlib
import enum
import json
from collections.abc import Iterator, Mapping
from typing import Final

from app.core.errors import (
    AliasNotFoundError,
    InvalidInputError,
    ModelNotFoundError,
    PreconditionFailedError,
    RepositoryError,
    VersionConflictError,
    VersionInUseError,
)
from app.repository.aliases import AliasTable, dump_aliases
from app.repository.listing import ALIASES_FILE, TOMBSTONE_FILE
from app.repository.manifest import (
    CARD_FILE,
    CURVES_FILE,
    GRID_FILE,
    MANIFEST_FILE,
    MAX_VERSION,
    WEIGHTS_FILE,
    Manifest,
    utc_now,
)
from app.repository.publishing import check_files, seal
from app.repository.reading import RepositoryReader, not_found
from app.schemas.names import PRODUCTION, is_alias

_MAX_LOST_RACES = 100


class Unset(enum.Enum):
    """The type of ``UNSET``."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET  # no expectation; None is one: that the alias does not exist


class ModelRepository(RepositoryReader):
    """Published models: immutable versions and movable aliases. Safe to use from several threads and processes.

    Args:
        url: A folder, which need not exist yet, or an fsspec URL.
    """

    def publish(self, draft: Manifest, files: Mapping[str, bytes], version: int | None = None) -> Manifest:
        """Publish a new version: all of it, or nothing that anyone would take for a version.

        Args:
            draft: Everything that training knows; its version, files and digest are filled in here.
            files: ``weights.safetensors``, and optionally the card and the grid.
            version: The number to take; by default the one after the highest ever used.

        Returns:
            The manifest as published.

        Raises:
            ManifestError: If the draft or the files are not fit to be published.
            VersionConflictError: If the number is taken, or was.
            RepositoryError: If the repository cannot be written.
        """
        check_files(files)
        for _ in range(_MAX_LOST_RACES):
            number = self._choose_number(draft.name, version)
            manifest, documents = seal(draft, number, files)
            try:
                self._storage.publish(f"{draft.name}/{number}", documents)
            except FileExistsError:
                continue  # lost to another publisher; a number that was asked for is refused at the next turn
            return manifest
        raise VersionConflictError("other publishers kept taking the next version number")

    def remove(self, name: str, version: int) -> None:
        """Delete a version, torn or whole; its number stays used for ever.

        Raises:
            NotFoundError: If there is no such model or version.
            VersionInUseError: If an alias points to it.
        """
        with self._locked(name):
            listing = self.list_entries(name)
            if listing.is_removed(name, version):
                self._bury(name, version)  # what a removal that was killed left
            if version not in listing.candidates(name):
                raise not_found(listing, name, version)
            holders = sorted(alias for alias, target in self.read_aliases(name).items() if target == version)
            if holders:
                raise VersionInUseError("an alias points to this version: move or delete it first", aliases=holders)
            self._storage.write(f"{name}/{version}/{TOMBSTONE_FILE}", self._engrave(name, version))
            self._bury(name, version)

    def set_alias(self, name: str, alias: str, version: int, *, expected: int | Unset | None = UNSET) -> int | None:
        """Point an alias to a version, creating it where it does not exist.

        Args:
            name: The model.
            alias: The alias.
            version: A version that is listed.
            expected: Where the alias must point now, None for nowhere, for the move to happen.

        Returns:
            Where it pointed before.

        Raises:
            InvalidInputError: If this cannot be an alias.
            NotFoundError: If there is no such model or version.
            PreconditionFailedError: If the alias does not point where it was expected to.
        """
        if not is_alias(alias):
            raise InvalidInputError("an alias is 1 to 32 of a-z, 0-9, `_` and `-`, and begins with a letter")
        with self._locked(name):
            listing = self.list_entries(name)
            if version not in listing.versions(name):
                raise not_found(listing, name, version)
            table = self._read_table(name)
            previous = table.aliases.get(alias)
            _check_expected(previous, expected)
            self._write_table(name, table.moved(alias, version))
            return previous

    def delete_alias(self, name: str, alias: str, *, expected: int | Unset = UNSET) -> int:
        """Delete an alias and its history.

        Returns:
            Where it pointed.

        Raises:
            NotFoundError: If there is no such model or alias.
            PreconditionFailedError: If the alias does not point where it was expected to.
        """
        with self._locked(name):
            table = self._read_table(name)
            if alias not in table.aliases:
                raise AliasNotFoundError("the model has no such alias")
            _check_expected(table.aliases[alias], expected)
            self._write_table(name, table.without(alias))
            return table.aliases[alias]

    def rollback(self, name: str, alias: str = PRODUCTION) -> int:
        """Point an alias to where it pointed before its last move; again goes one step further back.

        Returns:
            Where it points now.

        Raises:
            NotFoundError: If there is no such model or alias.
            ConflictError: If there is nothing to go back to.
        """
        with self._locked(name):
            table = self._read_table(name).rolled_back(alias, set(self.list_versions(name)))
            self._write_table(name, table)
            return table.aliases[alias]

    @contextlib.contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        if not self.list_entries(name).candidates(name):
            raise ModelNotFoundError("there is no such model")
        with self._storage.lock(name):
            yield

    def _choose_number(self, name: str, version: int | None) -> int:
        listing = self.list_entries(name)
        number = listing.last_number(name) + 1 if version is None else version
        if not 1 <= number <= MAX_VERSION:
            raise VersionConflictError(f"version numbers go from 1 to {MAX_VERSION}", limit=MAX_VERSION)
        if listing.is_taken(name, number):
            raise VersionConflictError("this version number is taken, or was: leave it out to get the next free one")
        return number

    def _bury(self, name: str, version: int) -> None:
        for file in (MANIFEST_FILE, WEIGHTS_FILE, CARD_FILE, GRID_FILE, CURVES_FILE):
            self._storage.delete(f"{name}/{version}/{file}")

    def _engrave(self, name: str, version: int) -> bytes:
        try:
            digest = self.read_manifest(name, version).digest
        except RepositoryError:
            digest = None
        stone = {"schema": "fount-removed/1", "digest": digest, "removed": utc_now().isoformat()}
        return f"{json.dumps(stone, indent=2)}\n".encode()

    def _write_table(self, name: str, table: AliasTable) -> None:
        self._storage.write(f"{name}/{ALIASES_FILE}", dump_aliases(table))


def _check_expected(previous: int | None, expected: int | Unset | None) -> None:
    if isinstance(expected, Unset) or previous == expected:
        return
    where = "does not exist" if previous is None else f"points to version {previous}"
    raise PreconditionFailedError(f"the alias {where} now")
