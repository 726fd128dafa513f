"""What an export has done so far, in a file beside its shards: ``export.json``.

It is written anew after shards are in place, so it may know of fewer than there are, never of more. Nothing in it says
when: an export that was broken off and resumed ends with the same file as one that was not.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, BinaryIO

import msgspec

from app.core.errors import ExportError
from app.exporting.destination import Destination, write_whole

STATE_FILE = "export.json"
SCHEMA = "fount-export/1"

_MAX_STATE_BYTES = 64 * 2**20
_HASH_BYTES = 2**20


class ShardFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A finished shard: its size, and its SHA-256 in hexadecimal."""

    num_bytes: int
    sha256: str


class ExportState(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One export.

    Attributes:
        schema: Always ``fount-export/1``.
        token: The dataset.
        format: Ending of the shards.
        numerics: What the worker said of its arithmetic: shards of two kinds are not mixed.
        encoding: Encoder of the files, for the same reason.
        request: What the token was made from, as it was given; None where a token was given.
        shards: Finished shards by file name, in order.
    """

    schema: str
    token: str
    format: str
    numerics: str
    encoding: str
    request: Any
    shards: dict[str, ShardFile]

    def check_like(self, other: "ExportState") -> None:
        """Refuse to go on with what differs.

        Raises:
            ExportError: If the other export is of another dataset, format or build.
        """
        if (self.token, self.format) != (other.token, other.format):
            raise ExportError("an export of another dataset or format is there; choose another place")
        if (self.numerics, self.encoding) != (other.numerics, other.encoding):
            raise ExportError(
                "the shards that are there were made by another device or release, so others may differ from them in "
                "the last bit; go on where it began, or choose another place",
                numerics=other.numerics,
                encoding=other.encoding,
            )


def load_state(destination: Destination) -> ExportState | None:
    """Read what was done before; None where no export has begun.

    Raises:
        ExportError: If there is a file of this name that no export has written.
    """
    if STATE_FILE not in destination.sizes():
        return None
    with destination.open(STATE_FILE) as file:
        data = file.read(_MAX_STATE_BYTES)
    try:
        state = msgspec.json.decode(data, type=ExportState)
    except msgspec.DecodeError:
        state = None
    if state is None or state.schema != SCHEMA:
        raise ExportError(f"`{STATE_FILE}` is damaged or of another program; choose another place")
    return state


def save_state(destination: Destination, state: ExportState, names: Iterable[str]) -> None:
    """Write what is done.

    Args:
        destination: Where.
        state: What is done.
        names: All shards, in order.

    Raises:
        ExportError: If it cannot be written.
    """
    ordered = {name: state.shards[name] for name in names if name in state.shards}
    data = msgspec.json.format(msgspec.json.encode(msgspec.structs.replace(state, shards=ordered)), indent=1)
    write_whole(destination, STATE_FILE, data + b"\n")


def is_intact(destination: Destination, name: str, expected: ShardFile, *, reads: bool) -> bool:
    """Tell whether a shard is the one that was written.

    Args:
        destination: Where.
        name: The shard.
        expected: What was written.
        reads: Whether to read it and compare the checksum; else its size is all that is looked at.
    """
    if destination.size(name) != expected.num_bytes:
        return False
    if not reads:
        return True
    with destination.open(name) as file:
        return compute_sha256(file) == expected.sha256


def compute_sha256(file: BinaryIO) -> str:
    """Hash a file from where it is read next."""
    digest = hashlib.sha256()
    while block := file.read(_HASH_BYTES):
        digest.update(block)
    return digest.hexdigest()


def count_bytes(shards: Mapping[str, ShardFile]) -> int:
    """Add up the sizes of finished shards."""
    return sum(shard.num_bytes for shard in shards.values())
