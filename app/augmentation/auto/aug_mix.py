"""AugMix: a picture seen through several altered ones of itself."""

from collections.abc import Sequence
from typing import Annotated, Literal, TypeAlias, get_args

import numpy as np
from pydantic import Field, model_validator

from app.augmentation.auto.kinds import KINDS
from app.augmentation.betas import BETA_WORDS, GAMMA_WORDS, MAX_ALPHA, MIN_ALPHA, beta, dirichlet
from app.augmentation.draws import F64, between, rows_of, whole_between
from app.augmentation.frames import Frames, Pixels
from app.augmentation.operation import AppliedFilled, Bounds, Columns, Filled, Level
from app.augmentation.operations.mixing import blend
from app.augmentation.primitives import Whole
from app.augmentation.sampler import Plan, Step, make_step

MAX_WIDTH = MAX_DEPTH = 4
TOP_SEVERITY = 10
LEAST_LEVEL = 0.1

Name: TypeAlias = Literal[
    "none",
    "auto_contrast",
    "equalise",
    "posterise",
    "rotate",
    "solarise",
    "shear_x",
    "shear_y",
    "shift_x",
    "shift_y",
]
NAMES: tuple[Name, ...] = get_args(Name)[1:]
STRONGEST = {"rotate": 30.0, "solarise": 256.0, "shear_x": 0.3, "shear_y": 0.3, "shift_x": 1 / 3, "shift_y": 1 / 3}
"""Strengths at level 10; of four bits that `posterise` keeps at level 0 it drops one with each quarter of 10."""

_Chain = Annotated[list[Name], Field(min_length=1, max_length=MAX_DEPTH)]
_Strength = Annotated[float, Field(ge=-1, le=1)]
_Strengths = Annotated[list[_Strength], Field(min_length=1, max_length=MAX_DEPTH)]


class AppliedAugMix(AppliedFilled):
    """Chains of operations, how strong each is, and shares: of all chains in the result, and of each among them."""

    op: Literal["aug_mix"] = "aug_mix"
    fraction: Level
    weights: Annotated[list[Level], Field(min_length=1, max_length=MAX_WIDTH)]
    operations: Annotated[list[_Chain], Field(max_length=MAX_WIDTH)]
    strengths: Annotated[list[_Strengths], Field(max_length=MAX_WIDTH)]

    @model_validator(mode="after")
    def _check_shape(self) -> "AppliedAugMix":
        sizes = {len(chain) for chain in self.operations} | {len(chain) for chain in self.strengths}
        if len(sizes) > 1 or not len(self.weights) == len(self.operations) == len(self.strengths):
            raise ValueError("each chain has a weight, and all are filled up with `none` to one length")
        return self


class AugMix(Filled):
    """Alter a picture along several chains of operations and see the results through it; its targets stay as they are.

    Chains also turn, slant and shift a little, and masks, boxes and points do not follow: meant for whole-image labels.

    Source:
        Hendrycks et al. 2020, "AugMix: a simple data processing method to improve robustness and uncertainty",
        algorithm 1; strengths from the authors' program.
    """

    num_words = MAX_WIDTH * (GAMMA_WORDS + 1 + 3 * MAX_DEPTH) + BETA_WORDS
    applied = AppliedAugMix

    op: Literal["aug_mix"] = "aug_mix"
    severity: int = Field(3, ge=1, le=TOP_SEVERITY, description="Highest level of an operation; each draws its own.")
    width: int = Field(3, ge=1, le=MAX_WIDTH, description="Chains.")
    depth: Annotated[list[int], Bounds(1, MAX_DEPTH)] = Field([1, 3], description="Operations in a chain.")
    alpha: float = Field(
        1.0, ge=MIN_ALPHA, le=MAX_ALPHA, description="Of the Dirichlet and beta distributions of the shares."
    )

    def sample(self, uniform: F64, frames: Frames) -> Columns:  # noqa: ARG002 - as all operations
        """Draw chains and shares."""
        gammas, betas, depths, rest = np.split(uniform, np.cumsum([MAX_WIDTH * GAMMA_WORDS, BETA_WORDS, MAX_WIDTH]), 1)
        which, levels, signs = rest.reshape(len(uniform), 3, MAX_WIDTH, MAX_DEPTH)[:, :, : self.width].swapaxes(0, 1)
        is_left = np.arange(MAX_DEPTH) < whole_between(depths[:, : self.width], *self.depth)[:, :, None]
        strengths = between(levels, LEAST_LEVEL, float(self.severity)) / TOP_SEVERITY
        names = np.array(NAMES)[whole_between(which, 0, len(NAMES) - 1)]
        return {
            "fraction": beta(betas, self.alpha),
            "weights": dirichlet(gammas[:, : self.width * GAMMA_WORDS], self.alpha, self.width),
            "operations": np.where(is_left, names, "none"),
            "strengths": np.where(is_left, np.where(signs < 0.5, -strengths, strengths), 0.0),  # noqa: PLR2004 - a coin
            **self.outside,
        }

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Whole:
        """Run the chains, and blend what comes out."""
        fractions, weights = np.asarray(columns["fraction"]), np.asarray(columns["weights"])
        operations, strengths = np.asarray(columns["operations"]), np.asarray(columns["strengths"])
        outside = {name: columns[name] for name in ("fill", "value", "interpolation")}

        def run(pixels: Pixels, row: int) -> Pixels:
            own = frames.take(np.array([row]))
            chains = [
                _run_chain(pixels, names, levels, own, outside)
                for names, levels in zip(operations[row].tolist(), strengths[row].tolist(), strict=True)
            ]
            shares = np.concatenate([[1 - fractions[row]], fractions[row] * weights[row]])
            return blend([pixels, *chains], shares, has_alpha=frames.has_alpha)

        return Whole(run)


def _run_chain(
    pixels: Pixels, names: Sequence[str], levels: Sequence[float], frames: Frames, outside: Columns
) -> Pixels:
    from app.augmentation.cpu import render  # noqa: PLC0415 - what samples reaches no OpenCV

    steps = [
        _make_step(name, level, frames, outside) for name, level in zip(names, levels, strict=True) if name != "none"
    ]
    return next(render(Plan(rows_of(0, 0, 1), steps, frames, frames), [pixels], None))


def _make_step(name: str, level: float, frames: Frames, outside: Columns) -> Step:
    kind = KINDS[name]
    signed = level if kind.has_sign else abs(level)
    strength = 4 + np.floor(4 * signed) if name == "posterise" else STRONGEST.get(name, 0.0) * signed
    columns = kind.draw(np.array([strength]), frames, outside)
    return make_step(kind.operation, columns, np.ones(1, np.bool_), frames)
