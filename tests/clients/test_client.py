"""Our own client, on a service that runs."""

import json
import tarfile

import httpx
import numpy as np
import pytest

from app.client import (
    AccessError,
    AsyncClient,
    Client,
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    RetryPolicy,
    UnreachableError,
)


@pytest.fixture
def client(service):
    with Client(service.url) as one:
        yield one


@pytest.fixture
def class_names(client):
    return client.model("tiny@2")["manifest"]["class_names"]


@pytest.fixture
def counts(class_names):
    return {class_names[0]: 3, class_names[2]: 6}


def test_samples_are_those_of_the_interface(client, service):
    with service.open_client() as plain:
        body = {"model": "tiny@2", "num_samples": 7, "seed": 3, "first_index": 5, "format": "npy"}
        expected = plain.post("/v1/samples", json=body).content

    samples = client.sample("tiny@2", num_samples=7, seed=3, first_index=5)

    assert expected.endswith(samples.images.tobytes())
    assert ("tiny@2", 3, list(range(5, 12))) == (samples.model, samples.seed, samples.indices.tolist())


def test_each_sample_is_at_its_address(client, counts):
    samples = client.sample("tiny@2", class_counts=counts, seed=3, truncation=0.5)

    for sample in samples:
        file = httpx.get(sample.address, trust_env=False).raise_for_status().content
        verdict = client.verify(file)
        assert "identical" == verdict["verdict"]
        assert (sample.index, sample.class_name) == (verdict["sample"]["index"], verdict["sample"]["class_label"])


def test_a_stream_joins_to_the_whole_whatever_the_batches(client, counts):
    values = {"class_counts": counts, "seed": 4, "truncation": 0.7}
    whole = client.sample("tiny@2", **values)

    for batch_size in (1, 4, 100):
        batches = list(client.stream("tiny@2", batch_size=batch_size, **values))
        np.testing.assert_array_equal(whole.images, np.concatenate([batch.images for batch in batches]))
        np.testing.assert_array_equal(whole.labels, np.concatenate([batch.labels for batch in batches]))


def test_what_is_missing_is_made(client, class_names):
    have = dict(zip(class_names, (5, 2, 4), strict=True))

    samples = client.sample("tiny@2", balance=have, seed=1)

    assert {class_names[1]: 3, class_names[2]: 1} == samples.count_classes()


async def test_the_client_that_does_not_block_has_the_same(client, service):
    here = client.sample("tiny@2", num_samples=5, seed=3)
    async with AsyncClient(service.url) as there:
        whole = await there.sample("tiny@2", num_samples=5, seed=3)
        batches = [batch.images async for batch in there.stream("tiny@2", batch_size=2, num_samples=5, seed=3)]

    np.testing.assert_array_equal(here.images, whole.images)
    np.testing.assert_array_equal(here.images, np.concatenate(batches))


def test_saved_files_are_known_again(client, counts, tmp_path):
    samples = client.sample("tiny@2", class_counts=counts, seed=3)
    samples.save_imagefolder(tmp_path)

    verdicts = {client.verify(path)["verdict"] for path in tmp_path.glob("*/*.png")}

    assert {"same-pixels"} == verdicts
    assert len(samples) == len((tmp_path / "metadata.jsonl").read_text().splitlines())


def test_frames_go_from_one_sample_to_another(client):
    start = client.sample("tiny@2", num_samples=1, seed=1, class_label=0)

    frames = client.interpolate("tiny@2", 1, (1, 4), num_frames=3, class_label=0)

    np.testing.assert_array_equal(start.images[0], frames.images[0])
    assert 3 == len(frames)
    assert frames[1].address is None


def test_variations_are_near_what_was_sent(client):
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (2, 16, 16, 3), np.uint8)

    varied = client.vary("coder", images, copies=3, seed=5)

    assert (6, 16, 16, 3) == varied.images.shape
    assert [0, 1, 2, 0, 1, 2] == varied.indices.tolist()


