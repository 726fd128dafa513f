import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from app.augmentation.policy import Policy
from app.cli.augment_folder import OutputFolder
from app.cli.augment_order import AugmentOrder, Balance
from app.cli.augment_run import run_augmentation
from app.core.errors import DatasetError, ImageTooLargeError, InvalidInputError, UndecodableImageError
from app.core.settings import Settings
from app.decoding.messages import DecodeOptions
from app.imaging.codec import ImageFormat
from tests.fakes import make_augmenters
from tests.pictures import encode, make_files, make_pixels, write_folder

NAMES = ["cat/0.png", "cat/1.png", "cat/2.png", "dog/deep/0.png", "dog/1.png"]
ROTATE = [{"op": "rotate", "degrees": [-15, 15]}]
SEED = 5


def read_policy(ops):
    return Policy.model_validate_json(json.dumps({"ops": ops}))


@pytest.fixture
def make_order(tmp_path):
    def make(ops=ROTATE, files=None, **changes):
        source = write_folder(tmp_path / "in", make_files(NAMES) if files is None else files)
        order = AugmentOrder(
            source=tmp_path.joinpath(source),
            output=tmp_path / "out",
            policy=read_policy(ops),
            amount=2,
            first_copy=0,
            image_format=ImageFormat.PNG,
            quality=95,
            options=DecodeOptions(),
            keeps_originals=False,
            skips_broken=False,
        )
        return replace(order, **changes)

    return make


async def run(order, tell=lambda *_: None, **limits):
    order.check()
    order.output.mkdir(exist_ok=True)
    settings = Settings(limits=limits)
    augmenters = make_augmenters(settings)
    try:
        return await run_augmentation(order, OutputFolder(order.output), SEED, settings.limits, augmenters, tell)
    finally:
        await augmenters.close()


