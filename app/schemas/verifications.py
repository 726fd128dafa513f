"""The answer of ``POST /v1/verifications``."""

from typing import Literal, TypeAlias

from pydantic import BaseModel, Field

Verdict: TypeAlias = Literal["identical", "same-pixels", "differs-by-rounding", "differs", "unverifiable", "unmarked"]


class VerifiedSample(BaseModel):
    """The sample that a file says to be."""

    model: str = Field(description="Version, for example `mnist-gan@3`.")
    digest: str
    seed: int
    index: int
    class_label: str | None
    truncation: float
    policy: str | None = Field(None, description="Digest of the policy that augmented it; null for none.")
    address: str | None = Field(description="Where the same sample is served; null where it has no address of its own.")


class VerificationAnswer(BaseModel):
    """Whether Fount made an image."""

    verdict: Verdict = Field(
        description=(
            "`identical`: the file, byte for byte. `same-pixels`: written by other software. `differs-by-rounding`: as"
            " another device computes it. `differs`: the mark belongs to another picture. `unverifiable`: this service"
            " cannot compute it. `unmarked`: the file does not say which sample it is."
        )
    )
    made_by_fount: bool | None = Field(description="null where it cannot be known.")
    detail: str = Field(description="One sentence for people.")
    claims_to_be_synthetic: bool = Field(description="Whether the file's XMP says that trained algorithms made it.")
    max_difference: int | None = Field(None, description="Largest difference of a pixel's channel, 0 to 255.")
    numerics: str | None = Field(None, description="What the sample was computed again with, as in `Fount-Numerics`.")
    sample: VerifiedSample | None = None
