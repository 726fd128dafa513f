import asyncio
import hashlib
import io
import json
import tarfile
import zipfile

import numpy as np
import pytest
from PIL import Image

from app.augmentation import samples
from app.augmentation.cpu import render
from app.augmentation.policy import Policy
from app.core.errors import WorkerError
from app.serving.plan import SamplePlan
from tests.fakes import fake_images
from tests.problems import assert_problem

URL = "/v1/samples"
OPS = [{"op": "rotate", "degrees": [-40.0, 40.0], "fill": "reflect"}, {"op": "flip", "p": 0.5}]
AUGMENT = {"ops": OPS}
PRESET = {"preset": "digits-safe"}
BLOCK = {"model": "tiny@1", "class_counts": {"a": 20, "b": 20}, "seed": 3, "augment": AUGMENT}
DATASET = {"samples": [BLOCK], "shard_size": 15, "format": "tar"}


async def ask(client, **body):
    response = await client.post(URL, json={"model": "tiny", "seed": 5, "augment": AUGMENT, **body})
    assert 200 == response.status_code, response.text
    return response


async def load(client, **body):
    with np.load(io.BytesIO((await ask(client, format="npz", **body)).content)) as arrays:
        return arrays["images"]


async def verify(client, data):
    return (await client.post("/v1/verifications", files={"image": ("it.png", data, "image/png")})).json()


def mark_of(png):
    return json.loads(Image.open(io.BytesIO(png)).info["fount"])


async def test_samples_are_those_of_the_seed_each_augmented_by_its_index(client, repository):
    images = await load(client, num_samples=9, first_index=2, class_label="b")

    manifest = repository.read_manifest("tiny", 1)
    plain = fake_images(manifest, SamplePlan.of_class(1, seed=5, first_index=2, num_samples=9, num_classes=3))
    plan = samples.plan_samples(Policy(ops=OPS).ops, 5, np.arange(2, 11), (8, 8, 1))
    np.testing.assert_array_equal(list(render(plan, list(plain), np.arange(9))), images)
    assert (images != plain).any(axis=(1, 2, 3)).all()


async def test_a_request_in_parts_gives_the_samples_of_the_whole(client):
    whole = await load(client, num_samples=60)

    parts = [await load(client, num_samples=20, first_index=first) for first in (0, 20, 40)]

    np.testing.assert_array_equal(whole, np.concatenate(parts))


async def test_requests_that_share_a_batch_do_not_touch_each_other(client, workers):
    bodies = [{}, {"augment": None}, {"augment": {"ops": OPS[:1]}}, {"augment": {"ops": []}}]
    alone = [await load(client, num_samples=3, **body) for body in bodies]
    workers.batches.clear()

    together = await asyncio.gather(*(load(client, num_samples=3, **body) for body in bodies))

    np.testing.assert_array_equal(alone, together)
    assert max(len(batch.runs) for batch in workers.batches) > 1
    np.testing.assert_array_equal(alone[1], alone[3])
    assert 3 == len({image.tobytes() for image in alone})


async def test_all_formats_hold_the_same_pixels(client):
    images = await load(client, num_samples=9)

    zipped = zipfile.ZipFile(io.BytesIO((await ask(client, num_samples=9, format="zip")).content))
    lines = (await ask(client, num_samples=9, format="npy")).content

    facts = [json.loads(line) for line in zipped.read("metadata.jsonl").splitlines()]
    pictures = [np.asarray(Image.open(zipped.open(one["file_name"]))) for one in facts]
    np.testing.assert_array_equal(images[..., 0], pictures)
    np.testing.assert_array_equal(images, np.load(io.BytesIO(lines)))
    assert {Policy(ops=OPS).digest} == {one["augment"]["policy"] for one in facts}


