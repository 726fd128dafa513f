import asyncio
import base64
import io
import itertools
import json
import tarfile
import zipfile

import numpy as np
import pytest
from PIL import Image

from app.imaging.mark import ENHANCED_SOURCE_TYPE, TEXT_KEYWORD
from tests import problems
from tests.pictures import encode, encode_image, make_pixels

URL = "/v1/augmentations"
POLICY = {
    "ops": [{"op": "rotate", "degrees": [-15, 15], "fill": "reflect"}, {"op": "flip", "axis": "horizontal", "p": 0.5}]
}
NOTHING = {"ops": []}
PICTURES = [encode(make_pixels(height=12 + number, width=16, seed=number)) for number in range(4)]
ALIKE = [encode(make_pixels(height=12, width=16, seed=number)) for number in range(3)]


def assert_problem(response, status, code, pointer=None):
    body = problems.assert_problem(response, status, code)
    assert pointer is None or pointer == body["errors"][0]["pointer"]


def make_form(*images, masks=(), **body):
    body = {"policy": POLICY, "seed": 5} | body
    document = json.dumps({name: value for name, value in body.items() if value is not None})
    files = [("images", (f"{number}.png", data)) for number, data in enumerate(images)]
    return [*files, *(("masks", ("m.png", data)) for data in masks), ("request", (None, document))]


async def ask(client, *images, path="", **body):
    return await client.post(URL + path, files=make_form(*images, **body))


async def unzip(client, *images, **body):
    response = await ask(client, *images, **{"format": "zip"} | body)
    assert 200 == response.status_code, response.text
    archive = zipfile.ZipFile(io.BytesIO(response.content))
    assert archive.testzip() is None
    return {name: archive.read(name) for name in archive.namelist()}


def read_lines(files):
    return [json.loads(line) for line in files["metadata.jsonl"].splitlines()]


def read_pixels(data):
    return np.asarray(Image.open(io.BytesIO(data)))


def write_npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


async def test_each_image_has_its_copies_and_each_says_what_was_applied(client):
    files = await unzip(client, *PICTURES[:2], copies=3)

    names = [f"{image:06d}-{copy:05d}.png" for image, copy in itertools.product(range(2), range(3))]
    assert [*names, "metadata.jsonl", "manifest.json"] == list(files)
    lines = read_lines(files)
    assert names == [line["file_name"] for line in lines]
    assert {(12, 16), (13, 16)} == {(line["height"], line["width"]) for line in lines}
    assert all(line["trace"][0]["op"] == "rotate" and -15 <= line["trace"][0]["degrees"] <= 15 for line in lines)
    manifest = json.loads(files["manifest.json"])
    assert (5, 6, ENHANCED_SOURCE_TYPE) == (manifest["seed"], manifest["num_outputs"], manifest["digital_source_type"])


async def test_an_output_is_the_same_whatever_it_is_asked_for_with(client):
    whole = await unzip(client, *PICTURES, copies=5)
    alone = await unzip(client, PICTURES[2], copies=2, first_copy=3)
    reversed_ = await unzip(client, *PICTURES[::-1], copies=5)

    expected = [read_pixels(whole[f"000002-{copy:05d}.png"]) for copy in (3, 4)]
    for copy, pixels in enumerate(expected, 3):
        np.testing.assert_array_equal(pixels, read_pixels(alone[f"000000-{copy:05d}.png"]))
        np.testing.assert_array_equal(pixels, read_pixels(reversed_[f"000001-{copy:05d}.png"]))


async def test_the_same_request_has_the_same_bytes_at_any_time(client):
    answers = await asyncio.gather(*(ask(client, *PICTURES, copies=20, format="zip") for _ in range(4)))

    assert 1 == len({answer.content for answer in answers})
    other = await ask(client, *PICTURES, copies=20, format="zip", seed=6)
    assert answers[0].content != other.content


