"""The libraries that load datasets read shards, and the metadata that we write about them."""

import io
import json

import mlcroissant
import numpy as np
import pytest
import webdataset
import yaml
from datasets import ClassLabel, DownloadConfig, load_dataset

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")

BODY = {
    "samples": [{"model": "tiny@1", "class_counts": {"a": 20, "b": 20}, "seed": 3}],
    "shard_size": 16,
    "splits": {"train": 0.8, "test": 0.2},
}


@pytest.fixture
async def dataset(client, tmp_path):
    """A dataset, with its shards and metadata in a folder, named as they are served."""
    body = (await client.post("/v1/datasets", json=BODY)).json()
    for number in range(body["num_shards"]):
        for ext in ("tar", "parquet", "arrow", "npz"):
            response = await client.get(f"/v1/datasets/{body['token']}/shards/{number}.{ext}")
            name = response.headers["content-disposition"].split('"')[1]
            (tmp_path / name).write_bytes(response.content)
    (tmp_path / "README.md").write_bytes((await client.get(body["card"])).content)
    (tmp_path / "croissant.json").write_bytes((await client.get(body["croissant"])).content)
    return tmp_path


def read_indices(folder, split):
    parts = [np.load(io.BytesIO(path.read_bytes()))["indices"] for path in sorted(folder.glob(f"{split}-*.npz"))]
    return np.concatenate(parts).tolist()


@pytest.mark.parametrize("ext", ["parquet", "arrow"])
def test_datasets_loads_splits_of_shards(dataset, tmp_path, ext):
    files = {split: sorted(str(path) for path in dataset.glob(f"{split}-*.{ext}")) for split in ("train", "test")}

    loaded = load_dataset(
        ext,
        data_files=files,
        cache_dir=str(tmp_path / "cache"),
        download_config=DownloadConfig(local_files_only=True),
    )

    assert {"train": 32, "test": 8} == {split: len(rows) for split, rows in loaded.items()}
    assert ClassLabel(names=["a", "b", "7"]) == loaded["train"].features["label"]
    assert read_indices(dataset, "train") == loaded["train"]["index"][:]
    assert (8, 8) == loaded["train"][0]["image"].size


def test_webdataset_loads_shards(dataset):
    urls = sorted(str(path) for path in dataset.glob("train-*.tar"))

    samples = list(webdataset.WebDataset(urls, shardshuffle=False).decode("pil").to_tuple("png", "cls", "json"))

    assert read_indices(dataset, "train") == [facts["index"] for _, _, facts in samples]
    assert [facts["index"] // 20 for _, _, facts in samples] == [label for _, label, _ in samples]


def test_the_card_is_what_datasets_needs_to_load_a_folder(dataset, tmp_path):
    _, front, _ = (dataset / "README.md").read_text().split("---\n", 2)

    facts = yaml.safe_load(front)

    assert "synthetic" in facts["tags"]
    assert [("train", 32), ("test", 8)] == [
        (one["name"], one["num_examples"]) for one in facts["dataset_info"]["splits"]
    ]
    loaded = load_dataset(str(dataset), cache_dir=str(tmp_path / "cache"))
    assert {"train": 32, "test": 8} == {split: len(rows) for split, rows in loaded.items()}


def test_croissant_is_valid_and_its_records_can_be_read(dataset):
    path = dataset / "croissant.json"
    document = json.loads(path.read_text())
    files = [file["contentUrl"] for file in document["distribution"]]
    for file in document["distribution"]:
        file["contentUrl"] = file["name"]  # no network here
    path.write_text(json.dumps(document))

    metadata = mlcroissant.Dataset(jsonld=str(path))
    records = list(metadata.records("train-00001-of-00002"))

    assert all(file.startswith("http://fount/v1/datasets/d1") for file in files)
    assert [] == list(metadata.metadata.ctx.issues.errors)
    assert read_indices(dataset, "train")[16:] == [record["train-00001-of-00002/index"] for record in records]
    assert (8, 8) == records[0]["train-00001-of-00002/image"].size
    assert {0, 1} == {record["train-00001-of-00002/label"] for record in records}
