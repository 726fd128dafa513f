"""The folder of augmented images: each file is there whole or not at all, and what is there is known.

``augment.json`` says what is written here; ``metadata.jsonl`` says of each file what it is, sorted by image and copy.
While work goes on, its lines are in ``.fount-augmented.jsonl``, in the order in which files are finished.
"""

import json
import secrets
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from app.core.errors import DatasetError
from app.exporting.destination import reported
from app.exporting.folder import PART_PREFIX

FACTS, METADATA, JOURNAL = "augment.json", "metadata.jsonl", ".fount-augmented.jsonl"


class Entry(NamedTuple):
    """One output that is there.

    Attributes:
        place: Image, copy and part, for the order of the entries.
        num_bytes: Of the file.
        source_sha256: Of the image that it is of.
        line: What the entry says, as JSON.
    """

    place: tuple[str, int, int]
    num_bytes: int
    source_sha256: str
    line: str


class OutputFolder:
    """A folder that outputs are written to, by one process at a time.

    Args:
        path: The folder; it is there.

    Raises:
        DatasetError: If it holds other files.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._found: dict[str, Entry] = {}
        self._entries: dict[str, Entry] = {}
        self._facts = self._read_facts()

    @property
    def seed(self) -> int | None:
        """Of what was begun here; None if nothing was."""
        seed = (self._facts or {}).get("seed")
        return seed if isinstance(seed, int) else None

    def begin(self, facts: Mapping[str, Any]) -> None:
        """Say what is to be written, and look at what of it is there.

        Raises:
            DatasetError: If something else was begun here.
        """
        if self._facts is not None and self._facts != facts:
            others = [name for name in facts if self._facts.get(name) != facts[name]]
            raise DatasetError(
                f"{self._path} holds outputs of another command ({', '.join(others)} differ): take another folder"
            )
        if self._facts is None:
            self.write(FACTS, json.dumps(facts, indent=2).encode() + b"\n")
        for name in (METADATA, JOURNAL):
            self._found |= {json.loads(entry.line)["file_name"]: entry for entry in self._read_entries(name)}
        self.write(JOURNAL, "".join(f"{entry.line}\n" for entry in self._found.values()).encode())

    def has(self, names: Iterable[str], source_sha256: str) -> bool:
        """Tell whether outputs are there already, as they were written; those are entered then."""
        entries = {name: self._found.get(name) for name in names}
        if any(entry is None or entry.source_sha256 != source_sha256 for entry in entries.values()):
            return False
        kept = {name: entry for name, entry in entries.items() if entry is not None}
        if any(self._size(name) != entry.num_bytes for name, entry in kept.items()):
            return False
        self._entries |= kept
        return True

    def write(self, name: str, data: bytes | memoryview) -> None:
        """Write a file aside, then give it its name.

        Raises:
            ExportError: If it cannot be written.
        """
        part, target = self._path / f"{PART_PREFIX}{secrets.token_hex(8)}", self._path / name
        with reported(name):
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                part.write_bytes(data)
                part.replace(target)
            finally:
                part.unlink(missing_ok=True)

    def enter(self, documents: Iterable[Mapping[str, Any]]) -> None:
        """Enter outputs that were written."""
        made = {one["file_name"]: _make_entry(one) for one in documents}
        self._entries |= made
        with reported(JOURNAL), (self._path / JOURNAL).open("a", encoding="ascii") as file:
            file.write("".join(f"{entry.line}\n" for entry in made.values()))

    def finish(self) -> tuple[int, int]:
        """Write down what all files are; returns how many they are, and how many show what another one shows."""
        entries = sorted(self._entries.values())
        self.write(METADATA, "".join(f"{entry.line}\n" for entry in entries).encode())
        (self._path / JOURNAL).unlink(missing_ok=True)
        return len(entries), len(entries) - len({_hash_content(entry) for entry in entries})

    def _read_facts(self) -> dict[str, Any] | None:
        try:
            facts = json.loads((self._path / FACTS).read_bytes())
        except FileNotFoundError:
            if any(not one.name.startswith(PART_PREFIX) for one in self._path.iterdir()):
                raise DatasetError(f"{self._path} holds files of others: take a new folder, or an empty one") from None
            return None
        except ValueError:
            facts = None
        if not isinstance(facts, dict):
            raise DatasetError(f"{self._path / FACTS} is not what `fount augment` wrote: take another folder")
        return facts

    def _read_entries(self, name: str) -> Iterator[Entry]:
        """Read what was entered, but for a line that a kill cut off."""
        try:
            text = (self._path / name).read_text(encoding="ascii")
        except FileNotFoundError:
            return
        for line in text.splitlines():
            try:
                yield _make_entry(json.loads(line))
            except (ValueError, KeyError, TypeError):
                continue

    def _size(self, name: str) -> int | None:
        try:
            return (self._path / name).stat().st_size
        except OSError:
            return None


def _make_entry(document: Mapping[str, Any]) -> Entry:
    numbers = (-1 if document[name] is None else document[name] for name in ("copy", "patch"))
    place = (document["source_file_name"], *numbers)
    line = json.dumps(document, separators=(",", ":"))
    return Entry(place, document["num_bytes"], document["source_sha256"], line)


def _hash_content(entry: Entry) -> int:
    """Return the same number for outputs that show the same: of the same image, by the same trace."""
    return hash((entry.source_sha256, json.dumps(json.loads(entry.line)["trace"])))
