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


class VersionDetail(BaseModel):
    """One version: its manifest and its state."""

    model: str
    version: int
    state: VersionState
    reason: str | None = None
    aliases: list[str]
    batch_sizes: list[int] | None = Field(None, description="Padded sizes at which its samples are bit-equal.")
    numerics: str | None = Field(None, description="What the worker computes with; part of what a sample's bytes are.")
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
