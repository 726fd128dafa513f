import io
import json
import struct
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from app.imaging.mark import TEXT_KEYWORD
from tests.fakes import FAKE_NUMERICS
from tests.problems import assert_problem

URL = "/v1/verifications"


async def make_sample(client, **body):
    response = await client.post("/v1/samples", json={"model": "tiny", "num_samples": 1, "seed": 5, **body})
    assert 200 == response.status_code
    return response.content


async def verify(client, data, **options):
    response = await client.post(URL, files={"image": ("it.png", data, "image/png")}, **options)
    assert 200 == response.status_code, response.text
    return response.json()


def rewrite(data, *, change=0, mark=None):
    """Write a PNG again with Pillow: other bytes, pixels changed by so many levels, and the same mark or another."""
    image = Image.open(io.BytesIO(data))
    pixels = np.asarray(image).astype(np.int16)
    pixels[0, 0] += change if pixels[0, 0] < 128 else -change
    info = PngInfo()
    info.add_text(TEXT_KEYWORD, json.dumps(json.loads(image.info[TEXT_KEYWORD]) | (mark or {})))
    file = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(file, "png", pnginfo=info)
    return file.getvalue()


@pytest.mark.parametrize(
    "body", [{}, {"class_label": "b"}, {"truncation": 0.5, "first_index": 12}, {"model": "plain"}], ids=str
)
async def test_a_sample_is_verified_to_the_byte(client, body):
    data = await make_sample(client, **body)

    answer = await verify(client, data)

    assert ("identical", True, 0) == (answer["verdict"], answer["made_by_fount"], answer["max_difference"])
    assert answer["claims_to_be_synthetic"]
    again = await client.get(answer["sample"]["address"])
    assert data == again.content


async def test_the_body_may_be_the_image_itself(client):
    data = await make_sample(client)

    response = await client.post(URL, content=data, headers={"Content-Type": "image/png"})

    assert "identical" == response.json()["verdict"]


async def test_a_frame_of_a_path_is_verified(client):
    body = {"model": "tiny", "start": {"seed": 1}, "end": {"seed": 2}, "num_frames": 4}
    archive = zipfile.ZipFile(io.BytesIO((await client.post("/v1/interpolations", json=body)).content))
    name = [name for name in archive.namelist() if name.endswith(".png")][2]

    answer = await verify(client, archive.read(name))

    assert ("identical", 2, None) == (answer["verdict"], answer["sample"]["index"], answer["sample"]["address"])


@pytest.mark.parametrize(
    ("change", "verdict", "made"),
    [(0, "same-pixels", True), (2, "differs-by-rounding", True), (3, "differs", False), (90, "differs", False)],
)
async def test_another_files_pixels_are_compared(client, change, verdict, made):
    data = rewrite(await make_sample(client), change=change)

    answer = await verify(client, data)

    assert (verdict, made, change) == (answer["verdict"], answer["made_by_fount"], answer["max_difference"])


async def test_the_answer_says_with_which_numerics_it_was_computed(client):
    assert FAKE_NUMERICS == (await verify(client, await make_sample(client)))["numerics"]


@pytest.mark.parametrize(("change", "verdict"), [(24, "differs-by-rounding"), (25, "differs")])
async def test_bfloat16_rounds_further(open_client, make_settings, workers, change, verdict):
    workers.load_facts = {"numerics": "bfloat16"}
    client = await open_client(make_settings())

    answer = await verify(client, rewrite(await make_sample(client), change=change))

    assert (verdict, change) == (answer["verdict"], answer["max_difference"])


async def test_a_mark_on_a_picture_of_another_size_is_a_lie(client):
    mark = Image.open(io.BytesIO(await make_sample(client))).info[TEXT_KEYWORD]
    info, file = PngInfo(), io.BytesIO()
    info.add_text(TEXT_KEYWORD, mark)
    Image.new("L", (9, 8)).save(file, "png", pnginfo=info)

    answer = await verify(client, file.getvalue())

    assert ("differs", False, None) == (answer["verdict"], answer["made_by_fount"], answer["max_difference"])


