import asyncio
import io
import json
import zipfile

import numpy as np
import pytest
from PIL import Image

from app.imaging.mark import TEXT_KEYWORD
from tests.drafts import make_draft, make_files
from tests.pictures import encode, encode_image, make_pixels
from tests.problems import assert_problem

URL = "/v1/variations"
PARTS = ["generator", "encoder"]
PICTURES = [encode(make_pixels(height=8, width=8, channels=1, seed=seed)) for seed in range(4)]


@pytest.fixture(autouse=True)
def readers(repository):
    """Two versions that read images: `reader` with the classes a, b and 7, `free` without."""
    repository.publish(make_draft("reader", parts=PARTS, class_names=["a", "b", "7"]), make_files(4))
    repository.publish(make_draft("free", parts=PARTS, class_names=[]), make_files(5))


def make_form(*images, **body):
    body = {"model": "reader", "class_label": "b", "seed": 5} | body
    document = json.dumps({name: value for name, value in body.items() if value is not None})
    return [*(("images", (f"{number}.png", data)) for number, data in enumerate(images)), ("request", (None, document))]


async def ask(client, *images, **body):
    return await client.post(URL, files=make_form(*images, **body))


async def load(client, *images, **body):
    response = await ask(client, *images, format="npz", **body)
    assert 200 == response.status_code, response.text
    return np.load(io.BytesIO(response.content), allow_pickle=False)


async def test_every_image_has_as_many_variations_as_asked_for(client):
    response = await ask(client, *PICTURES[:2], copies=3, format="npz")

    assert 200 == response.status_code
    arrays = np.load(io.BytesIO(response.content), allow_pickle=False)
    assert (6, 8, 8, 1) == arrays["images"].shape
    assert ([0, 1, 2, 0, 1, 2], [1] * 6, 5) == (arrays["indices"].tolist(), arrays["labels"].tolist(), arrays["seed"])
    headers = {name: response.headers[f"fount-{name}"] for name in ("model", "seed", "first-index", "num-samples")}
    assert {"model": "reader@1", "seed": "5", "first-index": "0", "num-samples": "6"} == headers
    assert 64 == len(response.headers["fount-digest"])
    times = [part.split(";")[0] for part in response.headers["server-timing"].split(", ")]
    assert ["decode", "latents", "queue", "device", "encode"] == times


async def test_variations_are_a_zip_by_default_and_say_how_they_were_made(client):
    response = await ask(client, *PICTURES[:2], copies=2, strength=0.25, first_image=10)

    archive = zipfile.ZipFile(io.BytesIO(response.content))
    names = [name for name in archive.namelist() if name.endswith(".png")]
    marks = [json.loads(Image.open(io.BytesIO(archive.read(name))).info[TEXT_KEYWORD]) for name in names]
    assert ["b/20.png", "b/21.png", "b/22.png", "b/23.png"] == names
    assert [(10, 0), (10, 1), (11, 0), (11, 1)] == [(mark["variation"]["image"], mark["index"]) for mark in marks]
    assert {0.25} == {mark["variation"]["strength"] for mark in marks}
    assert 2 == len({mark["variation"]["source_sha256"] for mark in marks})
    described = [json.loads(line) for line in archive.read("metadata.jsonl").splitlines()]
    assert [mark["variation"] for mark in marks] == [line["variation"] for line in described]
    about = json.loads(archive.comment)
    assert ({"strength": 0.25, "first_image": 10, "copies": 2}, 4) == (about["variation"], about["num_samples"])
    assert "reader-1-variation-seed5-0.zip" in response.headers["content-disposition"]


async def test_one_variation_is_a_png_whose_bytes_are_those_of_the_same_one_among_many(client):
    one = await ask(client, PICTURES[1], first_image=1, first_index=2)
    many = zipfile.ZipFile(io.BytesIO((await ask(client, *PICTURES, copies=4)).content))

    assert "image/png" == one.headers["content-type"]
    assert many.read("b/6.png") == one.content


