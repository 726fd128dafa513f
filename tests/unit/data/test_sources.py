import sys

import numpy as np
import pytest

from app.core.errors import DatasetError
from app.data.sources import open_dataset
from tests.pictures import encode, make_files, make_pixels, write_folder, write_idx, write_tar, write_zip

NAMES = ["cat/1.png", "cat/2.png", "dog/1.png"]


def test_a_folder_of_class_folders(tmp_path):
    dataset = open_dataset(write_folder(tmp_path / "pets", make_files(NAMES)))

    assert dataset.name == "pets"
    assert ["cat", "dog"] == dataset.class_names
    assert [0, 0, 1] == dataset.labels.tolist()
    assert np.array_equal(np.stack([make_pixels(seed=seed) for seed in range(3)]), dataset.images)


@pytest.mark.parametrize(
    ("write", "file"),
    [(write_zip, "pets.zip"), (write_tar, "pets.tar"), (write_tar, "pets.tar.gz"), (write_tar, "pets.TGZ")],
)
@pytest.mark.parametrize("top", ["", "./", "pets/", "pets/train/", "train/"])
def test_an_archive_reads_as_the_folder_it_was_made_of(tmp_path, write, file, top):
    files = make_files(NAMES)
    folder = open_dataset(write_folder(tmp_path / "pets", files))

    archive = open_dataset(write(tmp_path / file, {top + name: files[name] for name in reversed(NAMES)}))

    assert folder.sha256 == archive.sha256
    assert folder.name == archive.name


def test_an_archive_named_after_a_split_takes_its_folder_s_name(tmp_path):
    (tmp_path / "pets").mkdir()

    dataset = open_dataset(write_tar(tmp_path / "pets" / "train.tar.gz", make_files(NAMES)))

    assert dataset.name == "pets"


def test_the_last_of_two_members_of_one_name_wins(tmp_path):
    other = make_pixels(seed=9)
    files = {**make_files(NAMES), "./cat/1.png": encode(other)}

    dataset = open_dataset(write_tar(tmp_path / "pets.tar", files))

    assert np.array_equal(other, dataset.images[0])


def test_backslashes_in_a_zip_are_folders(tmp_path):
    files = {name.replace("/", "\\"): data for name, data in make_files(NAMES).items()}

    assert ["cat", "dog"] == open_dataset(write_zip(tmp_path / "pets.zip", files)).class_names


def test_hidden_files_and_files_that_are_no_images_are_passed_over(tmp_path):
    litter = {"cat/.DS_Store": b"x", "cat/._1.png": b"x", "__MACOSX/cat/._1.png": b"x", "labels.csv": b"x"}
    files = make_files(NAMES)

    folder = open_dataset(write_folder(tmp_path / "pets", files | litter))
    archive = open_dataset(write_zip(tmp_path / "pets.zip", files | litter))

    assert 3 == folder.num_images == archive.num_images


def test_an_empty_class_folder_is_no_class(tmp_path):
    source = write_folder(tmp_path / "pets", make_files(NAMES))
    (tmp_path / "pets" / "ferret").mkdir()

    assert ["cat", "dog"] == open_dataset(source).class_names


def test_only_empty_class_folders_are_an_error(tmp_path):
    (tmp_path / "cat").mkdir()

    with pytest.raises(DatasetError, match=r"holds no images; looked for PNG.*found nothing"):
        open_dataset(str(tmp_path))


@pytest.mark.parametrize("write", [write_zip, write_tar])
def test_an_archive_without_images_says_what_it_has(tmp_path, write):
    with pytest.raises(DatasetError, match=r"found 2 \.txt"):
        open_dataset(write(tmp_path / ("x.zip" if write is write_zip else "x.tar"), {"a.txt": b"", "b.txt": b""}))


