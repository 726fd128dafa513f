import io
import json
import zipfile

import numpy as np
import pytest

from app.imaging.archive import DrainSink, ZipWriter
from app.imaging.arrays import ArrayShape, NpyWriter, NpzWriter
from app.imaging.mark import Origin

ORIGIN = Origin("tiny", 2, "cd" * 32, 5)
IMAGES = np.random.default_rng(0).integers(0, 256, (10, 6, 4, 1), dtype=np.uint8)
LABELS = np.array([0, 1, 2, 0, 1, 2, 0, 1, 2, 0], dtype=np.int32)
NAMES = ["cat", "dog", "../up:er"]
SPLITS = [(10,), (3, 7), (1, 2, 3, 4)]


def write(writer, labels=LABELS, split=(10,)) -> bytes:
    pieces, offset = [writer.begin()], 0
    for count in split:
        part = slice(offset, offset + count)
        pieces.append(writer.add(offset, IMAGES[part], None if labels is None else labels[part]))
        offset += count
    return b"".join([*pieces, *writer.finish()])


def make_zip_writer(class_names=NAMES):
    return ZipWriter(ORIGIN, 100, class_names, b'{"schema": 1}')


def make_npz_writer(labels=LABELS):
    shape = ArrayShape(10, 6, 4, 1)
    labels_at = (
        (lambda offset, count: None) if labels is None else (lambda offset, count: labels[offset : offset + count])
    )
    return NpzWriter(shape, seed=5, first_index=100, labels_at=labels_at)


def test_a_zip_is_an_image_folder_with_metadata():
    archive = zipfile.ZipFile(io.BytesIO(write(make_zip_writer())))

    assert archive.testzip() is None
    names = archive.namelist()
    assert ["cat/100.png", "dog/101.png", ".._up_er_2/102.png"][:2] == names[:2]
    assert ["metadata.jsonl", "manifest.json"] == names[-2:]
    lines = [json.loads(line) for line in archive.read("metadata.jsonl").splitlines()]
    assert [name for name in names if name.endswith(".png")] == [line["file_name"] for line in lines]
    assert {
        "file_name": "cat/100.png",
        "index": 100,
        "seed": 5,
        "class_label": "cat",
        "model": "tiny@2",
        "digest": "cd" * 32,
    } == lines[0]
    assert b'{"schema": 1}' == archive.read("manifest.json")


def test_class_names_never_lead_out_of_the_folder():
    names = zipfile.ZipFile(io.BytesIO(write(make_zip_writer()))).namelist()

    assert not [name for name in names if ".." in name or ":" in name or name.count("/") > 1]


def test_without_classes_images_lie_in_samples():
    archive = zipfile.ZipFile(io.BytesIO(write(make_zip_writer([]), labels=None)))

    assert "samples/100.png" == archive.namelist()[0]
    assert json.loads(archive.read("metadata.jsonl").splitlines()[0])["class_label"] is None


def test_readers_that_stream_find_sizes_in_front_of_each_image():
    archive = zipfile.ZipFile(io.BytesIO(write(make_zip_writer())))

    assert {0} == {entry.flag_bits & 0x08 for entry in archive.infolist()}


@pytest.mark.parametrize("split", SPLITS, ids=str)
@pytest.mark.parametrize("make_writer", [make_zip_writer, make_npz_writer, lambda: NpyWriter(ArrayShape(10, 6, 4, 1))])
def test_batches_do_not_change_the_bytes(make_writer, split):
    assert write(make_writer()) == write(make_writer(), split=split)


def test_npz_holds_images_labels_indices_and_seed():
    arrays = np.load(io.BytesIO(write(make_npz_writer())), allow_pickle=False)

    np.testing.assert_array_equal(IMAGES, arrays["images"])
    np.testing.assert_array_equal(LABELS.astype(np.int64), arrays["labels"])
    np.testing.assert_array_equal(np.arange(100, 110), arrays["indices"])
    assert 5 == arrays["seed"]
    assert ["images", "indices", "labels", "seed"] == sorted(arrays.files)
    assert {np.dtype(np.int64)} == {arrays[name].dtype for name in ("labels", "indices", "seed")}


def test_npz_of_a_model_without_classes_has_labels_of_minus_one():
    arrays = np.load(io.BytesIO(write(make_npz_writer(None), labels=None)), allow_pickle=False)

    np.testing.assert_array_equal(np.full(10, -1), arrays["labels"])


def test_npy_is_as_long_as_it_says():
    writer = NpyWriter(ArrayShape(10, 6, 4, 1))

    data = write(writer)

    assert len(data) == writer.content_length
    np.testing.assert_array_equal(IMAGES, np.load(io.BytesIO(data), allow_pickle=False))


def test_a_sink_that_cannot_seek_says_so():
    sink = DrainSink(seekable=False)

    assert (False, True) == (sink.seekable(), sink.writable())
    with pytest.raises(io.UnsupportedOperation):
        sink.tell()
    with pytest.raises(io.UnsupportedOperation):
        sink.seek(0)
    with pytest.raises(io.UnsupportedOperation):
        DrainSink(seekable=True).seek(0, io.SEEK_END)


def test_an_archive_does_not_hold_what_was_taken():
    writer = make_zip_writer()

    first = writer.add(0, IMAGES[:5], LABELS[:5])
    second = writer.add(5, IMAGES[5:], LABELS[5:])

    assert first.startswith(b"PK\x03\x04")
    assert second.startswith(b"PK\x03\x04")


@pytest.mark.parametrize("num_pieces", [0, 1, 2])
@pytest.mark.parametrize("make_writer", [make_zip_writer, make_npz_writer, lambda: NpyWriter(ArrayShape(10, 6, 4, 1))])
def test_a_file_may_be_given_up_at_any_time(make_writer, num_pieces):
    writer = make_writer()
    writer.begin()
    writer.add(0, IMAGES, LABELS)
    rest = writer.finish()
    for _ in range(num_pieces):
        next(rest, None)

    rest.close()
    writer.close()
    writer.close()

    assert next(rest, None) is None
