"""A dataset of the service: its recipe, its shards, and a folder that has them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

from app.client.errors import ConflictError
from app.client.exchange import Answer, Operation, Request
from app.client.order import SampleOrder

T = TypeVar("T")

RECORD = "fount-dataset.json"
_CARD_FORMAT = "parquet"


class Asking(Protocol):
    """A client that waits."""

    def send(self, operation: Operation[T]) -> T:
        """Carry an operation out."""
        ...

    def fetch(self, request: Request, target: Path) -> None:
        """Write an answer to a file."""
        ...


class AsyncAsking(Protocol):
    """A client that does not block."""

    async def send(self, operation: Operation[T]) -> T:
        """Carry an operation out."""
        ...

    async def fetch(self, request: Request, target: Path) -> None:
        """Write an answer to a file."""
        ...


@dataclass(frozen=True, slots=True)
class Shard:
    """One shard.

    Attributes:
        number: Within the dataset.
        split: That it belongs to.
        num_samples: That it holds.
        file_name: As readers of sharded datasets expect it.
        path: Address below that of the service; the bytes there are always the same.
    """

    number: int
    split: str
    num_samples: int
    file_name: str
    path: str


@dataclass(frozen=True, slots=True)
class Description:
    """A dataset, as the service describes it.

    Attributes:
        document: The whole description: ``token``, ``splits``, ``samples``, ``class_names``, ``usage``, ...
    """

    document: Mapping[str, Any] = field(repr=False)

    @property
    def token(self) -> str:
        """Address of the dataset, which holds its recipe."""
        return str(self.document["token"])

    @property
    def num_samples(self) -> int:
        """Of all splits."""
        return int(self.document["num_samples"])

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names by class number."""
        return tuple(self.document["class_names"])

    @property
    def shards(self) -> list[Shard]:
        """All shards, split by split, in the dataset's format."""
        return self.list_shards(self.document["format"])

    def list_shards(self, sample_format: str) -> list[Shard]:
        """List all shards, split by split.

        Args:
            sample_format: ``tar``, ``parquet``, ``arrow`` or ``npz``.
        """
        counts = self.document["shard_samples"]
        listed = []
        for name, split in self.document["splits"].items():
            for place in range(split["num_shards"]):
                number = split["first_shard"] + place
                file_name = f"{name}-{place:05}-of-{split['num_shards']:05}.{sample_format}"
                path = f"/v1/datasets/{self.token}/shards/{number}.{sample_format}"
                listed.append(Shard(number, name, counts[number], file_name, path))
        return sorted(listed, key=lambda shard: shard.number)


@dataclass(frozen=True, slots=True)
class Dataset(Description):
    """A dataset, and the client that asks for it."""

    client: Asking = field(repr=False)

    @property
    def croissant(self) -> dict[str, Any]:
        """Its metadata as Croissant, asked for now."""
        return self.client.send(_read_croissant(self.document))

    def download(self, folder: str | Path, *, format: str | None = None) -> Path:  # noqa: A002 - the interface's word
        """Write all shards into a folder; those that are there already are not asked for again.

        Args:
            folder: Made if it is missing. What was broken off goes on with the same call.
            format: ``tar``, ``parquet``, ``arrow`` or ``npz``; by default the dataset's.

        Raises:
            ConflictError: If the folder holds another dataset.
            FountError: If the service refuses, or does not answer.
        """
        for request, target in begin_download(self, Path(folder), format):
            self.client.fetch(request, target)
        return Path(folder)


@dataclass(frozen=True, slots=True)
class AsyncDataset(Description):
    """A dataset, and the client that asks for it without blocking."""

    client: AsyncAsking = field(repr=False)

    async def croissant(self) -> dict[str, Any]:
        """Ask for its metadata as Croissant."""
        return await self.client.send(_read_croissant(self.document))

    async def download(self, folder: str | Path, *, format: str | None = None) -> Path:  # noqa: A002 - as above
        """Write all shards into a folder, as ``Dataset.download`` does."""
        for request, target in begin_download(self, Path(folder), format):
            await self.client.fetch(request, target)
        return Path(folder)


def describe(
    samples: str | Mapping[str, Any] | Sequence[Mapping[str, Any]],
    *,
    shard_size: int | None = None,
    sample_format: str | None = None,
    splits: Mapping[str, float] | None = None,
) -> Operation[dict[str, Any]]:
    """Make a dataset from a recipe, or read that of a token."""
    if isinstance(samples, str):
        found: Answer = yield Request("GET", f"/v1/datasets/{samples}")
        known: dict[str, Any] = found.read_json()
        return known
    blocks = [samples] if isinstance(samples, Mapping) else samples
    document: dict[str, Any] = {"samples": [_write_block(block) for block in blocks]}
    given = {"shard_size": shard_size, "format": sample_format, "splits": None if splits is None else dict(splits)}
    document |= {name: value for name, value in given.items() if value is not None}
    answer: Answer = yield Request("POST", "/v1/datasets", document)
    described: dict[str, Any] = answer.read_json()
    return described


def begin_download(dataset: Description, folder: Path, sample_format: str | None) -> list[tuple[Request, Path]]:
    """Say what a folder lacks of a dataset, and note which dataset it holds.

    Raises:
        ConflictError: If it holds another one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    chosen = sample_format or str(dataset.document["format"])
    record, held = folder / RECORD, {"token": dataset.token, "format": chosen}
    if record.exists() and json.loads(record.read_text(encoding="utf-8")) != held:
        raise ConflictError(f"{folder} holds another dataset, or the same in another format")
    record.write_text(json.dumps(held), encoding="utf-8")
    wanted = {shard.file_name: shard.path for shard in dataset.list_shards(chosen)}
    if chosen == _CARD_FORMAT:
        wanted["README.md"] = str(dataset.document["card"])
    return [(Request("GET", path), folder / name) for name, path in wanted.items() if not (folder / name).exists()]


def _write_block(block: Mapping[str, Any]) -> dict[str, Any]:
    document = SampleOrder(**block).document("")
    del document["format"]
    return document


def _read_croissant(document: Mapping[str, Any]) -> Operation[dict[str, Any]]:
    answer: Answer = yield Request("GET", str(document["croissant"]))
    croissant: dict[str, Any] = answer.read_json()
    return croissant
