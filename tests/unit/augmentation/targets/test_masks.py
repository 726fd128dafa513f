import numpy as np
import pytest

from app.augmentation.draws import rows_of
from app.augmentation.frames import frames_of
from app.augmentation.operations.crops import Crop
from app.augmentation.operations.curves import Gamma
from app.augmentation.operations.distortions import Elastic
from app.augmentation.operations.mixing import Mixup, Mosaic
from app.augmentation.operations.sizes import Pad, Resize
from app.augmentation.operations.turns import Flip, Rotate, Turn
from app.augmentation.sampler import Sampler
from app.augmentation.targets.masks import MaskFollower, check_mask, check_mixing, mask_back
from app.augmentation.targets.walking import way_of
from app.augmentation.traces import Trace, replay
from app.core.errors import InvalidInputError

SIZE = 12, 20  # height, width


def draw(*nodes, size=SIZE):
    return Sampler(rows_of(0, 1, 1), frames_of(np.zeros((*size, 3), np.uint8), 1), 10**7).run(nodes)


def make_mask(dtype=np.uint8, size=SIZE, values=250):
    return np.random.default_rng(0).integers(0, values, (*size, 1)).astype(dtype)


def test_masks_mirror_and_turn_exactly():
    mask = make_mask()

    moved = MaskFollower([mask]).render(0, draw(Flip(), Turn(quarters=[1])), 0)

    np.testing.assert_array_equal(np.rot90(mask[:, ::-1]), moved)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_masks_hold_only_values_that_they_had(dtype):
    mask = make_mask(dtype, (40, 40), 3) * 80

    moved = MaskFollower([mask], 255).render(0, draw(Rotate(degrees=[20.0, 20.0]), size=(40, 40)), 0)

    assert {0, 80, 160, 255} == set(moved.ravel().tolist())
    assert dtype == moved.dtype


@pytest.mark.parametrize(
    ("dtype", "value"), [(np.uint8, n) for n in (1, 85, 127, 254, 255)] + [(np.uint16, n) for n in (1, 255, 40001)]
)
def test_what_is_ignored_is_written_exactly(dtype, value):
    mask = np.zeros((*SIZE, 1), dtype)

    padded = MaskFollower([mask], value).render(0, draw(Pad(px=2, value=0.5)), 0)
    turned = MaskFollower([mask], value).render(0, draw(Rotate(degrees=[45.0, 45.0])), 0)

    assert value == padded[0, 0, 0]
    assert value == turned[0, 0, 0]


def test_masks_are_not_averaged_when_they_shrink():
    mask = np.indices((64, 64)).sum(axis=0)[:, :, None].astype(np.uint8) % 2 * 200

    shrunk = MaskFollower([mask]).render(0, draw(Resize(height=9, width=9), size=(64, 64)), 0)

    assert {0, 200} >= set(shrunk.ravel().tolist())


@pytest.mark.parametrize("fill", ["reflect", "wrap", "edge"])
@pytest.mark.parametrize("pause", [(), (Gamma(), Rotate(degrees=[0.0, 0.0]))], ids=["at-once", "apart"])
def test_masks_repeat_as_their_pictures_do(fill, pause):
    mask = make_mask()

    padded = MaskFollower([mask], 255).render(0, draw(Pad(px=3, fill=fill), *pause), 0)

    np.testing.assert_array_equal(np.pad(mask, ((3, 3), (3, 3), (0, 0)), fill), padded)


def test_what_a_frame_cuts_off_is_ignored():
    crop, pad = Crop(height=12, width=10, position="centre"), Pad(px=5)

    apart = MaskFollower([make_mask()], 255).render(0, draw(crop, Gamma(), pad), 0)

    expected = np.pad(make_mask()[:, 5:15], ((5, 5), (5, 5), (0, 0)), constant_values=255)
    np.testing.assert_array_equal(expected, apart)


def test_moves_that_undo_each_other_leave_masks_as_they_were():
    mask = make_mask(size=(40, 40))
    there, back = Rotate(degrees=[30.0, 30.0]), Rotate(degrees=[-30.0, -30.0])

    moved = MaskFollower([mask]).render(0, draw(there, Gamma(), back, size=(40, 40)), 0)

    np.testing.assert_array_equal(mask[10:30, 10:30], moved[10:30, 10:30])