@pytest.mark.parametrize(
    "mark",
    [
        {"version": 9},
        {"model": "nobody"},
        {"digest": "0" * 64},
        {"class": "zebra"},
        {"class": None},
        {"variation": {"strength": 0.5}},
        {"path": {"start_index": 0, "end_seed": 1, "end_index": 2, "num_frames": 2, "method": "linear"}, "index": 2},
    ],
    ids=str,
)
async def test_what_cannot_be_computed_here_is_said_to_be_unverifiable(client, mark):
    data = rewrite(await make_sample(client), mark=mark)

    answer = await verify(client, data)

    assert ("unverifiable", None) == (answer["verdict"], answer["made_by_fount"])
    assert answer["sample"] is not None


async def test_a_contact_sheet_is_not_verified(client):
    answer = await verify(client, await make_sample(client, num_samples=4, format="grid"))

    assert ("unverifiable", None) == (answer["verdict"], answer["sample"])


@pytest.mark.parametrize(
    "mark", [{"seed": -1}, {"seed": "5"}, {"version": 0}, {"digest": "x"}, {"truncation": 2}, {"index": 2**63}], ids=str
)
async def test_a_mark_that_we_never_write_is_none(client, mark):
    answer = await verify(client, rewrite(await make_sample(client), mark=mark))

    assert ("unmarked", None) == (answer["verdict"], answer["sample"])


async def test_other_files_of_ours_still_claim_to_be_synthetic(client):
    for image_format in ("jpeg", "webp"):
        answer = await verify(client, await make_sample(client, format=image_format))

        assert ("unmarked", True) == (answer["verdict"], answer["claims_to_be_synthetic"])


@pytest.mark.parametrize("data", [b"no image", b"\x89PNG\r\n\x1a\n", b"GIF89a"], ids=str)
async def test_files_of_other_kinds_are_unmarked(client, data):
    answer = await verify(client, data)

    assert ("unmarked", False) == (answer["verdict"], answer["claims_to_be_synthetic"])


async def test_a_file_that_is_cut_anywhere_is_answered(client):
    data = await make_sample(client)

    verdicts = {(await verify(client, data[:length]))["verdict"] for length in range(1, len(data), 37)}

    assert {"unmarked", "differs"} >= verdicts


async def test_pixels_that_cannot_be_decoded_are_no_sample(client):
    data = await make_sample(client)
    start = data.index(b"IDAT")
    (length,) = struct.unpack(">I", data[start - 4 : start])
    junk = b"IDAT" + bytes(length)
    data = data[:start] + junk + struct.pack(">I", zlib.crc32(junk)) + data[start + 8 + length :]

    assert "differs" == (await verify(client, data))["verdict"]


async def test_bodies_that_are_no_upload_are_refused(client):
    json_body = await client.post(URL, json={})
    empty = await client.post(URL, files={"image": ("it.png", b"", "image/png")})
    two = await client.post(URL, files=[("image", ("a.png", b"1")), ("image", ("b.png", b"2"))])

    assert_problem(json_body, 415, "unsupported-media-type")
    assert_problem(empty, 422, "invalid-parameter")
    assert 1 == assert_problem(two, 422, "limit-exceeded")["limit"]


FORM = {"Content-Type": "multipart/form-data; boundary=b"}


@pytest.mark.parametrize(
    ("headers", "content"),
    [
        ({"Content-Type": "multipart/form-data"}, b"--b--\r\n"),
        (FORM, b""),
        (FORM, b"--b\r\nContent-Disposition: form-data; name=image\r\n\r\ncut off"),
        (FORM, b"--b\r\nContent-Disposition: attachment\r\n\r\nx\r\n--b--\r\n"),
        (FORM, b"--b\r\nX: y\r\n\r\nx\r\n--b--\r\n"),
        (FORM, b"--other\r\n\r\nx\r\n--other--\r\n"),
        (FORM, b"--b\r\n" + b"a: b\r\n" * 50 + b"\r\nx\r\n--b--\r\n"),
    ],
    ids=["no-boundary", "empty", "cut", "attachment", "nameless", "other-boundary", "many-headers"],
)
async def test_forms_that_are_none_are_malformed(client, headers, content):
    assert_problem(await client.post(URL, content=content, headers=headers), 400, "malformed-body")


async def test_an_upload_is_bounded(open_client, make_settings):
    client = await open_client(make_settings(limits={"upload_bytes": 2048}))

    body = assert_problem(await client.post(URL, files={"image": bytes(4096)}), 413, "body-too-large")

    assert 2048 == body["limit"]