def read_tree(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def read_lines(order):
    return [json.loads(line) for line in (order.output / "metadata.jsonl").read_text().splitlines()]


async def test_folders_are_kept_and_every_output_is_described(make_order):
    order = make_order()

    summary = await run(order)

    outputs = sorted(f"{name[:-4]}-{copy}.png" for name in NAMES for copy in (0, 1))
    assert {*outputs, "augment.json", "metadata.jsonl"} == read_tree(order.output).keys()
    assert (5, 10, 0, 0, {}, {}) == summary
    assert outputs == sorted(line["file_name"] for line in read_lines(order))
    assert all(line["trace"][0]["op"] == "rotate" for line in read_lines(order))
    assert {"cat/0.png"} == {line["source_file_name"] for line in read_lines(order)[:2]}


async def test_progress_ends_with_all_that_there_is(make_order):
    told = []

    await run(make_order(amount=Balance(4)), lambda *facts: told.append(facts))

    assert ("reading", 5, 5) in told
    assert ("augmenting", 8, 8) == told[-1]


async def test_the_same_command_computes_nothing_again(make_order):
    order = make_order(keeps_originals=True)
    await run(order)
    before = read_tree(order.output)

    summary = await run(order)

    assert 15 == summary.num_outputs == summary.num_found
    assert before == read_tree(order.output)


async def test_what_is_missing_or_of_a_changed_image_is_made_again(make_order):
    order = make_order()
    await run(order)
    (order.output / "cat/0-1.png").unlink()
    (order.source / "dog/1.png").write_bytes(encode(make_pixels(seed=99)))

    summary = await run(order)

    assert (10, 6) == (summary.num_outputs, summary.num_found)
    fresh = replace(order, output=order.output.with_name("fresh"))
    await run(fresh)
    assert read_tree(fresh.output) == read_tree(order.output)


async def test_later_copies_are_those_of_a_longer_run(make_order):
    whole, later = make_order(amount=5), make_order(amount=2, first_copy=3)
    later = replace(later, output=later.output.with_name("later"))

    await run(whole)
    await run(later)

    names = [f"{name[:-4]}-{copy}.png" for name in NAMES for copy in (3, 4)]
    everything, some = read_tree(whole.output), read_tree(later.output)
    assert [everything[name] for name in names] == [some[name] for name in names]


async def test_another_command_does_not_go_on(make_order):
    await run(make_order())

    with pytest.raises(DatasetError, match="policy"):
        await run(make_order([{"op": "flip"}]))


async def test_classes_are_balanced_with_the_images_among_them(make_order):
    order = make_order(amount=Balance(None))

    summary = await run(order)

    assert {"cat": (3, 3), "dog": (2, 3)} == summary.classes
    assert {**make_files(NAMES)}.items() <= read_tree(order.output).items()
    originals = [line for line in read_lines(order) if line["copy"] is None]
    assert (5, 6) == (len(originals), summary.num_outputs)
    assert [[]] * 5 == [line["trace"] for line in originals]


async def test_broken_images_are_no_part_of_a_class(make_order):
    files = make_files(NAMES) | {"cat/1.png": b"no image", "cat/2.png": make_files(["x.png"])["x.png"][:60]}
    order = make_order(files=files, amount=Balance(None), skips_broken=True)

    summary = await run(order)

    assert {"cat": (1, 2), "dog": (2, 2)} == summary.classes
    assert ["cat/1.png", "cat/2.png"] == list(summary.broken)


@pytest.mark.parametrize("data", [b"", b"no image", b"\x89PNG\r\n\x1a\n"], ids=["empty", "text", "cut"])
async def test_a_broken_image_ends_the_run_unless_it_is_to_be_left_out(make_order, data):
    order = make_order(files=make_files(NAMES) | {"cat/1.png": data})

    with pytest.raises(UndecodableImageError, match=r"^cat/1\.png: .*--skip-broken"):
        await run(order)
    summary = await run(replace(order, skips_broken=True))

    assert (["cat/1.png"], 8) == (list(summary.broken), summary.num_outputs)


async def test_files_that_are_too_long_or_lead_nowhere_are_broken(make_order):
    order = make_order(files={"a.png": encode(make_pixels(height=60, width=60)), "b.png": encode(make_pixels())})
    (order.source / "c.png").symlink_to("nowhere.png")

    with pytest.raises(ImageTooLargeError, match=r"a\.png: the file has more than 2048 bytes"):
        await run(replace(order, output=order.output.with_name("other")), upload_bytes=2048)
    summary = await run(replace(order, skips_broken=True), upload_bytes=2048)

    assert (["a.png", "c.png"], 2) == (list(summary.broken), summary.num_outputs)


@pytest.mark.parametrize("amount", [1, Balance(None)], ids=["copies", "balance"])
async def test_a_folder_of_broken_images_is_an_error(make_order, amount):
    order = make_order(files={"a/0.png": b"no image"}, amount=amount, skips_broken=True)

    with pytest.raises(DatasetError, match="none of the images"):
        await run(order)


async def test_an_operation_that_does_not_go_with_an_image_names_it(make_order):
    order = make_order([{"op": "crop", "height": 7, "width": 7}], skips_broken=True)

    with pytest.raises(InvalidInputError, match=r"png: `crop`"):
        await run(order)


async def test_parts_are_files_of_their_own(make_order):
    order = make_order([{"op": "slice", "rows": 1, "columns": 2}], files=make_files(["a.png"]), amount=1)

    await run(order)

    assert {"a-0-0.png", "a-0-1.png"} < read_tree(order.output).keys()


async def test_images_are_mixed_and_their_classes_shared(make_order):
    order = make_order([{"op": "mixup", "fraction": [0.25, 0.25]}])

    await run(order, uploads=3)
    await run(replace(order, output=order.output.with_name("again")), uploads=3)

    lines = read_lines(order)
    assert read_tree(order.output) == read_tree(order.output.with_name("again"))
    assert 10 == len(lines)
    assert [2] * 4 + [3] * 6 == sorted(len(line["group"]) for line in lines)
    assert all(1 == sum(one["share"] for one in line["targets"]["label_shares"]) for line in lines)


@pytest.mark.parametrize(
    ("ops", "words"),
    [([{"op": "mixup"}], "belongs to no class"), ([{"op": "five_crop", "height": 2, "width": 2}], "several")],
)
async def test_classes_cannot_be_balanced_by_what_is_no_single_image(make_order, ops, words):
    with pytest.raises(InvalidInputError, match=words):
        await run(make_order(ops, amount=Balance(None)))


async def test_formats_are_those_of_the_names(make_order):
    order = make_order(files={"a.png": encode(make_pixels())}, image_format=ImageFormat.JPEG, amount=1)

    await run(order)

    with Image.open(order.output / "a-0.jpg") as picture:
        assert ("JPEG", (8, 6)) == (picture.format, picture.size)


async def test_transparency_is_put_on_white(make_order):
    clear = np.zeros((4, 4, 4), np.uint8)
    options = DecodeOptions(alpha="composite")
    order = make_order([], files={"a.png": encode(clear)}, amount=1, options=options)

    await run(order)

    assert (np.asarray(Image.open(order.output / "a-0.png")) == np.full((4, 4, 3), 255)).all()


async def test_outputs_within_the_folder_of_images_are_no_images(make_order):
    order = make_order()
    order = replace(order, output=order.source / "cat" / "out")

    await run(order)
    summary = await run(order)

    assert (5, 10) == (summary.num_images, summary.num_outputs)


async def test_outputs_do_not_lie_among_the_images(make_order):
    order = make_order()

    with pytest.raises(DatasetError, match="among the images"):
        replace(order, output=order.source).list_images()


async def test_a_folder_without_images_is_an_error(make_order):
    order = make_order(files={"notes.txt": b""})

    with pytest.raises(DatasetError, match=r"no images; found 1 \.txt"):
        order.list_images()