async def test_an_answer_and_its_files_say_how_they_were_augmented(client):
    response = await ask(client, num_samples=1)

    mark = mark_of(response.content)["augment"]
    assert response.headers["fount-policy"] == mark["policy"] == Policy(ops=OPS).digest
    assert OPS == mark["ops"]
    assert response.headers["fount-numerics"].endswith(f", {samples.name_arithmetic()}")
    body = (await ask(client, num_samples=2, format="json", augment=PRESET)).json()
    assert "digits-safe" == body["augment"]["preset"]


async def test_requests_without_a_seed_get_fresh_samples_that_can_be_asked_for_again(client, engine):
    first, second = [await ask(client, num_samples=2, seed=None, format="npy") for _ in range(2)]

    assert first.content != second.content
    address = {"seed": int(second.headers["fount-seed"]), "first_index": int(second.headers["fount-first-index"])}
    again = await ask(client, num_samples=2, format="npy", **address)
    assert second.content == again.content


@pytest.mark.parametrize(
    ("augment", "pointer", "words"),
    [
        ({}, "/augment", "exactly one of preset and ops"),
        ({"preset": "digits-safe", "ops": []}, "/augment", "exactly one of preset and ops"),
        ({"preset": "no-such"}, "/augment/preset", "preset"),
        ({"ops": [{"op": "rotate", "degrees": [-1, 9999]}]}, "/augment/ops/0/degrees/1", "less than or equal"),
        ({"ops": [OPS[0], {"op": "flip", "axes": 1}]}, "/augment/ops/1", "did you mean `axis`"),
        ({"ops": [OPS[0], {"op": "mixup"}]}, "/augment/ops/1", "several inputs"),
        ({"ops": [{"op": "slice", "rows": 2, "columns": 2}]}, "/augment/ops/0", "several pictures of one"),
        ({"ops": [{"op": "resize", "height": 9, "width": 9, "p": 0.001}, OPS[1]]}, "/augment/ops/0", "keep their size"),
        ({"ops": [OPS[0], {"op": "resize", "height": 999, "width": 999}]}, "/augment/ops/1", "at most 1024 pixels"),
    ],
)
async def test_policies_that_are_none_for_samples_are_refused(client, augment, pointer, words):
    response = await client.post(URL, json={"model": "tiny", "num_samples": 1, "augment": augment})

    body = response.json()
    assert_problem(response, 422, body["code"])
    assert words in body["detail"]
    assert [pointer] == [one["pointer"] for one in body["errors"]]


async def test_a_policy_that_fails_in_the_worker_costs_its_request_only(client, monkeypatch):
    def fail(plan, pixels):
        raise WorkerError("out of luck")

    monkeypatch.setattr("tests.fakes.execute_on_cpu", fail)
    bodies = [{"augment": AUGMENT}, {}]

    refused, answered = await asyncio.gather(
        *(client.post(URL, json={"model": "tiny", "seed": 5, "num_samples": 1, **body}) for body in bodies)
    )

    assert "out of luck" == assert_problem(refused, 500, "worker-failed")["detail"]
    assert 200 == answered.status_code


async def test_an_augmented_sample_is_verified_to_the_byte(client):
    data = (await ask(client, num_samples=1, first_index=7)).content

    answer = await verify(client, data)

    assert ("identical", True) == (answer["verdict"], answer["made_by_fount"])
    assert (Policy(ops=OPS).digest, None) == (answer["sample"]["policy"], answer["sample"]["address"])


async def test_a_sample_of_a_preset_has_an_address(client):
    data = (await ask(client, num_samples=1, first_index=7, class_label="a", augment=PRESET)).content

    answer = await verify(client, data)

    assert ("identical", True) == (answer["verdict"], answer["made_by_fount"])
    again = await client.get(answer["sample"]["address"])
    plain = await client.get(answer["sample"]["address"].replace("&preset=digits-safe", ""))
    assert data == again.content
    assert again.headers["etag"] != plain.headers["etag"]
    assert_problem(await client.get("/v1/models/tiny/versions/1/samples/5/7.png?preset=no-such"), 422, "unknown-preset")