async def test_a_trace_replays_its_output_to_the_byte(client):
    files = await unzip(client, *PICTURES[:2], copies=4, policy={"preset": "strong"})
    lines = [line for line in read_lines(files) if line["copy"] == 2]

    traces = [{"image": line["image"], "steps": line["trace"]} for line in lines]
    again = await unzip(client, *PICTURES[:2], policy=None, traces=traces)

    for line in lines:
        expected = read_pixels(files[line["file_name"]])
        np.testing.assert_array_equal(expected, read_pixels(again[f"{line['image']:06d}-00000.png"]))


async def test_one_output_is_an_image_with_its_trace_in_header_and_file(client):
    response = await ask(client, PICTURES[0])

    assert (200, "image/png") == (response.status_code, response.headers["content-type"])
    trace = json.loads(response.headers["fount-trace"])
    text = Image.open(io.BytesIO(response.content)).text
    assert trace == json.loads(text[TEXT_KEYWORD])["trace"]
    assert ENHANCED_SOURCE_TYPE in text["XML:com.adobe.xmp"]
    assert ("5", "1") == (response.headers["fount-seed"], response.headers["fount-num-outputs"])
    assert 64 == len(response.headers["fount-policy"])
    times = [part.split(";")[0] for part in response.headers["server-timing"].split(", ")]
    assert ["decode", "augment", "encode", "pack"] == times


@pytest.mark.parametrize(("image_format", "media_type"), [("jpeg", "image/jpeg"), ("webp", "image/webp")])
async def test_other_files_say_that_they_were_changed(client, image_format, media_type):
    response = await ask(client, PICTURES[0], format=image_format, policy=NOTHING)

    assert (200, media_type) == (response.status_code, response.headers["content-type"])
    assert ENHANCED_SOURCE_TYPE.encode() in response.content
    assert (16, 12) == Image.open(io.BytesIO(response.content)).size


async def test_no_policy_at_all_changes_no_pixel(client):
    response = await ask(client, PICTURES[0], policy=NOTHING)

    np.testing.assert_array_equal(read_pixels(PICTURES[0]), read_pixels(response.content))


async def test_arrays_hold_outputs_of_one_shape(client):
    response = await ask(client, *ALIKE, copies=2, format="npz")

    arrays = np.load(io.BytesIO(response.content), allow_pickle=False)
    assert ((6, 12, 16, 3), np.uint8) == (arrays["images"].shape, arrays["images"].dtype)
    assert ([0, 0, 1, 1, 2, 2], [0, 1] * 3) == (arrays["image"].tolist(), arrays["copy"].tolist())
    assert 5 == arrays["seed"]
    plain = np.load(io.BytesIO((await ask(client, *ALIKE, copies=2, format="npy")).content), allow_pickle=False)
    np.testing.assert_array_equal(arrays["images"], plain)


async def test_arrays_of_several_shapes_are_refused(client):
    response = await ask(client, *PICTURES[:2], format="npz")

    assert_problem(response, 422, "invalid-parameter", "/request/format")


async def test_a_batch_of_pictures_is_augmented_as_each_alone(client):
    batch = np.stack([make_pixels(height=8, width=8, seed=seed) for seed in range(5)])

    whole = await ask(client, write_npy(batch), copies=2, format="npy")
    alone = await ask(client, write_npy(batch[3:4]), copies=2, format="npy")

    images = np.load(io.BytesIO(whole.content), allow_pickle=False)
    assert (10, 8, 8, 3) == images.shape
    np.testing.assert_array_equal(images[6:8], np.load(io.BytesIO(alone.content), allow_pickle=False))


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
@pytest.mark.parametrize("channels", [1, 3, 5])
async def test_arrays_keep_their_depth_and_channels(client, dtype, channels):
    pixels = make_pixels(height=8, width=8, channels=channels).astype(dtype)
    batch = (pixels / 255 if dtype == "float32" else pixels * 257).astype(dtype)[None]

    response = await ask(client, write_npy(batch), format="npy")

    images = np.load(io.BytesIO(response.content), allow_pickle=False)
    assert (batch.shape, batch.dtype) == (images.shape, images.dtype)


