import gc
import json
import tracemalloc

import numpy as np
import pytest

from app.imaging.codec import ENCODING
from app.imaging.formats.contents import ArrayShape, Contents
from app.imaging.formats.places import Consecutive
from app.imaging.formats.registry import FORMATS, Streamed, name_encoding
from app.imaging.mark import DIGITAL_SOURCE_TYPE
from app.schemas.samples import SampleFormat
from tests.contents import IMAGES, LABELS, MANIFEST, ORIGIN, make_contents, write_file

STREAMED = [name for name, one in FORMATS.items() if isinstance(one, Streamed)]
SPLITS = [(3, 7), (1, 2, 3, 4)]


def test_every_format_is_registered():
    assert set(SampleFormat) == FORMATS.keys()


@pytest.mark.parametrize("split", SPLITS, ids=str)
@pytest.mark.parametrize("labels", [LABELS, None], ids=["classes", "no classes"])
@pytest.mark.parametrize("name", STREAMED)
def test_batches_do_not_change_the_bytes(name, labels, split):
    assert write_file(name, labels=labels) == write_file(name, labels=labels, split=split)


@pytest.mark.parametrize("name", STREAMED)
def test_a_file_is_as_long_as_its_writer_says(name):
    writer = FORMATS[name].open(make_contents())

    assert writer.content_length in {None, len(write_file(name))}


@pytest.mark.parametrize("name", ["npy", "npz", "safetensors"])
def test_the_length_of_arrays_is_known_before_they_are(name):
    assert FORMATS[SampleFormat(name)].open(make_contents()).content_length is not None


@pytest.mark.parametrize("name", [name for name in STREAMED if name != SampleFormat.NPY])
def test_every_file_with_room_for_it_says_that_it_is_synthetic(name):
    text = make_contents().mark.encode() if name != SampleFormat.SAFETENSORS else b"trainedAlgorithmicMedia"

    assert (text in write_file(name)) == (name != SampleFormat.JSONL)


def test_the_mark_of_a_file_says_which_samples_it_holds():
    assert {
        "model": "tiny",
        "version": 2,
        "digest": "cd" * 32,
        "seed": 5,
        "first_index": 100,
        "num_samples": 10,
        "digital_source_type": DIGITAL_SOURCE_TYPE,
    } == json.loads(make_contents().mark)


@pytest.mark.parametrize("name", STREAMED)
def test_a_file_may_be_given_up_at_any_time(name):
    writer = FORMATS[name].open(make_contents())
    pieces = [*writer.begin(), writer.add(0, IMAGES, LABELS), next(writer.finish(), b"")]

    del writer
    gc.collect()

    assert all(isinstance(piece, bytes) for piece in pieces)


@pytest.mark.parametrize("name", STREAMED)
def test_memory_is_per_batch_never_per_request(name):
    num_samples, batch_size = 12_288, 256
    images = np.zeros((batch_size, 2, 2, 1), dtype=np.uint8)
    labels = np.zeros(batch_size, dtype=np.int32)
    contents = Contents(
        Consecutive(ORIGIN, 0, num_samples),
        ArrayShape(num_samples, 2, 2, 1),
        ["a"],
        lambda offset, count: np.zeros(count, dtype=np.int32),
        lambda: MANIFEST,
    )
    writer = FORMATS[name].open(contents)
    held = []
    tracemalloc.start()

    for _ in writer.begin():
        pass
    for offset in range(0, num_samples, batch_size):
        writer.add(offset, images, labels)
        held.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()

    third = len(held) // 3
    growth = max(held[2 * third :]) - max(held[third : 2 * third])
    assert growth <= 24 * batch_size * third


def test_the_bytes_of_tables_hang_on_their_library():
    assert {ENCODING} == {name_encoding(SampleFormat(name)) for name in ("png", "zip", "npz", "jsonl")}
    assert name_encoding(SampleFormat.ARROW).startswith(f"{ENCODING}/pyarrow-")
