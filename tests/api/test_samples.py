import base64
import io
import json
import tarfile
import zipfile

import numpy as np
import pytest
from PIL import Image
from pyarrow import ipc, parquet

from app.core.errors import OutOfDeviceMemoryError, PoisonRequestError, QueueFullError, WorkerLostError
from app.imaging.formats.registry import FORMATS, Streamed
from tests.problems import assert_problem

URL = "/v1/samples"
STREAMED = [name for name, one in FORMATS.items() if isinstance(one, Streamed)]


def read_zip(file):
    archive = zipfile.ZipFile(io.BytesIO(file))
    return [archive.read(name) for name in archive.namelist() if name.endswith(".png")]


def read_tar(file):
    with tarfile.open(fileobj=io.BytesIO(file)) as archive:
        return [archive.extractfile(name).read() for name in archive.getnames() if name.endswith(".png")]


def read_column(table):
    return [one["bytes"] for one in table["image"].to_pylist()]


READ_PNGS = {
    "zip": read_zip,
    "tar": read_tar,
    "arrow": lambda file: read_column(ipc.open_stream(io.BytesIO(file)).read_all()),
    "parquet": lambda file: read_column(parquet.read_table(io.BytesIO(file))),
    "jsonl": lambda file: [base64.b64decode(json.loads(line)["png"]) for line in file.splitlines()],
    "json": lambda file: [base64.b64decode(one["png"]) for one in json.loads(file)["samples"]],
}


async def ask(client, headers=None, **body):
    return await client.post(URL, json={"model": "tiny", "seed": 5, **body}, headers=headers)


def load(response):
    return np.load(io.BytesIO(response.content), allow_pickle=False)


async def test_one_sample_is_a_png_by_default(client):
    response = await ask(client, num_samples=1)

    assert (200, "image/png") == (response.status_code, response.headers["content-type"])
    assert (8, 8) == Image.open(io.BytesIO(response.content)).size


async def test_many_samples_are_a_zip_by_default(client):
    response = await ask(client, num_samples=9)

    assert (200, "application/zip") == (response.status_code, response.headers["content-type"])
    assert 9 + 2 == len(zipfile.ZipFile(io.BytesIO(response.content)).namelist())


async def test_an_answer_says_what_it_holds(client, repository):
    response = await ask(client, num_samples=9, first_index=3)

    headers = response.headers
    assert ("tiny@1", "5", "3", "9") == tuple(
        headers[f"fount-{name}"] for name in ("model", "seed", "first-index", "num-samples")
    )
    assert repository.read_manifest("tiny", 1).digest == headers["fount-digest"]
    assert ["queue;dur", "device;dur", "encode;dur"] == [
        part.split("=")[0] for part in headers["server-timing"].split(", ")
    ]


@pytest.mark.parametrize(
    ("name", "media_type"),
    [("png", "image/png"), ("jpeg", "image/jpeg"), ("webp", "image/webp"), ("grid", "image/png")],
)
async def test_image_formats(client, name, media_type):
    response = await ask(client, num_samples=1, format=name)

    assert (200, media_type) == (response.status_code, response.headers["content-type"])
    assert media_type == Image.open(io.BytesIO(response.content)).get_format_mimetype()


async def test_json_holds_the_samples_as_base64(client):
    body = (await ask(client, num_samples=6, class_label="b", format="json")).json()

    assert ("tiny@1", 5, 0, 6) == (body["model"], body["seed"], body["first_index"], body["num_samples"])
    assert [(index, "b") for index in range(6)] == [(one["index"], one["class_label"]) for one in body["samples"]]
    assert "PNG" == Image.open(io.BytesIO(base64.b64decode(body["samples"][0]["png"]))).format


@pytest.mark.parametrize("name", STREAMED)
async def test_a_file_has_its_media_type_and_a_name(client, name):
    response = await ask(client, num_samples=40, format=name)

    assert (200, FORMATS[name].media_type) == (response.status_code, response.headers["content-type"])
    assert f'attachment; filename="tiny-1-seed5-0.{name}"' == response.headers["content-disposition"]


@pytest.mark.parametrize("name", STREAMED)
async def test_a_file_of_one_batch_is_as_long_as_it_says(client, name):
    response = await ask(client, num_samples=3, format=name)

    assert str(len(response.content)) == response.headers["content-length"]


@pytest.mark.parametrize("name", ["npy", "npz", "safetensors"])
async def test_files_of_arrays_are_as_long_as_they_say(client, name):
    response = await ask(client, num_samples=100, format=name)

    assert str(len(response.content)) == response.headers["content-length"]


