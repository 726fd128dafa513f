import io
import json
import zipfile

import numpy as np
from safetensors import numpy as safetensors

from tests.contents import IMAGES, LABELS, make_contents, write_file


def test_npz_holds_images_labels_indices_and_seed():
    arrays = np.load(io.BytesIO(write_file("npz")), allow_pickle=False)

    np.testing.assert_array_equal(IMAGES, arrays["images"])
    np.testing.assert_array_equal(LABELS.astype(np.int64), arrays["labels"])
    np.testing.assert_array_equal(np.arange(100, 110), arrays["indices"])
    assert 5 == arrays["seed"]
    assert ["images", "indices", "labels", "seed"] == sorted(arrays.files)
    assert {np.dtype(np.int64)} == {arrays[name].dtype for name in ("labels", "indices", "seed")}


def test_npz_is_a_whole_archive_that_says_what_it_is():
    archive = zipfile.ZipFile(io.BytesIO(write_file("npz", split=(4, 6))))

    assert archive.testzip() is None
    assert make_contents().mark.encode() == archive.comment


def test_npz_of_a_model_without_classes_has_labels_of_minus_one():
    arrays = np.load(io.BytesIO(write_file("npz", labels=None)), allow_pickle=False)

    np.testing.assert_array_equal(np.full(10, -1), arrays["labels"])


def test_npy_holds_the_pixels():
    np.testing.assert_array_equal(IMAGES, np.load(io.BytesIO(write_file("npy")), allow_pickle=False))


def test_safetensors_hold_the_arrays_of_npz():
    arrays = safetensors.load(write_file("safetensors"))

    assert ["images", "indices", "labels", "seed"] == sorted(arrays)
    with np.load(io.BytesIO(write_file("npz")), allow_pickle=False) as expected:
        for name, array in arrays.items():
            np.testing.assert_array_equal(expected[name], array, strict=True)


def test_safetensors_are_aligned_and_say_what_they_are():
    file = write_file("safetensors")
    size = int.from_bytes(file[:8], "little")
    header = json.loads(file[8 : 8 + size])

    assert 0 == size % 8
    assert {"fount": make_contents().mark} == header.pop("__metadata__")
    assert all(0 == one["data_offsets"][0] % 8 for one in header.values())