@pytest.mark.parametrize(
    "data",
    [
        write_npy(np.zeros((2, 4, 4, 3), np.int64)),
        write_npy(np.zeros(4, np.uint8)),
        write_npy(np.zeros((2, 4, 4, 3), np.uint8))[:-1],
        write_npy(np.zeros((2, 4, 4, 3), ">u2")),
        write_npy(np.full((1, 4, 4, 1), np.nan, np.float32)),
        b"\x93NUMPY\x01\x00\x10\x00not a header....",
        b"\x93NUMPY\x07\x00",
    ],
)
async def test_arrays_that_are_no_pictures_are_refused(client, data):
    response = await ask(client, data, format="npy")

    assert response.status_code == 422
    assert response.json()["code"] in {"undecodable-image", "invalid-parameter"}


async def test_grey_of_16_bits_stays(client):
    wide = (make_pixels(height=8, width=8, channels=1)[:, :, 0].astype(np.uint16) * 16).astype(np.uint16)

    response = await ask(client, encode_image(Image.fromarray(wide)), policy=NOTHING)

    np.testing.assert_array_equal(wide, read_pixels(response.content))


async def test_a_tar_is_read_as_webdataset_reads_it(client):
    response = await ask(client, *PICTURES[:2], copies=2, format="tar")

    with tarfile.open(fileobj=io.BytesIO(response.content)) as archive:
        members = archive.getnames()
    keys = [f"{image:06d}-{copy:05d}" for image, copy in itertools.product(range(2), range(2))]
    assert [name for key in keys for name in (f"{key}.png", f"{key}.json")] == members


async def test_json_has_files_in_base64(client):
    response = await ask(client, PICTURES[0], copies=2, format="json", image_format="jpeg")

    document = response.json()
    assert (2, 5) == (document["num_outputs"], document["seed"])
    assert (16, 12) == Image.open(io.BytesIO(base64.b64decode(document["outputs"][1]["file"]))).size


async def test_masks_boxes_and_keypoints_follow(client):
    mask = np.zeros((12, 16), np.uint8)
    mask[2:6, 3:9] = 7
    targets = [{"boxes": [[3, 2, 9, 6]], "labels": ["cat"], "keypoints": [[3, 2]], "label": "room"}]

    files = await unzip(
        client,
        ALIKE[0],
        masks=[encode_image(Image.fromarray(mask))],
        policy={"ops": [{"op": "flip", "axis": "horizontal"}]},
        targets=targets,
    )

    [line] = read_lines(files)
    followed = line["targets"]
    assert ([[7, 2, 13, 6]], ["cat"], [[13, 2]]) == (followed["boxes"], followed["labels"], followed["keypoints"])
    np.testing.assert_array_equal(mask[:, ::-1], read_pixels(files[line["mask_file_name"]]))
    assert [-1, 0, 16, 0, 1, 0, 0, 0, 1] == line["matrix"]


async def test_targets_go_back_by_the_trace(client):
    files = await unzip(client, ALIKE[0], policy=POLICY, targets=[{"keypoints": [[5, 6]]}])
    [line] = read_lines(files)

    response = await client.post(
        f"{URL}/inverse",
        json={
            "image": {"height": 12, "width": 16},
            "trace": line["trace"],
            "targets": {"keypoints": line["targets"]["keypoints"]},
        },
    )

    assert 200 == response.status_code, response.text
    np.testing.assert_allclose(response.json()["keypoints"], [[5, 6]], atol=1e-6)


async def test_mixing_shares_labels_and_needs_two_images(client):
    policy = {"ops": [{"op": "mixup"}]}
    targets = [{"label": "a"}, {"label": "b"}]

    files = await unzip(client, *ALIKE[:2], policy=policy, targets=targets, copies=3)

    for line in read_lines(files):
        shares = line["targets"]["label_shares"]
        assert {"a", "b"} == {one["label"] for one in shares}
        assert 1 == pytest.approx(sum(one["share"] for one in shares))
    assert_problem(await ask(client, ALIKE[0], policy=policy), 422, "invalid-parameter", "/images")