async def test_npy_holds_the_pixels(client):
    assert (11, 8, 8, 1) == load(await ask(client, num_samples=11, format="npy")).shape


@pytest.mark.parametrize("model", ["tiny", "plain"])
@pytest.mark.parametrize("name", ["zip", "tar", "arrow", "parquet", "jsonl", "json"])
async def test_every_format_of_images_holds_the_same_files(client, name, model):
    response = await ask(client, model=model, num_samples=20, first_index=4, format=name)

    alone = [(await ask(client, model=model, num_samples=1, first_index=4 + offset)).content for offset in (0, 19)]
    pngs = READ_PNGS[name](response.content)
    assert 20 == len(pngs)
    assert alone == [pngs[0], pngs[-1]]


@pytest.mark.parametrize("name", [name for name, one in FORMATS.items() if not one.holds_one])
async def test_equal_requests_get_equal_bytes(client, name):
    first, second = [await ask(client, num_samples=10, format=name) for _ in range(2)]

    assert first.content == second.content


async def test_parts_join_to_the_whole(client):
    whole = load(await ask(client, num_samples=20, format="npz"))
    parts = [load(await ask(client, num_samples=5, first_index=first, format="npz")) for first in range(0, 20, 5)]

    for name in ("images", "labels", "indices"):
        np.testing.assert_array_equal(whole[name], np.concatenate([part[name] for part in parts]))


async def test_a_sample_has_the_same_bytes_in_an_archive_and_alone(client):
    archive = zipfile.ZipFile(io.BytesIO((await ask(client, num_samples=6)).content))
    alone = await ask(client, num_samples=1, first_index=4)
    addressed = await client.get("/v1/models/tiny/versions/1/samples/5/4.png")

    stored = next(archive.read(name) for name in archive.namelist() if name.endswith("/4.png"))
    assert stored == alone.content == addressed.content


async def test_class_counts_come_in_class_order(client):
    arrays = load(await ask(client, class_counts={"7": 2, "a": 3, "1": 0}, format="npz"))

    assert [0, 0, 0, 2, 2] == arrays["labels"].tolist()


async def test_balance_asks_for_what_is_missing(client):
    arrays = load(await ask(client, balance={"have": {"a": 5, "b": 2, "7": 4}}, format="npz"))

    assert [1, 1, 1, 2] == arrays["labels"].tolist()


async def test_balance_to_a_number_takes_nothing_away(client):
    arrays = load(await ask(client, balance={"have": {"a": 5, "b": 2}, "to": 4}, format="npz"))

    assert [1, 1] == arrays["labels"].tolist()


@pytest.mark.parametrize(("label", "number"), [("b", 1), ("0", 0), (1, 1), ("7", 2), ("2", 2)])
async def test_a_class_is_found_by_name_then_by_number(client, label, number):
    arrays = load(await ask(client, num_samples=3, class_label=label, format="npz"))

    assert [number] * 3 == arrays["labels"].tolist()


async def test_a_model_without_classes_has_labels_of_minus_one(client):
    arrays = load(await ask(client, model="plain", num_samples=3, format="npz"))

    assert [-1, -1, -1] == arrays["labels"].tolist()


async def test_without_a_seed_nobody_gets_the_same_samples(client):
    bodies = [{"model": "tiny", "num_samples": 3, "format": "json"}] * 2
    first, second = [(await client.post(URL, json=body)).json() for body in bodies]

    assert first["seed"] == second["seed"]
    assert [0, 3] == [first["first_index"], second["first_index"]]


async def exchangeable_seed(client):
    return int((await client.post(URL, json={"model": "tiny", "num_samples": 1})).headers["fount-seed"])


async def test_a_first_index_without_a_seed_gets_a_fresh_seed(client):
    body = (await client.post(URL, json={"model": "tiny", "num_samples": 1, "first_index": 9, "format": "json"})).json()

    assert 9 == body["first_index"]
    assert await exchangeable_seed(client) != body["seed"]


@pytest.mark.parametrize(
    ("reference", "expected"), [("tiny", "tiny@1"), ("tiny@2", "tiny@2"), ("tiny@production", "tiny@1")]
)
async def test_a_model_is_named_by_name_version_or_alias(client, reference, expected):
    response = await ask(client, model=reference, num_samples=1)

    assert expected == response.headers["fount-model"]


@pytest.mark.parametrize(
    ("accept", "num_samples", "expected"),
    [
        ("image/webp", 1, "image/webp"),
        ("application/x-npz, */*;q=0.1", 1, "application/x-npz"),
        ("image/*;q=0.5, application/x-npy;q=0.9", 1, "application/x-npy"),
        ("image/png", 5, "image/png"),
        ("*/*", 5, "application/zip"),
    ],
)
async def test_accept_chooses_the_format(client, accept, num_samples, expected):
    response = await ask(client, num_samples=num_samples, headers={"Accept": accept})

    assert expected == response.headers["content-type"]


