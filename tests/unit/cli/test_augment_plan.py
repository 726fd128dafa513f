import pytest

from app.augmentation.draws import MAX_COPIES
from app.cli.augment_plan import (
    Work,
    check_names,
    count_classes,
    cut,
    cut_mixed,
    name_outputs,
    plan_balance,
    plan_copies,
)
from app.core.errors import DatasetError, LimitExceededError

MIB = 2**20


def outputs_of(works, fan_out=1):
    return list(name_outputs(works, fan_out, "png"))


def digests_of(*paths):
    return {path: f"digest of {path}" for path in paths}


def test_copies_are_called_after_their_image_and_numbered():
    works = plan_copies(["a.jpg", "cat/deep/b.c.png"], 2, 3, keep=False)

    assert ["a-3.png", "a-4.png", "cat/deep/b.c-3.png", "cat/deep/b.c-4.png"] == outputs_of(works)


def test_images_that_differ_in_their_endings_alone_keep_them_in_names():
    works = plan_copies(["a.jpg", "a.png", "cat/a.png"], 1, 0, keep=True)

    assert ["a.jpg", "a.jpg-0.png", "a.png", "a.png-0.png", "cat/a.png", "cat/a-0.png"] == outputs_of(works)


def test_parts_of_a_copy_are_numbered():
    works = plan_copies(["a.png"], 1, 0, keep=False)

    assert ["a-0-0.png", "a-0-1.png"] == outputs_of(works, fan_out=2)


def test_names_that_would_be_written_twice_are_refused():
    works = plan_copies(["a.png", "a-0.png"], 1, 0, keep=True)

    with pytest.raises(DatasetError, match=r"2 outputs would be called a-0\.png"):
        check_names(outputs_of(works))


def test_an_image_has_a_largest_number_of_copies():
    assert plan_copies(["a.png"], 1, MAX_COPIES - 1, keep=False)
    with pytest.raises(LimitExceededError):
        plan_copies(["a.png"], 2, MAX_COPIES - 1, keep=False)
    with pytest.raises(LimitExceededError):
        plan_balance(digests_of("a/1.png"), MAX_COPIES + 2, 0)


def test_every_class_gets_to_the_number_of_the_largest():
    paths = [*(f"cat/{number}.png" for number in range(7)), "dog/x/0.png", "dog/1.png", "dog/2.png", "eel/0.png"]

    works = plan_balance(digests_of(*paths), None, 0)

    assert {"cat": 7, "dog": 7, "eel": 7} == count_classes(outputs_of(works))
    assert [2, 1, 1] == [work.copies for work in works if work.path.startswith("dog")]
    assert {0} == {work.copies for work in works if work.path.startswith("cat")}


def test_every_class_gets_to_a_number_that_is_given():
    works = plan_balance(digests_of("cat/0.png", "cat/1.png", "dog/0.png"), 5, 0)

    assert {"cat": 5, "dog": 5} == count_classes(outputs_of(works))


def test_images_with_the_same_bytes_have_copies_of_different_numbers():
    works = plan_balance({"cat/0.png": "x", "cat/1.png": "x", "cat/2.png": "y"}, 8, 10)

    draws = [(digest, copy) for work, digest in zip(works, "xxy", strict=True) for copy in copies_of(work)]
    assert 5 == len(draws) == len(set(draws))


def copies_of(work):
    return range(work.first_copy, work.first_copy + work.copies)


@pytest.mark.parametrize(
    ("paths", "count", "words"),
    [
        (["cat/0.png", "cat/1.png", "dog/0.png"], 1, "no image is left out"),
        (["cat/0.png", "loose.png"], None, "1 images lie in no class folder"),
        (["train/cat/0.png", "test/cat/0.png"], None, "train, test are splits"),
    ],
)
def test_what_cannot_be_balanced_is_refused(paths, count, words):
    with pytest.raises(DatasetError, match=words):
        plan_balance(digests_of(*paths), count, 0)


def test_pieces_hold_all_copies_once_and_the_image_itself_once():
    work = Work("a.png", "a", 40, 5, is_kept=True)

    pieces = [one for (one,) in cut([work], {"a.png": 100})]

    assert [16, 16, 8] == [piece.copies for piece in pieces]
    assert outputs_of([work]) == outputs_of(pieces)


def test_copies_of_large_files_are_made_one_by_one():
    work = Work("a.png", "a", 3, 0, is_kept=False)

    assert 3 == len(list(cut([work], {"a.png": 20 * MIB})))


def test_an_image_without_copies_is_a_piece_of_its_own():
    work = Work("a.png", "a", 0, 0, is_kept=True)

    assert [[work]] == list(cut([work], {"a.png": 0}))


def test_images_are_mixed_in_groups_from_all_over_the_folder():
    works = plan_copies([f"{name}/{number}.png" for name in "ab" for number in range(5)], 30, 0, keep=False)
    sizes = {work.path: 10 for work in works}

    pieces = list(cut_mixed(works, sizes, most=4, most_bytes=1000))

    groups = {tuple(work.path for work in piece) for piece in pieces}
    assert [3, 3, 4] == sorted(map(len, groups))
    assert all({"a", "b"} == {path[0] for path in group} for group in groups)
    assert sorted(outputs_of(works)) == sorted(outputs_of([work for piece in pieces for work in piece]))


def test_groups_of_large_files_are_small_but_never_of_one():
    works = plan_copies([f"{number}.png" for number in range(6)], 1, 0, keep=False)
    sizes = {work.path: 10 for work in works}

    assert [3, 3] == [len(piece) for piece in cut_mixed(works, sizes, most=64, most_bytes=30)]
    assert [2, 2, 2] == [len(piece) for piece in cut_mixed(works, sizes, most=64, most_bytes=1)]
    with pytest.raises(DatasetError, match="at least two"):
        list(cut_mixed(works[:1], sizes, most=64, most_bytes=30))
