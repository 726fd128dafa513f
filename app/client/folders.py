"""Samples as a folder of class folders."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

METADATA = "metadata.jsonl"
NO_CLASS_FOLDER = "samples"
_UNSAFE = re.compile(r"[^\w .+-]|^[. ]+|[. ]+$")


@dataclass(frozen=True, slots=True)
class Entry:
    """A sample's file.

    Attributes:
        number: What it is called.
        label: Number of its class.
        class_name: Name of its class; None for none.
        index: Its number within the seed.
        png: The file.
    """

    number: int
    label: int | None
    class_name: str | None
    index: int
    png: bytes


def save_imagefolder(
    folder: Path, entries: Iterable[Entry], class_names: Sequence[str], common: Mapping[str, Any]
) -> None:
    """Write samples into class folders; ``metadata.jsonl`` is continued where there is one.

    Args:
        folder: Made if it is missing.
        entries: The files.
        class_names: Of the model. One that no folder may have gets a safe one, with its number behind.
        common: What ``metadata.jsonl`` says of all of them.

    Raises:
        FileExistsError: If there is a file of that name, as of another seed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with folder.joinpath(METADATA).open("a", encoding="utf-8") as metadata:
        for entry in entries:
            path = f"{name_folder(entry, class_names)}/{entry.number}.png"
            folder.joinpath(path).parent.mkdir(exist_ok=True)
            with folder.joinpath(path).open("xb") as file:
                file.write(entry.png)
            facts = {"file_name": path, "index": entry.index, "class_label": entry.class_name, **common}
            metadata.write(json.dumps(facts, ensure_ascii=False) + "\n")


def name_folder(entry: Entry, class_names: Sequence[str]) -> str:
    """Name the folder of a sample's class."""
    if entry.class_name is None:
        return NO_CLASS_FOLDER
    safe = _UNSAFE.sub("_", entry.class_name)
    if safe == entry.class_name:
        return safe
    folder = f"{safe}_{entry.label}"
    while folder in class_names:
        folder += "_"
    return folder