async def test_nothing_acceptable_is_a_406_that_lists_the_types(client):
    response = await ask(client, num_samples=2, headers={"Accept": "text/csv"})

    body = assert_problem(response, 406, "not-acceptable")
    assert "application/zip" in body["media_types"]


async def test_an_unknown_class_is_a_422_that_lists_the_classes(client):
    body = assert_problem(await ask(client, num_samples=1, class_label="zebra"), 422, "unknown-class")

    assert ["a", "b", "7"] == body["class_names"]
    assert "/class_label" == body["errors"][0]["pointer"]


@pytest.mark.parametrize(
    "body",
    [{"num_samples": 1, "class_label": "a"}, {"class_counts": {"a": 1}}, {"balance": {"have": {"a": 1, "b": 2}}}],
    ids=["label", "counts", "balance"],
)
async def test_classes_of_a_model_without_classes_are_a_422(client, body):
    assert_problem(await ask(client, model="plain", **body), 422, "unknown-class")


@pytest.mark.parametrize(
    "body",
    [
        {"class_counts": {"a": 0}},
        {"balance": {"have": {"a": 4, "b": 4}}},
        {"class_counts": {"a": 1, "0": 1}},
        {"num_samples": 2, "format": "png"},
        {"num_samples": 2, "class_counts": {"a": 1}},
        {"class_counts": {"a": 1}, "class_label": "a"},
        {},
    ],
    ids=["none", "balanced", "twice", "single", "two-ways", "label-and-counts", "no-way"],
)
async def test_contradictions_are_a_422(client, body):
    assert_problem(await ask(client, **body), 422, "invalid-parameter")


@pytest.mark.parametrize(
    ("body", "limit"),
    [
        ({"num_samples": 1_000_001, "format": "npy"}, 1_000_000),
        ({"num_samples": 1_000_001}, 1_000_000),
        ({"num_samples": 1_000_001, "format": "arrow"}, 1_000_000),
        ({"num_samples": 65, "format": "json"}, 64),
        ({"num_samples": 1025, "format": "grid"}, 1024),
        ({"class_counts": {"a": 40, "b": 40}, "format": "json"}, 64),
        ({"num_samples": 2, "first_index": 2**63 - 1}, 2**63 - 2),
    ],
)
async def test_more_than_the_limit_is_a_422_that_names_it(client, workers, body, limit):
    problem = assert_problem(await ask(client, **body), 422, "limit-exceeded")

    assert limit == problem["limit"]
    assert [] == workers.batches


@pytest.mark.parametrize(
    ("reference", "code"),
    [("absent", "model-not-found"), ("tiny@9", "version-not-found"), ("tiny@candidate", "version-not-found")],
)
async def test_what_does_not_exist_is_a_404(client, reference, code):
    assert_problem(await ask(client, model=reference, num_samples=1), 404, code)


@pytest.mark.parametrize("name", ["png", "zip", "npz", "arrow"])
@pytest.mark.parametrize(
    ("error", "status", "waits"),
    [(WorkerLostError, 503, "1"), (OutOfDeviceMemoryError, 503, "1"), (PoisonRequestError, 500, None)],
    ids=["lost", "memory", "poison"],
)
async def test_an_error_before_the_first_sample_is_a_problem(client, workers, name, error, status, waits):
    workers.fail_batches(error.code, "it fails")

    response = await ask(client, num_samples=1, format=name)

    assert_problem(response, status, error.code)
    assert waits == response.headers.get("retry-after")


async def test_a_full_queue_is_told_at_once(client, engine, monkeypatch):
    def refuse(*_, **__):
        raise QueueFullError("as much work waits as may", retry_after_s=6.2)

    monkeypatch.setattr(engine, "submit", refuse)

    response = await ask(client, num_samples=1)

    assert 6.2 == assert_problem(response, 503, "queue-full")["retry_after_s"]
    assert "7" == response.headers["retry-after"]


async def test_metadata_of_a_zip_names_every_image(client):
    archive = zipfile.ZipFile(io.BytesIO((await ask(client, num_samples=5)).content))

    lines = [json.loads(line) for line in archive.read("metadata.jsonl").splitlines()]
    assert [0, 1, 2, 3, 4] == [line["index"] for line in lines]
    assert "tiny" == json.loads(archive.read("manifest.json"))["name"]
