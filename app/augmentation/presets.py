"""Policies with names. A preset is what its document says: another document is another digest."""

import difflib
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple, TypeAlias

from app.augmentation.policy import Policy
from app.core.errors import UnknownPresetError

Document: TypeAlias = dict[str, Any]


class Preset(NamedTuple):
    """A policy with a name.

    Attributes:
        name: Its name.
        description: One line for callers.
        document: The policy, as JSON holds it.
    """

    name: str
    description: str
    document: Document

    @property
    def policy(self) -> Policy:
        """The policy, read."""
        return _read(self.name)


@cache
def _read(name: str) -> Policy:
    return Policy.model_validate(PRESETS[name].document)


def find(name: str) -> Policy:
    """Return the policy of a preset.

    Raises:
        UnknownPresetError: If there is none of this name; ``presets`` lists all.
    """
    if name in PRESETS:
        return _read(name)
    nearest = difflib.get_close_matches(name[:100].lower(), PRESETS, n=1)
    hint = f"did you mean `{nearest[0]}`?" if nearest else f"there are {', '.join(PRESETS)}"
    raise UnknownPresetError(f"no preset has this name; {hint}", presets=list(PRESETS))


def list_presets() -> list[Document]:
    """Return name, description, digest and policy with all its defaults of each preset."""
    return [
        {
            "name": one.name,
            "description": one.description,
            "digest": one.policy.digest,
            "policy": one.policy.model_dump(mode="json"),
        }
        for one in PRESETS.values()
    ]


_CORRUPTIONS: Sequence[tuple[Document, str, Sequence[float]]] = (
    ({"op": "gaussian_noise"}, "deviation", (0.08, 0.12, 0.18, 0.26, 0.38)),
    ({"op": "shot_noise"}, "photons", (60.0, 25.0, 12.0, 5.0, 3.0)),
    ({"op": "salt_and_pepper"}, "fraction", (0.03, 0.06, 0.09, 0.17, 0.27)),
    ({"op": "speckle"}, "deviation", (0.15, 0.2, 0.35, 0.45, 0.6)),
    ({"op": "defocus"}, "px", (3.0, 4.0, 6.0, 8.0, 10.0)),
    ({"op": "gaussian_blur"}, "px", (1.0, 2.0, 3.0, 4.0, 6.0)),
    ({"op": "contrast", "about": "mean"}, "factor", (0.4, 0.3, 0.2, 0.1, 0.05)),
    ({"op": "lighten"}, "fraction", (0.1, 0.2, 0.3, 0.4, 0.5)),
    ({"op": "downscale", "interpolation": "nearest"}, "factor", (0.6, 0.5, 0.4, 0.3, 0.25)),
    ({"op": "jpeg_artefacts"}, "quality", (25, 18, 15, 10, 7)),
)
"""Operations with the field that says how strong, and its values at severities 1 to 5."""


def _corrupt(severity: int) -> Document:
    """Write the policy that damages a picture in one of several ways.

    Args:
        severity: From 1 to 5.

    Source:
        Hendrycks and Dietterich 2019, "Benchmarking neural network robustness to common corruptions and perturbations",
        section 4.1; strengths of ImageNet-C from the authors' program.
    """
    ops = [{**op, name: [by[severity - 1]] * 2} for op, name, by in _CORRUPTIONS]
    return {"ops": [{"op": "one_of", "ops": ops}]}


def _document(*ops: Document) -> Document:
    return {"ops": list(ops)}


_FLIP = {"op": "flip", "p": 0.5}
_LIGHT = ({"op": "brightness", "factor": [0.9, 1.1]}, {"op": "contrast", "factor": [0.9, 1.1]})
_JITTER = tuple({"op": op, "factor": [0.6, 1.4]} for op in ("brightness", "contrast", "saturation"))

