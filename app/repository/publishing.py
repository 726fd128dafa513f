"""Makes a version out of a draft: checks its files, fills in what publishing decides, computes the digest."""

import hashlib
from collections.abc import Mapping

from app.core.errors import ManifestError
from app.repository.manifest import (
    CARD_FILE,
    CURVES_FILE,
    GRID_FILE,
    MANIFEST_FILE,
    MAX_WEIGHTS_BYTES,
    WEIGHTS_FILE,
    Manifest,
    compute_digest,
    dump_manifest,
    parse_manifest,
)

_ORDER = (WEIGHTS_FILE, GRID_FILE, CURVES_FILE, CARD_FILE)


def check_files(files: Mapping[str, bytes]) -> None:
    """Refuse a set of files that is no version.

    Raises:
        ManifestError: If the weights are missing, a file is unknown, empty or too large.
    """
    if WEIGHTS_FILE not in files:
        raise ManifestError(f"a version needs {WEIGHTS_FILE}")
    for file, data in files.items():
        if file not in _ORDER:
            raise ManifestError(f"a version holds only {', '.join(_ORDER)}")
        if not 1 <= len(data) <= MAX_WEIGHTS_BYTES:
            raise ManifestError(f"{file} is empty or too large", limit=MAX_WEIGHTS_BYTES)


def seal(draft: Manifest, version: int, files: Mapping[str, bytes]) -> tuple[Manifest, dict[str, bytes]]:
    """Finish a version.

    Args:
        draft: Everything that training knows; its version, files and digest are replaced.
        version: The number it gets.
        files: The files beside the manifest, checked.

    Returns:
        The manifest as a reader will see it, and all files in the order to write them: weights first, manifest last.

    Raises:
        ManifestError: If the manifest would be too large, or could not be read back.
    """
    entries = {
        file: {"sha256": hashlib.sha256(data).hexdigest(), "num_bytes": len(data)} for file, data in files.items()
    }
    facts = draft.model_dump(by_alias=True) | {"version": version, "files": entries, "digest": None}
    unsigned = Manifest.model_validate(facts)
    digest = compute_digest(unsigned, files[WEIGHTS_FILE])
    document = dump_manifest(unsigned.model_copy(update={"digest": digest}))
    ordered = {file: files[file] for file in _ORDER if file in files}
    return parse_manifest(document), {**ordered, MANIFEST_FILE: document}