async def test_any_split_over_images_and_copies_gives_the_whole(client):
    whole = await load(client, *PICTURES, copies=6)

    by_image = [await load(client, PICTURES[number], copies=6, first_image=number) for number in range(4)]
    by_copy = [await load(client, *PICTURES, copies=3, first_index=first) for first in (0, 3)]

    assert np.array_equal(whole["images"], np.concatenate([part["images"] for part in by_image]))
    halves = [part["images"].reshape(4, 3, 8, 8, 1) for part in by_copy]
    assert np.array_equal(whole["images"].reshape(4, 6, 8, 8, 1), np.concatenate(halves, axis=1))
    assert [0, 1, 2, 3, 4, 5] == whole["indices"][:6].tolist()


async def test_names_content_types_and_sizes_of_files_change_nothing(client):
    expected = await load(client, PICTURES[0])
    files = [("images", ("../../it.exe", PICTURES[0], "text/html")), *make_form(format="npz")]

    response = await client.post(URL, files=files)

    arrays = np.load(io.BytesIO(response.content), allow_pickle=False)
    assert np.array_equal(expected["images"], arrays["images"])


@pytest.mark.parametrize("image_format", ["PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP"])
async def test_pictures_of_every_format_and_size_are_read(client, image_format):
    arrays = await load(client, encode(make_pixels(height=30, width=50), image_format), model="free", class_label=None)

    assert ((1, 8, 8, 1), [-1]) == (arrays["images"].shape, arrays["labels"].tolist())


async def test_each_image_may_have_a_class_of_its_own(client):
    arrays = await load(client, *PICTURES[:3], class_label=None, class_labels=["7", 0, "b"], copies=2)

    assert [2, 2, 0, 0, 1, 1] == arrays["labels"].tolist()


async def test_more_images_than_one_batch_of_the_encoder_keep_their_order(client):
    pictures = [encode(make_pixels(height=8, width=8, channels=1, seed=seed)) for seed in range(20)]

    whole = await load(client, *pictures)

    for number in (0, 15, 16, 19):
        one = await load(client, pictures[number], first_image=number)
        assert np.array_equal(whole["images"][number : number + 1], one["images"])


async def test_without_a_seed_one_is_drawn_and_told(client):
    first, second = [await ask(client, PICTURES[0], seed=None) for _ in range(2)]

    assert first.headers["fount-seed"] != second.headers["fount-seed"]
    again = await ask(client, PICTURES[0], seed=int(first.headers["fount-seed"]))
    assert first.content == again.content


async def test_a_sheet_has_a_row_per_image(client):
    response = await ask(client, *PICTURES[:2], copies=5, format="grid")

    sheet = Image.open(io.BytesIO(response.content))
    assert sheet.width > 2 * sheet.height
    mark = json.loads(sheet.info[TEXT_KEYWORD])
    assert ({"strength": 0.3, "first_image": 0, "copies": 5}, 10) == (mark["variation"], mark["num_samples"])


async def test_how_well_the_model_knows_an_image_is_told(client):
    grey = [encode(np.full((8, 8, 1), value, np.uint8)) for value in (2, 9)]

    response = await ask(client, *grey, copies=2, class_label="a")

    lines = zipfile.ZipFile(io.BytesIO(response.content)).read("metadata.jsonl").splitlines()
    assert [2.0, 2.0, 9.0, 9.0] == [json.loads(line)["variation"]["latent_rms"] for line in lines]
    assert "9.0" == response.headers["fount-latent-rms"]


async def test_a_variation_is_marked_as_one(client):
    made = (await ask(client, PICTURES[0])).content

    answer = (await client.post("/v1/verifications", files={"image": made})).json()

    assert ("unverifiable", True) == (answer["verdict"], answer["claims_to_be_synthetic"])


