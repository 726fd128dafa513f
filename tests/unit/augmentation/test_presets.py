import json

import numpy as np
import pytest

from app.augmentation.engine import Source, augment
from app.augmentation.orders import Order
from app.augmentation.policy import MAX_STEPS as MOST_APPLIED
from app.augmentation.policy import Policy
from app.augmentation.presets import PRESETS, find, list_presets
from app.augmentation.traces import MAX_STEPS
from app.core.errors import UnknownPresetError
from tests.augmenting import MAX_PIXELS, apply, make_picture, trace_of

COPIES = 6
NAMES = [
    "identity",
    "light",
    "strong",
    "tutorial",
    "digits-safe",
    "cifar-standard",
    "imagenet-train",
    "rand-2-9",
    "trivial-wide",
    "augmix",
    "medical-gray16",
    "document",
    "satellite-d4",
    *(f"corruption-{severity}" for severity in range(1, 6)),
]
RESIZED = {"tutorial", "imagenet-train", "satellite-d4"}


def make_outputs(name, pixels):
    return list(augment([Source(pixels, 77)], Order(find(name).ops, 5, COPIES, max_pixels=MAX_PIXELS)))


def test_the_presets_are_those_that_are_documented():
    assert NAMES == list(PRESETS)


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_is_a_valid_policy_with_one_line_that_describes_it(name):
    preset = PRESETS[name]

    assert preset.policy == Policy.model_validate_json(json.dumps(preset.document))
    assert preset.description.endswith(".")
    assert "\n" not in preset.description


def test_presets_differ_in_digest_and_are_listed_with_all_their_defaults():
    listed = list_presets()

    assert len(NAMES) == len({one["digest"] for one in listed})
    assert NAMES == [one["name"] for one in listed]
    assert all(Policy.model_validate_json(json.dumps(one["policy"])).digest == one["digest"] for one in listed)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("channels", "depth", "height", "width"),
    [(1, "uint8", 28, 28), (3, "uint8", 32, 32), (3, "uint8", 40, 64), (1, "uint16", 30, 33), (3, "float32", 31, 28)],
)
def test_a_preset_runs_on_small_pictures_of_any_kind_and_replays_from_its_traces(name, channels, depth, height, width):
    pixels = make_picture(depth, channels, height=height, width=width)

    for output in make_outputs(name, pixels):
        again = apply(pixels, *trace_of(output.plan, output.row))

        assert (pixels.dtype, channels) == (output.pixels.dtype, output.pixels.shape[2])
        assert name in RESIZED or pixels.shape == output.pixels.shape
        assert output.pixels.shape == again.shape
        assert (output.pixels == again).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_does_something_and_not_always_the_same(name):
    pixels = make_picture(height=32, width=32)

    made = {output.pixels.tobytes() for output in make_outputs(name, pixels)}

    assert (len(made) == 1) == (name == "identity")


def test_the_shifts_of_cifar_are_crops_from_a_reflected_border():
    pixels = make_picture(height=32, width=32)
    padded = np.pad(pixels, ((4, 4), (4, 4), (0, 0)), "reflect")

    for output in make_outputs("cifar-standard", pixels):
        steps = trace_of(output.plan, output.row)
        top, left = 4 - steps[0]["px_y"], 4 - steps[0]["px_x"]
        crop = padded[top : top + 32, left : left + 32]
        assert (output.pixels == (crop[:, ::-1] if len(steps) > 1 else crop)).all()


def test_corruptions_grow_with_their_severity():
    pixels = make_picture(height=48, width=48)
    pixels[:] = np.linspace(0, 255, 48).astype(np.uint8)[None, :, None]

    def differ(severity):
        made = augment([Source(pixels, 77)], Order(find(f"corruption-{severity}").ops, 5, 60))
        return np.mean([np.abs(one.pixels.astype(float) - pixels).mean() for one in made])

    damages = [differ(severity) for severity in range(1, 6)]
    assert sorted(damages) == damages


@pytest.mark.parametrize(
    ("name", "hint"), [("digit-safe", "did you mean `digits-safe`?"), ("q" * 4000, "there are id")]
)
def test_an_unknown_preset_is_answered_with_one_that_there_is(name, hint):
    with pytest.raises(UnknownPresetError) as caught:
        find(name)

    assert hint in caught.value.detail
    assert name not in caught.value.detail
    assert NAMES == caught.value.fields["presets"]


def test_a_trace_holds_all_that_a_policy_may_apply():
    assert MOST_APPLIED <= MAX_STEPS