@pytest.mark.parametrize("fill", ["reflect", "wrap", "edge"])
def test_a_picture_of_one_pixel_repeats_it(fill):
    mask = np.full((1, 1, 1), 7, np.uint8)

    moved = MaskFollower([mask]).render(0, draw(Pad(px=2, fill=fill), Gamma(), Pad(px=1), size=(1, 1)), 0)

    assert 25 * 7 == moved.sum()


@pytest.mark.parametrize(
    ("mask", "ignored"),
    [
        (np.zeros((12, 20, 3), np.uint8), 0),
        (np.zeros((20, 12), np.uint8), 0),
        (np.zeros((12, 20), np.int32), 0),
        (np.zeros((12, 20), np.uint8), 256),
    ],
)
def test_masks_that_do_not_go_with_their_picture_are_refused(mask, ignored):
    with pytest.raises(InvalidInputError, match="a mask"):
        check_mask(mask, SIZE, ignored)


def test_masks_may_come_without_a_channel():
    assert (12, 20, 1) == check_mask(np.zeros(SIZE, np.uint16), SIZE, 65535).shape


def test_an_image_without_a_mask_stays_without():
    assert MaskFollower([None]).render(0, draw(Flip()), 0) is None


def test_blended_pictures_have_no_mask():
    plan = draw(Mixup())

    with pytest.raises(InvalidInputError, match="see one picture through another"):
        check_mixing(plan)
    with pytest.raises(InvalidInputError, match="see one picture through another"):
        MaskFollower([make_mask()] * 2).render(0, plan, 0, [plan] * 2)


def cut_in(window):
    step = dict(zip(["left", "top", "right", "bottom"], window, strict=True)) | {"op": "cutmix", "partners": [0.5]}
    [plan] = replay([Trace.model_validate({"steps": [step]})], frames_of(np.zeros((*SIZE, 3), np.uint8), 1), 10**7)
    return plan


def test_windows_show_the_masks_of_their_pictures():
    own, other = make_mask(), np.full((6, 10, 1), 251, np.uint8)
    plan = cut_in([4, 2, 12, 10])

    mixed = MaskFollower([own, other]).render(0, plan, 0, [plan, draw(size=(6, 10))])

    expected = own.copy()
    expected[2:10, 4:12] = 251
    check_mixing(plan)
    np.testing.assert_array_equal(expected, mixed)


def test_windows_without_a_mask_are_ignored():
    plan = cut_in([4, 2, 12, 10])

    mixed = MaskFollower([make_mask(), None], 255).render(0, plan, 0, [plan] * 2)

    assert 64 * [255] == mixed[2:10, 4:12].ravel().tolist()
    assert MaskFollower([None, make_mask()]).render(0, plan, 0, [plan] * 2) is None


def test_masks_of_several_kinds_are_not_mixed():
    plan = cut_in([4, 2, 12, 10])

    with pytest.raises(InvalidInputError, match="all 8 or all 16 bits"):
        MaskFollower([make_mask(), make_mask(np.uint16)]).render(0, plan, 0, [plan] * 2)


def test_tiles_that_show_nothing_are_left_out():
    plan = draw(Mosaic(centre_fraction=[0.0, 0.0]))

    mixed = MaskFollower([np.zeros((*SIZE, 1), np.uint8), make_mask()]).render(0, plan, 0, [plan] * 2)

    np.testing.assert_array_equal(make_mask(), mixed)


@pytest.mark.parametrize("nodes", [[Flip(), Turn(quarters=[3])], [Crop(height=8, width=9)], []])
def test_masks_of_outputs_come_back(nodes):
    mask = make_mask()
    plan = draw(*nodes)

    back = mask_back(MaskFollower([mask]).render(0, plan, 0), way_of(plan, 0), 255)

    shown = back != 255
    np.testing.assert_array_equal(mask[shown], back[shown])
    assert plan.after.heights[0] * plan.after.widths[0] == shown.sum()


def test_masks_come_back_through_a_field():
    disc = (np.hypot(*(np.indices((60, 60)) - 29.5)) < 15)[:, :, None].astype(np.uint8)
    plan = draw(Elastic(px=[6.0, 6.0]), size=(60, 60))

    back = mask_back(MaskFollower([disc]).render(0, plan, 0), way_of(plan, 0))

    assert (disc != back).sum() < 0.06 * disc.sum()