def test_sizes_that_differ_need_an_image_size(tmp_path):
    files = {"a.png": encode(make_pixels(height=6)), "b.png": encode(make_pixels(height=7))}
    source = write_folder(tmp_path, files)

    with pytest.raises(DatasetError, match=r"a\.png: 6 high and 8 wide, b\.png: 7 high and 8 wide.*give an image size"):
        open_dataset(source)
    assert (2, 5, 5, 3) == open_dataset(source, image_size=5).images.shape
    assert (2, 4, 9, 3) == open_dataset(source, image_size=(4, 9)).images.shape


def test_images_are_grey_when_all_are(tmp_path):
    grey = {f"{seed}.png": encode(make_pixels(channels=1, seed=seed)) for seed in range(3)}
    source = write_folder(tmp_path, {**grey, "9.png": encode(np.repeat(make_pixels(channels=1), 3, axis=2))})

    assert open_dataset(source).images.shape[3] == 1
    assert open_dataset(source, channels=3).images.shape[3] == 3


def test_one_coloured_image_makes_all_rgb(tmp_path):
    grey = make_pixels(channels=1)
    source = write_folder(tmp_path, {"1.png": encode(grey), "2.png": encode(make_pixels()), "3.png": encode(grey)})

    images = open_dataset(source).images

    assert np.array_equal(np.stack([np.repeat(grey, 3, axis=2), make_pixels(), np.repeat(grey, 3, axis=2)]), images)


def test_many_images_keep_their_order(tmp_path):
    files = make_files([f"{'ab'[n % 2]}/{n:03}.png" for n in range(150)], height=2, width=2)
    steps = []

    dataset = open_dataset(write_zip(tmp_path / "x.zip", files), on_progress=lambda *step: steps.append(step))

    expected = [make_pixels(seed=seed, height=2, width=2) for seed in [*range(0, 150, 2), *range(1, 150, 2)]]
    assert np.array_equal(np.stack(expected), dataset.images)
    assert steps == sorted(steps)
    assert (150, 150) == steps[-1]


@pytest.mark.parametrize("write", [write_folder, write_zip, write_tar])
def test_a_limit_takes_the_same_images_from_every_container(tmp_path, write):
    files = make_files([f"{'abcd'[n % 4]}/{n}.png" for n in range(16)])
    suffix = {write_folder: "", write_zip: ".zip", write_tar: ".tar.gz"}[write]

    dataset = open_dataset(write(tmp_path / f"x{suffix}", files), limit=4)

    assert {"a": 1, "b": 1, "c": 1, "d": 1} == dataset.class_counts
    assert np.array_equal(make_pixels(seed=0), dataset.images[0])


def test_broken_images_can_be_left_out(tmp_path):
    source = write_folder(tmp_path, {**make_files(NAMES), "dog/0.png": b"nothing", "cat/9.jpg": b""})

    dataset = open_dataset(source, skip_broken=True)

    assert dataset.num_skipped == 2
    assert [0, 0, 1] == dataset.labels.tolist()


def test_mnist_s_four_files(tmp_path):
    images, labels = make_pixels(height=5, width=4, channels=6), np.array([3, 1, 3, 1, 7], np.uint8)
    write_idx(tmp_path / "train-images-idx3-ubyte.gz", images)
    write_idx(tmp_path / "train-labels-idx1-ubyte.gz", labels)
    write_idx(tmp_path / "t10k-images-idx3-ubyte", images[:2])
    write_idx(tmp_path / "t10k-labels-idx1-ubyte", labels[:2])

    train, test = open_dataset(str(tmp_path)), open_dataset(str(tmp_path), split="test")

    assert np.array_equal(images[..., None], train.images)
    assert {"1": 2, "3": 2, "7": 1} == train.class_counts
    assert test.class_names == train.class_names
    assert [1, 0] == test.labels.tolist()
    with pytest.raises(DatasetError, match=r"none for the 'val' split.*test.*train"):
        open_dataset(str(tmp_path), split="valid")


@pytest.mark.parametrize("labels_name", ["my-labels.idx1-ubyte", "my-labels.idx1-ubyte.gz"])
def test_a_single_idx_file_finds_its_labels(tmp_path, labels_name):
    source = write_idx(tmp_path / "my-images.idx3-ubyte", make_pixels(height=3))
    write_idx(tmp_path / labels_name, np.array([0, 1, 1], np.uint8))

    assert {"0": 1, "1": 2} == open_dataset(source).class_counts


