import pytest

from app.core.errors import DatasetError
from app.data.layout import arrange, describe_suffixes, is_image_path


def arranged(paths, split="train"):
    """List what was chosen, as (path, class)."""
    layout = arrange(paths, split)
    names = layout.class_names or [None]
    return [(paths[i], names[label]) for i, label in zip(layout.indices, layout.labels, strict=True)]


def test_class_folders_give_sorted_classes_and_sorted_images():
    paths = ["dog/2.png", "cat/b.png", "dog/1.png", "cat/a.png"]

    assert [("cat/a.png", "cat"), ("cat/b.png", "cat"), ("dog/1.png", "dog"), ("dog/2.png", "dog")] == arranged(paths)


def test_loose_images_are_unlabelled():
    assert [("a.png", None), ("b.png", None)] == arranged(["b.png", "a.png"])


def test_images_may_lie_deeper_below_their_class():
    assert [("cat/x/y/1.png", "cat"), ("dog/1.png", "dog")] == arranged(["dog/1.png", "cat/x/y/1.png"])


def test_one_extra_top_folder_is_looked_through():
    assert [("pets/cat/1.png", "cat"), ("pets/dog/1.png", "dog")] == arranged(["pets/dog/1.png", "pets/cat/1.png"])
    assert [("pets/1.png", None), ("pets/2.png", None)] == arranged(["pets/2.png", "pets/1.png"])


@pytest.mark.parametrize("top", ["", "pets/"])
@pytest.mark.parametrize(("folder", "split"), [("train", "train"), ("Test", "test"), ("valid", "val"), ("val", "val")])
def test_split_folders_are_understood(top, folder, split):
    other = "test" if split == "train" else "train"
    paths = [
        f"{top}{folder}/cat/1.png",
        f"{top}{folder}/dog/1.png",
        f"{top}{other}/cat/9.png",
        f"{top}{other}/dog/9.png",
    ]

    assert [(paths[0], "cat"), (paths[1], "dog")] == arranged(paths, split)


def test_without_split_folders_all_is_for_training():
    with pytest.raises(DatasetError, match="no 'test' split here; found: train"):
        arrange(["cat/1.png", "dog/1.png"], "test")


def test_a_class_may_be_called_train():
    assert ["bus", "train"] == arrange(["train/1.png", "bus/1.png"], "train").class_names


def test_folders_beside_train_and_test_take_no_part():
    paths = ["train/cat/1.png", "train/dog/1.png", "test/cat/1.png", "docs/logo.png", "preview.png"]

    assert [path for path, _ in arranged(paths)] == paths[:2]


def test_labels_mean_the_same_in_every_split():
    paths = ["train/cat/1.png", "train/dog/1.png", "train/fox/1.png", "test/fox/1.png", "test/cat/1.png"]

    assert [("test/cat/1.png", "cat"), ("test/fox/1.png", "fox")] == arranged(paths, "test")
    assert [0, 2] == arrange(paths, "test").labels.tolist()


def test_a_class_that_training_never_sees_is_refused():
    with pytest.raises(DatasetError, match="fox"):
        arrange(["train/cat/1.png", "train/dog/1.png", "test/fox/1.png"], "test")


def test_loose_images_beside_class_folders_are_refused():
    with pytest.raises(DatasetError, match=r"1 images lie beside class folders, such as stray\.png"):
        arrange(["cat/1.png", "dog/1.png", "stray.png"], "train")


def test_both_spellings_of_an_accent_are_one_class():
    assert ["b\u00e9b\u00e9", "dog"] == arrange(
        ["be\u0301be\u0301/1.png", "b\u00e9b\u00e9/2.png", "dog/1.png"], "train"
    ).class_names


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a.png", True),
        ("deep/er/A.JPEG", True),
        ("a.txt", False),
        ("png", False),
        (".hidden.png", False),
        (".cache/a.png", False),
        ("__MACOSX/cat/a.png", False),
        ("cat/._a.png", False),
    ],
)
def test_only_visible_images_count(path, expected):
    assert expected is is_image_path(path)


def test_what_was_found_instead_is_told_by_kind():
    assert describe_suffixes(["a.heic", "b.HEIC", "c.txt", "README"]) == "2 .heic, 1 .txt, 1 no suffix"
    assert describe_suffixes([]) == "nothing"
