import io
import json
import tarfile
from collections import Counter

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet

from app.api.datasets.token import decode_token, encode_token
from app.main import create_app
from app.repository.store import ModelRepository
from app.serving.engine import Engine
from tests.drafts import make_draft, make_files
from tests.fakes import FakeWorkers, fake_image
from tests.problems import assert_problem

BLOCK = {"model": "tiny@1", "class_counts": {"a": 50, "b": 50}, "seed": 3}
BODY = {"samples": [BLOCK], "shard_size": 40, "format": "tar", "splits": {"train": 0.9, "test": 0.1}}


async def create(client, **changes):
    response = await client.post("/v1/datasets", json=BODY | changes)
    assert 201 == response.status_code, response.text
    return response.json()


async def read_npz(client, dataset, shard):
    response = await client.get(f"/v1/datasets/{dataset['token']}/shards/{shard}.npz")
    assert 200 == response.status_code, response.text
    with np.load(io.BytesIO(response.content)) as arrays:
        return dict(arrays)


def members(data):
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return {one.name: archive.extractfile(one).read() for one in archive.getmembers()}


async def test_a_dataset_is_made_with_all_its_addresses(client):
    response = await client.post("/v1/datasets", json=BODY)

    body = response.json()
    assert (201, f"/v1/datasets/{body['token']}") == (response.status_code, response.headers["location"])
    assert (100, 4, [30, 30, 30, 10]) == (body["num_samples"], body["num_shards"], body["shard_samples"])
    assert [f"/v1/datasets/{body['token']}/shards/{k}.tar" for k in range(4)] == body["shards"]
    assert {
        "train": {"num_samples": 90, "first_shard": 0, "num_shards": 3},
        "test": {"num_samples": 10, "first_shard": 3, "num_shards": 1},
    } == body["splits"]
    assert ["tar", "parquet", "arrow", "npz"] == body["formats"]
    assert body == (await client.get(response.headers["location"])).json()


async def test_references_and_seeds_are_fixed_when_the_dataset_is_made(client, repository):
    body = await create(client, samples=[{"model": "tiny", "num_samples": 20}])

    [source] = body["samples"]
    assert ("tiny@1", repository.read_manifest("tiny", 1).digest) == (source["model"], source["digest"])
    again = await create(client, samples=[{"model": "tiny", "num_samples": 20}])
    assert source["seed"] != again["samples"][0]["seed"]


async def test_every_sample_is_in_one_shard_and_is_the_one_of_its_address(client, repository):
    dataset = await create(client)
    manifest = repository.read_manifest("tiny", 1)

    shards = [await read_npz(client, dataset, number) for number in range(4)]

    assert list(range(100)) == sorted(np.concatenate([shard["indices"] for shard in shards]).tolist())
    for shard in shards:
        assert 3 == shard["seed"]
        for image, label, index in zip(shard["images"], shard["labels"], shard["indices"], strict=True):
            assert int(index) // 50 == label
            np.testing.assert_array_equal(fake_image(manifest, seed=3, index=int(index), label=int(label)), image)


async def test_every_shard_has_its_share_of_every_class_in_a_mixed_order(client):
    dataset = await create(client)

    labels = [(await read_npz(client, dataset, number))["labels"] for number in range(4)]

    assert [{0: 15, 1: 15}] * 3 + [{0: 5, 1: 5}] == [dict(Counter(shard.tolist())) for shard in labels]
    assert all(np.count_nonzero(np.diff(shard)) > 3 for shard in labels[:3])  # the last one is too short to tell


async def test_all_formats_of_a_shard_hold_the_same_samples(client):
    dataset = await create(client)
    root = f"/v1/datasets/{dataset['token']}/shards/1"

    tar, table, stream = [(await client.get(f"{root}.{ext}")).content for ext in ("tar", "parquet", "arrow")]
    arrays = await read_npz(client, dataset, 1)

    files = members(tar)
    facts = [json.loads(data) for name, data in files.items() if name.endswith(".json")]
    assert arrays["indices"].tolist() == [one["index"] for one in facts]
    assert {(3, "tiny@1")} == {(one["seed"], one["model"]) for one in facts}
    pictures = [np.asarray(Image.open(io.BytesIO(data))) for name, data in files.items() if name.endswith(".png")]
    np.testing.assert_array_equal(arrays["images"][..., 0], pictures)
    tables = [parquet.read_table(io.BytesIO(table)), pa.ipc.open_stream(stream).read_all()]
    assert tables[0].equals(tables[1])
    assert arrays["indices"].tolist() == tables[0]["index"].to_pylist()
    assert arrays["labels"].tolist() == tables[0]["label"].to_pylist()