def test_a_single_idx_file_without_labels_is_unlabelled(tmp_path):
    source = write_idx(tmp_path / "t10k-images-idx3-ubyte", make_pixels(height=3))

    assert [] == open_dataset(source).class_names
    assert 3 == open_dataset(source, split="test").num_images
    with pytest.raises(DatasetError, match="only the 'test' split"):
        open_dataset(source, split="val")


def test_two_idx_sets_in_one_folder_are_ambiguous(tmp_path):
    for name in ("balanced", "letters"):
        write_idx(tmp_path / f"emnist-{name}-train-images-idx3-ubyte", make_pixels(height=3))

    with pytest.raises(DatasetError, match="several images files"):
        open_dataset(str(tmp_path))


@pytest.mark.parametrize(
    ("images", "labels"), [("images", "labels"), ("x", "y"), ("X_train", "y_train"), ("train_images", "train_labels")]
)
def test_a_numpy_file_under_usual_names(tmp_path, images, labels):
    pixels = np.stack([make_pixels(seed=seed) for seed in range(3)])
    np.savez_compressed(tmp_path / "x.npz", **{images: pixels, labels: np.array([[1], [0], [1]])})

    dataset = open_dataset(str(tmp_path / "x.npz"))

    assert np.array_equal(pixels, dataset.images)
    assert [1, 0, 1] == dataset.labels.tolist()
    assert ["0", "1"] == dataset.class_names


def test_a_numpy_file_with_splits_and_class_names(tmp_path):
    pixels = np.stack([make_pixels(seed=seed) for seed in range(4)])
    arrays = {"x_train": pixels, "y_train": [0, 1, 2, 2], "x_test": pixels[:2], "y_test": [2, 1]}
    np.savez(tmp_path / "x.npz", **arrays, class_names=["cat", "dog", "fox"])

    test = open_dataset(str(tmp_path / "x.npz"), split="test")

    assert {"cat": 0, "dog": 1, "fox": 1} == test.class_counts


def test_labels_beyond_the_class_names_are_refused(tmp_path):
    np.savez(tmp_path / "x.npz", images=np.zeros((2, 4, 4), np.uint8), labels=[0, 2], class_names=["cat", "dog"])

    with pytest.raises(DatasetError, match="indices into its 2 class names"):
        open_dataset(str(tmp_path / "x.npz"))


def test_a_numpy_file_without_images_says_what_it_has(tmp_path):
    np.savez(tmp_path / "x.npz", pictures=np.zeros((2, 4, 4), np.uint8))

    with pytest.raises(DatasetError, match=r"looked for .*images, x; found pictures\.npy"):
        open_dataset(str(tmp_path / "x.npz"))


def test_the_built_in_digits():
    dataset = open_dataset("digits", image_size=16)

    assert (1797, 16, 16, 1) == dataset.images.shape
    assert [str(digit) for digit in range(10)] == dataset.class_names
    assert dataset.images.max() == 255
    with pytest.raises(DatasetError, match="no splits"):
        open_dataset("digits", split="test")


def test_the_built_in_digits_name_the_extra_they_need(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)

    with pytest.raises(DatasetError, match=r"pip install 'fount\[train\]'"):
        open_dataset("digits")


@pytest.mark.parametrize("name", ["cat.png", "notes.txt", "data.tar.xz"])
def test_another_file_is_refused_with_what_is_accepted(tmp_path, name):
    (tmp_path / name).write_bytes(b"")

    with pytest.raises(DatasetError, match=r"no training data that can be read.*class folders"):
        open_dataset(str(tmp_path / name))


def test_a_missing_source_is_named(tmp_path):
    with pytest.raises(DatasetError, match=r"no file or folder .*nowhere; training data is the built-in 'digits'"):
        open_dataset(str(tmp_path / "nowhere"))
