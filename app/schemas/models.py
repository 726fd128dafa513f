"""What the service says about models."""

import enum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class VersionState(enum.StrEnum):
    """Where a version is on its way to answering requests."""

    VERIFYING = "verifying"
    WARMING = "warming"
    READY = "ready"
    FAILED = "failed"


class VersionSummary(BaseModel):
    """One version in a list."""

    version: int
    state: VersionState
    reason: str | None = Field(None, description="Why it cannot be served, in words.")
    digest: str
    architecture: str
    created: str
    metrics: dict[str, float] = Field(
        description="Figures of quality by name, which states sample count and reference; empty when nobody measured. "
        "Intervals, floors and the judge are in the manifest's `evaluation`."
    )


class ModelSummary(BaseModel):
    """One model: its versions and aliases, and what a bare name stands for."""

    name: str
    default_version: int | None = Field(description="What the bare name stands for now; null when none is ready.")
    aliases: dict[str, int]
    image: dict[str, Any] | None = Field(description="Height, width, channels of the default version.")
    class_names: list[str]
    versions: list[VersionSummary]


class ModelList(BaseModel):
    """All models that the service knows."""

    models: list[ModelSummary]


class PixelDifferencesSummary(BaseModel):
    """How far 8-bit values of 64 samples are from those of the network as it was published, computed in float32."""

    num_values: int
    share_0: float = Field(description="Share of values that are the same.")
    share_1: float = Field(description="Share that differs by one grey level of 255.")
    share_2: float = Field(description="Share that differs by two.")
    share_more: float
    largest: int = Field(description="Largest difference, in grey levels.")
    mean: float = Field(description="Mean difference, in grey levels.")


class RefusedRewriteSummary(BaseModel):
    """A faster form of a network that is not used."""

    name: str = Field(description="The setting of the worker that asks for it.")
    reason: str


class VersionDetail(BaseModel):
    """One version: its manifest and its state."""

    model: str
    version: int
    state: VersionState
    reason: str | None = None
    aliases: list[str]
    batch_sizes: list[int] | None = Field(None, description="Padded sizes at which its samples are bit-equal.")
    numerics: str | None = Field(
        None,
        description="Build, device, precision and rewrites that it is computed with; samples' bytes depend on them.",
    )
    pixel_differences: PixelDifferencesSummary | None = Field(
        None, description="What these do to pixels; null where it is computed as it was published."
    )
    refused_rewrites: list[RefusedRewriteSummary] = Field(
        [], description="Rewrites that were asked for and would have moved pixels too far."
    )
    golden_samples: str | None = Field(
        None, description="In words, how its samples compare with those on the contact sheet it was published with."
    )
    manifest: dict[str, Any]


class AliasBody(BaseModel):
    """Point an alias to a version."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    version: int = Field(ge=1, le=999_999_999)


class AliasState(BaseModel):
    """Where an alias points."""

    model: str
    alias: str
    version: int
