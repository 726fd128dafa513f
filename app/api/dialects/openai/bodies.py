"""What OpenAI's clients send, and which samples that asks for."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from app.api.dialects.ignoring import list_ignored
from app.api.dialects.prompts import MAX_PROMPT, read_prompt
from app.api.planning import find_class
from app.core.errors import LimitExceededError
from app.imaging.codec import ImageFormat
from app.repository.manifest import ImageSpec
from app.schemas.samples import MAX_COUNT, ClassLabel, Index, Seed, Truncation
from app.schemas.variations import MAX_NUMBER

B64_JSON, URL = "b64_json", "url"
AUTO = "auto"
FOREIGN = frozenset(
    {
        "background",
        "complexity",
        "frame_count",
        "frame_duration_ms",
        "input_fidelity",
        "moderation",
        "output_compression",
        "partial_images",
        "quality",
        "safety_identifier",
        "style",
        "svg",
        "user",
    }
)
"""Fields of OpenAI's that mean nothing to a generator of samples."""


class _Pictures(BaseModel):
    """What its calls have in common; ``null`` is as good as left out."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True)

    model: Annotated[str, StringConstraints(max_length=200)] | None = None
    n: Annotated[int, Field(ge=1, le=MAX_COUNT)] | None = None
    size: Annotated[str, StringConstraints(pattern=r"^(auto|[1-9][0-9]{0,4}x[1-9][0-9]{0,4})$")] | None = None
    response_format: Literal["b64_json", "url"] | None = None
    output_format: ImageFormat | None = Field(None, strict=False)
    class_label: ClassLabel | None = None
    seed: Seed | None = None
    first_index: Index | None = None

    @property
    def num_samples(self) -> int:
        """How many pictures are wanted."""
        return self.n or 1

    @property
    def image_format(self) -> ImageFormat:
        """Files that pictures are sent as."""
        return self.output_format or ImageFormat.PNG

    def list_ignored(self, image: ImageSpec) -> list[str]:
        """List the fields without an effect; a size that is not the model's own is one of them."""
        ignored = list_ignored(self.model_extra, FOREIGN)
        is_foreign = self.size not in {None, AUTO, write_size(image)}
        return ["size", *ignored] if is_foreign else ignored


class ImageRequest(_Pictures):
    """The body of ``images.generate``; seed, first_index, truncation and class_label come by ``extra_body``."""

    prompt: Annotated[str, StringConstraints(max_length=MAX_PROMPT)] | None = None
    stream: bool | None = None
    truncation: Truncation | None = None

    @property
    def numbers(self) -> dict[str, int | float | None]:
        """What is asked for, in our own names."""
        return {
            "num_samples": self.num_samples,
            "seed": self.seed,
            "first_index": self.first_index,
            "truncation": self.truncation,
        }

    def find_label(self, class_names: Sequence[str]) -> int | None:
        """Find the class of all pictures; None where each draws its own.

        Raises:
            UnknownLabelError: If there is none; ``param`` is ``prompt`` where that was to name it.
        """
        if self.class_label is not None:
            return find_class(self.class_label, class_names)
        return read_prompt(self.prompt, class_names, "/prompt")

    def list_ignored(self, image: ImageSpec) -> list[str]:
        """List the fields without an effect; beside ``class_label``, the prompt is one."""
        ignored = super().list_ignored(image)
        return ["prompt", *ignored] if self.prompt and self.class_label is not None else ignored


class VariationBody(_Pictures):
    """The fields of the form of ``images.create_variation``; seed, strength and class_label come by ``extra_body``."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=False)  # fields of a form are texts

    strength: Annotated[float, Field(ge=0, le=1)] | None = None
    first_index: Annotated[int, Field(ge=0, le=MAX_NUMBER)] | None = None


def write_size(image: ImageSpec) -> str:
    """Write the size of a model's images as OpenAI does."""
    return f"{image.width}x{image.height}"


def check_count(count: int, limit: int) -> None:
    """Refuse more pictures than a JSON answer may hold.

    Raises:
        LimitExceededError: If there are.
    """
    if count > limit:
        raise LimitExceededError(
            f"one answer holds at most {limit} images; `POST /v1/samples` has formats for any number",
            pointer="/n",
            limit=limit,
        )