async def test_a_conditional_model_asks_for_classes(client):
    none = assert_problem(await ask(client, PICTURES[0], class_label=None), 422, "invalid-parameter")
    unknown = assert_problem(await ask(client, PICTURES[0], class_label="zebra"), 422, "unknown-class")
    too_few = assert_problem(
        await ask(client, *PICTURES[:2], class_label=None, class_labels=["a"]), 422, "invalid-parameter"
    )
    nowhere = assert_problem(await ask(client, PICTURES[0], model="free"), 422, "unknown-class")

    assert ("/request/class_label", ["a", "b", "7"]) == (none["errors"][0]["pointer"], none["class_names"])
    assert "class_labels" in none["detail"]
    assert "/request/class_label" == unknown["errors"][0]["pointer"] == nowhere["errors"][0]["pointer"]
    assert "/request/class_labels" == too_few["errors"][0]["pointer"]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"strength": 1.01}, "/request/strength"),
        ({"strength": -0.1}, "/request/strength"),
        ({"strength": "much"}, "/request/strength"),
        ({"copies": 0}, "/request/copies"),
        ({"first_image": -1}, "/request/first_image"),
        ({"first_index": 2**31}, "/request/first_index"),
        ({"seed": 2**63}, "/request/seed"),
        ({"class_labels": ["a"]}, "/request"),
        ({"num_samples": 3}, "/request"),
        ({"format": "gif"}, "/request/format"),
        ({"format": "png", "copies": 2}, "/request/format"),
    ],
    ids=str,
)
async def test_what_is_wrong_is_pointed_at(client, change, pointer):
    body = assert_problem(await ask(client, PICTURES[0], **change), 422, "invalid-parameter")

    assert pointer in [error["pointer"] for error in body["errors"]]


@pytest.mark.parametrize(
    ("files", "status", "code", "pointer"),
    [
        ([("images", PICTURES[0])], 422, "invalid-parameter", "/request"),
        ([*make_form(), ("image", PICTURES[0])], 422, "invalid-parameter", ""),
        (make_form(), 422, "invalid-parameter", "/images"),
        ([*make_form(PICTURES[0]), *make_form()], 422, "invalid-parameter", "/request"),
        ([("images", PICTURES[0]), ("request", (None, "{"))], 400, "malformed-body", None),
        ([("images", PICTURES[0]), ("request", (None, "[]"))], 422, "invalid-parameter", "/request"),
        ([("images", PICTURES[0]), ("request", (None, " " * 70_000))], 422, "limit-exceeded", "/request"),
    ],
    ids=["no-request", "other-part", "no-image", "two-requests", "no-json", "list", "long"],
)
async def test_forms_that_lack_something_are_refused(client, files, status, code, pointer):
    body = assert_problem(await client.post(URL, files=files), status, code)

    assert pointer == (body["errors"][0]["pointer"] if "errors" in body else None)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "undecodable-image"),
        (PICTURES[0][:60], "undecodable-image"),
        (b"%PDF-1.7", "unsupported-image"),
        (
            encode_image(Image.new("L", (2, 2)), "GIF", save_all=True, append_images=[Image.new("L", (2, 2), 9)]),
            "animated-image",
        ),
        (encode_image(Image.new("L", (64, 17))), "image-too-large"),
    ],
    ids=["empty", "cut", "pdf", "animated", "large"],
)
async def test_a_file_that_is_wrong_is_named(open_client, make_settings, data, code):
    client = await open_client(make_settings(limits={"upload_pixels": 1024}))

    body = assert_problem(await ask(client, PICTURES[0], data, PICTURES[1]), 422, code)

    assert "/images/1" == body["errors"][0]["pointer"]


async def test_models_without_an_encoder_and_too_much_are_refused(open_client, make_settings):
    client = await open_client(make_settings(limits={"uploads": 2, "samples_per_request": 8, "upload_bytes": 4096}))

    assert_problem(await ask(client, PICTURES[0], model="tiny"), 422, "no-encoder")
    assert_problem(await ask(client, PICTURES[0], model="nobody"), 404, "model-not-found")
    assert_problem(await ask(client, PICTURES[0], copies=9), 422, "limit-exceeded")
    assert_problem(await ask(client, *PICTURES), 422, "limit-exceeded")
    assert_problem(await ask(client, bytes(8192)), 413, "body-too-large")
    assert_problem(await client.post(URL, json={}), 415, "unsupported-media-type")
    assert 200 == (await ask(client, *PICTURES[:2], copies=4)).status_code


async def test_no_decoder_runs_before_the_first_image_or_for_what_is_refused_before(open_app, make_settings, client):
    app = client._transport.app

    await ask(client, PICTURES[0], model="tiny")

    assert [] == app.state.services.decoders.pids


async def test_requests_side_by_side_get_their_own_variations(client):
    alone = [await ask(client, picture, copies=3) for picture in PICTURES]

    together = await asyncio.gather(*(ask(client, picture, copies=3) for picture in PICTURES))

    assert [one.content for one in alone] == [one.content for one in together]
