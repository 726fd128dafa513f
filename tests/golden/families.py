"""Operations in families, and an example of each."""

from collections.abc import Mapping
from typing import Any

from app.augmentation.presets import PRESETS
from app.augmentation.registry import COMBINATORS, OPERATIONS

Document = dict[str, Any]

_FAMILIES = {
    "moves": ("turns", "affine", "distortions"),
    "sizes": ("sizes", "crops", "patches"),
    "colours": ("colours", "tints", "channels"),
    "levels": ("curves", "histograms"),
    "noise": ("noise", "erasing"),
    "sharpness": ("blurs", "quality"),
    "mixing": ("mixing",),
    "choices": ("combinators", "aug_mix", "rand_augment", "auto_augment"),
}
TITLES = {
    "moves": "Moves",
    "sizes": "Sizes and parts",
    "colours": "Colours",
    "levels": "Levels",
    "noise": "Noise and holes",
    "sharpness": "Sharpness and quality",
    "mixing": "Mixing",
    "choices": "Choices",
}
_LOWER = {"shot_noise", "downscale", "jpeg_artefacts", "temperature"}
"""Operations that do more at the lower ends of their ranges."""
_CHANGES: Mapping[str, Document] = {
    "turn": {"quarters": [1]},
    "shift": {"fraction_x": [0.1, 0.1], "fraction_y": [0.1, 0.1]},
    "perspective": {"fraction": [0.0, 0.2]},
    "scale": {"factor": [0.6, 0.6]},
    "resize": {"height": 80, "width": 80},
    "pad": {"px": 16},
    "pad_to": {"height": 152, "width": 184},
    "crop": {"fraction": [0.6, 0.6]},
    "random_resized_crop": {"height": 96, "width": 96, "fraction": [0.4, 0.4]},
    "slice": {"overlap": 0.0},
    "five_crop": {"height": 60, "width": 80},
    "posterise": {"bits": [3, 3]},
    "solarise": {"threshold": [0.6, 0.6]},
    "motion_blur": {"px": [9.0, 9.0], "degrees": [30.0, 30.0]},
    "mixup": {"fraction": [0.4, 0.4]},
    "mosaic": {"centre_fraction": [0.4, 0.4]},
}
_HELD = [{"op": "rotate"}, {"op": "greyscale"}, {"op": "invert"}]


def operations_of(family: str) -> list[type]:
    """List the operations of a family, in the order of the registry."""
    return [node for node in (*OPERATIONS, *COMBINATORS) if _family_of(node) == family]


def name_of(node: type) -> str:
    return node.model_fields["op"].default


def example_of(node: type) -> Document:
    """Write an operation as its picture shows it: ranges at the end that does more, the rest by default."""
    name = name_of(node)
    held: Document = {"ops": _HELD} if "ops" in node.model_fields else {}
    end = 0 if name in _LOWER else 1
    strong = {field: [info.default[end]] * 2 for field, info in node.model_fields.items() if _is_range(info.default)}
    return {"op": name} | ({} if node in COMBINATORS else strong) | held | dict(_CHANGES.get(name, {}))


def examples() -> Mapping[str, Mapping[str, Document]]:
    """Return the policies that each sheet shows, by the names under its pictures."""
    sheets = {
        family: {name_of(node): {"ops": [example_of(node)]} for node in operations_of(family)} for family in TITLES
    }
    return {**sheets, "presets": {name: preset.document for name, preset in PRESETS.items()}}


def _family_of(node: type) -> str:
    module = node.__module__.rpartition(".")[2]
    return next(family for family, modules in _FAMILIES.items() if module in modules)


def _is_range(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(isinstance(end, int | float) for end in value)