PRESETS: Mapping[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset("identity", "Nothing: pictures as they were decoded.", _document()),
        Preset(
            "light",
            "Small turns, shifts and zooms, and a little of light; for nearly all pictures.",
            _document(
                {
                    "op": "affine",
                    "degrees": [-5.0, 5.0],
                    "factor": [0.95, 1.05],
                    "fraction_x": [-0.03, 0.03],
                    "fraction_y": [-0.03, 0.03],
                    "degrees_x": [0.0, 0.0],
                    "fill": "reflect",
                },
                *_LIGHT,
            ),
        ),
        Preset(
            "strong",
            "Large moves, mirrors, light, noise or blur, and a part erased; for classes that all of it leaves alone.",
            _document(
                _FLIP,
                {
                    "op": "affine",
                    "degrees": [-30.0, 30.0],
                    "factor": [0.7, 1.4],
                    "fraction_x": [-0.1, 0.1],
                    "fraction_y": [-0.1, 0.1],
                    "degrees_x": [-15.0, 15.0],
                    "fill": "reflect",
                },
                {"op": "perspective", "fraction": [0.0, 0.1], "fill": "reflect", "p": 0.5},
                *_JITTER,
                {
                    "op": "one_of",
                    "p": 0.5,
                    "ops": [
                        {"op": "gaussian_noise", "deviation": [0.01, 0.1]},
                        {"op": "gaussian_blur", "px": [0.5, 1.5]},
                    ],
                },
                {"op": "erase", "p": 0.5},
            ),
        ),
        Preset(
            "tutorial",
            "The first steps of every tutorial: rotate, shift, shear, zoom, flip, scale and crop; sizes vary.",
            _document(
                {"op": "rotate", "degrees": [-20.0, 20.0], "fill": "reflect"},
                {"op": "shift", "fraction_x": [-0.1, 0.1], "fraction_y": [-0.1, 0.1], "fill": "reflect"},
                {"op": "shear", "degrees_x": [-10.0, 10.0], "fill": "reflect"},
                {"op": "zoom", "factor": [0.8, 1.25], "fill": "reflect"},
                _FLIP,
                {"op": "scale", "factor": [0.8, 1.25]},
                {"op": "crop", "fraction": [0.8, 1.0]},
            ),
        ),
        Preset(
            "digits-safe",
            "For digits and letters: no mirrors, turns of 10 degrees at most, small shifts and slants, bent strokes.",
            _document(
                {
                    "op": "affine",
                    "degrees": [-10.0, 10.0],
                    "factor": [0.9, 1.1],
                    "fraction_x": [-0.08, 0.08],
                    "fraction_y": [-0.08, 0.08],
                    "degrees_x": [-8.0, 8.0],
                    "fill": "edge",
                },
                {"op": "elastic", "px": [0.0, 1.5], "cells": 4, "fill": "edge"},
            ),
        ),
        Preset(
            "cifar-standard",
            "Shifts of 4 pixels at most, as of a crop from a reflected border, and mirrors; the size stays.",
            _document({"op": "shift", "px_x": [-4, 4], "px_y": [-4, 4], "fill": "reflect"}, _FLIP),
        ),
        Preset(
            "imagenet-train",
            "A part of random area and shape at 224 x 224 pixels, mirrored or not, in other light and colours.",
            _document({"op": "random_resized_crop", "height": 224, "width": 224}, _FLIP, *_JITTER),
        ),
        Preset(
            "rand-2-9",
            "RandAugment: two operations of fourteen at magnitude 9 of 30.",
            _document({"op": "rand_augment", "n": 2, "magnitude": 9, "value": 0.5}),
        ),
        Preset(
            "trivial-wide",
            "TrivialAugment: one operation of fourteen at any magnitude, up to very strong ones.",
            _document({"op": "trivial_augment", "value": 0.5}),
        ),
        Preset(
            "augmix",
            "AugMix: the picture seen through three altered ones of itself; boxes and masks stay.",
            _document({"op": "aug_mix"}),
        ),
        Preset(
            "medical-gray16",
            "For scans of any depth: small moves, gamma and noise; no mirrors, and colours are not touched.",
            _document(
                {
                    "op": "affine",
                    "degrees": [-7.0, 7.0],
                    "factor": [0.95, 1.05],
                    "fraction_x": [-0.03, 0.03],
                    "fraction_y": [-0.03, 0.03],
                    "degrees_x": [-2.0, 2.0],
                    "interpolation": "cubic",
                },
                {"op": "gamma", "exponent": [0.8, 1.25]},
                {"op": "gaussian_noise", "deviation": [0.0, 0.02], "per_channel": False},
            ),
        ),
        Preset(
            "document",
            "For scanned and photographed pages: slightly turned, seen from the side, unevenly sharp, on white.",
            _document(
                {"op": "rotate", "degrees": [-3.0, 3.0], "value": 1.0},
                {"op": "perspective", "fraction": [0.0, 0.03], "value": 1.0},
                {"op": "brightness", "factor": [0.85, 1.1]},
                {"op": "contrast", "factor": [0.8, 1.2]},
                {
                    "op": "one_of",
                    "p": 0.5,
                    "ops": [
                        {"op": "gaussian_blur", "px": [0.3, 1.0]},
                        {"op": "gaussian_noise", "deviation": [0.01, 0.04]},
                        {"op": "jpeg_artefacts", "quality": [30, 80]},
                    ],
                },
            ),
        ),
        Preset(
            "satellite-d4",
            "For pictures from above: any of eight turns and mirrors, by which sides may swap, and a little of light.",
            _document({"op": "d4"}, *_LIGHT, {"op": "saturation", "factor": [0.9, 1.1]}),
        ),
        *(
            Preset(
                f"corruption-{severity}",
                f"One of ten damages at severity {severity} of 5, as in ImageNet-C: to test with, not to train on.",
                _corrupt(severity),
            )
            for severity in range(1, 6)
        ),
    )
}
