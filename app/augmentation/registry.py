"""All operations by their names: the one place that lists them."""

from collections.abc import Mapping

from app.augmentation.auto.aug_mix import AugMix
from app.augmentation.auto.auto_augment import AutoAugment
from app.augmentation.auto.rand_augment import RandAugment, TrivialAugment
from app.augmentation.combinators import OneOf, RandomOrder, Sequence, SomeOf
from app.augmentation.nodes import Node
from app.augmentation.operation import Operation
from app.augmentation.operations.affine import Affine, Shear, Shift, Zoom
from app.augmentation.operations.blurs import BoxBlur, Defocus, GaussianBlur, MedianBlur, MotionBlur, Sharpen
from app.augmentation.operations.channels import ChannelDropout, ChannelGain, ChannelShuffle
from app.augmentation.operations.colours import (
    Brightness,
    ColourJitter,
    Contrast,
    Greyscale,
    Hue,
    Invert,
    Lighten,
    Saturation,
)
from app.augmentation.operations.crops import Crop, RandomResizedCrop
from app.augmentation.operations.curves import Gamma, Levels, Posterise, Solarise, Threshold, ToneCurve
from app.augmentation.operations.distortions import Elastic, GridDistortion, Perspective
from app.augmentation.operations.erasing import Erase, GridDropout
from app.augmentation.operations.histograms import AutoContrast, Clahe, Equalise, Normalise
from app.augmentation.operations.mixing import Cutmix, Mixup, Mosaic
from app.augmentation.operations.noise import GaussianNoise, PixelDropout, SaltAndPepper, ShotNoise, Speckle
from app.augmentation.operations.patches import FiveCrop, Slice
from app.augmentation.operations.quality import Downscale, JpegArtefacts, Pixelate
from app.augmentation.operations.sizes import Pad, PadTo, Resize, Scale
from app.augmentation.operations.tints import Sepia, Temperature
from app.augmentation.operations.turns import D4, Flip, Rotate, Transpose, Turn

# fmt: off
OPERATIONS: tuple[type[Operation], ...] = (
    Rotate, Flip, Turn, Transpose, D4,
    Zoom, Shift, Shear, Affine, Perspective, Elastic, GridDistortion,
    Scale, Resize, Pad, PadTo, Crop, RandomResizedCrop, Slice, FiveCrop,
    Brightness, Lighten, Contrast, Saturation, Hue, ColourJitter, Greyscale, Invert,
    Temperature, Sepia, ChannelShuffle, ChannelGain, ChannelDropout,
    Gamma, Levels, ToneCurve, Posterise, Solarise, Threshold,
    Equalise, AutoContrast, Clahe, Normalise,
    GaussianNoise, ShotNoise, Speckle, SaltAndPepper, PixelDropout,
    GaussianBlur, BoxBlur, MotionBlur, Defocus, MedianBlur, Sharpen,
    JpegArtefacts, Downscale, Pixelate, Erase, GridDropout,
    AugMix, Mixup, Cutmix, Mosaic,
)
COMBINATORS: tuple[type[Node], ...] = (
    Sequence, OneOf, SomeOf, RandomOrder, RandAugment, TrivialAugment, AutoAugment,
)
# fmt: on


def _name(node: type[Node]) -> str:
    return str(node.model_fields["op"].default)


BY_NAME: Mapping[str, type[Node]] = {_name(node): node for node in (*OPERATIONS, *COMBINATORS)}