def test_an_array_is_augmented_without_loss(client):
    images = np.random.default_rng(1).integers(0, 2**16, (2, 9, 8, 3)).astype(np.uint16)

    outputs = client.augment(images, {"ops": [{"op": "flip", "axis": "horizontal"}]}, copies=2, seed=1)

    np.testing.assert_array_equal(images[:, :, ::-1].repeat(2, axis=0), outputs.images)
    assert [(0, 0), (0, 1), (1, 0), (1, 1)] == [(one.source, one.copy) for one in outputs]
    assert "flip" == outputs.traces[0][0]["op"]


def test_masks_and_boxes_follow(client):
    image = np.zeros((8, 8, 3), np.uint8)
    mask = np.zeros((8, 8), np.uint8)
    mask[:, :3] = 7
    targets = [{"boxes": [[0, 0, 3, 8]]}]

    [output] = client.augment(image, {"ops": [{"op": "flip", "axis": "horizontal"}]}, masks=[mask], targets=targets)

    np.testing.assert_array_equal(mask[:, ::-1], output.mask)
    assert [[5.0, 0.0, 8.0, 8.0]] == output.facts["targets"]["boxes"]


def test_a_dataset_is_written_once(client, counts, tmp_path):
    dataset = client.dataset({"model": "tiny@2", "class_counts": counts, "seed": 3}, shard_size=4)

    dataset.download(tmp_path)
    written = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.tar")}
    missing = min(written)
    held = missing.read_bytes()
    missing.unlink()
    dataset.download(tmp_path)

    assert {shard.file_name for shard in dataset.shards} == {path.name for path in written}
    assert held == missing.read_bytes()
    assert [] == [path for path in written if path != missing and path.stat().st_mtime_ns != written[path]]
    assert dataset.num_samples == sum(count_pictures(path) for path in written) == 9


def count_pictures(path):
    with tarfile.open(path) as archive:
        return sum(name.endswith(".png") for name in archive.getnames())


def test_a_folder_holds_one_dataset(client, tmp_path):
    client.dataset({"model": "tiny@2", "num_samples": 4, "seed": 3}).download(tmp_path)

    with pytest.raises(ConflictError, match="another dataset"):
        client.dataset({"model": "tiny@2", "num_samples": 4, "seed": 4}).download(tmp_path)


async def test_a_token_opens_the_dataset_elsewhere(client, service, tmp_path):
    here = client.dataset({"model": "tiny@2", "num_samples": 4, "seed": 3}, format="parquet")
    async with AsyncClient(service.url) as other:
        there = await other.dataset(here.token)
        await there.download(tmp_path)
        croissant = await there.croissant()

    assert here.croissant == croissant
    assert (tmp_path / "README.md").exists()
    assert {"token": here.token, "format": "parquet"} == json.loads((tmp_path / "fount-dataset.json").read_text())


def test_problems_are_errors_of_their_kind(client):
    with pytest.raises(NotFoundError) as missing:
        client.sample("absent", num_samples=1)
    with pytest.raises(InvalidRequestError) as wrong:
        client.sample("tiny", num_samples=1, class_label="dragon")

    assert ("model-not-found", 404) == (missing.value.code, missing.value.status)
    assert "/class_label" == wrong.value.errors[0]["pointer"]
    assert wrong.value.request_id


def test_keys_open_what_they_may(guarded, key_of):
    with Client(guarded.url) as nobody, pytest.raises(AccessError, match="missing-key"):
        nobody.models()
    with Client(guarded.url, key_of("sampler")) as sampler:
        assert 2 == len(sampler.sample("tiny", num_samples=2))
        with pytest.raises(AccessError, match="missing-scope"):
            sampler.promote("tiny", 1)
    with Client(guarded.url, key_of("operator")) as operator:
        assert 1 == operator.promote("tiny", 1, alias="held")["version"]
        with pytest.raises(ConflictError):
            operator.promote("tiny", 2, alias="held", expected=2)
    with guarded.open_client(headers={"Authorization": f"Bearer {key_of('operator')}"}) as plain:
        plain.delete("/v1/models/tiny/aliases/held").raise_for_status()


def test_nobody_there_is_said_at_once():
    with Client("http://127.0.0.1:9", retries=RetryPolicy(max_retries=0)) as client, pytest.raises(UnreachableError):
        client.models()
