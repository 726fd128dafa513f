import json

import pytest

from app.cli.augment_folder import FACTS, JOURNAL, METADATA, OutputFolder
from app.core.errors import DatasetError, ExportError

WANTED = {"seed": 5, "format": "png"}


def describe(name, *, copy=0, trace=(), digest="x", num_bytes=4):
    place = {"file_name": name, "source_file_name": name[0], "copy": copy, "patch": None if copy is None else 0}
    return place | {"num_bytes": num_bytes, "source_sha256": digest, "trace": list(trace)}


@pytest.fixture
def folder(tmp_path):
    folder = OutputFolder(tmp_path)
    folder.begin(WANTED)
    return folder


def reopen(path):
    folder = OutputFolder(path)
    folder.begin(WANTED)
    return folder


def put(folder, document, data=b"1234"):
    folder.write(document["file_name"], data)
    folder.enter([document])


def test_a_new_folder_says_what_is_written(folder, tmp_path):
    assert WANTED == json.loads((tmp_path / FACTS).read_text())
    assert 5 == OutputFolder(tmp_path).seed


def test_an_empty_folder_has_no_seed_and_parts_of_killed_runs_are_nothing(tmp_path):
    (tmp_path / ".fount-part-0").touch()

    assert OutputFolder(tmp_path).seed is None


@pytest.mark.parametrize("text", ["", "[]", "{"])
def test_a_folder_with_other_files_is_refused(tmp_path, text):
    (tmp_path / FACTS).write_text(text)

    with pytest.raises(DatasetError, match="another folder"):
        OutputFolder(tmp_path)


def test_a_folder_of_others_is_refused(tmp_path):
    (tmp_path / "mine.txt").touch()

    with pytest.raises(DatasetError, match="files of others"):
        OutputFolder(tmp_path)


def test_outputs_of_another_command_are_refused(folder, tmp_path):
    with pytest.raises(DatasetError, match="seed differ"):
        OutputFolder(tmp_path).begin(WANTED | {"seed": 6})


def test_what_was_written_is_found_again(folder, tmp_path):
    put(folder, describe("a/b/0.png"))

    again = reopen(tmp_path)

    assert not folder.has(["a/b/1.png"], "x")
    assert again.has(["a/b/0.png"], "x")
    assert not again.has(["a/b/0.png", "a/b/1.png"], "x")
    assert not again.has(["a/b/0.png"], "of an image that changed")


@pytest.mark.parametrize(
    "spoil", [lambda path: path.unlink(), lambda path: path.write_bytes(b"123")], ids=["gone", "cut"]
)
def test_what_is_gone_or_cut_off_is_not_found(folder, tmp_path, spoil):
    put(folder, describe("a.png"))

    spoil(tmp_path / "a.png")

    assert not reopen(tmp_path).has(["a.png"], "x")


def test_a_line_that_a_kill_cut_off_costs_no_other(folder, tmp_path):
    put(folder, describe("a.png"))
    with (tmp_path / JOURNAL).open("a") as journal:
        journal.write('{"file_name": "b')

    put(reopen(tmp_path), describe("c.png"))

    assert reopen(tmp_path).has(["a.png", "c.png"], "x")


def test_lines_are_sorted_by_image_and_copy_whatever_was_done_first(folder, tmp_path):
    for copy, name in [(10, "a10.png"), (2, "a2.png"), (None, "a.png"), (0, "b0.png")]:
        put(folder, describe(name, copy=copy, trace=[copy]))

    numbers = folder.finish()

    lines = [json.loads(line) for line in (tmp_path / METADATA).read_text().splitlines()]
    assert (4, 0) == numbers
    assert ["a.png", "a2.png", "a10.png", "b0.png"] == [line["file_name"] for line in lines]
    assert not (tmp_path / JOURNAL).exists()
    assert reopen(tmp_path).has(["a.png", "b0.png"], "x")


def test_outputs_that_show_the_same_are_counted(folder):
    for number, digest, trace in [(0, "x", [1]), (1, "x", [1]), (2, "y", [1]), (3, "x", [2])]:
        put(folder, describe(f"a{number}.png", copy=number, digest=digest, trace=trace))

    assert (4, 1) == folder.finish()


def test_a_file_that_cannot_be_written_is_told_and_leaves_nothing(folder, tmp_path):
    (tmp_path / "a").touch()

    with pytest.raises(ExportError, match=r"a/0\.png"):
        folder.write("a/0.png", b"1234")

    assert {"a", FACTS, JOURNAL} == {path.name for path in tmp_path.iterdir()}
