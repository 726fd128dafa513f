"""The body of ``POST /v1/datasets``, and what the service says about a dataset."""

from typing import Annotated, Any, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from app.schemas.samples import SampleBlock, SampleFormat

MAX_BLOCKS = 64
MAX_SPLITS = 16
MAX_SHARD_SIZE = 100_000
SPLIT_PATTERN = r"[a-z][a-z0-9_]{0,31}"

_SUM_TOLERANCE = 1e-6

SplitName: TypeAlias = Annotated[str, StringConstraints(pattern=rf"^{SPLIT_PATTERN}$")]
Fraction: TypeAlias = Annotated[float, Field(gt=0, le=1)]


class DatasetRequest(BaseModel):
    """Describe a dataset."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [
                {
                    "samples": [{"model": "mnist-gan@1", "class_counts": {"0": 50, "1": 50}, "seed": 3}],
                    "shard_size": 100,
                    "format": "tar",
                    "splits": {"train": 0.9, "test": 0.1},
                }
            ]
        },
    )

    samples: list[SampleBlock] = Field(min_length=1, max_length=MAX_BLOCKS, description="What it is made from.")
    shard_size: int = Field(1000, ge=1, le=MAX_SHARD_SIZE, description="Most samples of one shard.")
    format: SampleFormat = Field(
        SampleFormat.TAR, strict=False, description="`tar`, `parquet`, `arrow` or `npz`: what `shards` name."
    )
    splits: dict[SplitName, Fraction] = Field(
        default_factory=lambda: {"train": 1.0},
        min_length=1,
        max_length=MAX_SPLITS,
        description="Share of each split; together 1. Each has its share of every class.",
        json_schema_extra={"additionalProperties": False},  # beside the pattern of names
    )

    @model_validator(mode="after")
    def _check_splits(self) -> "DatasetRequest":
        if abs(sum(self.splits.values()) - 1) > _SUM_TOLERANCE:
            raise ValueError("the shares in `splits` must add up to 1")
        return self


class DatasetSource(BaseModel):
    """Samples of one version and seed in a dataset, with nothing left to choose."""

    model: str = Field(description="The version, for example `mnist-gan@3`.")
    digest: str
    seed: int
    first_index: int
    num_samples: int
    class_counts: dict[str, int] | None = Field(description="null when each sample draws its class, or has none.")
    truncation: float
    augment: dict[str, Any] | None = Field(None, description="Policy of the samples, with its digest; null for none.")


class DatasetSplit(BaseModel):
    """One split; its shards follow each other."""

    num_samples: int
    first_shard: int
    num_shards: int


class DatasetAnswer(BaseModel):
    """A dataset: its address, and all that its bytes are a function of."""

    token: str = Field(description="The dataset's address, which holds its whole recipe.")
    num_samples: int
    num_shards: int
    shard_size: int
    shards: list[str] = Field(description="Addresses of the shards, in `format`; another ending is another format.")
    shard_samples: list[int] = Field(description="How many samples each shard has.")
    splits: dict[str, DatasetSplit]
    format: SampleFormat
    formats: list[SampleFormat] = Field(description="Endings that shards have: `npz` only where sizes agree.")
    class_names: list[str] = Field(description="Classes by number; of all models, in their order.")
    samples: list[DatasetSource]
    croissant: str = Field(description="Address of the metadata as Croissant.")
    card: str = Field(description="Address of the dataset card.")
    usage: dict[str, str] = Field(description="How to load it in Python, by library.")