async def test_slices_are_outputs_of_their_own(client):
    policy = {"ops": [{"op": "slice", "rows": 2, "columns": 2}]}

    response = await ask(client, ALIKE[0], policy=policy, format="npz")

    arrays = np.load(io.BytesIO(response.content), allow_pickle=False)
    whole = read_pixels(ALIKE[0])
    assert ((4, 6, 8, 3), [0, 1, 2, 3]) == (arrays["images"].shape, arrays["patch"].tolist())
    np.testing.assert_array_equal(whole[6:, :8], arrays["images"][2])


async def test_a_preview_shows_each_image_and_its_copies(client):
    response = await ask(client, *PICTURES[:2], copies=3, path="/preview")

    sheet = Image.open(io.BytesIO(response.content))
    assert (200, "image/png") == (response.status_code, response.headers["content-type"])
    assert sheet.width > 4 * 96
    again = await ask(client, *PICTURES[:2], copies=3, path="/preview")
    assert response.content == again.content
    assert_problem(await ask(client, *PICTURES[:2], copies=300, path="/preview"), 422, "limit-exceeded")


@pytest.mark.parametrize(
    "ops",
    [[{"op": "elastic"}] * 64, [{"op": "slice", "rows": 16, "columns": 16}]],
    ids=["operations", "parts"],
)
async def test_a_plan_that_would_take_long_is_refused(client, ops):
    images = [{"height": 64, "width": 64}] * 64
    enough = {"policy": {"ops": ops}, "images": images[:1], "copies": 1, "seed": 1}

    too_much = await client.post(f"{URL}/plan", json=enough | {"images": images, "copies": 256})

    assert 16_384 == problems.assert_problem(too_much, 422, "limit-exceeded")["limit"]
    assert 200 == (await client.post(f"{URL}/plan", json=enough)).status_code


async def test_a_plan_tells_what_would_be_applied(client):
    body = {"policy": POLICY, "images": [{"height": 20, "width": 30}], "copies": 3, "seed": 1}

    response = await client.post(f"{URL}/plan", json=body)

    document = response.json()
    assert (200, 3, 1) == (response.status_code, len(document["outputs"]), document["seed"])
    assert {(20, 30)} == {(one["height"], one["width"]) for one in document["outputs"]}
    assert {"num_outputs": 3, "output_pixels": 1800} == {
        name: document["cost"][name] for name in ("num_outputs", "output_pixels")
    }
    assert document == (await client.post(f"{URL}/plan", json=body)).json()


async def test_operations_and_presets_are_listed_with_schemas(client):
    operations = (await client.get(f"{URL}/operations")).json()["operations"]
    presets = (await client.get(f"{URL}/presets")).json()["presets"]

    assert len(operations) >= 45
    assert all(one["description"] and one["schema"]["additionalProperties"] is False for one in operations)
    names = {one["op"] for one in operations}
    assert {"rotate", "scale", "crop", "flip", "shift", "shear", "zoom", "slice", "mixup", "cutmix", "mosaic"} <= names
    assert {"light", "strong", "tutorial", "digits-safe", "cifar-standard"} <= {one["name"] for one in presets}


@pytest.mark.parametrize(
    ("policy", "pointer"),
    [
        ({"ops": [{"op": "rotat"}]}, "/request/policy/ops/0"),
        ({"ops": [{"op": "rotate", "degrees": [5, -5]}]}, "/request/policy/ops/0/degrees"),
        ({"ops": [{"op": "rotate", "degrees": [-1000, 5]}]}, "/request/policy/ops/0/degrees/0"),
        ({"ops": [{"op": "flip"}, {"op": "rotate", "angle": 3}]}, "/request/policy/ops/1"),
        ({"ops": [{"op": "one_of", "ops": [{"op": "rotate", "degrees": "x"}]}]}, "/request/policy/ops/0/ops/0/degrees"),
        ({"ops": [{}]}, "/request/policy/ops/0"),
        ({}, "/request/policy"),
        ({"preset": "light", "ops": []}, "/request/policy"),
        ({"preset": 3}, "/request/policy/preset"),
    ],
)
async def test_what_is_wrong_with_a_policy_is_pointed_at(client, policy, pointer):
    response = await ask(client, PICTURES[0], policy=policy)

    assert_problem(response, 422, "invalid-parameter", pointer)


