import io
import json

import numpy as np
import pytest
import torch
from PIL import Image

from app.client.samples import Samples
from app.client.tensors import read_head, read_images
from app.imaging.mark import SampleMarker
from app.imaging.reading import claims_to_be_synthetic, read_png

NAMES = ("a", "b", "7")


@pytest.fixture
def make_samples(tensors):
    def make(count=5, names=NAMES, **how):
        data = tensors(3, [index % 3 for index in range(count)], 8, **how)
        head, begin = read_head(data)
        return Samples.of(read_images(data, head, begin), head, names, "http://fount.test")

    return make


def test_one_sample_has_its_address(make_samples):
    sample = make_samples()[1]

    assert (4, 1, "b") == (sample.index, sample.label, sample.class_name)
    assert "http://fount.test/v1/models/tiny/versions/2/samples/8/4.png?class_label=b" == sample.address


def test_frames_and_policies_of_ones_own_have_no_address(make_samples):
    assert make_samples(path={"end_seed": 2})[0].address is None
    assert make_samples(augment={"policy": "0" * 64})[0].address is None
    assert make_samples(augment={"preset": "light"})[0].address.endswith("preset=light")


def test_a_slice_is_samples_again(make_samples):
    samples = make_samples()

    assert [4, 5] == samples[1:3].indices.tolist()
    assert [7, 3] == samples[[4, 0]].indices.tolist()
    assert {"a": 2} == samples[samples.labels == 0].count_classes()
    assert [3, 4, 5, 6, 7] == [sample.index for sample in samples]
    assert 7 == samples[-1].index


def test_names_that_are_not_known_are_numbers(make_samples):
    assert ["0", "1", "2"] == [sample.class_name for sample in make_samples(3, names=())]


def test_pictures_are_of_pillow(make_samples):
    pictures = make_samples().to_pil()

    assert [("L", (6, 4))] * 5 == [(one.mode, one.size) for one in pictures]


def test_tensors_have_channels_first(make_samples):
    images, labels = make_samples().to_torch()

    assert ((5, 1, 4, 6), torch.uint8) == (tuple(images.shape), images.dtype)
    assert [0, 1, 2, 0, 1] == labels.tolist()


def test_a_folder_has_a_folder_for_each_class(make_samples, tmp_path):
    samples = make_samples()

    samples.save_imagefolder(tmp_path)

    files = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.glob("*/*.png"))
    lines = [json.loads(line) for line in (tmp_path / "metadata.jsonl").read_text().splitlines()]
    assert ["7/5.png", "a/3.png", "a/6.png", "b/4.png", "b/7.png"] == files
    assert sorted(line["file_name"] for line in lines) == files
    assert {"tiny@2"} == {line["model"] for line in lines}
    with pytest.raises(FileExistsError):
        samples.save_imagefolder(tmp_path)


def test_files_say_that_they_are_synthetic_and_which_sample_they_are(make_samples, tmp_path):
    samples = make_samples()
    samples.save_imagefolder(tmp_path)
    file = (tmp_path / "b" / "4.png").read_bytes()

    with Image.open(io.BytesIO(file)) as picture:
        assert SampleMarker(samples.origin).describe(4, "b") == picture.text["fount"]
        np.testing.assert_array_equal(samples.images[1, :, :, 0], np.asarray(picture))
    assert claims_to_be_synthetic(file)
    assert read_png(file) is not None


def test_a_class_name_that_is_a_path_stays_in_the_folder(make_samples, tmp_path):
    make_samples(2, names=("../up", ".")).save_imagefolder(tmp_path)

    assert {"__up_0", "__1"} == {path.name for path in tmp_path.iterdir() if path.is_dir()}
    assert 2 == len(list(tmp_path.glob("*/*.png")))


def test_a_sheet_shows_all(make_samples):
    assert make_samples(4).grid(columns=2).size == (2 * 6 * 4 + 6, 2 * 4 * 4 + 6)


def test_a_notebook_shows_the_first_ones(make_samples):
    shown = make_samples(70)._repr_html_()

    assert "70 samples of tiny@2, seed 8, the first 64 shown" in shown
    assert "data:image/png;base64," in shown


def test_no_samples_are_no_picture(make_samples):
    empty = make_samples()[:0]

    assert empty._repr_png_() is None
    assert "<img" not in empty._repr_html_()
    with pytest.raises(ValueError, match="no samples"):
        empty.grid()


def test_samples_say_what_they_are(make_samples):
    assert "<5 samples of tiny@2, 4x6x1, seed 8>" == repr(make_samples())
