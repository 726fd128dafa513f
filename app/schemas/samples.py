"""The body of ``POST /v1/samples`` and what a sample answer says about itself."""

import enum
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from app.core.seeds import INDEX_LIMIT, SEED_LIMIT
from app.schemas.names import REFERENCE_PATTERN

MAX_COUNT = 10**9
MAX_OPERATIONS = 64
"""Of a policy; its own reader counts those that others hold as well."""

Reference: TypeAlias = Annotated[str, StringConstraints(pattern=rf"^{REFERENCE_PATTERN}$", max_length=100)]
Count: TypeAlias = Annotated[int, Field(ge=0, le=MAX_COUNT)]
Seed: TypeAlias = Annotated[int, Field(ge=0, lt=SEED_LIMIT)]
Index: TypeAlias = Annotated[int, Field(ge=0, lt=INDEX_LIMIT)]
Truncation: TypeAlias = Annotated[float, Field(gt=0, le=1)]
ClassLabel: TypeAlias = (
    Annotated[str, StringConstraints(min_length=1, max_length=100)] | Annotated[int, Field(ge=0, le=99_999)]
)


class SampleFormat(enum.StrEnum):
    """How samples are delivered."""

    PNG = "png"
    JPEG = "jpeg"
    WEBP = "webp"
    GRID = "grid"
    ZIP = "zip"
    TAR = "tar"
    NPY = "npy"
    NPZ = "npz"
    SAFETENSORS = "safetensors"
    ARROW = "arrow"
    PARQUET = "parquet"
    JSON = "json"
    JSONL = "jsonl"


class Balance(BaseModel):
    """Bring classes to one size: ask for what is missing."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    have: dict[str, Count] = Field(min_length=1, description="How many images of each class there are.")
    to: Literal["max"] | Annotated[int, Field(ge=1, le=MAX_COUNT)] = Field(
        "max", description="Size to bring every class to; `max` is the largest in `have`."
    )


class Augment(BaseModel):
    """What is done to samples after they are made; exactly one of ``preset`` and ``ops``."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    preset: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = Field(
        None, description="Name of a preset; `GET /v1/augmentations/presets` lists them."
    )
    ops: Annotated[list[dict[str, Any]], Field(max_length=MAX_OPERATIONS)] | None = Field(
        None, description="Operations, in the order of their application; see `GET /v1/augmentations/operations`."
    )

    @model_validator(mode="after")
    def _check_one_policy(self) -> "Augment":
        if (self.preset is None) == (self.ops is None):
            raise ValueError("give exactly one of preset and ops")
        return self


class SampleBlock(BaseModel):
    """Samples of one model; exactly one of ``num_samples``, ``class_counts`` and ``balance``."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    model: Reference = Field(description="`name`, `name@3` or `name@alias`.")
    num_samples: Annotated[int, Field(ge=1, le=MAX_COUNT)] | None = Field(None, description="How many samples.")
    class_counts: dict[str, Count] | None = Field(
        None, min_length=1, description="How many of each class; samples come in class order."
    )
    balance: Balance | None = Field(None, description="Ask for what is missing to classes of one size.")
    class_label: ClassLabel | None = Field(
        None, description="Class name or index. With none on a conditional model, each sample draws its own."
    )
    seed: Seed | None = Field(
        None, description="Same seed, same samples. Without one, the service draws one and returns it."
    )
    first_index: Index = Field(0, description="Number of the first sample.")
    truncation: Truncation = Field(
        1.0, description="Factor on the latents: smaller is more typical and less varied; 1 is the model as trained."
    )
    augment: Augment | None = Field(
        None, description="Augment each sample, by draws that hang on seed and index alone. Sizes stay."
    )

    @model_validator(mode="after")
    def _check_one_way_to_count(self) -> "SampleBlock":
        given = [self.num_samples is not None, self.class_counts is not None, self.balance is not None]
        if sum(given) != 1:
            raise ValueError("give exactly one of num_samples, class_counts and balance")
        if self.class_label is not None and self.num_samples is None:
            raise ValueError("class_label goes with num_samples only")
        return self


class SampleRequest(SampleBlock):
    """Ask for samples; exactly one of ``num_samples``, ``class_counts`` and ``balance``."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [{"model": "mnist-gan", "num_samples": 64, "class_label": "7", "seed": 1, "format": "grid"}]
        },
    )

    format: SampleFormat | None = Field(
        None, strict=False, description="Else by `Accept`, else PNG for one sample and ZIP for more."
    )


class SampleItem(BaseModel):
    """One sample of a JSON answer, or one line of a JSON Lines answer."""

    index: int = Field(description="Number of the sample within its seed.")
    class_label: str | None = Field(description="Class name; null for an unconditional model.")
    png: str = Field(description="The PNG file, base64.")


class SampleAnswer(BaseModel):
    """Samples in the `json` format."""

    model: str = Field(description="Version that made the samples, for example `mnist-gan@3`.")
    digest: str
    seed: int
    first_index: int
    num_samples: int
    digital_source_type: str = Field(description="IPTC term for what the images are: made by a trained algorithm.")
    augment: dict[str, Any] | None = Field(None, description="Policy that augmented the samples; null for none.")
    samples: list[SampleItem]
