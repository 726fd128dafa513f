"""What lies in a repository at one moment: which names, which version numbers, which of them are whole."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping

from app.repository.manifest import MANIFEST_FILE
from app.repository.storage import Entry
from app.schemas.names import is_name, is_version

ALIASES_FILE = "aliases.json"
TOMBSTONE_FILE = "removed.json"


class Listing:
    """Answers from one scan of the storage; anything that is not named as we name things is ignored.

    Args:
        entries: What the storage found, by path.
    """

    def __init__(self, entries: Mapping[str, Entry]) -> None:
        self._entries = {path: entry for path, entry in entries.items() if _is_ours(path)}
        self._numbers: dict[str, set[int]] = defaultdict(set)
        for path in self._entries:
            name, item, *_ = path.split("/")
            if is_version(item):
                self._numbers[name].add(int(item))

    def names(self) -> list[str]:
        """List models with at least one version, sorted."""
        return [name for name in self.candidate_names() if self.versions(name)]

    def candidate_names(self) -> list[str]:
        """List models with anything that is named like a version, sorted."""
        return sorted(self._numbers)

    def versions(self, name: str) -> list[int]:
        """List versions that were published and not removed, ascending."""
        return [number for number in self.candidates(name) if self._is_file(name, number, MANIFEST_FILE)]

    def candidates(self, name: str) -> list[int]:
        """List everything that is named like a version, torn ones too, and was not removed; ascending."""
        return sorted(number for number in self._numbers.get(name, ()) if not self.is_removed(name, number))

    def is_removed(self, name: str, version: int) -> bool:
        """Tell whether the version's number is kept by a tombstone."""
        return f"{name}/{version}/{TOMBSTONE_FILE}" in self._entries

    def is_taken(self, name: str, version: int) -> bool:
        """Tell whether the number was ever used, even by a version that was torn or removed."""
        return version in self._numbers.get(name, ())

    def last_number(self, name: str) -> int:
        """Return the highest number ever used; 0 where there is none."""
        return max(self._numbers.get(name, ()), default=0)

    def fingerprint(self) -> str:
        """Digest everything seen: changes whenever a version or an alias appears, changes or goes."""
        return hashlib.sha256(repr(sorted(self._entries.items())).encode()).hexdigest()

    def _is_file(self, name: str, version: int, file: str) -> bool:
        entry = self._entries.get(f"{name}/{version}/{file}")
        return entry is not None and entry.kind == "file"


def _is_ours(path: str) -> bool:
    name, _, below = path.partition("/")
    item = below.partition("/")[0]
    return is_name(name) and (is_version(item) or below == ALIASES_FILE)
