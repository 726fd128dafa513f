"""The ``request`` part of ``POST /v1/variations``."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.schemas.samples import MAX_COUNT, ClassLabel, Reference, SampleFormat, Seed

MAX_NUMBER = 2**30


class VariationRequest(BaseModel):
    """Ask for variations of the images in the same form: pictures near them, as the model knows such pictures."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [{"model": "mnist-vae", "copies": 4, "strength": 0.3, "class_label": "7", "format": "zip"}]
        },
    )

    model: Reference = Field(description="`name`, `name@3` or `name@alias` of a version with an encoder.")
    copies: Annotated[int, Field(ge=1, le=MAX_COUNT)] = Field(1, description="Variations of each image.")
    strength: Annotated[float, Field(ge=0, le=1)] = Field(
        0.3, description="Share of new latents: 0 is the image as the model draws it, 1 any sample of the class."
    )
    seed: Seed | None = Field(
        None, description="Same images and seed, same variations. Without one, the service draws one and returns it."
    )
    class_label: ClassLabel | None = Field(
        None, description="Class name or index of all images; a model with classes needs this or `class_labels`."
    )
    class_labels: Annotated[list[ClassLabel], Field(min_length=1, max_length=4096)] | None = Field(
        None, description="Class name or index of each image, in their order."
    )
    first_image: Annotated[int, Field(ge=0, le=MAX_NUMBER)] = Field(
        0, description="Number of the first image: where a request goes on with the images of another."
    )
    first_index: Annotated[int, Field(ge=0, le=MAX_NUMBER)] = Field(
        0, description="Number of the first variation of each image."
    )
    format: SampleFormat | None = Field(
        None, strict=False, description="As for samples; else by `Accept`, else PNG for one variation and ZIP for more."
    )

    @model_validator(mode="after")
    def _check_classes(self) -> "VariationRequest":
        if self.class_label is not None and self.class_labels is not None:
            raise ValueError("give class_label for all images or class_labels for each, not both")
        return self


class VariationForm(BaseModel):
    """The JSON of a form: what pointers of problems lead through."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    request: VariationRequest
