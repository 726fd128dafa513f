"""The body of ``POST /v1/interpolations``."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.schemas.samples import MAX_COUNT, ClassLabel, Index, Reference, SampleFormat, Seed, Truncation

MIN_FRAMES = 2


class PathEnd(BaseModel):
    """One sample: where a path begins or ends."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    seed: Seed = Field(description="Seed of the sample.")
    index: Index = Field(0, description="Number of the sample.")


class InterpolationRequest(BaseModel):
    """Ask for the frames of a path from one sample to another."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [
                {
                    "model": "mnist-gan",
                    "start": {"seed": 1, "index": 0},
                    "end": {"seed": 1, "index": 9},
                    "num_frames": 16,
                    "class_label": "3",
                    "format": "grid",
                }
            ]
        },
    )

    model: Reference = Field(description="`name`, `name@3` or `name@alias`.")
    start: PathEnd = Field(description="Sample whose latents the first frame has.")
    end: PathEnd = Field(description="Sample whose latents the last frame has.")
    num_frames: Annotated[int, Field(ge=MIN_FRAMES, le=MAX_COUNT)] = Field(
        16, description="Frames of the whole path, both ends included."
    )
    class_label: ClassLabel | None = Field(
        None, description="Class name or index of all frames; by default that of the first sample."
    )
    method: Literal["spherical", "linear"] | None = Field(
        None,
        description=(
            "`spherical` keeps the spread of normal latents, `linear` is the straight line; by default what suits the"
            " model's latents."
        ),
    )
    truncation: Truncation = Field(1.0, description="Factor on the latents.")
    format: SampleFormat | None = Field(None, strict=False, description="As for samples; else by `Accept`, else ZIP.")
