"""The mark of a sample, as it is found in a file that somebody sends: checked like any other input."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from app.schemas.names import NAME_PATTERN
from app.schemas.samples import MAX_COUNT, MAX_OPERATIONS, Index, Seed, Truncation


class _Mark(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class PathMark(_Mark):
    """What else a frame of a path is a function of."""

    start_index: Index
    end_seed: Seed
    end_index: Index
    num_frames: Annotated[int, Field(ge=2, le=MAX_COUNT)]
    method: Literal["spherical", "linear"]


class PolicyMark(_Mark):
    """How a sample was augmented.

    ``preset`` or ``ops`` is the policy, where it is short enough to be told; ``policy`` is its digest.
    """

    policy: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    preset: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None
    ops: Annotated[list[dict[str, Any]], Field(max_length=MAX_OPERATIONS)] | None = None


class SampleMark(_Mark):
    """Which sample a file says that it is.

    ``index`` is missing in contact sheets; ``variation`` is there in images that were made from others.
    """

    model: Annotated[str, StringConstraints(pattern=rf"^{NAME_PATTERN}$")]
    version: Annotated[int, Field(ge=1, le=MAX_COUNT)]
    digest: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    seed: Seed
    index: Index | None = None
    class_name: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = Field(None, alias="class")
    truncation: Truncation = 1.0
    path: PathMark | None = None
    variation: Any = None
    augment: PolicyMark | None = None