async def test_keys_are_numbers_that_no_two_shards_share(client):
    dataset = await create(client, samples=[BLOCK, {"model": "tiny@2", "num_samples": 20, "seed": 3}])

    names = [name for url in dataset["shards"] for name in members((await client.get(url)).content)]

    assert {f"{number:06}.png" for number in range(120)} == {name for name in names if name.endswith(".png")}
    assert len(names) == len(set(names))


async def test_models_are_mixed_in_every_shard_and_classes_are_joined_by_name(client, repository):
    blocks = [
        {"model": "plain", "num_samples": 20, "seed": 1},
        {"model": "tiny@2", "class_counts": {"b": 20}, "seed": 2, "truncation": 0.5},
    ]
    dataset = await create(client, samples=blocks, shard_size=10, splits={"all": 1.0})

    shards = [await read_npz(client, dataset, number) for number in range(4)]

    assert ["a", "b", "7"] == dataset["class_names"]
    assert [{-1: 5, 1: 5}] * 4 == [dict(Counter(shard["labels"].tolist())) for shard in shards]
    assert [{1: 5, 2: 5}] * 4 == [dict(Counter(shard["seed"].tolist())) for shard in shards]
    manifest = repository.read_manifest("tiny", 2)
    at = shards[0]["seed"].tolist().index(2)
    expected = fake_image(manifest, seed=2, index=int(shards[0]["indices"][at]), label=1, truncation=0.5)
    np.testing.assert_array_equal(expected, shards[0]["images"][at])


async def test_images_of_several_sizes_come_in_all_formats_but_arrays(client, repository, engine):
    image = repository.read_manifest("tiny", 1).image
    repository.publish(make_draft("wide", image=image.model_copy(update={"width": 12})), make_files(9))
    await engine.catalog.refresh()
    blocks = [BLOCK, {"model": "wide", "num_samples": 20, "seed": 1}]
    dataset = await create(client, samples=blocks)

    refused = await client.post("/v1/datasets", json=BODY | {"samples": blocks, "format": "npz"})
    array = await client.get(f"/v1/datasets/{dataset['token']}/shards/0.npz")
    files = members((await client.get(dataset["shards"][0])).content)

    assert ["tar", "parquet", "arrow"] == dataset["formats"]
    assert "different sizes" in assert_problem(refused, 422, "invalid-parameter")["detail"]
    assert_problem(array, 422, "invalid-parameter")
    sizes = Counter(Image.open(io.BytesIO(data)).size for name, data in files.items() if name.endswith(".png"))
    assert {(8, 8), (12, 8)} == sizes.keys()


async def test_two_services_send_the_same_bytes_in_any_order(client, repository, make_settings):
    dataset = await create(client)
    urls = [url.replace(".tar", f".{ext}") for url in dataset["shards"] for ext in ("tar", "arrow", "npz")]
    here = {url: (await client.get(url)).content for url in urls}

    other = Engine(make_settings(), ModelRepository(repository.url), worker_factory=FakeWorkers(batch_sizes=(5,)))
    app = create_app(make_settings(), other)
    async with app.router.lifespan_context(app):
        client._transport.app = app
        there = {url: (await client.get(url)).content for url in reversed(urls)}

    assert here == there


async def test_a_shard_may_be_kept_for_ever_and_is_known_by_its_tag(client, workers):
    url = (await create(client))["shards"][0]
    first = await client.get(url)
    workers.batches.clear()

    again = await client.get(url, headers={"If-None-Match": first.headers["etag"]})

    assert "public, max-age=31536000, immutable" == first.headers["cache-control"]
    assert (304, b"", []) == (again.status_code, again.content, workers.batches)
    assert ("train", "30") == (first.headers["fount-split"], first.headers["fount-num-samples"])
    assert 'filename="train-00000-of-00003.tar"' in first.headers["content-disposition"]


