"""Channels: each gets something of its own. Transparency is none of them."""

from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from app.augmentation.colouring import affine, gain
from app.augmentation.draws import F64, between, whole_between
from app.augmentation.frames import Frames
from app.augmentation.operation import Applied, Bounds, Columns, Level, Operation
from app.augmentation.operations.colours import Factor, FactorRange
from app.augmentation.primitives import Colour
from app.core.errors import InvalidInputError

MAX_CHANNELS = 64
_Place = Annotated[int, Field(ge=0, lt=MAX_CHANNELS)]


class AppliedChannelShuffle(Applied):
    """An order."""

    op: Literal["channel_shuffle"] = "channel_shuffle"
    order: list[_Place] = Field(max_length=MAX_CHANNELS)


class ChannelShuffle(Operation):
    """Put the channels in another order, any of them as likely."""

    num_words = MAX_CHANNELS
    applied = AppliedChannelShuffle

    op: Literal["channel_shuffle"] = "channel_shuffle"

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        return {"order": np.argsort(_of_each(uniform, frames), axis=1, kind="stable")}

    @classmethod
    def check(cls, columns: Columns, frames: Frames) -> None:
        _check_count(columns["order"], frames)
        if (np.sort(columns["order"], axis=1) != np.arange(frames.colours)).any():
            raise InvalidInputError("an order of channels names each of them once")

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Colour:
        return Colour(affine(np.eye(frames.colours)[columns["order"]]))


class AppliedChannelGain(Applied):
    """A gain for each channel."""

    op: Literal["channel_gain"] = "channel_gain"
    factors: list[Factor] = Field(max_length=MAX_CHANNELS)


class ChannelGain(Operation):
    """Multiply each channel by a number of its own."""

    num_words = MAX_CHANNELS
    applied = AppliedChannelGain

    op: Literal["channel_gain"] = "channel_gain"
    factor: FactorRange = Field([0.8, 1.2], description="Gain, drawn for each channel.")

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        return {"factors": between(_of_each(uniform, frames), *self.factor)}

    @classmethod
    def check(cls, columns: Columns, frames: Frames) -> None:
        _check_count(columns["factors"], frames)

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Colour:
        return Colour(gain(columns["factors"], frames.colours))


class AppliedChannelDropout(Applied):
    """Which channels are dropped."""

    op: Literal["channel_dropout"] = "channel_dropout"
    dropped: list[bool] = Field(max_length=MAX_CHANNELS)
    value: Level


class ChannelDropout(Operation):
    """Fill channels with one level; at least one is kept."""

    num_words = 1 + MAX_CHANNELS
    applied = AppliedChannelDropout

    op: Literal["channel_dropout"] = "channel_dropout"
    count: Annotated[list[int], Bounds(0, MAX_CHANNELS)] = Field([1, 1], description="How many, where there are more.")
    value: Level = Field(0.0, description="What they become: black 0 to white 1.")

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        counts = np.minimum(whole_between(uniform[:, 0], *self.count), frames.colours - 1)
        ranks = np.argsort(np.argsort(_of_each(uniform[:, 1:], frames), axis=1, kind="stable"), axis=1, kind="stable")
        return {"dropped": ranks < counts[:, None], "value": self.value}

    @classmethod
    def check(cls, columns: Columns, frames: Frames) -> None:
        _check_count(columns["dropped"], frames)

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Colour:
        dropped = columns["dropped"]
        shift = dropped * np.reshape(columns["value"], (-1, 1))
        return Colour(gain(np.where(dropped, 0.0, 1.0), frames.colours, shift))


def _of_each(uniform: F64, frames: Frames) -> F64:
    """Return the random numbers of the channels, shape (n, colours).

    Raises:
        InvalidInputError: If there are too many channels.
    """
    if frames.colours > MAX_CHANNELS:
        raise InvalidInputError(f"at most {MAX_CHANNELS} channels are drawn for", limit=MAX_CHANNELS)
    return uniform[:, : frames.colours]


def _check_count(column: NDArray[Any], frames: Frames) -> None:
    """Check that a column has an entry for each channel.

    Raises:
        InvalidInputError: If it has more or fewer.
    """
    if column.shape[1] != frames.colours:
        raise InvalidInputError(f"parameters are of {column.shape[1]} channels; the picture has {frames.colours}")
