"""The libraries that people load training data with read what we send, without a word about its layout."""

import io
import json
import zipfile

import numpy as np
import pytest
import webdataset
from datasets import ClassLabel, DownloadConfig, load_dataset
from datasets import Image as ImageFeature
from PIL import Image

from tests.contents import IMAGES, LABELS, write_file

CLASS_NAMES = ["cat", "dog", "owl"]


@pytest.fixture
def write(tmp_path):
    def write_to(name: str, labels=LABELS):
        path = tmp_path / f"samples.{name}"
        path.write_bytes(write_file(name, labels=labels, class_names=CLASS_NAMES, split=(3, 7)))
        return path

    return write_to


@pytest.fixture
def load(tmp_path):
    def load_file(builder: str, path, **options):
        local = DownloadConfig(local_files_only=True)
        options = {"split": "train", "cache_dir": str(tmp_path / "cache"), "download_config": local} | options
        return load_dataset(builder, data_files=str(path), **options)

    return load_file


def check_pixels(pictures):
    np.testing.assert_array_equal(IMAGES[:, :, :, 0], np.stack([np.asarray(picture) for picture in pictures]))


@pytest.mark.parametrize("streaming", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("name", ["arrow", "parquet"])
def test_datasets_reads_tables_as_pictures_and_classes(write, load, name, streaming):
    dataset = load(name, write(name), streaming=streaming)

    assert ImageFeature() == dataset.features["image"]
    assert ClassLabel(names=CLASS_NAMES) == dataset.features["label"]
    rows = list(dataset)
    check_pixels([row["image"] for row in rows])
    assert LABELS.tolist() == [row["label"] for row in rows]
    assert list(range(100, 110)) == [row["index"] for row in rows]


@pytest.mark.parametrize("name", ["arrow", "parquet"])
def test_datasets_reads_tables_without_classes(write, load, name):
    dataset = load(name, write(name, labels=None))

    assert ["image", "index"] == dataset.column_names
    check_pixels(dataset["image"])


def test_datasets_reads_webdataset(write, load):
    rows = list(load("webdataset", write("tar"), streaming=True))

    check_pixels([row["png"] for row in rows])
    assert LABELS.tolist() == [row["cls"] for row in rows]
    assert ["000100", "000101"] == [row["__key__"] for row in rows[:2]]
    assert "dog" == rows[1]["json"]["class_label"]


def test_datasets_reads_lines(write, load):
    dataset = load("json", write("jsonl"))

    assert ["index", "class_label", "png"] == dataset.column_names
    assert [CLASS_NAMES[label] for label in LABELS] == list(dataset["class_label"])


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # it leaves the file to the garbage collector
def test_webdataset_reads_pictures_and_classes(write):
    samples = list(webdataset.WebDataset(str(write("tar")), shardshuffle=False).decode("pil").to_tuple("png", "cls"))

    check_pixels([picture.convert("L") for picture, _ in samples])
    assert LABELS.tolist() == [label for _, label in samples]


def test_a_folder_of_folders_is_a_folder_per_class(write, tmp_path):
    with zipfile.ZipFile(write("zip")) as archive:
        archive.extractall(tmp_path / "folder")

    found = {}
    for path in (tmp_path / "folder").glob("*/*.png"):
        with Image.open(path) as picture:
            found[int(path.stem)] = (path.parent.name, np.asarray(picture))
    check_pixels([found[index][1] for index in range(100, 110)])
    assert [CLASS_NAMES[label] for label in LABELS] == [found[index][0] for index in range(100, 110)]


def test_datasets_reads_an_image_folder_with_its_metadata(write, tmp_path):
    with zipfile.ZipFile(write("zip")) as archive:
        archive.extractall(tmp_path / "folder")

    dataset = load_dataset(
        "imagefolder", data_dir=str(tmp_path / "folder"), split="train", cache_dir=str(tmp_path / "cache")
    )

    rows = sorted(dataset, key=lambda row: row["index"])
    check_pixels([row["image"] for row in rows])
    assert [CLASS_NAMES[label] for label in LABELS] == [row["class_label"] for row in rows]


def test_every_picture_in_a_table_says_which_sample_it_is(write, load):
    dataset = load("parquet", write("parquet")).cast_column("image", ImageFeature(decode=False))

    marks = [json.loads(Image.open(io.BytesIO(one["bytes"])).info["fount"]) for one in dataset["image"]]
    assert list(range(100, 110)) == [mark["index"] for mark in marks]