async def test_unknown_presets_are_not_guessed(client):
    response = await ask(client, PICTURES[0], policy={"preset": "lihgt"})

    assert "unknown-preset" == response.json()["code"]
    assert "light" in response.json()["detail"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"policy": None}, "/request"),
        ({"traces": [{"image": 0, "steps": []}]}, "/request"),
        ({"policy": None, "traces": [{"image": 1, "steps": []}]}, "/request/traces"),
        ({"policy": None, "traces": [{"steps": [{"op": "rotate", "degrees": 1e400}]}]}, None),
        ({"policy": None, "traces": [{"steps": [{"op": "resize", "height": 10**9, "width": 4}]}]}, None),
        ({"copies": 0}, "/request/copies"),
        ({"copies": 20_000, "format": "zip"}, "/request/copies"),
        ({"copies": 65, "format": "json"}, "/request/format"),
        ({"copies": 2, "format": "png"}, "/request/format"),
        ({"targets": []}, "/request/targets"),
        ({"targets": [{"boxes": [[0, 0, 0, 4]]}]}, "/request/targets/0"),
        ({"targets": [{"boxes": [[100, 100, 104, 104]]}]}, "/request/targets/0"),
        ({"extra": 1}, "/request"),
    ],
)
async def test_requests_that_contradict_themselves_are_refused(client, body, pointer):
    response = await ask(client, PICTURES[0], **body)

    assert response.status_code in {400, 422}
    if pointer is not None:
        assert pointer == response.json()["errors"][0]["pointer"]


async def test_broken_images_are_named(client):
    response = await ask(client, PICTURES[0], PICTURES[1][:60])

    assert_problem(response, 422, "undecodable-image", "/images/1")
    unknown = await ask(client, PICTURES[0], b"%!PS-Adobe")
    assert_problem(unknown, 422, "unsupported-image", "/images/1")


async def test_masks_go_with_images(client):
    mask = encode_image(Image.fromarray(np.zeros((3, 3), np.uint8)))

    assert_problem(await ask(client, ALIKE[0], masks=[mask, mask]), 422, "invalid-parameter", "/masks")
    assert_problem(await ask(client, ALIKE[0], masks=[mask], format="zip"), 422, "invalid-parameter", "/masks/0")
    assert_problem(await ask(client, ALIKE[0], masks=[mask], format="npz"), 422, "invalid-parameter", "/request/format")


async def test_transparency_is_kept_dropped_or_put_on_a_colour(client):
    rgba = make_pixels(height=8, width=8, channels=4)
    picture = encode_image(Image.fromarray(rgba, "RGBA"))

    kept = await ask(client, picture, policy=NOTHING)
    dropped = await ask(client, picture, policy=NOTHING, input={"alpha": "drop"})
    on_black = await ask(client, picture, policy=NOTHING, input={"alpha": "composite", "background": [0, 0, 0]})

    np.testing.assert_array_equal(rgba, read_pixels(kept.content))
    np.testing.assert_array_equal(rgba[:, :, :3], read_pixels(dropped.content))
    assert (8, 8, 3) == read_pixels(on_black.content).shape
    assert_problem(await ask(client, picture, policy=NOTHING, format="jpeg"), 422, "invalid-parameter", "/images/0")


async def test_a_long_answer_is_streamed_and_is_the_same(client, monkeypatch):
    whole = await ask(client, *PICTURES, copies=40, format="zip")

    monkeypatch.setattr("app.api.augmented.answer.HELD_BYTES", 1000)
    streamed = await ask(client, *PICTURES, copies=40, format="zip")

    assert "content-length" in whole.headers
    assert "content-length" not in streamed.headers
    assert whole.content == streamed.content