async def test_a_sample_of_a_long_policy_says_so_and_cannot_be_verified(client):
    data = (await ask(client, num_samples=1, augment={"ops": OPS * 20})).content

    answer = await verify(client, data)

    assert {"policy"} == set(mark_of(data)["augment"])
    assert ("unverifiable", None) == (answer["verdict"], answer["made_by_fount"])
    assert "too long" in answer["detail"]


async def test_a_sample_of_another_engine_is_not_taken_for_a_forgery(client, monkeypatch):
    data = (await ask(client, num_samples=1)).content
    monkeypatch.setattr("app.augmentation.policy.ENGINE_VERSION", 0)

    answer = await verify(client, data)

    assert ("unverifiable", None) == (answer["verdict"], answer["made_by_fount"])


async def make_dataset(client, **changes):
    response = await client.post("/v1/datasets", json=DATASET | changes)
    assert 201 == response.status_code, response.text
    return response.json()


async def test_shards_are_the_same_bytes_each_time(client):
    dataset, again = [await make_dataset(client) for _ in range(2)]

    digests = [
        [hashlib.sha256((await client.get(url)).content).hexdigest() for url in one["shards"]]
        for one in (dataset, again)
    ]

    assert dataset["token"] == again["token"]
    assert digests[0] == digests[1]
    assert OPS[0].items() <= dataset["samples"][0]["augment"]["ops"][0].items()


async def test_shards_hold_the_samples_of_the_seed(client):
    dataset = await make_dataset(client)
    body = {"model": "tiny@1", "class_counts": {"a": 20, "b": 20}, "seed": 3}
    whole = await load(client, **body)

    files = [io.BytesIO((await client.get(url)).content) for url in dataset["shards"]]

    for file in files:
        with tarfile.open(fileobj=file) as archive:
            for name in archive.getnames():
                if name.endswith(".png"):
                    png = archive.extractfile(name).read()
                    index = mark_of(png)["index"]
                    np.testing.assert_array_equal(whole[index, ..., 0], np.asarray(Image.open(io.BytesIO(png))))


async def test_samples_of_shards_are_verified_to_the_byte(client):
    dataset = await make_dataset(client, samples=[BLOCK | {"augment": PRESET}, BLOCK])
    with tarfile.open(fileobj=io.BytesIO((await client.get(dataset["shards"][0])).content)) as archive:
        files = [archive.extractfile(name).read() for name in archive.getnames() if name.endswith(".png")]

    answers = [await verify(client, data) for data in files]

    assert {"identical"} == {one["verdict"] for one in answers}
    assert 2 == len({one["sample"]["policy"] for one in answers})


async def test_only_datasets_with_policies_have_tokens_of_their_kind(client):
    plain = await make_dataset(client, samples=[{name: BLOCK[name] for name in BLOCK if name != "augment"}])
    augmented = await make_dataset(client)

    tags = [(await client.get(one["shards"][0])).headers["etag"] for one in (plain, augmented)]

    assert ("d1", "d2") == (plain["token"][:2], augmented["token"][:2])
    assert None is plain["samples"][0]["augment"]
    assert tags[0] != tags[1]
    assert_problem(await client.get(f"/v1/datasets/d1{augmented['token'][2:]}"), 404, "not-found")


async def test_another_engine_gives_shards_another_tag(client, monkeypatch):
    url = (await make_dataset(client))["shards"][0]
    before = (await client.get(url)).headers["etag"]

    monkeypatch.setattr("app.augmentation.policy.ENGINE_VERSION", 0)

    assert before != (await client.get(url)).headers["etag"]


async def test_a_policy_in_a_dataset_is_refused_where_it_is(client):
    block = BLOCK | {"augment": {"ops": [{"op": "mixup"}]}}

    response = await client.post("/v1/datasets", json=DATASET | {"samples": [BLOCK, block]})

    [problem] = assert_problem(response, 422, "invalid-parameter")["errors"]
    assert "/samples/1/augment/ops/0" == problem["pointer"]