@pytest.mark.parametrize("ext", ["tar", "parquet", "arrow", "npz"])
async def test_head_computes_no_sample_and_tells_the_length_of_arrays(client, workers, ext):
    url = f"/v1/datasets/{(await create(client))['token']}/shards/0.{ext}"
    get = await client.get(url)
    workers.batches.clear()

    head = await client.head(url)

    assert (200, b"", []) == (head.status_code, head.content, workers.batches)
    assert (str(len(get.content)) if ext == "npz" else None) == head.headers.get("content-length")
    names = ("etag", "cache-control", "content-type", "content-disposition", "fount-split", "fount-num-samples")
    assert [get.headers[name] for name in names] == [head.headers[name] for name in names]


async def test_a_version_that_is_gone_is_told(client, repository, engine):
    dataset = await create(client, samples=[{"model": "tiny@2", "num_samples": 20}])
    repository.remove("tiny", 2)
    await engine.catalog.refresh()

    body = assert_problem(await client.get(dataset["shards"][0]), 404, "version-not-found")

    assert ("no longer" in body["detail"], "/samples/0") == (True, body["errors"][0]["pointer"])


async def test_another_version_under_the_same_number_is_told(client):
    recipe = decode_token((await create(client))["token"])
    blocks = tuple(msgspec.structs.replace(block, digest=bytes(32)) for block in recipe.blocks)
    token = encode_token(msgspec.structs.replace(recipe, blocks=blocks))

    body = assert_problem(await client.get(f"/v1/datasets/{token}/shards/0.tar"), 404, "version-not-found")

    assert "the digests differ" in body["detail"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"samples": [BLOCK | {"augment": {}}]}, "exactly one of preset and ops"),
        ({"samples": [BLOCK | {"num_samples": 1}]}, "exactly one of"),
        ({"samples": []}, "at least 1"),
        ({"samples": [BLOCK, {"model": "tiny", "class_counts": {"a": 0}}]}, "no sample at all"),
        ({"format": "zip"}, "`tar`, `parquet`, `arrow`, `npz`"),
        ({"splits": {"train": 0.5}}, "add up to 1"),
        ({"splits": {"train": 0.999, "test": 0.001}}, "would be empty"),
        ({"splits": {"Train!": 1.0}}, ""),
        ({"shard_size": 0}, "greater than or equal to 1"),
    ],
)
async def test_what_is_no_dataset_is_refused(client, changes, words):
    body = assert_problem(await client.post("/v1/datasets", json=BODY | changes), 422, "invalid-parameter")

    assert words in body["detail"]


async def test_what_is_wrong_with_a_block_is_told_with_its_place(client):
    body = await client.post("/v1/datasets", json=BODY | {"samples": [BLOCK, BLOCK | {"class_counts": {"z": 1}}]})
    typo = await client.post("/v1/datasets", json=BODY | {"samples": [BLOCK, BLOCK | {"truncatoin": 1}]})

    assert "/samples/1/class_counts" == assert_problem(body, 422, "unknown-class")["errors"][0]["pointer"]
    assert "did you mean `truncation`?" in assert_problem(typo, 422, "invalid-parameter")["detail"]


@pytest.mark.parametrize(
    ("limits", "changes"),
    [({"samples_per_dataset": 99}, {}), ({"shards_per_dataset": 3}, {}), ({}, {"samples": [BLOCK] * 64})],
    ids=["samples", "shards", "blocks"],
)
async def test_limits_are_told(open_client, make_settings, limits, changes):
    client = await open_client(make_settings(limits=limits))

    response = await client.post("/v1/datasets", json=BODY | changes)

    if limits:
        assert next(iter(limits.values())) == assert_problem(response, 422, "limit-exceeded")["limit"]
    else:
        assert (201, 6400) == (response.status_code, response.json()["num_samples"])
