"""The ``request`` part of ``POST /v1/augmentations``, and of its dry run."""

import enum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.augmentation.draws import MAX_COPIES
from app.augmentation.targets.documents import Targets
from app.imaging.codec import ImageFormat
from app.schemas.samples import Seed

MAX_IMAGES = 4096
MAX_SIDE = 65536
EXAMPLE_POLICY: Any = {
    "ops": [{"op": "rotate", "degrees": [-15, 15], "fill": "reflect"}, {"op": "flip", "axis": "horizontal", "p": 0.5}]
}

PolicyDocument = Annotated[
    dict[str, Any],
    Field(description='`{"preset": name}`, or `{"ops": [...]}`: operations in the order of application.'),
]
Copies = Annotated[int, Field(ge=1, le=MAX_COPIES)]


class AugmentationFormat(enum.StrEnum):
    """How augmented images are delivered."""

    PNG = "png"
    JPEG = "jpeg"
    WEBP = "webp"
    GRID = "grid"
    ZIP = "zip"
    TAR = "tar"
    NPY = "npy"
    NPZ = "npz"
    JSON = "json"


class InputOptions(BaseModel):
    """How uploaded files become pixels."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    alpha: Literal["keep", "drop", "composite"] = Field(
        "keep", description="Transparency: a channel of its own, dropped, or put on `background`."
    )
    background: Annotated[list[Annotated[int, Field(ge=0, le=255)]], Field(min_length=3, max_length=3)] = Field(
        [255, 255, 255], description="Red, green and blue behind transparent pixels."
    )
    icc: Literal["convert", "ignore"] = Field("convert", description="Convert colours to sRGB by the file's profile.")
    frames: Literal["refuse", "first"] = Field("refuse", description="What to do with files of several pictures.")


class Replay(BaseModel):
    """A trace to apply to one of the images."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    image: Annotated[int, Field(ge=0, lt=MAX_IMAGES)] = Field(0, description="Number of the image, from 0.")
    steps: list[dict[str, Any]] = Field(description="`trace` of an output.")


class AugmentationRequest(BaseModel):
    """Ask for augmented copies of the images in the same form."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        json_schema_extra={"examples": [{"policy": EXAMPLE_POLICY, "copies": 4, "seed": 42, "format": "zip"}]},
    )

    policy: PolicyDocument | None = None
    traces: Annotated[list[Replay], Field(min_length=1, max_length=MAX_IMAGES)] | None = Field(
        None, description="Instead of a policy: traces of earlier answers, one output each."
    )
    copies: Copies = Field(1, description="Outputs per image; a policy that slices makes several of each.")
    first_copy: Annotated[int, Field(ge=0, lt=MAX_COPIES)] = Field(0, description="Number of the first copy.")
    seed: Seed | None = Field(
        None, description="Same image, policy, seed and copy: same bytes. Without one, the service draws one and tells."
    )
    format: AugmentationFormat | None = Field(
        None, strict=False, description="Else by `Accept`, else PNG for one output and ZIP for more."
    )
    image_format: ImageFormat = Field(ImageFormat.PNG, strict=False, description="Of files in ZIP, TAR and JSON.")
    quality: Annotated[int, Field(ge=1, le=100)] = Field(95, description="Of JPEG and WebP files.")
    input: InputOptions = Field(InputOptions(), description="How uploaded files become pixels.")
    targets: Annotated[list[Targets], Field(max_length=MAX_IMAGES)] | None = Field(
        None, description="Boxes, keypoints and labels that follow the pixels; one object per image."
    )
    ignore_index: Annotated[int, Field(ge=0, le=65535)] = Field(0, description="Value of masks outside of the image.")

    @model_validator(mode="after")
    def _check_source(self) -> "AugmentationRequest":
        if (self.policy is None) == (self.traces is None):
            raise ValueError("give exactly one of policy and traces")
        if self.traces is not None and (self.copies != 1 or self.first_copy):
            raise ValueError("each trace makes one output: copies and first_copy go with policy only")
        if self.first_copy + self.copies > MAX_COPIES:
            raise ValueError(f"an image has at most {MAX_COPIES} copies in all")
        return self


class ImageSize(BaseModel):
    """Size of a picture that is not sent."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    height: Annotated[int, Field(ge=1, le=MAX_SIDE)]
    width: Annotated[int, Field(ge=1, le=MAX_SIDE)]
    channels: Annotated[int, Field(ge=1, le=64)] = 3
    depth: Literal["uint8", "uint16", "float32"] = "uint8"


class PlanRequest(BaseModel):
    """Ask what a policy would do, without pixels."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [{"policy": EXAMPLE_POLICY, "images": [{"height": 28, "width": 28}], "copies": 2, "seed": 42}]
        },
    )

    policy: PolicyDocument
    images: Annotated[list[ImageSize], Field(min_length=1, max_length=64)] = Field(
        [ImageSize(height=256, width=256)], description="Sizes of the images; their bytes stand in for by their number."
    )
    copies: Annotated[int, Field(ge=1, le=256)] = Field(1, description="Outputs per image.")
    seed: Seed | None = Field(None, description="Of the draws; without one, the service draws one and tells.")


class InverseRequest(BaseModel):
    """Ask where targets of an output are in the image that it was made from."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [
                {
                    "image": {"height": 28, "width": 28},
                    "trace": [{"op": "flip", "axis": "horizontal"}],
                    "targets": {"boxes": [[4, 4, 20, 20]]},
                }
            ]
        },
    )

    image: ImageSize = Field(description="Size of the image that was sent, upright.")
    trace: list[dict[str, Any]] = Field(description="What was applied to it.")
    targets: Targets = Field(description="Boxes and keypoints in the output.")


class AugmentationForm(BaseModel):
    """The JSON of a form: what pointers of problems lead through."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    request: AugmentationRequest
